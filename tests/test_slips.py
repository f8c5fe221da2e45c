"""One reply of a poll that tells another unit, another asset, a halted contract or nothing at all: through the real sources it
is a gap that names venue and figure, and no figure of the market is another one for it."""

import json
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.said import english

ROOT = Path(__file__).resolve().parents[1]
Edit = Callable[[Any], Any]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """benchmarks/mangled.py."""
    spec = spec_from_file_location("mangled", ROOT / "benchmarks" / "mangled.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def sound(bench: ModuleType) -> Any:
    """A poll in which every reply is as it should be."""
    return bench.Sound()


def rows(tree: Any) -> list[dict[str, Any]]:
    """The rows of a reply, wherever its envelope has them."""
    if isinstance(tree, list):
        return [row for part in tree for row in (rows(part) if isinstance(part, list) else [part])]
    for key in ("data", "list", "result", "tickers"):
        if isinstance(tree.get(key), list | dict):
            return rows(tree[key])
    return [tree]


def times(factor: float, *fields: str, symbol: str = "") -> Edit:
    """The fields of every row (of the rows whose name begins so) by a factor."""

    def edit(tree: Any) -> None:
        for row in rows(tree):
            name = str(next((row[key] for key in ("symbol", "instId", "instrument_name") if key in row), ""))
            for field in fields:
                if row.get(field) not in (None, "") and name.startswith(symbol):
                    told = float(row[field]) * factor
                    row[field] = f"{told:.12g}" if isinstance(row[field], str) else told

    return edit


def put(field: str, value: object, symbol: str) -> Edit:
    """One field of one row."""

    def edit(tree: Any) -> None:
        for row in rows(tree):
            if symbol in (row.get("symbol"), row.get("instId"), row.get("name"), row.get("contract")):
                row[field] = value

    return edit


def without(symbol: str) -> Edit:
    """One row is left out of its list."""

    def edit(tree: Any) -> None:
        tree = tree.get("result", tree)
        for key in ("data", "tickers", "list"):
            if key in tree:
                tree[key] = [row for row in tree[key] if symbol not in (row.get("symbol"), row.get("instId"))]

    return edit


def asset_zero(field: str) -> Edit:
    """Hyperliquid's first context."""

    def edit(tree: Any) -> None:
        tree[1][0][field] = "0.0"

    return edit


def swapped_sides(tree: Any) -> None:
    """Longs for shorts, in every row."""
    for row in rows(tree):
        for one, other in (
            ("aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd"),
            ("longLiquidation_usd", "shortLiquidation_usd"),
        ):
            if one in row:
                row[one], row[other] = row[other], row[one]


def older_bars(tree: Any) -> None:
    """Every bar an hour earlier."""
    for row in rows(tree):
        row["time"] -= 3_600_000


SLIPS: dict[str, tuple[str, Edit, str]] = {
    # another unit
    "funding x80": ("fapi/v1/premiumIndex", times(80, "lastFundingRate", symbol="BTCUSDT"), "binance"),
    "funding x80, again": ("tickers?productType=USDT", times(80, "fundingRate"), "bitget"),
    "counts x1000": ("contracts/BTC_USDT", times(1000, "position_size"), "gate"),
    "counts x1000, again": ("open-interest?instType=SWAP", times(1000, "oi", "oiCcy", "oiUsd"), "okx"),
    "counts /100": ("api/v3/tickers", times(0.01, "openInterest"), "kraken"),
    "counts /100, again": ("tickers?productType=USDT", times(0.01, "holdingAmount"), "bitget"),
    "a mark 20% off": ("category=inverse", times(1.2, "markPrice"), "bybit"),
    "a mark 20% off, again": ("contracts/BTC_USDT", times(0.8, "mark_price"), "gate"),
    "forwards halved": ("opt-summary", times(0.5, "fwdPx"), "okx"),
    "forwards in thousands": ("currency=BTC&kind=option", times(0.001, "underlying_price"), "deribit"),
    "an interval of funding halved": ("fapi/v1/fundingInfo", times(0.5, "fundingIntervalHours"), "binance"),
    # nothing at all
    "a rate of nothing": ("funding-rate?instId=ANY", put("fundingRate", "0", "BTC-USDT-SWAP"), "okx"),
    "a rate of nothing, again": ("api.hyperliquid.xyz", asset_zero("funding"), "hyperliquid"),
    "a count of nothing": ("contracts/BTC_USDT", times(0, "position_size"), "gate"),
    # another market
    "sides swapped in the bars": ("liquidation/aggregated-history", swapped_sides, "coinglass"),
    "sides swapped in the window": ("exchange-list?symbol=BTC&range=24h", swapped_sides, "coinglass"),
    "bars of other hours": ("liquidation/aggregated-history", older_bars, "coinglass"),
    # a contract that is halted, or missing
    "suspended": ("api/v3/tickers", put("suspended", True, "PF_XBTUSD"), "kraken PF_XBTUSD"),
    "in delisting": ("contracts/BTC_USDT", put("in_delisting", True, "BTC_USDT"), "gate BTC_USDT"),
    "not trading": ("contracts/BTC_USDT", put("status", "halted", "BTC_USDT"), "gate BTC_USDT"),
    "suspended, again": (
        "instruments?instType=SWAP",
        put("state", "suspend", "BTC-USDT-SWAP"),
        "okx BTC-USDT-SWAP",
    ),
    "in delivery": ("instruments-info", put("status", "Settling", "BTCUSDT"), "bybit BTCUSDT"),
    "not among those that trade": ("instruments-info", without("BTCUSDT"), "bybit BTCUSDT"),
    "missing": ("tickers?productType=USDT", without("BTCUSDT"), "bitget BTC"),
    "missing, again": ("open-interest?instType=FUTURES", without("BTC-USDT-260327"), "BTC-USDT-260327"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_a_gap_that_names_it_and_no_figure(bench: ModuleType, sound: Any, slip: str) -> None:
    address, edit, named = SLIPS[slip]
    [question] = [one for one in sound.bodies if address in one[1]]
    tree = json.loads(sound.bodies[question])
    edit(tree)
    outcome = bench.tried(sound, question, slip, json.dumps(tree).encode())
    assert (outcome.came, outcome.figures) == ("gap", ())
    assert any(named in gap or _says(gap, named) for gap in outcome.gaps), outcome.gaps


def _says(gap: str, named: str) -> bool:

    who, _, why = gap.partition(": ")
    return named in f"{who}: {english(why)}"


@pytest.mark.parametrize("asset", ["dvol", "bars", "windows"])
def test_a_reply_of_the_other_asset_is_a_gap(bench: ModuleType, sound: Any, asset: str) -> None:
    address = {
        "dvol": "get_volatility_index_data",
        "bars": "get_tradingview_chart_data",
        "windows": "range=24h",
    }[asset]
    [question] = [one for one in sound.bodies if address in one[1]]
    [body] = sound.told[question].other_assets
    outcome = bench.tried(sound, question, "other asset", body)
    assert (outcome.came, outcome.figures) == ("gap", ())
