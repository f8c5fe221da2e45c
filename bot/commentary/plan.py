"""What to say and in which order, before any word is chosen: findings by weight × severity × novelty, then the slots."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bot.commentary.names import Market, checks_hold
from bot.commentary.shapes import BARE, CALM, LEANING, LISTED, QUIET, shape
from bot.domain.judgement import Finding, Verdict
from bot.domain.rulebook import RuleIs, Severity
from bot.domain.story import Length, Memory, Slot, Told

Telling = Literal["full", "still", "easing"]

FULL_FINDINGS: Mapping[Length, int] = {"short": 4, "embed": 6, "article": 5}
STILL_FINDINGS = 4
REPEATED_FAMILY = 0.3
MEANINGS = 4
QUIET_UP_TO = 5
NAMED_NEWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One sentence or two to be chosen: its slot, the pools to choose from (the first that has a usable phrase), its finding."""

    slot: Slot
    abouts: tuple[str, ...]
    finding: Finding | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A headline (if the length has one) and paragraphs of pieces; `told` is what each finding is told as."""

    headline: Piece | None
    paragraphs: tuple[tuple[Piece, ...], ...]


def telling(finding: Finding, market: Market, memory: Memory) -> Telling:
    """In full, in one short line since it has not moved, or as one that is on its way out."""
    rule = market.book.rules[finding.rule]
    if not checks_hold(rule, market):
        return "easing"
    if memory.last is None or finding.rule not in memory.last.findings:
        return "full"
    full = {phrase.id for phrase in market.bank.phrases if (phrase.slot, phrase.about) == ("evidence", finding.rule)}
    last_full = next((told for told in reversed(memory.told) if full & set(told.phrase_ids)), None)
    return "still" if last_full and not _moved(finding, market, last_full, rule.interest) else "full"


def _moved(finding: Finding, market: Market, then: Told, interest: float | None) -> bool:
    lead = next((name for name in finding.facts if market.fact(name)), None)
    if lead is None or interest is None or lead not in then.figures:
        return False
    fact = market.fact(lead)
    return fact is not None and abs(fact.value - then.figures[lead]) >= interest


def salience(finding: Finding, market: Market, memory: Memory) -> float:
    """Weight × severity × novelty; a rule that sums up others counts for a little more than they do."""
    severity = 1 + get_args(Severity).index(finding.severity)
    family = market.book.families.get(finding.family)
    novelty = {"full": 1.0, "easing": 0.6, "still": 0.8}[telling(finding, market, memory)]
    sums_up = 1.2 if any(isinstance(part, RuleIs) for part in market.book.rules[finding.rule].when) else 1.0
    return (0.5 + (family.weight if family else 0)) * severity * novelty * sums_up


def ordered(market: Market, memory: Memory) -> tuple[Finding, ...]:
    """The findings, the most salient first. The second and third of a family come after the first of the others."""
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
    market: Market,
    memory: Memory,
    length: Length,
    *,
    drop: int = 0,
    thorough: bool = False,
    sparse: bool = False,
) -> Plan:
    """The slots of one post, without its `drop` least salient findings; a `thorough` article explains what has not
    moved in full, a `sparse` post explains nothing."""
    findings = ordered(market, memory)
    kept = findings[: max(len(findings) - drop, 0)]
    abouts = _abouts(verdict, findings)
    if length == "short":
        return Plan(headline=None, paragraphs=((Piece(slot="short", abouts=abouts, needed=True),),))
    told = {finding.rule: telling(finding, market, memory) for finding in kept}
    full = [finding for finding in kept if told[finding.rule] != "still"][: FULL_FINDINGS[length]]
    still = [finding for finding in kept if told[finding.rule] == "still"][:STILL_FINDINGS]
    body = [_full(finding, told[finding.rule], rank, length) for rank, finding in enumerate(full)]
    if not kept:
        ladders = tuple(ladder.id for ladder in market.book.ladders.values() if market.fact(ladder.fact))
        turn = len(memory.told) % max(len(ladders), 1)
        meaning = Piece(slot="meaning", abouts=ladders[turn:] + ladders[:turn])
        about = f"{shape(verdict)}+{LISTED}" if findings else shape(verdict)
        body.append((Piece(slot="evidence", abouts=(about,)), meaning))
    if length == "article":
        body += [_still(finding, rank + len(memory.told), thorough) for rank, finding in enumerate(still)]
        body += _quiet(verdict, market, QUIET_UP_TO - len(body))
    elif still:
        lines = [Piece(slot="still", abouts=(finding.rule, "any"), finding=finding) for finding in still]
        body.append((*lines, Piece(slot="meaning", abouts=(still[0].rule, "ladder"), finding=still[0])))
    if sparse:
        body = [tuple(piece for piece in pieces if piece.slot != "meaning") for pieces in body]
    lead = (Piece(slot="lead", abouts=abouts, needed=True),)
    changed, watch, missing = _changed(verdict, market, memory), _watch(verdict), _missing(verdict, market)
    paragraphs = [lead, *body, changed, watch, missing]
    if length == "article":
        standfirst, close = Piece(slot="standfirst", abouts=abouts), Piece(slot="close", abouts=abouts, needed=True)
        sowhat = (
            Piece(slot="sowhat", abouts=(shape(verdict),)),
            *_counter(verdict, market),
            Piece(slot="sowhat", abouts=("treasury",)),
        )
        paragraphs = [(standfirst,), (*lead, *changed), *body, sowhat, (*watch, *missing), (close,)]
    return Plan(headline=Piece(slot="headline", abouts=abouts, needed=True), paragraphs=tuple(paragraphs))


def _still(finding: Finding, turn: int, thorough: bool) -> tuple[Piece, ...]:
    """A finding that has not moved, in an article: one line, then what it means or how far it reaches, in turns."""
    pieces = [Piece(slot="still", abouts=(finding.rule, "any"), finding=finding)]
    if thorough or turn % 2 == 0:
        pieces.append(Piece(slot="meaning", abouts=(finding.rule, "ladder"), finding=finding))
    if thorough or turn % 2 == 1:
        pieces.append(Piece(slot="limit", abouts=(finding.rule, "ladder"), finding=finding))
    return tuple(pieces)


def _quiet(verdict: Verdict, market: Market, room: int) -> list[tuple[Piece, ...]]:
    """Paragraphs on known families without a finding, the weightiest first, with what their ladder means."""
    busy = {finding.family for finding in verdict.findings}
    quiet = [
        family for family in market.book.families.values() if family.id in verdict.families and family.id not in busy
    ]
    ladders = {ladder.family: ladder.id for ladder in reversed(list(market.book.ladders.values()))}
    paragraphs: list[tuple[Piece, ...]] = []
    for family in sorted(quiet, key=lambda family: -family.weight)[: max(room, 0)]:
        pieces = [Piece(slot="evidence", abouts=(f"{QUIET}{family.id}",))]
        if family.id in ladders:
            pieces += [
                Piece(slot="meaning", abouts=(ladders[family.id],)),
                Piece(slot="limit", abouts=(ladders[family.id],)),
            ]
        paragraphs.append(tuple(pieces))
    return paragraphs


def dissenting(verdict: Verdict) -> tuple[Finding, ...]:
    """The findings that lean against the verdict."""
    side = {"bearish": 1, "overheated": 0, "bullish": -1}.get(verdict.stance, 0)
    return tuple(finding for finding in verdict.findings if side and finding.vote * side > 0)


def unmoved(verdict: Verdict, market: Market) -> tuple[str, ...]:
    """The known families that could lean and do not lean as the verdict does."""
    if verdict.stance not in ("bearish", "bullish"):
        return ()
    votes = {family.id for family in market.book.families.values() if family.weight}
    return tuple(family for family, lean in verdict.families.items() if family in votes and lean != verdict.stance)


def _counter(verdict: Verdict, market: Market) -> tuple[Piece, ...]:
    if dissenting(verdict):
        return (Piece(slot="sowhat", abouts=("counter",)),)
    return (Piece(slot="sowhat", abouts=("counter-family",)),) if unmoved(verdict, market) else ()


def _abouts(verdict: Verdict, findings: Iterable[Finding]) -> tuple[str, ...]:
    day = shape(verdict)
    subject = [finding.rule for finding in findings]
    if day == "neutral":
        subject.append(LEANING if any(finding.vote for finding in verdict.findings) else CALM)
    return (*(f"{day}+{rule}" for rule in subject), day, f"{day}+{LISTED}", f"{day}+{BARE}")


def _full(finding: Finding, told: Telling, rank: int, length: Length) -> tuple[Piece, ...]:
    if told == "easing":
        return (Piece(slot="still", abouts=("easing",), finding=finding),)
    pieces = [Piece(slot="evidence", abouts=(finding.rule, "any"), finding=finding)]
    if length == "article" or rank < MEANINGS:
        pieces.append(Piece(slot="meaning", abouts=(finding.rule, "ladder"), finding=finding))
    if length == "article":
        pieces.append(Piece(slot="limit", abouts=(finding.rule, "ladder"), finding=finding))
    return tuple(pieces)


def news(verdict: Verdict, memory: Memory) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rules that came on and those that went off since the last post."""
    if memory.last is None:
        return (), ()
    now, then = {finding.rule: None for finding in verdict.findings}, memory.last.findings
    return tuple(rule for rule in now if rule not in then), tuple(rule for rule in then if rule not in now)


