"""The frames and clauses of a bank, checked: each story has what its posts need, and every wording is sound."""

from collections.abc import Iterator
from typing import get_args

from bot.commentary.stories import StoryKind
from bot.commentary.templates import slots
from bot.domain.story import Phrase, PhraseBank
from bot.errors import Problem

IN_FRAMES = ("frame", "clause")
ANY = "any"
LEAST_FRAMES = 6
POINTS = ("main", "second", "third", "head", "word", "stays")
PLACES: dict[str, tuple[str, ...]] = {
    "lead": (),
    "second": ("second",),
    "both": ("second", "third"),
    "also": ("second",),
    "also-both": ("second", "third"),
    "against": ("second",),
    "against-both": ("second", "third"),
    "headline": ("head",),
    "headline-plain": ("word",),
    "headline-bare": (),
    "exit": (),
    "exit-both": (),
    "exit-deeper": (),
    "short": (),
}
"""The places of a post, and the readings that each wording there must have a slot for."""


def told_in_frames(bank: PhraseBank) -> Iterator[Phrase]:
    """Every wording of frames and clauses as a phrase, to be checked as one."""
    for frame in bank.frames:
        for place, texts in frame.places.items():
            for number, text in enumerate(texts, 1):
                name = f"{frame.id}/{place}.{number}"
                yield Phrase(id=name, slot="frame", about=frame.story, text=text, file=frame.file)
    for about, clauses in bank.clauses.items():
        for form, texts in clauses.forms.items():
            for number, text in enumerate(texts, 1):
                name = f"{about}/{form}.{number}"
                yield Phrase(id=name, slot="clause", about=about, text=text, file=clauses.file)


def frame_problems(bank: PhraseBank) -> Iterator[Problem]:
    """What is wrong with the frames together. A bank without any tells in the old way."""
    if not bank.frames:
        return
    kinds = get_args(StoryKind)
    for frame in bank.frames:
        if frame.story not in (*kinds, ANY):
            yield Problem(
                file=frame.file, id=frame.id, reason=f"no story is called {frame.story!r}: {', '.join(kinds)}"
            )
        for place, texts in frame.places.items():
            for number, text in enumerate(texts, 1):
                asked = {name for name, _ in slots(text).asked}
                for need in set(PLACES.get(place, ())) - asked:
                    yield Problem(
                        file=frame.file,
                        id=f"{frame.id}/{place}.{number}",
                        reason=f"a wording for {place} has a slot {{{{ {need} }}}}",
                    )
    for kind in kinds:
        count = sum(frame.story == kind and "lead" in frame.places for frame in bank.frames)
        if count < LEAST_FRAMES:
            yield Problem(
                file=bank.locale, id=kind, reason=f"this story has {count} frames; it needs {LEAST_FRAMES}"
            )
    names = [frame.id for frame in bank.frames]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(file=bank.locale, id=name, reason=f"this id is used {names.count(name)} times")
