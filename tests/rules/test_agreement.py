"""Agreement with published commentary: how many family verdicts of analysts ours share. No measure of
skill."""

import importlib.util
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType

from msgspec import Struct

from bot.domain.judgement import Verdict
from bot.metrics import CATALOG, derive
from bot.rules import evaluate
from tests.rules.make import book

CARRIED_BY = {
    "skew": ("options", "skew_"),
    "basis": ("basis", "basis_"),
    "funding": ("funding", "funding_"),
    "oi": ("leverage", "open_interest_"),
    "liquidations": ("liquidations", "liquidations_"),
}
# Written for these tests in the shape of the record: what an article said, and what its author made of it.
OURS = [
    ("2025-03-03", {"skew_30d_pct": 9.0, "basis_60d_pct": 4.2}, {"skew": "bearish", "basis": "bearish"}),
    (
        "2025-05-12",
        {"skew_30d_pct": -8.5, "funding_annual_pct": 11.0},
        {"skew": "bullish", "funding": "neutral"},
    ),
    ("2022-10-10", {"basis_60d_pct": 4.5, "skew_60d_pct": 9.0}, {"basis": "neutral", "skew": "neutral"}),
    (
        "2024-11-12",
        {"basis_60d_pct": 24.0, "funding_annual_pct": 45.0},
        {"basis": "overheated", "funding": "bullish"},
    ),
    ("2024-08-05", {"basis_90d_pct": 6.0, "basis_90d_pct.change_7d": -5.0}, {"basis": "bearish"}),
    (
        "2026-01-15",
        {"open_interest_coin.change_7d_pct": 4.0, "spot_usd.change_7d_pct": 6.0},
        {"oi": "bullish"},
    ),
    (
        "2025-11-20",
        {"liquidations_24h_long_usd": 9e8, "spot_usd.change_7d_pct": -5.0},
        {"liquidations": "bearish"},
    ),
]


class Score(Struct, frozen=True, kw_only=True):
    """Family rows that carry a fact: how many there are, are answered, agree, and say the very opposite."""

    rows: int
    answered: int
    agreed: int
    opposite: int


def judged(facts: Mapping[str, float], date: str) -> Verdict:
    at = datetime.fromisoformat(f"{date[:10]}T12:00:00+00:00")
    return evaluate(book(), derive("BTC", at, facts, {}, CATALOG), {}, at, settled=True).verdict


def score(articles: Iterable[tuple[str, Mapping[str, float], Mapping[str, str]]]) -> Score:
    rows = answered = agreed = opposite = 0
    for date, facts, verdicts in articles:
        families = judged(facts, date).families
        for topic, theirs in verdicts.items():
            family, prefix = CARRIED_BY.get(topic, ("", "-"))
            # A level of open interest alone says nothing.
            told = [name for name in facts if name.startswith(prefix) and (topic != "oi" or "change" in name)]
            if theirs and told:
                rows += 1
                ours = families.get(family)
                answered += ours is not None
                agreed += ours is not None and fold(ours) == fold(theirs)
                opposite += {ours, theirs} == {"bearish", "bullish"}
    return Score(rows=rows, answered=answered, agreed=agreed, opposite=opposite)


def fold(stance: str) -> str:
    """Overheated is a kind of bullish: analysts use both words for it."""
    return "bullish" if stance == "overheated" else stance


def published(shared: Path) -> list[tuple[str, Mapping[str, float], Mapping[str, str]]]:
    tool = scorer(shared / "tools" / "score_verdicts.py")
    lines = (shared / "benchmark" / "published_verdicts.jsonl").read_text("utf-8").splitlines()
    articles = [json.loads(line) for line in lines]
    return [(one["date"], tool.facts(one), one["verdicts"]) for one in articles if tool.facts(one)]


def scorer(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_verdicts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_seven_verdicts_in_ten_of_the_published_record_are_ours_too(shared: Path) -> None:
    found = score(published(shared))
    assert found.rows >= 40
    assert found.agreed / found.rows >= 0.72
    assert found.answered / found.rows >= 0.95
    assert found.opposite == 0


def test_plain_markets_are_read_as_an_analyst_would() -> None:
    found = score(OURS)
    assert (found.rows, found.answered, found.agreed, found.opposite) == (11, 11, 11, 0)


def test_the_score_counts_what_is_not_answered_and_what_is_opposite() -> None:
    odd = [
        ("2026-01-15", {"skew_7d_points": 9.0}, {"skew": "bearish"}),
        (
            "2026-01-15",
            {"skew_60d_pct": 9.0, "open_interest_usd": 3e10},
            {"skew": "bullish", "oi": "bullish"},
        ),
    ]
    assert score(odd) == Score(rows=2, answered=1, agreed=0, opposite=1)
