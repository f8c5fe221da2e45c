"""The archive as a whole: what goes in comes out, all or nothing, and only once."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile, Route, State
from bot.domain.readings import Snapshot
from bot.domain.rulebook import Stance
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, point, post, snapshot, state, story, subscription

BTC = "BTC"


async def test_at_first_there_is_an_empty_state_and_the_default_profile(archive: SqlArchive) -> None:
    assert await archive.states.load(BTC, Profile()) == State()
    assert await archive.subscriptions.profiles(BTC) == (Profile(),)
    assert await archive.posts.find() == ()
    assert await archive.posts.get("nothere1") is None
    assert await archive.posts.evidence("nothere1") == {}


async def test_an_evaluation_comes_back_as_it_was_stored(archive: SqlArchive) -> None:
    await archive.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())

    assert await archive.states.load(BTC, Profile()) == state()
    assert await archive.outbox.find_unsent("console") == (post(),)
    assert await archive.posts.get("abcd1234") == post()
    assert [(point.metric, point.venue, point.value) for point in await archive.points.latest(BTC)] == [
        ("skew_60d_pct", None, 20.0),
        ("skew_60d_pct", "deribit", 19.0),
    ]
    assert await archive.states.verdicts(BTC, NOON) == (decision().verdict,)


async def test_a_post_leads_back_to_what_it_was_judged_on(archive: SqlArchive) -> None:
    await archive.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())

    found = await archive.posts.evidence("abcd1234")

    assert found["playbook"] == "c0ffee"
    assert found["facts"] == {
        "skew_60d_pct": {
            "value": 20.0,
            "at": "2026-02-06T12:00:00Z",
            "venues": ["deribit"],
            "of_venues": 3,
            "lower_bound": False,
            "extreme_at": None,
            "missing": [],
        }
    }
    assert found["unknown"] == {"dvol": "deribit BTC: no answer"}
    assert found["gaps"] == [{"who": "okx", "reason": "okx BTC: timed out"}]
    assert found["readings"] == [
        {
            "kind": "SpotQuote",
            "source": "deribit",
            "observed_at": "2026-02-06T12:00:00Z",
            "venue": "deribit",
            "asset": "BTC",
            "index_usd": 67820.0,
        }
    ]


async def test_another_profile_has_a_state_of_its_own(archive: SqlArchive) -> None:
    await archive.commit(BTC, Profile(), decision(), snapshot())

    assert await archive.states.load(BTC, Profile(length="short")) == State()
    assert await archive.states.load("ETH", Profile()) == State()


async def test_only_verdicts_that_changed_the_stance_or_were_posted_are_told_again(
    archive: SqlArchive,
) -> None:
    stances: list[Stance] = ["neutral", "neutral", "bearish", "bearish"]
    for hour, stance in enumerate(stances):
        await archive.commit(
            BTC, Profile(), decision(NOON + timedelta(hours=hour), stance=stance), snapshot()
        )

    assert [(verdict.at.hour, verdict.stance) for verdict in await archive.states.verdicts(BTC, NOON)] == [
        (12, "neutral"),
        (14, "bearish"),
    ]


async def test_the_same_evaluation_twice_posts_once(archive: SqlArchive) -> None:
    for _ in range(2):
        await archive.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())

    assert await archive.posts.find() == (post(),)


async def test_an_error_inside_leaves_nothing(archive: SqlArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ArchiveError("the disk is gone")

    monkeypatch.setattr(archive.outbox, "add", fail)
    with pytest.raises(ArchiveError, match="the disk is gone"):
        await archive.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())

    assert await archive.states.load(BTC, Profile()) == State()
    assert await archive.points.latest() == ()
    assert await archive.states.verdicts(BTC, NOON) == ()


CRASH = """
import asyncio, os, signal, sys
from bot.archive import open_archive
from bot.domain.posts import Profile
from tests.archive.make import NOON, decision, post, snapshot

