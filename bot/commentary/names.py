"""Facts, rules and times as the terms that phrases ask for by name."""

import math
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from bot.commentary.formats import BY_UNIT
from bot.commentary.terms import Band, Check, Recorder, Term, fact_dates
from bot.commentary.titles import tenor_of, title_of, unit_of
from bot.domain.catalog import VIEWS
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Finding, Verdict, day_number
from bot.domain.kept import MadeOnce
from bot.domain.rulebook import Condition, Ranges, Rule, RuleBook, Threshold, UsualRange
from bot.domain.story import Origin, PhraseBank


class CalledFact(NamedTuple):
    """How a fact is written and named: the format of its unit, its title, its tenor."""

    unit_filter: str
    title: str
    tenor: str


def _ladders_by_fact(book: RuleBook) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for ladder in book.ladders.values():
        found.setdefault(ladder.fact, []).append(ladder.id)
    return found


_LADDERS: MadeOnce[RuleBook, Mapping[str, Sequence[str]]] = MadeOnce(_ladders_by_fact)
_CALLED: MadeOnce[PhraseBank, dict[str, CalledFact]] = MadeOnce(lambda _: {})


class MarketLookups(Struct):
    """What the texts of one market ask for again and again, each looked up once."""

    usual: dict[str, UsualRange | None] = field(default_factory=dict)
    checks: dict[str, tuple[Check, ...]] = field(default_factory=dict)


class SpokenMarket(Struct, frozen=True, kw_only=True, dict=True):
    """All that a text may speak from: one asset's facts at one time, and how they are judged."""

    facts: Facts
    book: RuleBook
    bank: PhraseBank
    at: datetime
    ranges: Ranges = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    verdict: Verdict | None = None

    @cached_property
    def _seen(self) -> MarketLookups:
        return MarketLookups()

    def usual(self, ladder: str | None) -> UsualRange | None:
        """The usual range of a ladder in force now."""
        known = self.book.ladders.get(ladder) if ladder else None
        if known is None:
            return None
        seen = self._seen.usual
        if known.id not in seen:
            pasts = self.facts.pasts or {}
            seen[known.id] = self.book.usual(known, self.at.date(), self.ranges, self.facts.asset, pasts)
        return seen[known.id]

    def ladders_over(self, fact: str) -> Sequence[str]:
        """The ladders that judge a fact, in the order of the rule files."""
        return _LADDERS.get(self.book).get(fact, ())

    def name_fact(self, fact: str) -> CalledFact:
        """How a fact is written and named."""
        called = _CALLED.get(self.bank)
        if fact not in called:
            unit = BY_UNIT.get(unit_of(fact, self.bank), "text")
            called[fact] = CalledFact(unit, title_of(fact, self.bank), tenor_of(fact, self.bank))
        return called[fact]

    def checks(self, fact: str) -> tuple[Check, ...]:
        """What the shown number of a fact must keep true: each condition of a finding on it, and its side of each
        usual end."""
        found = self._seen.checks.get(fact)
        if found is None:
            found = self._seen.checks[fact] = tuple(_checks(self, fact))
        return found

    def fact(self, name: str) -> Fact | None:
        """The fresh fact, or None."""
        return self.facts.known.get(name)


def _checks(market: SpokenMarket, name: str) -> Iterator[Check]:
    for finding in market.findings:
        rule = market.book.rules.get(finding.rule)
        if rule is None:
            continue
        for part in rule.when:
            if isinstance(part, Condition) and part.fact == name:
                usual = market.usual(rule.ladder)
                yield from _sides(part, usual)
                if part.clears:
                    yield _below(part.clears.at(usual))
                    yield _above(part.clears.at(usual))
    for ladder in market.ladders_over(name):
        if (band := market.usual(ladder)) is not None:
            yield _below(band.low)
            yield _above(band.high)


def _sides(part: Condition, usual: UsualRange | None) -> list[Check]:
    made: list[Check] = []
    if part.below is not None:
        made.append(_below(part.below.at(usual)))
    if part.above is not None:
        made.append(_above(part.above.at(usual)))
    return made


def _below(limit: float) -> Check:
    return lambda value: value < limit


def _above(limit: float) -> Check:
    return lambda value: value > limit


def named_exactly(limit: float | str) -> Check:
    """A line that is named must be named exactly."""
    number = float(limit)
    return lambda value: math.isclose(value, number, rel_tol=1e-9, abs_tol=1e-9)


