"""The tape's table: moments, the days before them and the header, read from `config/tapes/<name>/` and
checked."""

import csv
import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Struct
from msgspec.structs import replace
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from bot.domain.files import read_shape
from bot.errors import ConfigError, Problem

HEADER, MOMENTS, LEAD_IN = "tape.toml", "moments.csv", "lead-in.csv"
SKEW_TENORS_D = (7, 30, 60, 90)
BASIS_TENORS_D = (30, 60, 90)
HOUR = timedelta(hours=1)
EPOCH_DAY = date(1970, 1, 1).toordinal()
WAVE_HOURS = (7.3, 17.9, 41.0, 97.0)

_SKEW = tuple(f"skew_{days}d_pct" for days in SKEW_TENORS_D)
_ATM = tuple(f"atm_iv_{days}d_pct" for days in SKEW_TENORS_D)
_BASIS = tuple(f"basis_{days}d_pct" for days in BASIS_TENORS_D)

# What a cell may hold, ends included: wide enough for any market, narrow enough to catch a slip of a column.
_RANGES: Mapping[str, tuple[float, float]] = {
    "index_usd": (1.0, 1e7),
    "high_usd": (1.0, 1e7),
    "low_usd": (1.0, 1e7),
    "close_usd": (1.0, 1e7),
    "open_interest_coin": (1.0, 1e8),
    "option_open_interest_coin": (1.0, 1e8),
    "put_call_ratio": (0.01, 100.0),
    "dvol": (1.0, 400.0),
    "funding_8h_pct": (-2.0, 2.0),
    "longs_musd": (0.0, 1e5),
    "shorts_musd": (0.0, 1e5),
    **dict.fromkeys(_SKEW, (-60.0, 60.0)),
    **dict.fromkeys(_ATM, (1.0, 400.0)),
    **dict.fromkeys(_BASIS, (-80.0, 200.0)),
}
_MOMENT_COLUMNS = (
    "at",
    "index_usd",
    "high_usd",
    "low_usd",
    "open_interest_coin",
    *_SKEW,
    *_ATM,
    *_BASIS,
    "funding_8h_pct",
    "dvol",
    "put_call_ratio",
    "option_open_interest_coin",
)
_DAY_COLUMNS = (
    "day",
    "high_usd",
    "low_usd",
    "close_usd",
    "dvol",
    "funding_8h_pct",
    "open_interest_coin",
    "skew_60d_pct",
    "basis_60d_pct",
    "put_call_ratio",
    "option_open_interest_coin",
    "longs_musd",
    "shorts_musd",
)


class TapeMoment(Struct, frozen=True, kw_only=True):
    """The market at one time. `high_usd` and `low_usd` are the extremes from here to the next moment. Tuples
    follow SKEW_TENORS_D and BASIS_TENORS_D."""

    at: datetime
    index_usd: float
    high_usd: float
    low_usd: float
    open_interest_coin: float
    skew_pct: tuple[float, ...]
    atm_iv_pct: tuple[float, ...]
    basis_pct: tuple[float, ...]
    funding_8h_pct: float
    dvol: float
    put_call_ratio: float
    option_open_interest_coin: float


class Day(Struct, frozen=True, kw_only=True):
    """One day before the first moment. `funding_8h_pct` is its mean, liquidations are those of all of it (USD
    millions), the others stand at its end. The other tenors of skew, volatility and basis follow in the proportions of
    the first moment."""

    day: date
    high_usd: float
    low_usd: float
    close_usd: float
    dvol: float
    funding_8h_pct: float
    open_interest_coin: float
    skew_60d_pct: float
    basis_60d_pct: float
    put_call_ratio: float
    option_open_interest_coin: float
    longs_musd: float
    shorts_musd: float


class LiquidationDay(Struct, frozen=True, kw_only=True):
    """Force-closed notional of one day, over all venues."""

    day: date
    longs_usd: float
    shorts_usd: float


