"""The rules over a past: the archive's own, or a folder of CSV files. What they would have said and posted, hour by hour.

A value counts from the end of the stretch that it speaks for: a day's close is known when the day is over. A figure that is told once
a day is too old to judge by soon after, so a daily past is judged once a day (`every`), at the hour at which it is told; rules that
wait count each such step as one hour.
"""

import csv
import tomllib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bot.domain.catalog import Catalog
from bot.domain.chain import Floats
from bot.domain.facts import Series
from bot.domain.judgement import Call, Finding, Verdict
from bot.domain.posts import Reason, Route
from bot.domain.rulebook import Family, Rule, RuleBook, RuleIs
from bot.errors import ConfigError, Problem
from bot.metrics import History, by_hour, polled
from bot.rules import Judgement, Moment, Replay, alert

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000.0
DAY_MS = 86_400_000
LENGTHS = {"1h": 3600, "4h": 14_400, "8h": 28_800, "1d": 86_400}
KEYS = frozenset({"name", "time", "every", "venue", "asset", "asset_column", "columns", "zero"})
MONTH_HOURS = 720
MIN_SHARE = 0.95

Progress = Callable[[int, int], None]
"""Told the steps that are done and how many there are."""


# ── a folder of history ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """One [[file]] of config/history.toml. `columns` holds each metric's column and the factor to its unit."""

    name: str
    time: str
    every_s: int
    venue: str
    columns: Mapping[str, tuple[str, float]]
    asset: str = ""
    asset_column: str = ""
    zero_is_gap: bool = False


def parse_schema(text: str, catalog: Catalog, file: str = "history.toml") -> tuple[HistoryFile, ...]:
    """How a folder's files are read, as config/history.toml explains. Raises ConfigError with every problem."""
    try:
        entries = tomllib.loads(text).get("file", [])
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(file=file, id="", reason=str(error))]) from error
    problems: list[Problem] = []
    found = [_file(entry, catalog, file, problems) for entry in entries]
    if problems:
        raise ConfigError(problems)
    return tuple(one for one in found if one is not None)


def _file(entry: Mapping[str, Any], catalog: Catalog, file: str, problems: list[Problem]) -> HistoryFile | None:
    name = str(entry.get("name", "?"))
    wrong = [f"unknown key {key!r}" for key in sorted(set(entry) - KEYS)]
    wrong += [f"{key} is missing" for key in ("name", "time", "every", "venue", "columns") if key not in entry]
    if ("asset" in entry) == ("asset_column" in entry):
        wrong.append("either asset or asset_column, and only one of them")
    if entry.get("every", "1h") not in LENGTHS:
        wrong.append(f"every is one of {', '.join(LENGTHS)}")
    columns: dict[str, tuple[str, float]] = {}
    for metric, told in dict(entry.get("columns", {})).items():
        if metric not in catalog.metrics:
            wrong.append(f"there is no metric {metric!r}")
        columns[metric] = (told, 1.0) if isinstance(told, str) else (told["column"], float(told.get("times", 1.0)))
    problems += [Problem(file=file, id=name, reason=reason) for reason in wrong]
    if wrong:
        return None
    return HistoryFile(
        name=name, time=entry["time"], every_s=LENGTHS[entry["every"]], venue=entry["venue"], columns=columns,
        asset=entry.get("asset", ""), asset_column=entry.get("asset_column", ""), zero_is_gap=entry.get("zero") == "gap",
    )  # fmt: skip


