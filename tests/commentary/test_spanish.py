"""Spanish, told by the same code from another folder: its numbers, its posts, its gate, and a further
language beside it."""

import re
from collections.abc import Mapping
from functools import cache
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot import commentary
from bot.commentary.formats import apply, read
from bot.commentary.joining import joiner, list_in_words
from bot.commentary.lengths import has_length
from bot.commentary.terms import settle
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.story import Length, Memory, Origin, Span, Story
from bot.lab.golden import page
from bot.lab.questions import settle as told_of
from bot.lab.questions import why_no_article
from bot.playbook import parse_playbook, read_playbook
from tests.commentary import test_gate, test_run, test_sound
from tests.commentary.golden import FOLDER, SPANISH, golden
from tests.commentary.make import (
    ARTICLE,
    ARTICLE_TIMES,
    CALM,
    article,
    bank,
    book,
    facts,
    judged,
    refused,
    told,
)
from tests.tapes import quiet, volatile

SPACE = "\u00a0"


@cache
def playbook() -> Playbook:
    return read_playbook()


def words() -> Mapping[str, str]:
    return bank("es").words


def whole(story: Story) -> str:
    return "\n".join(text.text for text in story.texts).replace(SPACE, " ")


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("pct", 18.869, "18,9 %"),
        ("pct", -3.25, "−3,2 %"),
        ("plusminus", 6, "±6 %"),
        ("price", 71_500, "71 500 dólares"),
        ("price", 4_650, "4650 dólares"),
        ("price", 3.456, "3,46 dólares"),
        ("brief", 71_500, "71 500 dólares"),
        ("usd", 35.8e9, "35 800 millones de dólares"),
        ("usd", 4.65e9, "4650 millones de dólares"),
        ("usd", 1e6, "1 millón de dólares"),
        ("usd", -2.1e6, "−2,1 millones de dólares"),
        ("usd", 1.3e12, "1,3 billones de dólares"),
        ("usd", 1e12, "1 billón de dólares"),
        ("usd", 1, "1 dólar"),
        ("coins", 527_850, "527 850"),
        ("points", 1, "1 punto"),
        ("points", 3.3919, "3,4 puntos"),
        ("ratio", 0.5361, "0,54"),
        ("share", 99.7, "99 %"),
        ("count", 12_345, "12 345"),
        ("date", "2026-02-06T00:00:00+00:00", "6 de febrero de 2026"),
        ("moved:size", -19.19, "baja un 19,2 %"),
        ("paid:bare", -5.5, "los cortos pagan a los largos 5,5"),
    ],
)
def test_a_number_reads_as_spanish_readers_write_it(name: str, value: float | str, shown: str) -> None:
    assert apply(name, value, None, words()).replace(SPACE, " ") == shown


def test_neither_comma_nor_point_ever_groups_thousands() -> None:
    for value in (1_234.0, 71_500.0, 35.8e9, 527_850.0, 1.234e12):
        for name in ("price", "usd", "coins", "pct"):
            assert re.search(r"[.,]\d{3}(?!\d)", apply(name, value, None, words())) is None


@given(
    st.floats(min_value=-1e13, max_value=1e13, allow_nan=False),
    st.sampled_from(["pct", "usd", "price", "coins", "bare"]),
)
def test_what_is_written_is_read_back_as_the_same_number(value: float, name: str) -> None:
    shown = apply(name, value, None, words())
    english = apply(name, value, None, bank().words)
    assert read(shown, words()) == pytest.approx(read(english, bank().words))


@given(st.floats(min_value=-50, max_value=50, allow_nan=False), st.sampled_from([-6.0, 0.0, 2.0, 5.0, 10.0]))
def test_rounding_keeps_the_truth_around_a_threshold(value: float, limit: float) -> None:
    digits = settle("pct", value, words(), ((lambda number: number < limit), (lambda number: number > limit)))
    shown = read(apply("pct", value, digits, words()), words())
    assert shown is not None
    if abs(value - limit) > 1e-7:
        assert (shown < limit) == (value < limit)


