"""A phrase that could go wrong is refused before it is ever written."""

import re
import tomllib
from collections.abc import Iterator
from typing import get_args

import pytest
from msgspec.structs import replace

from bot import commentary, metrics
from bot.commentary.frames import LEAST_FRAMES, frame_problems
from bot.commentary.stories import StoryKind
from bot.commentary.templates import slots
from bot.commentary.words import has, several
from bot.errors import ConfigError
from bot.playbook import CONFIG
from tests.commentary.make import bank, book, texts


def phrase(text: str, *, slot: str = "evidence", about: str = "basis-weak", more: str = "") -> dict[str, str]:
    """The real files and one more phrase."""
    added = f'[[phrase]]\nid = "tried"\nslot = "{slot}"\nabout = "{about}"\ntext = "{text}"\n{more}'
    return {**texts("config/phrases/en"), "tried.toml": added}


def problems(files: dict[str, str]) -> list[str]:
    """What is said of the files."""
    with pytest.raises(ConfigError) as caught:
        commentary.parse(files, "en", metrics.CATALOG, book())
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("It is 5 today.", "the digit '5' is typed"),
        ("It fell by a dozen points.", "the number word 'dozen' is typed"),
        ("{{ basis_61d_pct|pct }} of basis.", "did you mean 'basis_60d_pct'"),
        ("{{ basis_60d_pct.change_8d|pct }} of basis.", "unknown view"),
        ("{{ basis_60d_pct }} of basis.", "has no filter"),
        ("{{ basis_60d_pct|percent }} of basis.", "unknown filter 'percent'"),
        ("{% if it %}Yes.{% endif %}", "slots and filters only"),
        ("{% for one in it %}x{% endfor %}", "slots and filters only"),
        ("{{ it.__class__ }} now.", "'__class__' is no view"),
        ("{{ 1 + 1 }} now.", "slots and filters only"),
        (
            "{{ it|pct }} and up {{ basis_60d_pct.change_7d|points_size }} now.",
            "'up' is typed beside a change",
        ),
        ("Traders should buy now.", "is advice or a forecast"),
        ("The tide turns at {{ it|pct }}.", "belongs to the image 'sea'"),
        ("{{ it|pct", "not a template"),
    ],
)
def test_a_phrase_that_could_go_wrong_is_refused_with_its_id(text: str, reason: str) -> None:
    said = problems(phrase(text))
    assert any("tried.toml: tried:" in one and reason in one for one in said), said


def test_a_headline_says_the_word_of_its_stance_and_no_other() -> None:
    assert any(
        "word for bearish is missing" in one
        for one in problems(phrase("No word.", slot="headline", about="bearish"))
    )
    said = problems(phrase("Caution, but bullish.", slot="headline", about="bearish"))
    assert any("'bullish' is the word for another stance" in one for one in said)


def test_all_problems_are_told_at_once() -> None:
    files = phrase("It is 5 today, and {{ nothing|pct }}.")
    files["words.toml"] = files["words.toml"].replace('at_least = "at least"', "")
    files["options.toml"] = files["options.toml"].replace(
        'skew-fear = "very dear puts"', 'skew-feer = "very dear puts"'
    )
    said = "\n".join(problems(files))
    for part in (
        "the digit '5'",
        "unknown fact 'nothing'",
        "word.at_least",
        "no rule has this id",
        "has no name in words",
    ):
        assert part in said


def test_a_broken_file_is_named() -> None:
    said = problems({**texts("config/phrases/en"), "tried.toml": "[[phrase]\n"})
    assert any(one.startswith("tried.toml") and "not TOML" in one for one in said)
    said = problems(
        {
            **texts("config/phrases/en"),
            "tried.toml": '[[phrase]]\nid = "a"\nslot = "evidense"\nabout = "x"\ntext = "y"',
        }
    )
    assert any(one.startswith("tried.toml: phrase.0.slot") for one in said)


def test_an_unknown_key_is_refused() -> None:
    said = problems(phrase("Fine.", more='colour = "red"\n'))
    assert any("colour" in one for one in said)


def test_the_same_words_under_two_ids_are_refused() -> None:
    text = bank().phrases[0].text
    said = problems(
        {
            **texts("config/phrases/en"),
            "tried.toml": f'[[phrase]]\nid = "z"\nslot = "close"\nabout = "bearish"\ntext = "{text}"',
        }
    )
    assert any("the same text as" in one for one in said)


