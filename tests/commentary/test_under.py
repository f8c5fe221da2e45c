"""The line under a post and an answer: the venues of its own figures, each once, and how many should have told them."""

from datetime import UTC, datetime

from msgspec.structs import replace

from bot.commentary import answer_footer
from bot.domain.facts import Fact, Facts
from tests.commentary.make import CALM, bank, facts, told


def market(**venues: tuple[tuple[str, ...], tuple[str, ...]]) -> Facts:
    """A calm market: by a fact's name the venues that told it, and those that are missing from it; all others are
    Deribit's."""
    plain = facts(CALM)

    def stood(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return venues.get(name.partition(".")[0], (("deribit",), ()))

    known = {
        name: replace(
            fact,
            venues=stood(name)[0],
            missing=stood(name)[1],
            of_venues=len(stood(name)[0] + stood(name)[1]),
        )
        for name, fact in plain.known.items()
    }
    return replace(plain, known=known, measured=None)


def under(told_of: Facts) -> str:
    story = told(told_of)
    assert not story.plain, story.failures
    assert story.footer is not None
    return story.footer.text


def test_where_nobody_is_missing_the_venues_are_named_and_not_counted() -> None:
    said = under(
        market(open_interest_usd=(("binance", "okx"), ()), open_interest_coin=(("binance", "okx"), ()))
    )
    assert "of" not in said.replace("of its", "").split()
    assert said.count("Deribit") == 1


def test_with_two_out_it_says_of_how_many_and_names_each_of_the_others_once() -> None:
    out = (("binance", "okx", "fred"), ("bybit", "kraken"))
    said = under(market(open_interest_usd=out, open_interest_coin=out, spot_usd=out))
    assert "3 of 5 venues" in said  # Binance, Deribit and OKX; FRED is no venue
    assert said.count("Binance") == said.count("Deribit") == said.count("OKX") == 1


def test_a_venue_of_no_figure_of_the_text_is_not_named() -> None:
    assert "Kraken" not in under(market(gold_usd=(("kraken",), ())))


NOON = datetime(2026, 2, 6, 12, tzinfo=UTC)


def test_an_answer_on_nothing_names_nobody() -> None:
    nothing = Facts(asset="BTC", at=NOON, known={})
    assert answer_footer(nothing, bank()).text == "6 February 2026, 12:00 UTC · not advice"


def test_an_answer_on_an_old_reading_says_whose_and_from_when() -> None:
    old = Fact(name="skew_60d_pct", value=20.0, at=NOON.replace(hour=7), venues=("deribit",), of_venues=1)
    shown = Facts(asset="BTC", at=NOON, known={}, stale={old.name: old}).of_those([old.name])
    said = answer_footer(shown, bank())
    assert said.text == "6 February 2026, 12:00 UTC · Deribit · oldest reading 07:00 UTC · not advice"
    assert [said.text[span.start : span.end] for span in said.spans] == [span.text for span in said.spans]
