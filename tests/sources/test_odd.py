"""One row that cannot be read costs itself; many are another format."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from bot.domain.chain import OptionChain
from bot.domain.readings import FutureQuote, Gap, Heard
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources import available
from bot.sources._http import Http, Patience
from bot.sources._odd import OddRows, decode_rows, sound_rows
from tests.said import english, refused
from tests.shipped_tape import tape_at

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


class _Row(msgspec.Struct):
    symbol: str
    price: float


class _Envelope(msgspec.Struct):
    rows: list[_Row]


ROWS = msgspec.json.Decoder(_Envelope)


def body(*rows: object) -> bytes:
    return json.dumps({"rows": rows}).encode()


def good(count: int) -> list[dict[str, Any]]:
    return [{"symbol": f"S{i}", "price": i} for i in range(count)]


def test_a_row_of_another_shape_is_left_out_by_its_name() -> None:
    odd = OddRows("venue rows")
    told = decode_rows(ROWS, body(*good(3), {"symbol": "TEST", "price": None}), "venue rows", odd)
    assert [row.symbol for row in told.rows] == ["S0", "S1", "S2"]
    [gap] = odd.summary()
    assert english(gap.reason).startswith("venue rows: 1 of 4 rows cannot be read, TEST the first of them: ")
    assert [gap.who for gap in odd.gaps("TEST".__eq__)] == ["venue TEST"]
    assert odd.gaps("S0".__eq__) == []


@pytest.mark.parametrize(
    ("total", "wrong", "taken"), [(100, 2, True), (100, 3, False), (4, 1, True), (4, 2, False)]
)
def test_over_two_percent_of_a_list_and_over_one_row_is_a_change(total: int, wrong: int, taken: bool) -> None:
    rows = [*good(total - wrong), *[{"symbol": "BAD"}] * wrong]
    odd = OddRows("v")
    if taken:
        assert len(decode_rows(ROWS, body(*rows), "v", odd).rows) == total - wrong
    else:
        with refused(SourceChanged, match=rf"of {total} rows cannot be read, BAD"):
            decode_rows(ROWS, body(*rows), "v", odd)


@pytest.mark.parametrize("wrong", [{"rows": 1}, {}, [], {"rows": [{"symbol": "ALONE"}]}])
def test_what_is_no_odd_row_is_a_change_as_before(wrong: object) -> None:
    with pytest.raises(SourceChanged):
        decode_rows(ROWS, json.dumps(wrong).encode(), "v", OddRows("v"))
    with pytest.raises(SourceChanged):
        decode_rows(ROWS, b"{", "v", OddRows("v"))


def test_rows_that_waiting_helps_against_are_not_called_a_change() -> None:
    def read(_: str) -> None:
        raise SourceUnavailable("v: from the future")

    with pytest.raises(SourceUnavailable):
        sound_rows(["a", "b", "c"], read, str, OddRows("v"))


class _Odd(Struct, frozen=True, kw_only=True):
    """One row of a venue's reply made odd: where its list is, which row, and how."""

    source: str
    part: str
    rows: Callable[[Any], list[Any]]
    change: Callable[[dict[str, Any]], object]
    own: bool = False


