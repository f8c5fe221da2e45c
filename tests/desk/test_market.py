"""The market as commands read it: from the archive and from memory, at the clock's time, without a venue."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.commentary import in_words
from bot.decide import iterate_past, recall_state
from bot.desk.market import Market, MarketSettings, no_audit, no_post_due
from bot.desk.memory import DeskMemory, SourceState
from bot.desk.stores import MarketStores
from bot.domain.facts import Fact, Facts, PastsOfDay, Series
from bot.domain.judgement import Call, Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, State
from bot.domain.readings import Snapshot
from bot.domain.rulebook import Ranges, UsualRange
from bot.domain.story import Origin
from bot.domain.tellings import KnownContracts, KnownTellings
from bot.errors import InputError
from bot.metrics import History
from bot.metrics.pasts import day_of
from bot.notices.watches import Watching
from bot.reasons import reason
from bot.rules import Replay, evaluate
from tests.desk.parts import AT, HOUR, MINUTE, Clock, NotingArchive, Teller, hourly, market_on, playbook

FEARFUL: Sequence[Series] = (
    hourly("skew_60d_pct", 20.0),
    hourly("basis_60d_pct", 2.0),
    hourly("spot_usd", 67_800.0),
    hourly("open_interest_usd", 35.8e9),
    hourly("funding_annual_pct", 1.5),
)
WIDE = Profile(ranges={"skew-60d": UsualRange(since=date(2020, 1, 1), low=-30, high=30, source="own")})


@dataclass(frozen=True)
class Budget:
    """A host's budget."""

    host: str
    requests: int
    used: float = 0.0
    limit: float = 1.0
    resting_until: datetime | None = None
    trouble: str | None = None


def rules_of(verdict: Any) -> set[str]:
    return {finding.rule for finding in verdict.findings}


# ── what is followed ────────────────────────────────────────────────────────────────────────────────────────


def test_an_asset_is_meant_however_it_is_typed_and_the_first_one_by_nothing() -> None:
    market = market_on(NotingArchive(), assets=("ETH", "BTC"))
    assert [market.asset(typed) for typed in (None, "", "btc", " Eth ")] == ["ETH", "ETH", "BTC", "ETH"]
    assert market.assets == ("ETH", "BTC")


def test_an_asset_that_is_not_followed_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError) as refused:
        market_on(NotingArchive(), assets=("ETH", "BTC")).asset("doge")
    assert str(refused.value) == reason("unknown_asset", typed="doge", known="ETH, BTC")


def test_its_time_is_the_clocks() -> None:
    clock = Clock()
    market = market_on(NotingArchive(), clock)
    clock.at = AT + HOUR
    assert market.now() == AT + HOUR


def test_it_is_built_with_all_that_commands_ask_for() -> None:
    manner = Watching(most=3)
    archive: Any = NotingArchive()
    market = Market(
        clock=Clock(),
        archive=archive,
        sources=(),
        playbook=playbook(),
        settings=MarketSettings(assets=("BTC",), history=HOUR, watching=manner),
        memory=DeskMemory(),
    )
    assert market.watching is manner
    assert market.archive is archive
    assert market.playbook is playbook()
    assert market.budgets() == ()
    assert (market.upcoming, market.last_audit) == (no_post_due, no_audit)


async def test_without_a_schedule_and_an_audit_there_is_neither() -> None:
    assert await no_post_due("discord:1", AT) is None
    assert await no_audit() is None


async def test_a_past_that_has_grown_backwards_is_read_anew_judged_anew_and_followed_again() -> None:
    archive = NotingArchive(*FEARFUL)
    market = market_on(archive)
    before = await market.history("BTC")
    await market.renew("BTC")
    assert await market.history("BTC") is not before
    known = market.memory.pasts("BTC")
    assert known is not None
    assert (known.asset, known.day, known.edition) == ("BTC", day_of(AT), playbook().rules.hash)
    assert "skew_60d_pct" in known.by_fact
    assert (market.memory.take_follow_again("ETH"), market.memory.take_follow_again("BTC")) == (False, True)


class KeptPasts:
    """Keeps the pasts of each asset, as the archive does over a restart."""

    def __init__(self) -> None:
        self.kept: dict[str, PastsOfDay] = {}

    async def load(self, asset: str) -> PastsOfDay | None:
        return self.kept.get(asset)

    async def keep(self, pasts: PastsOfDay) -> None:
        self.kept[pasts.asset] = pasts


