"""The benchmarks' page: each row names a peer and a limit, in the form that `./tightrope bench --page` gives
it."""

import ast
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {
    "msgspec",
    "numpy",
    "pandas",
    "pydantic",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
    "jinja2",
    "httpx",
}
"""Libraries of ours that a benchmark beside a peer might come to need."""
PAGE = ROOT / "docs" / "benchmarks.md"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """benchmarks/run.py."""
    spec = spec_from_file_location("bench_run", ROOT / "benchmarks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def cells(text: str) -> list[list[str]]:
    """The rows of a page's table."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def row(**more: Any) -> dict[str, Any]:
    return {"what": "bytes to skew", "value": 1.5, "unit": "ms", **more}


def test_a_row_stands_beside_its_peer_and_its_limit(bench: ModuleType) -> None:
    beside = {"peer": "ccxt", "peer_value": 24.0, "ratio": 16.0, "goal": "peer ≥ 10 x ours", "held": True}
    made = cells(bench.page([bench.Ran(name="chain", rows=(row(**beside),), text=())]))
    [[name, what, ours, peer, theirs, ratio, limit, goal, held]] = made
    assert (name, what, ours, peer, theirs, ratio) == (
        "`chain`",
        "bytes to skew",
        "1.5 ms",
        "ccxt",
        "24 ms",
        "16.00",
    )
    assert limit.startswith("decoding the bytes alone")
    assert (goal, held) == ("peer ≥ 10 x ours", "held")


def test_the_longest_words_that_fit_decide_the_limit(bench: ModuleType) -> None:
    found = bench.limit_of("chain", {"what": "arrays to skew"}, bench.limits())
    assert "normal distribution" in found["limit"]


def test_a_row_without_a_limit_makes_no_page(bench: ModuleType) -> None:
    with pytest.raises(LookupError, match=r"dice: luck: benchmarks/limits\.toml states no limit"):
        bench.page([bench.Ran(name="dice", rows=(row(what="luck"),), text=())])


def test_a_missed_goal_and_a_failure_are_on_the_page(bench: ModuleType) -> None:
    missed = bench.Ran(name="chain", rows=(row(goal="≤ 1 ms", held=False),), text=())
    made = bench.page([missed, bench.Ran(name="poll", rows=(), text=(), failure="no tape")])
    assert "**missed**" in made
    assert "- `poll` failed: no tape" in made


def test_a_missed_goal_stands_beside_its_reason_and_one_that_is_held_does_not(bench: ModuleType) -> None:
    [known] = [one for one in bench.limits() if one["bench"] == "poll" and one["what"] == "CPU of a poll of"]
    made = [
        cells(bench.page([bench.Ran(name="poll", rows=(told,), text=())]))[0]
        for held in (True, False)
        for told in (row(what="CPU of a poll of 2 assets", goal="≤ 60 ms", held=held),)
    ]
    assert [one[6] for one in made] == [known["limit"]] * 2
    assert [one[8] for one in made] == ["held", f"**missed**: {known['missed']}"]


def test_every_benchmark_has_a_limit_and_a_peer(bench: ModuleType) -> None:
    known = {one["bench"] for one in bench.limits() if one["limit"] and one["peer"]}
    assert known == {path.stem.removeprefix("bench_") for path in (ROOT / "benchmarks").glob("bench_*.py")}


def test_the_page_takes_its_name_and_leaves_the_others(bench: ModuleType) -> None:
    assert bench.arguments(["chain", "--page", "docs/benchmarks.md"]) == (
        Path("docs/benchmarks.md"),
        ["chain"],
    )
    with pytest.raises(SystemExit, match="--page wants a file"):
        bench.arguments(["--page"])


def test_the_committed_page_names_a_peer_and_a_limit_in_every_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = cells(text)
    assert rows
    assert [line for line in rows if len(line) != 9 or not all(line[:7])] == []
    assert re.search(r"This run: \d+ cores", text)


SMALL_FANOUT = """
import asyncio, sys
sys.path[:0] = ["benchmarks", "."]
import bench_fanout
ran, waits = asyncio.run(bench_fanout.ours(20, asked=True, rounds=1, readers=5))
print(ran.posted, ran.refused, len(waits))
"""


def test_the_fanout_posts_everything_and_readers_are_answered_meanwhile() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SMALL_FANOUT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    told = [line for line in done.stdout.splitlines() if re.fullmatch(r"\d+ \d+ \d+", line)]
    assert told == ["20 0 5"], done.stderr[-2000:]


def test_a_claim_is_measured_by_one_benchmark() -> None:
    measured: dict[str, set[str]] = {}
    for name, what, *_ in cells(PAGE.read_text("utf-8")):
        measured.setdefault(what, set()).add(name)
    assert measured
    assert {what: names for what, names in measured.items() if len(names) > 1} == {}


def test_the_peers_of_the_chain_have_what_our_own_modules_beside_them_need() -> None:
    """Their environment is made of what the benchmark lists: a library more in ours, and their rows would be left out."""
    asked = "import sys, bot.domain.chain, bot.metrics.smile; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    needed = {name.partition(".")[0] for name in done.stdout.split()} & OURS
    assert needed <= listed(ROOT / "benchmarks" / "bench_chain.py", "PACKAGES")


def listed(path: Path, name: str) -> set[str]:
    """A tuple of words that a module holds."""
    [found] = [
        node.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name
    ]
    return set(ast.literal_eval(found))