def test_the_word_for_and_follows_the_sound() -> None:
    assert [joiner(text, words()) for text in ("opciones", "interés abierto", "historia", "prima")] == [
        "y",
        "e",
        "e",
        "y",
    ]
    assert joiner("interest", bank().words) == "and"


def test_a_list_joins_its_last_part_by_what_that_begins_with() -> None:
    assert (
        list_in_words(("futuros", "opciones", "interés abierto"), words())
        == "futuros, opciones e interés abierto"
    )
    assert [list_in_words(parts, words()) for parts in ((), ("prima",), ("prima", "historia"))] == [
        "",
        "prima",
        "prima e historia",
    ]


# ── what there is ───────────────────────────────────────────────────────────────────────────────────────────


def test_whatever_english_can_say_spanish_can_say() -> None:
    def told(locale: str) -> set[tuple[str, str]]:
        frames = {(frame.story, place) for frame in bank(locale).frames for place in frame.places}
        clauses = {(about, form) for about, known in bank(locale).clauses.items() for form in known.forms}
        return frames | clauses

    assert sorted(told("en") - told("es")) == []
    answers = {(phrase.slot, phrase.about) for phrase in bank("es").phrases}
    assert sorted({(phrase.slot, phrase.about) for phrase in bank().phrases} - answers) == []
    assert sorted(set(bank().words) - set(words()) - {"a_words", "an_words"}) == []


@pytest.mark.parametrize("name", sorted(bank().metrics))
def test_each_metric_is_explained_in_three_sentences(name: str) -> None:
    text = bank("es").metrics[name].explain
    assert len(re.findall(r"[.!?](?= [A-ZÁÉÍÓÚ]|$)", text)) == 3
    assert re.search(r"\d", text) is None


def test_a_word_takes_up_no_more_than_its_english_does() -> None:
    def asked(text: str) -> set[str]:
        return set(re.findall(r"{(\w*)}", text))

    for key, word in words().items():
        assert asked(word) <= asked(bank().words.get(key, word)), key


def test_descriptions_fit_discord() -> None:
    long = {
        key: text
        for key, text in words().items()
        if key.startswith(("command.", "option.")) and len(text) > 100
    }
    assert long == {}


def test_a_word_that_only_english_has_is_borrowed_and_its_grammar_is_not() -> None:
    poorer = replace(bank("es"), words={key: word for key, word in words().items() if key != "title.oi"})
    whole_bank = commentary.fill_from_english(poorer, bank())
    assert whole_bank.words["title.oi"] == "open interest"
    assert whole_bank.words["title.price"] == "precio"
    assert "an_words" not in whole_bank.words
    assert playbook().banks["es"].words["and"] == "y"


# ── posts ───────────────────────────────────────────────────────────────────────────────────────────────────

EXPECTED = {
    "article": ("20 %", "1800 millones de dólares", "18,9 %", "35 800 millones de dólares", "527 850 BTC"),
    "calm": ("96 200 dólares", "neutral"),
    "venue-drops-out": ("20 %", "5,5 %", "18,9 %"),
}


@pytest.mark.parametrize("name", SPANISH)
def test_a_spanish_golden_is_as_it_is_written_down(name: str) -> None:
    text = page(golden(name), playbook(), "es")
    assert text == (FOLDER / "es" / f"{name}.md").read_text(encoding="utf-8")
    assert [figure for figure in EXPECTED[name] if figure not in text.replace(SPACE, " ")] == []


@pytest.mark.parametrize("name", SPANISH)
def test_a_spanish_golden_passes_the_gate(name: str) -> None:
    market = golden(name).market
    lengths: tuple[Length, ...] = ("short", "embed", "article")
    for length in lengths:
        story = told(market, length, words=bank("es"))
        assert not story.plain, story.failures
        assert refused(story, market, words=bank("es")) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(test_sound.SEEDS))
