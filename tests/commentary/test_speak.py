"""Answers, errors and single figures: gated like posts, plain where nothing else can be said."""

from datetime import timedelta

from msgspec.structs import replace

from bot import commentary, metrics
from bot.commentary.choose import pool, pools
from bot.commentary.names import SpokenMarket
from bot.commentary.speak import _asks_unknown_view, _spoken
from bot.domain.facts import Fact, Facts
from bot.domain.story import Origin, PhraseBank, Slot, Text
from tests.commentary.make import NOW, article, bank, book, facts, known


def said(
    slot: Slot,
    about: str,
    market: Facts,
    names: dict[str, Origin] | None = None,
    words: PhraseBank | None = None,
) -> Text:
    return commentary.speak(
        slot=slot,
        about=about,
        facts=market,
        catalog=metrics.CATALOG,
        book=book(),
        bank=words or bank(),
        at=market.at,
        names=names or {},
    )


def skew(value: float = 20.0) -> dict[str, Origin]:
    return {"it": Origin(kind="fact", ref="skew_60d_pct", value=value)}


def test_the_skew_is_answered_in_words_with_its_usual_range() -> None:
    text = said("answer", "skew", article(), skew())
    assert (
        "puts carry more implied volatility than matching calls, by 20% of the at-the-money level"
        in text.text
    )
    assert "±6%" in text.text
    assert "60-day" in text.text


def test_dear_calls_are_not_called_dear_puts() -> None:
    text = said("answer", "skew", facts({"skew_60d_pct": -7.5}), skew(-7.5))
    assert (
        "calls carry more implied volatility than matching puts, by 7.5% of the at-the-money level"
        in text.text
    )


def test_the_answer_says_as_much_as_is_known() -> None:
    short = said(
        "answer",
        "basis",
        facts({"basis_60d_pct": 7}),
        {"it": Origin(kind="fact", ref="basis_60d_pct", value=7.0)},
    )
    more = said(
        "answer",
        "basis",
        facts({"basis_60d_pct": 7, "basis_60d_pct.before_7d": 5}),
        {"it": Origin(kind="fact", ref="basis_60d_pct", value=7.0)},
    )
    assert "risen 2 points" in more.text
    assert "week" not in short.text


def test_an_old_reading_is_answered_with_its_age() -> None:
    old = Fact(name="skew_60d_pct", value=11.0, at=NOW - timedelta(hours=5))
    market = Facts(
        asset="BTC", at=NOW, known={}, stale={"skew_60d_pct": old}, unknown={"skew_60d_pct": "too old"}
    )
    text = said("answer", "skew", market, skew(11.0))
    assert "11%" in text.text
    assert "6 February 2026, 19:00 UTC" in text.text


def test_an_unknown_fact_is_answered_with_the_reason() -> None:
    market = Facts(asset="BTC", at=NOW, known={}, unknown={"skew_60d_pct": "deribit: no answer within 8 s"})
    text = said("answer", "skew", market, skew(0.0))
    assert "deribit: no answer within 8 s" in text.text
    assert "20%" not in text.text


def test_an_error_repeats_what_was_typed_as_it_was_typed() -> None:
    typed = "unknown asset 'B1TC {x} …': one of BTC, ETH"
    text = said("error", "input", facts({}), {"reason": Origin(kind="input", ref="typed", value=typed)})
    assert typed.removesuffix("ETH") in text.text


def test_what_no_phrase_can_say_is_said_in_plain_numbers() -> None:
    text = said("answer", "no such subject", article(), skew())
    assert "60-day put-call skew" in text.text
    assert "20%" in text.text


def test_a_phrase_that_fails_the_gate_is_not_spoken() -> None:
    liars = tuple(
        replace(phrase, text="Traders should buy at {{ it|pct }}.") if phrase.about == "skew" else phrase
        for phrase in bank().phrases
    )
    text = said("answer", "skew", article(), skew(), replace(bank(), phrases=liars))
    assert "should" not in text.text
    assert "20%" in text.text


def test_a_figure_is_labeled_and_fresh_or_dated_or_unknown() -> None:
    fresh = commentary.figure("open_interest_usd", article(), metrics.CATALOG, bank())
    assert (fresh.label, fresh.text) == ("open interest in dollars", "$35.8 billion")
    old = Facts(
        asset="BTC", at=NOW, known={}, stale={"spot_usd": Fact(name="spot_usd", value=70_000, at=NOW)}
    )
    assert (
        commentary.figure("spot_usd", old, metrics.CATALOG, bank()).text
        == "$70,000, as of 7 February 2026, 00:00 UTC"
    )
    gone = commentary.figure("dvol", Facts(asset="BTC", at=NOW, known={}), metrics.CATALOG, bank())
    assert gone.text == "not known: not reported"


def test_a_lower_bound_figure_says_at_least() -> None:
    market = known("liquidations_24h_usd", 2.5e8, lower_bound=True)
    assert (
        commentary.figure("liquidations_24h_usd", market, metrics.CATALOG, bank()).text
        == "at least $250 million"
    )


def test_a_figures_spans_lie_where_they_say() -> None:
    one = commentary.figure("skew_60d_pct", article(), metrics.CATALOG, bank())
    assert [one.text[span.start : span.end] for span in one.spans] == [span.text for span in one.spans]


def test_the_footer_names_sources_time_and_what_it_is_not() -> None:
    market = known("spot_usd", 70_000, venues=("deribit",), of_venues=3)
    text = commentary.footer(market, bank())
    assert "Deribit (1 of 3 venues)" in text.text
    assert "7 February 2026, 00:00 UTC" in text.text
    assert "not financial advice" in text.text


def test_a_phrase_that_is_passed_over_for_a_view_could_not_have_been_said() -> None:
    market = facts({"basis_60d_pct": 7, "basis_60d_pct.before_7d": 5, "skew_60d_pct": 20})
    passed = spoken = 0
    for phrase in (phrase for locale in ("en", "es") for phrase in bank(locale).phrases):
        for ref, value in (("basis_60d_pct", 7.0), ("skew_60d_pct", 20.0), ("dvol", 40.0)):
            given = {"it": Origin(kind="fact", ref=ref, value=value)}
            scene = SpokenMarket(facts=market, book=book(), bank=bank(), at=market.at, ranges={})
            text = _spoken(phrase, phrase.slot, scene, given)
            if _asks_unknown_view(phrase, given, market):
                passed += 1
                assert text is None, phrase.text
            else:
                spoken += text is not None
    assert passed > 10
    assert spoken > 10


def test_the_phrases_of_a_slot_and_subject_are_those_of_its_pool() -> None:
    for words in (bank(), bank("es")):
        for (slot, about), phrases in pools(words).items():
            assert pool(words, slot, about) == phrases
    assert pool(bank(), "answer", "nonsense") == ()