async def test_the_pasts_of_a_day_outlast_a_restart_each_assets_its_own() -> None:
    store = KeptPasts()
    stores = replace(MarketStores(), pasts=store)
    first = market_on(NotingArchive(*FEARFUL), stores=stores)
    worked_out = {asset: await first.pasts(asset, AT) for asset in ("BTC", "ETH")}
    assert "skew_60d_pct" in worked_out["BTC"].keys() - worked_out["ETH"].keys()
    assert {asset: known.by_fact for asset, known in store.kept.items()} == worked_out
    again = market_on(NotingArchive(), stores=stores)
    for asset, pasts in worked_out.items():
        assert await again.pasts(asset, AT) == pasts
    assert (await again.pasts("BTC", AT + timedelta(days=1))).keys() == worked_out["ETH"].keys()


# ── what is known ───────────────────────────────────────────────────────────────────────────────────────────


async def test_the_past_is_read_once_as_far_back_as_is_set_and_read_again_when_it_is_to_be_fresh() -> None:
    archive = NotingArchive(hourly("spot_usd", 67_800.0), hourly("spot_usd", 1_900.0, asset="ETH"))
    market = market_on(archive, history=timedelta(days=9))
    bitcoin = await market.history("BTC")
    assert await market.history("BTC") is bitcoin
    ether = await market.history("ETH")
    assert [float(one.column("spot_usd").value[-1]) for one in (bitcoin, ether)] == [67_800.0, 1_900.0]
    assert archive.asked("series") == [
        ("series", "BTC", AT - timedelta(days=9)),
        ("series", "ETH", AT - timedelta(days=9)),
    ]
    market.refresh()
    assert await market.history("BTC") is not bitcoin
    assert len(archive.asked("series")) == 3


async def test_a_past_that_is_in_memory_is_not_read() -> None:
    archive = NotingArchive()
    market, known = market_on(archive), History("BTC")
    market.memory.keep_history("BTC", known)
    assert await market.history("BTC") is known
    assert archive.asked("series") == []


async def test_facts_are_those_of_now_and_grow_old_with_the_clock() -> None:
    clock = Clock()
    market = market_on(NotingArchive(*FEARFUL), clock)
    facts = await market.facts("BTC")
    assert (facts.asset, facts.at, facts.value("skew_60d_pct")) == ("BTC", AT, 20.0)
    clock.at = AT + timedelta(days=2)
    later = await market.facts("BTC")
    assert later.value("skew_60d_pct") is None
    assert later.stale["skew_60d_pct"].value == 20.0


async def test_facts_are_worked_out_once_a_minute_unless_something_is_new() -> None:
    clock = Clock()
    market = market_on(NotingArchive(*FEARFUL, hourly("spot_usd", 1_900.0, asset="ETH")), clock)
    facts = await market.facts("BTC")
    clock.at = AT + MINUTE / 2
    assert await market.facts("BTC") is facts
    assert (await market.facts("ETH")).value("spot_usd") == 1_900.0
    assert await market.facts("BTC") is facts
    market.memory.keep_history("BTC", History("BTC"))
    emptied = await market.facts("BTC")
    assert emptied.value("skew_60d_pct") is None
    market.adopt(replace(playbook(), hash="another"))
    assert await market.facts("BTC") is not emptied


async def test_a_fact_counts_the_venues_that_are_asked_for_it() -> None:
    past = [
        hourly("spot_usd", 67_800.0),
        hourly("spot_usd", 67_800.0, venue="a"),
        hourly("spot_usd", 67_700.0, venue="b", until=AT - 2 * HOUR),
    ]
    both = market_on(NotingArchive(*past), sources=[Teller("a"), Teller("b"), Teller("c")])
    one = market_on(NotingArchive(*past), sources=[Teller("a")])
    assert (await both.facts("BTC")).known["spot_usd"].of_venues == 2
    assert (await one.facts("BTC")).known["spot_usd"].of_venues == 1


# ── what is judged ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_verdict_of_now_is_judged_on_the_facts_of_now_and_says_what_would_change_it() -> None:
    market = market_on(NotingArchive(*FEARFUL))
    verdict, facts = await market.verdict("BTC", Profile())
    assert facts is await market.facts("BTC")
    assert (verdict.asset, verdict.at) == ("BTC", AT)
    assert {"skew-fear", "basis-weak"} <= rules_of(verdict)
    assert verdict.flips


