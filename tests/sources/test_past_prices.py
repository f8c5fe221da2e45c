"""What venues keep of past trades and bars, on documented shapes and on rows as they were seen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bot.errors import SourceChanged, SourceError
from bot.ports import FutureKeeper, OptionKeeper
from bot.sources import available
from bot.sources._binance_past import parse_quarters
from bot.sources._deribit_past import listed_futures, parse_future_trades, parse_option_trades
from bot.sources._deribit_wire import spelling_of
from bot.sources._http import Reply
from bot.sources._wire import to_ms
from bot.sources.binance import Binance
from bot.sources.deribit import Deribit
from tests.said import english
from tests.sources.conftest import START, Ask

HOUR_MS = 3_600_000
SEEN_AT = datetime(2026, 8, 1, 2, tzinfo=UTC)
SINCE, UNTIL = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 1, 2, tzinfo=UTC)

# A leg of a block, with the keys and figures with which the venue told it on 1 August 2026.
BLOCK = {
    "trade_id": "439435597",
    "trade_seq": 212,
    "timestamp": 1785546525278,
    "tick_direction": 2,
    "instrument_name": "BTC-1AUG26-63000-C",
    "price": 0.0008,
    "amount": 12.5,
    "direction": "buy",
    "iv": 13.35,
    "mark_price": 0.00093647,
    "index_price": 62892.69,
    "block_trade_id": "BLOCK-282155",
    "block_trade_leg_count": 2,
    "combo_id": "BTC-STRD-1AUG26-63000",
    "block_rfq_id": 50510,
    "contracts": 12.5,
}


def trade(minutes: int, name: str = "BTC-28AUG26-60000-P", **more: object) -> dict[str, Any]:
    return {
        "trade_id": f"4394{minutes:05}",
        "trade_seq": minutes,
        "timestamp": to_ms(SINCE) + minutes * 60_000,
        "tick_direction": 0,
        "instrument_name": name,
        "price": 0.0215,
        "mark_price": 0.02149,
        "iv": 45.91,
        "index_price": 62_900.5,
        "direction": "sell",
        "amount": 0.3,
        "contracts": 0.3,
        **more,
    }


def reply(trades: list[dict[str, Any]], *, more: bool = False, at: datetime = SEEN_AT) -> Reply:
    body = {"jsonrpc": "2.0", "result": {"trades": trades, "has_more": more}, "usOut": to_ms(at) * 1000}
    return Reply(subject="deribit BTC option trades", body=json.dumps(body).encode(), heard_at=at)


def test_option_trades_come_as_columns_oldest_first_and_blocks_are_marked() -> None:
    told = parse_option_trades(
        reply([trade(90), BLOCK, trade(3, "BTC-25SEP26-70000-C", iv=51.2)]), "BTC", SINCE, UNTIL
    )
    assert told.at_ms.tolist() == [to_ms(SINCE) + 3 * 60_000, 1785546525278, to_ms(SINCE) + 90 * 60_000]
    assert told.expires_ms.tolist() == [
        to_ms(datetime(2026, month, day, 8, tzinfo=UTC)) for month, day in ((9, 25), (8, 1), (8, 28))
    ]
    assert told.strike_usd.tolist() == [70_000, 63_000, 60_000]
    assert told.is_call.tolist() == [True, True, False]
    assert told.iv_pct.tolist() == [51.2, 13.35, 45.91]
    assert told.index_usd.tolist() == [62_900.5, 62_892.69, 62_900.5]
    assert told.coins.tolist() == [0.3, 12.5, 0.3]
    assert told.is_plain.tolist() == [True, False, True]
    assert told.is_block.tolist() == [False, True, False]
    assert told.is_whole
    assert (told.since_ms, told.until_ms) == (to_ms(SINCE), to_ms(UNTIL))


def test_a_leg_of_a_combination_is_no_plain_trade_and_other_assets_are_left_out() -> None:
    rows = [
        trade(1, combo_id="BTC-PS-28AUG26-60000_50000", combo_trade_id=77),
        trade(2),
        trade(3, "SOL_USDC-28AUG26-150-P"),
    ]
    told = parse_option_trades(reply(rows, more=True), "BTC", SINCE, UNTIL)
    assert told.is_plain.tolist() == [False, True]
    assert not told.is_whole
    of_sol = parse_option_trades(reply(rows), "SOL", SINCE, UNTIL)
    assert of_sol.strike_usd.tolist() == [150]


def test_one_odd_row_costs_no_day_and_many_are_a_change() -> None:
    good = [trade(number) for number in range(1, 100)]
    odd = trade(100, "BTC-PERFTEST-P")
    assert len(parse_option_trades(reply([*good, odd]), "BTC", SINCE, UNTIL)) == 99
    with pytest.raises(SourceChanged) as refused:
        parse_option_trades(reply([*good[:9], odd]), "BTC", SINCE, UNTIL)
    assert "1 of 10 rows cannot be read" in english(str(refused.value))


def test_trades_of_other_times_than_asked_for_and_of_the_future_are_refused() -> None:
    with pytest.raises(SourceChanged):
        parse_option_trades(reply([trade(-1)]), "BTC", SINCE, UNTIL)
    early = SINCE + timedelta(minutes=30)
    with pytest.raises(SourceChanged):
        parse_option_trades(reply([trade(60)], at=early), "BTC", SINCE, UNTIL)
    nothing = parse_option_trades(reply([]), "BTC", SINCE, UNTIL)
    assert len(nothing) == 0


def test_a_future_is_told_by_its_trades_and_the_index_of_the_same_moment() -> None:
    row = {
        "timestamp": to_ms(SINCE),
        "price": 63_100.0,
        "index_price": 62_900.0,
        "instrument_name": "BTC-28AUG26",
    }
    told = parse_future_trades(
        reply([row, {**row, "block_trade_id": "BLOCK-1"}, {**row, "index_price": None}]), "BTC"
    )
    assert told.price_usd.tolist() == [63_100.0]
    assert told.index_usd.tolist() == [62_900.0]
    assert told.expires_ms.tolist() == [to_ms(datetime(2026, 8, 28, 8, tzinfo=UTC))]
    with pytest.raises(SourceChanged):
        parse_future_trades(reply([{**row, "instrument_name": "ETH-28AUG26"}]), "BTC")


@pytest.mark.parametrize(
    ("at", "names"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), ["BTC-30JAN26", "BTC-27FEB26", "BTC-27MAR26", "BTC-26JUN26"]),
        (datetime(2026, 1, 25, tzinfo=UTC), ["BTC-27FEB26", "BTC-27MAR26", "BTC-26JUN26"]),
        (datetime(2026, 5, 30, tzinfo=UTC), ["BTC-26JUN26", "BTC-31JUL26", "BTC-25SEP26"]),
    ],
)
def test_the_futures_of_a_time_are_the_last_fridays_a_week_and_more_away(
    at: datetime, names: list[str]
) -> None:
    assert list(listed_futures(spelling_of("BTC"), at)) == names


async def test_deribit_asks_for_each_future_of_each_day_and_one_that_never_was_costs_nothing(
    ask: Ask,
) -> None:
    asked: list[tuple[str, int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "history.deribit.com"
        params = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        name = params["instrument_name"]
        asked.append((name, int(params["start_timestamp"]), int(params["end_timestamp"])))
        if name == "BTC-27FEB26":
            return httpx.Response(400, json={"error": {"code": 13020, "message": "instrument_not_found"}})
        row = {
            "timestamp": asked[-1][1] + 5,
            "price": 90_500.0,
            "index_price": 90_000.0,
            "instrument_name": name,
        }
        return httpx.Response(
            200, json={"result": {"trades": [row], "has_more": True}, "usOut": to_ms(START) * 1000}
        )

    since = datetime(2026, 1, 2, tzinfo=UTC)
    told = await Deribit(ask(answer)).recall_futures("BTC", since, since + timedelta(days=2))
    assert len(asked) == 2 * 4
    assert {end - start for _, start, end in asked} == {24 * HOUR_MS - 1}
    assert len(told) == 2 * 3
    assert told.at_ms.tolist() == sorted(told.at_ms.tolist())

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error": {"code": 13020, "message": "instrument_not_found"}})

    with pytest.raises(SourceError):
        await Deribit(ask(refuse)).recall_futures("BTC", since, since + timedelta(days=1))


async def test_deribit_asks_for_the_newest_trades_of_a_stretch_without_its_end(ask: Ask) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append({name: values[0] for name, values in parse_qs(request.url.query.decode()).items()})
        return httpx.Response(
            200, json={"result": {"trades": [], "has_more": False}, "usOut": to_ms(START) * 1000}
        )

    since = datetime(2026, 1, 2, tzinfo=UTC)
    told = await Deribit(ask(answer)).recall_options("ETH", since, since + timedelta(hours=8))
    assert len(told) == 0
    assert asked == [
        {
            "currency": "ETH",
            "kind": "option",
            "start_timestamp": str(to_ms(since)),
            "end_timestamp": str(to_ms(since) + 8 * HOUR_MS - 1),
            "count": "3000",
            "sorting": "desc",
        }
    ]


def bar(starts_ms: int, close: str, volume: str = "206") -> list[object]:
    """As in the venue's documents: twelve cells, figures as text."""
    ends_ms = starts_ms + HOUR_MS - 1
    return [
        starts_ms,
        "9640.7",
        "9642.4",
        "9638.6",
        close,
        volume,
        ends_ms,
        "2.13660389",
        48,
        "119",
        "1.23424865",
        "0",
    ]


