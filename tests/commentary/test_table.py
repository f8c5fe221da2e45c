"""The table under a post: whose rank stands in it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.domain.facts import Facts, OwnPast
from bot.domain.story import Memory
from tests.commentary.make import CALM, bank, facts, judged, told

BASIS = {
    "basis_60d_pct": 6.0,
    "basis_60d_pct.before_24h": 6.1,
    "basis_90d_pct": 5.8,
    "basis_90d_pct.before_24h": 5.9,
}


def market(sixty: int, ninety: int) -> Facts:
    """A calm market whose bases have pasts of so many days."""
    marks = (4.0, 5.6, 6.2, 7.0, 8.0)
    pasts = {
        name: OwnPast(fact=name, quantiles=marks, days=days)
        for name, days in (("basis_60d_pct", sixty), ("basis_90d_pct", ninety))
        if days
    }
    return replace(facts({**CALM, **BASIS}), pasts=pasts)


def rows(known: Facts, locale: str = "en") -> dict[str, list[str]]:
    """The table of a day on which nothing moved: name, and now, a day ago, rank, usual."""
    first = told(known, words=bank(locale))
    memory = commentary.remember(Memory(), first, judged(known), known)
    story = told(replace(known, at=known.at + timedelta(days=1)), memory=memory, words=bank(locale))
    assert not story.plain, story.failures
    return {label: cells for label, *cells in (row.text.split("\t") for row in story.table)}


@pytest.mark.parametrize(
    ("locale", "own", "other"), [("en", "60d basis", "90d basis"), ("es", "base 60d", "base 90d")]
)
def test_under_a_basis_without_a_rank_stands_the_90_day_one_with_its_own(
    locale: str, own: str, other: str
) -> None:
    found = rows(market(40, 365), locale)
    assert list(found)[list(found).index(own) + 1] == other
    assert found[own][2] == "–"
    assert found[other][2] == "30"
    assert len(found) <= 6


@pytest.mark.parametrize(
    ("sixty", "ninety", "rank"), [(365, 365, "40"), (365, 40, "40"), (40, 40, "–"), (0, 0, "–")]
)
def test_it_keeps_away_where_the_rank_is_known_or_neither_is(sixty: int, ninety: int, rank: str) -> None:
    found = rows(market(sixty, ninety))
    assert "90d basis" not in found
    assert found["60d basis"][2] == rank
