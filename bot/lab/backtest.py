"""The rules over a past: the archive's own, or a folder of CSV files. What they would have said and posted,
hour by hour.

A value counts from the end of the stretch that it speaks for: a day's close is known when the day is over. A
figure that is told once a day is too old to judge by soon after, so a daily past is judged once a day
(`every`), with the figures of the day before, which have held for as long as rules wait. Nothing that became
known later is looked at: not by a fact, not by its own past, not by a shipped row."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.domain.judgement import Call, Finding, Signal, Verdict
from bot.domain.posts import Reason, Route
from bot.domain.rulebook import Family, Rule, RuleBook, RuleIs
from bot.metrics import DailyPasts, History, by_hour, hours_polled
from bot.rules import JudgedMoment, Judgement, Replay, alert
from bot.rules.evaluate import has_lasted
from bot.rules.states import Cell, on_since

HOUR = timedelta(hours=1)

Progress = Callable[[int, int], None]
"""Told the steps that are done and how many there are."""


LEAD_IN = timedelta(days=30)
"""So long before its beginning a past is judged silently: what is asked is the market's verdict, not that of a bot that
was installed on the first day."""


class WouldBeAlert(Struct, frozen=True, kw_only=True):
    """A post that would have gone out."""

    at: datetime
    reason: Reason
    stance: str


class BacktestRun(Struct, frozen=True, kw_only=True):
    """What the rules said over a past: the moment at each step, the changes of stance, the alerts of a
    channel with one scheduled post a day (`scheduled` counts these), and how many steps each rule counted. `without`
    names the families of which nothing is told in this past: they are no part of the book here."""

    moments: tuple[JudgedMoment, ...]
    calls: tuple[Call, ...]
    alerts: tuple[WouldBeAlert, ...]
    scheduled: int
    on: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def stances(self) -> Mapping[str, int]:
        """How many steps each stance stood."""
        return Counter(moment.stance for moment in self.moments)


def run(
    book: RuleBook,
    past: Sequence[Series],
    asset: str,
    catalog: Catalog,
    since: datetime,
    until: datetime,
    *,
    every: timedelta = HOUR,
    post_hour: int = 12,
    by_files: bool = True,
    progress: Progress | None = None,
) -> BacktestRun:
    """Judge a past from one time to another, at each full hour (of each `every`) that brought news. `by_files`: it is a
    folder's, and a family without a file for the stretch is no part of the book; in an archive it is unknown. Raises
    InputError."""
    history = History.of(asset, past)
    begin = since if book.balance is None else since - LEAD_IN
    fresh = every if every > HOUR else timedelta(0)
    hours = by_hour(history, catalog, book.asks, begin, until, fresh=fresh)
    heard = hours_polled(history, begin, until)
    count, step_hours = len(hours.at_ms), round(every / HOUR)
    without = families_not_told(book, past, begin, until) if by_files else ()
    following = Replay(book, asset=asset, without=without)
    route, order = Route(channel="backtest:"), {name: place for place, name in enumerate(book.rules)}
    pasts = DailyPasts(history, catalog, book, asset)
    moments: list[JudgedMoment] = []
    calls: list[Call] = []
    alerts: list[WouldBeAlert] = []
    on: Counter[str] = Counter()
    posted = None
    for number, (at, known, bounds) in enumerate(hours.rows()):
        if progress is not None and number % 200 == 0:
            progress(number, count)
        if at not in heard or at.hour % min(step_hours, 24):
            continue
        moment = following.judge(known, at, bounds, pasts.on(at), held=step_hours >= 24)
        if at < since:
            continue
        moments.append(moment)
        on.update(moment.counting)
        if not calls or calls[-1].stance != moment.stance:
            calls.append(Call(at=at, stance=moment.stance, rules=book.hash))
        due = posted != at.date() and (at.hour >= post_hour or step_hours >= 24)
        posted = at.date() if due else posted
        names = sorted(moment.counts, key=order.__getitem__)
        judgement = _judgement(book, moment, {name: following.cells[name] for name in names}, asset)
        route, reason = alert(replace(route, due_at=at if due else None), judgement, book, at)
        if reason is not None:
            alerts.append(WouldBeAlert(at=at, reason=reason, stance=moment.stance))
    if progress is not None:
        progress(count, count)
    days = len({moment.at.date() for moment in moments})
    return BacktestRun(
        moments=tuple(moments),
        calls=tuple(calls),
        alerts=tuple(alerts),
        scheduled=days,
        on=on,
        without=without,
    )


def families_not_told(
    book: RuleBook, past: Iterable[Series], since: datetime, until: datetime
) -> tuple[str, ...]:
    """The families of which a past tells nothing between two times (the lead-in included: one that fell silent was there
    and is unknown). Editions from before the balance have none: there what is not told is unknown."""
    if book.balance is None:
        return ()
    first, last = since.timestamp() * 1000.0, until.timestamp() * 1000.0
    told = {
        one.metric
        for one in past
        if any(
            first <= at_ms + 1000.0 * covers_s <= last
            for at_ms, covers_s in zip(one.at_ms, one.covers_s, strict=True)
        )
    }
    return tuple(
        family.id
        for family in book.families.values()
        if family.weight > 0 and not any(fact.partition(".")[0] in told for fact in family.anchor)
    )


_ONE_HEARD = Signal(
    rule="", phase="on", since=datetime.min.replace(tzinfo=UTC), evaluated_at=datetime.min.replace(tzinfo=UTC)
)
_ONE_MUTED = replace(_ONE_HEARD, muted=True)
"""All that an alert asks of a signal."""


def _judgement(book: RuleBook, moment: JudgedMoment, cells: Mapping[str, Cell], asset: str) -> Judgement:
    """As much of a judgement as an alert is decided on, from the cells of the rules that are told, in their order."""
    findings = tuple(
        Finding(
            rule=name,
            family=book.rules[name].family,
            vote=book.rules[name].vote,
            severity=book.rules[name].severity,
            facts=(),
            since=(since := on_since(cell)),
            ordinary=name in moment.ordinary,
            background=has_lasted(book, since, moment.at),
        )
        for name, cell in cells.items()
    )
    verdict = Verdict(
        asset=asset,
        at=moment.at,
        stance=moment.stance,
        confidence=moment.confidence,
        score=moment.score,
        coverage=moment.coverage,
        families=moment.families,
        votes=moment.votes,
        findings=findings,
        balance=moment.balance,
        middle=moment.middle,
        alarms=moment.alarms,
    )
    return Judgement(
        signals={name: _ONE_MUTED if cell.muted else _ONE_HEARD for name, cell in cells.items()},
        verdict=verdict,
        changed=moment.changed,
        counts=moment.counts,
        counting=moment.counting,
    )


def with_data(book: RuleBook, past: Iterable[Series]) -> RuleBook:
    """The rules that a past can answer, and their families alone: what is said of them is not the verdict of
    the whole book."""
    metrics = {one.metric for one in past if len(one.at_ms)}

    def is_answered(rule: Rule) -> bool:
        asks = [book.rules[part.rule] for part in rule.when if isinstance(part, RuleIs)]
        return all(fact.partition(".")[0] in metrics for fact in rule.facts) and all(map(is_answered, asks))

    rules = {name: rule for name, rule in book.rules.items() if is_answered(rule)}
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
        ladders={
            name: ladder
            for name, ladder in book.ladders.items()
            if all(step in rules for step in ladder.steps)
        },
        order=tuple(name for name in book.order if name in rules),
        hash=f"{book.hash}/{'+'.join(families)}",
    )
