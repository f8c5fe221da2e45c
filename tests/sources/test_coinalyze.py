"""Coinalyze, on small replies in the documented shape."""

import json

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import Gap, LiquidationTally
from bot.errors import ConfigError, SourceChanged
from bot.sources import coinalyze
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.coinalyze import Coinalyze
from tests.said import refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

HOUR_S = 3_600
NOW_S = to_ms(START) // 1000
FIRST_S = NOW_S - 3 * HOUR_S


def market(symbol: str, *hours: dict[str, object]) -> dict[str, object]:
    return {"symbol": symbol, "history": list(hours)}


GOOD = json.dumps(
    [
        market("BTCUSDT_PERP.A", {"t": FIRST_S, "l": 100.5, "s": 20}, {"t": NOW_S - 60, "l": 9, "s": 9}),
        market("BTCUSD_PERP.A", {"t": FIRST_S, "l": 3.25, "s": 0}, {"t": FIRST_S + HOUR_S, "l": 7}),
        market("BTCUSDT_PERP.6", {"t": FIRST_S, "l": 1_000_000, "s": 1}),
    ]
).encode()


def reply(body: bytes) -> Reply:
    return Reply(subject="coinalyze BTC", body=body, heard_at=START)


def test_without_a_key_it_cannot_be_made(clock: StillClock):
    http = Http(now=clock.now, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    with pytest.raises(ConfigError, match="COINALYZE_KEY"):
        Coinalyze(http)


async def test_the_key_goes_in_the_header_and_each_symbol_is_a_call_of_the_budget(ask: Ask):
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=GOOD)

    http = ask(answer)
    await Coinalyze(http, key="secret").poll("BTC", START)
    assert seen[0].headers["api_key"] == "secret"
    assert seen[0].url.params["symbols"] == "BTCUSDT_PERP.A,BTCUSD_PERP.A"
    assert (http.usage()[0].used, http.usage()[0].limit) == (2, 40)


def test_an_hour_is_the_sum_of_binances_perpetuals_a_lower_bound_counted_as_binances():
    first, second = coinalyze.parse_liquidations(reply(GOOD), "BTC")
    assert isinstance(first, LiquidationTally)
    assert isinstance(second, LiquidationTally)
    assert (first.venue, first.source, first.complete) == ("binance", "coinalyze", False)
    assert (first.longs_usd, first.shorts_usd) == (103.75, 20)
    assert (second.longs_usd, second.shorts_usd) == (7, None)
    assert to_ms(first.since_at) == FIRST_S * 1000
    assert (first.until_at - first.since_at).total_seconds() == HOUR_S


def test_no_hour_is_a_gap_and_hours_out_of_order_are_a_change():
    assert isinstance(coinalyze.parse_liquidations(reply(b"[]"), "BTC")[0], Gap)
    twice = [market("BTCUSDT_PERP.A", {"t": FIRST_S, "l": 1}, {"t": FIRST_S, "l": 1})]
    with refused(SourceChanged, match="out of order"):
        coinalyze.parse_liquidations(reply(json.dumps(twice).encode()), "BTC")


@settings(max_examples=60, deadline=None)
@given(replies(GOOD))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=bodies[0]))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Coinalyze(http, key="k").poll("BTC", START), "coinalyze")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        assert known(value, said) or any(known(value - one, said) for one in said), (reading, field)
