"""How past verdicts did: for each change of stance what the price did afterwards, beside what it did at any
time. Pure.

Formula: a call is a change of stance. It was right at a horizon of h days where the price h days later is on
the side that the stance claims. Hit rate = right calls / calls; base rate = the same share over every hour of
the same stretch of time, call or no call. Interval: 90%, by Wilson, over windows of h days that do not
overlap (calls are taken in the order of time; one that falls into the window of the last taken one is left
out). Not a block bootstrap: calls bunch in storms, a dozen blocks cannot be drawn from honestly, and a draw
needs a seed. Each edition of the rules has rows of its own. Source: Wilson, Probable Inference, the Law of
Succession, and Statistical Inference, JASA 22 (1927)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import Annotated, Literal

from msgspec import Struct, field
from pydantic import Field

from bot.domain.facts import Series
from bot.domain.files import FileShape, read_shape
from bot.domain.judgement import Call
from bot.domain.rulebook import Stance
from bot.errors import ConfigError, Problem

CONFIDENCE = 0.90
HOUR = timedelta(hours=1)
Right = Literal["lower", "higher", "within"]


class Claim(Struct, frozen=True, kw_only=True):
    """What a stance claims of the price afterwards; `within_pct` has a figure a horizon."""

    stance: Stance
    right: Right
    within_pct: Mapping[int, float] = field(default_factory=dict)

    def holds(self, move_pct: float, days: int) -> bool:
        """Whether a move over so many days is what was claimed."""
        if self.right == "within":
            return abs(move_pct) <= self.within_pct[days]
        return move_pct < 0 if self.right == "lower" else move_pct > 0


class RecordSettings(Struct, frozen=True, kw_only=True):
    """How the record is taken: config/record.toml."""

    horizons_days: tuple[int, ...]
    least: int
    price_max_age: timedelta
    claims: tuple[Claim, ...]


class RecordRow(Struct, frozen=True, kw_only=True):
    """One stance at one horizon under one edition of the rules. `calls` counts all whose window is over, `n`
    those that do not overlap; rates are in percent, and None where there are too few (`base_pct`: where there
    is no hour at all)."""

    stance: Stance
    days: int
    rules: str
    calls: int
    n: int
    hit_pct: float | None
    low_pct: float | None
    high_pct: float | None
    base_pct: float | None


class Prices(Struct, frozen=True):
    """Spot as columns: when each value was known, and the value."""

    known_ms: tuple[float, ...]
    usd: tuple[float, ...]
    max_age_ms: float

    @classmethod
    def of(cls, spot: Series, max_age: timedelta) -> "Prices":
        """The prices in a series of `spot_usd`."""
        rows = sorted(
            (at_ms + 1000.0 * covers_s, usd)
            for at_ms, covers_s, usd in zip(spot.at_ms, spot.covers_s, spot.value, strict=True)
        )
        return cls(
            tuple(at for at, _ in rows), tuple(usd for _, usd in rows), max_age.total_seconds() * 1000.0
        )

    def at(self, when: datetime) -> float | None:
        """The last price known by then, in USD; None where it is too old."""
        ms = when.timestamp() * 1000.0
        place = bisect_right(self.known_ms, ms) - 1
        return self.usd[place] if place >= 0 and ms - self.known_ms[place] <= self.max_age_ms else None

    def move_pct(self, since: datetime, days: int) -> float | None:
        """The price's change over so many days in percent; None where an end is not known (yet)."""
        first, last = self.at(since), self.at(since + timedelta(days=days))
        return None if first is None or last is None else (last / first - 1.0) * 100.0


class _ClaimShape(FileShape):
    """One table `[[stance]]`."""

    id: Stance
    right: Right
    within_pct: tuple[float, ...] = Field((), strict=False)


class _RecordShape(FileShape):
    """config/record.toml."""

    horizons_days: tuple[Annotated[int, Field(gt=0)], ...] = Field(strict=False)
    least: Annotated[int, Field(gt=0)]
    price_max_age_h: Annotated[float, Field(gt=0)]
    stance: tuple[_ClaimShape, ...] = Field(strict=False)


