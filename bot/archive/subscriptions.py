"""Who follows what: subscriptions with their settings, and the alert memory of each route."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.outbox import SqlOutbox
from bot.archive.schema import channels, posts, stories, subscriptions
from bot.domain.posts import Decision, Profile, Route, Subscription
from bot.errors import InputError
from bot.reasons import reason

log = structlog.get_logger()

# rules.md: each profile is a story, a picture and a state of its own.
PROFILES = 50
# A slot that was missed for longer than this is not made up for: nobody reads it.
LOOK_BACK = timedelta(days=3)
AHEAD = timedelta(days=1)

Slots = Callable[[Sequence[str], str, datetime, datetime], Sequence[datetime]]
"""The slots of some times of day in a zone, after one time and up to another, ascending."""


class SqlSubscriptions:
    """The tables of channels and subscriptions."""

    def __init__(self, database: Database, outbox: SqlOutbox) -> None:
        self._database = database
        self._outbox = outbox
        self._odd: set[tuple[str, str]] = set()

    @run_to_the_end
    async def find(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        """Subscriptions, by channel and asset."""
        wanted = select(subscriptions, channels.c.guild_id).join(
            channels, channels.c.channel == subscriptions.c.channel
        )
        if channel is not None:
            wanted = wanted.where(subscriptions.c.channel == channel)
        if asset is not None:
            wanted = wanted.where(subscriptions.c.asset == asset)
        if guild_id is not None:
            wanted = wanted.where(channels.c.guild_id == guild_id)
        wanted = wanted.order_by(subscriptions.c.channel, subscriptions.c.asset)
        async with self._database.read("subscriptions") as connection:
            return tuple(_subscription(row) for row in await connection.execute(wanted))

    @run_to_the_end
    async def add(self, wish: Subscription) -> None:
        """Add a subscription, or change its settings; what the channel was last told stays. Raises InputError
        where no further profile fits."""
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
            "muted_moves": encode(wish.muted_moves) if wish.muted_moves else None,
            "weekly": wish.weekly,
        }
        memory = {"last_slot_at": wish.last_slot_at, "alerted_at": "[]", "suppressed": 0}
        async with self._database.write(f"subscription of {wish.channel}") as connection:
            await _check_room(connection, wish)
            known = upsert(connection, channels).values(channel=wish.channel, guild_id=wish.guild_id)
            moved = {"guild_id": known.excluded.guild_id}
            await connection.execute(known.on_conflict_do_update(index_elements=["channel"], set_=moved))
            statement = upsert(connection, subscriptions).values(row | memory)
            kept = {name: statement.excluded[name] for name in row if name not in ("channel", "asset")}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["channel", "asset"], set_=kept)
            )

    @run_to_the_end
    async def remove(self, channel: str, asset: str | None = None) -> int:
        """End one subscription of a channel, or all of them and what is unsent to it: how many ended."""
        gone = delete(subscriptions).where(subscriptions.c.channel == channel)
        if asset is not None:
            gone = gone.where(subscriptions.c.asset == asset)
        async with self._database.write(f"subscription of {channel}") as connection:
            if asset is None:
                await self._outbox.drop(connection, channel)
            return (await connection.execute(gone)).rowcount

    @run_to_the_end
    async def pause(self, channel: str, at: datetime | None) -> None:
        """Neither post nor alert in a channel, from a time on; None ends it."""
        await self._change(channel, paused_at=at)

    @run_to_the_end
    async def snooze(self, channel: str, until: datetime | None) -> int:
        """No alerts in a channel until a time; None ends it. How many subscriptions the channel has."""
        return await self._change(channel, snoozed_until=until)

    @run_to_the_end
    async def forget_guild(self, guild_id: str) -> int:
        """Remove every row about a server: its subscriptions, its channels, the posts made for them. How many
        channels it had."""
        mine = select(channels.c.channel).where(channels.c.guild_id == guild_id)
        async with self._database.write("forgetting a server") as connection:
            await connection.execute(delete(subscriptions).where(subscriptions.c.channel.in_(mine)))
            await connection.execute(delete(posts).where(posts.c.channel.in_(mine)))
            await connection.execute(delete(stories).where(stories.c.id.not_in(select(posts.c.story_id))))
            gone = await connection.execute(delete(channels).where(channels.c.guild_id == guild_id))
            return gone.rowcount

    @run_to_the_end
    async def profiles(self, asset: str) -> Sequence[Profile]:
        """The default profile, then those of the asset's subscriptions, by id."""
        wanted = select(subscriptions.c.profile_id, subscriptions.c.profile).where(
            subscriptions.c.asset == asset
        )
        found = {Profile().id: Profile()}
        async with self._database.read(f"profiles of {asset}") as connection:
            rows = await connection.execute(
                wanted.order_by(subscriptions.c.profile_id, subscriptions.c.channel)
            )
            for name, text in rows:
                if name not in found:
                    found[name] = decode(text, Profile, f"profile {name}")
        return tuple(found.values())

    @run_to_the_end
    async def due_slots(self, asset: str, at: datetime, slots: Slots) -> Mapping[str, datetime]:
        """The channels whose scheduled post is due, and the slot: the last one that was not served yet."""
        wanted = select(
            subscriptions.c.channel,
            subscriptions.c.post_at,
            subscriptions.c.zone,
            subscriptions.c.created_at,
            subscriptions.c.last_slot_at,
        ).where(subscriptions.c.asset == asset, subscriptions.c.paused_at.is_(None))
        newest: dict[tuple[str, str], datetime | None] = {}
        found: dict[str, datetime] = {}
        async with self._database.read(f"slots of {asset}") as connection:
            for row in await connection.execute(wanted.order_by(subscriptions.c.channel)):
                times = row.post_at, row.zone
                if times not in newest:
                    post_at = decode(row.post_at, tuple[str, ...], "post times")
                    newest[times] = self._newest(slots, post_at, row.zone, at, row.channel)
                slot = newest[times]
                if slot is not None and slot > _served_until(at, row.created_at, row.last_slot_at):
                    found[row.channel] = slot
        return found

    @run_to_the_end
    async def due_weekly_slots(
        self, asset: str, at: datetime, slots: Slots, times: Sequence[str]
    ) -> Mapping[str, datetime]:
        """The channels whose weekly review is due, and the slot: the last one that was not served yet.
        `times` are the same for all, in each one's zone."""
        wanted = select(
            subscriptions.c.channel,
            subscriptions.c.zone,
            subscriptions.c.created_at,
            subscriptions.c.last_weekly_at,
        ).where(subscriptions.c.asset == asset, subscriptions.c.paused_at.is_(None), subscriptions.c.weekly)
        newest: dict[str, datetime | None] = {}
        found: dict[str, datetime] = {}
        async with self._database.read(f"slots of {asset}") as connection:
            for row in await connection.execute(wanted.order_by(subscriptions.c.channel)):
                if row.zone not in newest:
                    newest[row.zone] = self._newest(slots, times, row.zone, at, row.channel)
                slot = newest[row.zone]
                if slot is not None and slot > _served_until(at, row.created_at, row.last_weekly_at):
                    found[row.channel] = slot
        return found

    def _newest(
        self, slots: Slots, times: Sequence[str], zone: str, at: datetime, channel: str
    ) -> datetime | None:
        """The last slot up to a time; None where nobody knows the zone or the times any more, which is said once."""
        try:
            found = slots(times, zone, at - LOOK_BACK, at)
        except InputError as error:
            if (channel, zone) not in self._odd:
                self._odd.add((channel, zone))
                log.warning("channel.without_slots", channel=channel, reason=str(error))
            return None
        return found[-1] if found else None

    async def routes(
        self, connection: AsyncConnection, asset: str, profile: Profile | None = None
    ) -> Mapping[str, tuple[Route, ...]]:
        """The routes of one asset (and profile) that are not paused, with their alert memory, for each profile's id by
        channel."""
        wanted = select(subscriptions).where(
            subscriptions.c.asset == asset, subscriptions.c.paused_at.is_(None)
        )
        if profile is not None:
            wanted = wanted.where(subscriptions.c.profile_id == profile.id)
        found: dict[str, list[Route]] = {}
        for row in await connection.execute(wanted.order_by(subscriptions.c.channel)):
            found.setdefault(row.profile_id, []).append(_route(row))
        return {name: tuple(routes) for name, routes in found.items()}

    async def remember(
        self, connection: AsyncConnection, asset: str, decided: Sequence[tuple[Profile, Decision]]
    ) -> None:
        """Keep what the routes of each decision were told, and which slots were served. Settings stay: a reader may
        have changed them meanwhile."""
        only = decided[0][0] if len(decided) == 1 else None
        routes = await self.routes(connection, asset, only)
        known = {(name, route.channel): _memory(route) for name, mine in routes.items() for route in mine}
        told = [
            ((profile.id, route.channel), _memory(route))
            for profile, decision in decided
            for route in decision.state.routes
        ]
        changed = [
            {"for_channel": place[1]} | memory
            for place, memory in told
            if place in known and memory != known[place]
        ]
        here = subscriptions.c.asset == asset, subscriptions.c.channel == bindparam("for_channel")
        if changed:
            columns: dict[str, Any] = {name: bindparam(name) for name in changed[0] if name != "for_channel"}
            await connection.execute(update(subscriptions).where(*here).values(columns), changed)
        for occasion, column in (("scheduled", "last_slot_at"), ("weekly", "last_weekly_at")):
            served = [
                {"for_channel": post.channel, "slot": post.intended_at}
                for _, decision in decided
                for post in decision.posts
                if post.reason == occasion
            ]
            if served:
                change = update(subscriptions).where(*here).values({column: bindparam("slot")})
                await connection.execute(change, served)

    async def _change(self, channel: str, **values: object) -> int:
        """Set columns of all of a channel's subscriptions: how many there are."""
        statement = update(subscriptions).where(subscriptions.c.channel == channel)
        async with self._database.write(f"subscription of {channel}") as connection:
            return (await connection.execute(statement.values(**values))).rowcount


