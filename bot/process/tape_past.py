"""The past that a tape's first start fills, packed beside the tape: the same rows in a tenth of the time.

A file holds the past of one asset and what it stands on: the tape itself, the time of the start, the venues, how far back.
Where any of that is another one, the past is filled from the tape's venues as ever."""

import hashlib
from pathlib import Path

import msgspec
from msgspec.structs import asdict

from bot.errors import ConfigError, Problem
from bot.playbook import CONFIG
from bot.process.app import Parts
from bot.process.settings import Settings
from bot.sources._tape_past import unpack_file, unpack_past
from bot.sources._tape_table import Tape


def past_file(tape: Tape, asset: str) -> Path:
    """Where the past of an asset before a tape is, if it is anywhere: beside the tape, else in the shipped config folder."""
    name = f"{tape.name}.{asset}.past"
    own = tape.folder.parent / name if tape.folder is not None else None
    return own if own is not None and own.exists() else CONFIG / "tapes" / name


async def take_past(parts: Parts, settings: Settings, tape: Tape, asset: str) -> bool:
    """Store the packed past of an asset before the tape. False, and nothing is stored, where there is none, it stands on
    something else, or the archive knows something of the asset. Raises ArchiveError, and ConfigError for a broken file."""
    file = past_file(tape, asset)
    try:
        told = file.read_bytes()
    except FileNotFoundError:
        return False
    try:
        packed = unpack_file(told)
    except ValueError as error:
        reason = f"cannot be read ({error}); without it the past is filled from the tape"
        raise ConfigError([Problem(file=str(file), id=asset, reason=reason)]) from error
    if packed.stands_on != stands_on(parts, settings, tape, asset):
        return False
    if not await parts.archive.past_copies.copy_in(unpack_past(packed)):
        return False
    await parts.desk.market.renew(asset)
    return True


def stands_on(parts: Parts, settings: Settings, tape: Tape, asset: str) -> str:
    """A hash of all that decides what a fill of an asset's past stores, except the code itself."""
    named = {
        "tape": {name: told for name, told in asdict(tape).items() if name != "folder"},
        "asset": asset,
        "at": parts.clock.now(),
        "venues": [source.name for source in parts.venues],
        "backfill_days": settings.poll.backfill_days,
        "history_days": settings.poll.history_days,
    }
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()