def put(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.update(values)


def drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda row: row.pop(key)


CASES = [
    _Odd(source="okx", part="opt-summary", rows=lambda j: j["data"], change=drop("fwdPx"), own=True),
    _Odd(source="okx", part="opt-summary", rows=lambda j: j["data"], change=put(markVol="nan"), own=True),
    _Odd(
        source="okx",
        part="opt-summary",
        rows=lambda j: j["data"],
        change=put(instId="BTC-USD-X-1-C"),
        own=True,
    ),
    _Odd(source="okx", part="mark-price?instType=SWAP", rows=lambda j: j["data"], change=drop("markPx")),
    _Odd(source="okx", part="funding-rate", rows=lambda j: j["data"], change=put(fundingRate=True)),
    _Odd(
        source="bybit",
        part="category=option",
        rows=lambda j: j["result"]["list"],
        change=put(markIv=[]),
        own=True,
    ),
    _Odd(
        source="bybit",
        part="category=option",
        rows=lambda j: j["result"]["list"],
        change=put(underlyingPrice="1_0"),
        own=True,
    ),
    _Odd(
        source="bybit", part="category=linear", rows=lambda j: j["result"]["list"], change=drop("markPrice")
    ),
    _Odd(
        source="deribit", part="kind=option", rows=lambda j: j["result"], change=put(mark_iv="41"), own=True
    ),
    _Odd(
        source="deribit",
        part="kind=option",
        rows=lambda j: j["result"],
        change=put(instrument_name="BTC-6FEB26-PERF-C"),
        own=True,
    ),
    _Odd(
        source="deribit",
        part="kind=option",
        rows=lambda j: j["result"],
        change=put(creation_timestamp=1_500_000_000_000),
        own=True,
    ),
    _Odd(
        source="binance", part="fapi/v1/premiumIndex", rows=lambda j: j, change=put(markPrice=None, time=None)
    ),
    _Odd(
        source="bitget",
        part="tickers?productType=USDT-FUTURES",
        rows=lambda j: j["data"],
        change=drop("markPrice"),
    ),
    _Odd(source="kraken", part="tickers", rows=lambda j: j["tickers"], change=put(suspended=None)),
    _Odd(source="hyperliquid", part="info", rows=lambda j: j[0]["universe"], change=put(isDelisted=None)),
    _Odd(source="hyperliquid", part="info", rows=lambda j: j[1], change=put(markPx=True)),
]


async def heard(source: str, change: Callable[[str, bytes], bytes]) -> Heard:
    tape = tape_at(AT, tuple(available()))

    class Changed(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await tape.handle_async_request(request)
            return httpx.Response(answer.status_code, content=change(str(request.url), answer.content))

    async with Http(now=lambda: AT, transport=Changed(), patience=Patience(attempts=1)) as http:
        return await available()[source](http, key="key").poll("BTC", AT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.source} {case.part}")
async def test_one_odd_row_costs_a_row(case: _Odd) -> None:
    """A row more than the venue lists: of an instrument of its own (`own`), or of another asset."""

    def change(url: str, content: bytes) -> bytes:
        if case.part not in url:
            return content
        told = json.loads(content)
        rows = case.rows(told)
        more = json.loads(json.dumps(rows[0]))
        name = next((key for key in ("symbol", "instId", "instrument_name", "name") if key in more), None)
        if name and not case.own:
            more[name] = "PERFTESTA-USDT-SWAP"
        if isinstance(told, list) and case.source == "hyperliquid":  # two lists that go together
            for both in (told[0]["universe"], told[1]):
                both.append(json.loads(json.dumps(both[0])))
            told[0]["universe"][-1]["name"] = "PERFTESTA"
            case.change(case.rows(told)[-1])
            return json.dumps(told).encode()
        if case.own:
            case.change(rows[0])
        else:
            case.change(more)
            rows.append(more)
        return json.dumps(told).encode()

    before = await heard(case.source, lambda _, content: content)
    after = await heard(case.source, change)
    quotes = [
        sorted(one.instrument.symbol for one in told.readings if isinstance(one, FutureQuote))
        for told in (before, after)
    ]
    assert quotes[0] == quotes[1]
    assert [one for one in after.readings if isinstance(one, FutureQuote)] == [
        one for one in before.readings if isinstance(one, FutureQuote)
    ]
    chains = [[len(one) for one in told.readings if isinstance(one, OptionChain)] for told in (before, after)]
    assert chains[1] == [count - case.own for count in chains[0]]
    assert len(after.readings) == len(before.readings)
    counted = [gap for gap in after.gaps if "rows_left_out" in gap.reason]
    assert len(counted) == case.own
    assert isinstance(counted[0] if counted else Gap(who="", reason=""), Gap)