class Factors(Struct, frozen=True, kw_only=True):
    """How an asset is derived from the tape's own: all 1 for that one, and no wave. `note` says "synthetic" where it
    is derived; `absent` are venues that do not list it.

    Skew, basis and funding are the tape's own times a factor, plus a wave of the asset's own of at most so many points;
    put/call and open coins take the same kind of wave in percent of themselves."""

    asset: str
    price: float = 1.0
    volatility: float = 1.0
    coins: float = 1.0
    skew: float = 1.0
    basis: float = 1.0
    funding: float = 1.0
    skew_wave: float = 0.0
    basis_wave: float = 0.0
    funding_wave: float = 0.0
    put_call_wave_pct: float = 0.0
    coins_wave_pct: float = 0.0
    note: str = ""
    absent: frozenset[str] = frozenset()


class Tape(Struct, frozen=True, kw_only=True, dict=True):
    """A market to be played: moments in time order, the days before, when to post, and how venues share it.

    `drawn` holds what is told beside the market (gold, the Nasdaq 100, the account ratio): values by day,
    linear between. `folder` is where it was read, if from one: nothing that it tells depends on it."""

    name: str
    title: str
    moments: tuple[TapeMoment, ...]
    lead_in: tuple[Day, ...]
    post_times: tuple[datetime, ...]
    assets: Mapping[str, Factors]
    shares: Mapping[str, float]
    option_shares: Mapping[str, float]
    drawn: Mapping[str, tuple[tuple[date, float], ...]]
    liquidations: tuple[LiquidationDay, ...]
    record_liquidations: tuple[date, float] | None
    folder: Path | None = None

    @cached_property
    def liquidations_by_day(self) -> Mapping[int, LiquidationDay]:
        """What was closed by force, by the day (days since 1970 UTC)."""
        return {row.day.toordinal() - EPOCH_DAY: row for row in self.liquidations}

    @cached_property
    def course(self) -> tuple[TapeMoment, ...]:
        """The end of each day of the lead-in, as a moment, and the moments."""
        first = self.moments[0]
        days = tuple(_as_moment(day, first) for day in self.lead_in)
        return (*(day for day in days if day.at < first.at), *self.moments)

    def course_of(self, factors: Factors) -> tuple[TapeMoment, ...]:
        """The course as an asset has it."""
        return tuple(own_moment(moment, factors) for moment in self.course)

    @property
    def starts_at(self) -> datetime:
        """The first moment's time."""
        return self.moments[0].at

    @property
    def ends_at(self) -> datetime:
        """The last moment's time."""
        return self.moments[-1].at

    def moment_at(self, now: datetime) -> TapeMoment | None:
        """The moment at or before `now`; None before the first one."""
        place = bisect_right(self.moments, now, key=lambda moment: moment.at)
        return self.moments[place - 1] if place else None


def parse(files: Mapping[str, str]) -> Tape:
    """A tape from the texts of `tape.toml`, `moments.csv` and `lead-in.csv`, by file name.

    Raises ConfigError with every problem found: the file, and the row and column that it is in.
    """
    problems = [
        Problem(file=name, id="", reason="missing")
        for name in (HEADER, MOMENTS, LEAD_IN)
        if name not in files
    ]
    if problems:
        raise ConfigError(problems)
    header = _header(files[HEADER], problems)
    figures = header.figures if header else {}
    rows = _CsvRows(MOMENTS, files[MOMENTS], _MOMENT_COLUMNS, figures, problems)
    variation = header.variation if header else None
    moments = [_vary(_lift(moment, figures.get("low_usd")), variation) for moment in _moments(rows)]
    lead_in = list(_days(_CsvRows(LEAD_IN, files[LEAD_IN], _DAY_COLUMNS, figures, problems)))
    if header is None or problems:
        raise ConfigError(problems)
    _check(moments, lead_in, problems)
    if problems:
        raise ConfigError(problems)
    return _tape(header, moments, lead_in)


class _StrictTapeFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Synthetic(_StrictTapeFile):
    price_factor: float = Field(gt=0)
    volatility_factor: float = Field(gt=0)
    coins_factor: float = Field(gt=0)
    skew_factor: float = Field(1.0, gt=0)
    basis_factor: float = Field(1.0, gt=0)
    funding_factor: float = Field(1.0, gt=0)
    skew_wave: float = Field(0.0, ge=0, le=20)
    basis_wave: float = Field(0.0, ge=0, le=20)
    funding_wave: float = Field(0.0, ge=0, le=1)
    put_call_wave_pct: float = Field(0.0, ge=0, le=50)
    coins_wave_pct: float = Field(0.0, ge=0, le=50)
    note: str
    absent: frozenset[str] = frozenset()


