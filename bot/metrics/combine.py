"""Several venues' values become one: summed, their median, or weighted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import fsum, inf, isfinite
from statistics import median
from typing import Literal

from msgspec import Struct

from bot.domain.catalog import Measured, Unknown
from bot.reasons import reason


class WeighedValue(Struct, frozen=True, kw_only=True):
    """One venue's value: when it was observed, and what it weighs (None: not known)."""

    value: float
    observed_at: datetime
    weight: float | None = None


def combine(
    how: Literal["sum", "median", "weighted"], parts: Mapping[str, WeighedValue], asked: Sequence[str]
) -> Measured | Unknown:
    """The aggregate over the venues in `parts`, as old as the oldest of them; `asked` names the venues that should
    tell it.

    A value that is not a number is left out. A venue of unknown weight has no part in a weighted aggregate of
    several venues, and is not among its `venues`."""
    expected = set(asked) | set(parts)
    own = parts = {venue: part for venue, part in parts.items() if isfinite(part.value)}
    if not parts:
        return Unknown(reason=reason("no_value"))
    if how == "weighted" and len(parts) > 1:
        own = {venue: part for venue, part in parts.items() if part.weight and 0.0 < part.weight < inf}
        if not own:
            return Unknown(reason=reason("no_weight"))
    return Measured(
        value=_value(how, list(own.values())),
        observed_at=min(part.observed_at for part in own.values()),
        venues=tuple(sorted(own)),
        of_venues=len(expected),
        missing=tuple(sorted(expected - set(own))),
        by_venue={venue: part.value for venue, part in sorted(parts.items())},
    )


def _value(how: str, parts: list[WeighedValue]) -> float:
    if how == "sum":
        return fsum(part.value for part in parts)
    if how == "median" or len(parts) == 1:
        return median(part.value for part in parts)
    weights = [part.weight or 0.0 for part in parts]
    return fsum(weight * part.value for weight, part in zip(weights, parts, strict=True)) / fsum(weights)
