"""docs/record.md: what the rules would have said over a recorded past, and how that did. Every number in it is computed here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.backtest import Progress, Run, run, with_data
from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.rulebook import RuleBook
from bot.record import Claim, Manner, Prices, Row, changes, record

DAY = timedelta(days=1)
EVENTS = (
    ("May 2021", datetime(2021, 5, 19, tzinfo=UTC)),
    ("November 2022", datetime(2022, 11, 9, tzinfo=UTC)),
    ("August 2024", datetime(2024, 8, 5, tzinfo=UTC)),
    ("10 October 2025", datetime(2025, 10, 10, tzinfo=UTC)),
    ("6 February 2026", datetime(2026, 2, 6, tzinfo=UTC)),
)
BEFORE, AFTER = timedelta(days=4), timedelta(days=4)
MISSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stretch of the study: the rules that its past can answer, and what they said."""

    title: str
    note: str
    book: RuleBook
    ran: Run
    whole: Run
    every: timedelta


def study(playbook: Playbook, past: Sequence[Series], manner: Manner, progress: Progress | None = None) -> str:
    """The page as Markdown. Raises InputError."""
    hourly = tuple(one for one in past if one.covers_s and max(one.covers_s) <= 3600)
    daily = tuple(one for one in past if one.covers_s and min(one.covers_s) >= 86_400)
    parts = [
        _part(
            "Open interest, liquidations and funding, once a day", playbook, daily, DAY, progress,
            "Daily figures of a vendor, judged at the end of each UTC day. A rule that waits or lingers counts a day as one hour.",
        ),
        _part(
            "Price alone, by the hour", playbook, hourly, timedelta(hours=1), progress,
            "Hourly bars of the perpetual stand in for spot. Nothing else was recorded by the hour.",
        ),
    ]  # fmt: skip
    spot = next(one for one in past if one.metric == "spot_usd" and one.venue is None)
    prices = Prices.of(spot, manner.price_max_age)
    lines = [*_head(playbook, past, manner), *_events(parts, prices)]
    for part in parts:
        lines += _record(part, prices, manner)
    return "\n".join(lines) + "\n"


def _part(
    title: str, playbook: Playbook, past: Sequence[Series], every: timedelta, progress: Progress | None, note: str
) -> Part:
    book = with_data(playbook.rules, past)
    weighing = {fact.partition(".")[0] for one in book.families.values() if one.weight for fact in one.anchor}
    known = [one for one in past if one.venue is None and len(one.at_ms) and one.metric in weighing]
    since = _time(min(one.at_ms[0] for one in known))
    until = _time(max(one.at_ms[-1] + 1000 * one.covers_s[-1] for one in known))
    both = [
        run(one, past, "BTC", playbook.catalog, since, until, every=every, progress=progress)
        for one in (book, playbook.rules)
    ]
    return Part(title=title, note=note, book=book, ran=both[0], whole=both[1], every=every)


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _head(playbook: Playbook, past: Sequence[Series], manner: Manner) -> Iterator[str]:
    yield "# The record over a recorded past"
    yield ""
    yield (
        "Made by `./tightrope study FOLDER` from recorded history; nothing in it is written by hand, and no rule was tuned to it. "
        "All of it is **backfilled**: today's rules over yesterday's market, by people who knew how it went. What the bot says "
        "live is kept apart (`/record`)."
    )
    yield ""
    yield f"Rules of edition `{playbook.rules.hash}`. The past of BTC in it:"
    yield ""
    yield "| metric | from | to | values |"
    yield "|---|---|---|---|"
    for one in past:
        if one.venue is None and len(one.at_ms):
            span = f"{_time(one.at_ms[0]):%Y-%m-%d} | {_time(one.at_ms[-1]):%Y-%m-%d}"
            yield f"| `{one.metric}` | {span} | {len(one.at_ms)} |"
    yield ""
    yield (
        "Skew and basis, the heaviest families, were not recorded over these years. So the whole rule book has nothing to call "
        "(below), and the tables show what **the rules that have data** would have said among themselves: a lean of one or "
        "three families, not the bot's verdict. No hourly price before 2025 was recorded, so what was said before has no outcome "
        "here."
    )
    yield ""
    right = "; ".join(f"{claim.stance}: {_claim(claim, manner)}" for claim in manner.claims)
    yield (
        f"A call is a change of stance. Right is: {right}. Windows that overlap are counted once; the interval is 90% (Wilson); under "
        f"{manner.least} windows it is too few to say. The base rate is the same claim at every hour of the same stretch."
    )
    yield ""