def _served_until(at: datetime, *known: datetime | None) -> datetime:
    """Up to when slots were served. What lies over a day ahead was written by a clock that was wrong by so much
    and has been put right: it would silence the channel until then."""
    return max((time for time in known if time is not None and time - at <= AHEAD), default=at - LOOK_BACK)


async def _check_room(connection: AsyncConnection, wish: Subscription) -> None:
    others = select(subscriptions.c.profile_id).where(subscriptions.c.channel != wish.channel).distinct()
    known = set((await connection.execute(others)).scalars()) | {Profile().id}
    if wish.profile.id not in known and len(known) >= PROFILES:
        raise InputError(reason("settings_full", most=PROFILES))


def _memory(route: Route) -> dict[str, object]:
    return {
        "last_stance": route.last_stance,
        "last_severity": route.last_severity,
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
        alerted_at=decode(row.alerted_at, tuple[datetime, ...], f"route {row.channel}"),
        snoozed_until=row.snoozed_until,
        quiet=_quiet(row),
        zone=row.zone,
        suppressed=row.suppressed,
        severity=row.severity or "info",
        muted_moves=_muted_moves(row),
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
        muted_moves=_muted_moves(row),
    )


def _muted_moves(row: Row[Any]) -> tuple[str, ...]:
    return decode(row.muted_moves or "[]", tuple[str, ...], f"muted moves of {row.channel}")


def _quiet(row: Row[Any]) -> tuple[int, int] | None:
    return None if row.quiet_from is None or row.quiet_to is None else (row.quiet_from, row.quiet_to)