async def main():
    archive = await open_archive(sys.argv[1])
    await archive.commit("BTC", Profile(), decision(posts=(post("before00"),)), snapshot())
    write = archive.outbox.add

    async def add_and_die(*arguments):
        await write(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    archive.outbox.add = add_and_die
    from datetime import timedelta
    later = NOON + timedelta(hours=1)
    await archive.commit("BTC", Profile(), decision(later, posts=(post("after000", at=later),)), snapshot(later))

asyncio.run(main())
"""


def run_until_killed(url: str) -> int:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", CRASH, url], cwd=root, env=environment, check=False
    ).returncode


async def test_a_process_killed_inside_a_commit_leaves_all_of_the_one_before_and_nothing_of_this(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'killed.sqlite'}"
    assert await asyncio.to_thread(run_until_killed, url) == -signal.SIGKILL

    archive = await open_archive(url)
    try:
        assert await archive.states.load(BTC, Profile()) == state()
        assert [post.id for post in await archive.posts.find()] == ["before00"]
        assert {point.at for point in await archive.points.latest()} == {NOON}
    finally:
        await archive.aclose()


async def test_it_survives_being_closed_and_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'var' / 'kept.sqlite'}"
    first = await open_archive(url)
    await first.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())
    await first.aclose()
    second = await open_archive(url)
    await second.points.add([point(3.0, NOON + timedelta(hours=1))])
    assert await second.states.load(BTC, Profile()) == state()
    assert [kept.value for kept in await second.points.latest() if kept.venue is None] == [3.0]
    await second.aclose()


async def test_in_memory_it_works_the_same() -> None:
    archive = await open_archive("sqlite://")
    await archive.commit(BTC, Profile(), decision(posts=(post(),)), snapshot())
    assert await archive.outbox.find_unsent("console") == (post(),)
    await archive.aclose()


async def test_routes_come_with_the_state_and_remember_what_they_were_told(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription(quiet=(22, 7), zone="Europe/Berlin"))
    before = await archive.states.load(BTC, Profile())
    assert before.routes == (Route(channel="console:", quiet=(22, 7), zone="Europe/Berlin"),)

    told = replace(
        before.routes[0], last_stance="bearish", last_severity="alarm", alerted_at=(NOON,), suppressed=2
    )
    await archive.commit(BTC, Profile(), decision(routes=(told,)), snapshot())

    assert (await archive.states.load(BTC, Profile())).routes == (told,)


async def test_a_setting_changed_during_an_evaluation_stays_changed(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    before = await archive.states.load(BTC, Profile())
    await archive.subscriptions.add(subscription(alerts=False))
    await archive.commit(
        BTC, Profile(), decision(routes=(replace(before.routes[0], suppressed=1),)), snapshot()
    )

    assert (await archive.states.load(BTC, Profile())).routes == (
        Route(channel="console:", alerts=False, suppressed=1),
    )


async def test_a_channel_that_left_during_an_evaluation_does_not_come_back(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    before = await archive.states.load(BTC, Profile())
    await archive.subscriptions.remove("console:")
    await archive.commit(
        BTC, Profile(), decision(routes=(replace(before.routes[0], suppressed=1),)), snapshot()
    )

    assert (await archive.states.load(BTC, Profile())).routes == ()


async def test_notes_are_kept_by_name(archive: SqlArchive) -> None:
    assert await archive.notes.get("commands") is None
    await archive.notes.set("commands", "a1")
    await archive.notes.set("commands", "b2")
    assert await archive.notes.get("commands") == "b2"


async def test_stories_of_many_channels_are_kept_once_and_read_whole(archive: SqlArchive) -> None:
    words = story()
    many = tuple(post(channel=f"discord:{number}", words=words) for number in range(30))
    await archive.commit(
        BTC, Profile(), decision(posts=many), Snapshot(asset=BTC, taken_at=NOON, readings=())
    )

    found = await archive.outbox.find_unsent("discord")
    assert {kept.channel for kept in found} == {f"discord:{number}" for number in range(30)}
    assert all(kept.story == words for kept in found)
    assert await archive.outbox.count() == {"unsent": 30}
