"""Corporate holders, marked to market."""

from datetime import date

import pytest

from bot.domain.playbook import Holding
from tests.metrics.market import observed, spot


def holding(
    coins: float, cost: float, asset: str = "BTC", as_of: date = date(2026, 2, 1), holder: str = "x"
) -> Holding:
    return Holding(holder=holder, asset=asset, coins=coins, average_cost_usd=cost, as_of=as_of, source="s")


def test_holders_are_marked_to_spot() -> None:
    seen = observed(
        spot(71_500.0), holdings=[holding(1_000, 76_000), holding(10, 50_000, holder="y"), holding(5, 1, "ETH")]
    )
    assert seen.facts.value("treasury_cost_usd") == 76.5e6
    assert seen.facts.value("treasury_unrealized_usd") == pytest.approx(-4.5e6 + 0.215e6)


def test_without_holders_or_spot_there_is_no_statement() -> None:
    assert "no holder" in observed(spot(71_500.0)).facts.why_unknown("treasury_cost_usd")
    assert observed(holdings=[holding(1, 1)]).facts.get("treasury_unrealized_usd") is None


def test_a_holding_is_not_known_before_it_was_published() -> None:
    assert observed(spot(1.0), holdings=[holding(1, 1, as_of=date(2026, 3, 1))]).facts.get("treasury_cost_usd") is None


def test_a_later_publication_takes_the_place_of_an_earlier_one() -> None:
    rows = [holding(10, 100, as_of=date(2026, 2, 5)), holding(8, 90), holding(99, 80, as_of=date(2026, 2, 20))]
    assert observed(spot(110.0), holdings=rows).facts.value("treasury_cost_usd") == 1_000.0
