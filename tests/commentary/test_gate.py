"""The gate catches what must not go out, and lets through what may."""

from collections.abc import Callable, Mapping
from functools import cache
from random import Random

import pytest
from msgspec.structs import replace

from bot.commentary import gate, remember
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Memory, Origin, Span, Story, Text
from tests.commentary.make import ARTICLE, ARTICLE_TIMES, CALM, bank, book, facts, judged, refused, told

Fault = Callable[[Story, Facts, Random], tuple[Story, Facts, Memory]]

BULLISH: Mapping[str, float] = {
    **CALM,
    "skew_60d_pct": -8,
    "skew_30d_pct": -8,
    "basis_60d_pct": 11.5,
    "open_interest_coin.before_7d": 490_000,
    "spot_usd.before_7d": 81_000,
}
HOT: Mapping[str, float] = {**CALM, "basis_60d_pct": 22, "funding_annual_pct": 40}
TORN: Mapping[str, float] = {**CALM, "skew_60d_pct": 14, "skew_30d_pct": 8, "basis_60d_pct": 16}


@cache
def sound() -> tuple[tuple[Story, Facts], ...]:
    """Sound stories of several markets, at small distances from each other."""
    stories = []
    for shift in range(5):
        for market in (ARTICLE, CALM, BULLISH, HOT, TORN):
            moved = {
                name: value if name.startswith("hours") else value * (1 + shift / 400)
                for name, value in market.items()
            }
            known = facts(moved, ARTICLE_TIMES if market is ARTICLE else None)
            stories.append((told(known), known))
    return tuple(stories)


def with_text(story: Story, index: int, text: Text) -> Story:
    paragraphs = list(story.paragraphs)
    paragraphs[index] = text
    return replace(story, paragraphs=tuple(paragraphs))


def numeric(story: Story) -> list[tuple[int, Span]]:
    """The paragraphs' spans of numbers that are facts, with their paragraph."""
    return [
        (index, span)
        for index, text in enumerate(story.paragraphs)
        for span in text.spans
        if span.origin.kind == "fact" and span.filter not in ("title", "tenor")
    ]


def rewritten(text: Text, span: Span, shown: str) -> Text:
    """The text with another writing of one span, later spans moved."""
    by = len(shown) - len(span.text)
    spans = tuple(
        replace(one, text=shown, end=one.end + by)
        if one == span
        else replace(one, start=one.start + by, end=one.end + by)
        if one.start > span.start
        else one
        for one in text.spans
    )
    return replace(text, text=text.text[: span.start] + shown + text.text[span.end :], spans=spans)


