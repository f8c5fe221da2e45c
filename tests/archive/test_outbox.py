"""The outbox: each post once for its channel, whoever sends it."""

from datetime import timedelta

import pytest

from bot.archive import SqlArchive
from bot.domain.posts import Post, Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, post, snapshot, story

LATER = NOON + timedelta(seconds=5)


async def keep(archive: SqlArchive, *posts: Post) -> None:
    await archive.commit("BTC", Profile(), decision(posts=posts), snapshot())


async def test_a_sent_post_is_no_longer_unsent_and_knows_its_message(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.mark_sent("abcd1234", channel="console:", sent_at=LATER, message_id="77")

    assert await archive.unsent("console") == ()
    found = await archive.post("abcd1234")
    assert found is not None
    assert (found.sent_at, found.message_id) == (LATER, "77")


async def test_each_channel_of_a_post_is_sent_by_itself(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"), post(channel="preview:"))
    await archive.mark_sent("abcd1234", channel="discord:1", sent_at=LATER, message_id=None)

    assert [left.channel for left in await archive.unsent("discord")] == ["discord:2"]
    assert [left.channel for left in await archive.unsent("preview")] == ["preview:"]


async def test_unsent_posts_come_oldest_first_and_posts_newest_first(archive: SqlArchive) -> None:
    await keep(archive, post("b", at=LATER), post("a", at=NOON))

    assert [left.id for left in await archive.unsent("console")] == ["a", "b"]
    assert [left.id for left in await archive.posts()] == ["b", "a"]
    assert [left.id for left in await archive.posts(before=LATER)] == ["a"]
    assert [left.id for left in await archive.posts(limit=1)] == ["b"]
    assert await archive.posts(asset="ETH") == ()
    assert await archive.posts(channel="discord:9") == ()


async def test_two_stories_under_one_id_stay_two_stories(archive: SqlArchive) -> None:
    other = story(words="Calls cost 20% more.")
    await keep(archive, post(channel="discord:1"), post(channel="discord:2", words=other))

    assert [left.story.body for left in await archive.unsent("discord")] == [
        "Puts cost 20% more.",
        "Calls cost 20% more.",
    ]


async def test_an_uncertain_post_is_not_sent_again_and_is_listed(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.mark_uncertain("abcd1234", channel="console:")

    assert await archive.unsent("console") == ()
    assert [left.id for left in await archive.uncertain("console")] == ["abcd1234"]


async def test_a_late_post_says_so(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.mark_late("abcd1234", channel="console:")

    assert [left.late for left in await archive.unsent("console")] == [True]


async def test_marking_a_post_that_is_not_there_is_an_error_that_names_it(archive: SqlArchive) -> None:
    with pytest.raises(ArchiveError, match=r"post zzz: .*discord:1"):
        await archive.mark_sent("zzz", channel="discord:1", sent_at=NOON, message_id=None)


async def test_what_one_worker_claimed_another_does_not_get_until_the_lease_ends(archive: SqlArchive) -> None:
    await keep(archive, *(post(channel=f"discord:{number}") for number in range(3)))
    lease = timedelta(seconds=30)

    first = await archive.claim("discord", worker="a", at=NOON, lease=lease, limit=2)
    second = await archive.claim("discord", worker="b", at=NOON, lease=lease)
    assert [left.channel for left in first] == ["discord:0", "discord:1"]
    assert [left.channel for left in second] == ["discord:2"]
    assert await archive.claim("discord", worker="b", at=NOON + timedelta(seconds=29), lease=lease) == ()

    after = await archive.claim("discord", worker="b", at=NOON + lease, lease=lease)
    assert len(after) == 3


async def test_a_worker_that_stops_gives_back_what_it_did_not_send(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"))
    await archive.claim("discord", worker="a", at=NOON)
    await archive.mark_sent("abcd1234", channel="discord:1", sent_at=NOON, message_id="5")
    await archive.release("a")

    assert [left.channel for left in await archive.claim("discord", worker="b", at=NOON)] == ["discord:2"]


async def test_posts_to_a_channel_that_is_gone_are_given_up(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"))
    await archive.unsubscribe("discord:1")

    assert [left.channel for left in await archive.unsent("discord")] == ["discord:2"]
    assert await archive.outbox_count() == {"dropped": 1, "unsent": 1}


async def test_a_post_knows_when_it_was_first_tried(archive: SqlArchive) -> None:
    await archive.commit("BTC", Profile(), decision(posts=(post(), post(channel="preview:"))), snapshot())
    (here,) = await archive.unsent("console")
    assert here.attempted_at is None
    await archive.attempt([here], NOON)
    await archive.attempt(await archive.unsent("console"), NOON + timedelta(hours=1))
    assert [one.attempted_at for one in await archive.unsent("console")] == [NOON]
    assert [one.attempted_at for one in await archive.unsent("preview")] == [None]