def bars(*rows: list[object]) -> Reply:
    return Reply(subject="binance BTC past", body=json.dumps(rows).encode(), heard_at=START)


def test_quarterlies_stand_beside_the_index_of_the_same_hour_and_silent_bars_are_left_out() -> None:
    expiry = datetime(2025, 12, 26, 8, tzinfo=UTC)
    first = to_ms(expiry - timedelta(hours=2))
    hours = [first + number * HOUR_MS for number in range(5)]
    told = parse_quarters(
        {
            "CURRENT_QUARTER": [bars(*(bar(at, f"{88_000 + number}") for number, at in enumerate(hours)))],
            "NEXT_QUARTER": [
                bars(bar(hours[0], "89000", "0"), bar(hours[1], "89100"), bar(hours[4], "89400"))
            ],
        },
        [bars(*(bar(at, "87000", "0") for at in hours[:4]))],
        "BTC",
    )
    march, june = (to_ms(datetime(2026, month, day, 8, tzinfo=UTC)) for month, day in ((3, 27), (6, 26)))
    # The hour that ends at the expiry belongs to neither; what was next is current after it.
    assert list(zip(told.at_ms.tolist(), told.expires_ms.tolist(), told.price_usd.tolist(), strict=True)) == [
        (hours[1], to_ms(expiry), 88_000.0),
        (hours[3], march, 88_002.0),
        (hours[4], march, 88_003.0),
    ]
    assert set(told.index_usd.tolist()) == {87_000.0}
    assert june not in told.expires_ms.tolist()


