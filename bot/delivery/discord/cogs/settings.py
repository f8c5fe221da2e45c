"""`/setup`, `/settings`, `/mute`: which channel follows what, and how it is spoken to. For who may manage the server."""

import inspect
import re
import zoneinfo
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Final, get_args

import discord
from discord import app_commands

from bot.commands import Request, run
from bot.delivery.discord.answering import show
from bot.delivery.discord.embed import pages
from bot.delivery.discord.permissions import missing
from bot.delivery.discord.slash import AnyCommand, Interaction, described, managed
from bot.domain.posts import Card, Figure, Profile, Subscription
from bot.domain.rulebook import Ranges, RuleBook, Severity, UsualRange
from bot.domain.story import Length
from bot.errors import InputError
from bot.rules import own_range

if TYPE_CHECKING:
    from bot.delivery.discord.client import TightropeClient

LENGTHS: Final[tuple[Length, ...]] = get_args(Length)
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
RANGE: Final = re.compile(
    r"\s*([a-z][a-z0-9-]*[a-z0-9])\s+(-?\d{1,4}(?:\.\d{1,4})?)%?\s*(?:-|–|to)\s*(-?\d{1,4}(?:\.\d{1,4})?)%?\s*",
    re.ASCII,
)
MOST_TIMES: Final = 6
OFF: Final = "off"
SUGGESTED: Final = 25
LONGEST_MUTE_H: Final = 168

Answering = Callable[..., Coroutine[Any, Any, None]]


def commands(client: "TightropeClient") -> Sequence[AnyCommand]:
    """The three commands."""
    return [_made(client, make(client)) for make in (_setup, _settings, _mute)]


def _setup(client: "TightropeClient") -> Answering:
    async def setup(  # noqa: PLR0913  an option each
        interaction: Interaction,
        *,
        channel: discord.TextChannel | None = None,
        asset: str | None = None,
        at: str | None = None,
        zone: str | None = None,
        length: str | None = None,
        language: str | None = None,
        alerts: bool | None = None,
        severity: str | None = None,
        ranges: str | None = None,
        quiet: str | None = None,
        weekly: bool | None = None,
    ) -> None:
        place = _place(interaction, channel)
        if lacking := missing(place):
            await show(interaction, _lacking(client, place.name, lacking), private=True)
            return
        wish = await _wish(client, interaction, place, client.desk.asset(asset))
        wish = replace(
            wish,
            post_at=wish.post_at if at is None else times(at),
            zone=wish.zone if zone is None else named_zone(zone),
            alerts=wish.alerts if alerts is None else alerts,
            quiet=wish.quiet if quiet is None else hours(quiet),
            weekly=wish.weekly if weekly is None else weekly,
            severity=wish.severity if severity is None else _severity(severity),
            profile=_profile(client, wish.profile, length, language),
        )
        if ranges is not None:
            own = own_ranges(client.desk.playbook.rules, ranges)
            wish = replace(wish, profile=replace(wish.profile, ranges=own))
        await client.keeping.subscribe(wish)
        words = client.desk.bank(wish.profile).words
        card = Card(title=words["discord.setup_done"], body=words["discord.setup_next"], private=True)
        await show(interaction, replace(card, fields=(_figure(client, place.name, wish),)), private=True)
        await _preview(client, interaction, wish)

    app_commands.autocomplete(
        asset=_suggest(client.desk.assets), zone=_suggest(zones()),
        length=_suggest(LENGTHS), language=_suggest(tuple(client.desk.playbook.banks)),
        severity=_suggest(SEVERITIES),
    )(setup)  # fmt: skip
    return setup


def _settings(client: "TightropeClient") -> Answering:
    async def settings(interaction: Interaction, stop: discord.TextChannel | None = None) -> None:
        words = client.desk.playbook.banks["en"].words
        if stop is not None:
            ended = await client.keeping.unsubscribe(f"discord:{stop.id}")
            key = "discord.stopped" if ended else "discord.nothing_here"
            await show(interaction, Card(title=f"#{stop.name}", body=words[key], private=True), private=True)
            return
        here = await client.keeping.subscriptions(guild_id=str(interaction.guild_id))
        figures = tuple(_figure(client, _name(client, wish.channel), wish) for wish in here)
        key = "discord.settings" if here else "discord.no_settings"
        card = Card(title=words["discord.settings_title"], body=words[key], fields=figures, private=True)
        await show(interaction, card, private=True)

    return settings


