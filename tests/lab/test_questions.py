"""What a market comes to in words: an asset without a published usual range is told beside its own past."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import pytest
from msgspec.structs import replace

from bot.domain.facts import OwnPast
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.lab.questions import settle
from bot.metrics import derive
from bot.playbook import read_playbook

AT = datetime(2026, 5, 18, tzinfo=UTC)
YEAR = {
    "skew_30d_pct": (8.0, 10.0, 12.0, 15.0, 18.0),
    "basis_60d_pct": (1.0, 2.0, 2.5, 4.0, 5.0),
    "funding_annual_pct": (-8.0, -2.0, 3.0, 8.0, 14.0),
}
FEAR = {"skew_30d_pct": 19.0, "basis_60d_pct": 2.4, "spot_usd": 150.0, "funding_annual_pct": 4.0}


@cache
def playbook() -> Playbook:
    return read_playbook()


def told(
    asset: str, locale: str, year: Mapping[str, tuple[float, float, float, float, float]], days: int = 200
) -> str:
    """All that is said of a market beside its own past, at every length."""
    pasts = {fact: OwnPast(fact=fact, quantiles=marks, days=days) for fact, marks in year.items()}
    market = replace(derive(asset, AT, FEAR, {}, playbook().catalog), pasts=pasts)
    return "\n".join(story.body for story in settle(market, playbook(), Profile(locale=locale))[1].values())


@pytest.mark.parametrize(("locale", "usual"), [("en", "10-15%"), ("es", "10-15\N{NO-BREAK SPACE}%")])
def test_solana_is_told_beside_what_is_usual_for_itself(locale: str, usual: str) -> None:
    said = told("SOL", locale, YEAR)
    assert usual in said
    assert "±6" not in said


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_is_usual_for_solana_is_not_told_before_a_month_of_it_is_known(locale: str) -> None:
    said = told("SOL", locale, YEAR, days=20)
    assert "19" in said
    assert "10-15" not in said
    assert "±6" not in said


def test_bitcoin_is_told_beside_the_published_range() -> None:
    assert "±6%" in told("BTC", "en", YEAR)
