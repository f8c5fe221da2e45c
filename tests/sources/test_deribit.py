"""Deribit's parsers, on small replies of our own and on recorded ones, with values worked out by hand."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isnan
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from bot.domain.chain import OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import (
    FundingRate,
    FutureQuote,
    Gap,
    Heard,
    SeriesReading,
    SpotQuote,
    VolatilityQuote,
)
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources import deribit
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.deribit import Deribit
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

T = TypeVar("T")
NOW_MS = to_ms(START)
HOUR_MS = 3_600_000


def rpc(result: object, **more: object) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "result": result, "usOut": NOW_MS * 1000, "testnet": False, **more}
    ).encode()


def option(name: str = "BTC-5JUN26-90000-P", **more: object) -> dict[str, Any]:
    row = {
        "instrument_name": name,
        "creation_timestamp": NOW_MS - 1000,
        "mark_iv": 41.77,
        "underlying_price": 90_500.5,
    }
    return {
        **row,
        "open_interest": 12.5,
        "volume": 0.0,
        "bid_price": None,
        "estimated_delivery_price": 90_000.0,
        **more,
    }


def future(name: str = "BTC-5JUN26", **more: object) -> dict[str, Any]:
    row = {
        "instrument_name": name,
        "creation_timestamp": NOW_MS - 1000,
        "mark_price": 91_000.5,
        "open_interest": 5_000_000,
    }
    return {**row, "estimated_delivery_price": 90_000.0, **more}


PERPETUAL = future("BTC-PERPETUAL", mark_price=90_010.0, open_interest=1_000_000_000, funding_8h=5.06e-06)
INDEX = rpc({"index_price": 90_001.5, "estimated_delivery_price": 90_001.5})
OPTIONS = rpc([option(), option("BTC-5JUN26-95000-C", mark_iv=40.0), option("BTC-26JUN26-95000-C", volume=3)])
FUTURES = rpc([future(), PERPETUAL])
BARS = rpc(
    {
        "status": "ok",
        "ticks": [NOW_MS - HOUR_MS - 1_800_000, NOW_MS - 1_800_000],
        "open": [1, 1],
        "high": [90_200, 90_100.5],
        "low": [89_900, 89_950],
        "close": [90_050, 90_000],
        "volume": [1, 1],
    }
)
DVOL = rpc(
    {
        "data": [
            [NOW_MS - HOUR_MS - 1_800_000, 40.0, 41.0, 39.0, 40.5],
            [NOW_MS - 1_800_000, 40.5, 41.0, 40.0, 40.75],
        ],
        "continuation": None,
    }
)
FUNDING = rpc(
    [
        {"timestamp": NOW_MS - 2 * HOUR_MS, "interest_8h": 0.0001, "interest_1h": 1e-5, "index_price": 1},
        {"timestamp": NOW_MS - HOUR_MS, "interest_8h": -0.00002, "interest_1h": 1e-5, "index_price": 1},
    ]
)
REPLIES = {
    "index": INDEX,
    "option": OPTIONS,
    "future": FUTURES,
    "bars": BARS,
    "dvol": DVOL,
    "funding": FUNDING,
    "future in USDC": rpc([]),
}


def venue(bodies: Mapping[str, bytes | httpx.Response | Exception], asked: list[httpx.URL] | None = None):
    """The venue: each method's reply, from `bodies`."""

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request.url)
        method = request.url.path.removeprefix("/api/v2/public/")
        found = {
            "get_index_price": "index",
            "get_book_summary_by_currency": request.url.params.get("kind"),
            "get_tradingview_chart_data": "bars",
            "get_volatility_index_data": "dvol",
            "get_funding_rate_history": "funding",
        }[method]
        in_usdc = request.url.params.get("currency") == "USDC"
        body = bodies[f"{found} in USDC" if in_usdc and found == "future" else found or ""]
        if isinstance(body, Exception):
            raise body
        return body if isinstance(body, httpx.Response) else httpx.Response(200, content=body)

    return answer


def reply(body: bytes) -> Reply:
    return Reply(subject="deribit BTC", body=body, heard_at=START)


def only(heard: Heard, kind: type[T]) -> list[T]:
    return [reading for reading in heard.readings if isinstance(reading, kind)]


def chain_of(body: bytes) -> OptionChain:
    [chain] = deribit.parse_options(reply(body), "BTC")
    assert isinstance(chain, OptionChain)
    return chain


