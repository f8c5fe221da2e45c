"""The brain: what was heard and known becomes what to store and what to say, by values alone."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from bot.decide import (
    PollJudgements,
    _counted_anew,
    decide,
    digest_of,
    iterate_past,
    observe_with_pasts,
    post_for,
    post_id,
    recall_state,
    signals_still_valid,
    tell,
)
from bot.domain.facts import ESTIMATES, Point
from bot.domain.judgement import Course, Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Profile, Route, State
from bot.domain.readings import Snapshot
from bot.domain.rulebook import UsualRange
from bot.domain.story import Memory
from bot.domain.tellings import KnownTellings
from bot.metrics import History, Observed, balance_points, observe, with_balance
from bot.metrics.flow import tally_blocks
from bot.playbook import read_playbook
from bot.rules import Replay
from tests.desk.parts import column
from tests.metrics.market import spot
from tests.metrics.test_flow import trades
from tests.rules.make import ARTICLE, CALM, HOUR, NOON, facts

MINUTE = timedelta(minutes=1)
BEFORE = NOON - 5 * MINUTE
CALM_ROUTE = Route(channel="discord:1", last_stance="neutral", last_severity="info")
WIDE = Profile(ranges={"skew-60d": UsualRange(since=date(2020, 1, 1), low=-30, high=30, source="own")})


@cache
def playbook() -> Playbook:
    """The real rules and words."""
    return read_playbook()


def heard_of(*venues: str) -> Snapshot:
    """A moment in which these venues spoke."""
    return Snapshot(
        asset="BTC", taken_at=NOON, readings=tuple(spot(71_500.0, venue=venue) for venue in venues)
    )


def decided(
    values: Mapping[str, float],
    *routes: Route,
    state: State | None = None,
    profile: Profile | None = None,
    snapshot: Snapshot | None = None,
    book: Playbook | None = None,
    observed: Observed | None = None,
    judged: PollJudgements | None = None,
) -> Decision:
    """The decision on a market of these values, which have stood for the two days before it; a calm was before them."""
    given = state or State()
    if given.course is None:
        signals, course = days_of(tuple(sorted(values.items())))
        given = replace(given, signals=given.signals or signals, course=course)
    return decide(
        snapshot or heard_of("deribit"),
        History("BTC"),
        replace(given, routes=routes),
        book or playbook(),
        profile or Profile(),
        observed=observed or Observed(points=(), facts=facts(values)),
        judged=judged,
    )


@cache
def days_of(values: tuple[tuple[str, float], ...]) -> tuple[Mapping[str, Signal], Course | None]:
    """What is remembered after two days of calm and two of these values, an hour before noon."""
    following = Replay(playbook().rules, asset="BTC")
    for hour in range(96, 0, -1):
        following.judge(dict(values) if hour < 48 else CALM, NOON - hour * HOUR)
    return following.signals(), following.course


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(post.channel, post.reason) for post in decision.posts]


def held(*rules: str) -> dict[str, Signal]:
    """These rules, on since three hours."""
    return {
        name: Signal(rule=name, phase="on", since=BEFORE - 3 * HOUR, evaluated_at=BEFORE, truth="true")
        for name in rules
    }


# ── who is told ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_channel_hears_of_an_edge_and_one_whose_slot_has_come_gets_its_post_whatever_the_market() -> None:
    due = Route(channel="discord:2", due_at=NOON - 5 * MINUTE)
    asleep = replace(CALM_ROUTE, channel="discord:3", snoozed_until=NOON + HOUR)
    awake = replace(CALM_ROUTE, channel="discord:4", snoozed_until=NOON)
    assert told(decided(ARTICLE, CALM_ROUTE, due, asleep, awake)) == [
        ("discord:1", "changed stance"),
        ("discord:2", "scheduled"),
        ("discord:4", "changed stance"),
    ]
    assert told(decided(CALM, CALM_ROUTE, due)) == [("discord:2", "scheduled")]


def test_each_route_is_remembered_as_it_was_told() -> None:
    due = Route(channel="discord:2", due_at=NOON, late=True)
    asleep = replace(CALM_ROUTE, channel="discord:3", snoozed_until=NOON + HOUR)
    after = {route.channel: route for route in decided(ARTICLE, CALM_ROUTE, due, asleep).state.routes}
    assert list(after) == ["discord:1", "discord:2", "discord:3"]
    assert [after[name].last_stance for name in after] == ["bearish", "bearish", "neutral"]
    assert [after[name].alerted_at for name in after] == [(NOON,), (NOON,), ()]
    assert [after[name].suppressed for name in after] == [0, 0, 1]
    assert [after[name].due_at for name in after] == [None, None, None]


@pytest.mark.parametrize(
    ("before", "now", "back"),
    [
        (("deribit", "okx"), ("deribit",), True),
        (("deribit",), ("deribit", "okx"), False),
        (("deribit",), ("okx",), True),
        (("deribit", "okx"), ("deribit", "okx"), False),
        ((), ("deribit",), False),
    ],
)
def test_an_edge_waits_where_a_venue_was_lost_with_it_and_not_where_one_was_won(
    before: tuple[str, ...], now: tuple[str, ...], back: bool
) -> None:
    decision = decided(ARTICLE, CALM_ROUTE, state=State(venues=before), snapshot=heard_of(*now))
    assert (decision.posts == ()) is back
    assert (decision.state.routes[0].held_until is not None) is back


# ── what a post is ──────────────────────────────────────────────────────────────────────────────────────────


def test_posts_of_one_occasion_share_a_story_and_an_id_and_no_channel_shares_a_nonce() -> None:
    due = [Route(channel=f"discord:{number}", due_at=NOON - MINUTE) for number in (1, 2)]
    first, second = decided(ARTICLE, *due).posts
    assert (first.channel, second.channel) == ("discord:1", "discord:2")
    assert first.story is second.story
    assert first.id == second.id == post_id("BTC", Profile(), NOON - MINUTE, "scheduled")
    assert first.nonce != second.nonce
    assert first.asset == "BTC"


def test_a_post_is_meant_for_its_slot_or_for_now_and_late_where_its_slot_is() -> None:
    decision = decided(
        ARTICLE,
        Route(channel="discord:1", due_at=NOON - HOUR, late=True),
        Route(channel="discord:2", due_at=NOON),
        CALM_ROUTE,
    )
    assert [(post.intended_at, post.late) for post in decision.posts] == [
        (NOON - HOUR, True),
        (NOON, False),
        (NOON, False),
    ]


def test_names_stay_what_they_were_so_that_no_update_makes_a_post_twice() -> None:
    """They are stored: with another name a post that went out before the update would go out again."""
    story = tell(decided(CALM).verdict, facts(CALM), playbook(), Profile(), Memory(), NOON)
    post = post_for(story, CALM_ROUTE, "scheduled", Profile(), NOON)
    assert (post.id, post.nonce) == ("6xobq6de", "aefywnfdymfdnul57cnkdqgy")
    assert len(post.nonce) <= 25  # Discord's limit
    assert post.story is story


def test_another_occasion_has_another_name() -> None:
    names = {
        post_id("BTC", Profile(), NOON, "scheduled"),
        post_id("ETH", Profile(), NOON, "scheduled"),
        post_id("BTC", Profile(locale="es"), NOON, "scheduled"),
        post_id("BTC", Profile(), NOON + MINUTE, "scheduled"),
        post_id("BTC", Profile(), NOON, "first"),
    }
    assert len(names) == 5
    assert {len(name) for name in names} == {8}
    assert digest_of("ab", "c") != digest_of("a", "bc")


def test_a_story_is_in_the_profiles_language_and_length() -> None:
    due = Route(channel="discord:1", due_at=NOON)
    english, spanish = (
        decided(ARTICLE, due, profile=profile).posts[0].story
        for profile in (Profile(), Profile(locale="es", length="short"))
    )
    assert (english.locale, english.length, english.at) == ("en", "embed", NOON)
    assert (spanish.locale, spanish.length, spanish.at) == ("es", "short", NOON)
    assert english.body != spanish.body


def test_a_story_stands_on_the_market_and_does_not_repeat_what_was_said() -> None:
    due = Route(channel="discord:1", due_at=NOON)
    first = decided(ARTICLE, due)
    story = first.posts[0].story
    assert 20.0 in {span.origin.value for span in story.spans if span.origin.ref == "skew_60d_pct"}
    again = decided(ARTICLE, due, state=first.state).posts[0].story
    assert story.headline is not None
    assert again.headline is not None
    assert story.headline.text != again.headline.text


# ── what is judged ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_would_change_the_verdict_is_worked_out_where_it_is_told_and_only_there() -> None:
    quiet, loud = decided(ARTICLE), decided(ARTICLE, CALM_ROUTE)
    assert quiet.posts == ()
    assert exits(quiet) == set()
    assert exits(loud)


def exits(decision: Decision) -> set[float]:
    """Where the skew would have to go for another verdict, or for the end of a finding."""
    return {move.end for flip in decision.verdict.flips for move in flip.moves}


def test_it_is_judged_and_told_by_the_profiles_own_ranges() -> None:
    own = Profile(ranges={"skew-60d": UsualRange(since=date(2020, 1, 1), low=-15, high=13, source="own")})
    usual, moved = (decided(ARTICLE, CALM_ROUTE, profile=profile) for profile in (Profile(), own))
    _, course = days_of(tuple(sorted(ARTICLE.items())))
    wide = decided(ARTICLE, CALM_ROUTE, profile=WIDE, state=State(course=course))
    findings = [{one.rule for one in decision.verdict.findings} for decision in (usual, moved, wide)]
    assert ["skew-fear" in rules for rules in findings] == [True, True, False]
    assert exits(usual) != exits(moved)


def test_profiles_of_a_poll_with_the_same_ranges_and_memory_are_judged_once_and_decided_as_each_by_itself() -> (
    None
):
    due, seen = Route(channel="discord:1", due_at=NOON), Observed(points=(), facts=facts(ARTICLE))
    judged, spanish = PollJudgements(), Profile(locale="es", length="short")
    profiles = Profile(), spanish, WIDE, replace(WIDE, locale="es")
    made = [decided(ARTICLE, due, profile=one, observed=seen, judged=judged) for one in profiles]
    assert made == [decided(ARTICLE, due, profile=one, observed=seen) for one in profiles]
    english, other, wide, wide_too = made
    assert english.verdict is other.verdict
    assert english.facts is other.facts  # with the balance, as the points that are stored with it
    assert all(a is b for a, b in zip(english.points, other.points, strict=True))
    assert wide.verdict is wide_too.verdict
    assert wide.verdict != english.verdict
    later = replace(english.state, stance=None)
    again = decided(ARTICLE, due, state=later, profile=spanish, observed=seen, judged=judged)
    assert again == decided(ARTICLE, due, state=later, profile=spanish, observed=seen)
    assert again.verdict is not english.verdict


def test_the_rules_go_on_from_where_they_were() -> None:
    """11% of skew: too little for fear that is off (12), enough for one that is on (10.5)."""
    values = {**CALM, "skew_60d_pct": 11.0}
    assert decided(values).state.signals["skew-fear"].phase == "off"
    known = decided(values, state=State(signals=held("skew-fear"), editions=playbook().editions))
    assert known.state.signals["skew-fear"].phase == "on"


def test_a_changed_rule_starts_at_unknown_and_an_unchanged_one_keeps_its_state() -> None:
    same, other = sorted(playbook().rules.rules)[:2]
    state = State(signals=held(same, other), editions=playbook().editions)
    changed = replace(playbook(), editions={**playbook().editions, other: "another"}, hash="another")
    before, after = decided({}, state=state), decided({}, state=state, book=changed)
    assert (before.state.signals[same].phase, before.state.signals[other].phase) == ("on", "on")
    assert after.state.signals[same] == before.state.signals[same]
    assert after.state.signals[other].phase == "unknown"
    assert after.state.editions == changed.editions
    assert (before.playbook_hash, after.playbook_hash) == (playbook().hash, "another")


def test_a_signal_counts_unless_both_editions_are_known_and_are_not_the_same() -> None:
    book = replace(playbook(), editions={"a": "1", "b": "1", "c": "1"})
    state = State(signals=held("a", "b", "c", "d", "e"), editions={"a": "1", "b": "2", "d": "1"})
    assert list(signals_still_valid(state, book)) == ["a", "c", "d", "e"]


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_stance_and_its_beginning_are_remembered_and_the_venues_each_once_by_name() -> None:
    earlier = NOON - 30 * HOUR
    state = State(stance="bearish", stance_since=earlier)
    goes_on = decided(ARTICLE, state=state, snapshot=heard_of("okx", "deribit", "okx"))
    assert (goes_on.state.stance, goes_on.state.stance_since) == ("bearish", earlier)
    assert goes_on.state.venues == ("deribit", "okx")
    turned = decided(CALM, state=state)
    assert (turned.state.stance, turned.state.stance_since) == (turned.verdict.stance, NOON)
    assert turned.verdict.stance != "bearish"


def test_only_what_was_told_is_remembered_as_told() -> None:
    assert decided(ARTICLE).state.memory == Memory()
    [told_once] = decided(ARTICLE, CALM_ROUTE).state.memory.told
    assert told_once.at == NOON
    assert told_once.stance == "bearish"
    known = decided(ARTICLE, CALM_ROUTE).state
    assert decided(ARTICLE, state=known).state.memory == known.memory


def test_what_was_measured_is_stored_and_judged_and_measuring_it_before_changes_nothing() -> None:
    snapshot, past = heard_of("deribit"), History("BTC")
    seen = observe_with_pasts(snapshot, past, playbook())
    given = decide(snapshot, past, State(), playbook(), Profile(), observed=seen)
    own = decide(snapshot, past, State(), playbook(), Profile())
    assert set(seen.points) <= set(given.points)
    assert given.facts.value("spot_usd") == 71_500.0
    assert given.facts.get("treasury_cost_usd") is not None
    assert own.points == given.points
    assert values_of(own, given.facts.known) == values_of(given, given.facts.known)
    assert own.verdict == given.verdict


def values_of(decision: Decision, names: Iterable[str]) -> dict[str, float | None]:
    return {name: decision.facts.value(name) for name in names}


def test_measuring_uses_the_past() -> None:
    past = observe(heard_of("deribit"), History("BTC"), playbook().catalog).history
    assert past is not None
    tomorrow = NOON + 24 * HOUR
    later = Snapshot(asset="BTC", taken_at=tomorrow, readings=(spot(78_650.0, at=tomorrow),))
    decision = decide(later, past, State(), playbook(), Profile())
    assert decision.facts.value("spot_usd.change_24h_pct") == pytest.approx(10.0)


def test_the_same_arguments_give_the_same_decision() -> None:
    first, second = (decided(ARTICLE, CALM_ROUTE, Route(channel="preview:", due_at=NOON)) for _ in range(2))
    assert first.posts == second.posts
    assert first.state == second.state
    assert first.verdict == second.verdict


def test_the_balance_is_stored_with_its_families_and_is_a_fact_like_any_other() -> None:
    seen = observe(heard_of("deribit"), History("BTC"), playbook().catalog)
    yesterday = balance_points("BTC", NOON - 24 * HOUR, {"basis": -6.0, "options": -12.0, "price": 4.0}, 7)
    before = replace(seen, history=History("BTC").extend(yesterday))
    told = with_balance(
        before, balance_points("BTC", NOON, {"basis": -18.0, "options": -24.0}, 7), playbook().catalog
    )
    stored = {point.venue: point.value for point in told.points if point.metric == "balance"}
    assert stored == {None: -42.0, "basis": -18.0, "options": -24.0}
    assert told.facts.value("balance") == -42.0
    assert (
        told.facts.value("balance.change_24h") == -24.0
    )  # like for like: the price is not known at both ends


def skewed(hours: Iterable[int]) -> History:
    """A past in which puts were dear at these hours before noon, as polls heard it."""
    return History.of("BTC", [column("skew_60d_pct", {NOON - hour * HOUR: 20.0 for hour in sorted(hours)})])


def test_a_past_is_followed_to_its_end_over_hours_in_which_nothing_was_heard() -> None:
    whole, silent = set(range(1, 29 * 24)), set(range(200, 224))
    steps = [
        len(list(iterate_past(skewed(hours), playbook(), facts(ARTICLE), {})))
        for hours in (whole, whole - silent)
    ]
    assert steps[0] - steps[1] == len(silent)


def test_a_past_is_followed_by_the_profiles_own_ranges() -> None:
    history = skewed(range(1, 29 * 24))
    phases = [
        recall_state(State(), playbook(), history, facts(ARTICLE), ranges)[0]["skew-fear"].phase
        for ranges in ({}, WIDE.ranges)
    ]
    assert phases == ["on", "off"]


def test_a_venue_whose_sums_began_anew_since_the_last_post_is_named_by_what_it_counts_in() -> None:
    kind = "futures"
    counts = {name for name, one in playbook().catalog.metrics.items() if one.counts == kind}
    assert counts
    post = replace(decided(ARTICLE, CALM_ROUTE).state.memory.told[0], at=NOON - HOUR)
    told_by = replace(post, venues=dict.fromkeys(counts, ("okx", "bybit")))
    memory = Memory(told=(told_by,))

    def anew(
        *breaks: timedelta, of: str = kind, remembered: Memory = memory
    ) -> Mapping[str, tuple[str, ...]]:
        tellings = KnownTellings(breaks={f"okx {of}": tuple(NOON - ago for ago in breaks)})
        found = _counted_anew(remembered, History("BTC", tellings=tellings), playbook(), NOON)
        return {name: venues for name, venues in found.items() if venues}

    assert anew(HOUR / 2) == dict.fromkeys(counts, ("okx",))
    assert anew(2 * HOUR) == anew(HOUR / 2, of="gold") == anew(HOUR / 2, remembered=Memory()) == {}
    silent = Memory(told=(replace(post, venues={}),))
    assert anew(HOUR / 2, remembered=silent) == {}


@pytest.mark.parametrize(("coins", "said"), [(2_000.0, True), (500.0, False)])
def test_a_daily_post_tells_of_the_days_blocks_only_where_they_are_more_than_almost_all_of_their_past(
    coins: float, said: bool
) -> None:
    chance = np.random.default_rng(20260206)
    midnight = NOON.replace(hour=0)
    past = History.empty("BTC").extend(
        Point(
            metric="option_blocks_24h_usd",
            asset="BTC",
            at=midnight - timedelta(days=days),
            value=float(chance.lognormal(17.5, 0.5)),  # 40 million dollars a day in the middle
            venue=ESTIMATES,
            covers_s=86_400,
        )
        for days in range(1, 90)
    )
    day = {"is_block": True, "package": "B", "index_usd": 71_500.0}
    at_ms = round(NOON.timestamp() * 1000)
    heard = trades(
        {**day, "coins": coins, "premium_usd": 1_500.0},
        {**day, "coins": 10.0, "premium_usd": 2_000.0, "is_buy": False},
    )
    tally = tally_blocks(replace(heard, since_ms=at_ms - 86_400_000, until_ms=at_ms))
    assert tally is not None
    snapshot = heard_of("deribit")
    snapshot = replace(snapshot, readings=(*snapshot.readings, tally))
    signals, course = days_of(tuple(sorted(CALM.items())))
    state = State(signals=signals, course=course, routes=(replace(CALM_ROUTE, due_at=NOON),))
    decision = decide(snapshot, past, state, playbook(), Profile())
    [post] = decision.posts
    assert not post.story.plain
    assert ("blocks" in post.story.body.lower()) is said
    if said:  # 2,010 coins at 71,500; 2,000 x 1,500 - 10 x 2,000
        assert "$144 million" in post.story.body
        assert "$2.98 million" in post.story.body
        assert "the last 90 days" in post.story.body


def test_a_market_whose_sums_began_anew_is_decided_on_and_told_with_it() -> None:
    memory = decided(ARTICLE, CALM_ROUTE).state.memory
    counts = {name: ("okx",) for name, one in playbook().catalog.metrics.items() if one.counts == "futures"}
    memory = Memory(told=(replace(memory.told[0], at=NOON - HOUR, venues=counts),))
    history = History("BTC", tellings=KnownTellings(breaks={"okx futures": (NOON - HOUR / 2,)}))
    decision = decide(heard_of("okx"), history, State(memory=memory), playbook(), Profile())
    assert decision.facts.value("spot_usd") == 71_500.0


def test_a_past_is_followed_as_its_own_assets() -> None:
    def phase(asset: str) -> str:
        series = column(
            "skew_60d_pct", {NOON - hour * HOUR: 20.0 for hour in range(29 * 24, 0, -1)}, asset=asset
        )
        given = replace(facts(ARTICLE), asset=asset)
        return recall_state(State(), playbook(), History.of(asset, [series]), given, {})[0]["skew-fear"].phase

    assert (phase("BTC"), phase("SOL")) == ("on", "off")  # Bitcoin's published range is not everybody's


def test_a_market_is_measured_and_followed_beside_the_shipped_past_of_its_own_asset() -> None:
    rows = [row for row in playbook().rules.shipped if row.asset == "BTC" and row.fact == "skew_60d_pct"]
    assert rows

    def shipped_for(asset: str) -> Playbook:
        dated = (replace(row, asset=asset, since=date(2025, 1, 1), until=date(2026, 1, 1)) for row in rows)
        return replace(playbook(), rules=replace(playbook().rules, shipped=tuple(dated)))

    history = skewed(range(1, 29 * 24))

    def followed(asset: str) -> list[float]:
        *_, last = iterate_past(history, shipped_for(asset), facts(ARTICLE), {})
        assert last.course is not None
        return [sample.low for sample in last.course.samples]

    def measured(asset: str) -> int:
        pasts = observe_with_pasts(heard_of("deribit"), history, shipped_for(asset)).facts.pasts
        return (pasts or {})["skew_60d_pct"].days

    assert followed("BTC") != followed("ETH")
    assert measured("BTC") > measured("ETH") > 0
