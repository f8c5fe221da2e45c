"""Everything from one database to another."""

import pytest

from bot.archive import SqlArchive, move, open_archive
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, point, post, snapshot, subscription


async def filled(url: str) -> None:
    archive = await open_archive(url)
    await archive.subscriptions.add(subscription("discord:1", guild_id="9"))
    await archive.commit("BTC", Profile(), decision(posts=(post(channel="discord:1"),)), snapshot())
    await archive.notes.set("commands", "a1")
    await archive.aclose()


async def told(archive: SqlArchive) -> list[object]:
    return [
        await archive.states.load("BTC", Profile()),
        await archive.posts.find(),
        await archive.points.latest(),
        await archive.subscriptions.find(),
        await archive.states.verdicts("BTC", NOON),
        await archive.posts.evidence("abcd1234"),
        await archive.notes.get("commands"),
    ]


async def test_all_that_the_old_one_tells_the_new_one_tells_and_goes_on_counting(
    url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = f"sqlite:///{tmp_path_factory.mktemp('old') / 'old.sqlite'}"
    await filled(source)

    counts = await move(source, url)

    assert (counts["posts"], counts["points"], counts["series"]) == (1, 2, 2)
    old, new = await open_archive(source), await open_archive(url)
    assert await told(new) == await told(old)
    await new.points.add([point(7.0, metric="dvol")])
    await new.commit("BTC", Profile(), decision(stance="bullish", posts=(post("next0000"),)), snapshot())
    assert len(await new.posts.find()) == 2
    await old.aclose()
    await new.aclose()


async def test_a_new_database_that_is_not_empty_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("both")
    await filled(f"sqlite:///{folder}/old.sqlite")
    await filled(f"sqlite:///{folder}/new.sqlite")
    with pytest.raises(ArchiveError, match="not empty"):
        await move(f"sqlite:///{folder}/old.sqlite", f"sqlite:///{folder}/new.sqlite")


async def test_an_old_database_in_use_is_not_moved(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("used")
    archive = await open_archive(f"sqlite:///{folder}/old.sqlite")
    assert await archive.leadership.acquire()
    with pytest.raises(ArchiveError, match="stop it first"):
        await move(f"sqlite:///{folder}/old.sqlite", f"sqlite:///{folder}/new.sqlite")
    await archive.aclose()
