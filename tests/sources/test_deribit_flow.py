"""Deribit's trades in options with who took, on documented shapes and on a row as the venue told it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bot.errors import SourceChanged
from bot.metrics.flow import join_trades
from bot.ports import TradeTeller
from bot.sources._wire import to_ms
from bot.sources.deribit import Deribit
from tests.said import english
from tests.sources.conftest import START, Ask
from tests.sources.test_past_prices import BLOCK, trade

SINCE, UNTIL = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 1, 2, tzinfo=UTC)
PUT = {
    **BLOCK,
    "trade_id": "439435598",
    "instrument_name": "BTC-1AUG26-63000-P",
    "price": 0.0024,
    "mark_price": 0.00264,
}


def pages(*told: list[dict[str, Any]], asked: list[dict[str, str]] | None = None):
    """A venue that tells these pages, newest first, and says that there are more until the last one."""
    left = list(told)

    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append({name: one[0] for name, one in parse_qs(request.url.query.decode()).items()})
        result = {"trades": left.pop(0), "has_more": bool(left)}
        return httpx.Response(200, json={"result": result, "usOut": to_ms(UNTIL) * 1000})

    return answer


@pytest.fixture
def hear(ask: Ask, clock):
    clock.at = UNTIL

    async def heard(
        *told: list[dict[str, Any]], asset: str = "BTC", asked: list[dict[str, str]] | None = None
    ):
        source = Deribit(ask(pages(*told, asked=asked)))
        assert isinstance(source, TradeTeller)
        return await source.hear_trades(asset, SINCE, UNTIL)

    return heard


async def test_each_trade_has_its_taker_its_premium_in_dollars_and_its_package(hear) -> None:
    told = await hear(
        [trade(90), PUT, BLOCK, trade(3, direction="buy", combo_id="BTC-PS-28AUG26", combo_trade_id=77)]
    )
    assert told.is_buy.tolist() == [True, True, True, False]
    assert told.package == ("77", "BLOCK-282155", "BLOCK-282155", "")
    assert told.is_block.tolist() == [False, True, True, False]
    assert told.is_call.tolist() == [False, True, False, False]
    # 0.0008 coins at an index of 62,892.69 are $50.31, the mark of 0.00093647 $58.90.
    assert told.premium_usd[1] == pytest.approx(50.314, abs=1e-3)
    assert told.mark_usd[1] == pytest.approx(58.897, abs=1e-3)
    assert told.is_whole


async def test_a_linear_option_is_priced_in_dollars_already(hear) -> None:
    row = trade(3, "SOL_USDC-28AUG26-150-P", price=4.2, mark_price=4.25, index_price=151.0)
    told = await hear([row, trade(4, "BTC_USDC-28AUG26-60000-P")], asset="SOL")
    assert (told.premium_usd.tolist(), told.mark_usd.tolist(), told.strike_usd.tolist()) == (
        [4.2],
        [4.25],
        [150.0],
    )


async def test_pages_are_asked_for_backwards_and_what_comes_twice_counts_once(hear) -> None:
    asked: list[dict[str, str]] = []
    told = await hear([trade(90), trade(60)], [trade(60), trade(30)], asked=asked)
    assert told.ids == ("439400030", "439400060", "439400090")
    assert told.is_whole
    assert [one["end_timestamp"] for one in asked] == [
        str(to_ms(UNTIL)),
        str(to_ms(SINCE + timedelta(hours=1))),
    ]
    assert asked[0] | {"start_timestamp": "", "end_timestamp": ""} == {
        "currency": "BTC",
        "kind": "option",
        "start_timestamp": "",
        "end_timestamp": "",
        "count": "1000",
        "sorting": "desc",
    }


async def test_pages_that_tell_nothing_new_end_it_and_it_is_no_whole(hear) -> None:
    told = await hear([trade(90)], [trade(90)], [trade(80)])
    assert (len(told), told.is_whole) == (1, False)


@pytest.mark.parametrize(
    "odd", [{"direction": "none"}, {"price": None}, {"iv": None}, {"amount": 0.0}, {"index_price": 0.0}]
)
async def test_one_odd_row_is_left_out_and_many_are_a_change(hear, odd) -> None:
    good = [trade(number) for number in range(1, 100)]
    assert len(await hear([*good, trade(100, **odd)])) == 99
    with pytest.raises(SourceChanged) as refused:
        await hear([*good[:9], trade(100, **odd)])
    assert "1 of 10 rows cannot be read" in english(str(refused.value))


async def test_a_trade_of_tomorrow_is_a_change(hear) -> None:
    with pytest.raises(SourceChanged):
        await hear([{**BLOCK, "timestamp": to_ms(START + timedelta(days=400))}])


async def test_a_later_stretch_goes_on_from_an_earlier_one(hear) -> None:
    first = await hear([trade(90), PUT, BLOCK])
    later = await hear([trade(100), trade(90)])
    both = join_trades(first, later, to_ms(SINCE) + 80 * 60_000)
    assert both.ids == ("439400090", "439400100")
    assert (both.package, len(both.coins)) == (("", ""), 2)
    assert join_trades(first, later, to_ms(SINCE)).ids[:2] == ("439435597", "439435598")
