"""Texts joined: sentences to paragraphs, parts to a list in running words."""

from collections.abc import Mapping, Sequence

from bot.commentary.terms import remove_marks
from bot.commentary.words import several
from bot.domain.story import Span, Text


def joiner(following: str, words: Mapping[str, str]) -> str:
    """The word for "and" before a text: some languages have another one before certain sounds."""
    others = several(words, "and_else_before")
    return (
        words["and_else"] if others and remove_marks(following).lower().startswith(others) else words["and"]
    )


def list_in_words(parts: Sequence[str], words: Mapping[str, str]) -> str:
    """Some texts as a list in a sentence: "a, b and c"; nothing for none."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {joiner(parts[-1], words)} {parts[-1]}"


def join_sentences(texts: list[Text]) -> Text:
    """Several sentences as one paragraph; the spans move with them."""
    whole = ""
    spans: list[Span] = []
    phrase_ids: list[str] = []
    for text in texts:
        start = len(whole) + 1 if whole else 0
        whole = f"{whole} {text.text}" if whole else text.text
        spans += [span.shift(start) for span in text.spans]
        phrase_ids += text.phrase_ids
    first = texts[0]
    return Text(
        slot=first.slot, about=first.about, text=whole, spans=tuple(spans), phrase_ids=tuple(phrase_ids)
    )
