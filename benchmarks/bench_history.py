"""All views of 40 metrics over a year of hours, as a replay asks for them, beside pandas slices at each step.

Run: ./tightrope bench history

A step is one hour of all 40 metrics. The peer takes the same figures the way most backtests do, a slice of
the past at each hour; it is asked for some of the hours, and its answers must be ours. Both are counted in
CPU seconds: neither waits for anything."""

import json
import math
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from bot.domain.catalog import Metric
from bot.domain.facts import Point
from bot.metrics import CATALOG, History
from bot.metrics.views import Views, replay_views

METRICS, HOURS, GOAL = 40, 365 * 24, 20_000
PEER_STEPS, PEER_METRICS, PEER_GOAL = 40, 2, 50.0
START = datetime(2025, 1, 1, tzinfo=UTC)
TIMES = [START + timedelta(hours=hour) for hour in range(HOURS)]
WINDOW, YEAR = timedelta(days=90), timedelta(days=365)
ASKED = ("percentile_90d", "zscore_90d", "change_24h", "change_7d", "lowest_since", "highest_since")


def walks() -> dict[str, np.ndarray]:
    """A walk for each metric, with one hour in a hundred missing."""
    chance = np.random.default_rng(1)
    found = {}
    for name in list(CATALOG.metrics)[:METRICS]:
        steps = 100.0 + chance.normal(0, 0.3, HOURS).cumsum()
        steps[chance.random(HOURS) < 0.01] = np.nan
        found[name] = steps
    return found


def past(told: dict[str, np.ndarray]) -> History:
    """The points as the archive would tell them: instants of the aggregate and of one venue."""
    points = [
        Point(metric=name, asset="BTC", at=at, value=float(value), venue=venue)
        for name, values in told.items()
        for at, value in zip(TIMES, values, strict=True)
        if not math.isnan(value)
        for venue in (None, "deribit")
    ]
    return History.empty("BTC").extend(points)


def ours(history: History, metrics: list[Metric]) -> tuple[float, dict[str, Views]]:
    """CPU seconds for all hours of all metrics, the shortest of some runs, and what they found."""
    taken, found = [], dict[str, Views]()
    for _ in range(7):
        began = time.process_time()
        for metric in metrics:
            seen = replay_views(history, metric)
            if seen is not None:
                found[metric.name] = seen
        taken.append(time.process_time() - began)
    return min(taken), found


def sliced(series: pd.Series, at: datetime) -> dict[str, float]:
    """The views at one hour, from slices of the past."""
    now, known = series[at], series[:at]
    window = known[at - WINDOW + timedelta(hours=1) :]
    told = {
        "percentile_90d": (window.rank().iloc[-1] - 0.5) / len(window) * 100.0,
        "zscore_90d": (now - window.mean()) / window.std(ddof=0),
        "times_median_90d": now / window.median(),
    }
    for label, back in (("1h", timedelta(hours=1)), ("24h", timedelta(days=1)), ("7d", timedelta(days=7))):
        then = told[f"before_{label}"] = known.asof(at - back)
        told[f"change_{label}"] = now - then
        told[f"change_{label}_pct"] = (now / then - 1.0) * 100.0
    before = known[at - YEAR : at - timedelta(hours=1)]
    for name, hits in (("lowest_since", before[before <= now]), ("highest_since", before[before >= now])):
        since = hits.index[-1] if len(hits) else before.index[0]
        told[name] = (at - since) / timedelta(days=1)
    return told


def peer(told: dict[str, np.ndarray], found: dict[str, Views]) -> float:
    """CPU seconds for one step of all metrics. Raises ValueError where its answers are not ours."""
    chance = np.random.default_rng(2)
    taken = 0.0
    for name in list(told)[:PEER_METRICS]:
        series = pd.Series(told[name], index=pd.DatetimeIndex(TIMES)).dropna()
        for at in chance.choice(series.index[100 * 24 :], PEER_STEPS, replace=False):
            began = time.process_time()
            theirs = sliced(series, at)
            taken += time.process_time() - began
            row = int(np.searchsorted(found[name].known_ms, at.timestamp() * 1000.0))
            for suffix in ASKED:
                mine = float(found[name].values[suffix][row])
                if not math.isnan(mine) and not math.isclose(
                    mine, theirs[suffix], rel_tol=1e-6, abs_tol=1e-6
                ):
                    raise ValueError(f"{name}.{suffix} at {at}: {mine} here, {theirs[suffix]} by slices")
    return taken / PEER_STEPS / PEER_METRICS * METRICS


def main() -> None:
    """Measure, and print the rows."""
    told = walks()
    history, metrics = past(told), [CATALOG.metrics[name] for name in told]
    seconds, found = ours(history, metrics)
    theirs = peer(told, found)
    steps, slow = HOURS / seconds, 1.0 / theirs
    known = {
        suffix: sum(int((~np.isnan(one.values[suffix])).sum()) for one in found.values()) for suffix in ASKED
    }
    print(
        f"{METRICS} metrics x {HOURS} hours; known: "
        + ", ".join(f"{name} {count}" for name, count in known.items())
    )
    for goal, held, peer_name in (
        (f"≥ {GOAL:,} steps/s", steps >= GOAL, ""),
        (f"≥ {PEER_GOAL:g} x the peer", steps >= PEER_GOAL * slow, f"pandas {pd.__version__} slices"),
    ):
        row = {"what": "views of 40 metrics, a year of hours", "value": round(steps), "unit": "steps/s"}
        beside = (
            {"peer": peer_name, "peer_value": round(slow, 1), "ratio": round(steps / slow, 1)}
            if peer_name
            else {}
        )
        print("row:" + json.dumps({**row, **beside, "goal": goal, "held": held}))


if __name__ == "__main__":
    main()