def _mute(client: "TightropeClient") -> Answering:
    async def mute(
        interaction: Interaction,
        hours: app_commands.Range[int, 0, LONGEST_MUTE_H],
        channel: discord.TextChannel | None = None,
    ) -> None:
        place = _place(interaction, channel)
        words = client.desk.playbook.banks["en"].words
        until = client.desk.now() + timedelta(hours=hours) if hours else None
        known = await client.keeping.snooze(f"discord:{place.id}", until)
        key = "discord.nothing_here" if not known else "discord.muted" if until else "discord.unmuted"
        body = words[key].format(when=f"{until:%Y-%m-%d %H:%M} UTC" if until else "")
        await show(interaction, Card(title=f"#{place.name}", body=body, private=True), private=True)

    return mute


def times(typed: str) -> tuple[str, ...]:
    """Times of day as typed ("9:00, 21:00"; "off" for none), in order. Raises InputError."""
    if typed.strip().lower() == OFF:
        return ()
    found = re.split(r"[\s,;]+", typed.strip())
    for word in found:
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", word):
            raise InputError(f"at {word!r}: times of day such as 09:00, 21:00, or {OFF}")
    if len(set(found)) > MOST_TIMES:
        raise InputError(f"at: at most {MOST_TIMES} times a day")
    return tuple(sorted({word.zfill(5) for word in found}))


def hours(typed: str) -> tuple[int, int] | None:
    """Hours without alerts as typed ("22-7"; "off" for none). Raises InputError."""
    if typed.strip().lower() == OFF:
        return None
    found = re.fullmatch(r"\s*([01]?\d|2[0-3])\s*(?:-|–|to)\s*([01]?\d|2[0-3])\s*", typed)
    if found is None or found[1].zfill(2) == found[2].zfill(2):
        raise InputError(f"quiet {typed!r}: two hours of the day such as 22-7, or {OFF}")
    return int(found[1]), int(found[2])


def own_ranges(book: RuleBook, typed: str) -> Ranges:
    """A server's own usual ranges as typed ("basis 4-9, skew-60d -8 to 8"; "off" for the usual ones). Raises InputError."""
    if typed.strip().lower() == OFF:
        return {}
    found: dict[str, UsualRange] = {}
    for part in re.split(r"[,;]", typed.lower()):
        told = RANGE.fullmatch(part)
        if told is None:
            raise InputError(f"ranges {part.strip()!r}: such as basis 4-9, skew-60d -8 to 8, or {OFF}")
        found[told[1]] = own_range(book, told[1], float(told[2]), float(told[3]))
    return found


def _severity(typed: str) -> Severity:
    wanted = next((one for one in SEVERITIES if one == typed.strip().lower()), None)
    if wanted is None:
        raise InputError(f"severity {typed!r}: one of {', '.join(SEVERITIES)}")
    return wanted


@cache
def zones() -> tuple[str, ...]:
    """Every time zone by name; reading them takes a while."""
    return tuple(sorted(zoneinfo.available_timezones()))


def named_zone(typed: str) -> str:
    """A time zone by its name, whatever its case. Raises InputError."""
    wanted = typed.strip().replace(" ", "_").lower()
    for name in zones():
        if name.lower() == wanted:
            return name
    raise InputError(f"zone {typed!r}: a name such as Europe/Berlin, America/New_York or UTC")


def _profile(client: "TightropeClient", before: Profile, length: str | None, language: str | None) -> Profile:
    for wanted, offered, option in (
        (length, LENGTHS, "length"), (language, tuple(client.desk.playbook.banks), "language")
    ):  # fmt: skip
        if wanted is not None and wanted.strip().lower() not in offered:
            raise InputError(f"{option} {wanted!r}: one of {', '.join(offered)}")
    chosen = next((one for one in LENGTHS if length and one == length.strip().lower()), before.length)
    return replace(before, length=chosen, locale=language.strip().lower() if language else before.locale)


