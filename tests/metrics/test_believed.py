"""What of a poll is believed: no reply, however odd, becomes a move that did not happen."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeGuard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.chain import OptionChain
from bot.domain.facts import Facts
from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Reading
from bot.domain.tellings import KnownContracts
from bot.metrics import CATALOG, History, Observed, observe
from bot.metrics.believed import _weighing_as_before, option_name
from tests.metrics.market import DAY, HOUR, NOW, chain, changed, funding, future, ms, only, snapshot, spot
from tests.said import english

POLLS = (
    NOW - timedelta(days=7, hours=1),
    NOW - timedelta(days=7),
    NOW - timedelta(days=6, hours=23),
    NOW - timedelta(hours=25),
    NOW - DAY,
    NOW - timedelta(hours=23),
    NOW - timedelta(hours=2),
    NOW - HOUR,
    NOW,
)
READ = (1, 4, 7, 8)
"""The polls that a view of the last one reads: 7 days, 24 hours and an hour before, and now."""
COINS = {"binance": 110_000.0, "bybit": 60_000.0, "deribit": 40_000.0, "okx": 30_000.0}
CHANGES = tuple(
    f"{name}.change_{label}{unit}"
    for name in ("open_interest_coin", "open_interest_usd", "option_open_interest_coin")
    for label in ("1h", "24h", "7d")
    for unit in ("", "_pct")
)
EFFECTS = tuple(
    f"open_interest_{part}_effect{days}_usd" for part in ("price", "position") for days in ("", "_7d")
)


def smile(_: float, strike: float) -> float:
    return 50.0 + abs(strike - 70_000.0) / 2_000.0


def contracts(venue: str, at: datetime) -> list[FutureQuote]:
    """A perpetual and two quarterly futures of a venue, in which nothing moves."""
    quotes = [future(None, 70_000.0, index=70_000.0, venue=venue, coin=COINS[venue], at=at)]
    for days, share in ((49, 0.1), (140, 0.03)):
        quote = future(days, 70_500.0, index=70_000.0, venue=venue, coin=COINS[venue] * share, at=at)
        expires_at = NOW + timedelta(days=days)
        named = replace(quote.instrument, symbol=f"{expires_at:%d%b%y}", expires_at=expires_at)
        quotes.append(replace(quote, instrument=named))
    return quotes


def options(at: datetime) -> OptionChain:
    made = chain(smile, days=(10, 38, 66), strikes=range(50_000, 92_000, 2_000), forward=70_000.0, at=NOW)
    return changed(made, observed_at=at, row_ms=made.row_ms - ms(NOW) + ms(at))


def market(at: datetime) -> list[Reading]:
    readings: list[Reading] = [options(at)]
    for venue in COINS:
        readings += [
            *contracts(venue, at),
            spot(70_000.0, venue=venue, at=at),
            funding(0.01, 8.0, venue=venue, at=at),
        ]
    return readings


Wrong = Callable[[list[Reading], str], list[Reading]]


def of_venue(reading: Reading, venue: str) -> TypeGuard[FutureQuote]:
    return isinstance(reading, FutureQuote) and reading.instrument.venue == venue


def without_perpetual(readings: list[Reading], venue: str) -> list[Reading]:
    return [one for one in readings if not (of_venue(one, venue) and one.instrument.kind == "perpetual")]


def without_futures(readings: list[Reading], venue: str) -> list[Reading]:
    return [one for one in readings if not (of_venue(one, venue) and one.instrument.kind == "future")]


def halved(readings: list[Reading], venue: str) -> list[Reading]:
    return [
        replace(one, open_interest_coin=(one.open_interest_coin or 0.0) / 2) if of_venue(one, venue) else one
        for one in readings
    ]


def times_thousand(readings: list[Reading], venue: str) -> list[Reading]:
    return [
        replace(one, open_interest_coin=(one.open_interest_coin or 0.0) * 1000)
        if of_venue(one, venue)
        else one
        for one in readings
    ]


def twice(readings: list[Reading], venue: str) -> list[Reading]:
    """Each contract once more, under another name."""
    again = [
        replace(one, instrument=replace(one.instrument, symbol=f"{one.instrument.symbol} again"))
        for one in readings
        if isinstance(one, FutureQuote) and one.instrument.venue == venue
    ]
    return [*readings, *again]


def foreign(readings: list[Reading], venue: str) -> list[Reading]:
    """Another list of the venue's: other contracts, each with its own count."""
    kept = [one for one in readings if not of_venue(one, venue)]
    other = Instrument(venue=venue, symbol="another", asset="BTC", kind="perpetual")
    template = next(one for one in readings if of_venue(one, venue))
    return [*kept, replace(template, instrument=other, open_interest_coin=COINS[venue] * 3)]


def fewer_options(readings: list[Reading], _: str) -> list[Reading]:
    return [
        only(one, lambda days, strike, call: strike != 70_000.0 or not call)
        if isinstance(one, OptionChain)
        else one
        for one in readings
    ]


def options_shrunk(readings: list[Reading], _: str) -> list[Reading]:
    return [
        changed(one, open_interest_coin=one.open_interest_coin / 100) if isinstance(one, OptionChain) else one
        for one in readings
    ]


WRONGS: tuple[Wrong, ...] = (
    without_perpetual,
    without_futures,
    halved,
    times_thousand,
    twice,
    foreign,
    fewer_options,
    options_shrunk,
)