async def test_others_have_their_turn_while_the_past_is_followed_and_all_who_ask_follow_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = market_on(NotingArchive(*FEARFUL))
    monkeypatch.setattr("bot.desk.recall.TURN_S", 0.0)
    followed: list[int] = []

    def counted(*given: Any) -> Any:
        for replay in iterate_past(*given):
            followed.append(turns)
            yield replay

    monkeypatch.setattr("bot.desk.recall.iterate_past", counted)
    asking = asyncio.gather(*(market.verdict("BTC", Profile()) for _ in range(3)))
    turns = 0
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    first, second, third = await asking
    assert len(set(followed)) == len(followed) > 500
    assert first == second == third
    facts, history = await market.facts("BTC"), await market.history("BTC")
    signals, course = recall_state(State(), market.playbook, history, facts, {})
    assert (
        first[0].balance
        == evaluate(market.playbook.rules, facts, signals, AT, {}, course=course).verdict.balance
    )


async def test_the_past_is_followed_once_an_hour_and_again_where_that_failed_or_the_past_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = market_on(NotingArchive(*FEARFUL), clock := Clock(AT + MINUTE))
    begun: list[datetime] = []
    broken = True

    def followed(history: History, playbook: Playbook, facts: Facts, ranges: Ranges) -> Iterator[Replay]:
        begun.append(facts.at)
        if broken:
            raise ValueError("the past is not to be had")
        return iterate_past(history, playbook, facts, ranges)

    monkeypatch.setattr("bot.desk.recall.iterate_past", followed)
    with pytest.raises(ValueError, match="not to be had"):
        await market.verdict("BTC", Profile())
    broken = False
    for at in (AT + MINUTE, AT + 2 * MINUTE, AT + HOUR):
        clock.at = at
        assert (await market.verdict("BTC", Profile(locale="es")))[0].at == at
    assert begun == [AT + MINUTE] * 2
    clock.at = AT + HOUR + MINUTE
    await market.verdict("BTC", Profile())
    market.refresh()
    await market.verdict("BTC", Profile())
    assert begun == [AT + MINUTE] * 2 + [AT + HOUR + MINUTE] * 2


async def test_a_verdict_of_this_minute_asks_the_archive_for_nothing() -> None:
    archive = NotingArchive(*FEARFUL)
    market = market_on(archive, clock := Clock())
    first, _ = await market.verdict("BTC", Profile())
    asked = len(archive.all.notes)
    again, _ = await market.verdict("BTC", Profile())
    assert again is first
    assert len(archive.all.notes) == asked
    clock.at = AT + MINUTE
    later, _ = await market.verdict("BTC", Profile())
    assert later.at == AT + MINUTE
    assert len(archive.all.notes) > asked


async def test_the_verdict_goes_on_from_what_was_judged_before_for_that_asset_and_profile() -> None:
    """Fear at 11%: too little for a rule that is off (12), enough for one that is on (10.5)."""
    on = Signal(
        rule="skew-fear",
        phase="on",
        since=AT - 9 * HOUR,
        evaluated_at=AT - MINUTE,
        truth="true",
        announced=True,
    )
    archive = NotingArchive(hourly("skew_60d_pct", 11.0), hourly("skew_60d_pct", 11.0, asset="ETH"))
    archive.all.remembered[("BTC", "default")] = State(signals={"skew-fear": on})
    market = market_on(archive)
    found = [
        rules_of((await market.verdict(asset, profile))[0])
        for asset, profile in (("BTC", Profile()), ("BTC", Profile(length="short")), ("ETH", Profile()))
    ]
    assert ["skew-fear" in rules for rules in found] == [True, False, False]
    assert archive.asked("load") == [
        ("load", "BTC", "default"),
        ("load", "BTC", Profile(length="short").id),
        ("load", "ETH", "default"),
    ]


async def test_a_signal_of_a_rule_that_has_changed_since_does_not_count() -> None:
    on = Signal(rule="skew-fear", phase="on", since=AT - 9 * HOUR, evaluated_at=AT - MINUTE, truth="true")
    archive = NotingArchive(hourly("skew_60d_pct", 11.0))
    archive.all.remembered[("BTC", "default")] = State(
        signals={"skew-fear": on}, editions={**playbook().editions, "skew-fear": "as it was"}
    )
    verdict, _ = await market_on(archive).verdict("BTC", Profile())
    assert "skew-fear" not in rules_of(verdict)


async def test_each_profile_is_judged_by_its_own_ranges_and_each_once_a_minute() -> None:
    market = market_on(NotingArchive(*FEARFUL))
    usual, _ = await market.verdict("BTC", Profile())
    wide, _ = await market.verdict("BTC", WIDE)
    assert ("skew-fear" in rules_of(usual), "skew-fear" in rules_of(wide)) == (True, False)
    assert [(await market.verdict("BTC", one))[0] for one in (Profile(), WIDE)] == [usual, wide]
    assert (await market.verdict("BTC", Profile()))[0] is usual


