"""OKX, on small replies of our own and on recorded ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from structlog.testing import capture_logs

from bot.domain.chain import OptionChain
from bot.domain.readings import FundingRate, FutureQuote, Gap, Heard, SpotQuote
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources import okx
from bot.sources._http import Http, Patience, Reply
from bot.sources._options import expiry
from bot.sources._wire import to_ms
from bot.sources.okx import Okx
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

NOW_MS = to_ms(START)
TS = str(NOW_MS - 2000)


def answer(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"code": "0", "msg": "", "data": list(rows)}).encode()


def mark(name: str, price: str = "89100.5") -> dict[str, Any]:
    return {"instId": name, "instType": "SWAP", "markPx": price, "ts": TS}


def opened(name: str, coins: str = "28543.175", usd: str = "2435429280.97") -> dict[str, Any]:
    return {"instId": name, "oi": "2854317.5", "oiCcy": coins, "oiUsd": usd, "ts": TS}


def index(name: str, price: str) -> dict[str, Any]:
    return {"instId": name, "idxPx": price, "ts": TS}


def funded(name: str, **more: object) -> dict[str, Any]:
    row = {
        "instId": name,
        "fundingRate": "0.00006",
        "fundingTime": str(NOW_MS + 1),
        "ts": TS,
        "nextFundingRate": "",
    }
    return {**row, "nextFundingTime": str(NOW_MS + 1 + 4 * 3_600_000), **more}


def summary(name: str = "BTC-USD-260327-90000-C", **more: object) -> dict[str, Any]:
    return {
        "instId": name,
        "markVol": "0.4896",
        "fwdPx": "90500.5",
        "delta": "0.5",
        "deltaBS": "0.52",
        "ts": TS,
        **more,
    }


SWAPS = ("BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USDC-SWAP", "ETH-USD-SWAP")
BODIES = {
    "SWAP marks": answer(
        mark("BTC-USDT-SWAP"), mark("BTC-USD-SWAP", "89000.25"), mark("BTC-USDC-SWAP"), mark("ETH-USD-SWAP")
    ),
    "SWAP open": answer(
        opened("BTC-USDT-SWAP"),
        opened("BTC-USD-SWAP", "5000", "445000000"),
        opened("BTC-USDC-SWAP", "310.5", "27650000"),
        opened("ETH-USD-SWAP"),
    ),
    "FUTURES marks": answer(mark("BTC-USD-260327", "90000")),
    "FUTURES open": answer(opened("BTC-USD-260327", "100", "8900000")),
    "OPTION open": answer(opened("BTC-USD-260327-90000-C", "12.5", "1")),
    "USD": answer(index("ETH-USD", "2900"), index("BTC-USD", "88990.5")),
    "USDT": answer(index("BTC-USDT", "89050.25")),
    "USDC": answer(index("BTC-USDC", "89060.75")),
    "SWAP states": answer(*({"instId": one, "state": "live"} for one in SWAPS)),
    "FUTURES states": answer({"instId": "BTC-USD-260327", "state": "live"}),
    "funding": answer(funded("BTC-USDT-SWAP"), funded("BTC-USD-SWAP", nextFundingTime="")),
    "options": answer(summary(), summary("BTC-USD-260327-90000-P", markVol="")),
}


def venue(bodies: dict[str, bytes], seen: list[str] | None = None):
    def reply_to(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(str(request.url))
        params = request.url.params
        about = {
            "mark-price": f"{params.get('instType')} marks",
            "open-interest": f"{params.get('instType')} open",
            "instruments": f"{params.get('instType')} states",
            "index-tickers": params.get("quoteCcy", ""),
            "funding-rate": "funding",
            "opt-summary": "options",
        }[request.url.path.rsplit("/", 1)[1]]
        return httpx.Response(200, content=bodies[about])

    return reply_to


def futures(heard: Heard) -> list[FutureQuote]:
    return [one for one in heard.readings if isinstance(one, FutureQuote)]


def reply(body: bytes, at: datetime = START) -> Reply:
    return Reply(subject="okx", body=body, heard_at=at)


async def test_two_assets_are_thirteen_requests_and_the_index_in_usdc_where_contracts_stand_on_it(ask: Ask):
    seen: list[str] = []
    source = Okx(ask(venue(BODIES, seen)))
    await source.poll("BTC", START)
    await source.poll("ETH", START)
    assert len(seen) == 14
    assert [url for url in seen if "quoteCcy=USDC" in url] != []
    seen.clear()
    swaps = answer(mark("BTC-USDT-SWAP"), mark("BTC-USD-SWAP"))
    await Okx(ask(venue({**BODIES, "SWAP marks": swaps}, seen))).poll("BTC", START)
    assert [url for url in seen if "quoteCcy=USDC" in url] == []


@pytest.mark.parametrize("word", ["suspend", "rebase", "a word of next year"])
async def test_a_swap_that_is_halted_by_its_own_state_is_a_gap_and_the_venue_has_no_open_interest(
    ask: Ask, word: str
):
    states = answer({"instId": "BTC-USD-SWAP", "state": word}, {"instId": "BTC-USDT-SWAP", "state": "live"})
    heard = await Okx(ask(venue({**BODIES, "SWAP states": states}))).poll("BTC", START)
    quotes = [one for one in heard.readings if isinstance(one, FutureQuote)]
    assert {one.instrument.symbol for one in quotes} == {"BTC-USDT-SWAP", "BTC-USDC-SWAP", "BTC-USD-260327"}
    assert {(one.open_interest_coin, one.open_interest_usd) for one in quotes} == {(None, None)}
    assert f"okx BTC-USD-SWAP: is '{word}'" in {english(gap.reason) for gap in heard.gaps}


@pytest.mark.parametrize("word", ["preopen", "test", "expired"])
async def test_a_swap_that_is_not_listed_yet_or_no_more_is_left_out_and_no_gap(ask: Ask, word: str):
    states = answer({"instId": "BTC-USDC-SWAP", "state": word})
    heard = await Okx(ask(venue({**BODIES, "SWAP states": states}))).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USD-260327"}
    assert quotes["BTC-USDT-SWAP"].open_interest_coin == 28_543.175
    assert not any("SWAP" in gap.who for gap in heard.gaps if not gap.who.endswith("funding"))


@pytest.mark.parametrize(
    "states", [b"<html>", answer(), answer({"instId": "BTC-USD-SWAP"}), answer({"instId": 7})], ids=repr
)
async def test_a_state_that_nobody_told_leaves_the_contracts_as_they_are(ask: Ask, states: bytes):
    with capture_logs() as said:
        await Okx(ask(venue({**BODIES, "SWAP states": states}))).poll("BTC", START)
    unread = states in (b"<html>", answer({"instId": 7}))
    assert [one["venue"] for one in said if one["event"] == "states.unheard"] == ["okx"] * unread
    unknown = {**BODIES, "SWAP states": states, "FUTURES states": states}
    [told, usual] = [await Okx(ask(venue(one))).poll("BTC", START) for one in (unknown, BODIES)]
    assert futures(told) == futures(usual) != []
    assert told.gaps == usual.gaps


async def test_states_are_asked_again_after_a_quarter_of_an_hour(ask: Ask, clock: StillClock):
    seen: list[str] = []
    source = Okx(ask(venue(BODIES, seen)))
    for _ in range(3):
        await source.poll("BTC", START)
        clock.pass_s(310)
    assert sum("instruments" in url for url in seen) == 2
    await source.poll("BTC", START)
    assert sum("instruments" in url for url in seen) == 4


async def test_linear_contracts_count_coins_inverse_ones_dollars_each_on_its_own_index(ask: Ask):
    heard = await Okx(ask(venue(BODIES))).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USDC-SWAP", "BTC-USD-260327"}
    in_usdc = quotes["BTC-USDC-SWAP"]
    assert (in_usdc.open_interest_coin, in_usdc.index_usd, in_usdc.instrument.inverse) == (
        310.5,
        89_060.75,
        False,
    )
    linear, inverse, dated = quotes["BTC-USDT-SWAP"], quotes["BTC-USD-SWAP"], quotes["BTC-USD-260327"]
    assert (linear.open_interest_coin, linear.open_interest_usd, linear.index_usd) == (
        28_543.175,
        None,
        89_050.25,
    )
    assert (inverse.open_interest_coin, inverse.open_interest_usd, inverse.index_usd) == (
        None,
        445_000_000,
        88_990.5,
    )
    assert dated.instrument.expires_at == datetime(2026, 3, 27, 8, tzinfo=UTC)
    assert linear.observed_at == START - timedelta(seconds=2)
    assert [one.index_usd for one in heard.readings if isinstance(one, SpotQuote)] == [88_990.5]


def test_contracts_margined_in_dollars_and_their_stablecoins_count_coins_on_the_index_in_dollars() -> None:
    """The spellings are those of the venue's own list of products: swaps, dated futures, and perpetuals among the
    futures, whose far expiry is a date of the law and no tenor."""
    names = ("BTC-USD_UM-SWAP", "BTC-USD_UM-260327", "BTC-USD_UM_XPERP-310404", "BTC-USD-260327")
    told_ones = okx.parse_contracts(
        reply(answer(*map(mark, names), mark("ETH-USD_UM-SWAP"))),
        reply(answer(*(opened(name, "40.5", "3604000") for name in names))),
        "BTC",
        {"USD": 88_990.5, "USDT": 89_050.25},
    )
    quotes = {one.instrument.symbol: one for one in told_ones if isinstance(one, FutureQuote)}
    assert set(quotes) == set(names)
    assert len(told_ones) == len(names)
    for name in names[:3]:
        one = quotes[name]
        assert (one.open_interest_coin, one.open_interest_usd) == (40.5, None)
        assert (one.index_usd, one.instrument.inverse) == (88_990.5, False)
    kinds = {name: (one.instrument.kind, one.instrument.expires_at) for name, one in quotes.items()}
    march = datetime(2026, 3, 27, 8, tzinfo=UTC)
    assert kinds == {
        "BTC-USD_UM-SWAP": ("perpetual", None),
        "BTC-USD_UM-260327": ("future", march),
        "BTC-USD_UM_XPERP-310404": ("perpetual", None),
        "BTC-USD-260327": ("future", march),
    }
    assert (quotes["BTC-USD-260327"].open_interest_usd, quotes["BTC-USD-260327"].instrument.inverse) == (
        3_604_000,
        True,
    )


def test_funding_is_told_of_each_margin() -> None:
    names = ("BTC-USD_UM-SWAP", "BTC-USDC-SWAP", "BTC-USD_UM_XPERP-310404", "ETH-USD_UM-SWAP", "BTC-USDT")
    rates = okx.parse_funding(reply(answer(*map(funded, names))), "BTC")
    assert [one.instrument.symbol for one in rates if isinstance(one, FundingRate)] == [
        "BTC-USDC-SWAP",
        "BTC-USD_UM-SWAP",
        "BTC-USD_UM_XPERP-310404",
    ]


async def test_fundings_interval_is_the_time_to_the_next_and_without_it_there_is_a_gap(ask: Ask):
    heard = await Okx(ask(venue(BODIES))).poll("BTC", START)
    [funding] = [one for one in heard.readings if isinstance(one, FundingRate)]
    assert (funding.instrument.symbol, funding.interval_hours) == ("BTC-USDT-SWAP", 4)
    assert funding.rate_pct == pytest.approx(0.006)
    assert [english(gap.reason) for gap in heard.gaps] == [
        "okx BTC-USD-SWAP funding: its interval is not known"
    ]


@pytest.mark.parametrize(
    ("before_h", "after_h", "hours"),
    [
        (8, 4, 8),  # the interval was shortened: the running rate is still one of eight hours
        (1, 1, 1),
        (2, 2, 2),
        (6, 6, 6),
        (None, 4, 4),  # a reply that does not name the payment before
        (5, 5, None),  # no interval that the venue has
        (0, 8, None),
        (None, None, None),
    ],
)
def test_the_running_rate_is_for_the_time_since_the_payment_before(
    before_h: int | None, after_h: int | None, hours: int | None
):
    due_ms = NOW_MS + 3_600_000
    row = {
        "instId": "BTC-USDT-SWAP",
        "fundingRate": "0.0001",
        "fundingTime": str(due_ms),
        "nextFundingTime": "" if after_h is None else str(due_ms + after_h * 3_600_000),
        "ts": str(NOW_MS),
    }
    row |= {} if before_h is None else {"prevFundingTime": str(due_ms - before_h * 3_600_000)}
    [told] = okx.parse_funding(reply(answer(row)), "BTC")
    assert (told.interval_hours if isinstance(told, FundingRate) else None) == hours


def test_a_future_and_options_that_have_expired_are_not_told():
    indices = {"USD": 88_990.5, "USDT": 89_050.25}
    names = ("BTC-USD-260123", "BTC-USD-260327")  # the first expired this morning
    told = okx.parse_contracts(
        reply(answer(*map(mark, names))), reply(answer(*map(opened, names))), "BTC", indices
    )
    assert [one.instrument.symbol for one in told if isinstance(one, FutureQuote)] == ["BTC-USD-260327"]
    assert len(told) == 1
    listed = [summary("BTC-USD-260123-90000-C"), summary("BTC-USD-260327-90000-C")]
    [chain] = okx.parse_options(reply(answer(*listed)), reply(BODIES["OPTION open"]), "BTC")
    assert isinstance(chain, OptionChain)
    assert list(chain.expires_ms) == [to_ms(datetime(2026, 3, 27, 8, tzinfo=UTC))]
    [gap] = okx.parse_options(reply(answer(listed[0])), reply(BODIES["OPTION open"]), "BTC")
    assert isinstance(gap, Gap)


def test_option_volatility_is_a_fraction_open_interest_in_coins_and_volume_unknown():
    [chain] = okx.parse_options(reply(BODIES["options"]), reply(BODIES["OPTION open"]), "BTC")
    assert isinstance(chain, OptionChain)
    assert chain.mark_iv_pct[0] == pytest.approx(48.96)
    assert chain.open_interest_coin[0] == 12.5
    for unknown in (chain.mark_iv_pct[1], chain.open_interest_coin[1], *chain.volume_24h_coin):
        assert not unknown >= 0
    assert chain.observed_at == START - timedelta(seconds=2)


def test_a_contract_without_a_mark_is_a_gap_and_one_that_is_not_counted_has_no_open_interest():
    indices = {"USD": 88_990.5, "USDT": 89_050.25}
    heard = okx.parse_contracts(
        reply(answer(mark("BTC-USD-SWAP"))), reply(answer(opened("BTC-USDT-SWAP"))), "BTC", indices
    )
    told_quote, gap = heard
    assert isinstance(told_quote, FutureQuote)
    assert told_quote.open_interest_usd is None
    assert gap == Gap(
        who="okx BTC-USDT-SWAP", reason="about(of='okx BTC-USDT-SWAP', why=not_in_reply(what='mark'))"
    )


async def test_without_an_index_its_contracts_are_gaps(ask: Ask):
    heard = await Okx(ask(venue({**BODIES, "USDT": b"{}"}))).poll("BTC", START)
    assert {one.instrument.symbol for one in heard.readings if isinstance(one, FutureQuote)} == {
        "BTC-USD-SWAP",
        "BTC-USDC-SWAP",
        "BTC-USD-260327",
    }
    assert "okx BTC-USDT-SWAP: no index in the reply" in {english(gap.reason) for gap in heard.gaps}


@pytest.mark.parametrize(("code", "kind"), [("50011", SourceUnavailable), ("51001", SourceChanged)])
def test_a_refusal_with_http_200_is_no_reading(code: str, kind: type[Exception]):
    body = json.dumps({"code": code, "msg": "Too Many Requests", "data": []}).encode()
    with refused(kind, match=f"okx: error {code} Too Many Requests"):
        okx.parse_funding(reply(body), "BTC")


def test_the_recorded_open_interest_and_funding_of_the_bitcoin_swap(shared: Path):
    folder = shared / "recordings" / "okx"
    row = json.loads((folder / "ws_open_interest_btc_usdt_swap.json").read_text())[0]["data"][0]
    assert float(row["oi"]) * 0.01 == pytest.approx(28_543.175)  # contracts of 0.01 BTC
    at = datetime.fromtimestamp(int(row["ts"]) / 1000, UTC)
    marks = answer({"instId": "BTC-USDT-SWAP", "markPx": "85000", "ts": row["ts"]})
    [told_quote] = okx.parse_contracts(reply(marks, at), reply(answer(row), at), "BTC", {"USDT": 85_000.0})
    assert isinstance(told_quote, FutureQuote)
    assert told_quote.open_interest_coin == pytest.approx(28_543.175)
    row = json.loads((folder / "ws_funding_rate_btc_usdt_swap.json").read_text())[0]["data"][0]
    at = datetime.fromtimestamp(int(row["ts"]) / 1000, UTC)
    [funding] = okx.parse_funding(reply(answer(row), at), "BTC")
    assert isinstance(funding, FundingRate)
    assert funding.interval_hours == 8
    assert funding.rate_pct == pytest.approx(0.0061446, rel=1e-4)


def test_every_recorded_bitcoin_future_expires_when_its_name_says(shared: Path):
    rows = json.loads((shared / "recordings" / "okx" / "instruments_futures_2022.json").read_text())["data"]
    listed = [row for row in rows if row["instId"].startswith(("BTC-USD", "ETH-USD"))]
    assert len(listed) == 16
    for row in listed:
        assert to_ms(expiry(row["instId"].rsplit("-", 1)[1], "okx")) == int(row["expTime"])


HOUR_MS = 3_600_000
TOLD_MS = NOW_MS // HOUR_MS * HOUR_MS


def opened_then(*rows: tuple[int, float, float]) -> bytes:
    """Rows of hours before the last full one, coins and dollars; newest first, as the venue tells them."""
    cells = [[str(TOLD_MS - hours * HOUR_MS), "1", str(coins), str(usd)] for hours, coins, usd in rows]
    return json.dumps({"code": "0", "msg": "", "data": cells}).encode()


HISTORIES = {
    "BTC-USDT-SWAP": opened_then((0, 999, 88_000_000), (1, 1000, 89_000_000), (2, 990, 88_000_000)),
    "BTC-USD-SWAP": opened_then((1, 500, 44_500_000), (2, 480, 42_700_000)),
    "BTC-USDC-SWAP": opened_then((1, 10, 890_000), (2, 12, 1_068_000)),
    "BTC-USD-260327": opened_then((1, 40, 3_560_000)),
}


async def test_past_open_interest_is_that_of_all_listed_contracts_at_the_ends_of_full_hours(ask: Ask):
    seen: list[str] = []

    def reply_to(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        if request.url.path.endswith("open-interest-history"):
            return httpx.Response(200, content=HISTORIES[request.url.params["instId"]])
        if request.url.path.endswith("funding-rate-history"):
            return httpx.Response(200, content=answer())
        return venue(BODIES)(request)

    told = await Okx(ask(reply_to)).backfill("BTC", START - timedelta(hours=24), START)
    coins, dollars = told
    assert (coins.metric, dollars.metric) == ("open_interest_coin", "open_interest_usd")
    # The running hour is left out; the future counts from its first row on.
    assert list(coins.at_ms) == [TOLD_MS - HOUR_MS, TOLD_MS]
    assert list(coins.value) == [990 + 480 + 12, 1000 + 500 + 10 + 40]
    assert list(dollars.value) == [
        88_000_000 + 42_700_000 + 1_068_000,
        89_000_000 + 44_500_000 + 890_000 + 3_560_000,
    ]
    asked = [url for url in seen if "open-interest-history" in url]
    assert len(asked) == 4
    assert all("period=1H" in url and "limit=100" in url for url in asked)
    assert not any("ETH" in url for url in asked)
    seen.clear()
    await Okx(ask(reply_to)).backfill("BTC", START - timedelta(days=90), START - timedelta(days=60))
    assert sum("period=1Dutc" in url for url in seen) == 4


def past_of(**bodies: bytes) -> list[Any]:
    opened = {name.replace("_", "-"): [reply(body)] for name, body in bodies.items()}
    return okx.parse_past_open_interest(opened, "BTC", timedelta(hours=1), START)


def test_a_time_at_which_a_swap_is_missing_or_counts_in_another_unit_is_left_out():
    whole = opened_then((1, 1000, 89_000_000), (2, 990, 88_000_000))
    one = past_of(BTC_USDT_SWAP=whole, BTC_USD_SWAP=opened_then((1, 500, 44_500_000)))
    assert list(one[0].at_ms) == [TOLD_MS]
    hundredfold = past_of(
        BTC_USDT_SWAP=whole, BTC_USD_SWAP=opened_then((1, 50_000, 44_500_000), (2, 480, 42_700_000))
    )
    assert list(hundredfold[0].at_ms) == [TOLD_MS - HOUR_MS]
    assert all(isinstance(gap, Gap) for gap in past_of(BTC_USDT_SWAP=opened_then()))
    with pytest.raises(SourceChanged):
        past_of(BTC_USDT_SWAP=b'{"code":"0","data":[["1","2","3"]]}')


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(replies(*BODIES.values()))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    transport = httpx.MockTransport(venue(dict(zip(BODIES, bodies, strict=True))))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Okx(http).poll("BTC", START), "okx")
    said = numbers(*bodies) | {90_000.0}
    for reading, field, value in told(heard):
        percent = field in {"rate_pct", "mark_iv_pct"} and known(value / 100, said)
        assert known(value, said) or percent or field == "interval_hours", (reading, field)
