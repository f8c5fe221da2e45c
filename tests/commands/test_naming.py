"""Which metric is meant by what a reader types, and what is offered while they type."""

import pytest
from msgspec.structs import replace

from bot.commands._naming import metric_named, suggest_metrics
from bot.desk.market import Market
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.errors import InputError
from tests.commentary.make import bank

ENGLISH, SPANISH = Profile(), Profile(locale="es")


@pytest.fixture
def market(market: Market, playbook: Playbook) -> Market:
    """The market, which knows Spanish as well."""
    market.adopt(replace(playbook, banks={**playbook.banks, "es": bank("es")}))
    return market


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("oi", "open_interest_usd"),
        ("OI", "open_interest_usd"),
        ("open interest", "open_interest_usd"),
        ("iv", "dvol"),
        ("pcr", "put_call_oi_ratio"),
        ("put/call", "put_call_oi_ratio"),
        ("rr", "skew_60d_pct"),
        ("25d", "skew_60d_pct"),
        ("25-delta", "skew_60d_pct"),
        ("risk reversal", "skew_60d_pct"),
        ("funding", "funding_annual_pct"),
        ("basis", "basis_60d_pct"),
        ("max pain", "max_pain_usd"),
        ("liqs", "liquidations_24h_usd"),
        ("price", "spot_usd"),
    ],
)
def test_a_metric_is_known_by_what_the_trade_calls_it(market, typed, name):
    assert metric_named(market, typed, ENGLISH) == name
    assert metric_named(market, typed, SPANISH) == name  # a Spanish desk says these too


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ia", None),
        ("interés abierto", "open_interest_usd"),
        ("vi", "dvol"),
        ("base", "basis_60d_pct"),
        ("sesgo", "skew_60d_pct"),
    ],
)
def test_a_spanish_desk_has_words_of_its_own(market, typed, name):
    if name is None:
        with pytest.raises(InputError):
            metric_named(market, typed, SPANISH)
    else:
        assert metric_named(market, typed, SPANISH) == name


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("oi", "open interest in dollars"),
        ("iv", "DVOL"),
        ("pcr", "put/call ratio by open interest"),
        ("rr", "60-day put-call skew"),
        ("25d", "60-day put-call skew"),
        ("rr 30", "30-day put-call skew"),
        ("open coi", "open interest in coins"),
        ("volat impl 90", "90-day implied volatility"),
        ("skew", "60-day put-call skew"),
    ],
)
def test_what_is_meant_is_offered_first(market, typed, first):
    assert suggest_metrics(market, ENGLISH, typed)[0] == first


@pytest.mark.parametrize("typed", ["", "o", "oi", "skew", "base"])
def test_only_the_readers_own_language_is_offered(market, typed):
    english = {words.title for words in market.bank(ENGLISH).metrics.values()}
    spanish = {words.title for words in market.bank(SPANISH).metrics.values()}
    assert set(suggest_metrics(market, ENGLISH, typed)) <= english
    assert set(suggest_metrics(market, SPANISH, typed)) <= spanish


def test_no_word_that_fits_nothing_is_offered_anything(market):
    assert suggest_metrics(market, ENGLISH, "zzz") == []
    assert len(suggest_metrics(market, ENGLISH, "")) == 25


def test_no_two_metrics_share_a_name(market):
    for profile in (ENGLISH, SPANISH):
        words = market.bank(profile).words
        called = [
            alias for key, known in words.items() if key.startswith("alias.") for alias in known.split("|")
        ]
        assert len(called) == len(set(called))
        assert {key.removeprefix("alias.") for key in words if key.startswith("alias.")} <= set(
            market.playbook.catalog.metrics
        )
