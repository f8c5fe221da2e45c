"""Who follows what: subscriptions with their settings, and the alert memory of each route."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import upsert
from bot.archive.outbox import drop
from bot.archive.schema import channels, posts, stories, subscriptions
from bot.domain.posts import Post, Profile, Route, Subscription
from bot.errors import InputError

# rules.md: each profile is a story, a picture and a state of its own.
PROFILES = 50
# A slot that was missed for longer than this is not made up for: nobody reads it.
LOOK_BACK = timedelta(days=3)

Slots = Callable[[Sequence[str], str, datetime, datetime], Sequence[datetime]]
"""The slots of some times of day in a zone, after one time and up to another, ascending."""


async def subscribe(connection: AsyncConnection, wish: Subscription) -> None:
    """Add a subscription, or change its settings; what the channel was last told stays. Raises InputError at 50 profiles."""
    await _room_for(connection, wish)
    known = upsert(connection, channels).values(channel=wish.channel, guild_id=wish.guild_id)
    changed = {"guild_id": known.excluded.guild_id}
    await connection.execute(known.on_conflict_do_update(index_elements=["channel"], set_=changed))
    row = {
        "channel": wish.channel,
        "asset": wish.asset,
        "created_at": wish.created_at,
        "profile_id": wish.profile.id,
        "profile": encode(wish.profile),
        "post_at": encode(wish.post_at),
        "zone": wish.zone,
        "alerts": wish.alerts,
        "quiet_from": wish.quiet[0] if wish.quiet else None,
        "quiet_to": wish.quiet[1] if wish.quiet else None,
        "snoozed_until": wish.snoozed_until,
        "paused_at": wish.paused_at,
        "severity": wish.severity,
        "weekly": wish.weekly,
    }
    memory = {"last_slot_at": wish.last_slot_at, "alerted_at": "[]", "suppressed": 0}
    statement = upsert(connection, subscriptions).values(row | memory)
    kept = {name: statement.excluded[name] for name in row if name not in ("channel", "asset")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["channel", "asset"], set_=kept))


async def unsubscribe(connection: AsyncConnection, channel: str, asset: str | None = None) -> int:
    """Remove a channel's subscription of one asset, or all of them and what is still unsent: how many were removed."""
    gone = delete(subscriptions).where(subscriptions.c.channel == channel)
    if asset is not None:
        gone = gone.where(subscriptions.c.asset == asset)
    else:
        await drop(connection, channel)
    return (await connection.execute(gone)).rowcount


async def listed(
    connection: AsyncConnection, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
) -> tuple[Subscription, ...]:
    """Subscriptions, by channel and asset."""
    wanted = select(subscriptions, channels.c.guild_id).join(channels, channels.c.channel == subscriptions.c.channel)
    if channel is not None:
        wanted = wanted.where(subscriptions.c.channel == channel)
    if asset is not None:
        wanted = wanted.where(subscriptions.c.asset == asset)
    if guild_id is not None:
        wanted = wanted.where(channels.c.guild_id == guild_id)
    rows = await connection.execute(wanted.order_by(subscriptions.c.channel, subscriptions.c.asset))
    return tuple(_subscription(row) for row in rows)


async def profiles(connection: AsyncConnection, asset: str) -> tuple[Profile, ...]:
    """The default profile, then those of the asset's subscriptions, by id."""
    wanted = select(subscriptions.c.profile_id, subscriptions.c.profile).where(subscriptions.c.asset == asset)
    rows = await connection.execute(wanted.order_by(subscriptions.c.profile_id, subscriptions.c.channel))
    found = {Profile().id: Profile()}
    for name, text in rows:
        if name not in found:
            found[name] = decode(text, Profile, f"profile {name}")
    return tuple(found.values())


async def routes(connection: AsyncConnection, asset: str, profile: Profile) -> tuple[Route, ...]:
    """The routes of one asset and profile that are not paused, with their alert memory, by channel."""
    wanted = select(subscriptions).where(
        subscriptions.c.asset == asset, subscriptions.c.profile_id == profile.id, subscriptions.c.paused_at.is_(None)
    )
    return tuple(_route(row) for row in await connection.execute(wanted.order_by(subscriptions.c.channel)))


async def remember(
    connection: AsyncConnection, asset: str, profile: Profile, told: Sequence[Route], sent: Sequence[Post]
) -> None:
    """Keep what the routes were told, and which slots were served. Settings stay: a reader may have changed them meanwhile."""
    known = {route.channel: _memory(route) for route in await routes(connection, asset, profile)}
    changed = [
        {"for_channel": route.channel} | _memory(route)
        for route in told
        if route.channel in known and _memory(route) != known[route.channel]
    ]
    here = subscriptions.c.asset == asset, subscriptions.c.channel == bindparam("for_channel")
    if changed:
        columns: dict[str, Any] = {name: bindparam(name) for name in changed[0] if name != "for_channel"}
        await connection.execute(update(subscriptions).where(*here).values(columns), changed)
    for reason, column in (("scheduled", "last_slot_at"), ("weekly", "last_weekly_at")):
        served = [{"for_channel": post.channel, "slot": post.intended_at} for post in sent if post.reason == reason]
        if served:
            await connection.execute(update(subscriptions).where(*here).values({column: bindparam("slot")}), served)