def test_four_hundred_sound_stories_raise_no_alarm(seed: int) -> None:
    made = quiet(seed, days=8) if seed % 4 == 3 else volatile(seed, days=8)
    lengths: tuple[Length, ...] = ("short", "embed", "article")
    for number, market in enumerate(islice(test_sound.moments(made), test_sound.STORIES_A_SEED)):
        length = lengths[number % 3]
        story = told(market, length, words=bank("es"))
        assert not story.plain, (market.at, length, story.failures)
        assert refused(story, market, words=bank("es")) == [], (market.at, length)


def run(name: str, days: int, length: Length) -> list[Story]:
    """The same market told day after day."""
    memory, stories = Memory(), []
    for market, verdict in test_run.frozen(name, days):
        story = commentary.write(
            verdict=verdict,
            facts=market,
            book=book(),
            bank=bank("es"),
            memory=memory,
            length=length,
            at=market.at,
        )
        memory = commentary.remember(memory, story, verdict, market)
        stories.append(story)
    return stories


@pytest.mark.parametrize("length", ["short", "embed"])
def test_a_frozen_market_is_told_for_a_fortnight_without_a_plain_card(length: Length) -> None:
    assert [story.failures for story in run("article", 14, length) if story.plain] == []


@pytest.mark.slow
@pytest.mark.parametrize("length", ["short", "embed"])
@pytest.mark.parametrize("name", test_run.FROZEN)
def test_thirty_posts_of_a_frozen_market_stay_inside_their_limits(name: str, length: Length) -> None:
    assert [story.failures for story in run(name, 30, length) if story.plain] == []


# ── the gate reads Spanish ──────────────────────────────────────────────────────────────────────────────────


@cache
def sound() -> tuple[tuple[Story, object], ...]:
    stories = []
    for market, times in (
        (ARTICLE, ARTICLE_TIMES),
        (CALM, None),
        (test_gate.BULLISH, None),
        (test_gate.HOT, None),
    ):
        known = facts(market, times)
        stories.append((told(known, words=bank("es")), known))
    return tuple(stories)


def failures_with(
    extra: str, *, spans: tuple[Span, ...] = (), market: Mapping[str, float] = ARTICLE
) -> list[str]:
    """What the gate says of the article's story with some words more."""
    known = facts(market, ARTICLE_TIMES if market is ARTICLE else None)
    story = told(known, words=bank("es"))
    text = story.paragraphs[0]
    moved = tuple(
        replace(span, start=span.start + len(text.text), end=span.end + len(text.text)) for span in spans
    )
    broken = replace(text, text=text.text + extra, spans=(*text.spans, *moved))
    return refused(replace(story, paragraphs=(broken, *story.paragraphs[1:])), known, words=bank("es"))


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        (" {{ it }}.", "1:"),
        (" Son 42 %.", "2:"),
        (" Son 1 200 dólares.", "2:"),
        (" Y el tono es alcista.", "5:"),
        (" Tanto freno en el mercado.", "6:"),
        (" Es es así.", "7:"),
        ("  Es así.", "7:"),
        (" es así.", "7:"),
        (" él lo sabe.", "7:"),
        (" Es así", "7:"),
        (" Conviene comprar aquí.", "9:"),
        (" El precio subirá pronto.", "9:"),
        (" Hay un precio objetivo.", "9:"),
    ],
)
def test_a_planted_fault_is_caught(extra: str, rule: str) -> None:
    assert any(failure.startswith(rule) for failure in failures_with(extra)), failures_with(extra)


def test_a_direction_that_is_turned_round_is_caught() -> None:
    market = {**CALM, "spot_usd.before_24h": 84_000}
    wrong = " El contado baja "
    change = facts(market).known["spot_usd.change_24h_pct"].value
    shown = apply("size", change, None, words())
    origin = Origin(kind="fact", ref="spot_usd.change_24h_pct", value=change)
    span = Span(start=len(wrong), end=len(wrong) + len(shown), text=shown, filter="size", origin=origin)
    assert any(
        failure.startswith("4:")
        for failure in failures_with(f"{wrong}{shown}.", spans=(span,), market=market)
    )
    right = " El contado sube "
    span = replace(span, start=len(right), end=len(right) + len(shown))
    said = failures_with(f"{right}{shown}.", spans=(span,), market=market)
    assert not any(failure.startswith("4:") for failure in said)


