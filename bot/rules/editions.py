"""Which edition of a rule a signal belongs to: a rule that judges otherwise than before starts anew, at
unknown."""

import hashlib
from collections.abc import Mapping

from msgspec.structs import replace

from bot.domain.rulebook import Condition, Rule, RuleBook, RuleIs, Threshold


def editions(book: RuleBook) -> Mapping[str, str]:
    """A digest of each rule's judgement by its id; what it only says of itself (why, source, mistakes, file)
    does not count."""
    found = {}
    for rule in book.rules.values():
        ladder = book.ladders.get(rule.ladder) if rule.ladder else None
        judged = replace(rule, why="", source="", mistakes="", file="")
        bounds = (ladder.fact, ladder.usual, sorted(ladder.bounds.items())) if ladder else ()
        spelled = _spelled_by_score(judged) if book.balance is None else repr(judged)
        found[rule.id] = hashlib.sha256(f"({spelled}, {bounds!r}, {book.hold!r})".encode()).hexdigest()[:8]
    return found


def _spelled_by_score(rule: Rule) -> str:
    """A rule of an edition from before the balance, spelled as that version did: its digests are stored beside what
    was said then."""
    when = "".join(f"{_part(part)}, " for part in rule.when)
    when = f"({when.rstrip()})" if len(rule.when) == 1 else f"({when.removesuffix(', ')})"
    return (
        f"Rule(id={rule.id!r}, family={rule.family!r}, when={when}, vote={rule.vote!r}, "
        f"severity={rule.severity!r}, why='', source='', mistakes='', file='', ladder={rule.ladder!r}, "
        f"mirror={rule.mirror!r}, stance={rule.stance!r}, replaces={rule.replaces!r}, wait={rule.wait!r}, "
        f"keep={rule.keep!r}, interest={rule.interest!r})"
    )


def _part(part: Condition | RuleIs) -> str:
    if isinstance(part, RuleIs):
        return f"RuleIs(rule={part.rule!r}, on={part.on!r})"
    numbers = ", ".join(
        f"{name}={_threshold(one)}"
        for name, one in (("below", part.below), ("above", part.above), ("clears", part.clears))
    )
    return f"Condition(fact={part.fact!r}, {numbers})"


def _threshold(threshold: Threshold | None) -> str:
    if threshold is None:
        return "None"
    return f"Threshold(number={threshold.number!r}, side={threshold.side!r})"
