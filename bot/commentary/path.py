"""That a reading went far beyond both ends of a move between them: said beside the move, in every sentence that tells one.

"DVOL from 60.2 to 65.8" is true as numbers and false as a story where it stood at 82.6 in between."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary.formats import apply
from bot.commentary.masks import figures_in, sentences
from bot.commentary.names import SpokenMarket
from bot.commentary.points import ONE_WAY, TOPICS, before, excursions_since, unit_of_move
from bot.commentary.points import ComparedValue as End
from bot.commentary.terms import Recorder
from bot.commentary.ways import COURSES, PRICE, Course, Excursion, excursions
from bot.commentary.words import several
from bot.domain.catalog import VIEWS
from bot.domain.facts import TrailPoint
from bot.domain.story import Memory, Origin, Span, Text

LAST_POST = "last post"
PLAIN = {"size": "pct", "points_size": "points", "usd_size": "usd", "coins_size": "coins", "signed": "pct"}
"""How a number is written where no word beside it says on which side of zero it lies."""


class ToldMove(Struct, frozen=True, kw_only=True):
    """A move that a sentence tells: of which fact, from where and when, in what shape, and where its last figure ends."""

    name: str
    then: End
    shape: str
    end: int


def when_of(way: Excursion, market: SpokenMarket, recorder: Recorder) -> str:
    """When a reading stood farthest out, in words: "at 06:00 UTC", "on 5 February, 21:00 UTC"."""
    words = market.bank.words
    name = "clock" if way.at.date() == market.at.date() else "daytime"
    return words[f"at_{name}"].format(
        recorder.mark(apply(name, way.dated.value, None, words), way.dated, name)
    )


def say_path(text: Text, market: SpokenMarket, memory: Memory) -> Text:
    """A text in which each move is told with how far its reading went beyond both ends, where it is not already."""
    if market.book.path is None or "path.peaked" not in market.bank.words:
        return text
    whole, spans, position = "", list[Span](), 0
    for one in sentences(text):
        start = text.text.index(one.text, position)
        whole += text.text[position:start]
        position = start + len(one.text)
        said = _say(one, market, memory)
        spans += [span.shift(len(whole)) for span in said.spans]
        whole += said.text
    return replace(text, text=whole + text.text[position:], spans=tuple(spans))


def untold_paths(text: Text, market: SpokenMarket, memory: Memory) -> Iterator[str]:
    """Of each move that a text tells without the far side of its way, its reading."""
    for one in sentences(text):
        for move, _ in _untold(one, market, memory):
            yield move.name


def _say(sentence: Text, market: SpokenMarket, memory: Memory) -> Text:
    for move, ways in sorted(_untold(sentence, market, memory), key=lambda one: -one[0].end):
        sentence = _insert(sentence, move.end, move.shape, ways, market)
    return sentence


def given_way(point: TrailPoint, ends: tuple[float, float]) -> dict[str, Origin]:
    """What a caller gives beside the price at two `ends` of a move, its names `low` and `high`, so that how far it went
    beyond both is said too (`say_given_way`)."""
    course: Course = "peaked" if point.value > max(ends) else "dipped"
    return {
        course: Origin(kind="count", ref=f"price when it {course}, USD", value=point.value),
        f"{course}_at": Origin(kind="date", ref=course, value=point.at.isoformat()),
    }


def say_given_way(text: Text, market: SpokenMarket, given: Mapping[str, Origin]) -> Text:
    """A text that tells two ends of a move with how far it went beyond both, where its caller gave that."""
    ends = [span for span in text.spans if span.origin in (given.get("low"), given.get("high"))]
    course: Course | None = next((one for one in COURSES if one in given and f"{one}_at" in given), None)
    if not ends or course is None:
        return text
    origin, dated = given[course], given[f"{course}_at"]
    by = min(abs(float(origin.value) - float(span.origin.value)) for span in ends)
    at = datetime.fromisoformat(str(dated.value))
    way = Excursion(course=course, at=at, by=by, origin=origin, dated=dated)
    last = max(ends, key=lambda span: span.end)
    return _insert(text, last.end, last.filter, (way,), market)


def _insert(sentence: Text, end: int, shape: str, ways: tuple[Excursion, ...], market: SpokenMarket) -> Text:
    words, recorder = market.bank.words, Recorder(market.bank.words)
    marked = ", ".join(
        words[f"path.{way.course}"].format(
            recorder.mark(apply(shape, way.origin.value, None, words), way.origin, shape),
            when_of(way, market, recorder),
        )
        for way in ways
    )
    said, spans = recorder.resolve(marked)
    at = _after_unit(sentence.text, end, several(words, "after_figure"))
    before_it, after = sentence.text[:at], sentence.text[at:]
    if before_it.count("(") > before_it.count(")"):
        head, tail = "; ", ""
    elif after.startswith(" ("):
        at, head, tail = at + 2, "", "; "
    else:
        head, tail = " (", ")"
    put = f"{head}{said}{tail}"
    moved = [span.shift(len(put)) if span.start >= at else span for span in sentence.spans]
    own = [span.shift(at + len(head)) for span in spans]
    whole = sentence.text[:at] + put + sentence.text[at:]
    return replace(sentence, text=whole, spans=tuple(sorted((*moved, *own), key=lambda span: span.start)))


def _after_unit(text: str, at: int, units: tuple[str, ...]) -> int:
    """The place behind the words of a figure's unit: "2% a year", "11.9 points of volatility"."""
    while unit := next((unit for unit in units if re.match(rf" {re.escape(unit)}\b", text[at:])), None):
        at += 1 + len(unit)
    return at