@pytest.mark.parametrize(
    "fault", ["a changed number", "a swapped number", "an origin that lies", "a stale reading"]
)
def test_a_number_that_is_not_the_markets_is_caught(fault: str) -> None:
    rule, plant = test_gate.FAULTS[fault]
    for seed in range(20):
        story, known = sound()[seed % len(sound())]
        if not test_gate.numeric(story):
            continue
        broken, market, memory = plant(story, known, Random(seed))  # type: ignore[arg-type]
        failures = commentary.gate(
            broken,
            verdict=judged(known),  # type: ignore[arg-type]
            facts=market,
            book=book(),
            bank=bank("es"),
            memory=memory,
        )
        assert any(failure.startswith(rule) for failure in failures), (fault, seed, failures)


def test_a_post_that_repeats_the_last_one_is_caught() -> None:
    known = article()
    story = told(known, words=bank("es"))
    memory = commentary.remember(Memory(), story, judged(known), known)
    assert any(failure.startswith("16:") for failure in refused(story, known, memory, words=bank("es")))


# ── lengths, and further languages ──────────────────────────────────────────────────────────────────────────


def test_an_article_in_spanish_has_its_paragraphs_and_the_figures_of_the_english_one() -> None:
    story, english = (told(article(), "article", words=bank(locale)) for locale in ("es", "en"))
    assert (story.length, story.plain) == ("article", False)
    assert 300 <= len(story.body.split()) <= 400
    assert [text.slot for text in story.paragraphs] == [text.slot for text in english.paragraphs]

    def families(one: Story) -> set[str]:
        return {span.origin.ref.partition("_")[0] for span in one.spans if span.origin.kind == "fact"}

    assert families(story) == families(english)


def test_a_language_without_articles_has_an_embed_and_says_why() -> None:
    """Spanish as it would be with a word list that names no articles."""
    path = "phrases/es/words.toml"
    text = playbook().texts[path].replace('["short", "embed", "article"]', '["short", "embed"]')
    books = parse_playbook({**playbook().texts, path: text})
    assert not has_length(books.banks["es"].words, "article")
    verdict, stories = told_of(article(), books, Profile(locale="es"), ("article", "embed"))
    assert set(stories) == {"embed"}
    reason = why_no_article(verdict, article(), books, Profile(locale="es"))
    assert reason == "Va con la extensión de una ficha: los artículos todavía no se escriben en español."
    assert why_no_article(verdict, article(), playbook(), Profile()) is None


def test_a_further_folder_is_a_further_language() -> None:
    """Galician, as far as a test needs it: the Spanish files with some words of their own. Nothing else is
    touched."""
    own = {"cautela": "prudencia", "Cautela": "Prudencia", "febrero": "febreiro", "dólares": "dolares"}
    texts = dict(playbook().texts)
    for path, text in playbook().texts.items():
        if path.startswith("phrases/es/"):
            changed = re.sub("|".join(own), lambda found: own[found.group()], text)
            texts[path.replace("/es/", "/gl/")] = changed
    books = parse_playbook(texts)
    assert books.banks.keys() == playbook().banks.keys() | {"gl"}
    verdict, stories = told_of(article(), books, Profile(locale="gl", length="embed"), ("short", "embed"))
    said = " ".join(whole(story) for story in stories.values())
    assert verdict.stance == "bearish"
    assert "prudencia" in said.lower()
    assert "71 500 dolares" in said
    assert "cautela" not in said
    story = stories["embed"]
    assert not story.plain, story.failures
    assert story.locale == "gl"
    assert refused(story, article(), words=books.banks["gl"]) == []


def test_a_lower_bound_says_so_wherever_spanish_names_it() -> None:
    """No article stands before an amount that may come with "al menos"."""
    for phrase in bank("es").phrases:
        found = re.findall(r"\b(el|los|las|del|al|un) {{ ?liquidations\w*\|(?:usd|pct)", phrase.text)
        assert found == [], phrase.id
