"""Several live processes of the bot on one PostgreSQL server: pollers of which one leads, gateways that share
Discord."""

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from bot.archive import SqlArchive, open_archive
from bot.archive.engine import Database
from bot.archive.schema import evaluations, leadership, posts
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from bot.playbook import CONFIG
from tests.archive.make import decision, snapshot
from tests.archive.postgres import restart, server
from tests.delivery.discord.fake import FakeDiscord
from tests.delivery.discord.stand import make_post, wish
from tests.process.test_run import environment, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PATIENCE_S = 60
FIRST = 7001
GUILDS = [(number << 22) + 8001 for number in range(6)]  # of two shards each has three
numbers = count(1)


class Running(Struct, frozen=True, kw_only=True):
    """One process of the bot."""

    process: subprocess.Popen[bytes]
    log: Path

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text("utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [one for one in told if one["event"] == name]

    def send(self, number: int) -> None:
        self.process.send_signal(number)


class Town(Struct, frozen=True, kw_only=True):
    """A database, a Discord, and a folder: what the processes share."""

    url: str
    fake: FakeDiscord
    folder: Path
    root: Path

    @contextmanager
    def started(self, name: str, role: str, **more: str) -> Iterator[Running]:
        log = self.folder / f"{name}.log"
        given = ["run", "--config", str(self.folder / "config"), "--role", role]
        told = {
            **environment(self.root, free_port()),
            "DATABASE_URL": self.url,
            "DISCORD_TOKEN": "token",
            **more,
        }
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "tests.delivery.discord.at_the_fake",
                    str(self.fake.port),
                    *given,
                ],
                cwd=self.folder,
                env=told,
                stdout=stream,
                stderr=stream,
            )
        try:
            yield Running(process=process, log=log)
        finally:
            process.kill()
            process.wait()

    def gateway(self, name: str, shards: str, *, of: int = 2) -> contextlib.AbstractContextManager[Running]:
        more = {"TIGHTROPE_DISCORD__SHARD_COUNT": str(of), "TIGHTROPE_DISCORD__SHARD_IDS": shards}
        return self.started(name, "gateway", **more)

    async def until(self, holds: Callable[[], object], *logs: Running, within_s: float = PATIENCE_S) -> None:
        try:
            await self.fake.until(holds, within_s=within_s)
        except TimeoutError:
            raise AssertionError("\n".join(one.log.read_text("utf-8")[-3000:] for one in logs)) from None

    async def post(self, name: str, channels: int) -> None:
        """So many posts in the outbox, one a channel."""
        archive = await open_archive(self.url)
        now = datetime.now(UTC)
        made = tuple(make_post(name, channel=FIRST + number, at=now) for number in range(channels))
        await archive.commit("BTC", Profile(), decision(now, posts=made), snapshot(now))
        await archive.aclose()

    def messages(self, name: str) -> Counter[int]:
        """How often a post stands in each channel."""
        mine = f"n{name}"
        told = ((channel, one) for channel, messages in self.fake.messages.items() for one in messages)
        return Counter(channel for channel, one in told if str(one.get("nonce")).startswith(mine))

    async def stands(self, name: str) -> dict[str, int]:
        """How many of a post's rows are in each status. (Others are in the outbox too: the poller's own.)"""
        archive = await open_archive(self.url)
        async with archive.database.read("test") as connection:
            rows = (
                (await connection.execute(select(posts.c.status).where(posts.c.id == name))).scalars().all()
            )
        await archive.aclose()
        return dict(Counter(rows))

    async def sent(self, name: str, expected: int, *logs: Running) -> None:
        """Wait until a post is sent to all its channels, and find it once in each."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(ArchiveError):
                if await self.stands(name) == {"sent": expected}:
                    break
            await asyncio.sleep(0.3)
        told = "\n".join(one.log.read_text("utf-8")[-3000:] for one in logs)
        assert await self.stands(name) == {"sent": expected}, told
        assert len(self.messages(name)) == expected
        assert set(self.messages(name).values()) == {1}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as address:
        yield address


@pytest.fixture
async def town(postgres: str, tmp_path: Path, root: Path) -> AsyncIterator[Town]:
    """An empty database with channels that follow Bitcoin, and a Discord with their servers."""
    name = f"several_{next(numbers)}"
    database = Database(postgres)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(f"CREATE DATABASE {name}"))
    await database.aclose()
    shutil.copytree(CONFIG, tmp_path / "config")
    url = make_url(postgres).set(database=name).render_as_string(hide_password=False)
    archive = await open_archive(url)
    for number in range(60):
        await archive.subscriptions.add(wish(channel=FIRST + number, guild=GUILDS[number % 6]))
    await archive.aclose()
    async with FakeDiscord(checked=False) as fake:
        fake.guilds.clear()
        fake.shards = 2
        fake.heartbeat_ms = 5_000
        for place, guild in enumerate(GUILDS):
            fake.add_guild(guild, list(range(FIRST + place, FIRST + 60, 6)))
        yield Town(url=url, fake=fake, folder=tmp_path, root=root)


def identified(fake: FakeDiscord) -> list[tuple[int, int]]:
    return [tuple(one["d"]["shard"]) for one in fake.gateway if one["op"] == 2]


async def cut_connections(url: str) -> None:
    """As a server does that takes a client for dead."""
    archive = await open_archive(url)
    cut = "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with archive.database.read("test") as connection:
        await connection.execute(text(cut))
    await archive.aclose()


async def test_two_gateways_share_shards_and_outbox_and_identify_one_after_the_other(town: Town) -> None:
    async with two_gateways(town) as (a, b):
        assert sorted(identified(town.fake)) == [(0, 2), (1, 2)]
        assert [a.events("discord.ready")[0]["servers"], b.events("discord.ready")[0]["servers"]] == [3, 3]
        await town.post("aaaaa", 60)
        await town.sent("aaaaa", 60, a, b)
        shares = [len(one.events("post.sent")) for one in (a, b)]
        assert sum(shares) == 60
        times = sorted(
            one.at for one in town.fake.asked if one.method == "POST" and one.path.endswith("/messages")
        )
        fastest = min(
            (later - earlier for earlier, later in zip(times, times[48:], strict=False)), default=1.0
        )
        assert fastest >= 0.5  # 24 a second each: 48 of both


async def test_a_second_gateway_for_the_same_shard_waits_and_takes_over(town: Town) -> None:
    with town.gateway("a", "[0, 1]") as a:
        await town.until(lambda: a.events("discord.ready"), a)
        with town.gateway("b", "[1]") as b:
            await town.until(lambda: b.events("life.begun"), b)
            await asyncio.sleep(6)
            assert not b.events("shards.owned")
            assert (1, 2) in identified(town.fake)
            a.send(signal.SIGKILL)
            killed_at = time.monotonic()
            await town.until(lambda: b.events("shards.owned"), b)
            assert time.monotonic() - killed_at < 15
            await town.post("bbbbb", 20)
            await town.sent("bbbbb", 20, b)


async def test_a_gateway_that_stands_still_while_it_sends_loses_and_doubles_nothing(town: Town) -> None:
    async with two_gateways(town) as (a, b):
        await town.post("ccccc", 60)
        sends, _ = await sender_of(town, "ccccc", a, b)
        sends.send(signal.SIGSTOP)
        await asyncio.sleep(6)
        sends.send(signal.SIGCONT)
        await town.sent("ccccc", 60, a, b)


async def test_a_gateway_paused_for_over_a_minute_while_it_sends_finds_its_posts_sent_once(
    town: Town,
) -> None:
    async with two_gateways(town) as (a, b):
        await town.post("hhhhh", 60)
        sends, other = await sender_of(town, "hhhhh", a, b)
        sends.send(signal.SIGSTOP)
        await asyncio.sleep(65)  # longer than what it claimed is its own
        await town.sent("hhhhh", 60, other)
        assert other.events("post.sent")
        sends.send(
            signal.SIGCONT
        )  # it goes on, or its watchdog ends it first and a supervisor starts it again
        await town.post("iiiii", 60)
        await town.sent("iiiii", 60, a, b)
        await town.sent("hhhhh", 60, a, b)


async def test_on_a_slow_disk_each_post_is_sent_once(town: Town) -> None:
    await slow_disk(town.url)
    await killed_while_it_sends(town, "jjjjj", 30)


async def slow_disk(url: str) -> None:
    """Each commit takes a tenth of a second for every post that it stores or changes."""
    archive = await open_archive(url)
    wait = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END $$"
    each = (
        "AFTER INSERT OR UPDATE ON posts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()"
    )
    async with archive.database.write("test") as connection:
        await connection.execute(text(wait))
        await connection.execute(text(f"CREATE CONSTRAINT TRIGGER slow {each}"))
    await archive.aclose()


async def test_a_gateway_killed_while_it_sends_leaves_its_posts_to_the_other(town: Town) -> None:
    await killed_while_it_sends(town, "ddddd", 60)


async def killed_while_it_sends(town: Town, name: str, count: int) -> None:
    """Two gateways, of which the one that sends is killed: the other sends what is left, and nothing
    twice."""
    async with two_gateways(town) as (a, b):
        await town.post(name, count)
        sends, other = await sender_of(town, name, a, b)
        sends.send(signal.SIGKILL)
        await expire_claims(town)
        await town.sent(name, count, other)
        assert other.events("post.sent")


@asynccontextmanager
async def two_gateways(town: Town) -> AsyncIterator[tuple[Running, Running]]:
    """A gateway for each of two shards, both on Discord."""
    with town.gateway("a", "[0]") as a, town.gateway("b", "[1]") as b:
        await town.until(lambda: a.events("discord.ready") and b.events("discord.ready"), a, b)
        yield a, b


async def sender_of(town: Town, name: str, *of: Running) -> Sequence[Running]:
    """The process that is in the midst of sending a post, then the others: whoever claims first takes all."""

    def sends(one: Running) -> bool:
        return any(sent["post"] == name for sent in one.events("post.sent"))

    await town.until(lambda: any(map(sends, of)), *of)
    return sorted(of, key=sends, reverse=True)


async def expire_claims(town: Town) -> None:
    """A minute in no time: what the dead one claimed is free."""
    archive = await open_archive(town.url)
    async with archive.database.write("test") as connection:
        await connection.execute(text("UPDATE posts SET claimed_until = 0 WHERE status = 'unsent'"))
    await archive.aclose()


async def test_a_database_that_restarts_while_gateways_send_loses_and_doubles_nothing(
    town: Town, postgres: str
) -> None:
    async with two_gateways(town) as (a, b):
        await town.post("eeeee", 60)
        await town.until(lambda: len(town.messages("eeeee")) >= 10, a, b)
        await asyncio.to_thread(restart, postgres)
        await asyncio.sleep(8)  # long enough for each to notice
        await expire_claims(town)
        await town.sent("eeeee", 60, a, b)
        assert not a.events("shards.lost") + b.events("shards.lost")
        assert len(identified(town.fake)) == 2  # Discord never noticed


async def test_a_poller_that_is_killed_is_replaced_within_fifteen_seconds(town: Town) -> None:
    with town.started("first", "poller") as first:
        await town.until(lambda: first.events("poll.done"), first)
        with town.started("second", "poller") as second:
            await town.until(lambda: second.events("life.begun"), second)
            first.send(signal.SIGKILL)
            killed_at = time.monotonic()
            await town.until(lambda: second.events("lead.taken"), second)
            assert time.monotonic() - killed_at < 15
            assert second.events("lead.taken")[0]["epoch"] == 2


async def test_a_leader_that_stood_still_and_was_replaced_judges_no_more(town: Town) -> None:
    more = {"TIGHTROPE_POLL__EVERY_S": "30", "TIGHTROPE_POLL__JITTER_S": "0"}
    with town.started("first", "poller", **more) as first:
        await town.until(lambda: first.events("poll.done"), first)
        with town.started("second", "poller", **more) as second:
            await town.until(lambda: second.events("life.begun"), second)
            first.send(signal.SIGSTOP)
            await cut_connections(town.url)
            await town.until(lambda: second.events("poll.done"), second)
            first.send(signal.SIGCONT)
            await town.until(lambda: first.events("lead.lost"), first)
            await asyncio.sleep(35)  # the first one would have polled again by now
            done = [one["at"] for one in first.events("poll.done")]
            assert all(at < second.events("lead.taken")[0]["at"] for at in done)
    archive = await open_archive(town.url)
    assert await judged_in_order(archive)
    await archive.aclose()


async def judged_in_order(archive: SqlArchive) -> bool:
    """Whether no evaluation is older than the one that was stored before it."""
    async with archive.database.read("test") as connection:
        times = (
            (await connection.execute(select(evaluations.c.at).order_by(evaluations.c.id))).scalars().all()
        )
    return bool(times) and all(before <= after for before, after in pairwise(times))


async def test_a_lost_connection_is_made_anew_by_poller_and_gateway(town: Town) -> None:
    with town.started("poller", "poller") as poller, town.gateway("a", "[0, 1]") as a:
        await town.until(lambda: poller.events("poll.done") and a.events("discord.ready"), poller, a)
        await cut_connections(town.url)
        await town.post("fffff", 30)
        await town.sent("fffff", 30, a)
        await asyncio.sleep(6)  # a term is looked after every five seconds
        assert await term(town.url) == 2
        assert not poller.events("lead.lost")
        assert poller.process.poll() is None


async def term(url: str) -> int:
    """The number of the leader's present term."""
    archive = await open_archive(url)
    async with archive.database.read("test") as connection:
        number: int = (await connection.execute(select(leadership.c.epoch))).scalar_one()
    await archive.aclose()
    return number


@pytest.mark.parametrize("kind", ["postgres", "file"])
async def test_processes_that_start_at_once_bring_an_empty_database_up_together(
    kind: str, town: Town, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}" if kind == "file" else await emptied(town.url)
    program = (
        "import asyncio, sys; from bot.archive import open_archive; asyncio.run(open_archive(sys.argv[1]))"
    )
    begun = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, url, cwd=town.root, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    ended = await asyncio.gather(*(one.communicate() for one in begun))
    assert [one.returncode for one in begun] == [0, 0, 0], [said.decode()[-800:] for _, said in ended]
    archive = await open_archive(url)
    assert await archive.subscriptions.find() == ()
    await archive.aclose()


async def emptied(url: str) -> str:
    """The same database without a table."""
    database = Database(url)
    async with database.engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await database.aclose()
    return url
