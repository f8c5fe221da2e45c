"""All sources together, on the tape: how much they ask, and that one in trouble leaves the others alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx
import pytest

from bot.domain.readings import FutureQuote, Gap, Heard
from bot.errors import SourceError
from bot.ports import Source
from bot.sources import available
from bot.sources._http import Http, Patience
from bot.sources._tape import ON_THE_TAPE
from tests.said import english
from tests.shipped_tape import tape_at

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
ASSETS = ("BTC", "ETH")
QUIET = Patience(attempts=1)


class Counted(httpx.AsyncBaseTransport):
    """The tape, its requests counted by host; hosts that hold one of `broken`'s words answer in its way."""

    def __init__(self, broken: dict[str, httpx.Response | httpx.HTTPError] | None = None) -> None:
        self.tape = tape_at(AT, tuple(available()))
        self.broken = broken or {}
        self.asked: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked[request.url.host] += 1
        for word, answer in self.broken.items():
            if word in request.url.host:
                if isinstance(answer, httpx.HTTPError):
                    raise answer
                return httpx.Response(answer.status_code, content=answer.content)
        return await self.tape.handle_async_request(request)


@asynccontextmanager
async def sources(
    transport: Counted, *, keys: bool, patience: Patience = QUIET
) -> AsyncIterator[dict[str, Source]]:
    passed = timedelta(0)  # by pauses alone: they take no time here

    async def sleep(seconds: float) -> None:
        nonlocal passed
        passed += timedelta(seconds=seconds)

    async with Http(
        now=lambda: AT, steady=lambda: AT + passed, sleep=sleep, transport=transport, patience=patience
    ) as http:
        found = [(name, kind) for name, kind in available().items() if name in ON_THE_TAPE]
        yield {name: kind(http, key="key") for name, kind in found if keys or not kind.NEEDS_KEY}


async def poll(
    transport: Counted, *, keys: bool = True, patience: Patience = QUIET
) -> dict[tuple[str, str], Heard]:
    async def heard(source: Source, asset: str) -> Heard:
        try:
            return await source.poll(asset, AT)
        except SourceError as error:
            return Heard(readings=(), gaps=(Gap(who=source.name, reason=str(error)),))

    async with sources(transport, keys=keys, patience=patience) as all_sources:
        asked = [(source, asset) for source in all_sources.values() for asset in ASSETS]
        outcomes = await asyncio.gather(*(heard(source, asset) for source, asset in asked))
    return {(source.name, asset): one for (source, asset), one in zip(asked, outcomes, strict=True)}


@cache
def whole() -> dict[tuple[str, str], Heard]:
    """A poll without any trouble."""
    return asyncio.run(poll(Counted()))


async def test_a_poll_of_two_assets_at_all_public_venues_is_some_fifty_requests():
    transport = Counted()
    await poll(transport, keys=False)
    closes = transport.asked.pop("fred.stlouisfed.org")
    assert closes == 1  # no venue, and asked again only after six hours
    assert transport.asked.total() <= 53


def test_every_source_brings_what_it_says_and_nothing_is_missing_of_bitcoin():
    for (name, asset), one in whole().items():
        if asset == "BTC":
            assert one.readings, name
            assert one.gaps == (), name


def test_the_venues_open_interest_adds_up_to_the_tapes():
    coins = 0.0
    for (_, asset), one in whole().items():
        for quote in one.readings:
            if asset == "BTC" and isinstance(quote, FutureQuote):
                told = quote.open_interest_coin
                coins += (quote.open_interest_usd or 0.0) / quote.index_usd if told is None else told
    assert coins == pytest.approx(527_850, rel=0.01)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(403),
        httpx.Response(451),
        httpx.Response(200, content=b"<html>Just a moment...</html>"),
        httpx.Response(200, content=b"{}"),
        httpx.Response(200, content=b"0"),
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("too slow"),
    ],
    ids=["500", "403", "451", "html", "{}", "zero", "no network", "timeout"],
)
@pytest.mark.parametrize("name", ["binance", "okx", "deribit", "hyperliquid"])
def test_a_venue_in_trouble_is_a_gap_that_says_why_and_the_others_say_what_they_said(
    name: str, answer: httpx.Response | httpx.HTTPError
):
    for (source, asset), one in asyncio.run(poll(Counted({name: answer}))).items():
        if source == name:
            assert one.readings == ()
            assert one.gaps
            assert all(english(gap.reason).startswith(name) for gap in one.gaps)
        else:
            assert len(one.readings) == len(whole()[source, asset].readings)
            assert one.gaps == whole()[source, asset].gaps


async def test_a_venue_that_stalls_holds_up_neither_the_others_nor_the_poll():
    class Stalled(Counted):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if "okx" in request.url.host:
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    heard = await poll(Stalled(), patience=Patience(attempts=1, total_s=2.0))
    for (name, asset), one in heard.items():
        if name == "okx":
            assert one.readings == ()
            assert "no answer within 2 s" in english(one.gaps[0].reason)
        else:
            assert len(one.readings) == len(whole()[name, asset].readings)


async def test_without_a_network_every_source_says_so():
    heard = await poll(Counted({"": httpx.ConnectError("no route")}))
    for (name, _), one in heard.items():
        assert one.readings == ()
        assert english(one.gaps[0].reason).startswith(name)


async def test_history_of_ninety_days_comes_from_every_source_that_keeps_one():
    transport = Counted()
    since = datetime(2025, 11, 10, tzinfo=UTC)
    told: dict[str, set[str]] = {}
    async with sources(transport, keys=True) as all_sources:
        for name, source in all_sources.items():
            told[name] = {one.metric for one in await source.backfill("BTC", since, AT)}
    assert told["deribit"] == {"spot_usd", "spot_high_usd", "spot_low_usd", "dvol", "funding_8h_pct"}
    assert told["binance"] == {"funding_8h_pct", "gold_usd", "open_interest_coin", "open_interest_usd"}
    assert told["bybit"] == {"funding_8h_pct", "open_interest_coin", "open_interest_usd"}
    assert told["okx"] == told["bybit"]
    assert told["gate"] == told["bitget"] == {"funding_8h_pct"}
    assert told["fred"] == {"nasdaq_points"}
    assert {"liquidations_tally_long_usd", "liquidations_tally_short_usd", "funding_8h_pct"} <= told[
        "coinglass"
    ]
    assert told["hyperliquid"] == told["kraken"] == told["coinalyze"] == set()
