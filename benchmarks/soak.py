"""Soak the bot: the tape lap after lap, servers by the hundred, faults from a seed, three kills; then every
post is counted.

Run: ./tightrope soak [--minutes 10] [--servers 200] [--seed 1] [--kills 3]

The bot runs in a process of its own (soak_bot.py) on a SQLite file; Discord is a fake on loopback. Beside the faults of
venues and of Discord: requests of its page that are broken off, half-open or malformed, the process stopped for seconds,
the database locked, reloads of files that cannot be read, its clock moved while it sends. Checked:
no post lost, none doubled, every fault accounted for, and memory: of the process that lives to the end, once it has
lived through WARM moments of the tape (a night, posts and pictures of every kind, its caches), the median of the second
half within 5% of that of the first (told, not judged, in a run of less than five minutes, whose archive is not filled
beforehand, and where there were fewer than twice as many moments: a slow machine).
Exit code 1 where one of these does not hold."""

import argparse
import asyncio
import json
import random
import signal
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the fake is one of the tests'

# ruff: noqa: E402
import aiohttp
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from bot.archive import open_archive
from bot.archive.schema import posts
from bot.domain.posts import Subscription
from tests.delivery.discord.fake import GUILD, FakeDiscord, Fault

FIRST_CHANNEL = 7001
VENUE_SHARE, DISCORD_SHARE = 0.02, 0.02
GATEWAY_EVERY_S = 20.0
KILLED_WITHIN = 0.2  # of the run: memory is judged on the process that lives to the end
JUDGED_FROM_MIN = 5.0
WARM = 30  # moments: three days of the tape
FLAT = 1.05
ENDS_WITHIN_S = 240.0
LOCKED_S = 3.0
ASKED = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
YEARS_MS = 10 * 365 * 86_400_000  # the tape's time may be ahead of ours: Discord's must be ahead of both
DIED = "died with the process"


class Fell(Struct):
    """A fault, and what came of it."""

    kind: str
    nonce: str | None = None
    channel: int = 0
    outcome: str = DIED


class RoughDiscord(FakeDiscord):
    """The fake, which fails now and then by itself."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(checked=False)
        self.fell: list[Fell] = []
        self.rough = True
        self.heartbeat_ms = 5_000
        self.nonce_lives_s = 300.0
        self._chance = chance

    def snowflake(self) -> str:
        """As the fake's own, some years ahead."""
        return str(int(super().snowflake()) + (YEARS_MS << 22))

    def _fault(self, method: str, path: str) -> Fault | None:
        asked = self.asked[-1]
        self.asked.clear()
        self.gateway = self.gateway[-1:]
        if not self.rough or "/messages" not in path or self._chance.random() >= DISCORD_SHARE:
            return None
        kind, fault = self._chance.choice(
            [
                ("500", Fault(status=500)),
                ("503", Fault(status=503)),
                ("429", Fault(status=429, body=limited(), headers={"Retry-After": "1", "Via": "1.1 fake"})),
                ("broken off before", Fault(abort=True)),
                ("broken off after", Fault(abort=True, after=True)),
                ("slow", Fault(hang_s=2.0)),
                ("slow to answer", Fault(hang_s=2.0, after=True)),
            ]
        )
        nonce = asked.body.get("nonce") if isinstance(asked.body, dict) else None
        channel = int(path.strip("/").split("/")[1])
        self.fell.append(Fell(kind=f"Discord {method}: {kind}", nonce=nonce, channel=channel))
        return fault

    def settle(self, rows: Sequence[Any]) -> None:
        """What became of each fault: the posts of its channel are all there, once, or one of them is not."""
        wrong = {row.channel for row in rows if len(self.found(row.channel, row.nonce)) != 1}
        for one in self.fell:
            if one.kind.startswith("Discord "):
                one.outcome = (
                    "UNSENT OR DOUBLED" if f"discord:{one.channel}" in wrong else "posted all the same, once"
                )

    def found(self, channel: str, nonce: str) -> list[dict[str, Any]]:
        """The messages of a channel that bear a nonce."""
        return [one for one in self.messages[int(channel.rpartition(":")[2])] if one.get("nonce") == nonce]

    async def shake(self) -> None:
        """Now and then the gateway breaks off, asks for a new connection, or forgets the session."""
        ways: Mapping[str, Callable[[], Awaitable[None]]] = {
            "cut": self._cut,
            "asks to reconnect": self.ask_to_reconnect,
            "forgets the session": lambda: self.invalidate(resumable=False),
            "closes with 4000": lambda: self.close_gateway(4000),
        }
        while True:
            await asyncio.sleep(GATEWAY_EVERY_S * self._chance.uniform(0.5, 1.5))
            if not self.live:
                continue
            name = self._chance.choice(sorted(ways))
            fell, before = Fell(kind=f"Discord's gateway: {name}"), len(self.connections)
            self.fell.append(fell)
            await ways[name]()
            try:
                await self.until(partial(self._more, before), within_s=60)
                fell.outcome = "came back"
            except TimeoutError:
                fell.outcome = "DID NOT COME BACK"

    def _more(self, before: int) -> bool:
        return len(self.connections) > before and bool(self.live)

    async def _cut(self) -> None:
        self.cut()