async def test_what_would_change_a_verdict_is_worked_out_by_the_profiles_own_ranges() -> None:
    """At 20% of skew the usual reader's caution ends at 10.5%, and for one whose range reaches to 15% elsewhere."""
    own = Profile(ranges={"skew-60d": UsualRange(since=date(2020, 1, 1), low=-15, high=13, source="own")})
    market = market_on(NotingArchive(*FEARFUL))

    async def ends(profile: Profile) -> set[float]:
        verdict, _ = await market.verdict("BTC", profile)
        return {move.end for flip in verdict.flips for move in flip.moves if move.fact == "skew_60d_pct"}

    usual, moved = await ends(Profile()), await ends(own)
    assert usual
    assert moved
    assert not usual & moved


async def test_the_commentary_of_now_has_the_profiles_length_unless_another_is_asked_for() -> None:
    market = market_on(NotingArchive(*FEARFUL))
    short = Profile(length="short")
    story, verdict, refusal = await market.brief("BTC", short)
    assert (story.length, story.at, story.stance, refusal) == ("short", AT, verdict.stance, None)
    assert (await market.brief("BTC", short, "embed"))[0].length == "embed"
    assert (await market.brief("BTC", replace(short, length="embed"), "short"))[0].length == "short"


async def test_a_market_that_cannot_be_judged_gets_no_article_and_says_why() -> None:
    market = market_on(NotingArchive())
    assert (await market.brief("BTC", Profile(length="short")))[2] is None
    story, verdict, refusal = await market.brief("BTC", Profile(length="short"), "article")
    assert (verdict.stance, story.length) == ("no-call", "embed")
    assert refusal is not None
    assert refusal.slot == "answer"
    assert refusal.text


# ── who was heard ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_last_poll_heard_is_in_memory() -> None:
    market, heard = market_on(NotingArchive()), Snapshot(asset="BTC", taken_at=AT, readings=())
    assert market.last_snapshot("BTC") is None
    market.memory.keep_snapshot(heard)
    assert market.last_snapshot("BTC") is heard


def test_the_sources_stand_in_their_own_order_and_bring_what_they_bring() -> None:
    sources = [
        Teller("okx", brings=frozenset({"index", "futures"})),
        Teller("deribit", brings=frozenset({"options", "index"})),
    ]
    market = market_on(NotingArchive(), sources=sources)
    market.memory.note_source("deribit", "BTC", AT, (), heard=True)
    market.memory.note_source("gone", "BTC", AT, (), heard=True)
    assert market.source_states() == (SourceState(source="okx"), SourceState(source="deribit", heard_at=AT))
    brought = market.sources_by_quantity()
    assert dict(brought) == {"futures": ("okx",), "index": ("okx", "deribit"), "options": ("deribit",)}
    assert list(brought) == sorted(brought)


def test_the_budgets_are_those_of_hosts_that_were_asked() -> None:
    asked, never = Budget(host="okx.com", requests=1), Budget(host="deribit.com", requests=0)
    market = Market(
        clock=Clock(),
        archive=NotingArchive(),  # type: ignore[arg-type]
        sources=(),
        playbook=playbook(),
        settings=MarketSettings(assets=("BTC",), history=HOUR),
        memory=DeskMemory(),
        budgets=lambda: (never, asked),
    )
    assert market.budgets() == (asked,)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────

KNOWN = Facts(
    asset="BTC",
    at=AT,
    known={"skew_60d_pct": Fact(name="skew_60d_pct", value=20.0, at=AT, venues=("deribit",), of_venues=1)},
)


TOLD_BY = (("skew_60d_pct", "deribit"), ("funding_annual_pct", "kraken"))


def test_words_are_in_the_profiles_language_and_in_english_where_there_is_none() -> None:
    market = market_on(NotingArchive())
    assert market.bank(Profile(locale="es")) is playbook().banks["es"]
    assert market.bank(Profile(locale="xx")) is market.bank(Profile()) is playbook().banks["en"]
    titles = [market.say("error", "title", KNOWN, Profile(locale=name)).text for name in ("en", "es", "xx")]
    assert titles[0] == titles[2] != titles[1]
    labels = [market.figure("skew_60d_pct", KNOWN, Profile(locale=name)).label for name in ("en", "es")]
    assert labels[0] != labels[1]
    feet = [market.footer(KNOWN, Profile(locale=name)) for name in ("en", "es")]
    assert feet[0] != feet[1]
    heard = {
        name: replace(KNOWN.known["skew_60d_pct"], name=name, venues=(venue,)) for name, venue in TOLD_BY
    }
    both = replace(KNOWN, known=heard)
    alone = market.footer(both, Profile(), of=["skew_60d_pct"])
    assert ("Deribit" in alone, "Kraken" in alone) == (True, False)
    assert "Kraken" in market.footer(both, Profile())