def read_folder(
    files: Mapping[str, str], schema: Iterable[HistoryFile], asset: str, catalog: Catalog
) -> tuple[Series, ...]:
    """The past of one asset in some CSV texts, by name. A cell that is empty or not plausible is a gap.

    Raises ConfigError where a column is missing or a cell is no number.
    """
    problems: list[Problem] = []
    found: list[Series] = []
    for one in schema:
        if one.name in files:
            told = [series for series in _read(one, files[one.name], asset, catalog, problems) if len(series.at_ms)]
            twice = {(old.metric, old.venue) for old in found} & {(new.metric, new.venue) for new in told}
            problems += [
                Problem(file=one.name, id=metric, reason=f"another file tells it of {asset} already")
                for metric, _ in sorted(twice, key=str)
            ]
            found += told
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _read(one: HistoryFile, text: str, asset: str, catalog: Catalog, problems: list[Problem]) -> Iterable[Series]:
    reader = csv.DictReader(text.splitlines())
    wanted = {one.time, *(column for column, _ in one.columns.values()), *filter(None, [one.asset_column])}
    if missing := sorted(wanted - set(reader.fieldnames or ())):
        problems.append(Problem(file=one.name, id=", ".join(missing), reason="no such column in the file"))
        return ()
    at_ms = {metric: array("q") for metric in one.columns}
    values = {metric: array("d") for metric in one.columns}
    for number, row in enumerate(reader, 2):
        if (row[one.asset_column] if one.asset_column else one.asset) != asset:
            continue
        try:
            start_ms = _ms(row[one.time])
            told = {
                metric: float(row[column]) * times for metric, (column, times) in one.columns.items() if row[column]
            }
        except ValueError as error:
            problems.append(Problem(file=one.name, id=f"line {number}", reason=str(error)))
            continue
        for metric, value in told.items():
            low, high = catalog.metrics[metric].valid
            if low <= value <= high and not (one.zero_is_gap and value == 0.0):
                at_ms[metric].append(start_ms)
                values[metric].append(value)
    # A tally belongs to who told it, and has no aggregate: the windows over it have.
    return tuple(
        Series(
            metric=metric, asset=asset, venue=venue, at_ms=at_ms[metric], value=values[metric],
            covers_s=array("q", [one.every_s]) * len(values[metric]),
        )
        for metric in one.columns
        for venue in ((one.venue,) if "_tally_" in metric else (None, one.venue))
    )  # fmt: skip


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp() * 1000)


# ── what follows from it ─────────────────────────────────────────────────────────────────────────────────────────────


def completed(past: Sequence[Series]) -> tuple[Series, ...]:
    """The past of one asset, and what the live bot would have made of it: extremes of 30 days and the way from them from hourly
    bars, windows of liquidations from daily tallies. What is there already stays as it is."""
    history = {(one.metric, one.venue): one for one in past}
    there = {metric for metric, venue in history if venue is None}
    windows = list(_windows(history))
    made = [*_extremes(history), *windows, *_shares(history, windows)]
    return (*past, *(one for one in made if one.metric not in there))


