"""The phrase bank: TOML texts → PhraseBank, with everything refused that could go wrong while a post is
written.

All problems are told at once, each with its file and phrase id.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from bot.commentary.because import KEY
from bot.commentary.formats import MOVES
from bot.commentary.frames import IN_FRAMES, frame_problems, told_in_frames
from bot.commentary.lengths import has_length
from bot.commentary.shapes import (
    BARE,
    CALM,
    COUNTER,
    LEANING,
    LISTED,
    QUIET,
    SHAPES,
    add_implied,
    rule_facts,
    special_names,
)
from bot.commentary.templates import slots
from bot.commentary.words import WordList, has, several, stance_words
from bot.domain.catalog import VIEWS, Catalog
from bot.domain.files import FileShape, read_shape
from bot.domain.rulebook import Confidence, RuleBook, Stance
from bot.domain.story import Clauses, Frame, MetricWords, Phrase, PhraseBank, Slot
from bot.errors import ConfigError, InputError, Problem

WINDOWED: Mapping[str, int] = {
    "headline": 12,
    "standfirst": 12,
    "lead": 12,
    "close": 12,
    "evidence": 6,
    "meaning": 3,
    "limit": 3,
}

OWN_GRAMMAR = ("a_words", "an_words", "and_else", "and_else_before")
"""Word lists by which a text of one language is read, and of no other."""

SHAPE_SLOTS = ("headline", "lead", "short")
ARTICLE_SLOTS = ("standfirst", "sowhat", "close")

NEEDED_WORDS = (
    *("at_least", "and", "range", "months", "date", "day", "moment", "tenor", "more", "asset_other"),
    *("lengths", "decimal", "thousands", "grouped_from", "percent", "money", "money_scaled", "money_brief"),
    *(f"unit.{unit}" for unit in ("points", "hours", "days", "trillion", "billion", "million")),
    *(f"window.{window}" for window in ("1h", "24h", "5d", "7d", "90d")),
    *(
        "number_words",
        "direction_up",
        "direction_down",
        "forbidden",
        "move_up",
        "move_down",
        "move_above",
        "move_below",
    ),
    *("sources_none", "venues", "oldest", "footer", "post_id", "late", "unknown_value", "stale_value"),
    *("plain_title", "plain_line", "plain_unknown", "plain_facts"),
    *(f"move.{name}" for name in MOVES),
    *(f"stance.{stance}" for stance in (*get_args(Stance), "mixed") if stance != "unclear"),
    *(f"stance_words.{stance}" for stance in get_args(Stance) if stance != "unclear"),
    *(f"confidence.{level}" for level in get_args(Confidence)),
)


class _PhraseRow(FileShape):
    id: str = Field(min_length=1)
    slot: Slot
    about: str | list[str]
    text: str = Field(min_length=1)
    image: str | None = None


class _FrameRow(FileShape):
    id: str = Field(min_length=1)
    story: str
    places: dict[str, list[str]]


class _MetricRow(FileShape):
    title: str
    meaning: str
    explain: str = ""
    cues: list[str] = Field(default_factory=list)


class _CommandRow(FileShape):
    description: str
    options: dict[str, str] = Field(default_factory=dict)


class _File(FileShape):
    phrase: list[_PhraseRow] = Field(default_factory=list)
    frame: list[_FrameRow] = Field(default_factory=list)
    clause: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    metric: dict[str, _MetricRow] = Field(default_factory=dict)
    word: dict[str, str | list[str]] = Field(default_factory=dict)
    rule: dict[str, str] = Field(default_factory=dict)
    image: dict[str, list[str]] = Field(default_factory=dict)
    command: dict[str, _CommandRow] = Field(default_factory=dict)
    reason: dict[str, str] = Field(default_factory=dict)
    # Of earlier editions, which matched English back; read, and left aside.
    said: dict[str, str] = Field(default_factory=dict)


def parse(files: Mapping[str, str], locale: str, catalog: Catalog, book: RuleBook) -> PhraseBank:
    """The bank of one language, from its TOML texts by file name. Raises ConfigError with every problem
    found."""
    problems: list[Problem] = []
    read = {
        name: _read(name, text, problems) for name, text in sorted(files.items()) if name.endswith(".toml")
    }
    rows = {name: file for name, file in read.items() if file is not None}
    if len(rows) < len(read):  # what the others lack without it would hide what is wrong with it
        raise ConfigError(problems)
    bank = PhraseBank(
        locale=locale,
        phrases=tuple(_phrases(rows)),
        metrics={name: words for file in rows.values() for name, words in _metrics(file, catalog).items()},
        words=_words(rows),
        images={name: tuple(words) for file in rows.values() for name, words in file.image.items()},
        windows={},
        hash=_hash(files),
        frames=tuple(
            Frame(
                id=row.id,
                story=row.story,
                places={place: tuple(text.strip() for text in texts) for place, texts in row.places.items()},
                file=name,
            )
            for name, file in rows.items()
            for row in file.frame
        ),
        clauses=_clauses(rows),
    )
    problems += _wanting(bank, rows, catalog, book)
    problems += _repeated(bank)
    unwanted = _unwanted(bank)
    for phrase in (*bank.phrases, *told_in_frames(bank)):
        problems += [
            Problem(file=phrase.file, id=phrase.id, reason=why)
            for why in _wrong(phrase, bank, catalog, book, unwanted)
        ]
    problems += frame_problems(bank)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return replace(bank, windows={} if bank.frames else windows(bank, book))


def fill_from_english(bank: PhraseBank, english: PhraseBank) -> PhraseBank:
    """The bank with English words where it lacks some, so that a word that English gains silences no other
    language."""
    borrowed = {key: word for key, word in english.words.items() if key not in OWN_GRAMMAR}
    return replace(bank, words={**borrowed, **bank.words})


def _hash(files: Mapping[str, str]) -> str:
    content = "\0".join(f"{name}\0{text}" for name, text in sorted(files.items()))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _read(name: str, text: str, problems: list[Problem]) -> _File | None:
    try:
        return read_shape(_File, text, name)
    except ConfigError as error:
        problems += error.problems
        return None


def _phrases(rows: Mapping[str, _File]) -> Iterator[Phrase]:
    for name, file in rows.items():
        for row in file.phrase:
            for about in [row.about] if isinstance(row.about, str) else row.about:
                yield Phrase(
                    id=row.id, slot=row.slot, about=about, text=row.text.strip(), image=row.image, file=name
                )


def _clauses(rows: Mapping[str, _File]) -> dict[str, Clauses]:
    """The clauses by situation; a situation's forms may stand in several files."""
    found: dict[str, Clauses] = {}
    for name, file in rows.items():
        for about, forms in file.clause.items():
            known = found.get(about)
            told = {form: tuple(text.strip() for text in texts) for form, texts in forms.items()}
            found[about] = Clauses(about=about, forms={**(known.forms if known else {}), **told}, file=name)
    return found