# ── one poll ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_poll_is_six_requests_and_chain_futures_and_index_are_four_of_them(ask: Ask):
    asked: list[httpx.URL] = []
    heard = await Deribit(ask(venue(REPLIES, asked))).poll("BTC", START)
    assert len(asked) == 6
    assert heard.gaps == ()
    assert len(only(heard, OptionChain)) == 1
    assert len(only(heard, FutureQuote)) == 2


IN_USDC = rpc(
    [
        future("BTC_USDC-PERPETUAL", mark_price=90_050.0, open_interest=812.5, funding_8h=-2e-05)
        | {"estimated_delivery_price": 90_040.25},
        future("BTC_USDC-5JUN26", open_interest=31.25) | {"estimated_delivery_price": 90_040.25},
        future("BTC_USDC-16JAN26", open_interest=9_999.0),  # expired
        future("ETH_USDC-PERPETUAL", open_interest=4_000.0),
    ]
)


async def test_contracts_in_usdc_count_coins_and_stand_on_their_own_index(ask: Ask):
    heard = await Deribit(ask(venue({**REPLIES, "future in USDC": IN_USDC}))).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in only(heard, FutureQuote)}
    assert set(quotes) == {"BTC-5JUN26", "BTC-PERPETUAL", "BTC_USDC-PERPETUAL", "BTC_USDC-5JUN26"}
    linear, inverse = quotes["BTC_USDC-PERPETUAL"], quotes["BTC-PERPETUAL"]
    assert (linear.open_interest_coin, linear.open_interest_usd, linear.index_usd) == (812.5, None, 90_040.25)
    assert (inverse.open_interest_coin, inverse.open_interest_usd) == (None, 1_000_000_000)
    assert inverse.index_usd == 90_001.5
    assert (linear.instrument.inverse, linear.instrument.kind) == (False, "perpetual")
    assert quotes["BTC_USDC-5JUN26"].instrument.expires_at == datetime(2026, 6, 5, 8, tzinfo=UTC)
    rates = {one.instrument.symbol: one.rate_pct for one in only(heard, FundingRate)}
    assert rates["BTC_USDC-PERPETUAL"] == pytest.approx(-0.002)
    assert heard.gaps == ()


async def test_every_number_of_a_poll_is_the_venues_in_its_unit(ask: Ask):
    heard = await Deribit(ask(venue(REPLIES))).poll("BTC", START)
    dated, perpetual = only(heard, FutureQuote)
    assert dated.instrument == Instrument(
        venue="deribit",
        symbol="BTC-5JUN26",
        asset="BTC",
        kind="future",
        expires_at=datetime(2026, 6, 5, 8, tzinfo=UTC),
        inverse=True,
    )
    assert (dated.mark_usd, dated.index_usd) == (91_000.5, 90_001.5)
    assert (dated.open_interest_usd, dated.open_interest_coin) == (5_000_000, None)
    assert perpetual.instrument.kind == "perpetual"
    assert perpetual.instrument.expires_at is None
    [funding] = only(heard, FundingRate)
    assert funding.rate_pct == pytest.approx(0.000506)
    assert funding.interval_hours == 8
    [spot] = only(heard, SpotQuote)
    assert (spot.index_usd, spot.observed_at) == (90_001.5, START)
    [dvol] = only(heard, VolatilityQuote)
    assert (dvol.dvol, dvol.observed_at) == (40.75, START)


async def test_a_close_is_told_at_the_end_of_its_bar_and_the_bar_under_way_has_none(ask: Ask):
    heard = await Deribit(ask(venue(REPLIES))).poll("BTC", START)
    series = {one.metric: (list(one.at_ms), list(one.value)) for one in only(heard, SeriesReading)}
    first, second = NOW_MS - HOUR_MS - 1_800_000, NOW_MS - 1_800_000
    assert series == {
        "spot_high_usd": ([first, second], [90_200, 90_100.5]),
        "spot_low_usd": ([first, second], [89_900, 89_950]),
        "spot_usd": ([second], [90_050]),
        "dvol": ([second], [40.5]),
    }


