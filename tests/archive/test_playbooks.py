"""Editions of the playbook, kept by their hash; what a post stood on; and each change of stance with the
rules that made it."""

from datetime import timedelta

from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.domain.catalog import Catalog
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.rulebook import ConfidenceTable, Notify, RuleBook
from tests.archive.make import NOON, decision, post, snapshot, state, subscription

BOOK = RuleBook(
    rules={},
    ladders={},
    families={},
    stances=(),
    hold=timedelta(hours=6),
    hash="rules-one",
    confidence=ConfidenceTable(
        high=0.3, medium=0.2, coverage_high=0.9, coverage_medium=0.75, neutral_band=0.15
    ),
    notify=Notify(cooldown=timedelta(1), repeat=timedelta(1), per_hour=2, per_day=4),
)
ONE = Playbook(
    catalog=Catalog(metrics={}), rules=BOOK, banks={}, hash="c0ffee", texts={"rules/basis.toml": "± 5-10%"}
)
HOUR = timedelta(hours=1)


async def test_the_files_of_an_edition_are_kept_once_and_come_back_as_they_were(archive: SqlArchive) -> None:
    await archive.playbooks.keep(ONE, NOON)
    await archive.playbooks.keep(replace(ONE, texts={"rules/basis.toml": "another"}), NOON + HOUR)
    assert await archive.playbooks.files("c0ffee") == {"rules/basis.toml": "± 5-10%"}
    assert await archive.playbooks.files("beef") == {}


async def test_what_a_post_stood_on_comes_back_exactly(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    first = decision(NOON)
    await archive.commit("BTC", Profile(), first, snapshot(NOON))
    second = replace(decision(NOON + HOUR, posts=(post(at=NOON + HOUR),)), state=state(NOON + HOUR))
    await archive.commit("BTC", Profile(), second, snapshot(NOON + HOUR))
    occasion = await archive.posts.inputs("abcd1234")
    assert occasion is not None
    assert occasion.facts.known == second.facts.known
    assert occasion.facts.unknown == second.facts.unknown
    assert occasion.state == replace(first.state, routes=())
    assert (occasion.profile, occasion.verdict, occasion.playbook_hash) == (
        Profile(),
        second.verdict,
        "c0ffee",
    )
    assert await archive.posts.inputs("nothing1") is None


async def test_calls_are_the_changes_of_stance_and_of_the_rules(archive: SqlArchive) -> None:
    await archive.playbooks.keep(ONE, NOON)
    await archive.playbooks.keep(replace(ONE, hash="words", texts={}), NOON)
    told = [
        ("neutral", "c0ffee"),
        ("neutral", "c0ffee"),
        ("bearish", "c0ffee"),
        ("bearish", "words"),
        ("bearish", "lost"),
    ]
    for hour, (stance, edition) in enumerate(told):
        made = replace(decision(NOON + hour * HOUR, stance=stance), playbook_hash=edition)  # type: ignore[arg-type]
        await archive.commit("BTC", Profile(), made, snapshot(NOON + hour * HOUR))
    calls = await archive.states.calls("BTC", NOON)
    assert [(call.at - NOON, call.stance, call.rules) for call in calls] == [
        (0 * HOUR, "neutral", "rules-one"),
        (2 * HOUR, "bearish", "rules-one"),
        (4 * HOUR, "bearish", "lost"),
    ]


async def test_a_past_that_ends_at_a_time_holds_nothing_later(archive: SqlArchive) -> None:
    for hour in range(60):
        await archive.commit("BTC", Profile(), decision(NOON + hour * HOUR), snapshot(NOON + hour * HOUR))
    until = NOON + 30 * HOUR
    found = next(one for one in await archive.points.series("BTC", NOON, until) if one.venue is None)
    assert len(found.at_ms) == 31
    assert found.at_ms[-1] == int(until.timestamp() * 1000)
