"""Mangled replies: the kinds make what they say, and a sample of them, read by the real sources, makes no figure wrong
in silence. The table of many is in docs/reliability.md."""

import json
import random
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = 40
ROWS = {
    "data": [
        {"symbol": "BTC-27MAR26", "mark": "100.5", "oi": 40, "time": 1_770_386_400_000},
        {"symbol": "BTC-26JUN26", "mark": "101.5", "oi": 20, "time": 1_770_386_400_000},
    ]
}


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


def mangled(bench: ModuleType, kind: str, seed: int, **instead: tuple[bytes, ...]) -> Any:
    body = bench.mangle(bench.Told(body=json.dumps(ROWS).encode(), **instead), kind, random.Random(seed))
    return None if body is None else json.loads(body)


def figures(tree: Any, name: str) -> list[float]:
    return [float(row[name]) for row in tree["data"]]


def test_kinds_make_what_they_say(bench: ModuleType) -> None:
    assert len(mangled(bench, "row twice", 1)["data"]) in {3, 4}
    assert len(mangled(bench, "rows missing", 1)["data"]) < 2
    assert mangled(bench, "expired row", 1)["data"][-1]["symbol"] in {"BTC-27MAR25", "BTC-26JUN25"}
    swapped = mangled(bench, "two rows swapped", 1)["data"]
    assert [row["symbol"] for row in swapped] == ["BTC-26JUN26", "BTC-27MAR26"]
    moved = mangled(bench, "times moved", 1)
    assert figures(moved, "time") != figures(ROWS, "time")
    assert figures(moved, "mark") == figures(ROWS, "mark")
    assert mangled(bench, "other venue's reply", 1, elsewhere=(b"[1]",)) == [1]
    assert mangled(bench, "old body, new header", 1) is None


@pytest.mark.parametrize(
    ("kind", "factors"),
    [
        ("decimals shifted, one figure", {10.0, 100.0, 1000.0, 0.1, 0.01, 0.001}),
        ("doubled or halved", {2.0, 0.5}),
        ("negative", {-1.0}),
        ("zero", {0.0}),
    ],
)
def test_a_figure_goes_wrong_by_a_factor_and_no_time_does(
    bench: ModuleType, kind: str, factors: set[float]
) -> None:
    for seed in range(20):
        tree = mangled(bench, kind, seed)
        found = {
            round(now / was, 6)
            for name in ("mark", "oi")
            for was, now in zip(figures(ROWS, name), figures(tree, name), strict=True)
            if now != was
        }
        assert found
        assert found <= factors
        assert figures(tree, "time") == figures(ROWS, "time")


def test_the_same_seed_makes_the_same(bench: ModuleType) -> None:
    for kind in bench.KINDS:
        assert mangled_bytes(bench, kind, 7) == mangled_bytes(bench, kind, 7)


def mangled_bytes(bench: ModuleType, kind: str, seed: int) -> bytes | None:
    body: bytes | None = bench.mangle(
        bench.Told(body=json.dumps(ROWS).encode(), before=(b"{}",), elsewhere=(b"[1]", b"[2]")),
        kind,
        random.Random(seed),
    )
    return body


@pytest.mark.slow
def test_a_sample_crashes_nothing_and_makes_nothing_wrong_in_silence(bench: ModuleType) -> None:
    sound = bench.Sound()
    assert sound.figures.keys() >= {
        "spot_usd",
        "open_interest_coin",
        "funding_8h_pct",
        "dvol",
        "max_pain_usd",
    }
    same = {question: bench.tried(sound, question, "none", body) for question, body in sound.bodies.items()}
    assert {outcome.came for outcome in same.values()} == {"unchanged"}
    tried = [
        bench.tried(sound, question, kind, body) for question, kind, body in bench.mangled(sound, SAMPLE, 17)
    ]
    assert len(tried) == SAMPLE
    assert [outcome for outcome in tried if outcome.came.startswith("wrong")] == []
    assert sum(outcome.came == "gap" for outcome in tried) >= SAMPLE / 3
