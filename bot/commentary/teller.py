"""A story in words: frames of joined sentences, their slots filled with clauses on readings, each number with its span.

Every choice is among wordings that can be said now: the least recently used first, none that stood in one of the last
posts, and of these the first whose clauses have all that they ask for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

import jinja2
from msgspec import Struct, field
from msgspec.structs import replace

from bot.commentary.choose import last_used, lot
from bot.commentary.fewer import say_fewer
from bot.commentary.masks import figures_in, masked_sentences, sentences
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.path import say_path, when_of
from bot.commentary.points import (
    MOTIONS,
    ComparedValue,
    StoryPoint,
    before,
    excursions_since,
    is_price,
    is_stale_news,
    unit_of_move,
)
from bot.commentary.shapes import shape
from bot.commentary.stories import tells_again
from bot.commentary.storynames import StoryNames, yardstick
from bot.commentary.templates import render, slots
from bot.commentary.terms import Recorder, Term
from bot.commentary.words import several
from bot.domain.story import Frame, Memory, Slot, Text
from bot.errors import GateRefused

ANY, OF_DAY = "any", "headline-day"
TAKEN_UP = ("lead-day", "also-day")
"""Where a post says more of the day's move that its headline tells."""
FRAME_WINDOW, HEADLINE_WINDOW, SENTENCE_WINDOW = 5, 7, 20
MOST_TRIED = 1200
FLAT_PCT = 0.05
SHORT_LETTERS = 200
LOW_OF_LATE_H = 24.0
OFF_LOW_PCT = 3.0
"""From so far above a fresh low on, the distance is told with it."""


