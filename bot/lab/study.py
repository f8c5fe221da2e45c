"""docs/record.md: what the rules would have said over a recorded past, and how that did. Every number in it
is computed here."""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from statistics import median

from msgspec import Struct

from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.rulebook import Family, RuleBook, Stance
from bot.lab.backtest import BacktestRun, Progress, run
from bot.rules import JudgedMoment
from bot.rules.record import Claim, Prices, RecordRow, RecordSettings, changes, record

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
HEAVY = ("options", "basis", "leverage", "liquidations")
HEAVY_AT_LEAST = 3
LONGEST_GAP = 3
SHORTEST = 30
"""A stretch is one in which three of the four heavy families are told, with gaps of at most two days, for a month."""
BAD_DAYS = (
    ("19 May 2021", datetime(2021, 5, 19, tzinfo=UTC)),
    ("13 June 2022", datetime(2022, 6, 13, tzinfo=UTC)),
    ("9 November 2022", datetime(2022, 11, 9, tzinfo=UTC)),
    ("17 August 2023", datetime(2023, 8, 17, tzinfo=UTC)),
    ("5 August 2024", datetime(2024, 8, 5, tzinfo=UTC)),
    ("10 October 2025", datetime(2025, 10, 10, tzinfo=UTC)),
    ("31 January 2026", datetime(2026, 1, 31, tzinfo=UTC)),
    ("5 February 2026", datetime(2026, 2, 5, tzinfo=UTC)),
)
RULES_SHOWN = 15
MISSES = 12
OPPOSITE: Mapping[Stance, Stance] = {"bearish": "bullish", "bullish": "bearish"}


class StudyPart(Struct, frozen=True, kw_only=True):
    """One stretch of the study, and what the whole book said over it."""

    since: datetime
    until: datetime
    ran: BacktestRun


def study(
    playbook: Playbook,
    past: Sequence[Series],
    manner: RecordSettings,
    hourly: Sequence[Series] = (),
    progress: Progress | None = None,
    *,
    made_on: date,
) -> str:
    """The page as Markdown, of a past by the day (`past`) and the same market's price by the hour. Raises InputError."""
    daily = tuple(one for one in past if len(one.at_ms) and min(one.covers_s) >= DAY.total_seconds())
    prices = Prices.of(_spot(daily), max(manner.price_max_age, DAY))
    lines = [*_head(playbook, daily, manner, made_on)]
    for stretch in stretches(playbook.rules, daily):
        lines += _whole_book(playbook, daily, stretch, manner, prices, progress)
    lines += _by_the_hour(playbook, hourly, progress)
    lines += _without_options(playbook, daily, manner, prices, progress)
    return "\n".join(lines) + "\n"


def stretches(book: RuleBook, past: Iterable[Series]) -> tuple[tuple[datetime, datetime], ...]:
    """The stretches in which enough of the heavy families are told each day, oldest first."""
    told: dict[int, set[str]] = {}
    for family in (book.families[name] for name in HEAVY):
        for day in _days_told(family, past):
            told.setdefault(day, set()).add(family.id)
    days = sorted(day for day, families in told.items() if len(families) >= HEAVY_AT_LEAST)
    found: list[list[int]] = []
    for day in days:
        if found and day - found[-1][-1] <= LONGEST_GAP:
            found[-1].append(day)
        else:
            found.append([day])
    return tuple((_of_day(run[0]), _of_day(run[-1] + 1)) for run in found if len(run) >= SHORTEST)