def parse_manner(text: str, file: str = "record.toml") -> RecordSettings:
    """config/record.toml as a value. Raises ConfigError with every problem."""
    told = read_shape(_RecordShape, text, file)
    problems = [
        Problem(file=file, id=claim.id, reason="within_pct needs one figure a horizon")
        for claim in told.stance
        if claim.right == "within" and len(claim.within_pct) != len(told.horizons_days)
    ]
    if problems:
        raise ConfigError(problems)
    claims = (
        Claim(
            stance=claim.id,
            right=claim.right,
            within_pct=dict(zip(told.horizons_days, claim.within_pct, strict=False)),
        )
        for claim in told.stance
    )
    return RecordSettings(
        horizons_days=told.horizons_days,
        least=told.least,
        price_max_age=timedelta(hours=told.price_max_age_h),
        claims=tuple(claims),
    )


def changes(calls: Sequence[Call]) -> tuple[Call, ...]:
    """The calls that changed the stance. The first one only says where the record begins, and new rules alone
    change nothing."""
    return tuple(call for before, call in pairwise(calls) if call.stance != before.stance)


def record(
    calls: Sequence[Call], prices: Prices, manner: RecordSettings, until: datetime
) -> tuple[RecordRow, ...]:
    """A row for each edition of the rules, stance and horizon, editions in the order of time. `until` is
    where the record ends: the base rate is taken from the first call to then."""
    editions = list(dict.fromkeys(call.rules for call in calls))
    found: list[RecordRow] = []
    for number, rules in enumerate(editions):
        own = [call for call in calls if call.rules == rules]
        later = [call.at for call in calls if call.rules in editions[number + 1 :]]
        stretch = (own[0].at, min(later, default=until))
        mine = [call for call in changes(calls) if call.rules == rules]
        for claim in manner.claims:
            found += [
                _row(claim, days, mine, prices, manner, rules=rules, stretch=stretch)
                for days in manner.horizons_days
            ]
    return tuple(found)


def _row(
    claim: Claim,
    days: int,
    calls: Iterable[Call],
    prices: Prices,
    manner: RecordSettings,
    *,
    rules: str,
    stretch: tuple[datetime, datetime],
) -> RecordRow:
    moves = [
        (call.at, move)
        for call in calls
        if call.stance == claim.stance and (move := prices.move_pct(call.at, days)) is not None
    ]
    apart = _apart(moves, timedelta(days=days))
    hits = sum(claim.holds(move, days) for move in apart)
    enough = len(apart) >= manner.least
    low, high = interval(hits, len(apart)) if enough else (None, None)
    return RecordRow(
        stance=claim.stance,
        days=days,
        rules=rules,
        calls=len(moves),
        n=len(apart),
        hit_pct=100.0 * hits / len(apart) if enough else None,
        low_pct=low,
        high_pct=high,
        base_pct=base_rate(claim, days, prices, stretch),
    )


def _apart(moves: Iterable[tuple[datetime, float]], window: timedelta) -> list[float]:
    """The moves whose windows do not overlap, the earliest first."""
    kept: list[float] = []
    free_at: datetime | None = None
    for at, move in moves:
        if free_at is None or at >= free_at:
            kept.append(move)
            free_at = at + window
    return kept


def base_rate(claim: Claim, days: int, prices: Prices, stretch: tuple[datetime, datetime]) -> float | None:
    """How often the claim would have been right, in percent, taken at every hour of a stretch; None where no
    hour has both prices."""
    right = hours = 0
    at = stretch[0]
    while at <= stretch[1]:
        move = prices.move_pct(at, days)
        if move is not None:
            hours += 1
            right += claim.holds(move, days)
        at += HOUR
    return 100.0 * right / hours if hours else None


def interval(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 90% interval of a share, in percent."""
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    middle = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * sqrt(hits * (n - hits) / n + z * z / 4)
    return 100.0 * max(middle - half, 0.0), 100.0 * min(middle + half, 1.0)