def _metrics(file: _File, catalog: Catalog) -> dict[str, MetricWords]:
    return {
        name: MetricWords(
            name=name,
            title=row.title,
            meaning=row.meaning,
            explain=row.explain,
            cues=tuple(row.cues),
            unit=catalog.metrics[name].unit if name in catalog.metrics else "",
        )
        for name, row in file.metric.items()
    }


def _words(rows: Mapping[str, _File]) -> dict[str, str]:
    words: dict[str, str] = {}
    for file in rows.values():
        words |= {
            key: value if isinstance(value, str) else "|".join(value) for key, value in file.word.items()
        }
        words |= {f"rule.{rule}": label for rule, label in file.rule.items()}
        words |= {f"{KEY}{code}": text for code, text in file.reason.items()}
        for metric, about in file.metric.items():
            words |= {f"{KEY}{argument}.{metric}": about.title for argument in ("of", "metric")}
        for command, row in file.command.items():
            words[f"command.{command}"] = row.description
            words |= {f"option.{command}.{option}": text for option, text in row.options.items()}
    return words


def _wanting(
    bank: PhraseBank, rows: Mapping[str, _File], catalog: Catalog, book: RuleBook
) -> Iterator[Problem]:
    """What the bank lacks, or has too much of."""
    here = bank.locale
    for key in NEEDED_WORDS:
        if key not in bank.words:
            yield Problem(file=here, id=f"word.{key}", reason="this word is missing")
    for name in catalog.metrics:
        if name not in bank.metrics:
            yield Problem(file=here, id=f"metric.{name}", reason="this metric has no title")
    yield from _too_many(rows, catalog, book)
    yield from _unspoken(bank, book)