def unfilled(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    hole = dice.choice(["{{ it }}", "nan%", "}"])
    return with_text(story, index, replace(text, text=f"{text.text[:-1]} {hole}.")), known, Memory()


def other_number(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index, span = dice.choice(
        [pair for pair in numeric(story) if any(char.isdigit() for char in pair[1].text)]
    )
    place = dice.choice([at for at, char in enumerate(span.text) if char.isdigit()])
    digit = str((int(span.text[place]) + dice.randrange(1, 10)) % 10)
    shown = span.text[:place] + digit + span.text[place + 1 :]
    return with_text(story, index, rewritten(story.paragraphs[index], span, shown)), known, Memory()


def typed_number(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    return (
        with_text(story, index, replace(text, text=f"{text.text} It was {dice.randrange(2, 99)}%.")),
        known,
        Memory(),
    )


def swapped_numbers(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    pairs = numeric(story)
    index, span = dice.choice(pairs)
    others = [
        other for _, other in pairs if other.origin.value != span.origin.value and other.text != span.text
    ]
    if not others:
        return other_number(story, known, dice)
    return (
        with_text(story, index, rewritten(story.paragraphs[index], span, dice.choice(others).text)),
        known,
        Memory(),
    )


def lying_origin(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    """The number and its span agree, and the fact says something else."""
    index, span = dice.choice(numeric(story))
    value = float(span.origin.value) * 1.7 + 1
    text = story.paragraphs[index]
    spans = tuple(
        replace(one, origin=replace(one.origin, value=value)) if one == span else one for one in text.spans
    )
    return with_text(story, index, replace(text, spans=spans)), known, Memory()


def turned_round(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    value = known.known["spot_usd"].value
    change = -7.3 if dice.random() < 0.5 else 7.3
    wrong = "up" if change < 0 else "down"
    known = replace(
        known,
        known={
            **known.known,
            "spot_usd.change_24h_pct": replace(
                known.known["spot_usd"], name="spot_usd.change_24h_pct", value=change
            ),
        },
    )
    said = f"{text.text} Spot is {wrong} "
    span = Span(
        start=len(said),
        end=len(said) + 4,
        text="7.3%",
        filter="size",
        origin=Origin(kind="fact", ref="spot_usd.change_24h_pct", value=change),
    )
    assert value
    return (
        with_text(story, index, replace(text, text=f"{said}7.3%.", spans=(*text.spans, span))),
        known,
        Memory(),
    )


def wrong_stance(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    words = {
        "bearish": "bullish",
        "bullish": "caution",
        "neutral": "overheated",
        "overheated": "neutral",
        "mixed": "bullish",
    }
    assert story.headline is not None
    word = words.get(story.stance, "bullish")
    return (
        replace(story, headline=replace(story.headline, text=f"{story.headline.text}, {word}")),
        known,
        Memory(),
    )


def repeated(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = next(index for index, (one, _) in enumerate(sound()) if one is story)
    return story, known, remember(Memory(), story, verdict_of(index), known)


def an_image(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    word = bank().images[dice.choice(list(bank().images))][0]
    return (
        with_text(story, index, replace(text, text=f"{text.text} So much for the {word}.")),
        known,
        Memory(),
    )


def told_twice(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    """A figure of a paragraph once more at its end."""
    told = [pair for pair in numeric(story) if story.paragraphs[pair[0]].slot != "watch"]
    index, span = dice.choice(told)
    text = story.paragraphs[index]
    said = f"{text.text} Again "
    again = replace(span, start=len(said), end=len(said) + len(span.text))
    return (
        with_text(story, index, replace(text, text=f"{said}{span.text}.", spans=(*text.spans, again))),
        known,
        Memory(),
    )


def without_figures(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    text = story.paragraphs[0]
    bare = " Time will show. Nobody knows more."
    return with_text(story, 0, replace(text, text=text.text + bare)), known, Memory()


def a_pronoun(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    text = story.paragraphs[0]
    word = dice.choice(["It", "This", "They", "Such"])
    return with_text(story, 0, replace(text, text=f"{text.text} {word} matters.")), known, Memory()


def unchanged_over_a_move(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = next(index for index, (one, _) in enumerate(sound()) if one is story)
    before = replace(known, known={**known.known})
    memory = remember(Memory(), story, verdict_of(index), before)
    name = next(name for name in ("skew_60d_pct", "basis_60d_pct", "spot_usd") if name in known.known)
    last = replace(
        memory.told[-1], figures={**memory.told[-1].figures, name: known.known[name].value * 3 + 9}
    )
    text = story.paragraphs[0]
    title = bank().words.get(f"called.{name}", "spot price")
    said = f"{text.text} Of the readings "
    span = Span(
        start=len(said),
        end=len(said) + len(title),
        text=title,
        origin=Origin(kind="name", ref=f"called.{name}", value=title),
        filter="text",
    )
    broken = replace(text, text=f"{said}{title} reads the same.", spans=(*text.spans, span))
    return with_text(story, 0, broken), known, Memory(told=(last,))


def the_other_side(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    """Both sides' liquidations told as the longs'."""
    total = replace(known.known["spot_usd"], name="liquidations_24h_usd", value=5e8)
    known = replace(known, known={**known.known, "liquidations_24h_usd": total})
    text = story.paragraphs[0]
    said, shown = f"{text.text} Venues closed ", "$500 million"
    origin = Origin(kind="fact", ref="liquidations_24h_usd", value=5e8)
    span = Span(start=len(said), end=len(said) + len(shown), text=shown, origin=origin, filter="usd")
    broken = replace(text, text=f"{said}{shown} of longs.", spans=(*text.spans, span))
    return with_text(story, 0, broken), known, Memory()


def typo(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    flaw = dice.choice(
        [" It is is so.", "  It is so.", " it is so.", " It is so", " An put costs a option.", " So it is ."]
    )
    return with_text(story, index, replace(text, text=text.text + flaw)), known, Memory()


def gone_stale(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    dated = {span.origin.ref for span in story.spans if span.origin.kind == "date"}
    told = [span for _, span in numeric(story) if span.origin.ref in known.known]
    span = dice.choice([span for span in told if span.origin.ref not in dated])
    ref = span.origin.ref
    fresh = {name: fact for name, fact in known.known.items() if name != ref}
    return story, replace(known, known=fresh, stale={ref: known.known[ref]}), Memory()


def advised(story: Story, known: Facts, dice: Random) -> tuple[Story, Facts, Memory]:
    index = dice.randrange(len(story.paragraphs))
    text = story.paragraphs[index]
    said = dice.choice(
        ["Traders should buy here.", "It will rise from here.", "The target is near.", "Buy the dip."]
    )
    return with_text(story, index, replace(text, text=f"{text.text} {said}")), known, Memory()


FAULTS: Mapping[str, tuple[str, Fault]] = {
    "an unfilled slot": ("1:", unfilled),
    "a changed number": ("2:", other_number),
    "a typed number": ("2:", typed_number),
    "a swapped number": ("2:", swapped_numbers),
    "an origin that lies": ("2:", lying_origin),
    "a turned direction": ("4:", turned_round),
    "another stance's word": ("5:", wrong_stance),
    "a repeated post": ("16:", repeated),
    "an image": ("6:", an_image),
    "a figure told twice": ("10:", told_twice),
    "sentences without figures": ("11:", without_figures),
    "a pronoun without an owner": ("12:", a_pronoun),
    "unchanged over a move": ("13:", unchanged_over_a_move),
    "the noun of the other side": ("14:", the_other_side),
    "a flaw of typography": ("7:", typo),
    "a stale reading": ("8:", gone_stale),
    "advice": ("9:", advised),
}


@cache
def verdict_of(index: int) -> Verdict:
    """The verdict of one of the sound stories' markets."""
    return judged(sound()[index][1])


def test_sound_stories_raise_no_alarm() -> None:
    for index, (story, known) in enumerate(sound()):
        assert not story.plain, story.failures
        assert (
            gate(story, verdict=verdict_of(index), facts=known, book=book(), bank=bank(), memory=Memory())
            == []
        )


@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_fault_is_caught(fault: str) -> None:
    rule, plant = FAULTS[fault]
    tellable = [index for index, (story, _) in enumerate(sound()) if numeric(story)]
    for seed in range(42):
        dice = Random(seed)
        index = tellable[seed % len(tellable)]
        story, known = sound()[index]
        judgement = verdict_of(index)
        broken, market, memory = plant(story, known, dice)
        failures = gate(broken, verdict=judgement, facts=market, book=book(), bank=bank(), memory=memory)
        assert any(failure.startswith(rule) for failure in failures), (fault, seed, failures)


@pytest.mark.parametrize(
    ("value", "shown", "digits"), [(4.97, "5%", None), (4.96, "5%", 0), (10.04, "10%", None)]
)
def test_a_rounded_number_on_the_other_side_of_its_threshold_is_caught(
    value: float, shown: str, digits: int | None
) -> None:
    known = facts({**ARTICLE, "basis_60d_pct": value}, ARTICLE_TIMES)
    story = told(known)
    text = story.paragraphs[0]
    said = f"{text.text} Basis "
    origin = Origin(kind="fact", ref="basis_60d_pct", value=value)
    span = Span(
        start=len(said), end=len(said) + len(shown), text=shown, origin=origin, filter="pct", digits=digits
    )
    broken = with_text(story, 0, replace(text, text=f"{said}{shown}.", spans=(*text.spans, span)))
    assert any(failure.startswith("3:") for failure in refused(broken, known))


def test_a_number_close_to_its_threshold_is_written_with_a_digit_more() -> None:
    known = facts({**ARTICLE, "basis_60d_pct": 4.97}, ARTICLE_TIMES)
    assert "4.97%" in "\n".join(text.text for text in told(known).texts)


def test_a_lower_bound_that_does_not_say_so_is_caught() -> None:
    known = facts(ARTICLE, ARTICLE_TIMES)
    bound = {
        name: replace(fact, lower_bound=fact.lower_bound or name == "liquidations_5d_long_usd")
        for name, fact in known.known.items()
    }
    story = told(known)
    assert any("lower bound" in failure for failure in refused(story, replace(known, known=bound)))
    again = told(replace(known, known=bound))
    assert "at least $1.8 billion" in "\n".join(text.text for text in again.texts)