@pytest.mark.parametrize("lost", ["index", "option", "future", "bars", "dvol"])
async def test_a_request_that_fails_is_a_gap_and_the_others_carry_on(ask: Ask, lost: str):
    whole = await Deribit(ask(venue(REPLIES))).poll("BTC", START)
    heard = await Deribit(ask(venue({**REPLIES, lost: httpx.ConnectError("no route")}))).poll("BTC", START)
    assert [english(gap.reason) for gap in heard.gaps] == [
        f"{heard.gaps[0].who}: no connection: it is refused"
    ]
    assert 0 < len(heard.readings) < len(whole.readings)


async def test_without_the_index_request_futures_stand_on_the_index_of_their_own_rows(ask: Ask):
    heard = await Deribit(ask(venue({**REPLIES, "index": httpx.Response(500)}))).poll("BTC", START)
    assert [quote.index_usd for quote in only(heard, FutureQuote)] == [90_000, 90_000]
    assert only(heard, SpotQuote) == []


async def test_where_the_network_is_down_the_venue_is_unavailable(ask: Ask):
    down = dict.fromkeys(REPLIES, httpx.ConnectError("no route"))
    with refused(SourceUnavailable, match="deribit BTC index: no connection"):
        await Deribit(ask(venue(down))).poll("BTC", START)


async def test_a_venue_whose_clock_is_a_minute_off_is_a_gap(ask: Ask, clock: StillClock):
    clock.pass_s(60)
    with refused(SourceUnavailable, match="its clock and ours are -60 s apart"):
        await Deribit(ask(venue(REPLIES))).poll("BTC", START)


async def test_other_assets_are_linear_their_open_interest_is_in_coins_and_they_have_no_dvol(ask: Ask):
    asked: list[httpx.URL] = []
    rows = [future("SOL_USDC-PERPETUAL", open_interest=7_000.5, funding_8h=0.0), future("XRP_USDC-PERPETUAL")]
    options = [option("SOL_USDC-5JUN26-90-P"), option("XRP_USDC-5JUN26-0d625-C")]
    bodies = {**REPLIES, "future in USDC": rpc(rows), "option": rpc(options)}
    heard = await Deribit(ask(venue(bodies, asked))).poll("SOL", START)
    assert len(asked) == 4
    assert {url.params.get("currency") for url in asked} == {"USDC", None}
    [quote] = only(heard, FutureQuote)
    assert (quote.open_interest_coin, quote.open_interest_usd, quote.instrument.inverse) == (
        7_000.5,
        None,
        False,
    )
    [chain] = only(heard, OptionChain)
    assert list(chain.strike_usd) == [90]


# ── the chain ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_names_day_need_not_have_two_digits_and_expiry_is_at_eight():
    chain = chain_of(OPTIONS)
    assert [datetime.fromtimestamp(ms / 1000, UTC) for ms in chain.expires_ms] == [
        datetime(2026, 6, 5, 8, tzinfo=UTC),
        datetime(2026, 6, 5, 8, tzinfo=UTC),
        datetime(2026, 6, 26, 8, tzinfo=UTC),
    ]
    assert list(chain.strike_usd) == [90_000, 95_000, 95_000]
    assert list(chain.is_call) == [False, True, True]


def test_mark_iv_is_in_percent_and_open_interest_in_coins_as_told():
    chain = chain_of(OPTIONS)
    assert list(chain.mark_iv_pct) == [41.77, 40.0, 41.77]
    assert list(chain.open_interest_coin) == [12.5, 12.5, 12.5]
    assert list(chain.volume_24h_coin) == [0, 0, 3]
    assert chain.observed_at == START - timedelta(seconds=1)
    assert list(chain.row_ms) == [NOW_MS - 1000] * 3


@pytest.mark.parametrize(
    ("key", "value", "column"),
    [
        ("mark_iv", None, "mark_iv_pct"),
        ("mark_iv", 0, "mark_iv_pct"),
        ("mark_iv", -3.2, "mark_iv_pct"),
        ("mark_iv", 1e6, "mark_iv_pct"),
        ("underlying_price", None, "forward_usd"),
        ("underlying_price", 0, "forward_usd"),
        ("underlying_price", 1e9, "forward_usd"),
        ("open_interest", None, "open_interest_coin"),
        ("open_interest", -1, "open_interest_coin"),
        ("volume", None, "volume_24h_coin"),
    ],
)
def test_what_is_missing_or_cannot_be_is_nan_and_the_row_stays(key: str, value: object, column: str):
    chain = chain_of(
        rpc([option(), option("BTC-5JUN26-95000-C", **{key: value}), option("BTC-5JUN26-99000-C")])
    )
    assert [isnan(one) for one in getattr(chain, column)] == [False, True, False]
    assert len(chain) == 3


