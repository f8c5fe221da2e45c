"""The past of an asset, as the venues tell it: stored, remembered, asked for once."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.desk.filler import PastFiller
from bot.desk.market import Market
from bot.domain.readings import Gap
from bot.errors import SourceError, SourceUnavailable
from bot.reasons import about, reason
from tests.desk.parts import AT, NotingArchive, Teller, hourly, market_on
from tests.metrics.market import bars

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
