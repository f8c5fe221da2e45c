"""What each control of the setup panel changes: settings in, settings out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, get_args

from bot.commands.typed import read_hours, read_times
from bot.commands.zones import Zones
from bot.commentary.lengths import has_length
from bot.delivery.discord.settings import ChannelSettings, own_ranges
from bot.desk.market import Market
from bot.domain.rulebook import Severity
from bot.domain.story import Length

LENGTHS: Final[tuple[Length, ...]] = get_args(Length)
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
LOUD: Final[tuple[Severity, ...]] = ("alarm", "caution", "watch")

PAUSES: Final[Mapping[str, timedelta | None]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "resumed": None,
}
"""How long a channel may be paused; None: until somebody resumes it."""

Change = Callable[[ChannelSettings, Sequence[str], Market], ChannelSettings]


def lengths(market: Market, locale: str) -> tuple[Length, ...]:
    """The lengths that posts are written at in a language."""
    bank = market.playbook.banks.get(locale)
    return tuple(length for length in LENGTHS if bank is None or has_length(bank.words, length))


def _assets(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    chosen = [asset for asset in market.assets if asset in values]
    return settings.with_assets(chosen, market.now()) if chosen else settings


def _alerts(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    return settings.with_all(alerts=settings.first is None or not settings.first.alerts)


def _weekly(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    return settings.with_all(weekly=settings.first is None or not settings.first.weekly)


def _threads(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    return settings.with_style(threads=not settings.kept.style.threads)


def _publishes(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    return settings.with_style(publishes=not settings.kept.style.publishes)


def _length(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    length = next((one for one in LENGTHS if one in values), None)
    return settings.with_profile(length=length) if length else settings


def _language(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    locale = next((name for name in market.playbook.banks if name in values), None)
    if locale is None or settings.first is None:
        return settings
    offered, length = lengths(market, locale), settings.first.profile.length
    return settings.with_profile(locale=locale, length=length if length in offered else "embed")


def _level(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    severity = next((one for one in SEVERITIES if one in values), None)
    return settings.with_all(severity=severity, alerts=True) if severity else settings


def _moves(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    muted = tuple(name for name in market.playbook.moves if name not in values)
    return settings.with_all(muted_moves=muted)


def _notices(settings: ChannelSettings, values: Sequence[str], market: Market) -> ChannelSettings:
    return settings.with_style(notices=f"discord:{int(values[0])}" if values else None)


CHANGES: Final[Mapping[str, Change]] = {
    "assets": _assets,
    "alerts": _alerts,
    "weekly": _weekly,
    "threads": _threads,
    "publishes": _publishes,
    "length": _length,
    "language": _language,
    "level": _level,
    "moves": _moves,
    "notices": _notices,
}
"""What is pressed or chosen, by the name of its control."""


def change_by_form(
    form: str, settings: ChannelSettings, given: Mapping[str, Sequence[str]], market: Market, zones: Zones
) -> ChannelSettings:
    """What is typed or chosen in a form; a field left empty turns off what it sets. Raises InputError."""
    text = {name: values[0].strip() if values else "" for name, values in given.items()}
    if form == "times":
        return settings.with_all(
            post_at=read_times(text.get("at") or "off"),
            zone=zones.name_of(text.get("zone") or "UTC", market.now()),
            quiet=read_hours(text.get("quiet") or "off"),
        )
    if form == "ranges":
        own = own_ranges(market.playbook.rules, text.get("ranges") or "off")
        return settings.with_profile(ranges=own)
    return settings.with_style(
        pings={severity: given[severity][0] for severity in LOUD if given.get(severity)}
    )