@pytest.mark.parametrize(
    "rows",
    [
        [option("BTC-31FEB26-90000-P")],
        [option("BTC-5XXX26-90000-P")],
        [option("BTC-5JUN26-90000-X")],
        [option("BTC-5JUN26-0-P")],
        [option("BTC-5JUN26")],
        [option(), option()],
        [{key: value for key, value in option().items() if key != "mark_iv"}],
        [option(mark_iv="41.77")],
        [option(creation_timestamp=None)],
        [option(), option("BTC-5JUN26-95000-C", creation_timestamp=NOW_MS - 2 * 86_400_000)],
    ],
)
def test_an_unknown_shape_is_a_change_and_never_a_number(rows: list[dict[str, Any]]):
    with refused(SourceChanged, match="deribit BTC: "):
        deribit.parse_options(reply(rpc(rows)), "BTC")


def test_a_row_from_the_future_is_refused():
    with refused(SourceUnavailable, match="future"):
        deribit.parse_options(reply(rpc([option(creation_timestamp=NOW_MS + 60_000)])), "BTC")


def test_a_chain_without_rows_is_a_gap_and_not_an_empty_chain():
    assert deribit.parse_options(reply(rpc([])), "BTC") == [
        Gap(who="deribit BTC", reason="about(of='deribit BTC', why=not_in_reply(what='option'))")
    ]


def test_too_many_requests_is_worth_waiting_for_and_other_errors_are_not():
    def error(code: int) -> bytes:
        return json.dumps({"jsonrpc": "2.0", "error": {"code": code, "message": "told so"}}).encode()

    for code in (10028, 10040, 10041, 10047, 11051, 13028, 13888):
        with refused(SourceUnavailable, match=f"error {code} told so"):
            deribit.parse_options(reply(error(code)), "BTC")
    with refused(SourceChanged, match="error -32602 told so"):
        deribit.parse_options(reply(error(-32602)), "BTC")


def test_names_are_read_once():
    chain_of(OPTIONS)
    known = deribit._layout.cache_info()
    chain_of(OPTIONS)
    assert deribit._layout.cache_info() == known._replace(hits=known.hits + 1)


# ── futures, bars, DVOL, funding ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("key", "word"), [("mark_price", "mark"), ("estimated_delivery_price", "index")])
@pytest.mark.parametrize("value", [None, 0, -5])
def test_a_future_without_a_mark_or_an_index_is_a_gap(key: str, word: str, value: object):
    heard = deribit.parse_futures(reply(rpc([{**future(), key: value}, PERPETUAL])), "BTC")
    assert heard[0] == Gap(
        who="deribit BTC-5JUN26", reason=f"about(of='deribit BTC-5JUN26', why=not_in_reply(what='{word}'))"
    )
    assert isinstance(heard[1], FutureQuote)


def test_an_open_interest_that_was_not_told_is_none_and_zero_is_zero():
    heard = deribit.parse_futures(
        reply(rpc([future(open_interest=None), future("BTC-26JUN26", open_interest=0)])), "BTC"
    )
    assert [one.open_interest_usd for one in heard if isinstance(one, FutureQuote)] == [None, 0]


def test_a_future_with_an_unknown_name_is_a_gap_and_the_others_stand():
    heard = deribit.parse_futures(reply(rpc([future("BTC-SOON"), future()])), "BTC")
    assert isinstance(heard[0], Gap)
    assert isinstance(heard[1], FutureQuote)


def test_no_futures_at_all_is_a_gap():
    assert isinstance(deribit.parse_futures(reply(rpc([])), "BTC")[0], Gap)


def test_a_perpetual_without_funding_says_so():
    heard = deribit.parse_futures(reply(rpc([future("BTC-PERPETUAL")])), "BTC")
    assert heard[1] == Gap(
        who="deribit BTC-PERPETUAL funding",
        reason="about(of='deribit BTC-PERPETUAL funding', why=not_in_reply(what='rate'))",
    )