def _claim(claim: Claim, manner: Manner) -> str:
    if claim.right != "within":
        return f"the price is {claim.right}"
    bounds = ", ".join(f"{claim.within_pct[days]:g}%" for days in manner.horizons_days)
    return f"the price is within ±{bounds} after {', '.join(str(days) for days in manner.horizons_days)} days"


def _events(parts: Sequence[Part], prices: Prices) -> Iterator[str]:
    yield "## Five days that are remembered"
    for title, day in EVENTS:
        yield ""
        yield f"### {title}"
        yield ""
        told = [line for part in parts for line in _around(part, day, prices)]
        if not told:
            yield "Nothing was recorded."
            continue
        yield "| at (UTC) | families with data | stance among them | rules on | price, 7 days on | the whole book |"
        yield "|---|---|---|---|---|---|"
        yield from told


def _around(part: Part, day: datetime, prices: Prices) -> Iterator[str]:
    """A row for each moment around the day at which the stance or the rules on changed, and one for the start."""
    whole = {moment.at: moment for moment in part.whole.moments}
    before: tuple[str, frozenset[str]] | None = None
    for moment in part.ran.moments:
        if not day - BEFORE <= moment.at <= day + AFTER:
            continue
        now = (moment.stance, moment.counts)
        if now == before:
            continue
        before = now
        families = ", ".join(moment.families) or "none"
        move = prices.move_pct(moment.at, 7)
        said = whole[moment.at]
        yield (
            f"| {moment.at:%Y-%m-%d %H:%M} | {families} | {moment.stance} | {', '.join(sorted(moment.counts)) or 'none'} | "
            f"{'not recorded' if move is None else f'{move:+.1f}%'} | {said.stance} ({said.coverage:.0%} known) |"
        )


def _record(part: Part, prices: Prices, manner: Manner) -> Iterator[str]:
    moments = part.ran.moments
    yield ""
    yield f"## {part.title}"
    yield ""
    yield part.note
    yield ""
    spent = _shares(part.ran.stances)
    yield (
        f"{moments[0].at:%Y-%m-%d} to {moments[-1].at:%Y-%m-%d}, {len(moments)} steps; families: {', '.join(part.book.families)}; "
        f"{len(part.book.rules)} rules. Time in each stance: {spent}. {len(changes(part.ran.calls))} changes of stance, "
        f"{len(part.ran.alerts)} alerts besides the daily post. The whole book over the same steps: {_shares(part.whole.stances)}."
    )
    yield ""
    yield from table(record(part.ran.calls, prices, manner, moments[-1].at))
    yield from _misses(part.ran.calls, prices, manner)


def _shares(stances: Mapping[str, int]) -> str:
    total = sum(stances.values())
    return ", ".join(f"{stance} {100 * count / total:.1f}%" for stance, count in sorted(stances.items()))


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The record as a Markdown table."""
    yield "| stance | days | calls | n | hit rate | 90% interval | base rate |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        rate, ends = "too few to say", ""
        if row.hit_pct is not None and row.low_pct is not None and row.high_pct is not None:
            rate, ends = f"{row.hit_pct:.0f}%", f"{row.low_pct:.0f}% to {row.high_pct:.0f}%"
        base = "" if row.base_pct is None else f"{row.base_pct:.0f}%"
        yield f"| {row.stance} | {row.days} | {row.calls} | {row.n} | {rate} | {ends} | {base} |"


def _misses(calls: Sequence[Call], prices: Prices, manner: Manner) -> Iterator[str]:
    """The calls that were furthest from what came in a week, those without an outcome left out."""
    claims = {claim.stance: claim for claim in manner.claims}
    days = 7
    wrong = [
        (abs(move), call, move)
        for call in changes(calls)
        if call.stance in claims and (move := prices.move_pct(call.at, days)) is not None
        and not claims[call.stance].holds(move, days)
    ]  # fmt: skip
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
