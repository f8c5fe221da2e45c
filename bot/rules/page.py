"""The rules as a page to read: `docs/rules.md` is made from the rule files and checked fresh."""

from collections.abc import Iterator, Mapping

from bot.domain.judgement import Signal
from bot.domain.rulebook import Condition, Ladder, Rule, RuleBook, RuleIs, Threshold

HEAD = """\
# Rules

Made from `config/rules/`; do not edit by hand. A rule that is on votes for its family, from −2 (caution) to +2 (bullish).
What the words mean: `docs/architecture.md`; what the votes add up to: `config/rules/verdict.toml`.
"""
LAST_CHANGE = "- Last change on the tape: "


def page(book: RuleBook, signals: Mapping[str, Signal]) -> str:
    """The page. `signals` are the rules' states at the end of the tape: each says since when it is what it is."""
    lines = [HEAD]
    for family in book.families.values():
        lines.append(f"## {family.id} (weight {family.weight:g})\n")
        for ladder in book.ladders.values():
            if ladder.family == family.id and ladder.usual:
                lines += _usual(ladder)
        for rule in book.rules.values():
            if rule.family == family.id:
                lines += _rule(rule, signals.get(rule.id))
    return "\n".join(lines).rstrip() + "\n"


def _usual(ladder: Ladder) -> Iterator[str]:
    yield f"Usual range of `{ladder.fact}`, judged by the row of the day:\n"
    yield "| from | low | high | source |"
    yield "|---|---|---|---|"
    for usual in ladder.usual:
        yield f"| {usual.since.isoformat()} | {usual.low:g} | {usual.high:g} | {usual.source} |"
    yield ""


def _rule(rule: Rule, signal: Signal | None) -> Iterator[str]:
    mirror = f", mirror `{rule.mirror}`" if rule.mirror else ""
    stance = f", stance {rule.stance}" if rule.stance else ""
    yield f"### {rule.id}\n"
    yield f"Vote {rule.vote:+d}, {rule.severity}{stance}{mirror}.\n"
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
        return f"`{part.rule}` is {'on' if part.on else 'off'}"
    if part.below is not None:
        return f"`{part.fact}` is below {_number(part.below)}" + (
            f", until {_number(part.clears)}" if part.clears else ""
        )
    said = f"`{part.fact}` is above {_number(part.above)}" if part.above else f"`{part.fact}`"
    return said + (f", until {_number(part.clears)}" if part.clears else "")


def _number(threshold: Threshold) -> str:
    if threshold.side is None:
        return f"{threshold.number:,.10g}"
    if not threshold.number:
        return f"the usual {threshold.side}"
    return f"the usual {threshold.side} {'+' if threshold.number > 0 else '−'} {abs(threshold.number):g}"