def test_a_bar_whose_prices_are_out_of_order_is_left_out():
    ticks = [NOW_MS - 3 * HOUR_MS, NOW_MS - 2 * HOUR_MS, NOW_MS - HOUR_MS]
    body = rpc(
        {"status": "ok", "ticks": ticks, "high": [2, 5, None], "low": [1, 6, 1], "close": [1.5, 5.5, 1]}
    )
    heard = deribit.parse_bars(reply(body), "BTC", timedelta(hours=1), START)
    assert [list(one.value) for one in heard if isinstance(one, SeriesReading)] == [[2], [1], [1.5]]


@pytest.mark.parametrize(
    "result",
    [
        {"status": "ok", "ticks": [1, 2], "high": [2], "low": [1, 1], "close": [1, 1]},
        {"status": "ok", "ticks": [2, 1], "high": [2, 2], "low": [1, 1], "close": [1, 1]},
        {"status": "ok", "ticks": [1, 1], "high": [2, 2], "low": [1, 1], "close": [1, 1]},
    ],
)
def test_bars_of_another_shape_are_a_change(result: dict[str, Any]):
    with pytest.raises(SourceChanged):
        deribit.parse_bars(reply(rpc(result)), "BTC", timedelta(hours=1), START)


def test_no_bars_is_a_gap_for_each_series():
    heard = deribit.parse_bars(reply(rpc({"status": "no_data"})), "BTC", timedelta(hours=1), START)
    assert [type(one) for one in heard] == [Gap, Gap, Gap]


def test_funding_history_is_in_percent_and_covers_its_own_spacing():
    [series] = deribit.parse_funding_history(reply(FUNDING), "BTC")
    assert isinstance(series, SeriesReading)
    assert (series.metric, series.interval_s) == ("funding_8h_pct", 3600)
    assert list(series.value) == [pytest.approx(0.01), pytest.approx(-0.002)]


# ── history ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_backfill_asks_in_pieces_that_the_venue_gives_whole(ask: Ask):
    asked: list[httpx.URL] = []
    await Deribit(ask(venue(REPLIES, asked))).backfill("BTC", START - timedelta(days=61), START)
    windows = [
        (int(url.params["start_timestamp"]), int(url.params["end_timestamp"]))
        for url in asked
        if "funding" in url.path
    ]
    assert len(windows) == 3
    assert windows[0][0] == to_ms(START - timedelta(days=61))
    assert windows[-1][1] == NOW_MS
    assert all(end - start <= 30 * 86_400_000 for start, end in windows)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(windows))


async def test_where_the_venue_no_longer_has_hours_backfill_takes_days(ask: Ask):
    day = to_ms(datetime(2026, 1, 20, tzinfo=UTC))
    days = rpc({"status": "ok", "ticks": [day], "high": [95_000], "low": [88_000], "close": [89_000]})

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("chart_data") and request.url.params["resolution"] == "1D":
            return httpx.Response(200, content=days)
        return venue(REPLIES)(request)

    series = await Deribit(ask(answer)).backfill("BTC", START - timedelta(days=4), START)
    lows = [(one.interval_s, list(one.value)) for one in series if one.metric == "spot_low_usd"]
    assert lows == [(86_400, [88_000]), (3_600, [89_900, 89_950])]