async def _wish(
    client: "TightropeClient", interaction: Interaction, place: discord.TextChannel, asset: str
) -> Subscription:
    """The channel's settings so far, from now on and no longer paused; the usual ones where it has none."""
    channel = f"discord:{place.id}"
    now = client.desk.now()
    known = await client.keeping.subscriptions(channel=channel, asset=asset)
    if known:
        return replace(known[0], created_at=now, paused_at=None)
    return Subscription(channel=channel, asset=asset, created_at=now, guild_id=str(interaction.guild_id))


async def _preview(client: "TightropeClient", interaction: Interaction, wish: Subscription) -> None:
    """What a post would say now."""
    request = Request(options={"asset": wish.asset}, profile=wish.profile, surface="discord", channel=wish.channel)
    card = await client.desk.answer_card(await run(client.desk, client.offered["brief"], request))
    for page in pages(card):
        await interaction.followup.send(embeds=page.embeds, ephemeral=True)


def _figure(client: "TightropeClient", name: str, wish: Subscription) -> Figure:
    words = client.desk.bank(wish.profile).words
    said = {
        "at": ", ".join(wish.post_at) or words["discord.never"],
        "zone": wish.zone,
        "length": wish.profile.length,
        "language": wish.profile.locale,
        "alerts": words["discord.on" if wish.alerts else "discord.off"],
        "weekly": words["discord.on" if wish.weekly else "discord.off"],
        "quiet": f"{wish.quiet[0]:02}:00–{wish.quiet[1]:02}:00" if wish.quiet else words["discord.never"],
    }
    lines = [words["discord.setting"].format(**said)]
    if wish.severity != SEVERITIES[0]:
        lines.append(words["discord.setting_severity"].format(severity=wish.severity))
    if wish.profile.ranges:
        own = (f"{name} {usual.low:g} to {usual.high:g}" for name, usual in sorted(wish.profile.ranges.items()))
        lines.append(words["discord.setting_ranges"].format(ranges=", ".join(own)))
    lines += [words["discord.setting_paused"]] if wish.paused_at else []
    if wish.snoozed_until and wish.snoozed_until > client.desk.now():
        lines.append(words["discord.muted"].format(when=f"{wish.snoozed_until:%Y-%m-%d %H:%M} UTC"))
    return Figure(label=f"#{name}: {wish.asset}", text="\n".join(lines))


def _lacking(client: "TightropeClient", name: str, lacking: Sequence[str]) -> Card:
    words = client.desk.playbook.banks["en"].words
    what = ", ".join(permission.replace("_", " ").title() for permission in lacking)
    return Card(title=f"#{name}", body=words["discord.lacking"].format(what=what), private=True)


def _name(client: "TightropeClient", channel: str) -> str:
    place = client.get_channel(int(channel.removeprefix("discord:")))
    return str(getattr(place, "name", None) or channel)


def _place(interaction: Interaction, channel: discord.TextChannel | None) -> discord.TextChannel:
    place = channel or interaction.channel
    if not isinstance(place, discord.TextChannel):
        raise InputError("channel: a text channel of this server")
    return place


def _suggest(offered: Sequence[str]) -> Callable[..., Coroutine[Any, Any, list[app_commands.Choice[str]]]]:
    async def suggest(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        fitting = [name for name in offered if typed.strip().lower() in name.lower()]
        return [app_commands.Choice(name=name, value=name) for name in fitting[:SUGGESTED]]

    return suggest


def _made(client: "TightropeClient", answering: Answering) -> AnyCommand:
    words = client.desk.playbook.banks["en"].words
    name = answering.__name__

    @wraps(answering)
    async def callback(interaction: Interaction, **typed: Any) -> None:
        try:
            await answering(interaction, **typed)
        except InputError as error:
            refused = await client.desk.answer_card(client.desk.refuse(error, Profile()))
            await show(interaction, refused, private=True)

    options = [option for option in inspect.signature(answering).parameters if option != "interaction"]
    app_commands.describe(**{option: described(words, f"option.{name}.{option}", option) for option in options})(
        callback
    )
    made: AnyCommand = app_commands.Command(
        name=name,
        description=described(words, f"command.{name}", name),
        callback=callback,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
    )
    return managed(made)