def _extremes(history: Mapping[tuple[str, str | None], Series]) -> Iterable[Series]:
    spot = history.get(("spot_usd", None))
    if spot is None or set(spot.covers_s) != {3600}:
        return
    for bars, extreme, way, since, sign in (
        ("spot_low_usd", "low_30d_usd", "rebound_pct", "hours_since_low", 1.0),
        ("spot_high_usd", "high_30d_usd", "drawdown_pct", "hours_since_high", -1.0),
    ):
        told = history.get((bars, None))
        if told is None or set(told.covers_s) != {3600}:
            continue
        first = min(spot.at_ms[0], told.at_ms[0])
        hours = int((max(spot.at_ms[-1], told.at_ms[-1]) - first) // HOUR_MS) + 1
        close, bar = _cells(spot, first, hours), _cells(told, first, hours)
        windows = np.lib.stride_tricks.sliding_window_view(
            np.append(np.full(MONTH_HOURS - 1, np.nan), np.fmin(sign * bar, sign * close)), MONTH_HOURS
        )
        heard = np.lib.stride_tricks.sliding_window_view(
            np.append(np.zeros(MONTH_HOURS - 1), ~np.isnan(bar)), MONTH_HOURS
        ).mean(axis=1)
        ends = np.flatnonzero((heard >= MIN_SHARE) & ~np.isnan(close))
        if not len(ends):
            continue
        place = np.nanargmin(windows[ends], axis=1)
        most = sign * windows[ends, place]
        at_ms = [int(first + end * HOUR_MS) for end in ends]
        for metric, values in (
            (extreme, most),
            (way, (close[ends] / most - 1.0) * 100.0),
            (since, (MONTH_HOURS - place).astype(np.float64)),
        ):
            yield _series(spot.asset, metric, at_ms, values, 3600)


def _cells(series: Series, first_ms: int, hours: int) -> Floats:
    """A value an hour, nan where there is none."""
    cells = np.full(hours, np.nan)
    places = ((np.asarray(series.at_ms, np.float64) - first_ms) // HOUR_MS).astype(np.int64)
    cells[places] = np.asarray(series.value, np.float64)
    return cells


def _windows(history: Mapping[tuple[str, str | None], Series]) -> Iterable[Series]:
    """Sums of daily tallies over one and five whole days, where every day is told."""
    venues = sorted({venue for metric, venue in history if venue and metric == "liquidations_tally_long_usd"})
    for venue in venues[:1]:
        sides = {
            side: dict(zip(told.at_ms, told.value, strict=True))
            for side in ("long", "short")
            if (told := history.get((f"liquidations_tally_{side}_usd", venue))) is not None
            and set(told.covers_s) == {86_400}
        }
        if len(sides) < 2:
            continue
        asset = history["liquidations_tally_long_usd", venue].asset
        sides["both"] = {day: usd + sides["short"][day] for day, usd in sides["long"].items() if day in sides["short"]}
        for label, days in (("24h", 1), ("5d", 5)):
            for side, told_usd in sides.items():
                name = f"liquidations_{label}_usd" if side == "both" else f"liquidations_{label}_{side}_usd"
                yield _sums(asset, name, told_usd, days)


def _sums(asset: str, name: str, usd: Mapping[int, float], days: int) -> Series:
    windows = {day: [day - back * DAY_MS for back in range(days)] for day in sorted(usd)}
    found = {
        day: sum(usd[one] for one in window) for day, window in windows.items() if all(one in usd for one in window)
    }
    return _series(asset, name, list(found), list(found.values()), 86_400)


def _shares(history: Mapping[tuple[str, str | None], Series], windows: Iterable[Series]) -> Iterable[Series]:
    """Liquidations as a share of open interest at the same day's end."""
    whole = history.get(("open_interest_usd", None))
    if whole is None:
        return
    open_usd = dict(zip(whole.at_ms, whole.value, strict=True))
    totals = {"liquidations_24h_usd": "liquidations_24h_pct_of_oi", "liquidations_5d_usd": "liquidations_5d_pct_of_oi"}
    for part in windows:
        if part.metric in totals:
            rows = zip(part.at_ms, part.value, strict=True)
            share = {day: usd / open_usd[day] * 100.0 for day, usd in rows if open_usd.get(day)}
            yield _series(whole.asset, totals[part.metric], list(share), list(share.values()), 86_400)


def _series(asset: str, metric: str, at_ms: Sequence[int], values: Iterable[float], covers_s: int) -> Series:
    return Series(
        metric=metric, asset=asset, venue=None, at_ms=array("q", at_ms), value=array("d", values),
        covers_s=array("q", [covers_s]) * len(at_ms),
    )  # fmt: skip


# ── the rules over it ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A post that would have gone out."""

    at: datetime
    reason: Reason
    stance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the rules said over a past: the moment at each step, the changes of stance, the alerts of a channel with one
    scheduled post a day (`scheduled` counts these), and how many steps each rule was on."""

    moments: tuple[Moment, ...]
    calls: tuple[Call, ...]
    alerts: tuple[Told, ...]
    scheduled: int
    on: Mapping[str, int] = field(default_factory=dict)

    @property
    def stances(self) -> Mapping[str, int]:
        """How many steps each stance stood."""
        return Counter(moment.stance for moment in self.moments)


def run(
    book: RuleBook, past: Sequence[Series], asset: str, catalog: Catalog, since: datetime, until: datetime, *,
    every: timedelta = HOUR, post_hour: int = 12, progress: Progress | None = None,
) -> Run:  # fmt: skip
    """Judge a past from one time to another, at each full hour (of each `every`) that brought news. Raises InputError."""
    history = History.of(asset, past)
    hours = by_hour(history, catalog, book.asks, since, until)
    heard = polled(history, since, until)
    count, step_hours = len(hours.at_ms), round(every / HOUR)
    following, route = Replay(book), Route(channel="backtest:")
    moments: list[Moment] = []
    calls: list[Call] = []
    alerts: list[Told] = []
    on: Counter[str] = Counter()
    posted = None
    for number, (at, known, bounds) in enumerate(hours.rows()):
        if progress is not None and number % 200 == 0:
            progress(number, count)
        if at not in heard or at.hour % min(step_hours, 24):
            continue
        moment = following.judge(known, at, bounds)
        moments.append(moment)
        on.update(moment.counts)
        if not calls or calls[-1].stance != moment.stance:
            calls.append(Call(at=at, stance=moment.stance, rules=book.hash))
        due = posted != at.date() and (at.hour >= post_hour or step_hours >= 24)
        posted = at.date() if due else posted
        judgement = _judgement(book, moment, following, asset)
        route, reason = alert(replace(route, due_at=at if due else None), judgement, book, at)
        if reason is not None:
            alerts.append(Told(at=at, reason=reason, stance=moment.stance))
    if progress is not None:
        progress(count, count)
    days = len({moment.at.date() for moment in moments})
    return Run(moments=tuple(moments), calls=tuple(calls), alerts=tuple(alerts), scheduled=days, on=on)


def _judgement(book: RuleBook, moment: Moment, following: Replay, asset: str) -> Judgement:
    """As much of a judgement as an alert is decided on."""
    names = [name for name in book.rules if name in moment.counts]
    signals = following.signals(names)
    findings = tuple(
        Finding(
            rule=name, family=book.rules[name].family, vote=book.rules[name].vote, severity=book.rules[name].severity,
            facts=(), since=signals[name].since,
        )
        for name in names
    )  # fmt: skip
    verdict = Verdict(
        asset=asset, at=moment.at, stance=moment.stance, confidence=moment.confidence, score=moment.score,
        coverage=moment.coverage, families=moment.families, votes={}, findings=findings,
    )  # fmt: skip
    return Judgement(signals=signals, verdict=verdict, changed=moment.changed, counts=moment.counts)


def with_data(book: RuleBook, past: Iterable[Series]) -> RuleBook:
    """The rules that a past can answer, and their families alone: what is said of them is not the verdict of the whole book."""
    metrics = {one.metric for one in past if len(one.at_ms)}

    def answered(rule: Rule) -> bool:
        asks = [book.rules[part.rule] for part in rule.when if isinstance(part, RuleIs)]
        return all(fact.partition(".")[0] in metrics for fact in rule.facts) and all(map(answered, asks))

    rules = {name: rule for name, rule in book.rules.items() if answered(rule)}
    families: dict[str, Family] = {
        name: family
        for name, family in book.families.items()
        if any(fact.partition(".")[0] in metrics for fact in family.anchor)
    }
    rules = {name: rule for name, rule in rules.items() if rule.family in families}
    return replace(
        book,
        rules=rules,
        families=families,
        ladders={name: ladder for name, ladder in book.ladders.items() if all(step in rules for step in ladder.steps)},
        order=tuple(name for name in book.order if name in rules),
        hash=f"{book.hash}/{'+'.join(families)}",
    )
