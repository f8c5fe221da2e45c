"""The catalog: which metrics exist, and that each row says what it must."""

import ast
import math
from pathlib import Path

import pytest

from bot.domain.catalog import Catalog
from bot.metrics import CATALOG, discovery

NAMED = [
    "spot_usd",
    "low_30d_usd",
    "high_30d_usd",
    "drawdown_pct",
    "rebound_pct",
    "hours_since_low",
    "hours_since_high",
    "vs_gold_30d_pct",
    "vs_nasdaq_30d_pct",
    "skew_7d_pct",
    "skew_30d_pct",
    "skew_60d_pct",
    "skew_90d_pct",
    "skew_7d_points",
    "skew_30d_points",
    "skew_60d_points",
    "skew_90d_points",
    "atm_iv_7d_pct",
    "atm_iv_30d_pct",
    "atm_iv_60d_pct",
    "atm_iv_90d_pct",
    "iv_term_slope_points",
    "expected_move_7d_pct",
    "expected_low_7d_usd",
    "expected_high_7d_usd",
    "dvol",
    "put_call_oi_ratio",
    "put_call_volume_ratio",
    "max_pain_usd",
    "next_expiry_notional_usd",
    "basis_30d_pct",
    "basis_60d_pct",
    "basis_90d_pct",
    "perp_premium_pct",
    "funding_8h_pct",
    "funding_annual_pct",
    "open_interest_coin",
    "open_interest_usd",
    "open_interest_price_effect_usd",
    "open_interest_position_effect_usd",
    "open_interest_inverse_effect_usd",
    "open_interest_price_effect_7d_usd",
    "open_interest_position_effect_7d_usd",
    "open_interest_inverse_effect_7d_usd",
    "liquidations_24h_usd",
    "liquidations_24h_long_usd",
    "liquidations_24h_short_usd",
    "liquidations_1h_usd",
    "liquidations_1h_long_usd",
    "liquidations_1h_short_usd",
    "liquidations_5d_usd",
    "liquidations_5d_long_usd",
    "liquidations_5d_short_usd",
    "liquidations_max_day_1y_usd",
    "liquidations_24h_pct_of_oi",
    "liquidations_5d_pct_of_oi",
    "long_short_ratio",
    "treasury_unrealized_usd",
    "treasury_cost_usd",
]


@pytest.mark.parametrize("name", NAMED)
def test_every_metric_that_is_spoken_of_exists(name: str) -> None:
    assert name in CATALOG


def test_each_row_is_whole() -> None:
    for name, metric in CATALOG.metrics.items():
        low, high = metric.valid
        assert metric.name == name
        assert -math.inf < low < high < math.inf, name
        assert metric.max_age.total_seconds() > 0, name
        assert metric.formula, name
        assert "\n" not in metric.formula, name
        assert (metric.combine == "weighted") == (metric.weight in CATALOG.metrics), name


def test_no_amount_of_money_or_coins_can_be_below_its_floor() -> None:
    for name, metric in CATALOG.metrics.items():
        if metric.amount:
            assert metric.valid[0] >= 0.0, name


def test_a_family_that_is_not_there_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tuple(family for family in discovery.families() if not family.__name__.endswith("options"))
    monkeypatch.setattr(discovery, "families", lambda: kept)
    less: Catalog = discovery.discover()
    assert "skew_30d_pct" not in less
    assert "spot_usd" in less


def test_two_families_cannot_claim_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    families = discovery.families()
    monkeypatch.setattr(discovery, "families", lambda: (*families, families[0]))
    with pytest.raises(ValueError, match="exists already"):
        discovery.discover()


def test_no_module_leans_on_a_family_so_that_each_can_be_deleted() -> None:
    families = {family.__name__ for family in discovery.families()}
    for path in Path(discovery.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not imported & families, path.name
