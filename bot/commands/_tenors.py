"""The tenors of a family of metrics: which there are, which one is meant."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache

from bot.commands._expiries import expiry_named, expiry_time, heard_ms, suggest_expiries, young_chains
from bot.desk.market import Market
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.metrics.smile import DAY_MS
from bot.reasons import reason

UNITS = {"": 1, "d": 1, "w": 7, "s": 7, "m": 30, "y": 365, "a": 365}
"""What a tenor may end in, and its days: the trade's month has thirty."""
DISTANCE = re.compile(
    r"(\d{1,4})\s*(?:(d|w|s|m|y|a)|d(?:ays?|ías?|ias?)|(w)(?:eeks?|k)|(s)emanas?|(m)(?:o|onths?|es(?:es)?)|(y)(?:r|ears?)|(a)ños?)?"
)
EXPIRES_AT = time(8, tzinfo=UTC)
LONGEST_DAYS = 3650.0


def days_typed(market: Market, asset: str, typed: str) -> float:
    """How many days ahead is meant by "45", "45d", "2w", "6m", an expiry ("27mar") or a date ("2026-03-27": 08:00 UTC of
    it). Raises InputError."""
    plain = typed.strip().lower()
    days: float | None = None
    chain = next(iter(young_chains(market, asset)), None)
    since_ms = heard_ms(chain) if chain is not None else market.now().timestamp() * 1000
    if distance := DISTANCE.fullmatch(plain):
        unit = next((one for one in distance.groups()[1:] if one), "")
        days = float(int(distance[1]) * UNITS[unit])
    else:
        known = sorted({expiry_time(one) for one in (chain.expires_ms.tolist() if chain is not None else ())})
        try:
            at = datetime.combine(date.fromisoformat(plain), EXPIRES_AT)
        except ValueError:
            at = expiry_named(plain, known, market.now())
        days = (at.timestamp() * 1000 - since_ms) / DAY_MS
    if not 0.0 < days <= LONGEST_DAYS:
        raise InputError(reason("unknown_tenor", typed=typed, known=", ".join(tenors(market, "skew"))))
    return days


def suggest_distances(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """The tenors of the skew, and the expiries that are listed."""
    return [*suggest_tenors("skew")(market, profile, typed), *suggest_expiries(market, profile, typed)][:25]


def tenors(market: Market, family: str) -> Mapping[str, str]:
    """The tenors of a family of metrics in days as a reader types them ("60"), and the metric of each
    (`skew_60d_pct`)."""
    return dict(_tenors_among(tuple(market.playbook.catalog.metrics), family))


@lru_cache(maxsize=16)
def _tenors_among(metrics: tuple[str, ...], family: str) -> tuple[tuple[str, str], ...]:
    pattern = re.compile(rf"{family}_(\d+)d_pct")
    found = [(match[1], name) for name in metrics if (match := pattern.fullmatch(name))]
    return tuple(sorted(found, key=lambda one: int(one[0])))


def metric_of(market: Market, family: str, typed: str | None) -> str:
    """The metric of the typed tenor ("60", "60d"), of the one that the rules judge by if nothing was typed.
    Raises InputError."""
    known = tenors(market, family)
    if not known:
        raise InputError(reason("no_such_metric", metric=family))
    if not typed:
        judged = [ladder.fact for ladder in market.playbook.rules.ladders.values()]
        return next((name for name in judged if name in known.values()), next(iter(known.values())))
    name = known.get(re.sub(r"\s*d(ays?)?$", "", typed.strip().lower()))
    if name is None:
        raise InputError(reason("unknown_tenor", typed=typed, known=", ".join(known)))
    return name


def suggest_tenors(family: str) -> Callable[[Market, Profile, str], Sequence[str]]:
    """What may be typed for the tenor of a family."""

    def suggest(market: Market, profile: Profile, typed: str) -> Sequence[str]:
        return [days for days in tenors(market, family) if days.startswith(typed.strip())]

    return suggest