_Varied = Literal["open_interest_coin", "skew", "basis", "put_call_ratio"]


class _Variation(_StrictTapeFile):
    """How far a column of moments.csv moves between the times at which it is exact: at most so many percent of
    itself, from nothing at such a time to all of it `settle_h` hours away."""

    columns: dict[_Varied, Annotated[float, Field(gt=0, le=20)]]
    settle_h: float = Field(gt=0)
    anchors: dict[_Varied, list[AwareDatetime]]


class _Record(_StrictTapeFile):
    day: date
    total_usd: float = Field(gt=0)


class _Liquidations(_StrictTapeFile):
    day: date
    longs_musd: float = Field(ge=0)
    shorts_musd: float = Field(ge=0)


class _Header(_StrictTapeFile):
    name: str
    title: str
    reconstruction: Literal[True]
    asset: str
    daily_post: time
    extra_posts: list[AwareDatetime]
    figures: dict[str, float]
    shares: dict[str, Annotated[float, Field(ge=0)]]
    option_shares: dict[str, Annotated[float, Field(ge=0)]] = {}
    drawn: dict[str, Annotated[list[tuple[date, float]], Field(min_length=1)]] = {}
    synthetic: dict[str, _Synthetic]
    variation: _Variation | None = None
    record_liquidations: _Record | None = None
    liquidations: list[_Liquidations]
    sources: dict[str, str]


def _header(text: str, problems: list[Problem]) -> _Header | None:
    try:
        header = read_shape(_Header, text, HEADER)
    except ConfigError as error:
        problems += error.problems
        return None
    for key, shares in (("shares", header.shares), ("option_shares", header.option_shares)):
        if math.fsum(shares.values()) >= 1:
            problems.append(
                Problem(file=HEADER, id=key, reason="their sum must be below 1: Deribit carries the rest")
            )
    return header


class _CsvRows:
    """The rows of a CSV file whose lines may be comments, as checked cells; what is wrong goes to
    `problems`."""

    def __init__(
        self,
        file: str,
        text: str,
        columns: Sequence[str],
        figures: Mapping[str, float],
        problems: list[Problem],
    ) -> None:
        self._file, self._text, self._columns = file, text, columns
        self._figures, self._problems = figures, problems
        self._row = ""

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        """Each row by column; one with too few or too many cells is a problem and is left out."""
        lines = [line for line in self._text.splitlines() if line.strip() and not line.startswith("#")]
        header = lines[0].split(",") if lines else []
        if header != list(self._columns):
            self._row = "first line"
            self._wrong("", f"columns must be {','.join(self._columns)}")
            return
        for cells in csv.reader(lines[1:]):
            self._row = cells[0]
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
            else:
                self._wrong("", f"{len(cells)} cells, {len(header)} wanted")

    def number(self, row: Mapping[str, str], column: str) -> float:
        """The cell as a number within its column's range; nan where it is not, which is a problem already
        told."""
        low, high = _RANGES[column]
        value = self._value(row[column].strip(), column)
        if math.isfinite(value) and not low <= value <= high:
            self._wrong(column, f"{value:g} is outside {low:g} to {high:g}")
        return value

    def at(self, row: Mapping[str, str]) -> datetime | None:
        """The row's time, UTC, on the hour."""
        try:
            at = datetime.fromisoformat(row["at"])
        except ValueError:
            self._wrong("at", f"{row['at']!r} is not a time like 2026-01-28T06:00Z")
            return None
        if at.utcoffset() != timedelta(0) or at.timestamp() % HOUR.total_seconds():
            self._wrong("at", f"{row['at']!r} must be in UTC (Z) and on the hour")
            return None
        return at.astimezone(UTC)

    def day(self, row: Mapping[str, str]) -> date | None:
        """The row's day."""
        try:
            return date.fromisoformat(row["day"])
        except ValueError:
            self._wrong("day", f"{row['day']!r} is not a day like 2026-01-28")
            return None

    def _value(self, cell: str, column: str) -> float:
        name, _, factor = cell.removeprefix("=").partition("*") if cell.startswith("=") else ("", "", cell)
        if name and name not in self._figures:
            self._wrong(column, f"{name!r} is not one of [figures] in {HEADER}")
            return math.nan
        try:
            value = self._figures[name] * float(factor or 1) if name else float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._wrong(column, f"{cell!r} is not a number")
        return value

    def _wrong(self, column: str, reason: str) -> None:
        where = f"{self._row} {column}".strip()
        self._problems.append(Problem(file=self._file, id=where, reason=reason))


