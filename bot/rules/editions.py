"""Which edition of a rule a signal belongs to: a rule that judges otherwise than before starts anew, at unknown."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from bot.domain.rulebook import RuleBook


def editions(book: RuleBook) -> Mapping[str, str]:
    """A digest of each rule's judgement by its id; what it only says of itself (why, source, mistakes, file) does not count."""
    found = {}
    for rule in book.rules.values():
        ladder = book.ladders.get(rule.ladder) if rule.ladder else None
        judged = replace(rule, why="", source="", mistakes="", file="")
        bounds = (ladder.fact, ladder.usual, sorted(ladder.bounds.items())) if ladder else ()
        found[rule.id] = hashlib.sha256(repr((judged, bounds, book.hold)).encode()).hexdigest()[:8]
    return found
