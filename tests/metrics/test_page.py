"""docs/metrics.md is what the catalog and the phrases make of it. Written anew by: python -m
tests.metrics.test_page"""

import math
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.catalog import VIEWS
from bot.metrics import CATALOG
from bot.metrics.page import Words, page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "metrics.md"
PHRASES = ROOT / "config" / "phrases" / "en" / "metrics.toml"


def told() -> dict[str, Any]:
    """The phrases' own table of metrics."""
    return dict(tomllib.loads(PHRASES.read_text("utf-8"))["metric"])


def words() -> dict[str, Words]:
    return {name: Words(title=row["title"], meaning=row["meaning"]) for name, row in told().items()}


def test_the_page_says_what_the_catalog_says() -> None:
    assert PAGE.read_text("utf-8") == page(CATALOG, words())


def test_a_metric_is_told_with_unit_age_range_formula_and_meaning() -> None:
    part = page(CATALOG, words()).split("### skew_30d_pct\n")[1].split("###")[0]
    assert words()["skew_30d_pct"].meaning in part
    assert "- Unit: % of ATM IV" in part
    assert "- Too old after: 30 min" in part
    assert f"- Formula: {CATALOG.metrics['skew_30d_pct'].formula}" in part


def test_every_metric_and_every_view_is_on_the_page() -> None:
    text = page(CATALOG, words())
    for name in CATALOG.metrics:
        assert f"\n### {name}\n" in text, name
    for suffix in VIEWS:
        assert f"\n| `.{suffix}` |" in text, suffix


@pytest.mark.parametrize("name", CATALOG.metrics)
def test_a_row_has_unit_age_range_formula_and_a_meaning_in_one_sentence(name: str) -> None:
    metric, phrase = CATALOG.metrics[name], told()[name]
    low, high = metric.valid
    assert metric.unit
    assert timedelta(0) < metric.max_age <= timedelta(days=8)
    assert -math.inf < low < high < math.inf
    assert metric.formula
    meaning = phrase["meaning"]
    assert meaning.endswith(".")
    assert not any(end in meaning[:-1] for end in (". ", "! ", "? "))
    assert phrase["title"]
    assert not phrase["title"].endswith(".")


def test_no_phrase_speaks_of_a_metric_that_is_not_there() -> None:
    assert set(told()) == set(CATALOG.metrics)


if __name__ == "__main__":
    PAGE.write_text(page(CATALOG, words()), "utf-8")
