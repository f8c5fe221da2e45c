"""A bot that is killed while it posts, and started again: the channel has the post once, and only once."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.archive import open_archive
from bot.domain.posts import Profile
from tests.archive.make import decision, snapshot
from tests.delivery.discord.child import POINTS
from tests.delivery.discord.fake import CHANNEL, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, make_post, wish

AT_THE_FAKE = ("while Discord reads it", "when Discord has taken it")
PAUSES = {"at once": timedelta(), "after ten minutes": timedelta(minutes=10)}


class Bot:
    """A database with one post that is unsent, and processes on it."""

    def __init__(self, fake: FakeDiscord, folder: Path, root: Path) -> None:
        self._fake = fake
        self._root = root
        self.database = f"sqlite:///{folder / 'bot.sqlite'}"

    async def begin(self) -> None:
        archive = await open_archive(self.database)
        await archive.subscriptions.add(wish())
        await archive.commit("BTC", Profile(), decision(AT, posts=(make_post(),)), snapshot(AT))
        await archive.aclose()

    async def start(self, point: str, *, pause: timedelta = timedelta()) -> asyncio.subprocess.Process:
        arguments = [str(self._fake.port), self.database, (AT + pause).isoformat(), point]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.delivery.discord.child",
            *arguments,
            cwd=self._root,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def killed_at(self, point: str) -> None:
        if point in AT_THE_FAKE:
            self._fake.fault("POST", "/messages", Fault(hang_s=1.0, after=point == AT_THE_FAKE[1]))
        child = await self.start(point)
        if point in AT_THE_FAKE:
            wanted = (
                self._fake.posted
                if point == AT_THE_FAKE[1]
                else lambda: self._fake.requests("POST", "/messages")
            )
            await self._fake.until(wanted, within_s=30)
            child.send_signal(signal.SIGKILL)
        told, _ = await child.communicate()
        assert child.returncode == -signal.SIGKILL, told.decode()

    async def finished(self, pause: timedelta) -> None:
        child = await self.start("never", pause=pause)
        told, _ = await child.communicate()
        assert child.returncode == 0, told.decode()

    async def left(self) -> dict[str, int]:
        archive = await open_archive(self.database)
        counts = dict(await archive.outbox.count())
        await archive.aclose()
        return counts


@pytest.fixture
async def bot(fake: FakeDiscord, tmp_path: Path, root: Path) -> Bot:
    made = Bot(fake, tmp_path, root)
    await made.begin()
    return made


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("point", [*POINTS, *AT_THE_FAKE])
async def test_killed_at_any_point_and_started_again_the_channel_has_the_post_once(
    bot: Bot, fake: FakeDiscord, point: str, pause: str
) -> None:
    await bot.killed_at(point)
    if PAUSES[pause]:
        await asyncio.sleep(1.2 if point in AT_THE_FAKE else 0)
        fake.forget_nonces()
    await bot.finished(PAUSES[pause])
    await asyncio.sleep(1.2 if point in AT_THE_FAKE else 0)
    assert len(fake.posted(CHANNEL)) == 1
    assert await bot.left() == {"sent": 1}
