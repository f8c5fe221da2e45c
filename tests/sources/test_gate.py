"""Gate, on small replies of our own, and on figures that the venue told others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import FundingRate, FutureQuote, Heard, LiquidationTally
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources import gate
from bot.sources._http import Http, Patience, Reply
from bot.sources.gate import Gate
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

HOUR = datetime(2026, 1, 23, 12, tzinfo=UTC)


def contract(**more: object) -> dict[str, Any]:
    row = {
        "name": "BTC_USDT",
        "type": "direct",
        "quanto_multiplier": "0.0001",
        "mark_price": "89100.5",
        "index_price": "89000.25",
        "position_size": 250_000_000,
        "funding_rate": "0.0001",
        "funding_interval": 28_800,
        "funding_next_apply": HOUR.timestamp() + 4 * 3600,
        "in_delisting": False,
        "status": "trading",
    }
    return {**row, **more}


def order(
    size: int, at_s: float = HOUR.timestamp() + 60, price: str = "88000", **more: object
) -> dict[str, Any]:
    row = {"time": at_s, "contract": "BTC_USDT", "size": size, "order_size": -size, "order_price": price}
    return {**row, "fill_price": price, "left": 0, **more}


CONTRACT = json.dumps(contract()).encode()
ORDERS = json.dumps([order(600), order(-40), order(100)]).encode()


def reply(body: object, at: datetime = START) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(subject="gate BTC contract", body=content, heard_at=at)


def parse(**more: object) -> list[Any]:
    return list(gate.parse_contract(reply(contract(**more)), "BTC"))


def tally(rows: object) -> LiquidationTally:
    [found] = gate.parse_liquidations(reply(rows), reply(CONTRACT), "BTC", HOUR, START)
    assert isinstance(found, LiquidationTally)
    return found


def handler(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=ORDERS if request.url.path.endswith("liq_orders") else CONTRACT)


def test_open_interest_is_contracts_of_longs_times_the_coins_of_one():
    quote, funding = parse()
    assert quote.open_interest_coin == pytest.approx(25_000)
    assert quote.open_interest_usd is None
    assert (quote.mark_usd, quote.index_usd) == (89_100.5, 89_000.25)
    assert (quote.instrument.symbol, quote.instrument.kind, quote.instrument.inverse) == (
        "BTC_USDT",
        "perpetual",
        False,
    )
    assert funding.rate_pct == pytest.approx(0.01)


def test_sizes_as_text_are_the_same_sizes():
    assert parse(position_size="250000000.5")[0].open_interest_coin == pytest.approx(25_000.00005)


@pytest.mark.parametrize(("seconds", "hours"), [(28_800, 8), (14_400, 4), (3_600, 1)])
def test_the_funding_interval_is_told_in_seconds(seconds: int, hours: float):
    assert parse(funding_interval=seconds)[1].interval_hours == hours


def test_what_the_venue_told_in_september_2026():
    """Figures of a row that others recorded on 25 September 2026."""
    at = datetime(2026, 9, 25, 21, 30, tzinfo=UTC)
    row = contract(
        quanto_multiplier="0.0001",
        mark_price="83760.7",
        index_price="83802.16",
        position_size=289_031_937,
        funding_rate="-0.000002",
        funding_interval=28_800,
        funding_next_apply=1_790_380_800,
    )
    quote, funding = gate.parse_contract(reply(row, at), "BTC")
    assert isinstance(quote, FutureQuote)
    assert quote.open_interest_coin == pytest.approx(28_903.1937)
    assert quote.mark_usd / quote.index_usd - 1 == pytest.approx(-0.000495, abs=1e-6)
    assert isinstance(funding, FundingRate)
    assert funding.rate_pct == pytest.approx(-0.0002)
    assert funding.interval_hours == 8


def test_a_row_whose_next_payment_is_due_is_old():
    parse(funding_next_apply=START.timestamp() - 60)
    with refused(SourceUnavailable, match="its next payment was due at 2026-01-23T08:00"):
        parse(funding_next_apply=HOUR.timestamp() - 4 * 3600)


@pytest.mark.parametrize(
    ("more", "said"),
    [({"in_delisting": True}, "is being delisted"), ({"status": "prelaunch"}, "is 'prelaunch'")],
)
def test_a_contract_that_does_not_trade_is_a_gap(more: dict[str, object], said: str):
    [gap] = parse(**more)
    assert english(gap.reason) == f"gate BTC_USDT: {said}"


@pytest.mark.parametrize(
    "more", [{"name": "ETH_USDT"}, {"type": "inverse"}, {"quanto_multiplier": "0"}, {"quanto_multiplier": ""}]
)
def test_a_row_of_something_else_and_a_contract_without_a_size_are_refused(more: dict[str, object]):
    with pytest.raises(SourceChanged):
        parse(**more)


def test_a_count_that_is_not_told_is_no_open_interest_and_zero_is_none_open():
    assert parse(position_size=None)[0].open_interest_coin is None
    assert parse(position_size=0)[0].open_interest_coin == 0


def test_liquidations_are_the_closed_contracts_in_dollars_by_the_side_of_the_position():
    found = tally([order(600), order(-40), order(100)])
    assert found.longs_usd == pytest.approx(700 * 0.0001 * 88_000)
    assert found.shorts_usd == pytest.approx(40 * 0.0001 * 88_000)
    assert (found.since_at, found.until_at, found.complete) == (HOUR, START, False)


def test_no_liquidation_is_a_tally_of_nothing():
    assert (tally([]).longs_usd, tally([]).shorts_usd) == (0.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        order(600, order_size=600),
        order(0),
        order(600, fill_price=""),
        order(600, contract="ETH_USDT"),
        order(600, at_s=HOUR.timestamp() - 10),
        order(600, at_s=START.timestamp() + 10),
    ],
)
def test_a_forced_order_without_a_side_a_price_or_of_another_window_is_refused(wrong: dict[str, Any]):
    with pytest.raises(SourceChanged):
        tally([order(600), wrong])


async def test_a_poll_brings_the_contract_and_the_tally_of_the_hour_so_far(ask: Ask):
    asked: list[httpx.URL] = []

    def record(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return handler(request)

    heard = await Gate(ask(record)).poll("BTC", START)
    assert heard.gaps == ()
    assert [type(one) for one in heard.readings] == [FutureQuote, FundingRate, LiquidationTally]
    liquidations = next(dict(url.params) for url in asked if url.path.endswith("liq_orders"))
    since, until = int(HOUR.timestamp()), int(START.timestamp()) - 1
    assert liquidations == {"contract": "BTC_USDT", "from": str(since), "to": str(until), "limit": "1000"}


@pytest.mark.parametrize(
    ("minutes", "windows"), [(0, [(-60, 0)]), (5, [(-60, 0), (0, 5)]), (15, [(0, 15)]), (59, [(0, 59)])]
)
async def test_in_the_first_minutes_of_an_hour_the_one_before_is_asked_for_in_full(
    ask: Ask, clock: StillClock, minutes: int, windows: list[tuple[int, int]]
):
    clock.at = at = HOUR + timedelta(minutes=minutes)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"[]" if "liq_orders" in request.url.path else CONTRACT)

    heard = await Gate(ask(answer)).poll("BTC", at)
    tallies = [one for one in heard.readings if isinstance(one, LiquidationTally)]
    told_windows = [((one.since_at - HOUR), (one.until_at - HOUR)) for one in tallies]
    assert told_windows == [(timedelta(minutes=a), timedelta(minutes=b)) for a, b in windows]


async def test_without_liquidations_the_contract_still_stands_and_without_the_contract_nothing_does(ask: Ask):
    def no_orders(request: httpx.Request) -> httpx.Response:
        bad = "liq_orders" in request.url.path
        return httpx.Response(400 if bad else 200, content=b'{"label":"INVALID"}' if bad else CONTRACT)

    heard = await Gate(ask(no_orders)).poll("BTC", START)
    assert [type(one) for one in heard.readings] == [FutureQuote, FundingRate]
    assert [gap.who for gap in heard.gaps] == ["gate BTC liquidations since 12:00"]

    def no_contract(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=ORDERS if "liq_orders" in request.url.path else b"{}")

    with pytest.raises(SourceChanged):
        await Gate(ask(no_contract)).poll("BTC", START)


async def test_funding_history_is_what_was_paid_to_the_hour_by_its_own_interval(ask: Ask):
    asked: list[dict[str, str]] = []
    paid = [(START.timestamp() // 28_800 - back) * 28_800 + 1 for back in range(7)]

    def history(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        low, high = int(asked[-1]["from"]), int(asked[-1]["to"])
        return httpx.Response(200, json=[{"t": int(t), "r": "0.0002"} for t in paid if low <= t <= high])

    [found] = await Gate(ask(history)).backfill("BTC", START - timedelta(days=400), START)
    assert found.metric == "funding_8h_pct"
    assert [at_ms % 28_800_000 for at_ms in found.at_ms] == [0] * 6
    assert list(found.value) == pytest.approx([0.02] * 6)
    assert int(asked[0]["from"]) == int((START - timedelta(days=179)).timestamp())


def closed(bodies: tuple[bytes, ...], *, sign: int) -> list[float]:
    """What the rows of one side come to, each by the figures that stand in it."""
    coins = float(json.loads(bodies[0])["quanto_multiplier"])
    return [
        abs(float(row["order_size"])) * coins * float(row["fill_price"])
        for row in json.loads(bodies[1])
        if float(row["size"]) * sign > 0
    ]


@settings(max_examples=60, deadline=None)
@given(replies(CONTRACT, ORDERS))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=bodies["liq_orders" in request.url.path])

    transport = httpx.MockTransport(answer)
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard: Heard = await heard_or_refused(Gate(http).poll("BTC", START), "gate")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        if isinstance(reading, LiquidationTally):
            assert known(value, {sum(closed(bodies, sign=1)), sum(closed(bodies, sign=-1))}), (field, value)
        elif field == "open_interest_coin":
            assert any(known(value, {a * b for b in said}) for a in said), value
        elif field == "rate_pct":
            assert known(value / 100, said)
        elif field == "interval_hours":
            assert known(value * 3600, said)
        else:
            assert known(value, said), (field, value)