def limited() -> dict[str, Any]:
    """What Discord says to too many requests."""
    return {"code": 0, "message": "You are being rate limited.", "retry_after": 0.5, "global": False}


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Soak(Struct):
    """What is known of a run."""

    minutes: float
    seed: int
    servers: int
    kills: int
    fake: RoughDiscord
    url: str
    channels: Sequence[int]
    began_s: float = field(default_factory=time.monotonic)
    memory_mb: list[tuple[float, float]] = field(default_factory=list)
    lived: int = 0
    lived_mb: list[tuple[int, float]] = field(default_factory=list)
    venue: dict[tuple[int, int], Fell] = field(default_factory=dict)
    moments: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    killed: int = 0
    ending: bool = False
    lives: int = 0
    bot: asyncio.subprocess.Process | None = None
    page_port: int = field(default_factory=free_port)
    pests: list[Fell] = field(default_factory=list)
    heard: int = 0

    @property
    def part(self) -> float:
        """How much of the run is over."""
        return (time.monotonic() - self.began_s) / (self.minutes * 60)

    async def life(self, *further: str) -> asyncio.subprocess.Process:
        """A process of the bot, heard to its end."""
        self.lives += 1
        self.lived, self.lived_mb = 0, []
        given = [str(self.fake.port), self.url, str(self.seed), str(VENUE_SHARE), *further]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(ROOT / "benchmarks" / "soak_bot.py"),
            *given,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )

    async def hear(self, bot: asyncio.subprocess.Process) -> None:
        """Keep what the process tells."""
        assert bot.stdout is not None
        life = self.lives
        async for line in bot.stdout:
            told = json.loads(line)
            if "kind" in told:
                self.venue[life, told["fault"]] = Fell(kind=told["kind"])
            elif "outcome" in told:
                self.venue[life, told["fault"]].outcome = told["outcome"]
            else:
                self.heard = life
                self.moments.append(told["moment"])
                self.lived += 1
                self.failures += told["failures"]

    async def watch(self, bot: asyncio.subprocess.Process) -> None:
        """Note the memory of the process once a second."""
        while True:
            if mb := memory_mb(bot.pid):
                self.memory_mb.append((self.part, mb))
                self.lived_mb.append((self.lived, mb))
            await asyncio.sleep(1)

    async def pester(self) -> None:
        """Again and again something befalls the process from outside; its page must answer afterwards."""
        chance = random.Random(f"pests {self.seed}")
        ways: Mapping[str, Callable[[], Awaitable[None]]] = {
            "page: 50 requests broken off": partial(self._ask, 50, ASKED),
            "page: 60 half-open requests": partial(self._ask, 60, ASKED[:20], held_s=12.0),
            "page: malformed requests": partial(self._ask, 10, b"\x00\xff / HTTP/9.9\r\n\r\n"),
            "process stopped for seconds": partial(self._stop, chance.uniform(2.0, 7.0)),
            "database locked for three seconds": self._lock,
        }
        while True:
            await asyncio.sleep(chance.uniform(4.0, 12.0))
            if self.ending or self.heard != self.lives:
                continue
            name, life, killed = chance.choice(sorted(ways)), self.lives, self.killed
            fell = Fell(kind=name)
            self.pests.append(fell)
            await ways[name]()
            answered = await self._answers()
            if (life, killed) == (self.lives, self.killed) and not self.ending:
                fell.outcome = "the page answers" if answered else "THE PAGE IS SILENT"

    async def _ask(self, count: int, asked: bytes, held_s: float = 0.0) -> None:
        held = []
        for _ in range(count):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.page_port)
            except OSError:  # it was killed
                continue
            writer.write(asked)
            held.append(writer)
        await asyncio.sleep(held_s)
        for writer in held:
            writer.transport.abort()

    async def _stop(self, seconds: float) -> None:
        bot = self.bot
        if bot is None or bot.returncode is not None:
            return
        bot.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if bot.returncode is None:
            bot.send_signal(signal.SIGCONT)

    async def _lock(self) -> None:
        held = sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None, timeout=LOCKED_S)
        try:
            held.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(LOCKED_S)
            held.execute("ROLLBACK")
        except sqlite3.OperationalError:  # the bot held it all the while
            pass
        finally:
            held.close()

    async def _answers(self) -> bool:
        """Whether the page answers within a minute: after a stop it has much to catch up with."""
        try:
            async with (
                asyncio.timeout(60),
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.page_port}/") as answer,
            ):
                return answer.status == 200 and b"</html>" in await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def run(self) -> None:
        """Lives that end by a kill, and one that may end well; where memory is judged, after a life that
        fills the archive."""
        if self.minutes >= JUDGED_FROM_MIN:
            growing = await self.life("grow")
            if await growing.wait():
                raise SystemExit(f"soak: the archive was not filled: the bot ended with {growing.returncode}")
        await begin(self.url, self.channels)
        self.began_s = time.monotonic()
        chance = random.Random(self.seed)
        times = sorted(chance.uniform(0.03, KILLED_WITHIN) for _ in range(self.kills))
        for at in [*times, None]:
            bot = self.bot = await self.life(str(self.page_port))
            hearing, watching = asyncio.create_task(self.hear(bot)), asyncio.create_task(self.watch(bot))
            try:
                await (self._kill(bot, at) if at is not None else self._end(bot))
                await hearing
            finally:
                watching.cancel()
                if bot.returncode is None:
                    bot.kill()
                await bot.wait()

    async def _kill(self, bot: asyncio.subprocess.Process, at: float) -> None:
        """Kill it in the midst of posting, once its time has come."""
        await self.fake.until(
            lambda: self.part >= at or bot.returncode is not None, within_s=self.minutes * 60
        )
        before = self.sent
        await self.fake.until(
            lambda: self.sent >= before + 3 or bot.returncode is not None, within_s=ENDS_WITHIN_S
        )
        self._alive(bot)
        bot.send_signal(signal.SIGKILL)
        self.killed += 1

    async def _end(self, bot: asyncio.subprocess.Process) -> None:
        await self.fake.until(
            lambda: self.part >= 1 or bot.returncode is not None, within_s=self.minutes * 60
        )
        # A signal to a process that is still being started would end it at once.
        await self.fake.until(
            lambda: self.heard == self.lives or bot.returncode is not None, within_s=ENDS_WITHIN_S
        )
        self._alive(bot)
        self.fake.rough, self.ending = False, True
        bot.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(ENDS_WITHIN_S):
            await bot.wait()
        if bot.returncode:
            raise SystemExit(f"soak: the bot was told to end, and ended with {bot.returncode}")

    def _alive(self, bot: asyncio.subprocess.Process) -> None:
        if bot.returncode is not None:
            raise SystemExit(f"soak: the bot ended by itself with {bot.returncode}")

    @property
    def sent(self) -> int:
        """Messages on Discord."""
        return sum(map(len, self.fake.messages.values()))


