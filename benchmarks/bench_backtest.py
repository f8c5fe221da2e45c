"""The whole book over a year of hours of three assets, as `./tightrope backtest` judges an archive: facts, views, daily pasts,
rules, verdict, alerts; and whether ten times the steps take ten times as long.

Run: ./tightrope bench backtest

Counted in CPU seconds: nothing is waited for."""

import json
import random
import time
from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from bot.domain.facts import Series
from bot.lab.backtest import LEAD_IN, BacktestRun, run
from bot.metrics import CATALOG
from bot.playbook import read_playbook
from bot.rules.plan import plan

ASSETS, DAYS, GOAL_S, GOAL_RATIO = ("BTC", "ETH", "SOL"), 365, 10.0, 11.0
HOUR_MS, VENUES = 3_600_000, (None, "deribit")
UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
BOOK = read_playbook(Path(__file__).resolve().parents[1] / "config").rules


def walks(asset: str, days: int = DAYS) -> list[Series]:
    """So many days and their lead-in of every metric that the rules ask for: walks about the rules' thresholds, with one hour in a
    hundred missing."""
    chance = random.Random(asset)
    reach: dict[str, list[float]] = {}
    for job in plan(BOOK, UNTIL.date(), {}).jobs:
        for test in job.tests:
            reach.setdefault(test.fact, []).extend((test.entry, test.clear))
    names = sorted({fact.partition(".")[0] for fact in BOOK.asks} & set(CATALOG.metrics))
    since_ms = round((UNTIL - timedelta(days=days) - LEAD_IN).timestamp() * 1000)
    return [
        series
        for name in names
        for series in _walk(name, asset, reach.get(name, [80.0, 120.0]), chance, (since_ms, days))
    ]


def _walk(
    name: str, asset: str, reach: list[float], chance: random.Random, span: tuple[int, int]
) -> list[Series]:
    (since_ms, days), low, high = span, min(reach), max(reach)
    if low == high:
        low, high = low - abs(low) / 2 - 1.0, high + abs(high) / 2 + 1.0
    value, step = (low + high) / 2, (high - low) / 60
    at_ms, values = array("q"), array("d")
    for hour in range((days * 24) + round(LEAD_IN / timedelta(hours=1)) + 1):
        value = min(high, max(low, value + chance.gauss(0, step)))
        if chance.random() >= 0.01:
            at_ms.append(since_ms + hour * HOUR_MS)
            values.append(value)
    covers_s = array("l", [0] * len(values))
    return [
        Series(metric=name, asset=asset, venue=venue, at_ms=at_ms, value=values, covers_s=covers_s)
        for venue in VENUES
    ]


def judged(past: list[Series], asset: str, days: float) -> tuple[float, BacktestRun]:
    """CPU seconds for the last days of a past, and what the rules said."""
    began = time.process_time()
    found = run(BOOK, past, asset, CATALOG, UNTIL - timedelta(days=days), UNTIL, by_files=False)
    return time.process_time() - began, found


def main() -> None:
    """Measure, and print the rows."""
    pasts = {asset: walks(asset) for asset in ASSETS}
    taken = {asset: judged(past, asset, DAYS) for asset, past in pasts.items()}
    for asset, (_, found) in taken.items():
        steps = len(found.moments)
        print(f"{asset}: {steps} hours, {len(found.calls)} changes of stance, {len(found.alerts)} alerts")
    whole = sum(seconds for seconds, _ in taken.values())
    lead = LEAD_IN / timedelta(days=1)
    tenth = median(judged(pasts["BTC"], "BTC", (DAYS + lead) / 10 - lead)[0] for _ in range(3))
    longer = median([taken["BTC"][0], *(judged(pasts["BTC"], "BTC", DAYS)[0] for _ in range(2))])
    rows: list[dict[str, object]] = [
        {
            "what": f"a year of hours, {len(ASSETS)} assets, {len(BOOK.rules)} rules",
            "value": round(whole, 2),
            "unit": "s",
            "goal": f"≤ {GOAL_S:g} s",
            "held": whole <= GOAL_S,
        },
        {
            "what": "ten times the steps take",
            "value": round(longer / tenth, 2),
            "unit": "times as long",
            "goal": f"≤ {GOAL_RATIO:g} times",
            "held": longer <= GOAL_RATIO * tenth,
        },
    ]
    for row in rows:
        print("row:" + json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