def polled(wrongs: dict[int, tuple[Wrong, str]], polls: Sequence[datetime] = POLLS) -> Observed:
    history, seen = History.empty("BTC"), None
    for number, at in enumerate(polls):
        readings = market(at)
        if number in wrongs:
            wrong, venue = wrongs[number]
            readings = wrong(readings, venue)
        seen = observe(snapshot(*readings, at=at), history, CATALOG)
        history = seen.history or history
    assert seen is not None
    return seen


def moves(facts: Facts) -> dict[str, float]:
    """The changes of open interest that are told, by name."""
    return {name: fact.value for name in (*CHANGES, *EFFECTS) if (fact := facts.get(name)) is not None}


def test_a_market_in_which_nothing_moves_tells_that_of_every_change() -> None:
    found = moves(polled({}).facts)
    assert set(found) == {*CHANGES, *EFFECTS}
    assert list(found.values()) == pytest.approx([0.0] * len(found), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    wrongs=st.dictionaries(
        st.sampled_from(READ), st.tuples(st.sampled_from(WRONGS), st.sampled_from(sorted(COINS))), max_size=3
    ).filter(lambda some: len({venue for _, venue in some.values()}) <= 2)
)
def test_no_odd_list_at_any_point_that_a_view_reads_becomes_a_move(
    wrongs: dict[int, tuple[Wrong, str]],
) -> None:
    found = moves(polled(wrongs).facts)
    assert list(found.values()) == pytest.approx([0.0] * len(found), abs=1e-6), found


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_first_poll_that_was_wrong_makes_no_move_later(wrong: Wrong) -> None:
    polls = [NOW - timedelta(hours=24) + timedelta(minutes=15) * number for number in range(97)]
    history = History.empty("BTC")
    for number, at in enumerate(polls[:12] + polls[-5:]):
        readings = market(at) if number else wrong(market(at), "binance")
        seen = observe(snapshot(*readings, at=at), history, CATALOG)
        history = seen.history or history
        found = moves(seen.facts)
        assert list(found.values()) == pytest.approx([0.0] * len(found), abs=1e-6), (at, found)


def test_a_gap_names_the_contract_and_the_total_stands_on_the_others() -> None:
    seen = polled({8: (without_perpetual, "binance")})
    [gap] = seen.gaps
    assert gap.who == "binance BTC open interest"
    assert english(gap.reason) == "binance BTC open interest: perpetual is missing"
    assert seen.facts.known["open_interest_usd"].venues == ("bybit", "deribit", "okx")


def test_options_without_one_of_them_are_a_gap_that_names_it_and_their_volatility_stays() -> None:
    seen = polled({8: (fewer_options, "deribit")})
    [gap] = seen.gaps
    assert "-70000-C" in english(gap.reason)
    for name in ("option_open_interest_coin", "put_call_oi_ratio", "max_pain_usd"):
        assert name not in {point.metric for point in seen.points}
    assert seen.facts.value("skew_30d_pct") == pytest.approx(polled({}).facts.value("skew_30d_pct"), abs=0.2)


def test_a_venue_whose_sum_is_withheld_weighs_what_it_weighed() -> None:
    with_more = polled({8: (times_thousand, "okx")})
    usual = polled({})
    for name in ("funding_8h_pct", "basis_60d_pct", "perp_premium_pct"):
        assert with_more.facts.value(name) == pytest.approx(usual.facts.value(name))


def test_a_reading_of_a_withheld_sum_has_what_was_open_when_it_was_last_believed() -> None:
    coins = contracts("okx", NOW)
    names = [quote.instrument.symbol for quote in coins]
    known = {
        "okx futures": KnownContracts(
            at=NOW - HOUR, amounts={names[0]: 7.0, names[1]: 9e6}, inverse=(names[1],)
        ),
        "okx options": KnownContracts(
            at=NOW - HOUR, amounts={option_name(ms(NOW + DAY), 90_000.0, is_call=True): 3.0}
        ),
    }
    withheld = {"okx futures": "a reason", "okx options": "a reason"}

    def open_then(quote: FutureQuote, why: dict[str, str]) -> tuple[float | None, float | None]:
        weighs = _weighing_as_before(quote, why, known)
        assert isinstance(weighs, FutureQuote)
        return weighs.open_interest_coin, weighs.open_interest_usd

    assert [open_then(quote, withheld) for quote in coins] == [(7.0, None), (None, 9e6), (0.0, None)]
    assert open_then(coins[0], {}) == (coins[0].open_interest_coin, coins[0].open_interest_usd)
    assert open_then(contracts("bybit", NOW)[0], withheld) == (COINS["bybit"], None)
    board = chain(lambda *_: 50.0, days=(1.0,), strikes=(90_000, 100_000), venue="okx")
    weighs = _weighing_as_before(board, withheld, known)
    assert isinstance(weighs, OptionChain)
    assert weighs.open_interest_coin.tolist() == [3.0, 0.0, 0.0, 0.0]
    assert _weighing_as_before(board, {"okx futures": "a reason"}, known) is board
    price = spot(70_000.0, venue="okx")
    assert _weighing_as_before(price, withheld, known) is price


def test_options_are_named_as_venues_name_them() -> None:
    assert (
        option_name(ms(datetime.fromisoformat("2026-03-27T08:00Z")), 90_000.0, is_call=False)
        == "27MAR26-90000-P"
    )
    assert option_name(ms(datetime.fromisoformat("2026-06-05T08:00Z")), 0.55, is_call=True) == "5JUN26-0.55-C"
