"""Lines of the past, for charts: a metric over time with its gaps, the price with its extremes, venues that tell the
same as one line. Pure builders."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter

from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.chain import Floats
from bot.domain.posts import ChartSeries
from bot.metrics import History
from bot.metrics.same_venues import sum_over_same_venues

SPOT, LOW, HIGH = "spot_usd", "spot_low_usd", "spot_high_usd"
LEAST_GAP = timedelta(hours=3)  # hourly past with one hour missing is drawn through
SEEN = 1 / 24  # of the time shown: a gap that is narrower would not be seen as one
LONGEST_GAP = timedelta(hours=12)  # is a gap however long the time shown
BINS = 48  # parts of the time shown, of each of which the line reaches the lowest and the highest price
WICK_SHARE = 0.04  # of what the readings span: a low that goes less far beyond them is not seen as one
SAME_SHARE = (
    0.006  # of what a chart spans: lines nearer to each other than that everywhere are one to the eye
)
LEAST_SHOWN = 0.1  # of the time shown: a sum of the same venues that is known for less would be hardly seen
SAME_TIME_S, SAME_PLACE = 300.0, 0.05


def stretch(
    history: History, name: str, since: datetime, until: datetime, catalog: Catalog, venue: str | None = None
) -> ChartSeries:
    """The metric between two times: a value a row, None where nothing was heard for so long that it would be seen, at
    the end too where the metric has grown too old; of a sum over venues those of its last row alone."""
    rows = history.column(name, venue)
    first = int(rows.known_ms.searchsorted(since.timestamp() * 1000))
    last = int(rows.known_ms.searchsorted(until.timestamp() * 1000, side="right"))
    if venue is None and catalog.metrics[name].combine == "sum":
        rows = sum_over_same_venues(history, name, (first, last), LEAST_SHOWN * (until - since))
        first, last = 0, len(rows)
    oldest = max(LEAST_GAP, 2 * catalog.metrics[name].max_age)
    widest = max(oldest, min((until - since) * SEEN, LONGEST_GAP))
    at = _times(rows.known_ms[first:last])
    y: list[float | None] = rows.value[first:last].tolist()
    heard_until = at[-1] if at else None
    starts_ms, widest_ms = rows.at_ms[first:last], widest / timedelta(milliseconds=1)
    apart = starts_ms[1:] - rows.known_ms[first:last][:-1] > widest_ms
    for row in reversed(apart.nonzero()[0].tolist()):
        at.insert(row + 1, at[row] + (_time(starts_ms[row + 1]) - at[row]) / 2)
        y.insert(row + 1, None)
    if heard_until is not None and until - heard_until > oldest:
        at.append(until)
        y.append(None)
    return ChartSeries(label=name, at=tuple(at), y=tuple(y))


def price_path(history: History, since: datetime, until: datetime, catalog: Catalog) -> ChartSeries | None:
    """The price between two times, in USD: each reading, and between readings the lows and highs of the venues' bars
    wherever they went further. None without a reading."""
    if SPOT not in catalog.metrics:
        return None
    path = stretch(history, SPOT, since, until, catalog)
    found = [(at, y) for at, y in zip(path.at, path.y, strict=True) if y is not None]
    if not found:
        return None
    width = (until - since) / BINS
    prices = [y for _, y in found]
    least = (max(prices) - min(prices)) * WICK_SHARE
    placed = [(int((at - since) / width), at, y) for at, y in found]
    added: dict[datetime, float] = {}
    for name, way in ((LOW, 1.0), (HIGH, -1.0)):
        furthest: dict[int, tuple[float, datetime]] = {}
        for place, at, value in placed:
            if place not in furthest or way * value < furthest[place][0]:
                furthest[place] = (way * value, at)
        for at, value in _bars(history, name, since, until):
            place = int((at - since) / width)
            if place not in furthest or way * value < furthest[place][0] - least:
                furthest[place] = (way * value, at)
        added |= {at: way * value for value, at in furthest.values()}
    gaps = [(at, None) for at, y in zip(path.at, path.y, strict=True) if y is None]
    begin, end, broken = path.at[0], path.at[-1], None in path.y
    kept = dict(found) | {
        at: value for at, value in added.items() if begin <= at <= end and not (broken and _in_gap(at, path))
    }
    times, values = zip(*sorted([*kept.items(), *gaps], key=itemgetter(0)), strict=True)
    return replace(path, at=times, y=values)


def _in_gap(at: datetime, path: ChartSeries) -> bool:
    """Whether a time between the path's ends lies where it has a gap."""
    after = max(bisect_left(path.at, at), 1)
    return len(path.at) > 1 and (path.y[after - 1] is None or path.y[after] is None)


def _bars(history: History, name: str, since: datetime, until: datetime) -> list[tuple[datetime, float]]:
    """The middle of each bar of a time, and what it tells."""
    column = history.column(name)
    first, last = since.timestamp() * 1000, until.timestamp() * 1000
    within = (column.at_ms >= first) & (column.known_ms <= last)
    middles = _times((column.at_ms[within] + column.known_ms[within]) / 2)
    return list(zip(middles, column.value[within].tolist(), strict=True))


def merge_equal(columns: Sequence[ChartSeries], together: str) -> tuple[ChartSeries, ...]:
    """The lines, those that lie on each other as one: two by both names, more by `together` with their number for
    {n}. In the order of their first."""
    values = [y for column in columns for y in column.y if y is not None]
    least = (max(values) - min(values)) * SAME_SHARE if values else 0.0
    groups: list[list[ChartSeries]] = []
    for column in columns:
        home = next((group for group in groups if _same(group[0], column, least)), None)
        if home is None:
            groups.append([column])
        else:
            home.append(column)
    return tuple(
        group[0] if len(group) == 1 else replace(group[0], label=_label(group, together)) for group in groups
    )


def _label(group: Sequence[ChartSeries], together: str) -> str:
    return together.format(n=len(group)) if len(group) > 2 else ", ".join(column.label for column in group)


def _same(one: ChartSeries, other: ChartSeries, least: float) -> bool:
    """Whether two lines have the same times, or places, and the same values as far as an eye can tell."""
    if len(one.y) != len(other.y) or len(one.at) != len(other.at) or len(one.x) != len(other.x):
        return False
    if any(abs(a - b) > SAME_PLACE for a, b in zip(one.x, other.x, strict=True)):
        return False
    if any(abs((a - b).total_seconds()) > SAME_TIME_S for a, b in zip(one.at, other.at, strict=True)):
        return False
    return all(
        (a is None and b is None) or (a is not None and b is not None and abs(a - b) <= least)
        for a, b in zip(one.y, other.y, strict=True)
    )


def _times(ms: Floats) -> list[datetime]:
    return list(map(partial(datetime.fromtimestamp, tz=UTC), (ms / 1000).tolist()))


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, UTC)
