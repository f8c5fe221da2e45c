"""`/why`: from a number in a post back to where it comes from."""

import pytest
from msgspec.structs import replace

from bot.commands.evidence import facts_of
from bot.domain.posts import Post
from bot.domain.story import Origin, Span, Story, Text
from tests.commands.conftest import AT

EVIDENCE = {
    "facts": {
        "skew_60d_pct": {
            "value": 20.04,
            "at": "2026-02-06T13:58:00Z",
            "venues": ["deribit"],
            "of_venues": 1,
            "lower_bound": False,
            "extreme_at": None,
        },
        "rebound_pct": {"value": 12.7, "at": "2026-02-06T13:58:00Z", "venues": [], "of_venues": 0},
    },
    "stale": {},
    "unknown": {"dvol": "nothing was heard of it yet"},
    "signals": {"skew-fear": {"phase": "on"}, "skew-calm": {"phase": "off"}},
}


def a_post() -> Post:
    text = "Skew is 20%, and the price is 12.7% over its low."
    spans = tuple(
        Span(
            start=text.index(part),
            end=text.index(part) + len(part),
            text=part,
            filter="pct",
            origin=Origin(kind="fact", ref=name, value=value),
        )
        for part, name, value in (("20%", "skew_60d_pct", 20.04), ("12.7%", "rebound_pct", 12.7))
    )
    story = Story(
        asset="BTC",
        at=AT,
        length="embed",
        locale="en",
        stance="bearish",
        headline=None,
        paragraphs=(Text(slot="evidence", about="skew-fear", text=text, spans=spans),),
    )
    return Post(
        id="abcd2345",
        channel="preview:",
        asset="BTC",
        reason="scheduled",
        story=story,
        nonce="n",
        intended_at=AT,
        sent_at=AT,
    )


@pytest.fixture
def told(archive):
    archive.posts.kept = [a_post(), replace(a_post(), id="other234", channel="discord:1")]
    archive.posts.judged = {"abcd2345": EVIDENCE}


async def test_each_number_leads_to_its_time_its_venues_and_its_formula(ask, told, figures_of):
    figures = figures_of(await ask("why", post="abcd2345"))
    assert figures["60-day put-call skew"].startswith(
        "20%, observed 6 February 2026, 13:58 UTC at deribit. (25-delta put IV"
    )
    assert figures["distance from the 30-day low"].startswith("12.7%, as of 6 February 2026, 13:58 UTC. ")


async def test_each_rule_that_was_on_shows_its_conditions_and_their_values(ask, told):
    body = (await ask("why", post="abcd2345")).body
    assert (
        "Very dear puts: 60-day put-call skew is 20%; the rule comes on at more than 12% and lets go at 10.5%."
        in body
    )


async def test_without_an_id_the_last_post_of_the_channel_is_meant(ask, told):
    assert "Post abcd2345" in (await ask("why")).body


async def test_a_post_that_is_not_there_is_refused(ask, told):
    answer = await ask("why", post="zzzz")
    assert answer.private
    assert "unknown post 'zzzz'" in answer.body


async def test_where_there_is_no_post_it_says_what_to_do(ask):
    answer = await ask("why")
    assert answer.private
    assert "/brief" in answer.body


def test_evidence_becomes_facts_again():
    facts = facts_of("BTC", AT, EVIDENCE)
    assert facts.known["skew_60d_pct"].value == 20.04
    assert facts.known["skew_60d_pct"].venues == ("deribit",)
    assert facts.why_unknown("dvol") == "nothing was heard of it yet"


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"facts": None},
        {"facts": {"skew_60d_pct": 3}},
        {"facts": {"skew_60d_pct": {"value": None, "at": "x"}}},
        {"facts": {"skew_60d_pct": {"value": 1.0, "at": "soon"}}},
    ],
)
def test_evidence_of_another_shape_gives_no_fact(evidence):
    assert not facts_of("BTC", AT, evidence).known


async def test_a_rule_on_the_own_past_and_one_that_asks_what_counts_are_told_too(ask, archive) -> None:
    """A rank is not kept with a post, and is no figure of the reading; nor is a range that nobody published."""
    signals = {name: {"phase": "on"} for name in ("skew-past-high", "basis-weak", "rebound-unconfirmed")}
    facts = {
        name: {"value": value, "at": "2026-02-06T13:58:00Z", "venues": [], "of_venues": 0}
        for name, value in (("skew_60d_pct", 20.04), ("rebound_pct", 12.7), ("basis_60d_pct", 2.0))
    }
    known = {**EVIDENCE, "facts": facts, "signals": signals}
    for asset in ("BTC", "SOL"):
        post = replace(a_post(), story=replace(a_post().story, asset=asset), asset=asset)
        archive.posts.kept, archive.posts.judged = [post], {"abcd2345": known}
        body = (await ask("why", post="abcd2345")).body
        assert "Here the reading is judged by its own past." in body
        assert "inf" not in body
        assert ("comes on at less than 5" in body) == (asset == "BTC")
