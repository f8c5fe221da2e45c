"""Corporate holders, marked to market."""

from datetime import date

import pytest
from msgspec.structs import replace

from bot.domain.playbook import Holding
from tests.metrics.market import observed, spot
from tests.said import english


def holding(
    coins: float, cost: float, asset: str = "BTC", as_of: date = date(2026, 2, 1), holder: str = "x"
) -> Holding:
    return Holding(holder=holder, asset=asset, coins=coins, average_cost_usd=cost, as_of=as_of, source="s")


def test_holders_are_marked_to_spot() -> None:
    seen = observed(
        spot(71_500.0),
        holdings=[holding(1_000, 76_000), holding(10, 50_000, holder="y"), holding(5, 1, "ETH")],
    )
    assert seen.facts.value("treasury_cost_usd") == 76.5e6
    assert seen.facts.value("treasury_unrealized_usd") == pytest.approx(-4.5e6 + 0.215e6)


def test_without_holders_or_spot_there_is_no_statement() -> None:
    assert "no holder" in english(observed(spot(71_500.0)).facts.why_unknown("treasury_cost_usd"))
    assert observed(holdings=[holding(1, 1)]).facts.get("treasury_unrealized_usd") is None


def test_a_holding_is_not_known_before_it_was_published() -> None:
    assert (
        observed(spot(1.0), holdings=[holding(1, 1, as_of=date(2026, 3, 1))]).facts.get("treasury_cost_usd")
        is None
    )


def test_a_later_publication_takes_the_place_of_an_earlier_one() -> None:
    rows = [
        holding(10, 100, as_of=date(2026, 2, 5)),
        holding(8, 90),
        holding(99, 80, as_of=date(2026, 2, 20)),
    ]
    assert observed(spot(110.0), holdings=rows).facts.value("treasury_cost_usd") == 1_000.0


def test_a_statement_that_should_have_a_newer_one_is_not_reckoned_with() -> None:
    old = holding(10, 100, as_of=date(2025, 5, 1), holder="Old Inc.")
    for rows in ([old], [old, holding(8, 90)]):
        facts = observed(spot(110.0), holdings=rows).facts
        for name in ("treasury_cost_usd", "treasury_unrealized_usd"):
            assert facts.get(name) is None
            assert english(facts.why_unknown(name)) == (
                "the last known statement of Old Inc. is of 2025-05-01, too old to reckon with"
            )
    newer = [old, holding(9, 90, holder="Old Inc.")]
    assert observed(spot(110.0), holdings=newer).facts.value("treasury_cost_usd") == 810.0


@pytest.mark.parametrize(("day", "outdated"), [(date(2026, 6, 1), False), (date(2026, 6, 2), True)])
def test_a_statement_is_good_for_as_long_as_is_set(day: date, outdated: bool) -> None:
    assert holding(1, 1).is_outdated(day) is outdated
    assert not replace(holding(1, 1), good_for_days=400).is_outdated(day)
