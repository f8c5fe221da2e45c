"""CoinGlass, on small replies of our own and on recorded ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import Gap, LiquidationTally, SeriesReading
from bot.errors import ConfigError, SourceChanged, SourceUnavailable
from bot.sources import coinglass
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.coinglass import Coinglass
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

NOW_MS = to_ms(START)
FOUR_HOURS = timedelta(hours=4)
BAR_MS = 4 * 3_600_000


def answer(*rows: object) -> bytes:
    return json.dumps({"code": "0", "msg": "success", "data": rows}).encode()


VENUES = answer(
    {"exchange": "All", "liquidation_usd": 21.0, "longLiquidation_usd": 11.25, "shortLiquidation_usd": 9.75},
    {"exchange": "Binance", "liquidation_usd": 10.0, "longLiquidation_usd": 8.0, "shortLiquidation_usd": 2.0},
)
FORCED = answer(
    {
        "time": NOW_MS - 2 * BAR_MS,
        "aggregated_long_liquidation_usd": 2_111_248.5,
        "aggregated_short_liquidation_usd": "467344.25",
    },
    {"time": NOW_MS - BAR_MS + 1, "aggregated_long_liquidation_usd": 5, "aggregated_short_liquidation_usd": 6},
)
BARS = answer(
    {"time": NOW_MS - 2 * BAR_MS, "open": 0.1, "high": 1, "low": 0.1, "close": "0.0078"},
    {"time": NOW_MS - BAR_MS + 1, "open": 0.1, "high": 1, "low": 0.1, "close": 0.5},
)


def venue(window: bytes = VENUES, forced: bytes = FORCED, seen: list[httpx.Request] | None = None):
    def reply_to(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        path = request.url.path
        body = window if path.endswith("exchange-list") else forced if "liquidation" in path else BARS
        return httpx.Response(200, content=body)

    return reply_to


def reply(body: bytes, at: datetime = START) -> Reply:
    return Reply(subject="coinglass BTC", body=body, heard_at=at)


def test_without_a_key_it_cannot_be_made(clock: StillClock):
    http = Http(now=clock.now, transport=httpx.MockTransport(venue()))
    with pytest.raises(ConfigError, match="COINGLASS_KEY"):
        Coinglass(http)


async def test_the_key_goes_in_the_header_and_a_full_count_is_complete(ask: Ask):
    seen: list[httpx.Request] = []
    heard = await Coinglass(ask(venue(seen=seen)), key="secret").poll("BTC", START)
    assert {request.headers["CG-API-KEY"] for request in seen} == {"secret"}
    assert not any("secret" in str(request.url) for request in seen)
    hour, day = [one for one in heard.readings if isinstance(one, LiquidationTally)]
    assert (hour.longs_usd, hour.shorts_usd, hour.complete) == (11.25, 9.75, True)
    assert (hour.until_at - hour.since_at, day.until_at - day.since_at) == (timedelta(hours=1), timedelta(hours=24))


def test_liquidations_by_interval_are_two_series_without_the_interval_under_way():
    longs, shorts = coinglass.parse_forced(reply(FORCED), "BTC", FOUR_HOURS)
    assert isinstance(longs, SeriesReading)
    assert isinstance(shorts, SeriesReading)
    assert (longs.metric, list(longs.value)) == ("liquidations_tally_long_usd", [2_111_248.5])
    assert (shorts.metric, list(shorts.value)) == ("liquidations_tally_short_usd", [467_344.25])
    assert list(longs.at_ms) == [NOW_MS - 2 * BAR_MS]


def test_funding_is_in_percent_already_and_told_at_its_bars_end():
    series = coinglass.parse_bars(reply(BARS), "BTC", "funding_8h_pct", FOUR_HOURS)
    assert isinstance(series, SeriesReading)
    assert (list(series.at_ms), list(series.value)) == ([NOW_MS - BAR_MS], [0.0078])


async def test_backfill_tells_liquidations_funding_and_the_markets_open_interest_each_in_its_unit(ask: Ask):
    series = await Coinglass(ask(venue()), key="k").backfill("BTC", START - timedelta(days=90), START)
    assert [one.metric for one in series] == [
        "liquidations_tally_long_usd",
        "liquidations_tally_short_usd",
        "funding_8h_pct",
        "market_open_interest_usd",
        "market_open_interest_linear_coin",
        "market_open_interest_inverse_usd",
    ]
    assert {one.interval_s for one in series} == {14_400}


def test_a_reply_without_the_sum_of_all_venues_is_a_gap():
    [gap] = coinglass.parse_window(reply(answer({"exchange": "Binance"})), "BTC", FOUR_HOURS)
    assert isinstance(gap, Gap)


@pytest.mark.parametrize(("code", "kind"), [("429", SourceUnavailable), ("401", SourceChanged)])
def test_a_refusal_with_http_200_is_no_reading(code: str, kind: type[Exception]):
    body = json.dumps({"code": code, "msg": "Upgrade plan"}).encode()
    with pytest.raises(kind, match=f"error {code} Upgrade plan"):
        coinglass.parse_forced(reply(body), "BTC", FOUR_HOURS)


def test_the_recorded_window_and_the_bars_around_the_crash_of_october_2025(shared: Path):
    folder = shared / "recordings" / "coinglass"
    at = datetime(2025, 10, 13, tzinfo=UTC)
    body = (folder / "2025-10-12" / "liquidation_exchange_list_btc.json").read_bytes()
    [tally] = coinglass.parse_window(reply(body, at), "BTC", timedelta(hours=24))
    assert isinstance(tally, LiquidationTally)
    assert (tally.longs_usd, tally.shorts_usd) == (11_246_515.38413, 9_728_039.29014)
    body = (folder / "2025-10-12" / "liquidation_aggregated_history_btc_4h.json").read_bytes()
    longs, shorts = coinglass.parse_forced(reply(body, at), "BTC", FOUR_HOURS)
    assert isinstance(longs, SeriesReading)
    assert isinstance(shorts, SeriesReading)
    assert (longs.at_ms[0], longs.value[0], shorts.value[0]) == (1_744_761_600_000, 2_111_248.66794, 467_344.45524)


def test_recorded_open_interest_is_coins_in_one_reply_and_dollars_in_the_others(shared: Path):
    folder = shared / "recordings" / "coinglass"
    at = datetime(2025, 10, 13, tzinfo=UTC)
    firsts = {}
    for metric, path in (
        ("market_open_interest_usd", "2025-10-10/open_interest_aggregated_history_btc_4h.json"),
        ("market_open_interest_linear_coin", "2025-10-10/open_interest_aggregated_stablecoin_btc_4h.json"),
        ("market_open_interest_inverse_usd", "2025-10-12/open_interest_aggregated_coin_margin_history_btc_4h.json"),
    ):
        series = coinglass.parse_bars(reply((folder / path).read_bytes(), at), "BTC", metric, FOUR_HOURS)
        assert isinstance(series, SeriesReading)
        firsts[metric] = series.value[0]
    assert firsts == {
        "market_open_interest_usd": 55_725_812_805.0,
        "market_open_interest_linear_coin": 82_960.14,
        "market_open_interest_inverse_usd": 1_915_005_300,
    }


@settings(max_examples=60, deadline=None)
@given(replies(VENUES, FORCED))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    window, forced = bodies
    transport = httpx.MockTransport(venue(window, forced))
    async with Http(now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)) as http:
        heard = await heard_or_refused(Coinglass(http, key="k").poll("BTC", START), "coinglass")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        assert known(value, said), (reading, field)
