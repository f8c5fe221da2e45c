"""Personal watches: what is typed, when a watch is told and armed again, and what it says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.facts import Fact, Facts, Trail, TrailPoint
from bot.domain.judgement import Verdict
from bot.domain.posts import Decision, State, Watch
from bot.errors import InputError
from bot.metrics import CATALOG
from bot.notices.watches import Watching, judge_watch, line_of, make_watch, with_watches
from bot.playbook import read_playbook
from tests.said import refused

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAYBOOK = read_playbook()
BANK = PLAYBOOK.banks["en"]
MANNER = Watching(most=5, margin_pct=5, rest=timedelta(hours=6))


def facts(
    value: float | None, at: datetime = AT, *, bound: bool = False, name: str = "skew_60d_pct"
) -> Facts:
    fact = (
        None
        if value is None
        else Fact(name=name, value=value, at=at, venues=("deribit",), of_venues=1, lower_bound=bound)
    )
    return Facts(
        asset="BTC",
        at=at,
        known={name: fact} if fact else {},
        unknown={} if fact else {name: "deribit: silent"},
    )


def watch(
    line: float = 20.0, side: Any = "above", now: float | None = 10.0, fact: str = "skew_60d_pct"
) -> Watch:
    return make_watch(
        reader="discord:6001",
        channel="discord:dm:6001",
        asset="BTC",
        fact=fact,
        side=side,
        line=line,
        facts=facts(now, name=fact),
        at=AT,
        locale="en",
        manner=MANNER,
    )


def decision(known: Facts) -> Decision:
    verdict = Verdict(
        asset="BTC",
        at=known.at,
        stance="bearish",
        confidence="high",
        score=(-0.6, -0.4),
        coverage=0.9,
        families={},
        votes={},
        findings=(),
    )
    return Decision(points=(), facts=known, state=State(), verdict=verdict, posts=())


def followed(one: Watch, *values: float | None, step: timedelta = HOUR) -> list[bool]:
    """At which of some hourly values the watch is told."""
    told = []
    for number, value in enumerate(values):
        after = judge_watch(one, facts(value, AT + number * step), BANK, MANNER)
        told.append(one.armed and not after.armed)
        one = after
    return told


# ── what is typed ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "name", "line"),
    [
        ("20", "skew_60d_pct", 20.0),
        ("20%", "skew_60d_pct", 20.0),
        (" -1.5 % ", "skew_60d_pct", -1.5),
        ("−3", "skew_60d_pct", -3.0),
        ("$60,000", "spot_usd", 60_000.0),
        ("60k", "spot_usd", 60_000.0),
        ("$35.8 billion", "open_interest_usd", 35.8e9),
        ("2b", "open_interest_usd", 2e9),
        ("+.5", "skew_60d_pct", 0.5),
        ("97%", "skew_60d_pct.percentile_90d", 97.0),
        ("-5 points", "skew_60d_pct.change_24h", -5.0),
        ("-0", "skew_60d_pct", 0.0),
    ],
)
def test_a_line_is_read_in_the_facts_own_unit(typed: str, name: str, line: float) -> None:
    assert line_of(typed, name, CATALOG) == line


@pytest.mark.parametrize(
    ("typed", "name", "why"),
    [
        ("18,5", "skew_60d_pct", "a number such as"),
        ("", "skew_60d_pct", "a number"),
        ("nan", "skew_60d_pct", "a number"),
        ("1e9", "skew_60d_pct", "is in %"),
        ("20k", "skew_60d_pct", "is in %"),
        ("$20", "skew_60d_pct", "is in %"),
        ("20%", "spot_usd", "is in USD"),
        ("5000", "skew_60d_pct", "outside"),
        ("1" * 40, "spot_usd", "a number"),
        ("٣", "skew_60d_pct.change_24h_pct", "exists only for amounts"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_what_would_be_right(
    typed: str, name: str, why: str
) -> None:
    with refused(InputError, match=why):
        line_of(typed, name, CATALOG)


@given(st.text(max_size=60), st.sampled_from(sorted(CATALOG.metrics)))
def test_whatever_is_typed_is_a_line_within_the_plausible_range_or_refused(typed: str, name: str) -> None:
    try:
        line = line_of(typed, name, CATALOG)
    except InputError:
        return
    low, high = CATALOG.metrics[name].valid
    assert low <= line <= high


# ── when it is told ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_told_once_when_the_line_is_crossed_and_again_only_after_a_return() -> None:
    values = [19.0, 21.0, 25.0, 20.5, 19.5, 21.0, 18.9, 21.0]  # 19.5 is no return: the watch is armed at 19
    assert followed(watch(), *values) == [False, True, False, False, False, False, False, True]


def test_one_below_a_line_is_its_mirror() -> None:
    assert followed(watch(5.0, "below"), 6.0, 4.0, 5.2, 4.0, 5.5, 4.0, step=7 * HOUR) == [
        False,
        True,
        False,
        False,
        False,
        True,
    ]


def test_what_is_not_known_crosses_nothing_and_arms_nothing() -> None:
    assert followed(watch(), None, 21.0, None, 22.0) == [False, True, False, False]


def test_a_line_that_is_crossed_already_waits_for_a_return() -> None:
    there = watch(now=25.0)
    assert not there.armed
    assert there.clears == 19.0
    assert followed(there, 26.0, 18.5, 21.0) == [False, False, True]


def test_it_rests_however_often_the_line_is_crossed() -> None:
    zero = replace(watch(0.0, now=0.0), clears=0.0)
    told = followed(zero, *[1.0, -1.0] * 12)
    assert told.count(True) == 4
    assert told[0]


def test_a_crossing_that_nobody_could_see_in_the_rounded_number_is_not_told_yet() -> None:
    assert followed(watch(20.04), 20.045, 20.1) == [False, True]


def test_a_lower_bound_can_be_over_a_line_but_never_under_one() -> None:
    over, under = watch(20.0), watch(20.0, "below", now=25.0)
    assert not judge_watch(over, facts(21.0, bound=True), BANK, MANNER).armed
    assert judge_watch(under, facts(19.0, bound=True), BANK, MANNER).armed
    told = replace(over, armed=False)
    assert not judge_watch(told, facts(1.0, bound=True), BANK, MANNER).armed
    assert judge_watch(told, facts(1.0), BANK, MANNER).armed


@given(
    st.lists(st.floats(-30, 60, allow_nan=False), max_size=60),
    st.floats(-20, 40),
    st.sampled_from(["above", "below"]),
)
def test_between_two_tellings_the_value_was_always_back_behind_the_line(
    values: list[float], line: float, side: Any
) -> None:
    one = watch(line, side, now=None)
    seen: list[float] | None = None
    for number, value in enumerate(values):
        after = judge_watch(one, facts(value, AT + number * HOUR), BANK, MANNER)
        if one.armed and not after.armed:
            assert (value > line) if side == "above" else (value < line)
            assert seen is None or any(past <= line if side == "above" else past >= line for past in seen)
            seen = []
        elif seen is not None:
            seen.append(value)
        one = after


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_told_watch_is_a_post_whose_every_number_has_its_origin() -> None:
    told = with_watches(decision(facts(21.3)), [replace(watch(), id=7)], PLAYBOOK, MANNER)
    (post,) = told.posts
    assert post.channel == "discord:dm:6001"
    assert post.reason == "watch"
    assert len(post.nonce) <= 25
    first = post.story.paragraphs[0]
    assert "21.3%" in first.text
    assert "20%" in first.text
    assert {span.origin.kind for span in first.spans} >= {"fact", "setting"}
    assert "19%" in post.story.paragraphs[-1].text
    assert [one.armed for one in told.watches] == [False]
    assert post.story.footer is not None
    assert post.story.footer.text == "6 February 2026, 14:00 UTC · Deribit · not advice"


@pytest.mark.parametrize(("peak", "way"), [(31.0, " (high 31% on 3 February, 14:00 UTC)"), (22.0, "")])
def test_what_a_reading_was_a_week_ago_is_told_with_how_far_it_went_since(peak: float, way: str) -> None:
    then = Fact(name="skew_60d_pct.before_7d", value=8.0, at=AT, venues=("deribit",), of_venues=1)
    points = (TrailPoint(at=AT, value=21.3), TrailPoint(at=AT - timedelta(days=3), value=peak))
    trail = Trail(since=AT - timedelta(days=8), apart=timedelta(hours=6), highs=points, lows=points[:1])
    known = facts(21.3)
    known = replace(known, known={**known.known, then.name: then}, trails={"skew_60d_pct": trail})
    told = with_watches(decision(known), [replace(watch(), id=7)], PLAYBOOK, MANNER)
    (post,) = told.posts
    assert f"a week ago it was 8%{way}." in post.story.paragraphs[1].text


def test_the_same_poll_tells_the_same_post_byte_for_byte_and_another_reader_another_one() -> None:
    mine, other = replace(watch(), id=7), replace(watch(), id=8, channel="discord:dm:6002")
    first = with_watches(decision(facts(21.3)), [mine, other], PLAYBOOK, MANNER)
    assert first == with_watches(decision(facts(21.3)), [mine, other], PLAYBOOK, MANNER)
    assert len({post.id for post in first.posts}) == 2


def test_an_armed_again_watch_is_kept_and_says_nothing_and_a_blocked_one_is_left_alone() -> None:
    spent = replace(watch(), armed=False, told_at=AT - 9 * HOUR)
    after = with_watches(decision(facts(10.0)), [spent, replace(watch(), blocked_at=AT)], PLAYBOOK, MANNER)
    assert after.posts == ()
    assert [one.armed for one in after.watches] == [True]
    blocked = with_watches(decision(facts(30.0)), [replace(watch(), blocked_at=AT)], PLAYBOOK, MANNER)
    assert (blocked.posts, blocked.watches) == ((), ())


@pytest.mark.parametrize("name", sorted(CATALOG.metrics))
@pytest.mark.parametrize("side", ["above", "below"])
def test_every_metric_can_be_watched_and_is_told_in_words(name: str, side: Any) -> None:
    low, high = CATALOG.metrics[name].valid
    line = max(low, min(high, 10.0))
    value = line * 1.5 + 1 if side == "above" else line / 2 - 0.5
    one = replace(watch(line, side, now=None, fact=name), id=1)
    told = with_watches(decision(facts(value, name=name)), [one], PLAYBOOK, MANNER)
    assert [post.story.paragraphs[0].phrase_ids for post in told.posts] != [()]
    assert told.posts
