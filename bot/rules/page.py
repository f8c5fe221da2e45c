"""The rules as a page to read: `docs/rules.md` is made from the rule files and checked fresh."""

from collections.abc import Iterable, Iterator, Mapping

from bot.domain.judgement import Signal
from bot.domain.rulebook import AlarmRule, Condition, Ladder, Rule, RuleBook, RuleIs, ShippedPast, Threshold

HEAD = """\
# Rules

Made from `config/rules/`; do not edit by hand. A rule that is on votes for its family, from −2 (caution) to +2 (bullish); a step of
a ladder weighs by how far its fact lies beyond the usual range, as far as that is also much for the fact's own last year. What the
votes add up to: `config/rules/verdict.toml`; how they are added: `docs/architecture.md`.

A number "of BTC" is that asset's own, the first one everybody else's. "Its rank" is the place of a value in its own last year, in
percent. "Beyond n% of its own past": where that past is known, the threshold moves outward to it.
"""
LAST_CHANGE = "- Last change on the tape: "


def page(book: RuleBook, signals: Mapping[str, Signal]) -> str:
    """The page. `signals` are the rules' states at the end of the tape: each says since when it is what it
    is."""
    lines = [HEAD]
    for family in book.families.values():
        lines.append(f"## {family.id} (weight {family.weight:g})\n")
        for ladder in book.ladders.values():
            if ladder.family == family.id and ladder.usual:
                lines += _usual(ladder)
        for rule in book.rules.values():
            if rule.family == family.id:
                lines += _rule(rule, signals.get(rule.id))
        for alarm in book.alarms.values():
            if alarm.family == family.id:
                lines += _alarm(alarm)
    lines += _pasts(book.shipped)
    return "\n".join(lines).rstrip() + "\n"


def _usual(ladder: Ladder) -> Iterator[str]:
    stands_in = f" It speaks where `{ladder.stands_in_for}` is silent." if ladder.stands_in_for else ""
    yield f"Usual range of `{ladder.fact}`, judged by the row of the day; one unit of interest is {ladder.interest:g}.{stands_in}\n"
    yield "| from | low | high | source |"
    yield "|---|---|---|---|"
    for usual in ladder.usual:
        yield f"| {usual.since.isoformat()} | {usual.low:g} | {usual.high:g} | {usual.source} |"
    yield ""


def _rule(rule: Rule, signal: Signal | None) -> Iterator[str]:
    mirror = f", mirror `{rule.mirror}`" if rule.mirror else ""
    stance = f", stance {rule.stance}" if rule.stance else ""
    plain = ", needs no yardstick" if rule.absolute else ""
    turns = ", may turn the stance at once" if rule.turns else ""
    yield f"### {rule.id}\n"
    yield f"Vote {rule.vote:+d}, {rule.severity}{stance}{plain}{turns}{mirror}.\n"
    for part in rule.when:
        yield f"- When {_part(part)}"
    if rule.replaces:
        yield "- Replaces " + ", ".join(f"`{name}`" for name in rule.replaces)
    yield f"- Why: {rule.why}"
    yield f"- Mistakes: {rule.mistakes}"
    yield f"- Source: {rule.source}"
    if signal is None:
        yield f"{LAST_CHANGE}none"
    else:
        yield f"{LAST_CHANGE}{signal.phase} since {signal.since:%Y-%m-%d %H:%M} UTC"
    yield ""


def _part(part: Condition | RuleIs) -> str:
    if isinstance(part, RuleIs):
        return f"`{part.rule}` {'counts' if part.counting else 'is on' if part.on else 'is off'}"
    fact = f"its rank of `{part.fact}`" if part.ranked else f"`{part.fact}`"
    side, entry = ("below", part.below) if part.below is not None else ("above", part.above)
    if entry is None:
        return fact
    until = f", until {_number(part.clears)}" if part.clears else ""
    past = f", and beyond {part.beyond:g}% of its own past" if part.beyond is not None else ""
    return f"{fact} is {side} {_number(entry)}{until}{past}"


def _alarm(alarm: AlarmRule) -> Iterator[str]:
    mirror = f", mirror `{alarm.mirror}`" if alarm.mirror else ""
    unit = f" times `{alarm.unit}`" if alarm.unit else ""
    yield f"### {alarm.id}\n"
    yield f"An alarm on a move: `{alarm.fact}` {'falls' if alarm.falls else 'rises'}{mirror}.\n"
    for line in alarm.lines:
        latest = ", ".join(f"{name} no later than {size:g}" for name, size in line.no_later)
        turns = "; it may turn the stance at once" if line.size == alarm.turns else ""
        yield f"- {line.severity}: {line.size:g}{unit}{f' ({latest})' if latest else ''}{turns}"
    if alarm.after:
        yield f"- Only in the time of `{alarm.after}`"
    yield f"- Over when {alarm.retraced:.0%} of it is retraced, or after {alarm.lasts.total_seconds() / 3600:g} hours"
    yield f"- Why: {alarm.why}"
    yield f"- Mistakes: {alarm.mistakes}"
    yield f"- Source: {alarm.source}"
    yield ""


def _pasts(rows: Iterable[ShippedPast]) -> Iterator[str]:
    told = list(rows)
    if not told:
        return
    yield "## The first history\n"
    yield "What some facts were, for an installation that has no days of its own yet: 5, 20, 50, 80 and 95%.\n"
    yield "| asset | fact | from | to | quantiles | days | source |"
    yield "|---|---|---|---|---|---|---|"
    for row in told:
        marks = " / ".join(f"{mark:g}" for mark in row.quantiles)
        yield f"| {row.asset} | `{row.fact}` | {row.since} | {row.until} | {marks} | {row.days} | {row.source} |"
    yield ""


def _number(threshold: Threshold) -> str:
    if threshold.side is None:
        own = "".join(f", {number:,.10g} of {name}" for name, number in threshold.of_asset)
        return f"{threshold.number:,.10g}{own}"
    if not threshold.number:
        return f"the usual {threshold.side}"
    return f"the usual {threshold.side} {'+' if threshold.number > 0 else '−'} {abs(threshold.number):g}"
