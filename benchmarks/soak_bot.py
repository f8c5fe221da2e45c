"""The bot that `soak.py` soaks and kills: the whole house on a file, its market a tape that goes on and on,
its Discord the fake's.

Arguments: the fake's port, the database, the seed, the share of venue requests that go wrong, the port of its
page. Between two moments of the tape it is asked to reload files that cannot be read, or its clock is moved while
it sends. Prints a line of JSON for each fault, for what became of it, and for each moment of the tape that is done. SIGUSR1 asks it
to send what is left and to end well.

With `grow` for the page's port it is a bot without Discord that lives through the first lap and then remembers
that lap as often as the desk looks back: in the run that follows as much of the past goes out of sight as
comes in, and memory that grows is a leak."""

import asyncio
import io
import itertools
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the fake is one of the tests'

# ruff: noqa: E402
from tests.delivery.discord.at_the_fake import turn

turn(sys.argv[1])

import httpx
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from bot.archive import open_archive
from bot.archive.blocks import pack, unpack
from bot.archive.schema import hours
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.supervise import run_discord
from bot.domain.playbook import Playbook
from bot.errors import ConfigError
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import read_tape
from bot.process.logs import set_up_logs
from bot.process.run import LiveBot, night
from bot.process.settings import Settings
from bot.sources import available
from bot.sources._tape import VENUES, TapeTransport
from bot.sources._tape_table import Tape

LAP = timedelta(days=14)  # whole weeks: expiries are Fridays
LEAD_IN = timedelta(days=90)
LAPS = 40  # more than any run gets through
PLACE = "soak.at"
KINDS = ("refused", "reset", "429", "500", "451", "garbage", "anything at all", "year 9999")
ANYTHING = (
    KeyError("mark"),
    OverflowError("year 10000"),
    RecursionError(),
    UnicodeEncodeError("ascii", "\u200b", 0, 1, "no"),
)
NEVER = "Fri, 31 Dec 9999 23:59:59 +99999"
TROUBLE_SHARE = 0.3  # of the moments
CLOCKS = {"an hour back": -60, "three minutes back": -3, "three minutes ahead": 3, "an hour ahead": 60}
LAST_TRIES = 200
LOGGED = ("/get_last_trades_", "/public/instruments", "/instruments-info")
"""The day's trades are no reading, and whether a contract is halted is none: that they were not heard is logged."""


class Faulty(httpx.AsyncBaseTransport):
    """The tape's transport, which goes wrong now and then; each fault is told, and so is what came of it."""

    def __init__(self, chance: random.Random, share: float) -> None:
        self.tape: TapeTransport | None = None
        self.on = False
        self._chance = chance
        self._share = share
        self._open: dict[int, tuple[str, str]] = {}
        self._numbers = itertools.count(1)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """An answer of the tape, or a fault."""
        if self.tape is None:
            raise httpx.ConnectError("the tape has not begun", request=request)
        if self.on and self._chance.random() < self._share:
            return self._fault(request)
        self._mended(str(request.url))
        return await self.tape.handle_async_request(request)

    def _fault(self, request: httpx.Request) -> httpx.Response:
        kind, number = self._chance.choice(KINDS), next(self._numbers)
        self._open[number] = VENUES[request.url.host][0], str(request.url)
        say(fault=number, kind=f"venue: {kind}")
        if kind == "refused":
            raise httpx.ConnectError("nobody listens", request=request)
        if kind == "reset":
            raise httpx.ReadError("reset by peer", request=request)
        if kind == "anything at all":
            raise self._chance.choice(ANYTHING)
        if kind == "year 9999":
            headers = {"date": NEVER, "retry-after": NEVER}
            return httpx.Response(429, content=b"{}", headers=headers, request=request)
        if kind == "garbage":
            return httpx.Response(200, content=b"\x1f\x8b<html>", request=request)
        return httpx.Response(int(kind), content=b"{}", headers={"retry-after": "1"}, request=request)

    def _mended(self, url: str) -> None:
        for number in [number for number, (_, asked) in self._open.items() if asked == url]:
            del self._open[number]
            say(fault=number, outcome="asked again, answered")

    def settle(self, told: str) -> None:
        """At a moment's end: what was not mended is either told as a gap or has been swallowed."""
        for number, (venue, url) in self._open.items():
            lost = "told in the log" if any(part in url for part in LOGGED) else f"SWALLOWED ({url})"
            say(fault=number, outcome="told as a gap" if venue in told else lost)
        self._open.clear()