def _too_many(rows: Mapping[str, _File], catalog: Catalog, book: RuleBook) -> Iterator[Problem]:
    for file, row in rows.items():
        for name in set(row.metric) - set(catalog.metrics):
            yield Problem(file=file, id=f"metric.{name}", reason="no metric has this name")
        for rule in set(row.rule) - set(book.rules) - set(book.alarms):
            yield Problem(file=file, id=f"rule.{rule}", reason="no rule has this id")


def _unspoken(bank: PhraseBank, book: RuleBook) -> Iterator[Problem]:
    for rule in book.rules:
        if f"rule.{rule}" not in bank.words:
            yield Problem(file=bank.locale, id=rule, reason="this rule has no name in words ([rule])")
    if not bank.frames:
        yield from _unspoken_in_pools(bank, book)


def _unspoken_in_pools(bank: PhraseBank, book: RuleBook) -> Iterator[Problem]:
    """What a bank from before the stories lacks to tell every finding and every stance."""
    here = bank.locale
    filled = {(phrase.slot, phrase.about) for phrase in bank.phrases}
    for rule in book.rules:
        for slot in ("evidence", "short"):
            if (slot, rule) not in filled:
                yield Problem(file=here, id=rule, reason=f"this rule has no {slot} phrase")
    for shape in SHAPES:
        if shape == "unclear" and shape not in {row.id for row in book.stances}:
            continue  # an edition from before this stance has no words for it
        asked = shape != "no-call" and has_length(bank.words, "article")
        for slot in (*SHAPE_SLOTS, *(ARTICLE_SLOTS if asked else ())):
            if (slot, shape) not in filled:
                yield Problem(file=here, id=shape, reason=f"this stance has no {slot} phrase")


def _repeated(bank: PhraseBank) -> Iterator[Problem]:
    for (name, about), times in Counter((phrase.id, phrase.about) for phrase in bank.phrases).items():
        if times > 1:
            file = next(phrase.file for phrase in bank.phrases if phrase.id == name)
            yield Problem(file=file, id=name, reason=f"this id is used {times} times for {about}")
    texts: dict[str, str] = {}
    for phrase in bank.phrases:
        other = texts.setdefault(phrase.text, phrase.id)
        if other != phrase.id:
            yield Problem(file=phrase.file, id=phrase.id, reason=f"the same text as {other}")


class _Unwanted(Struct, frozen=True):
    """The words that a phrase may not have, or not beside another's image."""

    numbers: WordList
    advice: WordList
    images: Mapping[str, WordList]
    any_of_all: WordList


def _unwanted(bank: PhraseBank) -> _Unwanted:
    numbers, advice = several(bank.words, "number_words"), several(bank.words, "forbidden")
    return _Unwanted(
        numbers=WordList(numbers),
        advice=WordList(advice),
        images={family: WordList(entries) for family, entries in bank.images.items()},
        any_of_all=WordList(tuple(chain(numbers, advice, *bank.images.values()))),
    )


def _wrong(
    phrase: Phrase, bank: PhraseBank, catalog: Catalog, book: RuleBook, unwanted: _Unwanted
) -> Iterator[str]:
    """What is wrong with one phrase."""
    seen = slots(phrase.text)
    yield from seen.problems
    if phrase.slot not in IN_FRAMES and not _about_known(phrase, catalog, book):
        yield f"about = {phrase.about!r} is no rule, ladder, stance or word of this slot"
    special = special_names(phrase.slot)
    for name, filters in seen.asked:
        stem, _, view = name.partition(".")
        if stem in special and view and view not in (*VIEWS, "low", "high"):
            yield f"placeholder {name!r}: {view!r} is no view of a fact"
        elif stem not in special and name not in catalog:
            yield _unknown(name, catalog)
        if stem in bank.metrics and not filters:
            yield f"{{{{ {name} }}}} has no filter: a number needs a format"
    typed = re.sub(r"{{.*?}}", " ", phrase.text)
    if found := re.search(r"\d+", typed):
        yield f"the digit {found.group()!r} is typed; numbers come from facts through filters"
    # Nine phrases in ten have no such word: one look for all of them spares one for each list.
    may_have_unwanted = unwanted.any_of_all.may_stand_in(typed)
    if may_have_unwanted:
        yield from _numbers_and_advice(typed, unwanted)
    yield from _directions_beside_changes(phrase, bank)
    if phrase.image is not None and phrase.image not in bank.images:
        yield f"image {phrase.image!r} has no word list"
    if may_have_unwanted:
        yield from _images_of_others(phrase, typed, unwanted)
    if phrase.slot not in IN_FRAMES:
        yield from _stance_named(phrase, bank)


