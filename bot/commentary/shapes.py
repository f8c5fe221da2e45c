"""The shapes that a day can have, the names that a phrase of each slot may ask for, and what a rule's being
on implies is known."""

from collections.abc import Iterable, Mapping

from bot.domain.judgement import Verdict
from bot.domain.rulebook import Condition, RuleBook
from bot.domain.story import Memory

CALM, LEANING = "calm", "leaning"
"""A neutral day with no finding that votes, and one on which findings lean, but not far enough for a call."""

LISTED, BARE = "listed", "bare"
"""Shorts that name the findings without their figures, and shorts that name none: for when nothing else
passes."""

SHAPES = ("bearish", "overheated", "neutral", "mixed", "bullish", "unclear", "no-call")

_EVERYWHERE = frozenset({"asset", "coin", "at"})
_VERDICT = _EVERYWHERE | {"stance", "confidence", "reasons"}
_FINDING = _EVERYWHERE | {"it", "usual", "bar", "way_out", "since"}
_SPOKEN = _VERDICT | {
    "it",
    "usual",
    "reason",
    "typed",
    "choices",
    "was",
    "last_at",
    "missing",
    "moves",
    "then",
    "new",
    "gone",
    "venues",
    "suppressed",
    "metric",
    "value",
    "post",
    "title",
    "tenor",
    "before",
    "after",
    "source",
    "sources",
    "until",
    "command",
    "holder",
    "hits",
    "total",
    "base",
    "low",
    "high",
    "window",
    "name",
    "other",
    "text",
    "term",
}
_POINTS = frozenset({"price", "main", "second", "third", "head", "word", "stays", "briefs"})
_FRAME = (
    _VERDICT
    | _POINTS
    | {
        "it",
        "usual",
        "was",
        "peak",
        "peak_at",
        "yard",
        "called",
        "low_at",
        "since",
        "moved",
        "exits",
        "ground",
        "deeper",
        "held",
        "becomes",
        "was_stance",
        "lean",
        "missing",
    }
    | {
        "coverage",
        "age",
        "alarm",
        "alarm_from",
        "alarm_to",
        "alarm_size",
        "alarm_in",
        "steady",
        "steady_for",
        "steady_out",
        "day_move",
        "fallen",
        "doubt",
        "known_part",
        "drift",
        "extreme",
    }
)
_BY_SLOT: Mapping[str, frozenset[str]] = {
    "headline": _VERDICT,
    "standfirst": _VERDICT,
    "lead": _VERDICT,
    "close": _VERDICT,
    "sowhat": _VERDICT | {"against"},
    "short": _VERDICT | _FINDING | {"clauses"},
    "evidence": _FINDING | _VERDICT,
    "meaning": _EVERYWHERE,
    "limit": _EVERYWHERE,
    "still": _FINDING,
    "changed": _VERDICT | {"was", "last_at", "new", "gone", "it", "before"},
    "watch": _VERDICT | {"moves", "then", "it", "way_out"},
    "missing": _EVERYWHERE | {"missing"},
    "footer": _EVERYWHERE | {"sources", "venues"},
    "frame": _FRAME,
    "clause": _FRAME - _POINTS,
}


QUIET = "quiet-"
"""Before a family: phrases on its readings when none of its rules is on."""

COUNTER = ("counter", "counter-family", "treasury")
"""What a so-what may be about besides a shape: the findings or families that dissent, and the treasuries."""


def special_names(slot: str) -> frozenset[str]:
    """The placeholders of a slot that are no facts."""
    return _BY_SLOT.get(slot, _SPOKEN)


def shape(verdict: Verdict) -> str:
    """Which of the seven shapes this day has."""
    return "mixed" if verdict.mixed else verdict.stance


def rule_facts(about: str, book: RuleBook) -> tuple[str, ...]:
    """Every fact that is known when the rule (or some step of the ladder) is on, those of the rules that it
    asks for included."""
    if about in book.ladders:
        return (book.ladders[about].fact,)
    rule = book.rules.get(about)
    if rule is None:
        return ()
    found: list[str] = []
    for part in rule.when:
        if isinstance(part, Condition):
            found.append(part.fact)
        elif part.on:
            found += rule_facts(part.rule, book)
    return tuple(dict.fromkeys(found))


_BESIDE: Mapping[str, tuple[str, ...]] = {
    "rebound_pct": ("low_30d_usd", "spot_usd"),
    "hours_since_low": ("low_30d_usd",),
    "drawdown_pct": ("high_30d_usd", "spot_usd"),
    "hours_since_high": ("high_30d_usd",),
}


def add_implied(facts: Iterable[str]) -> frozenset[str]:
    """The facts, and those that a reading of them stands on: a change has its metric and the value compared
    with."""
    known: set[str] = set()
    for name in facts:
        stem, _, view = name.partition(".")
        known |= {name, stem, *_BESIDE.get(stem, ())}
        if view.startswith(("change_", "before_")):
            window = view.removesuffix("_pct").rpartition("_")[2]
            known |= {f"{stem}.change_{window}", f"{stem}.before_{window}"}
            known |= {f"{stem}.change_{window}_pct"} if view.endswith("_pct") else set()
    return frozenset(known)


NAMED_NEWS = 3


def news(verdict: Verdict, memory: Memory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules that came on and those that went off since the last post."""
    if memory.last is None:
        return (), ()
    now, then = {finding.rule: None for finding in verdict.findings}, memory.last.findings
    return tuple(rule for rule in now if rule not in then), tuple(rule for rule in then if rule not in now)