def memory_mb(pid: int) -> float | None:
    """Resident memory, by Linux's account of it; None where the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return None
    return next(
        (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), None
    )


async def begin(url: str, channels: Sequence[int]) -> None:
    """An archive in which every channel follows Bitcoin."""
    archive = await open_archive(url)
    for number, channel in enumerate(channels):
        wish = Subscription(
            channel=f"discord:{channel}",
            asset="BTC",
            guild_id=str(GUILD + number),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        await archive.subscriptions.add(wish)
    await archive.aclose()


async def stored(url: str) -> Sequence[Any]:
    """Every row of the outbox."""
    archive = await open_archive(url)
    async with archive.database.read("soak") as connection:
        rows = (await connection.execute(select(posts).where(posts.c.surface == "discord"))).all()
    await archive.aclose()
    return rows


def judged(soak: Soak, rows: Sequence[Any], channels: Sequence[int]) -> list[tuple[str, str, bool]]:
    """What is checked, what was seen, whether it holds."""
    fake = soak.fake
    copies = Counter(len(fake.found(row.channel, row.nonce)) for row in rows)
    known = {row.nonce for row in rows}
    strange = sum(one.get("nonce") not in known for told in fake.messages.values() for one in told)
    each = Counter((row.reason, row.intended_at) for row in rows)
    uneven = sum(count != len(channels) for count in each.values())
    status = Counter(row.status for row in rows)
    lost = [
        one
        for one in (*soak.venue.values(), *soak.pests, *fake.fell)
        if one.outcome.isupper() or one.outcome.startswith("SWALL")
    ]
    slots = len({row.intended_at for row in rows if row.reason == "scheduled"})
    return [
        (
            "posts lost",
            f"{copies[0]} of {len(rows)}; outbox {dict(status)}",
            not copies[0] and set(status) == {"sent"},
        ),
        (
            "posts doubled",
            f"{sum(n for times, n in copies.items() if times > 1)} of {len(rows)}",
            not copies.keys() - {0, 1},
        ),
        ("messages that no post knows", str(strange), not strange),
        (
            "posts that not every channel got",
            f"{uneven} of {len(each)} ({slots} scheduled)",
            not uneven and bool(slots),
        ),
        ("kills survived", f"{soak.killed} of {soak.kills}", soak.killed == soak.kills),
        ("jobs that failed", "; ".join(sorted(set(soak.failures))[:3]) or "none", not soak.failures),
        ("faults unaccounted for", "; ".join(one.kind for one in lost[:5]) or "none", not lost),
        memory(soak),
    ]


def memory(soak: Soak) -> tuple[str, str, bool]:
    """Memory in both halves of what the last process lived through once it was warm."""
    middle = (WARM + soak.lived) / 2
    first = [mb for lived, mb in soak.lived_mb if WARM <= lived < middle]
    last = [mb for lived, mb in soak.lived_mb if lived >= max(middle, WARM)]
    if not first or not last:
        return "memory", f"not judged: {soak.lived} moments", bool(soak.lived_mb)
    before, after = statistics.median(first), statistics.median(last)
    said = f"{before:.0f} MB, then {after:.0f} MB ({after / before - 1:+.1%}; goal: within 5%)"
    if soak.lived < 2 * WARM or soak.minutes < JUDGED_FROM_MIN:
        return "memory", f"{said}, not judged: {soak.lived} moments", True
    return "memory", said, after <= before * FLAT


def tenths(soak: Soak) -> list[str]:
    """The median memory of each tenth of the run, "-" where nothing was seen."""
    parts = [[mb for part, mb in soak.memory_mb if number <= part * 10 < number + 1] for number in range(10)]
    return [f"{statistics.median(part):.0f}" if part else "-" for part in parts]


def faults(fell: Sequence[Fell]) -> Table:
    """Every fault, by kind and by what came of it."""
    table = Table("fault", "what came of it", "times", title="Faults, all of them")
    for (kind, outcome), count in sorted(Counter((one.kind, one.outcome) for one in fell).items()):
        table.add_row(kind, outcome, str(count))
    return table


def asked(arguments: Sequence[str]) -> Mapping[str, Any]:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="tightrope soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    return vars(parser.parse_args(arguments))


async def main(arguments: Sequence[str]) -> int:
    """Soak, count, print."""
    given = asked(arguments)
    channels = [FIRST_CHANNEL + number for number in range(given["servers"])]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/soak.sqlite"
        fake = RoughDiscord(random.Random(f"discord {given['seed']}"))
        async with fake:
            for number, channel in enumerate(channels):
                fake.add_guild(GUILD + number, [channel])
            soak = Soak(**given, fake=fake, url=url, channels=channels)
            beside = [asyncio.create_task(fake.shake()), asyncio.create_task(soak.pester())]
            try:
                await soak.run()
            finally:
                for task in beside:
                    task.cancel()
            rows = await stored(url)
            fake.settle(rows)
    console = Console(width=150)
    console.print(faults([*soak.venue.values(), *soak.pests, *fake.fell]))
    title = (
        f"{len(soak.moments)} moments, {soak.sent} messages, {given['servers']} servers, seed {given['seed']}"
    )
    table = Table("checked", "seen", "", title=title)
    results = judged(soak, rows, channels)
    for what, seen, holds in results:
        table.add_row(what, seen, "holds" if holds else "FAILED")
    console.print(table)
    console.print("memory by tenths of the run, MB:", *tenths(soak))
    return 0 if all(holds for _, _, holds in results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
