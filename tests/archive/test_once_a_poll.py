"""What the evaluations of one poll have in common is stored once and spelled once, and reads as if it were not."""

import pytest
from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.archive.once_a_poll import OnceAPoll
from bot.archive.schema import states
from bot.domain.posts import Profile, Route, State
from bot.errors import ArchiveError
from tests.archive.make import decision, point, post, snapshot, state, story, subscription

BTC = "BTC"
SPANISH = Profile(locale="es")


def test_points_of_a_poll_are_new_until_they_are_stored() -> None:
    once, heard, points = OnceAPoll(), snapshot(), (point(20.0), point(21.0))
    assert list(once.find_new(heard, points)) == list(points)
    once.note_stored(heard, points[:1])
    assert list(once.find_new(heard, points)) == [points[1]]
    assert list(once.find_new(snapshot(), points)) == list(points)  # of another poll, equal as it may be


def test_equal_points_that_are_others_are_new() -> None:
    once, heard = OnceAPoll(), snapshot()
    once.note_stored(heard, (point(20.0),))
    assert len(once.find_new(heard, (point(20.0),))) == 1


def test_the_evidence_of_a_second_profile_has_its_own_signals_and_the_same_facts() -> None:
    once, heard, first = OnceAPoll(), snapshot(), decision(posts=(post(),))
    other = replace(first, state=replace(first.state, signals={}))
    told = [once.encode_evidence(one, heard) for one in (first, other)]
    assert told == [OnceAPoll().encode_evidence(one, heard) for one in (first, other)]
    assert told[0] != told[1]


def test_facts_of_another_poll_are_spelled_anew() -> None:
    once, first = OnceAPoll(), decision(posts=(post(),))
    once.encode_evidence(first, snapshot())
    later = replace(first, facts=replace(first.facts, known={}))
    assert '"facts":{}' in once.encode_evidence(later, snapshot())


async def test_two_profiles_of_a_poll_leave_its_points_once_and_both_their_posts(archive: SqlArchive) -> None:
    heard, one = snapshot(), decision(posts=(post(),))
    await archive.commit(BTC, Profile(), one, heard)
    spanish = replace(one, posts=(replace(post(), id="efgh5678", channel="console:es"),))
    await archive.commit(BTC, SPANISH, spanish, heard)
    assert [told.value for told in await archive.points.latest(BTC)] == [20.0, 19.0]
    assert {told.id for told in await archive.posts.find()} == {"abcd1234", "efgh5678"}
    evidence = [await archive.posts.evidence(name) for name in ("abcd1234", "efgh5678")]
    assert evidence[0] == evidence[1]
    assert evidence[0]["points"]


async def test_what_a_failed_evaluation_did_not_store_the_next_one_does(
    archive: SqlArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, one = snapshot(), decision(posts=(post(),))
    with monkeypatch.context() as broken:

        async def refuse(*_: object) -> None:
            raise ArchiveError("the disk is full")

        broken.setattr(archive.outbox, "add", refuse)
        with pytest.raises(ArchiveError):
            await archive.commit(BTC, Profile(), one, heard)
    assert list(await archive.points.latest(BTC)) == []
    await archive.commit(BTC, SPANISH, one, heard)
    assert [told.value for told in await archive.points.latest(BTC)] == [20.0, 19.0]


async def test_a_polls_evaluations_committed_at_once_read_as_if_each_had_been_by_itself(
    archive: SqlArchive,
) -> None:
    console, preview = subscription(), subscription(channel="preview:es", profile=SPANISH)
    for wish in (console, preview):
        await archive.subscriptions.add(wish)
    routes = [
        (Route(channel=wish.channel, suppressed=place),) for place, wish in enumerate((console, preview))
    ]
    english = decision(
        posts=(post(), post("said0002", words=story(words="Puts are dear."))), routes=routes[0]
    )
    spanish = decision(posts=(post("dicho001", "preview:es", words=story(words="Dicho.")),), routes=routes[1])
    before = decision(posts=(post("antes001", "preview:es", words=story(words="Antes.")),))
    await archive.commit(BTC, SPANISH, before, snapshot())
    await archive.commit_all(BTC, ((Profile(), english), (SPANISH, spanish)), snapshot())
    state_of = await archive.states.load_all(BTC, (Profile(), SPANISH))
    for profile, kept in ((Profile(), routes[0]), (SPANISH, routes[1])):
        assert state_of(profile) == await archive.states.load(BTC, profile)
        assert state_of(profile).routes == kept
    told = await archive.posts.find(channel="preview:es")
    assert {one.id: one.story.paragraphs[0].text for one in told} == {
        "antes001": "Antes.",
        "dicho001": "Dicho.",
    }
    told = await archive.posts.find(channel="console:")
    assert {one.id: one.story.paragraphs[0].text for one in told} == {
        "abcd1234": "Puts cost 20% more.",
        "said0002": "Puts are dear.",
    }
    inputs = [await archive.posts.inputs(name) for name in ("abcd1234", "dicho001")]
    assert [one and one.profile for one in inputs] == [Profile(), SPANISH]


async def test_a_polls_evaluations_are_stored_all_or_none(
    archive: SqlArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise ArchiveError("the disk is full")

    monkeypatch.setattr(archive.outbox, "add", refuse)
    one = decision(posts=(post(),))
    with pytest.raises(ArchiveError):
        await archive.commit_all(BTC, ((Profile(), one), (SPANISH, decision())), snapshot())
    assert await archive.states.load(BTC, Profile()) == State()
    assert await archive.states.load(BTC, SPANISH) == State()


async def test_one_state_that_is_not_read_leaves_the_others(file_archive: SqlArchive) -> None:
    await file_archive.commit_all(BTC, ((Profile(), decision()), (SPANISH, decision())), snapshot())
    async with file_archive.database.write("a test") as connection:
        odd = states.update().where(states.c.profile == SPANISH.id).values(state='{"signals": 3}')
        await connection.execute(odd)
    state_of = await file_archive.states.load_all(BTC, (Profile(), SPANISH))
    assert state_of(Profile()) == state()
    with pytest.raises(ArchiveError, match="a shape that this version does not read"):
        state_of(SPANISH)
