"""A figure against its own last value and what others tell."""

from datetime import timedelta
from math import log

import pytest
from msgspec.structs import replace

from bot.domain.readings import AccountRatio, Reading, VendorOpenInterest, VolatilityQuote
from bot.domain.tellings import KnownFigure
from bot.metrics import CATALOG, History, Observed, observe
from bot.metrics.drift import ToldFigure, figures_of, judge_figure, say_figure
from tests.metrics.market import HOUR, NOW, bars, chain, funding, future, snapshot, spot
from tests.said import english

VENUES = ("binance", "bybit", "okx", "deribit")


def market(index: float = 70_000.0, *, mark: float = 1.0, rate: float = 0.005) -> list[Reading]:
    readings: list[Reading] = [
        chain(lambda _, __: 50.0, forward=index, strikes=range(40_000, 110_000, 2_000)),
        VolatilityQuote(source="deribit", observed_at=NOW, venue="deribit", asset="BTC", dvol=51.0),
        AccountRatio(source="binance", observed_at=NOW, venue="binance", asset="BTC", long_short_ratio=1.5),
        bars("spot_usd", [index] * 3),
        bars("spot_low_usd", [index * 0.99] * 3),
        bars("gold_usd", [5_000.0] * 3, venue="binance"),
        VendorOpenInterest(
            source="coinglass", observed_at=NOW, venue="coinglass", asset="BTC", open_interest_usd=60e9
        ),
    ]
    for venue in VENUES:
        readings += [
            future(None, index * mark, index=index, venue=venue, coin=1_000.0),
            future(49, index * 1.004, index=index, venue=venue, coin=100.0),
            spot(index, venue=venue),
            funding(rate, 8.0, venue=venue),
        ]
    return readings


def poll(readings: list[Reading], history: History, number: int) -> Observed:
    return observe(replace(snapshot(*readings), taken_at=NOW + timedelta(minutes=number)), history, CATALOG)


def polls(*rounds: list[Reading]) -> list[Observed]:
    history, seen = History.empty("BTC"), []
    for number, readings in enumerate(rounds):
        seen.append(poll(readings, history, number))
        history = seen[-1].history or history
    return seen


def wrong(kind: str) -> list[Reading]:
    """The market with one reading that is of another market or another unit."""
    readings = market()
    places = {type(one).__name__: place for place, one in enumerate(readings)}
    if kind == "funding x 80":
        readings[places["FundingRate"]] = funding(0.4, 8.0, venue="deribit")
    elif kind == "mark 4% off":
        readings[-4] = future(None, 72_800.0, index=70_000.0, venue="deribit", coin=1_000.0)
    elif kind == "index 3% off":
        readings[-2] = spot(72_100.0, venue="deribit")
    elif kind == "dvol of another asset":
        quote = readings[1]
        assert isinstance(quote, VolatilityQuote)
        readings[1] = replace(quote, dvol=72.0)
    elif kind == "bars of another asset":
        readings[3], readings[4] = bars("spot_usd", [2_000.0] * 3), bars("spot_low_usd", [1_992.0] * 3)
    elif kind == "gold in another unit":
        readings[5] = bars("gold_usd", [50.0] * 3, venue="binance")
    elif kind == "a vendor's other coin":
        vendor = readings[6]
        assert isinstance(vendor, VendorOpenInterest)
        readings[6] = replace(vendor, open_interest_usd=25e9)
    elif kind == "long/short upside down":
        ratio = readings[2]
        assert isinstance(ratio, AccountRatio)
        readings[2] = replace(ratio, long_short_ratio=0.6)
    return readings


