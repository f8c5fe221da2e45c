"""Polls of the tape, minutes apart, with venues that fall silent and bots that are started anew; what the
console was sent."""

import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console as Terminal

from bot.archive import open_archive
from bot.desk import recall
from bot.domain.playbook import Playbook
from bot.domain.posts import Post
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import read_tape
from bot.process.settings import Settings, load
from bot.sources._http import Http
from bot.sources._tape import VENUES, TapeTransport
from bot.sources._tape_table import Tape, parse
from tests.desks import follow_once

BEGIN = datetime(2026, 1, 28, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Flaky(httpx.AsyncBaseTransport):
    """The tape, on which some venues cannot be reached: those in `silent`. Where `told` is set the venues
    tell that one's past instead, where `change` is, it makes another reply of each. A test changes them as it goes."""

    silent: frozenset[str] = frozenset()
    told: Tape | None = None
    change: "Change | None" = None

    def __init__(self, tape: Tape, now: Callable[[], datetime], *, venues: Sequence[str]) -> None:
        self._make = partial(TapeTransport, now=now, venues=venues)
        self._first = tape
        self._telling: tuple[Tape, TapeTransport] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The tape's answer. Raises httpx.ConnectError for a silent venue."""
        venue, _ = VENUES.get(request.url.host, ("", None))
        if venue in Flaky.silent:
            raise httpx.ConnectError(f"{request.url.host}: no route to host", request=request)
        told = Flaky.told or self._first
        if self._telling is None or self._telling[0] is not told:
            self._telling = told, self._make(told)
        reply = await self._telling[1].handle_async_request(request)
        return reply if Flaky.change is None else await Flaky.change(request, reply, self._telling[1])


Change = Callable[[httpx.Request, httpx.Response, TapeTransport], Awaitable[httpx.Response]]
"""What becomes of a reply, by the question and by who else can be asked."""


@cache
def playbook() -> Playbook:
    """The real rules and words."""
    return read_playbook()


@cache
def tape() -> Tape:
    """The shipped tape."""
    return read_tape("february-2026")


def tape_with(**figures: float) -> Tape:
    """The shipped tape with some of its [figures] changed: what venues tell when they restate their past."""
    folder = CONFIG / "tapes" / "february-2026"
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}
    for name, value in figures.items():
        files["tape.toml"], count = re.subn(
            rf"(?m)^{name} = [\d_.]+$", f"{name} = {value}", files["tape.toml"]
        )
        assert count == 1, name
    return parse(files)


def settings(*sources: str, **changed: Any) -> Settings:
    """bot.toml for Bitcoin alone, with these sources."""
    return load(CONFIG, {}).model_copy(update={"assets": ("BTC",), "sources": sources, **changed})


class Bot:
    """A bot on the tape whose archive is a file: `started` again it goes on from there."""

    def __init__(self, path: Path, chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self._settings = chosen
        self._url = f"sqlite:///{path}"
        self._monkeypatch = monkeypatch
        self.terminal = io.StringIO()
        self.parts: app.Parts

    @asynccontextmanager
    async def started(self) -> AsyncIterator["Bot"]:
        """One life of it."""

        async def at_once(seconds: float) -> None:
            return None

        with self._monkeypatch.context() as patch:
            patch.setattr("bot.sources._tape.TapeTransport", Flaky)
            patch.setattr(recall, "iterate_past", follow_once)
            patch.setattr(app, "Http", partial(Http, sleep=at_once))
            patch.setattr(app, "open_archive", lambda url, *, claims: open_archive(self._url, claims=claims))
            terminal = Terminal(file=self.terminal, width=200)
            async with app.house(self._settings, playbook(), terminal=terminal, tape=tape()) as self.parts:
                yield self

    async def polls(
        self,
        since: datetime,
        until: datetime,
        every: timedelta = 10 * MINUTE,
        *,
        silent: str = "",
        told: Tape | None = None,
        change: Change | None = None,
    ) -> None:
        """Poll from one time to another, ends included, while these venues (words) do not answer and the
        others tell what is on a tape, or what `change` makes of it."""
        Flaky.silent, Flaky.told, Flaky.change = frozenset(silent.split()), told, change
        try:
            at = since
            while at <= until:
                self.parts.clock.set(at)  # type: ignore[attr-defined]
                await self.parts.desk.poller.poll("BTC", at)
                await self.parts.desk.sender.deliver()
                at += every
        finally:
            Flaky.silent, Flaky.told, Flaky.change = frozenset(), None, None

    async def posts(self, *reasons: str) -> Sequence[Post]:
        """The console's posts of these reasons, oldest first."""
        found = await self.parts.archive.posts.find(channel="console:", limit=500)
        return [post for post in reversed(found) if post.reason in reasons]
