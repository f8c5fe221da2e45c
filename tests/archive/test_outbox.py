"""The outbox: each post once for its channel, whoever sends it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.archive import Claims, SqlArchive, open_archive
from bot.domain.posts import Post, Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, post, snapshot, story

LATER = NOON + timedelta(seconds=5)


async def keep(archive: SqlArchive, *posts: Post) -> None:
    await archive.commit("BTC", Profile(), decision(posts=posts), snapshot())


async def test_a_sent_post_is_no_longer_unsent_and_knows_its_message(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.outbox.mark_sent("abcd1234", channel="console:", sent_at=LATER, message_id="77")

    assert await archive.outbox.find_unsent("console") == ()
    found = await archive.posts.get("abcd1234")
    assert found is not None
    assert (found.sent_at, found.message_id) == (LATER, "77")


async def test_a_post_keeps_how_grave_it_is_and_that_it_is_late(archive: SqlArchive) -> None:
    await keep(archive, replace(post(), severity="alarm", late=True), replace(post("calm"), severity="watch"))
    told = {one.id: (one.severity, one.late) for one in await archive.outbox.find_unsent("console")}
    assert told == {"abcd1234": ("alarm", True), "calm": ("watch", False)}


async def test_each_channel_of_a_post_is_sent_by_itself(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"), post(channel="preview:"))
    await archive.outbox.mark_sent("abcd1234", channel="discord:1", sent_at=LATER, message_id=None)

    assert [left.channel for left in await archive.outbox.find_unsent("discord")] == ["discord:2"]
    assert [left.channel for left in await archive.outbox.find_unsent("preview")] == ["preview:"]


async def test_unsent_posts_come_oldest_first_and_posts_newest_first(archive: SqlArchive) -> None:
    await keep(archive, post("b", at=LATER), post("a", at=NOON))

    assert [left.id for left in await archive.outbox.find_unsent("console")] == ["a", "b"]
    assert [left.id for left in await archive.posts.find()] == ["b", "a"]
    assert [left.id for left in await archive.posts.find(before=LATER)] == ["a"]
    assert [left.id for left in await archive.posts.find(limit=1)] == ["b"]
    assert await archive.posts.find(asset="ETH") == ()
    assert await archive.posts.find(channel="discord:9") == ()


async def test_two_stories_under_one_id_stay_two_stories(archive: SqlArchive) -> None:
    other = story(words="Calls cost 20% more.")
    await keep(archive, post(channel="discord:1"), post(channel="discord:2", words=other))

    assert [left.story.body for left in await archive.outbox.find_unsent("discord")] == [
        "Puts cost 20% more.",
        "Calls cost 20% more.",
    ]


async def test_of_several_channels_posts_of_one_id_the_asked_channels_own_is_found(
    archive: SqlArchive,
) -> None:
    other = story(words="Calls cost 20% more.")
    await keep(archive, post(channel="console:"))
    await archive.commit(
        "BTC",
        Profile(),
        replace(
            decision(LATER, posts=(post(channel="preview:", words=other),), points=()), playbook_hash="beef"
        ),
        snapshot(LATER),
    )

    found = [
        await archive.posts.get("abcd1234", channels) for channels in ((), ("preview:",), ("discord:9",))
    ]
    assert [one.channel for one in found if one] == ["console:", "preview:", "console:"]
    assert [one.story.body for one in found if one][1] == "Calls cost 20% more."
    assert (await archive.posts.evidence("abcd1234"))["playbook"] != "beef"
    assert (await archive.posts.evidence("abcd1234", ("preview:",)))["playbook"] == "beef"


async def test_an_uncertain_post_is_not_sent_again_and_is_listed(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.outbox.mark_uncertain("abcd1234", channel="console:")

    assert await archive.outbox.find_unsent("console") == ()
    assert [left.id for left in await archive.outbox.find_uncertain("console")] == ["abcd1234"]


async def test_a_late_post_says_so(archive: SqlArchive) -> None:
    await keep(archive, post())
    await archive.outbox.mark_late("abcd1234", channel="console:")

    assert [left.late for left in await archive.outbox.find_unsent("console")] == [True]


async def test_marking_a_post_that_is_not_there_is_an_error_that_names_it(archive: SqlArchive) -> None:
    with pytest.raises(ArchiveError, match=r"post zzz: .*discord:1"):
        await archive.outbox.mark_sent("zzz", channel="discord:1", sent_at=NOON, message_id=None)


async def test_a_claim_whose_time_was_read_before_anothers_takes_nothing_of_it(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"))
    lease = timedelta(seconds=30)
    waited = timedelta(seconds=20)  # for the database, since it looked at the clock
    assert await archive.outbox.claim("discord", Claims(worker="a", lease=lease), NOON + waited)
    assert not await archive.outbox.claim("discord", Claims(worker="b", lease=lease), NOON)


async def test_what_one_worker_claimed_another_does_not_get_until_the_lease_ends(archive: SqlArchive) -> None:
    await keep(archive, *(post(channel=f"discord:{number}") for number in range(3)))
    lease = timedelta(seconds=30)

    first = await archive.outbox.claim("discord", Claims(worker="a", lease=lease, most=2), NOON)
    second = await archive.outbox.claim("discord", Claims(worker="b", lease=lease), NOON)
    assert [left.channel for left in first] == ["discord:0", "discord:1"]
    assert [left.channel for left in second] == ["discord:2"]
    assert (
        await archive.outbox.claim("discord", Claims(worker="b", lease=lease), NOON + timedelta(seconds=29))
        == ()
    )

    after = await archive.outbox.claim("discord", Claims(worker="b", lease=lease), NOON + lease)
    assert len(after) == 3


async def test_a_clock_that_was_set_back_since_holds_no_post_for_a_day(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"))
    lease = timedelta(seconds=30)
    assert await archive.outbox.claim("discord", Claims(worker="a", lease=lease), NOON + timedelta(days=1))
    assert await archive.outbox.claim("discord", Claims(worker="b", lease=lease), NOON)
    assert not await archive.outbox.claim("discord", Claims(worker="c", lease=lease), NOON)


async def test_a_shared_outbox_gives_each_post_to_one_sender(url: str) -> None:
    first, second = [await open_archive(url, claims=Claims(worker=name)) for name in "ab"]
    await keep(first, post(channel="discord:1"), post(channel="discord:2"))
    assert len(await first.outbox.find_unsent("discord")) == 2
    taken = await first.outbox.take_unsent("discord")
    assert [one.channel for one in taken] == ["discord:1", "discord:2"]
    assert await second.outbox.take_unsent("discord") == ()
    await first.outbox.release("a")
    assert len(await second.outbox.take_unsent("discord")) == 2
    await first.aclose()
    await second.aclose()


async def test_a_worker_that_stops_gives_back_what_it_did_not_send(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"))
    await archive.outbox.claim("discord", Claims(worker="a"), NOON)
    await archive.outbox.mark_sent("abcd1234", channel="discord:1", sent_at=NOON, message_id="5")
    await archive.outbox.release("a")

    assert [left.channel for left in await archive.outbox.claim("discord", Claims(worker="b"), NOON)] == [
        "discord:2"
    ]


async def test_posts_to_a_channel_that_is_gone_are_given_up(archive: SqlArchive) -> None:
    await keep(archive, post(channel="discord:1"), post(channel="discord:2"))
    await archive.subscriptions.remove("discord:1")

    assert [left.channel for left in await archive.outbox.find_unsent("discord")] == ["discord:2"]
    assert await archive.outbox.count() == {"dropped": 1, "unsent": 1}


async def test_what_was_sent_or_is_in_doubt_is_not_given_up_with_its_channel(archive: SqlArchive) -> None:
    """It stands in the channel's record, and in nobody's count of what was given up."""
    await keep(archive, *(post(name, channel="discord:1") for name in ("unsent", "sent", "doubtful")))
    await archive.outbox.mark_sent("sent", channel="discord:1", sent_at=LATER, message_id="77")
    await archive.outbox.mark_uncertain("doubtful", channel="discord:1")
    await archive.subscriptions.remove("discord:1")

    assert await archive.outbox.count() == {"dropped": 1, "sent": 1, "uncertain": 1}
    assert [left.id for left in await archive.outbox.find_uncertain("discord")] == ["doubtful"]
    found = await archive.posts.get("sent")
    assert found is not None
    assert (found.sent_at, found.message_id) == (LATER, "77")


async def test_a_post_knows_when_it_was_first_tried(archive: SqlArchive) -> None:
    await archive.commit("BTC", Profile(), decision(posts=(post(), post(channel="preview:"))), snapshot())
    (here,) = await archive.outbox.find_unsent("console")
    assert here.attempted_at is None
    await archive.outbox.attempt([here], NOON)
    await archive.outbox.attempt(await archive.outbox.find_unsent("console"), NOON + timedelta(hours=1))
    assert [one.attempted_at for one in await archive.outbox.find_unsent("console")] == [NOON]
    assert [one.attempted_at for one in await archive.outbox.find_unsent("preview")] == [None]


async def test_a_post_of_which_nothing_went_out_was_never_tried(archive: SqlArchive) -> None:
    await keep(archive, post("a"), post("b"))
    tried = await archive.outbox.find_unsent("console")
    await archive.outbox.attempt(tried, LATER)
    await archive.outbox.clear_attempts([tried[0]])

    assert [left.attempted_at for left in await archive.outbox.find_unsent("console")] == [None, LATER]


async def test_a_post_that_is_given_up_is_not_sent_any_more_and_one_that_went_out_stays_so(
    archive: SqlArchive,
) -> None:
    await keep(archive, post("a"), post("b"))
    both = await archive.outbox.find_unsent("console")
    await archive.outbox.mark_sent("a", channel="console:", sent_at=LATER, message_id="1")
    await archive.outbox.give_up(both)

    assert await archive.outbox.count() == {"sent": 1, "dropped": 1}
