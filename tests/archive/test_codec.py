"""Values to JSON and back, exactly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive.codec import decode, encode, plain
from bot.domain.judgement import Phase, Signal, Truth, Verdict
from bot.domain.posts import Profile, State
from bot.domain.story import Memory, RememberedPost, Story
from bot.errors import ArchiveError
from tests.archive.make import story, verdict

times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=12)
phases: list[Phase] = ["off", "pending", "on", "recovering", "unknown"]
truths: list[Truth] = ["true", "false", "unknown"]

signals = st.builds(
    Signal,
    rule=words,
    phase=st.sampled_from(phases),
    since=times,
    evaluated_at=times,
    observed_s=numbers,
    unknown_since=st.none() | times,
    held=st.booleans(),
    was_on_at=st.none() | times,
    announced=st.booleans(),
    truth=st.sampled_from(truths),
    changes=words,
    muted=st.booleans(),
)
told = st.builds(
    RememberedPost,
    at=times,
    stance=words,
    phrase_ids=st.lists(words, max_size=3).map(tuple),
    masked=words,
    findings=st.lists(words, max_size=3).map(tuple),
    figures=st.dictionaries(words, numbers, max_size=3),
    image=st.none() | words,
)
states = st.builds(
    State,
    signals=st.dictionaries(words, signals, max_size=3),
    memory=st.builds(Memory, told=st.lists(told, max_size=3).map(tuple)),
    stance=st.none() | words,
    stance_since=st.none() | times,
    venues=st.lists(words, max_size=3).map(tuple),
)


@given(states)
def test_a_state_comes_back_exactly(state: State) -> None:
    assert decode(encode(state), State, "state") == state


def test_a_story_comes_back_with_its_spans() -> None:
    assert decode(encode(story()), Story, "story") == story()


def test_a_verdict_comes_back_with_its_flips() -> None:
    assert decode(encode(verdict()), Verdict, "verdict") == verdict()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"locale": 3}', '{"length": "endless"}'])
def test_another_shape_is_refused_with_the_subject(text: str) -> None:
    with pytest.raises(ArchiveError, match=r"profile of discord:1"):
        decode(text, Profile, "profile of discord:1")


def test_plain_values_are_ready_for_json() -> None:
    assert plain({"at": datetime(2026, 2, 6, tzinfo=UTC), "of": ("a", 1.5, None)}) == {
        "at": "2026-02-06T00:00:00Z",
        "of": ["a", 1.5, None],
    }
