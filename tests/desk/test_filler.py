"""The past of an asset, as the venues tell it: stored, remembered, asked for once."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.desk.filler import PastFiller
from bot.desk.market import Market
from bot.domain.facts import ESTIMATES
from bot.domain.readings import Gap
from bot.domain.traded import OptionTrades
from bot.errors import SourceError, SourceUnavailable
from bot.reasons import about, reason
from tests.desk.parts import AT, NotingArchive, Teller, hourly, market_on
from tests.metrics.market import bars
from tests.metrics.test_estimates import trades as no_trades
from tests.said import english

SINCE = AT - timedelta(days=2)


def dvol(value: float = 50.0, venue: str = "deribit") -> Teller:
    return Teller(venue, past=[bars("dvol", [value] * 48, venue=venue)])


def filler_on(archive: NotingArchive, *sources: Teller) -> tuple[PastFiller, Market]:
    market = market_on(archive, sources=sources)
    return PastFiller(market=market, archive=archive, sources=sources), market


async def test_what_venues_tell_of_their_past_is_stored_with_the_time_and_known_from_now_on() -> None:
    archive, source = NotingArchive(), dvol()
    filler, market = filler_on(archive, source)
    gaps = await filler.backfill("BTC", SINCE, AT)
    assert list(gaps) == []
    assert source.asked == [("BTC", SINCE, AT)]
    [(_, points, heard_at)] = archive.asked("add")
    assert heard_at == AT
    assert {(point.metric, point.asset, point.value) for point in points} == {("dvol", "BTC", 50.0)}
    history = await market.history("BTC")
    assert len(history.column("dvol").value) == 48
    assert len(archive.asked("series")) == 1


async def test_all_that_venues_tell_is_stored_at_once() -> None:
    archive = NotingArchive()
    funding = Teller("okx", past=[bars("funding_8h_pct", [0.01] * 48, venue="okx")])
    filler, _ = filler_on(archive, dvol(), funding)
    await filler.backfill("BTC", SINCE, AT)
    [(_, points, _)] = archive.asked("add")
    assert {"dvol", "funding_8h_pct"} <= {point.metric for point in points}


async def test_a_venue_whose_past_cannot_be_had_is_a_gap_said_in_the_log_and_holds_up_no_other() -> None:
    archive = NotingArchive()
    dead = Teller("okx", past=SourceUnavailable("okx BTC: HTTP 503"))
    filler, _ = filler_on(archive, dead, dvol())
    with capture_logs() as logs:
        assert list(await filler.backfill("BTC", SINCE, AT)) == [Gap(who="okx", reason="okx BTC: HTTP 503")]
    told = [(one["event"], one["source"], one["asset"], one["reason"]) for one in logs]
    assert told == [("source.gap", "okx", "BTC", "okx BTC: HTTP 503")]
    assert archive.asked("add")[0][1]


async def test_a_venue_whose_past_fails_by_whatever_is_named_in_the_gap_and_in_what_is_in_trouble() -> None:
    archive = NotingArchive()
    odd = Teller("okx", past=KeyError("data"))
    filler, market = filler_on(archive, odd, dvol())
    [gap] = await filler.backfill("BTC", SINCE, AT)
    assert (gap.who, english(gap.reason)) == (
        "okx",
        english(about("okx BTC", reason("unreadable", kind="KeyError"))),
    )
    assert market.memory.troubles.by_part == {"history of okx on BTC": "KeyError"}
    assert archive.asked("add")[0][1]


async def test_what_is_known_already_is_asked_for_again_only_when_it_is_to_be() -> None:
    archive, source = NotingArchive(hourly("dvol", 50.0, venue="deribit")), dvol()
    filler, _ = filler_on(archive, source)
    await filler.backfill("BTC", SINCE, AT, again=False)
    assert source.asked == []
    assert archive.asked("add") == [("add", (), AT)]
    await filler.backfill("BTC", SINCE, AT)
    assert source.asked == [("BTC", SINCE, AT)]


async def test_a_venue_that_is_known_tells_again_where_another_one_is_new() -> None:
    """An aggregate stands on all of them."""
    archive = NotingArchive(hourly("open_interest_coin", 100.0, venue="okx"))
    okx = Teller("okx", past=[bars("open_interest_coin", [100.0] * 48, venue="okx")])
    new = Teller("binance", past=[bars("open_interest_coin", [300.0] * 48, venue="binance")])
    filler, _ = filler_on(archive, okx, new)
    await filler.backfill("BTC", SINCE, AT, again=False)
    assert okx.asked == new.asked == [("BTC", SINCE, AT)]
    [(_, points, _)] = archive.asked("add")
    together = {point.value for point in points if point.venue is None}
    assert together == {400.0}


async def test_what_both_tries_could_not_have_is_told() -> None:
    archive = NotingArchive(hourly("dvol", 50.0, venue="okx"))
    known = Teller("okx", past=SourceUnavailable("okx BTC: HTTP 503"))
    half = Teller("bybit", past=SourceUnavailable("bybit BTC: HTTP 500"))
    filler, _ = filler_on(archive, known, half, dvol())
    gaps = await filler.backfill("BTC", SINCE, AT, again=False)
    assert [one.who for one in gaps] == ["bybit", "okx"]


UNREACHED = reason("unreachable", host="www.okx.com", kind="ConnectError")


async def test_without_a_way_to_any_source_nothing_more_is_asked_and_whoever_fills_is_told_the_way_out() -> (
    None
):
    away = [
        Teller(name, past=SourceUnavailable(about(f"{name} BTC", UNREACHED))) for name in ("okx", "deribit")
    ]
    filler, _ = filler_on(NotingArchive(), *away)
    with capture_logs() as logs, pytest.raises(SourceError, match="HTTPS_PROXY"):
        await filler.fill(("BTC", "ETH"), 365)
    assert [len(one.asked) for one in away] == [1, 1]
    assert logs == []


async def test_one_source_that_cannot_be_reached_holds_up_no_other_stretch() -> None:
    away, there = Teller("okx", past=SourceUnavailable(about("okx BTC", UNREACHED))), dvol()
    filler, _ = filler_on(NotingArchive(), away, there)
    gaps = await filler.fill(("BTC",), 90)
    assert {gap.who for gap in gaps} == {"okx"}
    assert len(away.asked) == 3


class KeeperOfTrades(Teller):
    """A source that keeps trades in options: one block of a million dollars in each stretch, but for those that it `lacks`."""

    def __init__(self, lacks: frozenset[datetime] = frozenset()) -> None:
        super().__init__("deribit")
        self.lacks = lacks

    async def recall_options(self, asset: str, since: datetime, until: datetime) -> OptionTrades:
        if since in self.lacks:
            raise SourceUnavailable("deribit BTC: HTTP 503")
        since_ms, until_ms = (int(at.timestamp() * 1000) for at in (since, until))
        return replace(
            no_trades(),
            since_ms=since_ms,
            until_ms=until_ms,
            at_ms=np.array([since_ms + 1], np.int64),
            expires_ms=np.array([until_ms + 10**9], np.int64),
            strike_usd=np.array([50_000.0]),
            is_call=np.array([True]),
            iv_pct=np.array([40.0]),
            index_usd=np.array([50_000.0]),
            coins=np.array([20.0]),
            is_plain=np.array([False]),
            is_block=np.array([True]),
        )


async def test_the_blocks_of_a_day_are_estimated_from_the_trades_of_all_its_thirds() -> None:
    midnight = AT.replace(hour=0, minute=0)
    first, second, third = (midnight - timedelta(days=days) for days in (1, 2, 3))
    archive = NotingArchive()
    filler, _ = filler_on(archive, KeeperOfTrades(frozenset({second + timedelta(hours=8)})))
    await filler.estimate("BTC", third, midnight, AT)
    told = [
        (point.at, point.value)
        for _, points, _ in archive.asked("add")
        for point in points
        if point.metric == "option_blocks_24h_usd" and point.venue == ESTIMATES
    ]
    assert sorted(told) == [(third, 3e6), (first, 3e6)]
    archive = NotingArchive()
    filler, _ = filler_on(archive, KeeperOfTrades())
    await filler.estimate("BTC", third, midnight, AT, timedelta(0))
    values = [
        point.value
        for _, points, _ in archive.asked("add")
        for point in points
        if point.metric == "option_blocks_24h_usd" and point.venue == ESTIMATES
    ]
    assert values == [1e6] * 3
