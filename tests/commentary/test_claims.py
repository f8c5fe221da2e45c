"""Each sentence of a post with what it stands on, and figures that stand on nothing."""

from msgspec.structs import replace

from bot.commentary import ToldPost, claims, groundless
from bot.domain.facts import Facts
from bot.domain.story import Memory
from tests.commentary.make import article, judged, told


def post(market: Facts | None = None) -> ToldPost:
    known = article()
    return ToldPost(story=told(known), facts=market or known, verdict=judged(known), memory=Memory())


def with_venues(market: Facts) -> Facts:
    known = {name: replace(fact, venues=("deribit",)) for name, fact in market.known.items()}
    return replace(market, known=known)


def test_each_sentence_is_listed_with_its_figures() -> None:
    found = claims(post(with_venues(article())))
    headline = found[0]
    assert headline.slot == "headline"
    spot = headline.figures[0]
    assert (spot.text, spot.kind, spot.ref, spot.value) == ("$71,500", "fact", "spot_usd", 71_500)
    assert spot.venues == ("deribit",)
    assert spot.at is not None
    exits = [figure for claim in found for figure in claim.figures if figure.kind == "threshold"]
    assert exits
    assert all(figure.at is None and not figure.venues for figure in exits)
    assert not [claim.sentence for claim in found if claim.bare and claim.slot in ("lead", "evidence")]


def test_figures_of_venues_that_told_them_are_grounded() -> None:
    assert list(groundless(post(with_venues(article())))) == []


def test_a_figure_that_no_venue_told_or_that_reads_otherwise_is_groundless() -> None:
    silent = with_venues(article())
    spot = silent.known["spot_usd"]
    nobody = replace(silent, known={**silent.known, "spot_usd": replace(spot, venues=())})
    other = replace(silent, known={**silent.known, "spot_usd": replace(spot, value=71_400.0)})
    for market in (nobody, other):
        assert {figure.ref for figure in groundless(post(market))} == {"spot_usd"}
