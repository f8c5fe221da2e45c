"""A year of hours judged by all rules, with states and verdict, beside `promtool test rules` on an equivalent
rule set.

Run: python benchmarks/bench_rules.py [path of promtool]        (Debian's prometheus package has it)
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.facts import Fact, Facts
from bot.metrics import CATALOG
from bot.rules import evaluate, parse, replay
from bot.rules.plan import CompiledCondition, Job, plan

HOURS, PROM_RULES = 8760, 40
GOAL_RATIO, GOAL_MS = 50, 2.0
START = datetime(2025, 1, 1, tzinfo=UTC)
RULES = Path(__file__).resolve().parents[1] / "config" / "rules"
BOOK = parse({path.name: path.read_text("utf-8") for path in RULES.glob("*.toml")}, CATALOG)
TIMES = [START + timedelta(hours=hour) for hour in range(HOURS)]


def columns(seed: int = 1) -> dict[str, list[float | None]]:
    """A walk for each fact that a rule asks for, about its thresholds, with one hour in a hundred missing."""
    chance, found = random.Random(seed), dict[str, list[float | None]]()
    reach: dict[str, list[float]] = {fact: [] for family in BOOK.families.values() for fact in family.anchor}
    for job in plan(BOOK, START.date(), {}).jobs:
        for test in job.tests:
            reach.setdefault(test.fact, []).extend((test.entry, test.clear))
    for fact, numbers in reach.items():
        low, high = min(numbers, default=0.0) - 1, max(numbers, default=0.0) + 1
        value, step = (low + high) / 2, (high - low) / 60
        found[fact] = []
        for _ in range(HOURS):
            value = min(high, max(low, value + chance.gauss(0, step)))
            found[fact].append(None if chance.random() < 0.01 else value)
    return found


def best(run: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append(time.perf_counter() - began)
    return min(taken)


def ours(told: dict[str, list[float | None]]) -> float:
    """Rule evaluations a second of a replay."""
    seconds = best(lambda: sum(1 for _ in replay(BOOK, TIMES, told)))
    return HOURS * len(BOOK.rules) / seconds


def first_facts(told: dict[str, list[float | None]]) -> Facts:
    """The facts of the first hour."""
    first = ((name, column[0]) for name, column in told.items())
    return Facts(
        asset="BTC",
        at=START,
        known={name: Fact(name=name, value=value, at=START) for name, value in first if value is not None},
    )


def once(told: dict[str, list[float | None]]) -> float:
    """Milliseconds of one evaluation of all rules, signals and verdict included."""
    facts = first_facts(told)
    signals = evaluate(BOOK, facts, {}, START).signals
    return best(lambda: [evaluate(BOOK, facts, signals, START) for _ in range(100)]) * 10


def promtool(path: str, told: dict[str, list[float | None]]) -> float:
    """Rule evaluations a second of promtool, on the first rules that ask for facts alone."""
    jobs = [job for job in plan(BOOK, START.date(), {}).jobs if job.tests and not job.asks][:PROM_RULES]
    with tempfile.TemporaryDirectory() as folder:
        rules, tests = Path(folder) / "rules.yml", Path(folder) / "tests.yml"
        # YAML reads JSON.
        rules.write_text(
            json.dumps(
                {"groups": [{"name": "all", "interval": "1h", "rules": [_alert(job) for job in jobs]}]}
            )
        )
        facts = sorted({test.fact for job in jobs for test in job.tests})
        series = [
            {"series": _name(fact), "values": " ".join(_sample(value) for value in told[fact])}
            for fact in facts
        ]
        last = [{"eval_time": f"{HOURS - 1}h", "alertname": "none", "exp_alerts": []}]
        test = {"interval": "1h", "input_series": series, "alert_rule_test": last}
        tests.write_text(
            json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1h", "tests": [test]})
        )
        seconds = best(
            lambda: subprocess.run([path, "test", "rules", str(tests)], check=True, capture_output=True), 1
        )
    return HOURS * len(jobs) / seconds


def _alert(job: Job) -> dict[str, str]:
    """The rule in promtool's words: met, or met already and not yet past its way out; waiting and lingering
    as ours."""
    met = " and ".join(_compare(test, test.entry) for test in job.tests)
    held = " and ".join(_compare(test, test.clear) for test in job.tests)
    firing = f'ALERTS{{alertname="{job.id}", alertstate="firing"}}'
    expr = f"({met}) or (({held}) and on() {firing})"
    return {"alert": job.id, "expr": expr, "for": "1h", "keep_firing_for": "3h"}


def _compare(test: CompiledCondition, number: float) -> str:
    return f"{_name(test.fact)} {'>' if test.above else '<'} {number:f}"


def _name(fact: str) -> str:
    return fact.replace(".", ":")


def _sample(value: float | None) -> str:
    return "_" if value is None else f"{value:f}"


def main() -> None:
    """Print the rows: rules a second beside promtool's, and one evaluation of all."""
    told = columns()
    mine, spent_ms = ours(told), once(told)
    what = f"a year of hours by {len(BOOK.rules)} rules, states and verdict"
    year: dict[str, object] = {"what": what, "value": round(mine), "unit": "rules/s"}
    peer = sys.argv[1] if len(sys.argv) > 1 else shutil.which("promtool")
    if peer:
        theirs = promtool(peer, told)
        goal = {"goal": f"≥ {GOAL_RATIO} x the peer", "held": mine >= GOAL_RATIO * theirs}
        year |= {"peer": "promtool", "peer_value": round(theirs), "ratio": round(mine / theirs, 1), **goal}
    one = {"what": "one evaluation of all rules", "value": round(spent_ms, 2), "unit": "ms"}
    one |= {"goal": f"≤ {GOAL_MS:g} ms", "held": spent_ms <= GOAL_MS}
    for row in (year, one):
        print("row:" + json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
