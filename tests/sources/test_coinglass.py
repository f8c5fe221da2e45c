"""CoinGlass, on small replies of our own and on recorded ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import Gap, LiquidationTally, Reading, SeriesReading, VendorOpenInterest
from bot.errors import ConfigError, SourceChanged, SourceUnavailable
from bot.sources import coinglass
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.coinglass import Coinglass
from tests.said import english, refused
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
    {
        "time": NOW_MS - BAR_MS + 1,
        "aggregated_long_liquidation_usd": 5,
        "aggregated_short_liquidation_usd": 6,
    },
)
QUIET = answer(
    *(
        {
            "time": NOW_MS - number * BAR_MS,
            "aggregated_long_liquidation_usd": 2.0,
            "aggregated_short_liquidation_usd": 1.5,
        }
        for number in range(8, 0, -1)
    )
)
OPEN = answer(
    {"exchange": "All", "symbol": "BTC", "open_interest_usd": 70_000.5, "open_interest_quantity": 0.7},
    {"exchange": "CME", "symbol": "BTC", "open_interest_usd": 16_000.25, "open_interest_quantity": 0.16},
    {"exchange": "Binance", "symbol": "BTC", "open_interest_usd": "54000.25", "open_interest_quantity": 0.54},
)
BARS = answer(
    {"time": NOW_MS - 2 * BAR_MS, "open": 0.1, "high": 1, "low": 0.1, "close": "0.0078"},
    {"time": NOW_MS - BAR_MS + 1, "open": 0.1, "high": 1, "low": 0.1, "close": 0.5},
)


def venue(
    window: bytes = VENUES,
    forced: bytes = FORCED,
    seen: list[httpx.Request] | None = None,
    opened: bytes = OPEN,
):
    def reply_to(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        path = request.url.path
        body = window if path.endswith("exchange-list") else forced if "liquidation" in path else BARS
        body = opened if path.endswith("open-interest/exchange-list") else body
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
    heard = await Coinglass(ask(venue(forced=answer(), seen=seen)), key="secret").poll("BTC", START)
    assert {request.headers["CG-API-KEY"] for request in seen} == {"secret"}
    assert not any("secret" in str(request.url) for request in seen)
    hour, day = [one for one in heard.readings if isinstance(one, LiquidationTally)]
    assert (hour.longs_usd, hour.shorts_usd, hour.complete) == (11.25, 9.75, True)
    assert (hour.until_at - hour.since_at, day.until_at - day.since_at) == (
        timedelta(hours=1),
        timedelta(hours=24),
    )


def tally_of(longs: float, shorts: float, hours: int = 24) -> LiquidationTally:
    [counted] = coinglass.parse_window(
        reply(
            answer(
                {
                    "exchange": "All",
                    "liquidation_usd": longs + shorts,
                    "long_liquidation_usd": longs,
                    "short_liquidation_usd": shorts,
                }
            )
        ),
        "BTC",
        timedelta(hours=hours),
    )
    assert isinstance(counted, LiquidationTally)
    return counted


@pytest.mark.parametrize(
    ("longs", "shorts", "hours", "said"),
    [
        (12.0, 9.0, 24, None),
        (11.0, 8.5, 24, None),
        (9.9, 9.0, 24, "the longs of the window are 9.9 USD, its own bars of four hours make 12 to 12"),
        (12.0, 11.0, 24, "the shorts of the window are 11 USD, its own bars of four hours make 9 to 9"),
        (12.0, 90.0, 24, "the shorts of the window are 90 USD, its own bars of four hours make 9 to 9"),
        (2.1, 0.0, 1, None),
        (2.5, 0.0, 1, "the longs of the window are 2.5 USD, its own bars of four hours make 0 to 2"),
    ],
)
def test_a_window_that_its_own_bars_contradict_is_a_gap(
    longs: float, shorts: float, hours: int, said: str | None
) -> None:
    found = coinglass.against_bars(tally_of(longs, shorts, hours), reply(QUIET))
    assert (english(found.reason).partition(": ")[2] if isinstance(found, Gap) else None) == said


def test_bars_that_do_not_reach_the_windows_end_or_tell_of_nobody_bound_it_from_below_alone() -> None:
    rows = json.loads(QUIET)["data"]
    idle = {**rows[-1], "aggregated_long_liquidation_usd": 0, "aggregated_short_liquidation_usd": 0}
    for fewer in (rows[:-1], [*rows[:-1], idle]):
        bars = reply(answer(*fewer))
        assert isinstance(coinglass.against_bars(tally_of(900.0, 900.0), bars), LiquidationTally)
        assert isinstance(coinglass.against_bars(tally_of(8.0, 9.0), bars), Gap)


async def test_without_bars_the_windows_stand_by_themselves(ask: Ask) -> None:
    heard = await Coinglass(ask(venue(forced=b"{")), key="secret").poll("BTC", START)
    assert len([one for one in heard.readings if isinstance(one, LiquidationTally)]) == 2
    assert [gap.who for gap in heard.gaps] == ["coinglass BTC liquidations"]


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
        "open_interest_market_usd",
        "market_open_interest_linear_coin",
        "market_open_interest_inverse_usd",
    ]
    assert {one.interval_s for one in series} == {14_400}


def parse_open(*rows: dict[str, object]) -> list[object]:
    return list(coinglass.parse_open(reply(answer(*rows)), "BTC"))


def opened(exchange: str, usd: object, symbol: str = "BTC") -> dict[str, object]:
    return {"exchange": exchange, "symbol": symbol, "open_interest_usd": usd}


async def test_what_is_open_at_all_venues_and_at_cme_is_the_vendors_own_count(ask: Ask):
    heard = await Coinglass(ask(venue()), key="k").poll("BTC", START)
    told_open = [one for one in heard.readings if isinstance(one, VendorOpenInterest)]
    assert [(one.source, one.venue, one.open_interest_usd) for one in told_open] == [
        ("coinglass", "coinglass", 70_000.5),
        ("coinglass", "cme", 16_000.25),
    ]


def test_where_the_vendor_lists_no_cme_the_sum_stands_alone():
    [one] = parse_open(opened("All", 10), opened("Binance", 10))
    assert isinstance(one, VendorOpenInterest)
    assert one.venue == "coinglass"


def test_rows_that_do_not_make_up_the_sum_are_a_gap_and_so_is_a_list_without_one():
    [gap] = parse_open(opened("All", 100), opened("CME", 97))
    assert isinstance(gap, Gap)
    assert english(gap.reason) == "coinglass BTC: the venues make 97 USD and the sum says 100"
    [gap] = parse_open(opened("CME", 97))
    assert isinstance(gap, Gap)
    assert len(parse_open(opened("All", 100), opened("CME", 99))) == 2


@pytest.mark.parametrize(
    "rows", [[opened("All", 5, "ETH")], [opened("All", 5), opened("CME", 2), opened("CME", 3)]]
)
def test_another_assets_list_and_a_venue_that_comes_twice_are_refused(rows: list[dict[str, object]]):
    with pytest.raises(SourceChanged):
        parse_open(*rows)


def test_the_recorded_list_of_venues_of_october_2025(shared: Path):
    path = "recordings/coinglass/2025-10-12/open_interest_exchange_list_btc.json"
    market, cme = coinglass.parse_open(reply((shared / path).read_bytes()), "BTC")
    assert isinstance(market, VendorOpenInterest)
    assert isinstance(cme, VendorOpenInterest)
    assert market.open_interest_usd == 74_280_043_962.7421
    assert (cme.venue, cme.open_interest_usd) == ("cme", 16_965_234_881.8)


def test_a_reply_without_the_sum_of_all_venues_is_a_gap():
    [gap] = coinglass.parse_window(reply(answer({"exchange": "Binance"})), "BTC", FOUR_HOURS)
    assert isinstance(gap, Gap)


def window(**sides: object) -> Reading | Gap:
    [told] = coinglass.parse_window(reply(answer({"exchange": "All", **sides})), "BTC", FOUR_HOURS)
    return told


@pytest.mark.parametrize(
    "names",
    [
        ("longLiquidation_usd", "shortLiquidation_usd"),  # as recorded
        ("long_liquidation_usd", "short_liquidation_usd"),  # as documented
    ],
)
def test_both_spellings_of_the_sides_are_read(names: tuple[str, str]):
    told = window(liquidation_usd=5, **dict(zip(names, (2, 3), strict=True)))
    assert isinstance(told, LiquidationTally)
    assert (told.longs_usd, told.shorts_usd) == (2, 3)


@pytest.mark.parametrize(
    "sides",
    [
        {"liquidation_usd": 71e6, "longLiquidation_usd": 0, "shortLiquidation_usd": 0},
        {"liquidation_usd": 71e6, "longLiquidation_usd": 40e6, "shortLiquidation_usd": 30e6},
        {"liquidation_usd": 0, "longLiquidation_usd": 40e6, "shortLiquidation_usd": 30e6},
        {"liquidation_usd": 71e6, "longLiquidation_usd": 71e6},
        {"longLiquidation_usd": 40e6, "shortLiquidation_usd": 31e6},
    ],
)
def test_sides_that_do_not_add_up_to_the_total_are_a_gap(sides: dict[str, float]):
    assert isinstance(window(**sides), Gap)


def test_an_interval_in_which_nobody_was_closed_is_left_out():
    rows = [
        {
            "time": NOW_MS - bars * BAR_MS,
            "aggregated_long_liquidation_usd": usd,
            "aggregated_short_liquidation_usd": usd,
        }
        for bars, usd in ((3, 0), (2, 4))
    ]
    for side in coinglass.parse_forced(reply(answer(*rows)), "BTC", FOUR_HOURS):
        assert isinstance(side, SeriesReading)
        assert list(side.value) == [4]


@pytest.mark.parametrize(("code", "kind"), [("429", SourceUnavailable), ("401", SourceChanged)])
def test_a_refusal_with_http_200_is_no_reading(code: str, kind: type[Exception]):
    body = json.dumps({"code": code, "msg": "Upgrade plan"}).encode()
    with refused(kind, match=f"error {code} Upgrade plan"):
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
    assert (longs.at_ms[0], longs.value[0], shorts.value[0]) == (
        1_744_761_600_000,
        2_111_248.66794,
        467_344.45524,
    )


def test_recorded_open_interest_is_coins_in_one_reply_and_dollars_in_the_others(shared: Path):
    folder = shared / "recordings" / "coinglass"
    at = datetime(2025, 10, 13, tzinfo=UTC)
    firsts = {}
    for metric, path in (
        ("open_interest_market_usd", "2025-10-10/open_interest_aggregated_history_btc_4h.json"),
        ("market_open_interest_linear_coin", "2025-10-10/open_interest_aggregated_stablecoin_btc_4h.json"),
        (
            "market_open_interest_inverse_usd",
            "2025-10-12/open_interest_aggregated_coin_margin_history_btc_4h.json",
        ),
    ):
        series = coinglass.parse_bars(reply((folder / path).read_bytes(), at), "BTC", metric, FOUR_HOURS)
        assert isinstance(series, SeriesReading)
        firsts[metric] = series.value[0]
    assert firsts == {
        "open_interest_market_usd": 55_725_812_805.0,
        "market_open_interest_linear_coin": 82_960.14,
        "market_open_interest_inverse_usd": 1_915_005_300,
    }


@settings(max_examples=60, deadline=None)
@given(replies(VENUES, FORCED, OPEN))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    window, forced, opens = bodies
    transport = httpx.MockTransport(venue(window, forced, opened=opens))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Coinglass(http, key="k").poll("BTC", START), "coinglass")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        assert known(value, said), (reading, field)
