"""Whether a figure of a venue moved as no other venue's did: a price, a rate, a volatility against its own last believed
value, and against what the others tell.

Rule: a figure is in doubt where it is further from its last believed value than it moves in the time since, no other
venue moved the same way at least half as far, and no other venue tells one like it now; a first one, where it is far from
what all others tell. It is told again when it has stood for three polls (an absurd one for a day), or as soon as it is
confirmed. A funding rate of nothing at all, where others pay, is in doubt however near it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import exp, isfinite, log, nan
from statistics import median
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.chain import OptionChain
from bot.domain.readings import (
    AccountRatio,
    BlockTally,
    FundingRate,
    FutureQuote,
    LiquidationTally,
    Reading,
    SeriesReading,
    SpotQuote,
    VendorOpenInterest,
    VolatilityQuote,
)
from bot.domain.tellings import KnownFigure
from bot.metrics.contracts import ALONE, STAND_POLLS, is_shared, widen

Kind = Literal[
    "premium", "basis", "index", "bar", "level", "funding", "dvol", "iv", "ratio", "vendor", "interval"
]

ALIKE: tuple[frozenset[Kind], ...] = (frozenset({"index", "bar"}), frozenset({"dvol", "iv"}))
"""Kinds that tell the same thing in two ways: each confirms the other."""
TIMES_THREE = log(3.0)
ABSURD: dict[Kind, float] = {"premium": 0.2, "basis": 0.2, "funding": 0.4}
"""How far a figure moves alone in no market: another unit, another asset. It is believed when it has stood for a day."""
ABSURD_STANDS = timedelta(days=1)
LEVELS = frozenset({"gold_usd", "nasdaq_points"})
MONTH_DAYS = (20.0, 45.0)
AT_THE_MONEY = 0.1


class _Bounds(Struct, frozen=True, kw_only=True):
    """How far a kind of figure moves in an hour at most where no other moves with it (`jump`), how near another venue's
    value is one like it (`near`; 0: none is), how far a first one may be from all others (`far`; None: as far as it likes), and
    how many others must have been there then and now (`fewest`)."""

    jump: float
    near: float = 0.0
    far: float | None = None
    fewest: int = 0


BOUNDS: dict[Kind, _Bounds] = {
    "premium": _Bounds(jump=0.02, near=0.01, far=0.05),  # ln(mark / index) of a perpetual
    "basis": _Bounds(jump=0.03),  # the same of a dated future
    "index": _Bounds(
        jump=0.012, near=0.006, fewest=2
    ),  # ln(USD); how far apart they may be: bot.metrics.agreement
    "bar": _Bounds(jump=0.10, near=0.06, far=0.10),  # ln(USD) of a close, up to an hour old
    "level": _Bounds(jump=0.10),  # ln of gold, ln of the Nasdaq 100
    "funding": _Bounds(jump=0.018, near=0.008, far=0.15),  # % for eight hours
    "dvol": _Bounds(jump=0.12, near=0.08, far=0.25),  # ln(points), beside the chains' volatility
    "iv": _Bounds(jump=0.20, near=0.12),  # ln(median % a year at the money, at about a month)
    "ratio": _Bounds(jump=0.40, near=0.15),  # ln(long / short)
    "vendor": _Bounds(jump=0.10),  # ln(USD)
    "interval": _Bounds(jump=0.01, fewest=1),  # ln(hours) of one funding period
}


class ToldFigure(Struct, frozen=True, kw_only=True):
    """A figure as told now: what it is of, its kind, its size on the scale of its kind, and the words of its value."""

    of: str
    venue: str
    kind: Kind
    value: float

    def is_alike(self, other: ToldFigure) -> bool:
        """Whether another figure tells the same thing of another venue, or of this one in another way."""
        if self.kind != other.kind:
            return any({self.kind, other.kind} <= kinds for kinds in ALIKE)
        return self.venue != other.venue


class JudgedFigure(Struct, frozen=True, kw_only=True):
    """How a figure was judged: believed or not, what it was last (None: never), and what is known of it from now on."""

    believed: bool
    was: float | None
    known: KnownFigure


def judge_figure(
    known: KnownFigure | None, told: ToldFigure, peers: Sequence[tuple[float | None, float]], at: datetime
) -> JudgedFigure:
    """One figure against its own last believed value. `peers` are other venues' figures of its kind: the last believed
    one of about the same time (None: none), and the one told now."""
    believed = KnownFigure(value=told.value, at=at)
    was = None if known is None else known.value
    if not _is_doubtful(known, told, peers, at):
        return JudgedFigure(believed=True, was=was, known=believed)
    known = known or KnownFigure()
    if known.doubted_at is None or at > known.doubted_at:
        same = known.told is not None and abs(told.value - known.told) <= BOUNDS[told.kind].jump
        polls = known.polls + 1 if same else 1
        since = known.doubted_since if same and known.doubted_since else at
        absurd = was is not None and abs(told.value - was) > ABSURD.get(told.kind, TIMES_THREE)
        if polls >= STAND_POLLS and (not absurd or at - since >= ABSURD_STANDS):
            return JudgedFigure(believed=True, was=was, known=believed)
        known = replace(known, told=told.value, polls=polls, doubted_at=at, doubted_since=since)
    return JudgedFigure(believed=False, was=was, known=known)


def _is_doubtful(
    known: KnownFigure | None, told: ToldFigure, peers: Sequence[tuple[float | None, float]], at: datetime
) -> bool:
    bounds = BOUNDS[told.kind]
    now = [value for _, value in peers]
    if told.kind == "funding" and told.value == 0.0 and known is not None and known.value:
        return bool(now) and 0.0 not in now  # nothing at all is what is written where nothing is known
    if bounds.near and any(abs(value - told.value) <= bounds.near for value in now):
        return False
    if known is None or known.value is None or known.at is None:
        return bounds.far is not None and bool(now) and abs(told.value - median(now)) > bounds.far
    move, apart = told.value - known.value, at - known.at
    usual = widen(bounds.jump, apart)
    moves = [value - before for before, value in peers if before is not None]
    if not known.polls and (len(moves) < bounds.fewest or (not moves and apart > ALONE)):
        return False
    if abs(move) <= usual or is_shared(move, moves):
        return False
    return not moves or abs(move - median(moves)) > usual


def figures_of(reading: Reading, asset: str) -> tuple[ToldFigure, ...]:
    """What of a reading of an asset is held against its past; nothing that is no number."""
    found: Iterator[ToldFigure] = iter(())
    if isinstance(reading, FutureQuote | FundingRate):
        if reading.instrument.asset == asset:
            found = _of_contract(reading)
    elif isinstance(reading, SeriesReading):
        found = _of_series(reading, asset)
    elif isinstance(reading, SpotQuote) and reading.asset != asset:
        of = f"{reading.venue} {reading.asset} index"
        level = log(reading.index_usd) if reading.index_usd > 0.0 else nan
        found = iter((ToldFigure(of=of, venue=reading.venue, kind="level", value=level),))
    elif not isinstance(reading, LiquidationTally | BlockTally) and reading.asset == asset:
        found = _of_venue(reading)
    return tuple(figure for figure in found if isfinite(figure.value))


def _of_contract(reading: FutureQuote | FundingRate) -> Iterator[ToldFigure]:
    venue = reading.instrument.venue
    of = f"{venue} {reading.instrument.symbol}"
    if isinstance(reading, FundingRate):
        if not reading.interval_hours > 0.0:
            return
        value = reading.rate_pct * 8.0 / reading.interval_hours
        yield ToldFigure(of=f"{of} funding", venue=venue, kind="funding", value=value)
        hours = log(reading.interval_hours)
        yield ToldFigure(of=f"{of} funding interval", venue=venue, kind="interval", value=hours)
    elif reading.mark_usd > 0.0 and reading.index_usd > 0.0:
        premium = log(reading.mark_usd) - log(reading.index_usd)
        kind: Kind = "premium" if reading.instrument.kind == "perpetual" else "basis"
        yield ToldFigure(of=f"{of} mark", venue=venue, kind=kind, value=premium)
        yield ToldFigure(of=f"{of} index", venue=venue, kind="index", value=log(reading.index_usd))


def _of_series(reading: SeriesReading, asset: str) -> Iterator[ToldFigure]:
    """The last value of a stretch of closes."""
    kinds: dict[str, Kind] = {"spot_usd": "bar", "dvol": "dvol"}
    kind = kinds.get(reading.metric) if reading.asset == asset else None
    kind = "level" if reading.metric in LEVELS else kind
    if kind is not None and len(reading.value) and reading.value[-1] > 0.0:
        of = f"{reading.venue} {reading.metric} history"
        yield ToldFigure(of=of, venue=reading.venue, kind=kind, value=log(reading.value[-1]))


def _of_venue(
    reading: OptionChain | SpotQuote | VolatilityQuote | AccountRatio | VendorOpenInterest,
) -> Iterator[ToldFigure]:
    told: tuple[str, Kind, float | None]
    if isinstance(reading, SpotQuote):
        told = "index", "index", reading.index_usd
    elif isinstance(reading, VolatilityQuote):
        told = "dvol", "dvol", reading.dvol
    elif isinstance(reading, AccountRatio):
        told = "long/short", "ratio", reading.long_short_ratio
    elif isinstance(reading, VendorOpenInterest):
        told = "open interest", "vendor", reading.open_interest_usd
    else:
        told = "IV", "iv", _month_volatility(reading)
    name, kind, value = told
    if value is not None and value > 0.0:
        of = f"{reading.venue} {reading.asset} {name}"
        yield ToldFigure(of=of, venue=reading.venue, kind=kind, value=log(value))


def say_figure(kind: Kind, value: float) -> float:
    """A figure as it is told: USD, %, points, a ratio; a premium in % of the index."""
    if kind in {"premium", "basis"}:
        told = 100.0 * (exp(value) - 1.0)
    else:
        told = value if kind == "funding" else exp(value)
    return float(f"{told:.5g}")


def _month_volatility(chain: OptionChain) -> float | None:
    """The median volatility (% a year) near the money, of expiries about a month away; None where none is quoted."""
    days = (chain.expires_ms - chain.row_ms) / 86_400_000.0
    with np.errstate(all="ignore"):
        near = np.abs(np.log(chain.strike_usd / chain.forward_usd)) <= AT_THE_MONEY
    told = chain.mark_iv_pct[near & (days >= MONTH_DAYS[0]) & (days <= MONTH_DAYS[1])]
    told = told[(told > 0.0) & np.isfinite(told)]
    return float(np.median(told)) if len(told) else None
