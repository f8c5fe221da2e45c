"""The tenors of a family of metrics: which there are, which one is meant."""

import re
from collections.abc import Callable, Mapping, Sequence

from bot.desk.market import Market
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.reasons import reason


def tenors(market: Market, family: str) -> Mapping[str, str]:
    """The tenors of a family of metrics in days as a reader types them ("60"), and the metric of each
    (`skew_60d_pct`)."""
    pattern = re.compile(rf"{family}_(\d+)d_pct")
    found = {match[1]: name for name in market.playbook.catalog.metrics if (match := pattern.fullmatch(name))}
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


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
