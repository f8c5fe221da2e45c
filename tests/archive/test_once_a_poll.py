"""What the evaluations of one poll have in common is stored once and spelled once, and reads as if it were not."""

import pytest
from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.archive.once_a_poll import OnceAPoll
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from tests.archive.make import decision, point, post, snapshot

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
