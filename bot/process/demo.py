"""The demo: a tape of config/tapes played through the whole bot."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console as Terminal

from bot.domain.playbook import Playbook
from bot.errors import ConfigError, Problem, TightropeError
from bot.playbook import CONFIG, read_texts
from bot.process.app import Parts, house, page, poll_all
from bot.process.schedule import until_stopped
from bot.process.settings import Settings
from bot.process.tape_past import take_past
from bot.sources._tape_table import Tape
from bot.sources._tape_table import parse as parse_tape


def read_tape(name: str, config: Path = CONFIG) -> Tape:
    """A tape of config/tapes. Raises ConfigError."""
    folder = config / "tapes" / name
    if not folder.is_dir():
        tapes = config / "tapes"
        known = (
            ", ".join(
                sorted(path.name for path in tapes.iterdir() if path.is_dir()) if tapes.is_dir() else ()
            )
            or "none"
        )
        raise ConfigError([Problem(file=str(folder), id=name, reason=f"no such tape: there is {known}")])
    return replace(parse_tape(read_texts(folder, "")), folder=folder)


FINE_ESTIMATES = timedelta(days=3)


async def demo(
    settings: Settings,
    playbook: Playbook,
    tape: Tape,
    terminal: Terminal,
    *,
    once: bool = False,
    speed: float = 6.0,
    port: int | None = None,
) -> None:
    """Play a tape through the whole bot. `speed` is in hours of the tape a second; with `once` as fast as it
    goes, without a page, and only the asset that is posted: nobody can ask about the others."""
    if once:
        settings = settings.model_copy(update={"assets": settings.assets[:1], "surfaces": ("console",)})
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(house(settings, playbook, terminal=terminal, tape=tape))
        if not once:
            chosen = settings.page.port if port is None else port
            await stack.enter_async_context(page(parts, settings, terminal, port=chosen))
        if once:
            await play(parts, settings, tape)
        else:
            await until_stopped(play(parts, settings, tape, speed))


async def fill_tape(parts: Parts, settings: Settings, tape: Tape, assets: Sequence[str]) -> None:
    """The past before a tape begins, as a first start fills it: as it is shipped with the tape, else from its venues; by
    eight hours only in the last days, so that the playing begins soon."""
    left = [asset for asset in assets if not await take_past(parts, settings, tape, asset)]
    if left:
        await fill_from_venues(parts, settings, left)


async def fill_from_venues(parts: Parts, settings: Settings, assets: Sequence[str]) -> None:
    """The past before a tape begins, from the histories that its venues tell."""
    await parts.desk.filler.fill(assets, settings.poll.backfill_days, fine=FINE_ESTIMATES)


async def play(parts: Parts, settings: Settings, tape: Tape, speed: float | None = None) -> None:
    """Step through the tape, at `speed` hours a second or (None) as fast as it goes. Raises TightropeError
    where a poll failed."""
    await fill_tape(parts, settings, tape, settings.assets)
    parts.schedule.moments("poll", [moment.at for moment in tape.moments], partial(poll_all, parts))
    before = tape.starts_at
    for moment in tape.moments:
        if speed is not None:
            await asyncio.sleep((moment.at - before).total_seconds() / 3600 / speed)
        await parts.schedule.step_to(moment.at)
        before = moment.at
        for name, ran in parts.schedule.runs.items():
            if ran.failure:
                raise TightropeError(f"{tape.name} at {moment.at.isoformat()}: {name}: {ran.failure}")