def test_what_is_said_bears_the_names_that_it_was_given() -> None:
    why = Origin(kind="input", ref="typed", value="nobody knows 'doge'")
    said = market_on(NotingArchive()).say("error", "input", KNOWN, Profile(), {"reason": why})
    assert "nobody knows 'doge'" in said.text


def test_a_figure_is_a_label_with_its_value() -> None:
    shown = market_on(NotingArchive()).figure("skew_60d_pct", KNOWN, Profile())
    assert shown.text == "20%"
    assert [span.origin.ref for span in shown.spans] == ["skew_60d_pct"]
    assert market_on(NotingArchive()).figure("dvol", KNOWN, Profile()).text != shown.text


def test_input_that_cannot_be_taken_is_answered_privately_with_its_reason() -> None:
    market = market_on(NotingArchive(), assets=("BTC",))
    error = InputError(reason("unknown_asset", typed="doge", known="BTC"))
    english, spanish = (market.refuse(error, Profile(locale=locale)) for locale in ("en", "es"))
    for answer, profile in ((english, Profile()), (spanish, Profile(locale="es"))):
        value = in_words(str(error), market.bank(profile).words)
        why = Origin(kind="input", ref="typed", value=value)
        said = market.say("error", "input", KNOWN, profile, {"reason": why})
        title = market.say("error", "title", KNOWN, profile)
        assert said.phrase_ids
        assert title.phrase_ids
        assert (answer.title, answer.body) == (title.text, said.text)
        assert (answer.title_spans, answer.body_spans) == (title.spans, said.spans)
        assert answer.private
        assert "doge" in answer.body
    assert english.body != spanish.body


async def test_a_value_is_said_by_the_profiles_usual_range_and_an_old_one_with_its_age() -> None:
    clock = Clock()
    market = market_on(NotingArchive(*FEARFUL), clock)
    it = Origin(kind="fact", ref="skew_60d_pct", value=20.0)

    async def said(profile: Profile) -> str:
        return market.say("answer", "skew", await market.facts("BTC"), profile, {"it": it}).text

    usual, own = await said(Profile()), await said(WIDE)
    assert "30%" in own
    assert "30%" not in usual
    clock.at = AT + timedelta(days=2)
    old = await said(Profile())
    assert "2 days" in old or "6 February" in old


class Tellings:
    """Remembers tellings, and how often it was told to."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, KnownTellings]] = []

    async def load(self, asset: str) -> KnownTellings:
        return next((tellings for name, tellings in reversed(self.kept) if name == asset), KnownTellings())

    async def keep(self, asset: str, tellings: KnownTellings) -> None:
        self.kept.append((asset, tellings))


async def test_what_venues_told_is_remembered_over_a_restart_and_kept_only_where_it_changed() -> None:
    store, tellings = (
        Tellings(),
        KnownTellings(contracts={"okx futures": KnownContracts(at=AT, amounts={"swap": 5.0})}),
    )
    market = market_on(NotingArchive(), stores=MarketStores(tellings=store))
    before = await market.history("BTC")
    await market.keep_history("BTC", before.knowing(tellings))
    await market.keep_history("BTC", before.knowing(tellings))
    assert store.kept == [("BTC", tellings)]
    started_again = market_on(NotingArchive(), stores=MarketStores(tellings=store))
    assert (await started_again.history("BTC")).tellings == tellings


# ── the record ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ranges", [{}, WIDE.ranges])
async def test_the_calls_of_a_language_that_nobody_is_told_in_are_those_of_its_ranges(ranges: Ranges) -> None:
    archive = NotingArchive()
    archive.states.called = {
        "en/short/": [Call(at=AT, stance="bullish", rules="a")],
        Profile(ranges=ranges).id: [Call(at=AT - HOUR, stance="bearish", rules="a")],
    }
    market = market_on(archive)
    for profile, stance in (
        (Profile(locale="en", length="short"), "bullish"),
        (Profile(locale="es", length="article", ranges=ranges), "bearish"),
        (Profile(ranges=ranges), "bearish"),
    ):
        (call,) = await market.calls("BTC", AT - HOUR, profile, until=AT)
        assert call.stance == stance
    assert set(archive.asked("calls")) == {("calls", "BTC", AT - HOUR, AT)}