def _days_told(family: Family, past: Iterable[Series]) -> set[int]:
    metrics = {fact.partition(".")[0] for fact in family.anchor}
    return {
        int((at_ms + 1000 * covers_s) // 86_400_000)
        for one in past
        if one.metric in metrics and one.venue is None
        for at_ms, covers_s in zip(one.at_ms, one.covers_s, strict=True)
    }


def _of_day(day: int) -> datetime:
    return datetime.fromtimestamp(day * 86_400, UTC)


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _spot(past: Iterable[Series]) -> Series:
    return next(one for one in past if one.metric == "spot_usd" and one.venue is None)


# ── what is said of the page ────────────────────────────────────────────────────────────────────────────────


def _head(playbook: Playbook, past: Sequence[Series], manner: RecordSettings, made_on: date) -> Iterator[str]:
    yield "# The record over a recorded past"
    yield ""
    yield (
        f"Made on {made_on.day} {made_on:%B %Y} by `./tightrope study FOLDER --hourly FOLDER` from recorded history; nothing in "
        "it is written by hand. All of it is **backfilled**: today's rules over yesterday's market, by people who knew how it "
        "went. What the bot says live is kept apart (`/record`). How our readings stand beside published ones: `docs/agreement.md`."
    )
    yield ""
    table, past_table = playbook.rules.balance, playbook.rules.past
    if table is not None and past_table is not None:
        yield (
            f"Which numbers were chosen on which days: the way in and out of a lean (±{table.enters:g}, ±{table.leaves:g}), "
            f"the {table.days} days of the median and the {past_table.full_days} days from which on an own past weighs in full "
            "were chosen on the spring of 2026, by sketches, so what that stretch shows of them is no test. The published ranges "
            "are their sources'; the floors of liquidations are from the daily totals of 2020 to 2026. No number was fitted to "
            "what the price did afterwards."
        )
        yield ""
    yield f"Rules of edition `{playbook.rules.hash}`. The past of BTC in it, by the day:"
    yield ""
    yield "| metric | from | to | values |"
    yield "|---|---|---|---|"
    for one in past:
        if one.venue is None:
            span = f"{_time(one.at_ms[0]):%Y-%m-%d} | {_time(one.at_ms[-1]):%Y-%m-%d}"
            yield f"| `{one.metric}` | {span} | {len(one.at_ms)} |"
    yield ""
    right = "; ".join(f"{claim.stance}: {_claim(claim, manner)}" for claim in manner.claims)
    yield (
        f"A call is a change of stance. Right is: {right}. Windows that overlap are counted once; the interval is 90% (Wilson); under "
        f"{manner.least} windows it is too few to say. The base rate is the same claim at every step of the same stretch."
    )
    yield ""


def _claim(claim: Claim, manner: RecordSettings) -> str:
    if claim.right != "within":
        return f"the price is {claim.right}"
    bounds = ", ".join(f"{claim.within_pct[days]:g}%" for days in manner.horizons_days)
    return f"the price is within ±{bounds} after {', '.join(str(days) for days in manner.horizons_days)} days"


# ── the whole book ──────────────────────────────────────────────────────────────────────────────────────────


def _whole_book(
    playbook: Playbook,
    past: Sequence[Series],
    stretch: tuple[datetime, datetime],
    manner: RecordSettings,
    prices: Prices,
    progress: Progress | None,
) -> Iterator[str]:
    since, until = stretch
    least = 0 if playbook.rules.past is None else playbook.rules.past.least_days
    seasoned = min(since + least * DAY, until)
    ran = run(playbook.rules, past, "BTC", playbook.catalog, since, until, every=DAY, progress=progress)
    later = StudyPart(since=seasoned, until=until, ran=_from(ran, seasoned))
    yield f"## The whole book, {since:%d %B %Y} to {until - DAY:%d %B %Y}"
    yield ""
    absent = f" Not told, so no part of the book here: {', '.join(ran.without)}." if ran.without else ""
    yield (
        "Three of the four heavy families or more are told on each day. Judged once a day, at the end of it. The first "
        f"{least} days have less than that of their own past, so the second column begins after them.{absent}"
    )
    yield ""
    yield f"| | all {len(ran.moments)} days | the {len(later.ran.moments)} days from {seasoned:%d %B} on |"
    yield "|---|---|---|"
    for name, mine, theirs in zip(*_figures(ran), _figures(later.ran)[1], strict=True):
        yield f"| {name} | {mine} | {theirs} |"
    yield ""
    yield "The rules that count on most days, with the share of days on which each counts:"
    yield ""
    yield "| rule | all days | later days |"
    yield "|---|---|---|"
    for rule, days in sorted(later.ran.on.items(), key=lambda one: -one[1])[:RULES_SHOWN]:
        share = 100 * ran.on.get(rule, 0) / len(ran.moments)
        yield f"| `{rule}` | {share:.0f}% | {100 * days / len(later.ran.moments):.0f}% |"
    yield ""
    yield from _taken_away(playbook, past, later, progress)
    yield "What the price did afterwards:"
    yield ""
    yield from table(record(ran.calls, prices, manner, ran.moments[-1].at))
    yield from _misses(ran.calls, prices, manner)
    yield ""


def _from(ran: BacktestRun, since: datetime) -> BacktestRun:
    """The later part of a run."""
    moments = tuple(moment for moment in ran.moments if moment.at >= since)
    on: dict[str, int] = {}
    for moment in moments:
        for rule in moment.counting:
            on[rule] = on.get(rule, 0) + 1
    alerts = tuple(one for one in ran.alerts if one.at >= since)
    return BacktestRun(
        moments=moments,
        calls=_calls(moments),
        alerts=alerts,
        scheduled=len(moments),
        on=on,
        without=ran.without,
    )


def _calls(moments: Iterable[JudgedMoment]) -> tuple[Call, ...]:
    return tuple(
        Call(at=next(group).at, stance=stance)
        for stance, group in groupby(moments, key=lambda one: one.stance)
    )


def _figures(ran: BacktestRun) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and figures of how a run went."""
    runs = [len(list(group)) for _, group in groupby(moment.stance for moment in ran.moments)]
    rows: list[tuple[str, str]] = [(stance, f"{share:.0f}%") for stance, share in _shares_of(ran).items()]
    rows += [
        ("changes of stance", str(len(runs) - 1)),
        ("longest run, days", str(max(runs, default=0))),
        ("median run, days", f"{median(runs):g}" if runs else "0"),
        ("entropy of the stances, bits", f"{entropy(ran.stances):.2f}"),
        ("alerts beside the daily post", str(len(ran.alerts))),
    ]
    return tuple(name for name, _ in rows), tuple(figure for _, figure in rows)


STANCES: tuple[Stance, ...] = ("bearish", "neutral", "bullish", "overheated", "unclear", "no-call")


def _shares_of(ran: BacktestRun) -> dict[str, float]:
    return {stance: 100 * ran.stances.get(stance, 0) / max(len(ran.moments), 1) for stance in STANCES}


def entropy(counts: Mapping[str, int]) -> float:
    """How much a stance tells on average, in bits: 0 where there is one alone, 1 of two that are as frequent. Source:
    Shannon, A Mathematical Theory of Communication, Bell System Technical Journal 27 (1948)."""
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values() if count)


def _taken_away(
    playbook: Playbook, past: Sequence[Series], whole: StudyPart, progress: Progress | None
) -> Iterator[str]:
    """The same days with some of the families unheard, or not there at all."""
    yield "The same days with families taken away, against the stance with all of them:"
    yield ""
    yield "| taken away | how | stances | days with the same stance | days with the opposite lean |"
    yield "|---|---|---|---|---|"
    for names in (("liquidations",), ("liquidations", "leverage")):
        for how in ("by a gap", "not installed"):
            left = without_families(playbook.rules, past, names, whole.since if how == "by a gap" else None)
            ran = run(
                playbook.rules,
                left,
                "BTC",
                playbook.catalog,
                whole.since,
                whole.until,
                every=DAY,
                progress=progress,
            )
            pairs = list(zip(whole.ran.moments, ran.moments, strict=True))
            same = sum(mine.stance == theirs.stance for mine, theirs in pairs)
            opposite = sum(OPPOSITE.get(mine.stance) == theirs.stance for mine, theirs in pairs)
            shares = ", ".join(f"{stance} {share:.0f}%" for stance, share in _shares_of(ran).items() if share)
            yield (
                f"| {' and '.join(names)} | {how} | {shares} | {same} of {len(pairs)} ({100 * same / len(pairs):.0f}%) | {opposite} |"
            )
    yield ""


def without_families(
    book: RuleBook, past: Iterable[Series], names: Iterable[str], since: datetime | None
) -> tuple[Series, ...]:
    """A past without some families: from a time on (a gap), or as if they had never been there (None)."""
    prefixes = tuple(prefix for name in names for prefix in book.families[name].prefixes)
    left: list[Series] = []
    for one in past:
        if not one.metric.startswith(prefixes):
            left.append(one)
        elif since is not None:
            limit = since.timestamp() * 1000.0
            kept = [place for place, at_ms in enumerate(one.at_ms) if at_ms < limit]
            left.append(
                Series(
                    metric=one.metric,
                    asset=one.asset,
                    venue=one.venue,
                    at_ms=array("q", [one.at_ms[place] for place in kept]),
                    value=array("d", [one.value[place] for place in kept]),
                    covers_s=array("q", [one.covers_s[place] for place in kept]),
                )
            )
    return tuple(left)


# ── the price by the hour ───────────────────────────────────────────────────────────────────────────────────


def _by_the_hour(playbook: Playbook, past: Sequence[Series], progress: Progress | None) -> Iterator[str]:
    """What the alarms on moves would have told of the bad days, from the price alone."""
    bars = tuple(one for one in past if len(one.at_ms) and max(one.covers_s) <= HOUR.total_seconds())
    if not bars:
        return
    spot = _spot(bars)
    prices = Prices.of(spot, HOUR)
    since, until = _time(spot.at_ms[0]), _time(spot.at_ms[-1])
    yield "## Bad days by the hour"
    yield ""
    yield (
        f"The price alone, {since:%d %B %Y} to {until:%d %B %Y}, without any other reading: which alarms on moves would have gone "
        "out. In time: before the day's lowest hour."
    )
    yield ""
    yield "| day | first told (UTC) | alarm | price in 24 h, then | lowest hour | in 24 h, there | in time |"
    yield "|---|---|---|---|---|---|---|"
    for title, day in BAD_DAYS:
        if not since + 30 * DAY <= day <= until - DAY:
            continue
        ran = run(playbook.rules, bars, "BTC", playbook.catalog, day, day + 1.25 * DAY, progress=progress)
        yield _told_of(title, day, ran, prices)
    yield ""
    ran = run(playbook.rules, bars, "BTC", playbook.catalog, since + 31 * DAY, until, progress=progress)
    told = [
        alarm for moment in ran.moments for alarm in moment.alarms if alarm.new and alarm.fact != "balance"
    ]
    days = max((ran.moments[-1].at - ran.moments[0].at) / DAY, 1.0)
    counts: dict[str, int] = {}
    for alarm in told:
        counts[alarm.rule] = counts.get(alarm.rule, 0) + 1
    yield (
        f"Over all {days:.0f} days: {len(told)} alarms, {len(told) / days * 30:.1f} in thirty days. "
        + ", ".join(f"`{rule}` {count}" for rule, count in sorted(counts.items(), key=lambda one: -one[1]))
        + "."
    )
    yield ""


def _told_of(title: str, day: datetime, ran: BacktestRun, prices: Prices) -> str:
    hours = [day + number * HOUR for number in range(31)]
    known = [(price, at) for at in hours if (price := prices.at(at)) is not None]
    lowest = min(known)[1]
    falls = [
        (moment.at, alarm)
        for moment in ran.moments
        for alarm in moment.alarms
        if alarm.new and alarm.move < 0 and alarm.fact != "balance"
    ]
    if not falls:
        return f"| {title} | not told | | | {lowest:%d %b %H:%M} | {_day_move(prices, lowest)} | no |"
    at, alarm = falls[0]
    return (
        f"| {title} | {at:%d %b %H:%M} | `{alarm.rule}` | {_day_move(prices, at)} | {lowest:%d %b %H:%M} | "
        f"{_day_move(prices, lowest)} | {'yes' if at <= lowest else 'no'} |"
    )


def _day_move(prices: Prices, at: datetime) -> str:
    move = prices.move_pct(at - DAY, 1)
    return "not recorded" if move is None else f"{move:+.1f}%"


# ── the years before ────────────────────────────────────────────────────────────────────────────────────────


def _without_options(
    playbook: Playbook,
    past: Sequence[Series],
    manner: RecordSettings,
    prices: Prices,
    progress: Progress | None,
) -> Iterator[str]:
    """The years in which neither options nor basis were recorded: judged without them."""
    book, heavy = playbook.rules, [playbook.rules.families[name] for name in ("leverage", "liquidations")]
    days = sorted(set.intersection(*(_days_told(family, past) for family in heavy)))
    first = next((since for since, _ in stretches(book, past)), None)
    days = [day for day in days if first is None or _of_day(day) < first]
    if not days:
        return
    since, until = _of_day(days[0]), _of_day(days[-1] + 1)
    left = without_families(book, past, ("options", "basis"), None)
    ran = run(book, left, "BTC", playbook.catalog, since, until, every=DAY, progress=progress)
    yield f"## Judged without options and basis, {since:%d %B %Y} to {until - DAY:%d %B %Y}"
    yield ""
    yield (
        "Skew and basis were not recorded over these years. What is said here is what an installation without them would have said: "
        f"a book of {', '.join(name for name, one in book.families.items() if one.weight and name not in ran.without)}."
    )
    yield ""
    yield f"| | {len(ran.moments)} days |"
    yield "|---|---|"
    for name, figure in zip(*_figures(ran), strict=True):
        yield f"| {name} | {figure} |"
    yield ""
    yield "Bad days: the stance on the evening before, on that evening and two days later."
    yield ""
    yield "| day | before | that evening | two days later | price, 7 days on |"
    yield "|---|---|---|---|---|"
    said = {moment.at.date(): moment for moment in ran.moments}
    for title, day in BAD_DAYS:
        told = [said.get((day + number * DAY).date()) for number in (0, 1, 3)]
        if any(told):
            cells = " | ".join(_said(moment) for moment in told)
            move = prices.move_pct(day + DAY, 7)
            yield f"| {title} | {cells} | {'not recorded' if move is None else f'{move:+.1f}%'} |"
    yield ""
    yield from table(record(ran.calls, prices, manner, ran.moments[-1].at))
    yield from _misses(ran.calls, prices, manner)


def _said(moment: JudgedMoment | None) -> str:
    if moment is None or moment.balance is None:
        return "not recorded"
    low, high = moment.balance
    return f"{moment.stance}, balance {low:.0f}" + ("" if round(low) == round(high) else f" to {high:.0f}")


def table(rows: Iterable[RecordRow]) -> Iterator[str]:
    """The record as a Markdown table."""
    yield "| stance | days | calls | n | hit rate | 90% interval | base rate |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        rate, ends = "too few to say", ""
        if row.hit_pct is not None and row.low_pct is not None and row.high_pct is not None:
            rate, ends = f"{row.hit_pct:.0f}%", f"{row.low_pct:.0f}% to {row.high_pct:.0f}%"
        base = "" if row.base_pct is None else f"{row.base_pct:.0f}%"
        yield f"| {row.stance} | {row.days} | {row.calls} | {row.n} | {rate} | {ends} | {base} |"


def _misses(calls: Sequence[Call], prices: Prices, manner: RecordSettings) -> Iterator[str]:
    """The calls that were furthest from what came in a week, those without an outcome left out."""
    claims = {claim.stance: claim for claim in manner.claims}
    days = 7
    wrong = [
        (abs(move), call, move)
        for call in changes(calls)
        if call.stance in claims
        and (move := prices.move_pct(call.at, days)) is not None
        and not claims[call.stance].holds(move, days)
    ]
    yield ""
    if not wrong:
        yield "No call with an outcome was wrong after a week."
        return
    yield f"Where it was wrong, the {min(MISSES, len(wrong))} widest of {len(wrong)} after {days} days:"
    yield ""
    yield "| at (UTC) | stance | price, 7 days on |"
    yield "|---|---|---|"
    for _, call, move in sorted(wrong, key=lambda one: -one[0])[:MISSES]:
        yield f"| {call.at:%Y-%m-%d %H:%M} | {call.stance} | {move:+.1f}% |"
