"""A plan → texts: each piece gets a phrase that can be said now, and its numbers are written and recorded in
one go."""

from collections.abc import Callable, Iterable, Iterator

import jinja2
from msgspec import Struct

from bot.commentary.choose import Pools, last_used, rank_phrases
from bot.commentary.formats import BY_UNIT
from bot.commentary.joining import join_sentences, list_in_words
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.old.plan import PlannedPiece, StoryPlan, dissenting, families_not_leaning, order_findings
from bot.commentary.shapes import NAMED_NEWS, news
from bot.commentary.templates import render, slots
from bot.commentary.terms import Recorder, Term
from bot.commentary.titles import title_of, unit_of
from bot.domain.judgement import Finding, Flip, Move
from bot.domain.rulebook import Condition
from bot.domain.story import Memory, Origin, Phrase, Slot, Text
from bot.errors import GateRefused

MOST_CLAUSES = 4
FRAMING: tuple[Slot, ...] = ("headline", "standfirst", "lead", "close")
VIVID: tuple[Slot, ...] = ("lead", "close")


class Realizer(Struct):
    """Writes the pieces of one post; remembers which phrases and which image it has used. `turn` shuffles
    equal choices."""

    market: SpokenMarket
    pools: Pools
    memory: Memory
    turn: int = 0
    image: str | None = None
    used: tuple[str, ...] = ()

    def headline(self, plan: StoryPlan) -> Text | None:
        """The title, where the plan has one."""
        return self.text((plan.headline,)) if plan.headline else None

    def paragraphs(self, plan: StoryPlan) -> tuple[Text, ...]:
        """The paragraphs that have something to say."""
        return tuple(text for pieces in plan.paragraphs if (text := self.text(pieces)) is not None)

    def text(self, pieces: Iterable[PlannedPiece]) -> Text | None:
        """One paragraph of several pieces; None if none of them can be said. Raises GateRefused where a
        needed one cannot."""
        texts = [text for piece in pieces if (text := self._piece(piece)) is not None]
        return join_sentences(texts) if texts else None

    def _piece(self, piece: PlannedPiece) -> Text | None:
        for phrase in self._candidates(piece):
            if self._fits(phrase) and (text := self._said(phrase, piece)) is not None:
                self.used += (phrase.id,)
                self.image = self.image or phrase.image
                return text
        if piece.needed:
            raise GateRefused([f"no {piece.slot} phrase can be said about {' or '.join(piece.abouts)}"])
        return None

    def _candidates(self, piece: PlannedPiece) -> list[Phrase]:
        """The phrases of the piece's pools, the closest pool first. Where a slot frames the whole post, a
        pool whose phrases are all worn gives way to the next one."""
        ordered_pools = [
            rank_phrases(
                self.pools.get((piece.slot, about), ()),
                self.memory,
                self.market.facts.asset,
                self.market.at,
                self.turn,
                vivid=self.image is None and piece.slot in VIVID,
            )
            for about in self._abouts(piece)
        ]
        phrases = [phrase for pool in ordered_pools for phrase in pool]
        if piece.slot in FRAMING:
            used = last_used(self.memory)
            phrases.sort(key=lambda phrase: phrase.id in used)
        return phrases

    def _abouts(self, piece: PlannedPiece) -> Iterator[str]:
        for about in piece.abouts:
            rule = self.market.book.rules.get(piece.finding.rule) if piece.finding else None
            if about != "ladder":
                yield about
            elif rule is not None and rule.ladder is not None:
                yield rule.ladder

    def _fits(self, phrase: Phrase) -> bool:
        return phrase.id not in self.used and (phrase.image is None or self.image in (None, phrase.image))

    def _said(self, phrase: Phrase, piece: PlannedPiece) -> Text | None:
        recorder = Recorder(self.market.bank.words)
        namer = Namer(market=self.market, recorder=recorder)
        names = namer.common()
        if piece.finding is not None:
            names |= namer.finding(piece.finding)
        asked = [name for name, _ in slots(phrase.text).asked]
        names |= namer.facts(dict.fromkeys(asked))
        names |= self._lists(piece, phrase.about, asked, namer)
        try:
            text, spans = recorder.resolve(render(phrase.text, names))
        except (jinja2.TemplateError, KeyError, ValueError):
            return None  # it asks for what is not known now: another phrase is tried
        return Text(slot=phrase.slot, about=phrase.about, text=text, spans=spans, phrase_ids=(phrase.id,))

    def _lists(self, piece: PlannedPiece, about: str, asked: list[str], namer: Namer) -> dict[str, object]:
        """The lists that a phrase of this slot may ask for, joined into running words."""
        makers: dict[str, Callable[[], object]] = {
            "clauses": lambda: self._clauses(about, namer),
            "reasons": lambda: self._reasons(namer),
            "against": lambda: self._against(namer),
            "moves": lambda: self._moves(namer),
            "then": lambda: self._stance_word(flip.stance if (flip := self._flip()) else None, namer),
            "missing": lambda: self._missing(piece, namer),
            "new": lambda: self._labels(0, namer),
            "gone": lambda: self._labels(1, namer),
            "was": lambda: self._stance_word(self.memory.last.stance if self.memory.last else None, namer),
            "last_at": lambda: self._last(namer),
            "before": lambda: self._before(namer),
        }
        made = {name: makers[name]() for name in asked if name in makers}
        return {name: value for name, value in made.items() if value is not None}

    def _listed(self, parts: list[str]) -> str | None:
        return list_in_words(parts, self.market.bank.words) if parts else None

    def _clauses(self, about: str, namer: Namer) -> str | None:
        """The findings as short clauses, without the one that the sentence around them is about."""
        parts: list[str] = []
        told = about.partition("+")[2]
        others = [finding for finding in order_findings(self.market, self.memory) if finding.rule != told]
        for finding in others[: max(MOST_CLAUSES - self.turn, 0)]:
            clause = self._clause(finding, namer)
            if clause is not None:
                parts.append(clause)
        return self._listed(parts)

    def _clause(self, finding: Finding, namer: Namer) -> str | None:
        for phrase in rank_phrases(
            self.pools.get(("short", finding.rule), ()),
            self.memory,
            self.market.facts.asset,
            self.market.at,
            self.turn,
        ):
            names = namer.common() | namer.finding(finding)
            names |= namer.facts({name: None for name, _ in slots(phrase.text).asked})
            try:
                text = render(phrase.text, names)
            except (jinja2.TemplateError, KeyError, ValueError):
                continue
            self.used += (phrase.id,)
            return text
        return None

    def _reasons(self, namer: Namer) -> str | None:
        """The names of the first findings that bear the verdict out; of the first findings at all where none
        does."""
        findings = order_findings(self.market, self.memory)
        against = (
            {finding.rule for finding in dissenting(self.market.verdict)} if self.market.verdict else set()
        )
        bearing = [finding for finding in findings if finding.rule not in against]
        return self._named([finding.rule for finding in (bearing or findings)[:NAMED_NEWS]], namer)

    def _against(self, namer: Namer) -> str | None:
        """What dissents: findings by name, else the families that do not lean as the verdict does."""
        verdict = self.market.verdict
        if verdict is None:
            return None
        if findings := dissenting(verdict):
            return self._named([finding.rule for finding in findings[:NAMED_NEWS]], namer)
        return self._named(families_not_leaning(verdict, self.market), namer, "family")

    def _named(self, rules: Iterable[str], namer: Namer, kind: str = "rule") -> str | None:
        """Rules (or families) by their names in words, marked as names."""
        return self._listed([self._name(f"{kind}.{rule}", namer) for rule in rules])

    def _name(self, key: str, namer: Namer) -> str:
        word = self.market.bank.words.get(key, key.partition(".")[2])
        return namer.recorder.mark(word, Origin(kind="name", ref=key, value=word), "text")

    def _labels(self, which: int, namer: Namer) -> str | None:
        """The names of rules that came on (0) or went off (1) since the last post; beyond the first three,
        how many more."""
        verdict, words = self.market.verdict, self.market.bank.words
        rules = news(verdict, self.memory)[which] if verdict else ()
        labels = [self._name(f"rule.{rule}", namer) for rule in rules[:NAMED_NEWS]]
        if beyond := len(rules) - NAMED_NEWS if len(rules) > NAMED_NEWS else 0:
            origin = Origin(kind="count", ref="news" if which == 0 else "gone", value=float(beyond))
            labels.append(words["more"].format(namer.recorder.mark(str(beyond), origin, "count")))
        return self._listed(labels)

    def _last(self, namer: Namer) -> object:
        return namer.moment("last post", self.memory.last.at) if self.memory.last else None

    def _before(self, namer: Namer) -> object:
        last = self.memory.last
        if last is None or "spot_usd" not in last.figures:
            return None
        return namer.number(
            Origin(kind="fact", ref="spot_usd@last post", value=last.figures["spot_usd"]), "price"
        )

    def _missing(self, piece: PlannedPiece, namer: Namer) -> str | None:
        verdict = self.market.verdict
        if verdict is None:
            return None
        if "held" in piece.abouts:
            return self._named([finding.rule for finding in verdict.findings if finding.held], namer)
        families = dict.fromkeys(missing.family for missing in verdict.missing if missing.family)
        return self._named(families, namer, "family")

    def _flip(self) -> Flip | None:
        flips = self.market.verdict.flips if self.market.verdict else ()
        return next((flip for flip in flips if flip.stance), flips[0] if flips else None)

    def _stance_word(self, stance: str | None, namer: Namer) -> object:
        return namer.plain("stance", self.market.bank.words[f"stance.{stance}"]) if stance else None

    def _moves(self, namer: Namer) -> str | None:
        flip = self._flip()
        return self._listed([self._move(move, namer) for move in flip.moves]) if flip else None

    def _move(self, move: Move, namer: Namer) -> str:
        """A move in words: "60-day put-call skew down to 5%"; where a rule comes on, the line that it has to
        cross."""
        bank, down = self.market.bank, move.end < move.start
        unit = BY_UNIT.get(unit_of(move.fact, bank), "text")
        line = self._line(move, namer) if move.comes_on else None
        origin = Origin(kind="threshold", ref=f"{move.rule}:{move.fact} end", value=move.end)
        term = line or namer.number(origin, unit)
        pattern = ("move_below" if down else "move_above") if line else ("move_down" if down else "move_up")
        title = namer.recorder.mark(
            title_of(move.fact, bank), Origin(kind="name", ref=move.fact, value=""), "title"
        )
        return bank.words[pattern].format(title=title, value=term.write(unit))

    def _line(self, move: Move, namer: Namer) -> Term | None:
        """The entry of the rule that comes on, where it lies between the fact and the move's end."""
        rule = self.market.book.rules[move.rule]
        low, high = sorted((move.start, move.end))
        for part in rule.when:
            if isinstance(part, Condition) and part.fact == move.fact:
                line = namer.threshold(rule, part, "below" if move.end < move.start else "above")
                if line is not None and low <= float(line.origin.value) <= high:
                    return line
        return None