def _untold(
    sentence: Text, market: SpokenMarket, memory: Memory
) -> Iterator[tuple[ToldMove, tuple[Excursion, ...]]]:
    told = {span.origin.ref for span in sentence.spans}
    for move in told_moves(sentence, market, memory):
        now = market.fact(move.name)
        least = unit_of_move(move.name, now.value, market) if now is not None else 0.0
        ways = excursions(move.name, move.then.value, move.then.at, market, least)
        ways = tuple(way for way in ways if way.origin.ref not in told)
        if ways:
            yield move, ways


def told_moves(sentence: Text, market: SpokenMarket, memory: Memory) -> Iterator[ToldMove]:
    """The moves that a sentence tells: by a figure of then, by a change, or in a clause that says which way it went; of each
    reading the one that reaches farthest back."""
    found: dict[str, ToldMove] = {}
    for move in (*_by_figures(sentence, market, memory), *_by_words(sentence, market, memory)):
        known = found.get(move.name)
        if known is None or move.then.at < known.then.at:
            found[move.name] = move if known is None else replace(move, end=max(move.end, known.end))
    yield from found.values()


def _by_figures(sentence: Text, market: SpokenMarket, memory: Memory) -> Iterator[ToldMove]:
    for span in sentence.spans:
        end = _end_of(span, market, memory)
        if end is None:
            continue
        name, then = end
        beside = [
            one for one in sentence.spans if one.origin.ref == name and one.filter not in ("title", "tenor")
        ]
        since = [one for one in sentence.spans if name == PRICE and _is_since(one)]
        last = max((span, *beside, *since), key=lambda one: one.end)
        figure = next((one for one in beside if one.origin.kind == "fact"), None)
        shape = figure.filter if figure is not None else market.name_fact(name).unit_filter
        yield ToldMove(name=name, then=then, shape=PLAIN.get(shape, shape), end=last.end)


def _is_since(span: Span) -> bool:
    return span.origin.ref == LAST_POST or span.origin.ref.startswith(f"{PRICE}.change_")


def _end_of(span: Span, market: SpokenMarket, memory: Memory) -> tuple[str, End] | None:
    """The fact whose move a span tells, and where it came from; None where it tells none."""
    ref, kind = span.origin.ref, span.origin.kind
    if span.filter in ("title", "tenor") or kind not in ("fact", "count"):
        return None
    if kind == "count":
        rule = ref.split(" ")[1] if ref.startswith("alarm ") and ref.endswith(" move") else ""
        alarm = market.book.alarms.get(rule)
        return _end_of_view(alarm.fact, market) if alarm is not None else None
    name, _, when = ref.partition("@")
    if when == LAST_POST and memory.compared is not None:
        name = PRICE if name == f"{PRICE}.change_pct" else name
        then = memory.compared.figures.get(name)
        return None if then is None else (name, End(value=then, at=memory.compared.at, origin=span.origin))
    return None if when else _end_of_view(ref, market)


def _end_of_view(ref: str, market: SpokenMarket) -> tuple[str, End] | None:
    name, _, suffix = ref.partition(".")
    view, now, told = VIEWS.get(suffix), market.fact(name), market.fact(ref)
    if view is None or now is None or told is None or not suffix.startswith(("before_", "change_")):
        return None
    then = told.value
    if suffix.endswith("_pct"):
        then = now.value / (1.0 + told.value / 100.0)
    elif suffix.startswith("change_"):
        then = now.value - told.value
    origin = Origin(kind="fact", ref=ref, value=told.value)
    return name, End(value=then, at=now.at - view.window, origin=origin)


@lru_cache(maxsize=4096)
def _said_to_move(clause: str) -> tuple[str, ...]:
    """The facts of which a clause says which way they went; none where it says no such thing."""
    topic, _, motion = clause.partition("/")[0].replace("-", ".").partition(".")
    if motion.rpartition(".")[2] not in ONE_WAY:
        return ()
    return next((one.facts for one in TOPICS if one.id == topic), ())


def _by_words(sentence: Text, market: SpokenMarket, memory: Memory) -> Iterator[ToldMove]:
    """The moves of clauses that say which way a reading went and write where it stands alone ("skew climbs to 20%")."""
    for clause in sentence.phrase_ids:
        names = _said_to_move(clause)
        if not names:
            continue
        for span in figures_in(sentence):
            name = span.origin.ref
            then = before(name, market, memory) if name in names else None
            if then is not None and excursions_since(then, name, market):
                yield ToldMove(name=name, then=then, shape=PLAIN.get(span.filter, span.filter), end=span.end)
