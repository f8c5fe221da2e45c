"""Personal watches in the archive: set, told once, blocked, removed."""

import asyncio
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile, Route, Watch
from bot.errors import InputError
from tests.archive.make import NOON, decision, post, snapshot, state, subscription
from tests.said import refused

HOUR = timedelta(hours=1)


def watch(line: float = 20.0, reader: str = "6001", **given: Any) -> Watch:
    return Watch(
        reader=f"discord:{reader}",
        channel=f"discord:dm:{reader}",
        asset="BTC",
        fact="skew_60d_pct",
        side="above",
        line=line,
        clears=line - 1,
        created_at=NOON,
        **given,
    )


async def test_a_watch_comes_back_as_it_was_set(archive: SqlArchive) -> None:
    await archive.watches.add(watch(locale="es"), most=5)
    (kept,) = await archive.watches.find(asset="BTC")
    assert replace(kept, id=0) == watch(locale="es")
    assert kept.id > 0
    assert await archive.watches.find(asset="ETH") == ()
    assert await archive.watches.find(reader="discord:6002") == ()


async def test_a_reader_has_only_so_many_and_another_reader_as_many_again(archive: SqlArchive) -> None:
    for number in range(3):
        await archive.watches.add(watch(float(number)), most=3)
    with refused(InputError, match="3 watches"):
        await archive.watches.add(watch(9.0), most=3)
    await archive.watches.add(watch(2.0), most=3)
    await archive.watches.add(watch(9.0, reader="6002"), most=3)
    assert len(await archive.watches.find()) == 4


async def test_two_wishes_at_once_do_not_pass_the_limit(archive: SqlArchive) -> None:
    wishes = [archive.watches.add(watch(float(number)), most=2) for number in range(6)]
    done = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(one, InputError) for one in done) == 4
    assert len(await archive.watches.find()) == 2


async def test_what_it_was_told_is_kept_with_the_evaluation_that_told_it(archive: SqlArchive) -> None:
    await archive.watches.add(watch(), most=5)
    (kept,) = await archive.watches.find()
    told = replace(kept, armed=False, told_at=NOON)
    sent = post("watch123", "discord:dm:6001", reason="watch")
    await archive.commit("BTC", Profile(), replace(decision(posts=(sent,)), watches=(told,)), snapshot())
    assert await archive.watches.find() == (told,)
    assert [one.channel for one in await archive.outbox.find_unsent("discord")] == ["discord:dm:6001"]


async def test_what_one_reader_was_told_is_not_among_everybodys_posts(archive: SqlArchive) -> None:
    both = post("watch123", "discord:dm:6001", reason="watch"), post("post1234", "discord:1")
    await archive.commit("BTC", Profile(), decision(posts=both), snapshot())
    assert [one.id for one in await archive.posts.find()] == ["post1234"]
    assert [one.id for one in await archive.posts.find(channel="discord:dm:6001")] == ["watch123"]


async def test_a_removed_watch_is_gone_and_an_evaluation_does_not_bring_it_back(archive: SqlArchive) -> None:
    await archive.watches.add(watch(), most=5)
    (kept,) = await archive.watches.find()
    assert await archive.watches.remove("discord:6002", kept.id) == 0
    assert await archive.watches.remove("discord:6001", kept.id) == 1
    await archive.commit("BTC", Profile(), replace(decision(), watches=(kept,)), snapshot())
    assert await archive.watches.find() == ()


async def test_a_blocked_reader_keeps_the_watches_and_loses_what_is_unsent(archive: SqlArchive) -> None:
    await archive.watches.add(watch(), most=5)
    sent = post("watch123", "discord:dm:6001", reason="watch"), post("post1234", "discord:1")
    await archive.commit("BTC", Profile(), decision(posts=sent), snapshot())
    assert await archive.watches.block("discord:dm:6001", NOON) == 1
    assert [one.blocked_at for one in await archive.watches.find()] == [NOON]
    assert [one.id for one in await archive.outbox.find_unsent("discord")] == ["post1234"]
    await archive.watches.block("discord:dm:6001", None)
    assert [one.blocked_at for one in await archive.watches.find()] == [None]


async def test_watches_survive_a_restart(url: str) -> None:
    archive = await open_archive(url)
    await archive.watches.add(watch(), most=5)
    await archive.aclose()
    again = await open_archive(url)
    assert [one.line for one in await again.watches.find()] == [20.0]
    await again.aclose()


async def test_what_a_channel_was_told_and_what_waits_survive_the_poll(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription("discord:1", severity="caution"))
    told = Route(
        channel="discord:1",
        last_stance="bearish",
        alerted_at=(NOON,),
        subjects=("bearish  skew-fear",),
        severity="caution",
        waiting="escalated bearish",
        held_until=NOON + HOUR,
        suppressed=1,
    )
    await archive.commit("BTC", Profile(), replace(decision(), state=state(routes=(told,))), snapshot())
    assert (await archive.states.load("BTC", Profile())).routes == (told,)
