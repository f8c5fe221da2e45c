"""What to say and in which order, before any word is chosen: findings by weight × severity × novelty, then
the slots."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from msgspec import Struct

from bot.commentary.names import SpokenMarket, checks_hold
from bot.commentary.shapes import BARE, CALM, LEANING, LISTED, QUIET, news, shape
from bot.domain.judgement import Finding, Verdict
from bot.domain.rulebook import RuleIs, Severity
from bot.domain.story import Length, Memory, RememberedPost, Slot

Telling = Literal["full", "still", "easing"]

FULL_FINDINGS: Mapping[Length, int] = {"short": 4, "embed": 6, "article": 5}
STILL_FINDINGS = 4
REPEATED_FAMILY = 0.3
MEANINGS = 4
QUIET_UP_TO = 5


class PlannedPiece(Struct, frozen=True, kw_only=True):
    """One sentence or two to be chosen: its slot, the pools to choose from (the first that has a usable
    phrase), its finding."""

    slot: Slot
    abouts: tuple[str, ...]
    finding: Finding | None = None
    needed: bool = False


class StoryPlan(Struct, frozen=True, kw_only=True):
    """A headline (if the length has one) and paragraphs of pieces; `told` is what each finding is told as."""

    headline: PlannedPiece | None
    paragraphs: tuple[tuple[PlannedPiece, ...], ...]


def telling(finding: Finding, market: SpokenMarket, memory: Memory) -> Telling:
    """In full, in one short line since it has not moved, or as one that is on its way out."""
    rule = market.book.rules[finding.rule]
    if not checks_hold(rule, market):
        return "easing"
    if memory.last is None or finding.rule not in memory.last.findings:
        return "full"
    full = {
        phrase.id
        for phrase in market.bank.phrases
        if (phrase.slot, phrase.about) == ("evidence", finding.rule)
    }
    last_full = next((told for told in reversed(memory.told) if full & set(told.phrase_ids)), None)
    return "still" if last_full and not _moved(finding, market, last_full, rule.interest) else "full"


def _moved(finding: Finding, market: SpokenMarket, then: RememberedPost, interest: float | None) -> bool:
    lead = next((name for name in finding.facts if market.fact(name)), None)
    if lead is None or interest is None or lead not in then.figures:
        return False
    fact = market.fact(lead)
    return fact is not None and abs(fact.value - then.figures[lead]) >= interest


def salience(finding: Finding, market: SpokenMarket, memory: Memory) -> float:
    """Weight × severity × novelty; a rule that sums up others counts for a little more than they do."""
    severity = 1 + get_args(Severity).index(finding.severity)
    family = market.book.families.get(finding.family)
    novelty = {"full": 1.0, "easing": 0.6, "still": 0.8}[telling(finding, market, memory)]
    sums_up = 1.2 if any(isinstance(part, RuleIs) for part in market.book.rules[finding.rule].when) else 1.0
    return (0.5 + (family.weight if family else 0)) * severity * novelty * sums_up


def order_findings(market: SpokenMarket, memory: Memory) -> tuple[Finding, ...]:
    """The findings, the most salient first. The second and third of a family come after the first of the
    others."""
    place = {rule: index for index, rule in enumerate(market.book.rules)}
    weighed = {finding.rule: salience(finding, market, memory) for finding in market.findings}
    ranked = sorted(market.findings, key=lambda finding: (-weighed[finding.rule], place[finding.rule]))
    seen: Counter[str] = Counter()
    for finding in ranked:
        weighed[finding.rule] *= REPEATED_FAMILY ** seen[finding.family]
        seen[finding.family] += 1
    return tuple(sorted(ranked, key=lambda finding: (-weighed[finding.rule], place[finding.rule])))


def plan(
    verdict: Verdict,
    market: SpokenMarket,
    memory: Memory,
    length: Length,
    *,
    drop: int = 0,
    thorough: bool = False,
    sparse: bool = False,
) -> StoryPlan:
    """The slots of one post, without its `drop` least salient findings; a `thorough` article explains what
    has not moved in full, a `sparse` post explains nothing."""
    findings = order_findings(market, memory)
    kept = findings[: max(len(findings) - drop, 0)]
    abouts = _abouts(verdict, findings)
    if length == "short":
        return StoryPlan(
            headline=None, paragraphs=((PlannedPiece(slot="short", abouts=abouts, needed=True),),)
        )
    told = {finding.rule: telling(finding, market, memory) for finding in kept}
    full = [finding for finding in kept if told[finding.rule] != "still"][: FULL_FINDINGS[length]]
    still = [finding for finding in kept if told[finding.rule] == "still"][:STILL_FINDINGS]
    body = [_full(finding, told[finding.rule], rank, length) for rank, finding in enumerate(full)]
    if not kept:
        ladders = tuple(ladder.id for ladder in market.book.ladders.values() if market.fact(ladder.fact))
        turn = len(memory.told) % max(len(ladders), 1)
        meaning = PlannedPiece(slot="meaning", abouts=ladders[turn:] + ladders[:turn])
        about = f"{shape(verdict)}+{LISTED}" if findings else shape(verdict)
        body.append((PlannedPiece(slot="evidence", abouts=(about,)), meaning))
    if length == "article":
        body += [_still(finding, rank + len(memory.told), thorough) for rank, finding in enumerate(still)]
        body += _quiet(verdict, market, QUIET_UP_TO - len(body))
    elif still:
        lines = [
            PlannedPiece(slot="still", abouts=(finding.rule, "any"), finding=finding) for finding in still
        ]
        body.append(
            (*lines, PlannedPiece(slot="meaning", abouts=(still[0].rule, "ladder"), finding=still[0]))
        )
    if sparse:
        body = [tuple(piece for piece in pieces if piece.slot != "meaning") for pieces in body]
    lead = (PlannedPiece(slot="lead", abouts=abouts, needed=True),)
    changed, watch, missing = _changed(verdict, market, memory), _watch(verdict), _missing(verdict, market)
    paragraphs = [lead, *body, changed, watch, missing]
    if length == "article":
        standfirst, close = (
            PlannedPiece(slot="standfirst", abouts=abouts),
            PlannedPiece(slot="close", abouts=abouts, needed=True),
        )
        sowhat = (
            PlannedPiece(slot="sowhat", abouts=(shape(verdict),)),
            *_counter(verdict, market),
            PlannedPiece(slot="sowhat", abouts=("treasury",)),
        )
        paragraphs = [(standfirst,), (*lead, *changed), *body, sowhat, (*watch, *missing), (close,)]
    return StoryPlan(
        headline=PlannedPiece(slot="headline", abouts=abouts, needed=True), paragraphs=tuple(paragraphs)
    )


def _still(finding: Finding, turn: int, thorough: bool) -> tuple[PlannedPiece, ...]:
    """A finding that has not moved, in an article: one line, then what it means or how far it reaches, in
    turns."""
    pieces = [PlannedPiece(slot="still", abouts=(finding.rule, "any"), finding=finding)]
    if thorough or turn % 2 == 0:
        pieces.append(PlannedPiece(slot="meaning", abouts=(finding.rule, "ladder"), finding=finding))
    if thorough or turn % 2 == 1:
        pieces.append(PlannedPiece(slot="limit", abouts=(finding.rule, "ladder"), finding=finding))
    return tuple(pieces)


def _quiet(verdict: Verdict, market: SpokenMarket, room: int) -> list[tuple[PlannedPiece, ...]]:
    """Paragraphs on known families without a finding, the weightiest first, with what their ladder means."""
    busy = {finding.family for finding in verdict.findings}
    quiet = [
        family
        for family in market.book.families.values()
        if family.id in verdict.families and family.id not in busy
    ]
    ladders = {ladder.family: ladder.id for ladder in reversed(list(market.book.ladders.values()))}
    paragraphs: list[tuple[PlannedPiece, ...]] = []
    for family in sorted(quiet, key=lambda family: -family.weight)[: max(room, 0)]:
        pieces = [PlannedPiece(slot="evidence", abouts=(f"{QUIET}{family.id}",))]
        if family.id in ladders:
            pieces += [
                PlannedPiece(slot="meaning", abouts=(ladders[family.id],)),
                PlannedPiece(slot="limit", abouts=(ladders[family.id],)),
            ]
        paragraphs.append(tuple(pieces))
    return paragraphs


def dissenting(verdict: Verdict) -> tuple[Finding, ...]:
    """The findings that lean against the verdict."""
    side = {"bearish": 1, "overheated": 0, "bullish": -1}.get(verdict.stance, 0)
    return tuple(finding for finding in verdict.findings if side and finding.vote * side > 0)


def families_not_leaning(verdict: Verdict, market: SpokenMarket) -> tuple[str, ...]:
    """The known families that could lean and do not lean as the verdict does."""
    if verdict.stance not in ("bearish", "bullish"):
        return ()
    votes = {family.id for family in market.book.families.values() if family.weight}
    return tuple(
        family for family, lean in verdict.families.items() if family in votes and lean != verdict.stance
    )


def _counter(verdict: Verdict, market: SpokenMarket) -> tuple[PlannedPiece, ...]:
    if dissenting(verdict):
        return (PlannedPiece(slot="sowhat", abouts=("counter",)),)
    return (
        (PlannedPiece(slot="sowhat", abouts=("counter-family",)),)
        if families_not_leaning(verdict, market)
        else ()
    )


def _abouts(verdict: Verdict, findings: Iterable[Finding]) -> tuple[str, ...]:
    day = shape(verdict)
    subject = [finding.rule for finding in findings]
    if day == "neutral":
        subject.append(LEANING if any(finding.vote for finding in verdict.findings) else CALM)
    return (*(f"{day}+{rule}" for rule in subject), day, f"{day}+{LISTED}", f"{day}+{BARE}")


def _full(finding: Finding, told: Telling, rank: int, length: Length) -> tuple[PlannedPiece, ...]:
    if told == "easing":
        return (PlannedPiece(slot="still", abouts=("easing",), finding=finding),)
    pieces = [PlannedPiece(slot="evidence", abouts=(finding.rule, "any"), finding=finding)]
    if length == "article" or rank < MEANINGS:
        pieces.append(PlannedPiece(slot="meaning", abouts=(finding.rule, "ladder"), finding=finding))
    if length == "article":
        pieces.append(PlannedPiece(slot="limit", abouts=(finding.rule, "ladder"), finding=finding))
    return tuple(pieces)


def _changed(verdict: Verdict, market: SpokenMarket, memory: Memory) -> tuple[PlannedPiece, ...]:
    if memory.last is None:
        return ()
    pieces: list[PlannedPiece] = []
    if memory.last.stance != verdict.stance:
        pieces.append(PlannedPiece(slot="changed", abouts=("stance",)))
    new, gone = news(verdict, memory)
    if new and gone:
        pieces.append(PlannedPiece(slot="changed", abouts=("both",)))
    elif new or gone:
        pieces.append(PlannedPiece(slot="changed", abouts=("new",) if new else ("gone",)))
    if len(pieces) < 2 and market.fact("spot_usd") and "spot_usd" in memory.last.figures:
        pieces.append(PlannedPiece(slot="changed", abouts=("price",)))
    return tuple(pieces)


def _watch(verdict: Verdict) -> tuple[PlannedPiece, ...]:
    if any(flip.stance for flip in verdict.flips):
        return (PlannedPiece(slot="watch", abouts=("stance",)),)
    return (PlannedPiece(slot="watch", abouts=("rule",)),) if verdict.flips else ()


def _missing(verdict: Verdict, market: SpokenMarket) -> tuple[PlannedPiece, ...]:
    pieces: list[PlannedPiece] = []
    if any(missing.family for missing in verdict.missing):
        known = any(family in verdict.families for family in market.book.families)
        pieces.append(PlannedPiece(slot="missing", abouts=("families" if known else "all",)))
    if any(finding.held for finding in verdict.findings):
        pieces.append(PlannedPiece(slot="missing", abouts=("held",)))
    return tuple(pieces)
