"""A text without spans is read as a reader reads it: each number must be one that the market has."""

from pathlib import Path

import pytest

from bot import commentary, metrics
from tests.commentary.make import article, bank, book, told

OURS = (
    "Bitcoin is back at $71.5K on February 7, 2026. From a low of $60,150 that is {rise}. The 60-day skew is 20%. "
    "The futures basis fell to {basis} against a usual 5% to 10%. Open interest went from $44.3 billion to $35.8 billion. "
    "Liquidations took $1.8 billion in days, far from the $4.65 billion of the worst day. In Q4 all was well."
)


def wrong(text: str) -> list[str]:
    return commentary.factcheck(text, article(), metrics.CATALOG, bank(), book())


def test_a_true_text_has_nothing_wrong() -> None:
    assert wrong(OURS.format(rise="18.9%", basis="2%")) == []


@pytest.mark.parametrize(
    ("rise", "basis", "found"), [("17%", "2%", ["17%"]), ("18.9%", "3%", ["3%"]), ("19%", "2.4%", ["2.4%"])]
)
def test_a_wrong_number_is_named(rise: str, basis: str, found: list[str]) -> None:
    assert wrong(OURS.format(rise=rise, basis=basis)) == found


def test_a_right_number_of_another_metric_is_wrong() -> None:
    assert wrong("The basis of BTC futures is 20% a year.") == ["20%"]


def test_a_round_number_that_is_no_reading_is_wrong() -> None:
    assert wrong("Bitcoin trades at $70,000.") == ["$70,000"]


def test_our_own_story_stands_its_own_check() -> None:
    story = told(article(), "short")
    assert wrong(story.body.replace("60-day", "two-month").replace("−", "-")) == []


def test_the_article_is_refused_for_two_numbers(shared: Path) -> None:
    assert wrong((shared / "article.txt").read_text(encoding="utf-8")) == ["17%", "$70,000"]
