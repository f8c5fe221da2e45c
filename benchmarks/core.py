"""The core's steps by pytest-benchmark, each in a group with the peer that bounds it; those that `chain`, `history` and
`rules` measure are theirs.

`./tightrope bench core` runs them. By hand, with all that pytest-benchmark can do (runs saved and compared,
histograms): .venv/bin/python -m pytest benchmarks/core.py --benchmark-autosave --benchmark-compare"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bench_history as history

from bot.lab.questions import judge, read_market, state_facts
from bot.metrics import CATALOG
from bot.metrics.views import view_at
from bot.playbook import read_playbook

MARKET = {
    "asset": "BTC",
    "at": "2026-02-07T00:00:00Z",
    "facts": {
        "spot_usd": 71_500,
        "low_30d_usd": 60_150,
        "hours_since_low": 24,
        "skew_60d_pct": 20,
        "basis_60d_pct": 2,
        "open_interest_usd": 35.8e9,
        "open_interest_usd.before_7d": 44.3e9,
        "open_interest_coin": 527_850,
        "open_interest_coin.change_7d_pct": 0,
        "liquidations_5d_long_usd": 1.8e9,
    },
    "times": {"low_30d_usd": "2026-02-06T00:00:00Z"},
}


def step(
    benchmark: BenchmarkFixture,
    group: str,
    run: Callable[[], object],
    peer: str = "",
    most: float = 0.0,
    goal_ms: float = 0.0,
) -> object:
    """Measure one step. `peer`: this is the peer of its group, and ours may take `most` times as long; one without a peer
    may take `goal_ms` (0: no goal)."""
    benchmark.group = group
    benchmark.extra_info.update(peer=peer, most=most, goal_ms=goal_ms)
    return benchmark(run)


@pytest.fixture(scope="module")
def year() -> dict[str, Any]:
    """A year of hours of a metric, for us and as a pandas series."""
    [(name, values)] = list(history.walks().items())[:1]
    series = pd.Series(values, index=pd.DatetimeIndex(history.TIMES)).dropna()
    return {"metric": CATALOG.metrics[name], "past": history.past({name: values}), "series": series}


def test_views_of_now(benchmark: BenchmarkFixture, year: dict[str, Any]) -> None:
    at_ms = year["series"].index[-1].timestamp() * 1000.0
    found: Any = step(
        benchmark, "all views of a metric now", lambda: view_at(year["past"], year["metric"], at_ms)
    )
    assert not np.isnan(found.values["percentile_90d"][0])


def test_views_by_pandas(benchmark: BenchmarkFixture, year: dict[str, Any]) -> None:
    series, at = year["series"], year["series"].index[-1]
    step(benchmark, "all views of a metric now", lambda: history.sliced(series, at), "pandas slices", 1.0)


def test_a_market_judged_and_told(benchmark: BenchmarkFixture) -> None:
    playbook = read_playbook()
    facts = state_facts(read_market(json.dumps(MARKET), datetime(2026, 2, 7, tzinfo=UTC)), playbook)
    found: Any = step(
        benchmark, "a market judged, flips and all lengths told", lambda: judge(facts, playbook), goal_ms=10.0
    )
    assert found["verdict"]["stance"] == "bearish"