def test_every_rule_has_a_name_and_every_story_has_frames() -> None:
    assert [rule for rule in book().rules if f"rule.{rule}" not in bank().words] == []
    kinds = get_args(StoryKind)
    for kind in kinds:
        assert sum(frame.story == kind and "lead" in frame.places for frame in bank().frames) >= LEAST_FRAMES
    assert sum(frame.story in kinds and "lead" in frame.places for frame in bank().frames) >= 90


def test_a_story_with_too_few_frames_is_refused_with_the_number_that_it_needs() -> None:
    whole = bank()
    calm = [one for one in whole.frames if one.story == "calm" and "lead" in one.places]
    kept = calm[: LEAST_FRAMES - 1]
    thin = replace(whole, frames=tuple(one for one in whole.frames if one not in calm or one in kept))
    assert [str(problem) for problem in frame_problems(thin)] == [
        f"en: calm: this story has {LEAST_FRAMES - 1} frames; it needs {LEAST_FRAMES}"
    ]
    assert list(frame_problems(whole)) == []


def frame(places: str, story: str = "calm") -> dict[str, str]:
    """The real files and one more frame."""
    added = f'[[frame]]\nid = "tried"\nstory = "{story}"\n[frame.places]\n{places}\n'
    return {**texts("config/phrases/en"), "tried.toml": added}


@pytest.mark.parametrize(
    ("places", "reason"),
    [
        ('lead = ["It is 5 today."]', "the digit '5' is typed"),
        ('second = ["Nothing is in a slot."]', "has a slot {{ second }}"),
        ('lead = ["{{ main }} and {{ nothing }}."]', "unknown"),
        ('lead = ["The tide turns, and {{ main }}."]', "belongs to the image 'sea'"),
    ],
)
def test_a_frame_that_could_go_wrong_is_refused_with_its_place(places: str, reason: str) -> None:
    said = problems(frame(places))
    assert any("tried/" in one and reason in one for one in said), said


def test_a_frame_of_no_story_is_refused() -> None:
    assert any(
        "no story is called 'boredom'" in one for one in problems(frame('lead = ["Well."]', "boredom"))
    )


def test_every_metric_and_its_words_are_there() -> None:
    assert set(bank().metrics) == set(metrics.CATALOG.metrics)
    assert all(words.title and words.meaning and words.unit for words in bank().metrics.values())


def test_every_placeholder_is_read_from_the_template() -> None:
    assert slots("{{ a.b|pct|an }} of {{ c|usd }}").asked == [("a.b", ("pct", "an")), ("c", ("usd",))]


@pytest.mark.parametrize("name", sorted(bank().metrics))
def test_each_metric_is_explained_in_three_sentences_without_a_typed_number(name: str) -> None:
    text = bank().metrics[name].explain
    assert len(re.findall(r"[.!?](?= [A-Z]|$)", text)) == 3
    assert re.search(r"\d", text) is None
    for key in ("number_words", "forbidden"):
        assert has(text, several(bank().words, key)) is None


@pytest.mark.parametrize(
    ("text", "entries", "found"),
    [
        ("It WILL rise.", ("will rise", "must"), "will rise"),
        ("It will not rise.", ("will rise",), None),
        ("a will-o'-the-wisp", ("will",), None),
        ("none of it", ("one",), None),
        ("up 5 %", ("%",), "%"),
        ("To the Moon", ("moon", "to the moon"), "to the moon"),
        ("¿Qué hacer?", ("¿qué",), "¿qué"),
        ("anything", (), None),
    ],
)
def test_an_entry_stands_in_a_text_as_words_of_its_own(
    text: str, entries: tuple[str, ...], found: str | None
) -> None:
    assert has(text, entries) == found


# ── what nobody can know, and what readers took for something else ───────────────────────────────────────────

