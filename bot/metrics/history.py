"""The past of every metric of one asset: columns, aggregate and per venue, that grow with each poll."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from msgspec import Struct, field

from bot.domain.facts import ESTIMATES, Point, Series
from bot.domain.tellings import KnownTellings
from bot.metrics.columns import HistoryColumn

FUNDINGS_A_YEAR = 1_095.0
"""Stretches of eight hours in a year of 365 days: a rate for one, times this, is the rate of a year."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def _empty() -> HistoryColumn:
    return HistoryColumn.of((), (), (), ())


def to_ms(when: datetime) -> float:
    """Milliseconds since 1970 UTC, whole."""
    return float(round(when.timestamp() * 1000.0))


def to_time(ms: float) -> datetime:
    """The UTC time of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=ms)


class History(Struct, frozen=True, eq=False):
    """What was known of one asset. A metric's aggregate is the venue None; a venue's own column has its name.

    A value: `extended` and `at` give another one and leave this one as it is (they share storage, so both are
    cheap). `tellers` names the venues of each metric, `tellings` is what is remembered of each venue's replies."""

    asset: str
    columns: Mapping[tuple[str, str | None], HistoryColumn] = field(default_factory=dict)
    tellers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tellings: KnownTellings = field(default_factory=KnownTellings)

    @classmethod
    def empty(cls, asset: str) -> History:
        """A history without a point."""
        return cls(asset)

    @classmethod
    def of(cls, asset: str, series: Iterable[Series], tellings: KnownTellings | None = None) -> History:
        """The history that the archive's series tell; those of other assets are left out. `tellings`: what is remembered
        of the venues' replies."""
        mine = (one for one in series if one.asset == asset)
        columns = {
            (one.metric, one.venue): HistoryColumn.of(one.at_ms, one.value, one.covers_s, one.lower_bound)
            for one in mine
            if len(one.at_ms)
        }
        return cls(asset, columns, _tellers(columns), tellings or KnownTellings())

    def extend(self, points: Iterable[Point]) -> History:
        """This history and some more points; one with the same metric, venue, time and length is replaced."""
        added: dict[tuple[str, str | None], list[Point]] = {}
        for point in points:
            if point.asset == self.asset:
                added.setdefault((point.metric, point.venue), []).append(point)
        columns = dict(self.columns)
        for key, new in added.items():
            column, only = columns.get(key) or _empty(), new[0]
            if len(new) == 1 and not only.covers_s:
                columns[key] = column.with_instant(to_ms(only.at), only.value, only.lower_bound)
            else:
                columns[key] = column.extend(_rows(new))
        tellers = self.tellers if len(columns) == len(self.columns) else _tellers(columns)
        return History(self.asset, columns, tellers, self.tellings)

    def knowing(self, tellings: KnownTellings) -> History:
        """This history with what is remembered of the venues' replies from now on."""
        return History(self.asset, self.columns, self.tellers, tellings)

    def at(self, when: datetime) -> History:
        """What was known by then: a stretch (a bar, a day) counts from its end."""
        when_ms = to_ms(when)
        return History(
            self.asset,
            {key: column.until(when_ms) for key, column in self.columns.items()},
            self.tellers,
            self.tellings,
        )

    def column(self, metric: str, venue: str | None = None) -> HistoryColumn:
        """The rows of one metric; empty if it was never heard."""
        found = self.columns.get((metric, venue))
        return _empty() if found is None else found

    def estimates(self, metric: str) -> HistoryColumn:
        """What was estimated of a metric's past; empty where nothing was."""
        return self.column(metric, ESTIMATES)

    def breaks_ms(self, venue: str, kind: str) -> tuple[float, ...]:
        """When the venue's sums of a kind ("futures", "options") began to stand on other contracts, ascending."""
        return tuple(to_ms(at) for at in self.tellings.breaks.get(f"{venue} {kind}", ()))

    def began_anew(self, venue: str, kind: str, since: datetime, until: datetime) -> bool:
        """Whether the venue's sums of a kind began to stand on other contracts after `since` and by `until`."""
        return any(since < at <= until for at in self.tellings.breaks.get(f"{venue} {kind}", ()))

    def venues(self, metric: str) -> tuple[str, ...]:
        """The venues that ever gave the metric, by name."""
        return self.tellers.get(metric, ())

    def tells(self, venue: str, since: datetime, until: datetime) -> bool:
        """Whether a metric of the venue is known near the beginning and near the end of a time: within a
        tenth of it."""
        first_ms, last_ms = to_ms(since), to_ms(until)
        tenth = (last_ms - first_ms) / 10.0
        for (_, teller), column in self.columns.items():
            if teller == venue:
                ends = column.known_ms.searchsorted(
                    [first_ms, first_ms + tenth, last_ms - tenth, last_ms], side="right"
                )
                if ends[1] > ends[0] and ends[3] > ends[2]:
                    return True
        return False

    def venues_beside(self, metric: str, at_ms: float, known_ms: float) -> dict[str, float]:
        """The venues' own values that stand beside the aggregate of that very time."""
        found = {}
        for venue in self.venues(metric):
            column = self.column(metric, venue)
            row = int(column.known_ms.searchsorted(known_ms, side="right")) - 1
            if row >= 0 and column.known_ms[row] == known_ms and column.at_ms[row] == at_ms:
                found[venue] = float(column.value[row])
        return found


def _tellers(columns: Iterable[tuple[str, str | None]]) -> dict[str, tuple[str, ...]]:
    """The venues of each metric, by name; who tells estimates is none."""
    tellers: dict[str, list[str]] = {}
    for metric, venue in columns:
        if venue is not None and not venue.startswith(ESTIMATES):
            tellers.setdefault(metric, []).append(venue)
    return {metric: tuple(sorted(venues)) for metric, venues in tellers.items()}


def _rows(points: list[Point]) -> HistoryColumn:
    return HistoryColumn.of(
        [to_ms(point.at) for point in points],
        [point.value for point in points],
        [point.covers_s for point in points],
        [point.lower_bound for point in points],
    )