class Namer(Struct, frozen=True, kw_only=True):
    """Makes the terms of one text, all writing to one recorder."""

    market: SpokenMarket
    recorder: Recorder

    def fact(self, name: str, fact: Fact | None = None) -> Term | None:
        """The term of a fact; None where it is not known. Its views hang on it. A known view of an unknown
        metric is a term too."""
        known = fact or self.market.fact(name)
        stem = name.partition(".")[0]
        if known is None and not any(f"{stem}.{view}" in self.market.facts.known for view in VIEWS):
            return None
        called = self.market.name_fact(name)
        return Term(
            recorder=self.recorder,
            origin=Origin(kind="fact", ref=name, value=known.value if known else ""),
            unit_filter=called.unit_filter,
            dated=fact_dates(known.at, known.extreme_at, name) if known else None,
            lower_bound=known.lower_bound if known else False,
            checks=self.market.checks(name),
            title=called.title,
            tenor=called.tenor,
            view=self._view(name),
        )

    def _view(self, name: str) -> Callable[[str], Term]:
        def look(view: str) -> Term:
            term = self.fact(f"{name}.{view}")
            if term is None or term.origin.value == "":
                raise KeyError(f"{name}.{view}")
            return term

        return look

    def plain(self, ref: str, value: str, *, kind: str = "name") -> Term:
        """Words or an identifier as a term."""
        origin = Origin(kind=kind, ref=ref, value=value)  # type: ignore[arg-type]
        return Term(recorder=self.recorder, origin=origin, title=value)

    def moment(self, ref: str, at: datetime) -> Term:
        """A time as a term."""
        origin = Origin(kind="date", ref=ref, value=at.isoformat())
        return Term(recorder=self.recorder, origin=origin, dated=origin, unit_filter="moment")

    def number(self, origin: Origin, unit: str) -> Term:
        """A number that is no fact of now: a threshold, a count, a value of an earlier post."""
        stem = origin.ref.partition("@")[0]
        known = stem.partition(".")[0] in self.market.bank.metrics
        called = self.market.name_fact(stem) if known else CalledFact("text", stem, "")
        return Term(
            recorder=self.recorder,
            origin=origin,
            unit_filter=unit,
            checks=(named_exactly(origin.value),)
            if origin.kind in ("threshold", "usual") and origin.value != ""
            else (),
            title=called.title,
            tenor=called.tenor,
        )

    def earlier_value(self, origin: Origin) -> Term:
        """A fact's value of an earlier time, written with as many digits as it takes to tell it from the one of now."""
        name = origin.ref.partition("@")[0].partition(".before_")[0]
        own, now = float(origin.value), self.market.fact(name)
        term = self.number(origin, self.market.name_fact(name).unit_filter)
        if now is None or now.value == own:
            return term
        return replace(term, checks=(lambda shown: abs(shown - own) < abs(shown - now.value),))

    def band(self, ladder: str) -> Band | None:
        """A ladder's usual range; None if it has none."""
        usual = self.market.usual(ladder)
        if usual is None:
            return None
        unit = self.market.name_fact(self.market.book.ladders[ladder].fact).unit_filter
        return Band(
            low=self.number(Origin(kind="usual", ref=f"{ladder}:low", value=usual.low), unit),
            high=self.number(Origin(kind="usual", ref=f"{ladder}:high", value=usual.high), unit),
        )

    def band_of_fact(self, fact: str) -> Band | None:
        """The usual range by which a fact is judged; None if there is none."""
        for ladder in self.market.ladders_over(fact):
            if (band := self.band(ladder)) is not None:
                return band
        return None

    def threshold(self, rule: Rule, part: Condition, side: str) -> Term | None:
        """The number of one side of a condition ("below", "above" or "clears")."""
        number: Threshold | None = getattr(part, side)
        if number is None:
            return None
        usual = self.market.usual(rule.ladder)
        origin = Origin(kind="threshold", ref=f"{rule.id}:{part.fact} {side}", value=number.at(usual))
        return self.number(origin, self.market.name_fact(part.fact).unit_filter)

    def common(self, asked: Container[str] | None = None) -> dict[str, object]:
        """What every phrase may say: the asset, its name, the time, the verdict; those of them that are `asked` for
        (None: all)."""
        market = self.market
        words = market.bank.words
        names: dict[str, object] = {}
        if asked is None or "asset" in asked:
            names["asset"] = self.plain("asset", market.facts.asset)
        if asked is None or "coin" in asked:
            names["coin"] = self.coin()
        if asked is None or "at" in asked:
            names["at"] = self.moment("at", market.at)
        if market.verdict is not None:
            if asked is None or "stance" in asked:
                shown = "mixed" if market.verdict.mixed else market.verdict.stance
                names["stance"] = self.plain("stance", words[f"stance.{shown}"])
            if asked is None or "confidence" in asked:
                names["confidence"] = self.plain(
                    "confidence", words[f"confidence.{market.verdict.confidence}"]
                )
        return names

    def coin(self) -> Term:
        """The asset by the name that readers call it."""
        asset = self.market.facts.asset
        return self.plain("asset", self.market.bank.words.get(f"asset.{asset}", asset))

    def finding(self, finding: Finding) -> dict[str, object]:
        """What a phrase about a rule may say besides: its leading fact, the usual range, its thresholds,
        since when."""
        rule = self.market.book.rules[finding.rule]
        names: dict[str, object] = {"since": self.moment(f"since {finding.rule}", finding.since)}
        lead = next((name for name in finding.facts if self.market.fact(name)), None)
        if lead is not None and (term := self.fact(lead)) is not None:
            names["it"] = term
            band = self.band(rule.ladder) if rule.ladder else self.band_of_fact(lead)
            if band is not None:
                names["usual"] = band
        part = next((part for part in rule.when if isinstance(part, Condition)), None)
        if part is not None:
            bar = self.threshold(rule, part, "below") or self.threshold(rule, part, "above")
            out = self.threshold(rule, part, "clears")
            names |= {key: term for key, term in (("bar", bar), ("way_out", out)) if term is not None}
        return names

    def facts(self, names: Iterable[str]) -> dict[str, object]:
        """Terms of the metrics that a phrase asks for by name, where they are known."""
        found: dict[str, object] = {}
        for name in names:
            stem = name.partition(".")[0]
            if stem in self.market.bank.metrics and (term := self.fact(stem)) is not None:
                found[stem] = term
        return found


def checks_hold(rule: Rule, market: SpokenMarket) -> bool:
    """Whether the rule's own conditions are true of the facts as they are now; false while it is only on its
    way out."""
    usual = market.usual(rule.ladder)
    for part in rule.when:
        fact = market.fact(part.fact) if isinstance(part, Condition) else None
        if (
            isinstance(part, Condition)
            and fact is not None
            and not all(side(fact.value) for side in _sides(part, usual))
        ):
            return False
    return True


def age_days(market: SpokenMarket) -> float | None:
    """Which day of its stance a verdict has reached; None where that is not known."""
    verdict = market.verdict
    if verdict is None or verdict.since is None:
        return None
    return float(day_number(verdict.since, market.at))