async def due(connection: AsyncConnection, asset: str, at: datetime, slots: Slots) -> dict[str, datetime]:
    """The channels whose scheduled post of the asset is due, and its slot: the last one since the last that was served."""
    wanted = select(
        subscriptions.c.channel, subscriptions.c.post_at, subscriptions.c.zone, subscriptions.c.created_at,
        subscriptions.c.last_slot_at,
    ).where(subscriptions.c.asset == asset, subscriptions.c.paused_at.is_(None))  # fmt: skip
    newest: dict[tuple[str, str], datetime | None] = {}
    found: dict[str, datetime] = {}
    for row in await connection.execute(wanted.order_by(subscriptions.c.channel)):
        times = row.post_at, row.zone
        if times not in newest:
            passed = slots(decode(row.post_at, tuple[str, ...], "post times"), row.zone, at - LOOK_BACK, at)
            newest[times] = passed[-1] if passed else None
        slot = newest[times]
        served = max(row.created_at, row.last_slot_at or row.created_at)
        if slot is not None and slot > served:
            found[row.channel] = slot
    return found


async def due_weekly(
    connection: AsyncConnection, asset: str, at: datetime, slots: Slots, times: Sequence[str]
) -> dict[str, datetime]:
    """The channels whose weekly review of the asset is due, and its slot. `times` are the same for all, in each one's zone."""
    wanted = select(
        subscriptions.c.channel, subscriptions.c.zone, subscriptions.c.created_at, subscriptions.c.last_weekly_at
    ).where(subscriptions.c.asset == asset, subscriptions.c.paused_at.is_(None), subscriptions.c.weekly)
    newest: dict[str, datetime | None] = {}
    found: dict[str, datetime] = {}
    for row in await connection.execute(wanted.order_by(subscriptions.c.channel)):
        if row.zone not in newest:
            passed = slots(times, row.zone, at - LOOK_BACK, at)
            newest[row.zone] = passed[-1] if passed else None
        slot = newest[row.zone]
        if slot is not None and slot > max(row.created_at, row.last_weekly_at or row.created_at):
            found[row.channel] = slot
    return found


async def change(connection: AsyncConnection, channel: str, **values: object) -> int:
    """Set columns of all of a channel's subscriptions: how many there are."""
    statement = update(subscriptions).where(subscriptions.c.channel == channel)
    return (await connection.execute(statement.values(**values))).rowcount


async def forget_guild(connection: AsyncConnection, guild_id: str) -> int:
    """Remove every row about a server: its subscriptions, its channels, the posts made for them. How many channels."""
    mine = select(channels.c.channel).where(channels.c.guild_id == guild_id)
    await connection.execute(delete(subscriptions).where(subscriptions.c.channel.in_(mine)))
    await connection.execute(delete(posts).where(posts.c.channel.in_(mine)))
    await connection.execute(delete(stories).where(stories.c.id.not_in(select(posts.c.story_id))))
    return (await connection.execute(delete(channels).where(channels.c.guild_id == guild_id))).rowcount


async def _room_for(connection: AsyncConnection, wish: Subscription) -> None:
    others = select(subscriptions.c.profile_id).where(subscriptions.c.channel != wish.channel).distinct()
    known = set((await connection.execute(others)).scalars()) | {Profile().id}
    if wish.profile.id not in known and len(known) >= PROFILES:
        raise InputError(f"ranges: {PROFILES} different settings are in use already; choose the usual ranges")


def _memory(route: Route) -> dict[str, object]:
    return {
        "last_stance": route.last_stance,
        "last_severity": route.last_severity,
        "last_alert_at": route.last_alert_at,
        "alerted_at": encode(route.alerted_at),
        "suppressed": route.suppressed,
        "subjects": encode(route.subjects),
        "waiting": route.waiting,
        "held_until": route.held_until,
    }


def _route(row: Row[Any]) -> Route:
    return Route(
        channel=row.channel,
        alerts=bool(row.alerts),
        last_stance=row.last_stance,
        last_severity=row.last_severity,
        last_alert_at=row.last_alert_at,
        alerted_at=decode(row.alerted_at, tuple[datetime, ...], f"route {row.channel}"),
        snoozed_until=row.snoozed_until,
        quiet=_quiet(row),
        zone=row.zone,
        suppressed=row.suppressed,
        severity=row.severity or "info",
        subjects=decode(row.subjects or "[]", tuple[str, ...], f"route {row.channel}"),
        waiting=row.waiting,
        held_until=row.held_until,
    )


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        channel=row.channel,
        asset=row.asset,
        created_at=row.created_at,
        profile=decode(row.profile, Profile, f"profile of {row.channel}"),
        post_at=decode(row.post_at, tuple[str, ...], f"post times of {row.channel}"),
        zone=row.zone,
        alerts=bool(row.alerts),
        quiet=_quiet(row),
        guild_id=row.guild_id,
        snoozed_until=row.snoozed_until,
        last_slot_at=row.last_slot_at,
        paused_at=row.paused_at,
        weekly=bool(row.weekly),
        severity=row.severity or "info",
    )


def _quiet(row: Row[Any]) -> tuple[int, int] | None:
    return None if row.quiet_from is None or row.quiet_to is None else (row.quiet_from, row.quiet_to)