def _changed(verdict: Verdict, market: Market, memory: Memory) -> tuple[Piece, ...]:
    if memory.last is None:
        return ()
    pieces: list[Piece] = []
    if memory.last.stance != verdict.stance:
        pieces.append(Piece(slot="changed", abouts=("stance",)))
    new, gone = news(verdict, memory)
    if new and gone:
        pieces.append(Piece(slot="changed", abouts=("both",)))
    elif new or gone:
        pieces.append(Piece(slot="changed", abouts=("new",) if new else ("gone",)))
    if len(pieces) < 2 and market.fact("spot_usd") and "spot_usd" in memory.last.figures:
        pieces.append(Piece(slot="changed", abouts=("price",)))
    return tuple(pieces)


def _watch(verdict: Verdict) -> tuple[Piece, ...]:
    if any(flip.stance for flip in verdict.flips):
        return (Piece(slot="watch", abouts=("stance",)),)
    return (Piece(slot="watch", abouts=("rule",)),) if verdict.flips else ()


def _missing(verdict: Verdict, market: Market) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    if any(missing.family for missing in verdict.missing):
        known = any(family in verdict.families for family in market.book.families)
        pieces.append(Piece(slot="missing", abouts=("families" if known else "all",)))
    if any(finding.held for finding in verdict.findings):
        pieces.append(Piece(slot="missing", abouts=("held",)))
    return tuple(pieces)