def say(**told: object) -> None:
    print(json.dumps(told), flush=True)


class Troubles:
    """What befalls the bot from within, some moments long: files that cannot be read at a reload, a clock that is moved
    while posts go out."""

    def __init__(self, parts: app.Parts, settings: Settings, config: Path, chance: random.Random) -> None:
        self._parts = parts
        self._bot = LiveBot(parts, settings, config=config, role="all")
        self._rules = config / "rules"
        self._chance = chance
        self._numbers = itertools.count(1)

    async def befall(self) -> None:
        """One of them, or none."""
        if self._chance.random() >= TROUBLE_SHARE:
            return
        number = -next(self._numbers)
        if self._chance.random() < 0.5:
            await self._move_clock(number, self._chance.choice(sorted(CLOCKS)))
        else:
            await self._reload(number, self._chance.choice(sorted(ODD_FILES)))

    async def _move_clock(self, number: int, how: str) -> None:
        say(fault=number, kind=f"clock: {how}")
        clock: Any = self._parts.clock
        clock._at += timedelta(minutes=CLOCKS[how])
        await self._parts.desk.sender.deliver()
        clock._at -= timedelta(minutes=CLOCKS[how])
        say(fault=number, outcome="sent, and set right")

    async def _reload(self, number: int, what: str) -> None:
        say(fault=number, kind=f"reload: {what}")
        before, path = self._parts.desk.market.playbook.hash, self._rules / "odd.toml"
        ODD_FILES[what](path)
        try:
            await self._bot.reload()
            outcome = "TAKEN"
        except ConfigError:
            outcome = "refused" if self._parts.desk.market.playbook.hash == before else "CHANGED"
        finally:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        say(fault=number, outcome=outcome)


def write_latin_1(path: Path) -> None:
    path.write_bytes("# café".encode("latin-1"))


def write_endless_key(path: Path) -> None:
    path.write_text("a." * 50_000 + "a = 1", encoding="utf-8")


def write_nested(path: Path) -> None:
    path.write_text("a = " + "[" * 50_000, encoding="utf-8")


ODD_FILES: Mapping[str, Callable[[Path], object]] = {
    "Latin-1": write_latin_1,
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a key of 50,000 parts": write_endless_key,
    "deep nesting": write_nested,
}


def long(tape: Tape) -> Tape:
    """The same market lap after lap, each some weeks later."""
    by = [number * LAP for number in range(LAPS)]
    return replace(
        tape,
        moments=tuple(replace(one, at=one.at + more) for more in by for one in tape.moments),
        post_times=tuple(at + more for more in by for at in tape.post_times),
        drawn={
            name: tuple((day + more, value) for more in by for day, value in told)
            for name, told in tape.drawn.items()
        },
        liquidations=tuple(replace(one, day=one.day + more) for more in by for one in tape.liquidations),
    )


async def play(
    tape: Tape,
    settings: Settings,
    playbook: Playbook,
    faults: Faulty,
    done: datetime | None,
    ends: Callable[[], bool],
) -> None:
    """Step through the tape from behind the moment that is done until it is asked to end."""
    terminal = Console(file=io.StringIO())
    async with (
        app.house(
            settings, playbook, terminal=terminal, tape=tape, transport=faults, url=sys.argv[2]
        ) as parts,
        AsyncExitStack() as own,
    ):
        faults.tape = TapeTransport(tape, parts.clock.now, venues=settings.sources)
        desk, archive = parts.desk, parts.archive
        config = await own.enter_async_context(own_config())
        await own.enter_async_context(app.page(parts, settings, terminal, port=int(sys.argv[5])))
        troubles = Troubles(parts, settings, config, random.Random(f"trouble {sys.argv[3]} {done}"))

        def make() -> TightropeClient:
            return TightropeClient(desk=desk, keeping=archive, guild_ready_timeout=0.5)

        online = asyncio.create_task(run_discord("token", desk, archive, make=make))
        try:
            if done is None:
                await desk.filler.backfill("BTC", tape.starts_at - LEAD_IN, tape.starts_at)
            else:
                await parts.schedule.step_to(done)
            left = [one.at for one in tape.moments if done is None or one.at > done]
            parts.schedule.moments("poll", left, lambda at: app.poll_all(parts, at))
            parts.schedule.moments("night", nights(left), lambda at: night(parts, settings, at))
            faults.on = True
            for at in left:
                await drain(parts, before=at)
                if ends():
                    break
                await step(parts, at, faults)
                await troubles.befall()
            faults.on = False
            await drain(parts)
        finally:
            online.cancel()
            await asyncio.wait({online})