def test_bars_of_another_length_are_refused_and_the_one_under_way_is_left_out() -> None:
    with pytest.raises(SourceChanged):
        parse_quarters(
            {}, [bars([to_ms(START), *bar(0, "1")[1:6], to_ms(START) + 59_999, *bar(0, "1")[7:]])], "BTC"
        )
    running = to_ms(START) // HOUR_MS * HOUR_MS
    told = parse_quarters({"NEXT_QUARTER": [bars(bar(running, "9"))]}, [bars(bar(running, "8"))], "BTC")
    assert len(told) == 0


async def test_binance_asks_in_pages_of_what_one_request_may_hold(ask: Ask) -> None:
    asked: list[tuple[str, str, int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        params = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        kind = params.get("contractType", "index")
        asked.append((request.url.path, kind, int(params["startTime"]), int(params["endTime"])))
        assert params["limit"] == "1500"
        return httpx.Response(200, json=[])

    since = START - timedelta(days=100)
    told = await Binance(ask(answer)).recall_futures("BTC", since, START)
    assert len(told) == 0
    assert len(asked) == 2 * 3
    assert max(end - start for _, _, start, end in asked) < 1500 * HOUR_MS
    assert {kind for _, kind, _, _ in asked} == {"index", "CURRENT_QUARTER", "NEXT_QUARTER"}


def test_who_keeps_what_is_told_by_its_methods(ask: Ask) -> None:
    http = ask(lambda request: httpx.Response(500))
    built = {name: source(http, key="k") for name, source in available().items()}
    assert {name for name, source in built.items() if isinstance(source, FutureKeeper)} == {
        "binance",
        "deribit",
    }
    assert {name for name, source in built.items() if isinstance(source, OptionKeeper)} == {"deribit"}