def _numbers_and_advice(typed: str, unwanted: _Unwanted) -> Iterator[str]:
    if number := unwanted.numbers.find(typed):
        yield f"the number word {number!r} is typed; numbers come from facts through filters"
    if advice := unwanted.advice.find(typed):
        yield f"{advice!r} is advice or a forecast"


def _images_of_others(phrase: Phrase, typed: str, unwanted: _Unwanted) -> Iterator[str]:
    for family, words in unwanted.images.items():
        if family != phrase.image and (word := words.find(typed)):
            yield f"{word!r} belongs to the image {family!r}"


def _unknown(name: str, catalog: Catalog) -> str:
    try:
        catalog.resolve(name)
    except InputError as error:
        return f"placeholder {name!r}: {error}"
    return f"placeholder {name!r} is unknown"


def _about_known(phrase: Phrase, catalog: Catalog, book: RuleBook) -> bool:
    stance, _, rule = phrase.about.partition("+")
    if stance in SHAPES:
        return not rule or rule in book.rules or rule in (CALM, LEANING, LISTED, BARE)
    if phrase.slot == "sowhat":
        return phrase.about in COUNTER
    if phrase.slot in ("headline", "lead", "standfirst", "close"):
        return False
    if phrase.slot in ("evidence", "meaning", "limit", "still", "short"):
        quiet = phrase.about.removeprefix(QUIET)
        return quiet in (*book.rules, *book.ladders, "any", "easing") or (
            phrase.about == f"{QUIET}{quiet}" and quiet in book.families
        )
    return bool(phrase.about)


def _directions_beside_changes(phrase: Phrase, bank: PhraseBank) -> Iterator[str]:
    if ".change_" not in phrase.text:
        return
    tokens = re.findall(r"{{.*?}}|[^\s{}]+", phrase.text)
    ways = {*several(bank.words, "direction_up"), *several(bank.words, "direction_down")}
    for index, token in enumerate(tokens):
        if not re.match(r"{{.*\.change_", token):
            continue
        near = [word.strip(".,;:").lower() for word in tokens[max(0, index - 2) : index + 2]]
        for word in near:
            if word in ways:
                yield f"{word!r} is typed beside a change; its direction comes from a filter"


def _stance_named(phrase: Phrase, bank: PhraseBank) -> Iterator[str]:
    if phrase.slot not in ("headline", "standfirst", "lead"):
        return
    stance = phrase.about.partition("+")[0]
    key = "neutral" if stance == "mixed" else stance
    names = [name for name, _ in slots(phrase.text).asked]
    if "stance" not in names and not has(phrase.text, stance_words(bank.words, key)):
        yield f"the word for {stance} is missing"
    for other in get_args(Stance):
        if other != key and (word := has(phrase.text, stance_words(bank.words, other))):
            yield f"{word!r} is the word for another stance"


def windows(bank: PhraseBank, book: RuleBook) -> dict[str, int]:
    """For each pool ("slot:about") the number of posts within which no phrase of it returns: the smaller of
    its figure and one less than the phrases that are always usable when the pool is asked."""
    pools: dict[tuple[str, str], set[str]] = {}
    for phrase in bank.phrases:
        if phrase.slot in WINDOWED and always_usable(phrase, book):
            pools.setdefault((phrase.slot, phrase.about), set()).add(phrase.id)
    return {
        f"{slot}:{about}": min(WINDOWED[slot], len(ids) - 1) for (slot, about), ids in sorted(pools.items())
    }


def always_usable(phrase: Phrase, book: RuleBook) -> bool:
    """Whether the phrase can be said whenever its pool is asked: it needs no more than its rule's own facts,
    and no image that another phrase of the same post may already rule out."""
    if phrase.image is not None and phrase.slot != "lead":
        return False
    known = add_implied(rule_facts(phrase.about.partition("+")[2] or phrase.about, book)) | {"spot_usd"}
    special = special_names(phrase.slot)
    return all(name in known or name.split(".")[0] in special for name, _ in slots(phrase.text).asked)