def _moments(rows: _CsvRows) -> Iterator[TapeMoment]:
    for row in rows:
        numbers = {column: rows.number(row, column) for column in _MOMENT_COLUMNS[1:]}
        at = rows.at(row)
        if at is None:
            continue
        yield TapeMoment(
            at=at,
            skew_pct=tuple(numbers.pop(column) for column in _SKEW),
            atm_iv_pct=tuple(numbers.pop(column) for column in _ATM),
            basis_pct=tuple(numbers.pop(column) for column in _BASIS),
            **numbers,
        )


def _days(rows: _CsvRows) -> Iterator[Day]:
    for row in rows:
        numbers = {column: rows.number(row, column) for column in _DAY_COLUMNS[1:]}
        day = rows.day(row)
        if day is not None:
            yield Day(day=day, **numbers)


def _check(moments: Sequence[TapeMoment], lead_in: Sequence[Day], problems: list[Problem]) -> None:
    """Times in order without holes between days, and no extreme on the wrong side of a close."""

    def wrong(file: str, row: object, reason: str) -> None:
        problems.append(Problem(file=file, id=str(row), reason=reason))

    if not moments or not lead_in:
        wrong(MOMENTS if not moments else LEAD_IN, "", "no rows")
        return
    if moments[0].at.time() != time():
        wrong(MOMENTS, f"{moments[0].at:%Y-%m-%dT%H:%MZ} at", "must be at 00:00, where the lead-in ends")
    for before, after in pairwise(moments):
        if after.at <= before.at:
            wrong(MOMENTS, f"{after.at:%Y-%m-%dT%H:%MZ} at", "must be later than the row before")
    for moment in moments:
        if moment.low_usd > moment.high_usd:
            wrong(MOMENTS, f"{moment.at:%Y-%m-%dT%H:%MZ} low_usd", "is above high_usd")
    days = [*(day.day for day in lead_in), moments[0].at.date()]
    for earlier, later in pairwise(days):
        if later - earlier != timedelta(days=1):
            wrong(LEAD_IN, f"{later} day", "days must follow each other, up to the day of the first moment")
    for day in lead_in:
        if not day.low_usd <= day.close_usd <= day.high_usd:
            wrong(LEAD_IN, f"{day.day} close_usd", "is outside low_usd to high_usd")


def _tape(header: _Header, moments: Sequence[TapeMoment], lead_in: Sequence[Day]) -> Tape:
    days = {moment.at.date() for moment in moments}
    posts = {datetime.combine(day, header.daily_post, UTC) for day in days} | set(header.extra_posts)
    return Tape(
        name=header.name,
        title=header.title,
        moments=tuple(moments),
        lead_in=tuple(lead_in),
        post_times=tuple(sorted(at for at in posts if moments[0].at <= at <= moments[-1].at)),
        assets={header.asset: Factors(asset=header.asset)}
        | {
            asset: Factors(
                asset=asset,
                price=factors.price_factor,
                volatility=factors.volatility_factor,
                coins=factors.coins_factor,
                skew=factors.skew_factor,
                basis=factors.basis_factor,
                funding=factors.funding_factor,
                skew_wave=factors.skew_wave,
                basis_wave=factors.basis_wave,
                funding_wave=factors.funding_wave,
                put_call_wave_pct=factors.put_call_wave_pct,
                coins_wave_pct=factors.coins_wave_pct,
                note=factors.note,
                absent=factors.absent,
            )
            for asset, factors in header.synthetic.items()
        },
        shares=header.shares,
        option_shares=header.option_shares,
        drawn={name: tuple(sorted(days)) for name, days in header.drawn.items()},
        liquidations=tuple(
            LiquidationDay(day=day, longs_usd=longs * 1e6, shorts_usd=shorts * 1e6)
            for day, longs, shorts in (
                *((row.day, row.longs_musd, row.shorts_musd) for row in lead_in),
                *((row.day, row.longs_musd, row.shorts_musd) for row in header.liquidations),
            )
        ),
        record_liquidations=(header.record_liquidations.day, header.record_liquidations.total_usd)
        if header.record_liquidations
        else None,
    )