@asynccontextmanager
async def own_config() -> AsyncIterator[Path]:
    """A copy of config/, to put odd files into."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(CONFIG, Path(folder) / "config"))


def nights(moments: list[datetime]) -> list[datetime]:
    """The first moment of each day."""
    return [min(own) for _, own in itertools.groupby(moments, key=datetime.date)]


async def step(parts: app.Parts, at: datetime, faults: Faulty) -> None:
    """One moment, and what came of its faults."""
    await parts.schedule.step_to(at)
    heard = parts.desk.market.last_snapshot("BTC")
    faults.settle(" ".join(f"{gap.who} {gap.reason}" for gap in heard.gaps) if heard else "")
    failures = [f"{name}: {run.failure}" for name, run in parts.schedule.runs.items() if run.failure]
    await parts.archive.notes.set(PLACE, at.isoformat())
    say(moment=at.isoformat(), failures=failures)


async def drain(parts: app.Parts, before: datetime | None = None) -> None:
    """Send what is left, a minute of the tape's time at each try: between two moments of the tape lie hours, in which a
    bot that runs sends what it could not send at once."""
    for _ in range(LAST_TRIES):
        if not await parts.archive.outbox.find_unsent("discord"):
            return
        minute_on = parts.clock.now() + timedelta(minutes=1)
        if before is None or minute_on < before:
            await parts.schedule.step_to(minute_on)
        await parts.desk.sender.deliver()
        await asyncio.sleep(0.1)


async def grow(settings: Settings, playbook: Playbook, faults: Faulty) -> None:
    """The first lap, and that lap again and again before it."""
    tape = read_tape("february-2026")
    moments = [one.at for one in tape.moments]
    terminal = Console(file=io.StringIO())
    async with app.house(
        settings, playbook, terminal=terminal, tape=tape, transport=faults, url=sys.argv[2]
    ) as parts:
        faults.tape = TapeTransport(tape, parts.clock.now, venues=settings.sources)
        await parts.desk.filler.backfill("BTC", tape.starts_at - LEAD_IN, tape.starts_at)
        parts.schedule.moments("poll", moments, lambda at: app.poll_all(parts, at))
        await parts.schedule.step_to(moments[-1])
        await parts.archive.notes.set(PLACE, moments[-1].isoformat())
        async with parts.archive.database.write("earlier laps") as connection:
            lap = hours.c.day.between(tape.starts_at.timestamp() // 86_400, moments[-1].timestamp() // 86_400)
            heard = (await connection.execute(select(hours).where(lap))).all()
            await connection.execute(sqlite.insert(hours).on_conflict_do_nothing(), [*earlier(heard)])


def earlier(heard: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The blocks of a lap as those of the laps before it, as far back as the desk looks."""
    for back, (number, day, block) in itertools.product(range(1, LEAD_IN // LAP + 2), heard):
        by = back * LAP
        rows = [row._replace(at_ms=row.at_ms - by // timedelta(milliseconds=1)) for row in unpack(block)]
        yield {"series_id": number, "day": day - by.days, "block": pack(rows)}


async def place() -> datetime | None:
    """The last moment that an earlier process was done with."""
    archive = await open_archive(sys.argv[2])
    kept = await archive.notes.get(PLACE)
    await archive.aclose()
    return datetime.fromisoformat(kept) if kept else None


async def main() -> None:
    """Go on from where an earlier process stopped."""
    set_up_logs(level=logging.CRITICAL)  # what is meant to go wrong is told on standard output
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ending.set)
    settings = Settings(assets=("BTC",), surfaces=(), sources=tuple(available()))
    # What the desk looks back on is whole from the beginning: no run is long enough to fill the usual four
    # months.
    settings = settings.model_copy(
        update={
            "poll": settings.poll.model_copy(update={"history_days": LEAD_IN.days}),
            # The tape posts on some days only: what its first moment finds due is older than a day.
            "posts": settings.posts.model_copy(update={"worth_h": 24 * 7}),
        }
    )
    if sys.argv[5:] == ["grow"]:
        await grow(settings, read_playbook(), Faulty(random.Random(sys.argv[3]), 0.0))
        return
    done = await place()
    faults = Faulty(random.Random(f"{sys.argv[3]} {done}"), float(sys.argv[4]))
    await play(long(read_tape("february-2026")), settings, read_playbook(), faults, done, ending.is_set)


if __name__ == "__main__":
    asyncio.run(main())
