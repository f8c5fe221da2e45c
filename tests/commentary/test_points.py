"""What a reading is compared with: itself at the last post, like for like."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.commentary.names import SpokenMarket
from bot.commentary.points import StoryPoint, before, find_points, is_like_for_like
from bot.commentary.stories import reads_as_before
from bot.domain.facts import Facts
from bot.domain.story import Memory, RememberedPost
from tests.commentary.make import CALM, NOW, bank, book, facts

ALL, FEWER = ("binance", "bybit", "okx"), ("binance", "okx")


def market_on(venues: tuple[str, ...], **figures: float) -> SpokenMarket:
    told = facts({**CALM, **figures})
    known = {name: replace(fact, venues=venues) for name, fact in told.known.items()}
    return SpokenMarket(facts=Facts(asset="BTC", at=NOW, known=known), book=book(), bank=bank(), at=NOW)


def remembered(market: SpokenMarket, **more: object) -> Memory:
    known = market.facts.known
    post = RememberedPost(
        at=NOW - timedelta(hours=12),
        stance="neutral",
        phrase_ids=(),
        masked="",
        findings=(),
        figures={name: fact.value for name, fact in known.items()},
        venues={name: fact.venues for name, fact in known.items()},
    )
    return Memory(told=(replace(post, **more),))


@pytest.mark.parametrize("name", ["open_interest_coin", "open_interest_usd", "liquidations_24h_usd"])
def test_a_sum_is_compared_with_one_of_the_same_venues_alone(name: str) -> None:
    memory = remembered(market_on(ALL))
    then = before(name, market_on(ALL, **{name: 1e9}), memory)
    assert then is not None
    assert then.value == CALM[name]
    assert before(name, market_on(FEWER, **{name: 1e9}), memory) is None


def test_a_weighted_reading_is_compared_whoever_tells_it() -> None:
    memory = remembered(market_on(ALL))
    for name in ("skew_60d_pct", "basis_60d_pct", "spot_usd", "dvol"):
        assert is_like_for_like(name, market_on(FEWER), memory)
        assert before(name, market_on(FEWER), memory) is not None


def test_a_sum_over_other_venues_is_never_called_unmoved() -> None:
    memory = remembered(market_on(ALL))
    assert reads_as_before("open_interest_coin", market_on(ALL), memory)
    assert not reads_as_before("open_interest_coin", market_on(FEWER), memory)


def test_a_post_of_before_venues_were_kept_is_compared_as_it_was() -> None:
    memory = remembered(market_on(ALL), venues={})
    assert before("open_interest_coin", market_on(FEWER), memory) is not None


def point_of(topic: str, market: SpokenMarket, memory: Memory) -> StoryPoint:
    return next(point for point in find_points(market, memory) if point.topic.id == topic)


@pytest.mark.parametrize(
    ("funding", "named"), [(-4.9, "low"), (-5.0, "deep"), (-12.3, "deep"), (1.0, "usual")]
)
def test_funding_far_below_zero_is_a_situation_of_its_own(funding: float, named: str) -> None:
    market = market_on(ALL, funding_annual_pct=funding)
    assert point_of("funding", market, Memory()).about.startswith(f"funding.{named}")


def test_liquidations_that_were_told_and_came_down_are_no_news() -> None:
    """Heavy as they still are."""
    before_it = market_on(ALL, liquidations_24h_usd=1.02e9, liquidations_24h_long_usd=5e8)
    memory = remembered(before_it, told=("liquidations_24h_usd",))
    for total, news in ((0.7e9, False), (1.6e9, True)):
        market = market_on(ALL, liquidations_24h_usd=total, liquidations_24h_long_usd=total / 2)
        assert point_of("liq", market, memory).news is news
