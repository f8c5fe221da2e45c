"""What follows from a recorded past, as the live bot would have made it: by the hour from hourly bars, by the day from
daily ones."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from bot.domain.chain import Bools, Floats
from bot.domain.facts import Series

if TYPE_CHECKING:
    import pandas as pd

HOUR_S, DAY_S = 3600, 86_400
DAY_MS = 86_400_000
MONTH_DAYS = 30
MIN_SHARE = 0.95
LEAST_RETURNS = 20
DAYS_A_YEAR = 365.0

Pasts = Mapping[tuple[str, str | None], Series]


def complete_past(past: Sequence[Series]) -> tuple[Series, ...]:
    """The past of one asset, and what the live bot would have made of it: extremes of 30 days and the way from them and
    beyond them, an ordinary day, windows of liquidations from daily tallies and their share of the open interest that
    the same venue tells, returns against gold and the Nasdaq. What is there already stays as it is."""
    history = {(one.metric, one.venue): one for one in past}
    there = {metric for metric, venue in history if venue is None}
    made = [*_of_price(history), *_of_tallies(history), *_against(history)]
    return (*past, *(one for one in made if one.metric not in there))


# ── price ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Grid(Struct, frozen=True):
    """Cells of one length, the first one starting at `first_ms`; `day` cells make a day."""

    first_ms: int
    length_s: int
    count: int

    @property
    def day(self) -> int:
        return DAY_S // self.length_s

    def cells(self, series: Series) -> Floats:
        """A value a cell, nan where there is none."""
        cells = np.full(self.count, np.nan)
        starts = np.asarray(series.at_ms, np.float64) - self.first_ms
        places = np.floor(starts / (1000.0 * self.length_s)).astype(np.int64)
        inside = (places >= 0) & (places < self.count)
        cells[places[inside]] = np.asarray(series.value, np.float64)[inside]
        return cells

    def series(self, asset: str, metric: str, values: Floats) -> Series:
        """The cells that are known, as a series."""
        ends = np.flatnonzero(~np.isnan(values))
        at_ms = [self.first_ms + int(end) * 1000 * self.length_s for end in ends]
        return _series(asset, metric, at_ms, values[ends], self.length_s)


def _grid(spot: Series | None, *others: Series | None) -> _Grid | None:
    """The grid of a price and what goes with it; None where they are not told at one regular pace."""
    told = [one for one in (spot, *others) if one is not None and len(one.at_ms)]
    if spot is None or not len(spot.at_ms):
        return None
    lengths = {length for one in told for length in set(one.covers_s)}
    if lengths not in ({HOUR_S}, {DAY_S}):
        return None
    length = lengths.pop()
    first = min(one.at_ms[0] for one in told)
    last = max(one.at_ms[-1] for one in told)
    return _Grid(int(first), length, int((last - first) // (1000 * length)) + 1)


def _of_price(history: Pasts) -> Iterator[Series]:
    spot = history.get(("spot_usd", None))
    for bars, extreme, way, since, beyond, sign in (
        ("spot_low_usd", "low_30d_usd", "rebound_pct", "hours_since_low", "break_of_low_pct", 1.0),
        ("spot_high_usd", "high_30d_usd", "drawdown_pct", "hours_since_high", "break_of_high_pct", -1.0),
    ):
        told = history.get((bars, None))
        grid = _grid(spot, told)
        if spot is None or told is None or grid is None:
            continue
        close = grid.cells(spot)
        most, cells_since = _extreme(close, grid.cells(told), MONTH_DAYS * grid.day, sign)
        yield grid.series(spot.asset, extreme, most)
        yield grid.series(spot.asset, way, (close / most - 1.0) * 100.0)
        yield grid.series(spot.asset, since, cells_since * (grid.length_s / HOUR_S))
        before = np.append(np.full(grid.day, np.nan), most)[: len(most)]
        yield grid.series(spot.asset, beyond, (close / before - 1.0) * 100.0)
    grid = _grid(spot)
    if spot is not None and grid is not None:
        yield grid.series(
            spot.asset, "ordinary_day_pct", _ordinary_days(grid, spot, history.get(("dvol", None)))
        )


def _extreme(close: Floats, bar: Floats, month: int, sign: float) -> tuple[Floats, Floats]:
    """The extreme of a month up to each cell, and how many cells ago its bar began; nan where too few bars are known."""
    padding = np.full(month - 1, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.append(padding, np.fmin(sign * bar, sign * close)), month
    )
    heard = np.lib.stride_tricks.sliding_window_view(
        np.append(np.zeros(month - 1), ~np.isnan(bar)), month
    ).mean(axis=1)
    known: Bools = (heard >= MIN_SHARE) & ~np.isnan(close)
    most, since = np.full(len(close), np.nan), np.full(len(close), np.nan)
    ends = np.flatnonzero(known)
    if len(ends):
        place = np.nanargmin(windows[ends], axis=1)
        most[ends] = sign * windows[ends, place]
        since[ends] = (month - place).astype(np.float64)
    return most, since


def _ordinary_days(grid: _Grid, spot: Series, dvol: Series | None) -> Floats:
    """An ordinary day at each cell: implied a day before, else realized over the thirty days before that."""
    close, day = grid.cells(spot), grid.day
    returns = np.full(grid.count, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        returns[day:] = np.log(close[day:] / close[:-day])
    lagged = np.full((MONTH_DAYS, grid.count), np.nan)
    for back in range(MONTH_DAYS):
        shift = day * (1 + back)
        lagged[back, shift:] = returns[: grid.count - shift] if shift < grid.count else returns[:0]
    enough = (~np.isnan(lagged)).sum(axis=0) >= LEAST_RETURNS
    realized = np.full(grid.count, np.nan)
    if enough.any():
        realized[enough] = np.nanstd(lagged[:, enough], axis=0) * 100.0
    if dvol is None or not len(dvol.at_ms):
        return realized
    import pandas as pd

    known_ms = np.asarray(dvol.at_ms, np.int64) + 1000 * np.asarray(dvol.covers_s, np.int64)
    a_day_before = grid.first_ms + 1000 * grid.length_s * (1 + np.arange(grid.count)) - DAY_MS
    implied = pd.merge_asof(
        pd.DataFrame({"at_ms": a_day_before}),
        pd.DataFrame({"at_ms": known_ms, "dvol": dvol.value}),
        on="at_ms",
        tolerance=DAY_MS,
    )["dvol"]
    return np.asarray((implied / np.sqrt(DAYS_A_YEAR)).fillna(pd.Series(realized)))


# ── liquidations ────────────────────────────────────────────────────────────────────────────────────────────


def _of_tallies(history: Pasts) -> Iterator[Series]:
    """Sums of daily tallies over one and five whole days, where every day is told by one venue, and their shares of the
    open interest that the same venue tells. Of venues that tell the same day the first by name counts."""
    import pandas as pd

    found: dict[str, pd.Series[float]] = {}
    asset = ""
    for venue in sorted(
        {venue for metric, venue in history if venue and metric == "liquidations_tally_long_usd"}
    ):
        told = {side: history.get((f"liquidations_tally_{side}_usd", venue)) for side in ("long", "short")}
        sides = {side: _by_time(one) for side, one in told.items() if one is not None and _is_daily(one)}
        if len(sides) < 2:
            continue
        asset = history["liquidations_tally_long_usd", venue].asset
        sides["both"] = (sides["long"] + sides["short"]).dropna()
        for name, rows in _windows(sides, history.get(("open_interest_usd", venue))):
            found[name] = found[name].combine_first(rows) if name in found else rows
    for name, rows in found.items():
        yield _series(asset, name, rows.index.tolist(), rows.tolist(), DAY_S)


def _windows(
    sides: Mapping[str, "pd.Series[float]"], whole: Series | None
) -> Iterator[tuple[str, "pd.Series[float]"]]:
    import pandas as pd

    open_usd = None if whole is None else _by_time(whole)
    for label, days in (("24h", 1), ("5d", 5)):
        for side, told_usd in sides.items():
            name = f"liquidations_{label}_usd" if side == "both" else f"liquidations_{label}_{side}_usd"
            # Each day and those before it; nan, and no row, where one of them is missing.
            sums = sum(told_usd.reindex(told_usd.index - back * DAY_MS).to_numpy() for back in range(days))
            rows = pd.Series(sums, index=told_usd.index).dropna()
            yield name, rows
            if open_usd is not None:
                share = rows / open_usd[open_usd != 0.0].reindex(rows.index) * 100.0
                yield name.removesuffix("_usd") + "_pct_of_oi", share.dropna()


# ── other markets ───────────────────────────────────────────────────────────────────────────────────────────


def _against(history: Pasts) -> Iterator[Series]:
    """The return of thirty days less the other's, at each day on which both are told at both ends."""
    import pandas as pd

    spot = history.get(("spot_usd", None))
    if spot is None or not _is_daily(spot):
        return
    ours = _by_day(spot)
    for other, metric in (("gold_usd", "vs_gold_30d_pct"), ("nasdaq_points", "vs_nasdaq_30d_pct")):
        told = history.get((other, None))
        if told is None or not _is_daily(told):
            continue
        both = ours.join(_by_day(told)["value"].rename("other"), how="inner")
        before = both.reindex(both.index - MONTH_DAYS).set_index(both.index)
        apart = (both["value"] / before["value"] - both["other"] / before["other"]) * 100.0
        rows = pd.DataFrame({"at_ms": both["at_ms"], "apart": apart}).dropna().sort_index()
        yield _series(spot.asset, metric, rows["at_ms"].tolist(), rows["apart"].tolist(), DAY_S)


def _is_daily(series: Series) -> bool:
    return set(series.covers_s) == {DAY_S}


def _by_time(series: Series) -> "pd.Series[float]":
    """The values by when their stretch began, ascending; of several the last."""
    import pandas as pd

    rows = pd.Series(series.value, index=pd.Index(series.at_ms, dtype="int64"))
    return rows[~rows.index.duplicated(keep="last")].sort_index()


def _by_day(series: Series) -> "pd.DataFrame":
    """Each day's row: the day that most of its stretch lies in."""
    import pandas as pd

    rows = pd.DataFrame({"at_ms": series.at_ms, "value": series.value})
    rows.index = (rows["at_ms"] + DAY_MS // 2) // DAY_MS
    return rows[~rows.index.duplicated(keep="last")]


def _series(asset: str, metric: str, at_ms: Sequence[int], values: Iterable[float], covers_s: int) -> Series:
    return Series(
        metric=metric,
        asset=asset,
        venue=None,
        at_ms=array("q", at_ms),
        value=array("d", values),
        covers_s=array("q", [covers_s]) * len(at_ms),
    )