WRONG = {
    "funding x 80": (
        "deribit perpetual funding: 0.005 became 0.4, and no other venue moved like it",
        "funding_8h_pct",
    ),
    "mark 4% off": (
        "deribit perpetual mark: 0 became 4, and no other venue moved like it",
        "perp_premium_pct",
    ),
    "index 3% off": ("deribit BTC index: 70000 became 72100, and no other venue moved like it", "spot_usd"),
    "dvol of another asset": ("deribit BTC dvol: 51 became 72, and no other venue moved like it", "dvol"),
    "bars of another asset": (
        "deribit spot_usd history: 70000 became 2000, and no other venue moved like it",
        "low_30d_usd",
    ),
    "gold in another unit": (
        "binance gold_usd history: 5000 became 50, and no other venue moved like it",
        "gold_usd",
    ),
    "a vendor's other coin": (
        "coinglass BTC open interest: 6e+10 became 2.5e+10, and no other venue moved like it",
        "open_interest_market_usd",
    ),
    "long/short upside down": (
        "binance BTC long/short: 1.5 became 0.6, and no other venue moved like it",
        "long_short_ratio",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_jump_that_no_other_venue_shares_is_a_gap_with_both_values_and_no_figure(kind: str) -> None:
    said, metric = WRONG[kind]
    before, after = polls(market(), wrong(kind))
    assert said in [english(gap.reason) for gap in after.gaps]
    assert before.gaps == ()
    usual, now = before.facts.value(metric), after.facts.value(metric)
    assert now is None or now == pytest.approx(usual, abs=1e-3)


@pytest.mark.parametrize("kind", ["funding x 80", "dvol of another asset"])
def test_it_is_told_when_it_has_stood_for_three_polls(kind: str) -> None:
    seen = polls(market(), *[wrong(kind)] * 3)
    assert [len(one.gaps) for one in seen] == [0, 1, 1, 0]


def test_what_no_market_does_has_to_stand_for_a_day() -> None:
    known = KnownFigure(value=log(45.0), at=NOW)
    told = ToldFigure(of="a dvol", venue="a", kind="dvol", value=log(4_500.0))
    believed, at = [], NOW
    for _ in range(27):
        at += HOUR
        judged = judge_figure(known, told, [(log(44.0), log(44.0))], at)
        known = judged.known
        believed.append(judged.believed)
    assert believed.index(True) == 24


def test_a_doubt_stands_though_the_others_last_believed_polls_are_newer_than_its_own() -> None:
    known = KnownFigure(value=log(70_000.0), at=NOW)
    told = ToldFigure(of="a index", venue="a", kind="index", value=log(72_100.0))
    usual = log(70_000.0)
    first = judge_figure(known, told, [(usual, usual), (usual, usual)], NOW + HOUR)
    second = judge_figure(first.known, told, [(None, usual), (None, usual)], NOW + 2 * HOUR)
    assert [first.believed, second.believed] == [False, False]


def test_a_rate_of_nothing_at_all_is_in_doubt_where_others_pay() -> None:
    known = KnownFigure(value=0.004, at=NOW)
    told = ToldFigure(of="a funding", venue="a", kind="funding", value=0.0)
    assert not judge_figure(known, told, [(0.005, 0.005)], NOW + HOUR).believed
    assert judge_figure(known, told, [(0.005, 0.0)], NOW + HOUR).believed
    assert judge_figure(replace(known, value=0.0), told, [(0.005, 0.005)], NOW + HOUR).believed


def test_an_interval_of_funding_that_changes_at_one_venue_alone_is_in_doubt_for_three_polls() -> None:
    def told(hours: float) -> list[Reading]:
        return [*market(), funding(0.01, 8.0, venue="okx"), funding(0.01, hours, venue="gate")]

    seen = polls(told(8.0), told(4.0), told(4.0), told(4.0))
    assert [[gap.who for gap in one.gaps] for one in seen] == [
        [],
        ["gate perpetual funding interval"],
        ["gate perpetual funding interval"],
        [],
    ]
    assert "8 became 4" in english(seen[1].gaps[0].reason)


def test_what_all_venues_share_is_told_at_once() -> None:
    assert polls(market(), market(63_000.0, mark=0.95, rate=-0.3))[1].gaps == ()


def test_a_return_to_what_the_others_tell_is_told_at_once() -> None:
    assert [len(one.gaps) for one in polls(market(), wrong("funding x 80"), market())] == [0, 1, 0]


@pytest.mark.parametrize("kind", ["funding x 80", "bars of another asset"])
def test_a_first_poll_is_held_against_the_other_venues(kind: str) -> None:
    [seen] = polls(wrong(kind))
    assert any("is far from what all other venues tell" in english(gap.reason) for gap in seen.gaps)


def test_a_venue_alone_is_held_against_its_last_two_hours_only() -> None:
    known, told = KnownFigure(value=0.0, at=NOW), ToldFigure(of="a", venue="a", kind="ratio", value=1.0)
    assert not judge_figure(known, told, [], NOW + HOUR).believed
    assert judge_figure(known, told, [], NOW + 3 * HOUR).believed


def test_a_second_look_is_no_second_poll() -> None:
    told = ToldFigure(of="a", venue="a", kind="ratio", value=1.0)
    known = KnownFigure(value=0.0, at=NOW)
    for _ in range(4):
        judged = judge_figure(known, told, [], NOW + HOUR)
        known = judged.known
    assert known.polls == 1


def test_figures_are_told_in_their_own_unit() -> None:
    [mark, index] = figures_of(future(None, 84_000.0, index=70_000.0), "BTC")
    assert [say_figure(one.kind, one.value) for one in (mark, index)] == [20.0, 70_000.0]
    rate, interval = figures_of(funding(0.01, 4.0), "BTC")
    assert say_figure(rate.kind, rate.value) == 0.02
    assert say_figure(interval.kind, interval.value) == 4.0
    [volatility] = figures_of(chain(lambda _, __: 44.0), "BTC")
    assert volatility.kind == "iv"
    assert volatility.value == pytest.approx(log(44.0))
    assert figures_of(funding(0.01, 4.0), "ETH") == ()


def test_a_figure_is_named_by_whose_it_is_and_a_perpetual_has_another_kind_than_a_dated_future() -> None:
    perpetual = figures_of(future(None, 84_000.0, index=70_000.0, venue="okx"), "BTC")
    dated = figures_of(future(49, 84_000.0, index=70_000.0, venue="okx"), "BTC")
    assert [(one.of, one.venue, one.kind) for one in perpetual] == [
        ("okx perpetual mark", "okx", "premium"),
        ("okx perpetual index", "okx", "index"),
    ]
    assert [(one.venue, one.kind) for one in dated] == [("okx", "basis"), ("okx", "index")]
    assert [one.value for one in (*perpetual, *dated)] == pytest.approx([log(1.2), log(70_000.0)] * 2)
    told = {
        (one.of, one.venue, one.kind, round(say_figure(one.kind, one.value), 6))
        for reading in market()[:7]
        for one in figures_of(reading, "BTC")
    }
    assert told == {
        ("deribit BTC IV", "deribit", "iv", 50.0),
        ("deribit BTC dvol", "deribit", "dvol", 51.0),
        ("binance BTC long/short", "binance", "ratio", 1.5),
        ("deribit spot_usd history", "deribit", "bar", 70_000.0),
        ("binance gold_usd history", "binance", "level", 5_000.0),
        ("coinglass BTC open interest", "coinglass", "vendor", 60e9),
    }


def test_a_first_premium_far_from_all_others_is_in_doubt_and_a_first_basis_is_not() -> None:
    peers = [(None, 0.0), (None, 0.001)]
    far = ToldFigure(of="a mark", venue="a", kind="premium", value=0.06)
    assert not judge_figure(None, far, peers, NOW).believed
    assert judge_figure(None, replace(far, value=0.05), peers, NOW).believed
    assert judge_figure(None, replace(far, kind="basis"), peers, NOW).believed
    assert judge_figure(None, far, [], NOW).believed


def test_the_price_of_another_asset_is_held_against_its_past_like_its_bars() -> None:
    gold = spot(4_900.0, venue="binance", asset="PAXG")
    cheap = replace(gold, index_usd=2_450.0)
    past, now = polls([*market(), gold], [*market(), cheap])
    assert past.gaps == ()
    assert [gap.who for gap in now.gaps] == ["binance PAXG index"]