class Wording(Struct, frozen=True):
    """One way to fill a place: the template, its id, and the clauses in its slots by name (template, id)."""

    id: str
    template: str
    clauses: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class Teller(StoryNames):
    """Writes the texts of one post; remembers which wordings it has used and by which templates they were joined.
    `turn` shuffles equal choices. In a `daily` post no wording is taken that tells a reading again which has not moved; an
    `article` stands alone, and tells the low or the high that matters again. `move_is_told`: its headline tells the
    price's move of the day."""

    turn: int = 0
    daily: bool = False
    article: bool = False
    move_is_told: bool = False
    used: list[str] = field(default_factory=list)
    joints: list[str] = field(default_factory=list)
    _lots: dict[str, bytes] = field(default_factory=dict)
    _ordered: list[Frame] = field(default_factory=list)

    # ── what is asked for ───────────────────────────────────────────────────────────────────────────────────

    def place(
        self,
        place: str,
        slot: Slot,
        points: Mapping[str, StoryPoint | None] = {},
        *,
        form: str = "say",
        frames: Sequence[Frame] | None = None,
        afresh: int = 0,
    ) -> Text | None:
        """One sentence for a place of the post, of the story's own frames or else of those of any story; None where none
        can be said. `points` are the readings in its slots, told in `form`. `afresh`: none that stood in so many of the
        last posts."""
        if any(point is None for point in points.values()):
            return None
        given = {name: point for name, point in points.items() if point is not None}
        recent = self._recent(place, afresh)
        for wording in islice(self._wordings(place, given, form, frames), MOST_TRIED):
            text = self._said(wording, given, slot)
            if text is not None and place == "short" and len(text.text) > SHORT_LETTERS:
                continue
            if text is None or self._clumsy(text) or (recent and set(masked_sentences(text)) & recent):
                continue
            if place == "lead" and _has_bare_part(text):
                continue
            if self._tells_news(place) and self._is_stale(text):
                continue
            self.used += text.phrase_ids
            self.joints.append(opening(wording.template))
            return text
        return None

    def frames(self) -> Iterator[Frame]:
        """The story's frames, the least recently used first; last those of the last few posts."""
        if self._ordered:
            yield from self._ordered
            return
        own = [frame for frame in self.market.bank.frames if frame.story == self.choice.kind]
        used = last_used(self.memory)
        recent = {name for told in self.memory.told[-FRAME_WINDOW:] for name in told.phrase_ids}

        def order(frame: Frame) -> tuple[bool, int, bytes]:
            ids = [name for name in used if name.startswith(f"{frame.id}/")]
            worn = any(name.startswith(f"{frame.id}/") for name in recent)
            return worn, max((used[name] for name in ids), default=-1), self._lot(frame.id)

        self._ordered = sorted(own, key=order)
        yield from self._ordered

    def paragraph(self, point: StoryPoint, *, more: bool = False) -> Text | None:
        """A reading as a paragraph of an article; or what can be said `more` of it."""
        zone = point.about.rpartition("-")[0] if point.about.rpartition("-")[2] in MOTIONS else point.about
        known = self.clauses(f"{zone}+more" if more else point.about, "article")
        for name, template in self._rested(list(known)):
            text = self._said(
                Wording(name, "{{ main }}", {"main": (name, template)}), {"main": point}, "evidence"
            )
            if text is not None:
                self.used.append(name)
                return replace(text, phrase_ids=(name,))
        return None

    # ── wordings ────────────────────────────────────────────────────────────────────────────────────────────

    def _wordings(
        self, place: str, points: Mapping[str, StoryPoint], form: str, frames: Sequence[Frame] | None
    ) -> Iterator[Wording]:
        if frames is None:
            frames = [*self.frames(), *(one for one in self.market.bank.frames if one.story == ANY)]
        templates = [
            (f"{frame.id}/{place}.{number}", text)
            for frame in frames
            for number, text in enumerate(frame.places.get(place, ()), 1)
            if not (joint := opening(text)) or joint not in self.joints
        ]
        if len(frames) > 1 and not place.startswith(("short", "exit", "alert-", "close")):
            templates = self._own_first(self._rested(templates))
        wanted = {
            name: self._rested(list(self.clauses(point.about, "word" if name == "word" else form)))
            for name, point in points.items()
        }
        for some in wanted.values():  # how long nothing was as far out says more than the figure
            some.sort(key=lambda one: "yard" not in slots(one[1]).roots)
        newest = self.choice.newest
        if newest is not None and "main" in wanted:  # what an alert is for stands in its first sentence
            behind = {name.partition(".")[0] for name in newest.facts}
            wanted["main"].sort(key=lambda one: -len(behind & set(slots(one[1]).roots)))
        if "price" not in points:
            wanted["price"] = [one for some in self._price_clauses() for one in self._rested(list(some))]
        for template in templates:
            asked = {name for name, _ in slots(template[1]).asked}
            names = [name for name in wanted if name in asked]
            if set(points) - asked:
                continue
            names.sort(key=lambda name: template[1].find(f"{{{{ {name}"))
            for chosen in product(*(wanted[name] for name in names)):
                if not any(_explains(clause) for _, clause in chosen[:-1]):
                    yield Wording(template[0], template[1], dict(zip(names, chosen, strict=True)))

    def clauses(self, about: str, form: str) -> Iterator[tuple[str, str]]:
        """The wordings (id, template) of a reading's situation in one form; where it has none of its own those of its
        motion, else of its zone."""
        topic, _, rest = about.partition(".")
        zone, _, motion = rest.rpartition("-")
        chain = [about]
        if zone:
            chain += [f"{topic}.{motion}"] if motion != "held" else []
            chain.append(f"{topic}.{zone}")
        for key in chain:
            known = self.market.bank.clauses.get(key)
            if known is not None and known.forms.get(form):
                for number, text in enumerate(known.forms[form], 1):
                    yield f"{key}/{form}.{number}", text
                return

    def _price_clauses(self) -> Iterator[Iterator[tuple[str, str]]]:
        """The wordings for where the price went, the ones that say most of the day first: a low or a high that matters
        and was not told of late, then the move alone."""
        moved = self.choice.price_pct
        if self.choice.steady and not self.article:
            yield self.clauses(f"price.since-{self.choice.steady_since}", "say")
            return
        if moved is None:
            if self.choice.rebound:
                yield self.clauses("price.off-low", "say")
            yield self.clauses("price.off-high", "say")
            yield self.clauses("price.week", "say")
            return
        if self.move_is_told:
            hours = self.market.fact("hours_since_low")
            if moved < 0 and hours is not None and hours.value <= LOW_OF_LATE_H:
                yield self.clauses("price.low-made", "say")
            yield self.clauses("price.off-low" if moved > 0 else "price.off-high", "say")
            return
        way = "flat" if abs(moved) < FLAT_PCT else "up" if moved > 0 else "down"
        told = self.memory.last.told if self.memory.last and not self.article else ()
        hours, fall = self.market.fact("hours_since_low"), self.market.fact("drawdown_pct")
        fresh_low = hours is not None and hours.value <= LOW_OF_LATE_H
        if way == "up" and self.choice.rebound and "low_30d_usd" not in told:
            yield self.clauses("price.up-low", "say")
        if way == "down" and fresh_low and "low_30d_usd" not in told:
            off = self.market.fact("rebound_pct")
            if off is not None and off.value >= OFF_LOW_PCT:
                yield self.clauses("price.down-off-low", "say")
            yield self.clauses("price.down-low", "say")
        elif way == "down" and fall is not None and fall.value <= -8 and "high_30d_usd" not in told:
            yield self.clauses("price.down-high", "say")
        yield self.clauses(f"price.{way}", "say")

    def _rested(self, some: list[tuple[str, str]]) -> list[tuple[str, str]]:
        used = last_used(self.memory)
        return sorted(
            (one for one in some if one[0] not in self.used or not opening(one[1])),
            key=lambda one: (used.get(one[0], -1), self._lot(one[0])),
        )

    def _own_first(self, templates: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The story's own wordings before those of any story, those of the last posts last."""
        worn = {name for told in self.memory.told[-HEADLINE_WINDOW:] for name in told.phrase_ids}
        return sorted(templates, key=lambda one: (one[0] in worn, one[0].startswith(f"{ANY}.")))

    def _lot(self, name: str) -> bytes:
        drawn = self._lots.get(name)
        if drawn is None:
            drawn = self._lots[name] = lot(self.market.facts.asset, self.market.at, name, self.turn)
        return drawn

    def _clumsy(self, text: Text) -> bool:
        """Whether a joint that bears no repeating stands twice in one sentence, or a colon explains what another does."""
        if any(len(_COLON.findall(_BRACKETS.sub("", one.text))) > 1 for one in sentences(text)):
            return True
        joints = (*several(self.market.bank.words, "once_a_sentence"), self.market.bank.words["window.24h"])
        joints = tuple(joint for joint in joints if f" {text.text} ".count(joint) > 1)
        return bool(joints) and any(
            f" {one.text} ".count(joint) > 1 for one in sentences(text) for joint in joints
        )

    def _tells_news(self, place: str) -> bool:
        """Whether a place has no room for a reading that has not moved: an alert's trigger may tell one, and exits."""
        if self.choice.alert:
            return place.startswith(("alert-also", "alert-both")) or "headline" in place
        return self.daily and not place.startswith("exit") and place not in (OF_DAY, *TAKEN_UP)

    def _is_stale(self, text: Text) -> bool:
        """Whether a text tells the figure of a reading that was told of late and has not moved since."""
        for span in figures_in(text):
            name = span.origin.ref.partition("@")[0].partition(".")[0]
            fact = self.market.fact(name)
            if fact is None or is_price(name) or tells_again(name, self.choice):
                continue
            if is_stale_news(
                name, fact.value, unit_of_move(name, fact.value, self.market), self.market, self.memory
            ):
                return True
        return False

    def _recent(self, place: str, afresh: int) -> frozenset[str]:
        if not afresh:
            return frozenset()
        if place.startswith("headline"):
            lines = [told.masked.partition("\n")[0] for told in self.memory.told[-afresh:]]
            return frozenset(lines)
        return frozenset(line for told in self.memory.told[-afresh:] for line in told.sentences)

    # ── saying ──────────────────────────────────────────────────────────────────────────────────────────────

    def _said(self, wording: Wording, points: Mapping[str, StoryPoint], slot: Slot) -> Text | None:
        recorder = Recorder(self.market.bank.words)
        namer = Namer(market=self.market, recorder=recorder)
        try:
            names = self._common(namer, wording.template)
            for name, (_, template) in wording.clauses.items():
                names[name] = render(template, self._of_clause(points.get(name), template, namer))
            text, spans = recorder.resolve(render(wording.template, names))
        except (jinja2.TemplateError, KeyError, ValueError):
            return None  # it asks for what is not known now: another wording is tried
        ids = (wording.id, *(clause[0] for clause in wording.clauses.values()))
        made = Text(slot=slot, about=self.choice.kind, text=text, spans=spans, phrase_ids=ids)
        if slot == "watch":
            return made
        return say_fewer(say_path(made, self.market, self.memory), self.market, self.memory)

    def _of_clause(self, point: StoryPoint | None, template: str, namer: Namer) -> dict[str, object]:
        names = self._common(namer, template)
        if point is None:
            return names
        asked = slots(template).roots
        if "called" in asked:
            names["called"] = self._called(point.fact, namer)
        term = namer.fact(point.fact)
        if term is not None:
            names["it"] = term
        if (band := namer.band_of_fact(point.fact)) is not None:
            names["usual"] = band
        if "yard" in asked and (yard := yardstick(point.fact, namer)) is not None:
            names["yard"] = yard
        memory = Memory() if point.of_day else self.memory
        if (then := before(point.fact, self.market, memory)) is not None:
            names["was"] = self.term_of(then, namer)
            for way in excursions_since(then, point.fact, self.market)[:1]:
                names["peak"] = namer.number(way.origin, namer.market.name_fact(point.fact).unit_filter)
                names["peak_at"] = when_of(way, self.market, namer.recorder)
        return names

    def term_of(self, then: ComparedValue, namer: Namer) -> Term:
        """A value of the time that is compared with, as a term that differs as shown where it differs."""
        return namer.earlier_value(then.origin)

    def _made(self, name: str, namer: Namer) -> object | None:
        return self._briefs(namer) if name == "briefs" else super()._made(name, namer)

    # ── shorts ──────────────────────────────────────────────────────────────────────────────────────────────

    def _briefs(self, namer: Namer) -> str | None:
        """The weightiest readings of three families in a few words each."""
        parts: list[str] = []
        families: set[str] = set()
        wanted = max(3 - self.turn, 1)
        for point in self.choice.points:
            if point.family in families or not point.derivative or len(parts) == wanted:
                continue
            for name, template in self.clauses(point.about, "brief"):
                try:
                    parts.append(render(template, self._of_clause(point, template, namer)))
                except (jinja2.TemplateError, KeyError, ValueError):
                    continue
                self.used.append(name)
                families.add(point.family)
                break
        return ", ".join(parts) if parts else None


def refuse(what: str) -> GateRefused:
    """That a needed text cannot be said."""
    return GateRefused([f"nothing can be said for {what}"])


def name_of_stance(market: SpokenMarket) -> str:
    """The verdict's stance as readers call it."""
    verdict = market.verdict
    return market.bank.words[f"stance.{shape(verdict) if verdict else 'no-call'}"]


_BRACKETS, _COLON = re.compile(r"\([^)]*\)"), re.compile(r":(?!\d)")


def _explains(clause: str) -> bool:
    """Whether a clause has a colon outside brackets: what follows it in a sentence would read as part of the
    explanation."""
    return ":" in _BRACKETS.sub("", clause)


def _has_bare_part(text: Text) -> bool:
    """Whether one of several sentences tells no figure: beside another it would say nothing."""
    parts = list(sentences(text))
    return len(parts) > 1 and any(next(figures_in(one), None) is None for one in parts)


def opening(template: str) -> str:
    """The words with which a template begins, before its first slot; itself where a slot comes first. Nothing of one that
    is a slot alone: it joins nothing, and may return within a post."""
    words = template.partition("{{")[0].strip()
    return words or ("" if template.count("{{") == 1 else template)