def wave(name: str, at: datetime) -> float:
    """A course between -1 and 1 that belongs to a name: four sines of 7 hours to 4 days whose phases are drawn from the
    name, so that it is the same whenever it is asked."""
    hours = at.timestamp() / 3600
    drawn = zip(WAVE_HOURS, _phases(name), strict=True)
    sines = [math.sin(math.tau * (hours / period + phase)) for period, phase in drawn]
    return math.fsum(sines) / len(sines)


@lru_cache(maxsize=128)
def _phases(name: str) -> tuple[float, ...]:
    """The phases that belong to a name, one for each sine."""
    drawn = random.Random(name)
    return tuple(drawn.random() for _ in WAVE_HOURS)


def own_moment(moment: TapeMoment, factors: Factors) -> TapeMoment:
    """A moment as the asset has it: skew, basis, funding, put/call and open coins of its own shape."""

    def own(name: str) -> float:
        return wave(f"{factors.asset} {name}", moment.at)

    if factors == Factors(asset=factors.asset, absent=factors.absent):
        return moment
    skew, basis = factors.skew_wave * own("skew"), factors.basis_wave * own("basis")
    return replace(
        moment,
        skew_pct=tuple(round(figure * factors.skew + skew, 3) for figure in moment.skew_pct),
        basis_pct=tuple(round(figure * factors.basis + basis, 3) for figure in moment.basis_pct),
        funding_8h_pct=round(
            moment.funding_8h_pct * factors.funding + factors.funding_wave * own("funding"), 6
        ),
        put_call_ratio=moment.put_call_ratio * (1 + factors.put_call_wave_pct / 100 * own("put/call")),
        open_interest_coin=round(
            moment.open_interest_coin * (1 + factors.coins_wave_pct / 100 * own("coins")), 2
        ),
    )


def _vary(moment: TapeMoment, variation: _Variation | None) -> TapeMoment:
    """The moment, with what no source fixes moved a little."""
    if variation is None:
        return moment

    def factor(column: _Varied) -> float:
        if column not in variation.columns:
            return 1.0
        near = min(
            (abs(moment.at - anchor) / HOUR for anchor in variation.anchors.get(column, ())), default=math.inf
        )
        share = variation.columns[column] / 100 * min(1.0, near / variation.settle_h)
        return 1 + share * wave(column, moment.at)

    skew, basis = factor("skew"), factor("basis")
    return replace(
        moment,
        open_interest_coin=round(moment.open_interest_coin * factor("open_interest_coin"), 2),
        skew_pct=tuple(figure * skew for figure in moment.skew_pct),
        basis_pct=tuple(figure * basis for figure in moment.basis_pct),
        put_call_ratio=moment.put_call_ratio * factor("put_call_ratio"),
    )


def _as_moment(day: Day, first: TapeMoment) -> TapeMoment:
    """The end of a day as a moment, the other tenors in the proportions of the first moment."""
    at = datetime.combine(day.day + timedelta(days=1), time(), UTC)
    skew = day.skew_60d_pct / first.skew_pct[SKEW_TENORS_D.index(60)]
    basis = day.basis_60d_pct / first.basis_pct[BASIS_TENORS_D.index(60)]
    return TapeMoment(
        at=at,
        index_usd=day.close_usd,
        high_usd=day.close_usd,
        low_usd=day.close_usd,
        open_interest_coin=day.open_interest_coin,
        skew_pct=tuple(figure * skew for figure in first.skew_pct),
        atm_iv_pct=tuple(figure * day.dvol / first.dvol for figure in first.atm_iv_pct),
        basis_pct=tuple(figure * basis for figure in first.basis_pct),
        funding_8h_pct=day.funding_8h_pct,
        dvol=day.dvol,
        put_call_ratio=day.put_call_ratio,
        option_open_interest_coin=day.option_open_interest_coin,
    )


def _lift(moment: TapeMoment, floor_usd: float | None) -> TapeMoment:
    if floor_usd is None:
        return moment
    return replace(
        moment,
        index_usd=max(moment.index_usd, floor_usd),
        high_usd=max(moment.high_usd, floor_usd),
        low_usd=max(moment.low_usd, floor_usd),
    )