async def test_days_stand_in_only_for_what_is_older_than_the_hours(ask: Ask):
    """A day that is told beside its own hours would be counted twice."""
    first_hour = NOW_MS - HOUR_MS - 1_800_000
    starts = [first_hour - 86_400_000, first_hour - 1, first_hour, first_hour + HOUR_MS]
    days = {"status": "ok", "ticks": starts, "high": [95_000] * 4, "low": [88_000] * 4, "close": [89_000] * 4}
    asked: list[tuple[int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("chart_data") and request.url.params["resolution"] == "1D":
            params = request.url.params
            asked.append((int(params["start_timestamp"]), int(params["end_timestamp"])))
            return httpx.Response(200, content=rpc(days))
        return venue(REPLIES)(request)

    series = await Deribit(ask(answer)).backfill("BTC", START - timedelta(days=4), START)
    lows = {one.interval_s: list(one.at_ms) for one in series if one.metric == "spot_low_usd"}
    assert asked == [(to_ms(START - timedelta(days=4)), first_hour)]
    assert lows[86_400] == starts[:2]
    assert lows[3_600][0] == first_hour


@pytest.mark.parametrize(
    ("missing", "days"), [(timedelta(days=1), 0), (timedelta(days=1, microseconds=1000), 1)]
)
async def test_days_are_asked_for_where_more_than_one_is_missing(ask: Ask, missing: timedelta, days: int):
    first_hour = START - timedelta(hours=1, minutes=30)
    asked: list[httpx.URL] = []
    await Deribit(ask(venue(REPLIES, asked))).backfill("BTC", first_hour - missing, START)
    bars = [url.params["resolution"] for url in asked if url.path.endswith("chart_data")]
    assert bars == ["60", *["1D"] * days]


# ── recordings ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_recording_is_a_snapshot_at_the_median_time_of_its_option_rows():
    rows = [
        option(creation_timestamp=NOW_MS - 40_000),
        option("BTC-5JUN26-95000-C", creation_timestamp=NOW_MS),
    ]
    rows.append(option("BTC-26JUN26-95000-C", creation_timestamp=NOW_MS - 35_000))
    folder = {
        "book_summary_option.json": rpc(rows, usOut=0),
        "book_summary_future.json": FUTURES,
        "index_price.json": INDEX,
    }
    snapshot = deribit.read_recording(folder, "BTC")
    assert snapshot.taken_at == START - timedelta(seconds=35)
    assert [one.index_usd for one in snapshot.readings if isinstance(one, (SpotQuote, FutureQuote))] == [
        90_001.5
    ] * 3
    assert set(snapshot.asked) == {"options", "futures", "perpetuals", "funding", "index"}


def test_a_recording_without_an_index_takes_the_median_delivery_price_and_may_have_no_futures():
    rows = [option(), option("BTC-5JUN26-95000-C", estimated_delivery_price=90_004.0)]
    folder = {"book_summary_btc_option.json": rpc(rows), "book_summary_btc_future.json": rpc([])}
    snapshot = deribit.read_recording(folder, "BTC")
    assert [one.index_usd for one in snapshot.readings if isinstance(one, SpotQuote)] == [90_002]
    assert [english(gap.reason) for gap in snapshot.gaps] == ["deribit BTC futures: no future in the reply"]


@pytest.mark.parametrize("more", [{}, {"book_summary_future.json": b"<html>", "index_price.json": b"[]"}])
def test_a_recording_whose_futures_cannot_be_read_is_its_options_and_gaps(more: dict[str, bytes]):
    snapshot = deribit.read_recording({"book_summary_option.json": OPTIONS, **more}, "BTC")
    assert any(isinstance(one, OptionChain) for one in snapshot.readings)
    assert not any(isinstance(one, FutureQuote) for one in snapshot.readings)
    assert any(gap.who == "deribit BTC futures" for gap in snapshot.gaps)


def test_a_recording_that_took_minutes_keeps_the_futures_that_came_last():
    later = rpc([future(creation_timestamp=NOW_MS + 300_000)], usOut=0)
    snapshot = deribit.read_recording(
        {"book_summary_option.json": OPTIONS, "book_summary_future.json": later, "index_price.json": INDEX},
        "BTC",
    )
    assert any(isinstance(one, FutureQuote) for one in snapshot.readings)


@pytest.mark.parametrize(
    "folder", [{}, {"book_summary_option.json": rpc([]), "book_summary_future.json": rpc([])}]
)
def test_a_recording_without_options_is_refused(folder: dict[str, bytes]):
    with refused(SourceUnavailable, match="deribit BTC"):
        deribit.read_recording(folder, "BTC")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_the_recorded_chain_of_23_january(shared: Path):
    snapshot = deribit.read_recording(files(shared / "recordings" / "deribit" / "2026-01-23"), "BTC")
    [chain] = [one for one in snapshot.readings if isinstance(one, OptionChain)]
    futures = {one.instrument.symbol: one for one in snapshot.readings if isinstance(one, FutureQuote)}
    assert snapshot.gaps == ()
    assert len(chain) == 660
    assert len(futures) == 8
    assert futures["BTC-6FEB26"].mark_usd == 89_231.97
    assert futures["BTC-6FEB26"].open_interest_usd == 1_182_720
    assert futures["BTC-6FEB26"].instrument.expires_at == datetime(2026, 2, 6, 8, tzinfo=UTC)
    assert futures["BTC-PERPETUAL"].open_interest_usd == 1_088_991_790
    assert {one.index_usd for one in futures.values()} == {89_062.895}
    [funding] = [one for one in snapshot.readings if isinstance(one, FundingRate)]
    assert funding.rate_pct == pytest.approx(0.00603)
    puts = chain.open_interest_coin[~chain.is_call].sum()
    calls = chain.open_interest_coin[chain.is_call].sum()
    assert puts / calls == pytest.approx(0.7279, abs=5e-5)
    assert (puts + calls) * 89_062.895 / 1e9 == pytest.approx(29.647, abs=5e-4)


def test_every_recorded_contract_has_the_expiry_strike_and_right_that_the_venue_lists(shared: Path):
    folder = shared / "recordings" / "deribit" / "2026-01-14"
    snapshot = deribit.read_recording(files(folder), "BTC")
    [chain] = [one for one in snapshot.readings if isinstance(one, OptionChain)]
    lines = (folder / "greeks.csv").read_text().splitlines()[1:]
    cells = [line.split(",") for line in lines]
    listed = [(int(one[1]), float(one[2]), one[3] == "call", float(one[5]), float(one[6])) for one in cells]
    columns = (chain.expires_ms, chain.strike_usd, chain.is_call, chain.forward_usd, chain.mark_iv_pct)
    assert sorted(listed) == sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_the_recorded_market_of_22_may_has_few_options_and_no_index_reply(shared: Path):
    snapshot = deribit.read_recording(files(shared / "recordings" / "deribit" / "2026-05-22"), "BTC")
    [chain] = [one for one in snapshot.readings if isinstance(one, OptionChain)]
    [spot] = [one for one in snapshot.readings if isinstance(one, SpotQuote)]
    assert len(chain) == 5
    assert spot.index_usd == 76_736.07
    assert snapshot.taken_at == datetime(2026, 5, 22, 14, 33, 53, 268_000, tzinfo=UTC)


def test_the_recorded_dvol_ends_with_the_day_under_way(shared: Path):
    body = (shared / "recordings" / "deribit" / "dvol" / "volatility_index_btc_1d.json").read_bytes()
    known_at = datetime(2026, 8, 5, 6, 6, 10, 649_000, tzinfo=UTC)
    heard = deribit.parse_dvol(
        Reply(subject="deribit BTC DVOL", body=body, heard_at=known_at), "BTC", timedelta(days=1), known_at
    )
    series, quote = heard
    assert isinstance(series, SeriesReading)
    assert isinstance(quote, VolatilityQuote)
    assert (quote.dvol, quote.observed_at) == (34.43, known_at)
    assert (len(series.value), series.value[0], series.value[-1]) == (34, 40.45, 34.04)
    assert series.at_ms[0] == to_ms(datetime(2026, 7, 3, tzinfo=UTC))


# ── whatever comes ──────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(replies(INDEX, OPTIONS, FUTURES, BARS, DVOL))
async def test_a_broken_reply_ends_in_a_reading_or_a_gap_and_never_in_a_number_that_was_not_told(
    bodies: tuple[bytes, ...],
):
    broken = dict(zip(("index", "option", "future", "bars", "dvol"), bodies, strict=True))
    clock = StillClock()
    patience = Patience(attempts=1)
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=httpx.MockTransport(venue(broken)), patience=patience
    ) as http:
        heard = await heard_or_refused(Deribit(http).poll("BTC", START), "deribit BTC")
    said = numbers(*bodies)
    strikes = {90_000.0, 95_000.0}
    for reading, field, value in told(heard):
        if field == "interval_hours":
            assert value == 8
        elif field == "rate_pct":
            assert known(value / 100, said), reading
        elif field != "strike_usd":
            assert known(value, said), (reading, field)
        else:
            assert value in strikes


@settings(max_examples=25, deadline=None)
@given(replies(*[b"@"] * 2))
def test_a_recording_of_nonsense_is_refused_by_name(bodies: tuple[bytes, ...]):
    with refused(SourceError, match="deribit BTC"):
        deribit.read_recording(
            {"book_summary_option.json": bodies[0], "book_summary_future.json": bodies[1]}, "BTC"
        )


def test_columns_cannot_be_written_to():
    chain = chain_of(OPTIONS)
    for column in (chain.mark_iv_pct, chain.strike_usd, chain.row_ms):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    assert chain.mark_iv_pct.dtype == np.float64
