"""One poll: what the venues say is gathered side by side, decided for each profile and stored, and what was heard
is remembered."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.desk.market import Market
from bot.desk.memory import SourceState
from bot.desk.poller import Agenda, Poller, PollSettings
from bot.domain.playbook import DatedEvent
from bot.domain.posts import Decision, Post, Profile, Route, State, Watch
from bot.domain.readings import Gap, Heard, Snapshot
from bot.domain.rulebook import UsualRange
from bot.domain.traded import TakerTrades
from bot.errors import ArchiveError, InputError, SourceUnavailable
from bot.reasons import about, reason
from tests.desk.parts import AT, HOUR, MINUTE, NotingArchive, Teller, hourly, market_on, playbook, post_to
from tests.metrics.market import spot
from tests.metrics.test_flow import trades

SPANISH = Profile(locale="es")
LATE_AFTER = timedelta(minutes=10)


def quote(usd: float = 67_820.0, venue: str = "deribit", at: datetime = AT) -> Heard:
    return Heard(readings=(spot(usd, venue=venue, at=at),))


def agenda_of(**due: datetime) -> Agenda:
    """The channels (with _ for :) whose slot has come."""

    async def due_at(asset: str, at: datetime) -> Mapping[str, datetime]:
        return {name.replace("_", ":"): slot for name, slot in due.items()}

    return due_at


def poller_on(
    archive: NotingArchive,
    *sources: Teller,
    market: Market | None = None,
    agenda: Agenda | None = None,
    deadline: timedelta = timedelta(seconds=5),
    notices: Any = None,
) -> Poller:
    return Poller(
        market=market or market_on(archive, sources=sources),
        archive=archive,  # type: ignore[arg-type]
        sources=sources,
        settings=PollSettings(deadline=deadline, late_after=LATE_AFTER),
        agenda=agenda or agenda_of(),
        notices=notices,
    )


# ── gathering ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_source_is_asked_of_the_asset_at_the_time_and_all_of_it_is_one_snapshot() -> None:
    archive = NotingArchive()
    part = Gap(who="okx funding", reason="okx BTC: HTTP 500")
    deribit = Teller("deribit", quote())
    okx = Teller("okx", Heard(readings=quote(67_810.0, "okx").readings, gaps=(part,)))
    await poller_on(archive, deribit, okx).poll("BTC", AT)
    assert deribit.asked == okx.asked == [("BTC", AT)]
    [(asset, _, _, snapshot)] = archive.committed
    assert (asset, snapshot.asset, snapshot.taken_at) == ("BTC", "BTC", AT)
    assert [one.source for one in snapshot.readings] == ["deribit", "okx"]
    assert part in snapshot.gaps
    assert snapshot.asked == {"index": ("deribit", "okx")}


async def test_the_sources_are_asked_side_by_side() -> None:
    both = asyncio.Barrier(2)
    sources = Teller("deribit", quote(), wait=both.wait), Teller("okx", quote(venue="okx"), wait=both.wait)
    archive = NotingArchive()
    await poller_on(archive, *sources).poll("BTC", AT)
    assert len(archive.committed[0][3].readings) == 2


async def test_a_source_that_fails_is_a_gap_with_its_reason_and_holds_up_no_other() -> None:
    archive = NotingArchive()
    dead = Teller("okx", SourceUnavailable("okx BTC: HTTP 503"))
    await poller_on(archive, dead, Teller("deribit", quote())).poll("BTC", AT)
    snapshot = archive.committed[0][3]
    assert [one.source for one in snapshot.readings] == ["deribit"]
    assert Gap(who="okx", reason="okx BTC: HTTP 503") in snapshot.gaps


async def test_a_source_that_says_nothing_until_the_deadline_is_a_gap_that_names_it() -> None:
    archive = NotingArchive()
    slow = Teller("okx", quote(), wait=asyncio.Event().wait)
    await poller_on(archive, slow, Teller("deribit", quote()), deadline=timedelta(milliseconds=20)).poll(
        "ETH", AT
    )
    assert (
        Gap(who="okx", reason=about("okx ETH", reason("no_answer", seconds=0.02)))
        in archive.committed[0][3].gaps
    )


class TellerOfTrades(Teller):
    """A source that also tells trades: those of the stretch that it is asked for, or a failure."""

    def __init__(
        self, name: str, told: Heard, failure: Exception | None = None, *, is_block: bool = False
    ) -> None:
        super().__init__(name, told)
        self.is_block = is_block
        self.stretches: list[tuple[datetime, datetime]] = []
        self.failure = failure

    async def hear_trades(self, asset: str, since: datetime, until: datetime) -> TakerTrades:
        self.stretches.append((since, until))
        if self.failure is not None:
            raise self.failure
        ends_ms = round(until.timestamp() * 1000)
        return replace(
            trades({"at_ms": ends_ms - 1000, "is_block": self.is_block}),
            ids=(str(ends_ms),),
            since_ms=round(since.timestamp() * 1000),
            until_ms=ends_ms,
        )


class TellerOfDates(Teller):
    """A publisher of dates: one too many, which the files have too."""

    def __init__(self, *dates: DatedEvent, failure: Exception | None = None) -> None:
        super().__init__("fred", quote())
        self.dates = dates
        self.failure = failure
        self.times: list[datetime] = []

    async def hear_dates(self, since: datetime, until: datetime) -> tuple[DatedEvent, ...]:
        self.times.append(until)
        if self.failure is not None:
            raise self.failure
        return self.dates


def cpi_at(at: datetime, source: str = "its publisher") -> DatedEvent:
    return DatedEvent(kind="cpi", at=at, source=source, read=AT.date())


async def test_dates_are_asked_for_once_a_day_and_those_of_the_files_win() -> None:
    archive = NotingArchive()
    filed, told = cpi_at(AT + HOUR, "events.toml"), cpi_at(AT + timedelta(days=30))
    source = TellerOfDates(cpi_at(AT + 2 * HOUR), told)
    market = market_on(archive, sources=(source,))
    market.adopt(replace(market.playbook, events=(filed,)))
    poller = poller_on(archive, source, market=market)
    for at in (AT, AT + HOUR, AT + timedelta(days=1)):
        await poller.poll("BTC", at)
    assert source.times == [AT + timedelta(days=92), AT + timedelta(days=93)]
    assert market.memory.events_with(market.playbook.events) == (filed, told)


@pytest.mark.parametrize("failure", [SourceUnavailable("HTTP 503"), TimeoutError(), ValueError("odd")])
async def test_dates_that_were_not_heard_are_asked_for_again_after_pauses_that_double(
    failure: Exception,
) -> None:
    archive, told = NotingArchive(), cpi_at(AT + timedelta(days=30))
    source = TellerOfDates(told, failure=failure)
    market = market_on(archive, sources=(source,))
    poller = poller_on(archive, source, market=market)
    with capture_logs() as logs:
        for minute in (0, 0, 4, 5, 10, 15, 30, 35, 70, 75, 150, 155, 270, 275, 390, 395):
            await poller.poll("BTC", AT + minute * MINUTE)
    asked = [round((until - timedelta(days=92) - AT) / MINUTE) for until in source.times]
    assert asked == [0, 5, 15, 35, 75, 155, 275, 395]
    assert len([one for one in logs if one["event"] == "dates.unheard"]) == (
        0 if type(failure) is ValueError else 1
    )
    source.failure = None
    for minute in (510, 515, 520):
        await poller.poll("BTC", AT + minute * MINUTE)
    assert len(source.times) == len(asked) + 1
    assert market.memory.dates == (told,)


@pytest.mark.parametrize("failure", [SourceUnavailable("HTTP 400"), ValueError("odd")])
async def test_a_publisher_that_fails_costs_no_poll_and_no_date_of_the_files(failure: Exception) -> None:
    archive = NotingArchive()
    source = TellerOfDates(failure=failure)
    market = market_on(archive, sources=(source,))
    await poller_on(archive, source, market=market).poll("BTC", AT)
    assert archive.committed
    assert market.memory.dates == ()


async def test_trades_of_a_day_are_heard_with_a_poll_and_then_those_since() -> None:
    archive, hour = NotingArchive(), timedelta(hours=1)
    source = TellerOfTrades("deribit", quote())
    market = market_on(archive, sources=(source,))
    poller = poller_on(archive, source, market=market)
    await poller.poll("BTC", AT)
    await poller.poll("BTC", AT + hour)
    assert source.stretches == [(AT - timedelta(days=1), AT), (AT - timedelta(minutes=1), AT + hour)]
    known = market.memory.trades("BTC")
    assert known is not None
    assert len(known) == 2
    assert market.memory.trades("ETH") is None


async def test_the_blocks_of_the_day_are_stored_with_each_poll() -> None:
    archive = NotingArchive()
    source = TellerOfTrades("deribit", quote(), is_block=True)
    poller = poller_on(archive, source, market=market_on(archive, sources=(source,)))
    for minutes in (0, 5):
        await poller.poll("BTC", AT + timedelta(minutes=minutes))
    values = [
        [
            point.value
            for point in decision.points
            if point.metric == "option_blocks_24h_usd" and not point.venue
        ]
        for _, _, decision, _ in archive.committed
    ]
    assert values == [[90_000.0], [180_000.0]]


async def test_a_source_that_tells_nothing_but_trades_is_out() -> None:
    archive = NotingArchive()
    source = TellerOfTrades("deribit", Heard(readings=(), gaps=()), is_block=True)
    poller = poller_on(archive, source, market=market_on(archive, sources=(source,)))
    await poller.poll("BTC", AT)
    [(_, _, _, snapshot)] = archive.committed
    assert snapshot.readings == ()


@pytest.mark.parametrize("failure", [SourceUnavailable("deribit BTC: HTTP 503"), ValueError("odd")])
async def test_trades_that_cannot_be_heard_cost_no_poll(failure: Exception) -> None:
    archive = NotingArchive()
    source = TellerOfTrades("deribit", quote(), failure=failure)
    market = market_on(archive, sources=(source,))
    await poller_on(archive, source, market=market).poll("BTC", AT)
    assert len(archive.committed) == 1
    assert market.memory.trades("BTC") is None


@pytest.mark.parametrize(
    ("failure", "lines"),
    [
        (SourceUnavailable("deribit BTC: HTTP 503"), 1),
        (TimeoutError(), 1),
        (SourceUnavailable(about("deribit BTC", reason("unreachable", host="x", kind="ConnectError"))), 0),
    ],
)
async def test_trades_that_stay_unheard_are_one_line_and_none_without_a_network(
    failure: Exception, lines: int
) -> None:
    archive = NotingArchive()
    source = TellerOfTrades("deribit", quote(), failure=failure)
    poller = poller_on(archive, source, market=market_on(archive, sources=(source,)))
    with capture_logs() as logs:
        for minutes in (0, 5, 10):
            await poller.poll("BTC", AT + timedelta(minutes=minutes))
    told = [one for one in logs if one["event"] == "trades.unheard"]
    assert len(told) == lines
    assert all(one["reason"] for one in told)


class Breaking(Teller):
    """A source whose reader trips."""

    async def poll(self, asset: str, at: datetime) -> Heard:
        raise OverflowError("date value out of range: https://api/?key=s3cret")


async def test_a_source_that_raises_anything_loses_itself_alone_once_in_the_log_and_health_says_so() -> None:
    archive = NotingArchive()
    sources = Breaking("okx", quote()), Teller("deribit", quote())
    market = market_on(archive, sources=sources)
    poller = poller_on(archive, *sources, market=market)
    with capture_logs() as logs:
        await poller.poll("BTC", AT)
        await poller.poll("BTC", AT + 5 * MINUTE)
    for _, _, _, snapshot in archive.committed:
        assert [one.source for one in snapshot.readings] == ["deribit"]
        gap = Gap(who="okx", reason=about("okx BTC", reason("unreadable", kind="OverflowError")))
        assert gap in snapshot.gaps
    [failed] = [one for one in logs if one["event"] == "part.failed"]
    assert (failed["part"], failed["reason"]) == ("source okx on BTC", "OverflowError")
    assert market.memory.troubles.by_part == {"source okx on BTC": "OverflowError"}


async def test_a_profile_whose_language_is_gone_loses_itself_alone_until_it_is_back() -> None:
    archive = NotingArchive()
    lost = Profile(locale="xx")
    archive.all.follows = [lost, Profile(), SPANISH]
    deribit = Teller("deribit", quote())
    market = market_on(archive, sources=[deribit])
    poller = poller_on(archive, deribit, market=market)
    with capture_logs() as logs:
        decided = await poller.poll("BTC", AT)
        await poller.poll("BTC", AT + 5 * MINUTE)
    assert [profile for _, profile, _, _ in archive.committed] == [Profile(), SPANISH] * 2
    assert decided == archive.committed[0][2]
    [failed] = [one for one in logs if one["event"] == "part.failed"]
    assert failed["part"].startswith("BTC for xx, embed")
    [says] = market.memory.troubles.by_part.values()
    assert "no phrases for 'xx'" in says
    assert "config/phrases/xx/" in says
    archive.all.follows = [Profile(), lost]
    market.adopt(replace(playbook(), banks={**playbook().banks, "xx": playbook().banks["en"]}))
    await poller.poll("BTC", AT + 10 * MINUTE)
    assert market.memory.troubles.by_part == {}


async def test_where_no_profile_is_left_the_poll_fails_with_the_reason() -> None:
    archive = NotingArchive()
    archive.all.follows = [Profile(locale="xx")]
    with pytest.raises(InputError, match="no phrases for 'xx'"):
        await poller_on(archive, Teller("deribit", quote())).poll("BTC", AT)


async def test_without_a_network_one_line_is_said_once_and_the_return_is_said() -> None:
    archive = NotingArchive()
    why = about("okx BTC", reason("unreachable", how="unresolved"))
    okx = Teller("okx", SourceUnavailable(why))
    market = market_on(archive, sources=[okx])
    poller = poller_on(archive, okx, market=market)
    with capture_logs() as logs:
        for number in range(3):
            for asset in ("BTC", "ETH"):
                await poller.poll(asset, AT + 5 * number * MINUTE)
    assert [one["event"] for one in logs if one["event"] != "poll.done"] == ["network.none"]
    [said] = [one["reason"] for one in logs if one["event"] == "network.none"]
    assert "HTTPS_PROXY" in said
    assert "./tightrope doctor" in said
    assert market.memory.heard_nothing
    back = poller_on(archive, okx, Teller("deribit", quote()), market=market)
    back._silence_told = poller._silence_told
    with capture_logs() as logs:
        await back.poll("BTC", AT + 20 * MINUTE)
    events = [one["event"] for one in logs]
    assert events[0] == "network.back"
    assert "source.gap" in events
    assert not market.memory.heard_nothing


async def test_a_venue_that_refuses_is_no_missing_network() -> None:
    archive = NotingArchive()
    okx = Teller("okx", SourceUnavailable(about("okx BTC", reason("barred", status=403))))
    with capture_logs() as logs:
        await poller_on(archive, okx).poll("BTC", AT)
    events = [one["event"] for one in logs]
    assert "network.none" not in events
    assert "source.gap" in events


async def test_how_each_source_did_is_remembered() -> None:
    archive = NotingArchive()
    silent, half = (
        Gap(who="okx", reason="okx BTC: HTTP 503"),
        Gap(who="bybit", reason="half of it is missing"),
    )
    okx = Teller("okx", SourceUnavailable(silent.reason))
    bybit = Teller("bybit", Heard(readings=quote(venue="bybit").readings, gaps=(half,)))
    market = market_on(archive, sources=[okx, bybit])
    await poller_on(archive, okx, bybit, market=market).poll("BTC", AT)
    assert market.source_states() == (
        SourceState(source="okx", gaps=(silent,)),
        SourceState(source="bybit", heard_at=AT, gaps=(half,)),
    )


async def test_how_a_source_did_is_remembered_for_each_asset() -> None:
    archive = NotingArchive()
    source = Teller("okx", SourceUnavailable("okx BTC: HTTP 503"))
    market = market_on(archive, sources=[source])
    poller = poller_on(archive, source, market=market)
    await poller.poll("BTC", AT)
    source.says = quote(venue="okx")
    await poller.poll("ETH", AT + MINUTE)
    failed = Gap(who="okx", reason="okx BTC: HTTP 503")
    assert market.source_states() == (SourceState(source="okx", heard_at=AT + MINUTE, gaps=(failed,)),)


async def test_what_the_treasuries_hold_is_measured_with_what_was_heard() -> None:
    decision = await poller_on(NotingArchive(), Teller("deribit", quote())).poll("BTC", AT)
    assert decision.facts.get("treasury_cost_usd") is not None


async def test_what_measuring_refuses_is_a_gap_of_the_same_snapshot_which_is_kept() -> None:
    archive = NotingArchive()
    venues = {"deribit": 67_800.0, "okx": 67_810.0, "bybit": 67_790.0, "kraken": 6_780.0}
    sources = [Teller(name, quote(usd, name)) for name, usd in venues.items()]
    market = market_on(archive, sources=sources)
    await poller_on(archive, *sources, market=market).poll("BTC", AT)
    [(_, _, _, snapshot)] = archive.committed
    assert [one.who.partition(" ")[0] for one in snapshot.gaps] == ["kraken"]
    assert market.last_snapshot("BTC") == snapshot
    assert market.source_states() == (
        *(SourceState(source=name, heard_at=AT) for name in ("deribit", "okx", "bybit")),
        SourceState(source="kraken", heard_at=AT, gaps=snapshot.gaps),
    )


# ── deciding and storing ────────────────────────────────────────────────────────────────────────────────────


async def test_each_profile_is_decided_and_stored_with_its_own_state_and_the_first_is_given_back() -> None:
    archive = NotingArchive()
    archive.all.follows = [Profile(), SPANISH]
    archive.all.remembered = {
        ("BTC", "default"): State(routes=(Route(channel="discord:1"),)),
        ("BTC", SPANISH.id): State(routes=(Route(channel="discord:2"),)),
        ("ETH", "default"): State(routes=(Route(channel="discord:3"),)),
    }
    decision = await poller_on(archive, Teller("deribit", quote())).poll("BTC", AT)
    assert [(asset, profile) for asset, profile, _, _ in archive.committed] == [
        ("BTC", Profile()),
        ("BTC", SPANISH),
    ]
    assert decision is archive.committed[0][2]
    assert [[route.channel for route in one.state.routes] for _, _, one, _ in archive.committed] == [
        ["discord:1"],
        ["discord:2"],
    ]
    assert archive.asked("profiles", "load", "commit") == [
        ("profiles", "BTC"),
        ("load", "BTC", "default", SPANISH.id),
        ("commit", "BTC", "default", SPANISH.id),
    ]


async def test_what_was_heard_is_measured_once_for_all_profiles_and_judged_for_each() -> None:
    archive = NotingArchive(hourly("skew_60d_pct", 20.0))
    wide = UsualRange(since=AT.date(), low=-30, high=30, source="own")
    archive.all.follows = [Profile(), Profile(ranges={"skew-60d": wide})]
    await poller_on(archive, Teller("deribit", quote())).poll("BTC", AT)
    usual, own = (decision for _, _, decision, _ in archive.committed)
    assert usual.facts is own.facts
    assert usual.points is own.points
    phases = [decision.state.signals["skew-fear"].phase for decision in (usual, own)]
    assert phases == ["on", "off"]


async def test_an_archive_that_names_no_profile_is_an_error_of_ours() -> None:
    archive = NotingArchive()
    archive.all.follows = []
    with pytest.raises(ValueError, match="BTC: the archive named no profile"):
        await poller_on(archive).poll("BTC", AT)


async def test_the_rules_and_words_that_judge_are_kept_once_for_each_edition() -> None:
    archive = NotingArchive()
    market = market_on(archive)
    poller = poller_on(archive, market=market)
    await poller.poll("BTC", AT)
    await poller.poll("ETH", AT + MINUTE)
    market.adopt(replace(playbook(), hash="another"))
    await poller.poll("BTC", AT + HOUR)
    market.adopt(playbook())
    await poller.poll("BTC", AT + 2 * HOUR)
    assert archive.asked("keep") == [("keep", playbook().hash, AT), ("keep", "another", AT + HOUR)]
    assert [decision.playbook_hash for _, _, decision, _ in archive.committed] == [
        playbook().hash,
        playbook().hash,
        "another",
        playbook().hash,
    ]


async def test_the_next_poll_knows_what_this_one_heard() -> None:
    archive = NotingArchive()
    source = Teller("deribit", quote(60_000.0))
    market = market_on(archive, sources=[source])
    poller = poller_on(archive, source, market=market)
    await poller.poll("BTC", AT)
    source.says = quote(66_000.0, at=AT + timedelta(days=1))
    decision = await poller.poll("BTC", AT + timedelta(days=1))
    assert decision.facts.known["spot_usd.change_24h_pct"].value == pytest.approx(10.0)
    assert list((await market.history("BTC")).column("spot_usd").value) == [60_000.0, 66_000.0]
    assert len(archive.asked("series")) == 1


async def test_where_nothing_was_heard_the_past_stays() -> None:
    archive = NotingArchive(hourly("spot_usd", 67_800.0))
    market = market_on(archive)
    await poller_on(archive, market=market).poll("BTC", AT)
    assert len((await market.history("BTC")).column("spot_usd").value) == 30 * 24 + 1


# ── posts that are due ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_channel_whose_slot_has_come_gets_its_post_and_no_other_does() -> None:
    asked: list[tuple[str, datetime]] = []

    async def agenda(asset: str, at: datetime) -> Mapping[str, datetime]:
        asked.append((asset, at))
        return {"discord:1": AT - MINUTE}

    archive = NotingArchive()
    routes = Route(channel="discord:1"), Route(channel="discord:2")
    archive.all.remembered[("BTC", "default")] = State(routes=routes)
    decision = await poller_on(archive, Teller("deribit", quote()), agenda=agenda).poll("BTC", AT)
    assert [(post.channel, post.reason, post.intended_at, post.late) for post in decision.posts] == [
        ("discord:1", "scheduled", AT - MINUTE, False)
    ]
    assert asked == [("BTC", AT)]


@pytest.mark.parametrize(
    ("waited", "late"),
    [(timedelta(0), False), (LATE_AFTER, False), (LATE_AFTER + timedelta(microseconds=1), True)],
)
async def test_a_post_is_late_once_its_slot_is_longer_ago_than_is_set(waited: timedelta, late: bool) -> None:
    archive = NotingArchive()
    archive.all.remembered[("BTC", "default")] = State(routes=(Route(channel="discord:1"),))
    decision = await poller_on(archive, agenda=agenda_of(discord_1=AT - waited)).poll("BTC", AT)
    assert [post.late for post in decision.posts] == [late]


async def test_a_slot_that_was_remembered_is_not_due_again() -> None:
    archive = NotingArchive()
    known = Route(channel="discord:1", due_at=AT - HOUR, late=True)
    archive.all.remembered[("BTC", "default")] = State(routes=(known,))
    decision = await poller_on(archive).poll("BTC", AT)
    assert decision.posts == ()
    assert [(route.due_at, route.late) for route in decision.state.routes] == [(None, False)]


# ── personal watches ────────────────────────────────────────────────────────────────────────────────────────


def watch(asset: str = "BTC", line: float = 60_000.0) -> Watch:
    return Watch(
        reader="discord:6001",
        channel="discord:dm:6001",
        asset=asset,
        fact="spot_usd",
        side="above",
        line=line,
        clears=line - 3_000,
        created_at=AT - HOUR,
        id=7,
    )


async def test_personal_watches_of_the_asset_are_judged_once_beside_the_first_profile() -> None:
    archive = NotingArchive()
    archive.all.follows = [Profile(), SPANISH]
    archive.all.wishes = [watch(), watch(line=70_000.0), watch("ETH")]
    market = market_on(archive)
    await poller_on(archive, Teller("deribit", quote()), market=market).poll("BTC", AT)
    first, second = (decision for _, _, decision, _ in archive.committed)
    assert [(post.channel, post.reason) for post in first.posts] == [("discord:dm:6001", "watch")]
    assert first.watches == (replace(watch(), armed=False, told_at=AT),)
    assert (second.posts, second.watches) == ((), ())
    assert archive.asked("watches") == [("watches", "BTC")]


async def test_watches_are_kept_in_the_manner_that_is_set() -> None:
    told = replace(watch(), told_at=AT - HOUR)
    archive = NotingArchive()
    archive.all.wishes = [told]
    market = market_on(archive)
    assert market.watching.rest > HOUR
    decision = await poller_on(archive, Teller("deribit", quote()), market=market).poll("BTC", AT)
    assert (decision.posts, decision.watches) == ((), ())


# ── what is told beside ─────────────────────────────────────────────────────────────────────────────────────


class Beside:
    """Notices that add a post to each decision and note how they are called."""

    def __init__(self, notes: list[tuple[Any, ...]]) -> None:
        self.notes = notes

    async def begin(self, snapshot: Snapshot, history: Any, playbook: Any) -> None:
        self.notes.append(("begin", snapshot, len(history.column("spot_usd").value), playbook))

    async def with_notices(
        self, decision: Decision, profile: Profile, playbook: Any, history: Any
    ) -> Decision:
        self.notes.append(("with", profile.id, playbook, len(history.column("spot_usd").value)))
        beside: Post = post_to("discord:1", f"beside{profile.locale}")
        return replace(decision, posts=(*decision.posts, beside))

    async def end(self, asset: str, at: datetime, playbook: Any) -> None:
        self.notes.append(("end", asset, at, playbook))


async def test_notices_begin_with_what_was_heard_join_each_decision_and_end_when_all_is_stored() -> None:
    archive = NotingArchive()
    archive.all.follows = [Profile(), SPANISH]
    market = market_on(archive)
    poller = poller_on(archive, Teller("deribit", quote()), market=market, notices=Beside(archive.all.notes))
    decision = await poller.poll("BTC", AT)
    assert archive.asked("begin", "with", "commit", "end") == [
        ("begin", market.last_snapshot("BTC"), 1, playbook()),
        ("with", "default", playbook(), 1),
        ("with", SPANISH.id, playbook(), 1),
        ("commit", "BTC", "default", SPANISH.id),
        ("end", "BTC", AT, playbook()),
    ]
    assert [post.id for post in decision.posts] == ["besideen"]
    assert [[post.id for post in one.posts] for _, _, one, _ in archive.committed] == [
        ["besideen"],
        ["besidees"],
    ]


# ── what the log says ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_gap_is_logged_when_it_is_new_and_not_while_only_its_numbers_change() -> None:
    archive = NotingArchive()
    source = Teller("okx")
    poller = poller_on(archive, source)

    async def logged(asset: str, *reasons: str) -> list[tuple[Any, ...]]:
        source.says = Heard(readings=(), gaps=tuple(Gap(who="okx", reason=reason) for reason in reasons))
        with capture_logs() as logs:
            await poller.poll(asset, AT)
        return [(one["asset"], one["who"], one["reason"]) for one in logs if one["event"] == "source.gap"]

    assert await logged("BTC", "okx BTC: rests for 27 s") == [("BTC", "okx", "okx BTC: rests for 27 s")]
    assert await logged("BTC", "okx BTC: rests for 1.5 s") == []
    assert await logged("ETH", "okx BTC: rests for 27 s") == [("ETH", "okx", "okx BTC: rests for 27 s")]
    assert await logged("BTC", "okx BTC: rests for 3 s", "HTTP 500") == [("BTC", "okx", "HTTP 500")]
    assert await logged("BTC") == []
    assert await logged("BTC", "HTTP 502") == [("BTC", "okx", "HTTP 502")]


async def test_a_poll_says_that_it_is_done_with_how_many_gaps() -> None:
    dead = Teller("okx", SourceUnavailable("okx BTC: HTTP 503"))
    with capture_logs() as logs:
        await poller_on(NotingArchive(), dead, Teller("deribit", quote())).poll("BTC", AT)
    [done] = [one for one in logs if one["event"] == "poll.done"]
    assert (done["asset"], done["gaps"]) == ("BTC", 1)
    assert 0 <= done["took_s"] < 60


# ── looking without storing ─────────────────────────────────────────────────────────────────────────────────


async def test_a_look_measures_what_venues_say_beside_the_past_and_stores_nothing() -> None:
    yesterday = [hourly("spot_usd", 60_000.0, until=AT - 24 * HOUR, venue=one) for one in (None, "deribit")]
    archive = NotingArchive(*yesterday)
    source = Teller("deribit", quote(66_000.0))
    market = market_on(archive, sources=[source])
    facts = await poller_on(archive, source, market=market).look("BTC", AT)
    assert (facts.asset, facts.at, facts.value("spot_usd")) == ("BTC", AT, 66_000.0)
    assert facts.known["spot_usd.change_24h_pct"].value == pytest.approx(10.0)
    assert facts.get("treasury_cost_usd") is not None
    assert {note[0] for note in archive.all.notes} == {"series"}
    assert archive.committed == []
    assert market.last_snapshot("BTC") is None
    assert 66_000.0 not in (await market.history("BTC")).column("spot_usd").value
    assert market.source_states() == (SourceState(source="deribit", heard_at=AT),)


class Picky(NotingArchive):
    """An archive that cannot write down what is for some profile."""

    def __init__(self, refused: Profile, error: Exception) -> None:
        super().__init__()
        self._refused, self._error = refused, error

    async def commit_all(
        self, asset: str, decided: Sequence[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> None:
        if any(profile == self._refused for profile, _ in decided):
            raise self._error
        await super().commit_all(asset, decided, snapshot)


async def test_a_profile_that_cannot_be_written_down_loses_itself_alone() -> None:
    archive = Picky(SPANISH, TypeError("nobody spells that"))
    archive.all.follows = [Profile(), SPANISH, Profile(length="short")]
    market = market_on(archive)
    decision = await poller_on(archive, Teller("deribit", quote()), market=market).poll("BTC", AT)
    assert [profile for _, profile, _, _ in archive.committed] == [Profile(), Profile(length="short")]
    assert decision is archive.committed[0][2]
    assert list(market.memory.troubles.by_part.values()) == ["TypeError"]


async def test_a_poll_of_which_nothing_can_be_written_down_raises_why() -> None:
    archive = Picky(Profile(), TypeError("nobody spells that"))
    with pytest.raises(TypeError, match="nobody spells that"):
        await poller_on(archive, Teller("deribit", quote())).poll("BTC", AT)


async def test_what_was_decided_before_a_state_that_is_not_read_is_stored() -> None:
    archive = NotingArchive()
    archive.all.follows = [Profile(), SPANISH]
    archive.all.unread = SPANISH
    with pytest.raises(ArchiveError, match="damaged"):
        await poller_on(archive, Teller("deribit", quote())).poll("BTC", AT)
    assert [profile for _, profile, _, _ in archive.committed] == [Profile()]
