"""Posts with their numbers masked, to see what of their wording returns; and their sentences."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from bot.commentary.words import mask_figures
from bot.domain.story import Span, Story, Text

_DIGIT = re.compile(r"\d")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9$±+−¿¡ÁÉÍÓÚÑ])")


def story_masked(story: Story) -> str:
    """The post's words, one line a text, numbers masked."""
    return "\n".join(mask_figures(text.text, text.spans) for text in story.texts)


def sentences(text: Text) -> Iterator[Text]:
    """A text's sentences, each with its own spans. A mark inside a span ends none."""
    ends: list[tuple[int, int]] = []
    for found in _END.finditer(text.text):
        end = found.start()
        for span in text.spans:
            if span.start < end < span.end:
                break
        else:
            ends.append((end, found.end()))
    if not ends:
        yield text
        return
    start = 0
    for stop, following in (*ends, (len(text.text), 0)):
        yield replace(text, text=text.text[start:stop], spans=_within(text.spans, start, stop))
        start = following


def _within(spans: tuple[Span, ...], start: int, stop: int) -> tuple[Span, ...]:
    return tuple(
        [span.shift(-start) if start else span for span in spans if start <= span.start and span.end <= stop]
    )


def masked_sentences(text: Text) -> tuple[str, ...]:
    """A text's sentences as words, their figures and names masked."""
    return tuple(mask_figures(one.text, one.spans) for one in sentences(text))


def figures_in(text: Text) -> Iterator[Span]:
    """The spans of a text that write a fact as a number."""
    for span in text.spans:
        if span.origin.kind == "fact" and _DIGIT.search(span.text) and span.filter not in ("title", "tenor"):
            yield span
