"""The page beside published commentary: the scorer's figures read, and set in one table."""

from datetime import date

import pytest

from bot.errors import InputError
from bot.lab.published import agreement_page, read_tally

PRINTED = """basis: 9/12 = 75%
skew: 7/8 = 88%
overall (reported, not aimed at): 0/3, no-call 63
unanswered: 0 of 20 []
flips: []
all: 16/20 = 80%, flips 1, answered 19
"""


def test_the_scorers_figures_are_read_by_topic_and_in_all() -> None:
    found = read_tally(PRINTED)
    assert (found.agreed, found.rows, found.flips, found.answered) == (16, 20, 1, 19)
    assert found.topics == {"basis": (9, 12), "skew": (7, 8)}
    assert found.share_pct == 80.0


@pytest.mark.parametrize(
    "text", ["", "66 answers to 67 articles, exit 2\n", "all: 0/0 = 0%, flips 0, answered 0\n"]
)
def test_a_scorer_that_did_not_come_to_its_end_is_no_figure(text: str) -> None:
    with pytest.raises(InputError, match="the scorer did not say"):
        read_tally(text)


def test_both_judges_stand_in_one_table_with_date_and_edition() -> None:
    plain = read_tally("skew: 4/8 = 50%\nall: 4/20 = 20%, flips 0, answered 8\n")
    page = agreement_page(read_tally(PRINTED), plain, "0123abcd", date(2026, 3, 1))
    assert "Made on 1 March 2026 " in page
    assert "edition `0123abcd`" in page
    assert (
        "| these rules | 80.0% (16 of 20) | 1 | 19 |\n| the plainest bands, one a metric | 20.0% (4 of 20) | 0 | 8 |"
        in page
    )
    assert "| basis | 9 of 12 | – |\n| skew | 7 of 8 | 4 of 8 |" in page