UNTRUE = {
    "en": {
        "who holds, who stayed": r"\bstill in\b|\bsat through\b|those who were in\b|(?:did not|nobody) (?:leave|left)\b|\bwalk out\b",
        "how coins were paid": r"bought with (?:cash|borrowed)|with (?:their own|borrowed) money",
        "a rule told as an event": r"\b(?:came|went) (?:on|off) the list\b|(?:^|[.!?] )(?-i:Out|In): |rule (?:has )?(?:come|gone)\b",
        "a forecast of need": r"\b(?:price|coin|market|Bitcoin|bulls?|buyers?) needs\b|\bbegins here\b",
        "skew as a price": r"\d%? more than calls|puts cost [^.]*\bmore than (?:the )?calls\b",
        "a low that is away": r"(?:low|high) (?:is|lies) .{0,20}\baway\b",
        "short options": r"\bshort options\b",
        "coins that stand at a loss": r"coins stand at\b",
        "an hour of the post and not of the clock": r"\b(?:since|in|after) the last post\b|\byesterday's post\b|\blast night\b",
    },
    "es": {
        "who holds, who stayed": r"siguen dentro|sigue dentro|aguantaron el golpe|nadie (?:se fue|salió)|se quedaron dentro",
        "how coins were paid": r"comprad[ao]s? (?:con efectivo|al contado con|a crédito)",
        "a rule told as an event": r"\b(?:entró en|salió de) la lista\b|(?:^|[.!?] )(?-i:Fuera|Dentro): ",
        "a forecast of need": r"\b(?:el precio|el mercado|la moneda|Bitcoin) necesita\b|\bempieza aquí\b",
        "skew as a price": r"\d\s?% más (?:caras )?que las calls|puts cuestan un [^.]*más que las calls",
        "a low that is away": r"(?:mínimo|máximo) (?:queda|está) .{0,20}de distancia",
        "short options": r"\bopciones cortas\b",
        "coins that stand at a loss": r"las monedas están en\b",
        "an hour of the post and not of the clock": r"(?:desde|tras) la última publicación|la publicación de ayer|\banoche\b",
    },
}
"""Kinds of untruth and riddle that readers found in posts, as each language would word them."""


def wordings(locale: str) -> Iterator[tuple[str, str]]:
    """Every wording of a bank: the file with the key, and the text."""

    def walk(where: str, node: object) -> Iterator[tuple[str, str]]:
        if isinstance(node, str):
            yield where, node
        elif isinstance(node, dict):
            for key, value in node.items():
                yield from walk(f"{where}:{key}", value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(where, value)

    for path in sorted((CONFIG / "phrases" / locale).glob("*.toml")):
        yield from walk(path.name, tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("locale", ["en", "es"])
def test_no_wording_of_a_bank_says_what_nobody_can_know(locale: str) -> None:
    said = list(wordings(locale))
    assert len(said) > 1500
    found = [
        (kind, where, text)
        for where, text in said
        for kind, pattern in UNTRUE[locale].items()
        if re.search(pattern, text, re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("locale", "kind", "text"),
    [
        ("en", "who holds, who stayed", "Those who were in are still in."),
        ("en", "how coins were paid", "The coins were bought with cash."),
        ("en", "a rule told as an event", "Out: a cascade of forced selling."),
        ("en", "a forecast of need", "The price needs a higher basis."),
        ("en", "skew as a price", "Puts cost 20% more than calls."),
        ("en", "a low that is away", "The low is 18.9% away."),
        ("en", "short options", "Traders are short options."),
        ("en", "coins that stand at a loss", "The coins stand at −$3.25 billion."),
        ("es", "who holds, who stayed", "Quienes estaban siguen dentro."),
        ("es", "skew as a price", "Las puts cuestan un 20 % más que las calls."),
        ("es", "a low that is away", "El mínimo queda a un 18,9 % de distancia."),
    ],
)
def test_each_kind_is_found_where_it_is_said(locale: str, kind: str, text: str) -> None:
    assert re.search(UNTRUE[locale][kind], text, re.IGNORECASE)


EMPTY_LINKS = {
    "en": r"^(?:With it|Elsewhere|On top of that|Also|Besides|Beside that|Meanwhile|At the same time|In addition),",
    "es": r"^(?:Además|Junto a ello|A eso se suma|Por otra parte|De paso|Entretanto|A la vez|También)\b",
}
"""Words between two sentences that say nothing of how the two hang together."""


@pytest.mark.parametrize("locale", ["en", "es"])
def test_a_link_between_sentences_carries_a_relation(locale: str) -> None:
    empty = [
        text
        for frame in bank(locale).frames
        for texts_of in frame.places.values()
        for text in texts_of
        if re.search(EMPTY_LINKS[locale], text)
    ]
    assert empty == []


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_a_verdict_means_and_what_a_rank_counts_is_said_where_it_is_read(locale: str) -> None:
    words = bank(locale).words
    assert all(words[f"tag_plain.{stance}"] for stance in ("bearish", "bullish", "overheated"))
    assert len(words["table_note"].split()) <= 12
    assert len(words["table_note_vs"].split()) <= 8
