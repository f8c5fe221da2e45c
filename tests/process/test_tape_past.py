"""The past that is shipped with a tape is the one that its venues tell, row by row; made anew by
`python -m tests.process.test_tape_past`."""

import asyncio
import io
import shutil
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as Terminal
from sqlalchemy import select

from bot.archive.schema import metadata
from bot.domain.playbook import Playbook
from bot.errors import ConfigError
from bot.playbook import CONFIG, read_playbook
from bot.process.app import Parts, house
from bot.process.demo import fill_from_venues, fill_tape, read_tape
from bot.process.settings import Settings, load
from bot.process.tape_past import past_file, stands_on, take_past
from bot.sources._tape_past import pack_past, unpack_file, unpack_past
from bot.sources._tape_table import Tape

TAPE = read_tape("february-2026")
SHIPPED = ("BTC", "ETH")


def settings_of(asset: str) -> Settings:
    return load(CONFIG, {}).model_copy(update={"assets": (asset,)})


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


@asynccontextmanager
async def opened(playbook: Playbook, settings: Settings, tape: Tape = TAPE) -> AsyncIterator[Parts]:
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        yield parts


async def tables(parts: Parts) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    async with parts.archive.database.read("all") as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table))]
            for table in metadata.sorted_tables
        }


async def packed(playbook: Playbook, asset: str) -> bytes:
    """The file of an asset's past, from what the tape's venues tell."""
    settings = settings_of(asset)
    async with opened(playbook, settings) as parts:
        stands = stands_on(parts, settings, TAPE, asset)
        await fill_from_venues(parts, settings, (asset,))
        return pack_past(await parts.archive.past_copies.copy_out(asset), stands)


@pytest.mark.slow  # a year is filled from eleven venues
@pytest.mark.timeout(180)
@pytest.mark.parametrize("asset", SHIPPED)
async def test_the_shipped_past_is_what_the_tapes_venues_tell(asset: str, playbook: Playbook) -> None:
    # One zlib packs the same bytes smaller than another.
    shipped, told = past_file(TAPE, asset).read_bytes(), await packed(playbook, asset)
    assert zlib.decompress(shipped) == zlib.decompress(told), (
        "make it anew: python -m tests.process.test_tape_past"
    )


@pytest.mark.slow  # a year is filled from eleven venues
@pytest.mark.timeout(180)
async def test_with_it_every_table_is_as_without_it(playbook: Playbook) -> None:
    settings = settings_of("BTC")
    async with opened(playbook, settings) as parts:
        await fill_from_venues(parts, settings, ("BTC",))
        heard = await tables(parts)
    async with opened(playbook, settings) as parts:
        assert await take_past(parts, settings, TAPE, "BTC")
        taken = await tables(parts)
        assert not any(usage.requests for usage in parts.http.usage())
    assert {name: len(rows) for name, rows in taken.items()} == {
        name: len(rows) for name, rows in heard.items()
    }
    assert taken == heard


async def test_a_past_that_is_shipped_is_asked_of_nobody(playbook: Playbook) -> None:
    settings = settings_of("BTC")
    async with opened(playbook, settings) as parts:
        await fill_tape(parts, settings, TAPE, ("BTC",))
        assert not any(usage.requests for usage in parts.http.usage())
        assert (
            len((await parts.archive.points.past("dvol", "BTC", TAPE.starts_at - timedelta(days=365))).at_ms)
            > 8_000
        )
        assert not await take_past(parts, settings, TAPE, "BTC")


async def test_a_past_that_stands_on_something_else_is_not_taken(playbook: Playbook) -> None:
    settings = settings_of("BTC")
    fewer = settings.model_copy(update={"sources": settings.sources[:-1]})
    shorter = settings.model_copy(
        update={"poll": settings.poll.model_copy(update={"backfill_days": settings.poll.backfill_days - 1})}
    )
    async with opened(playbook, settings) as parts:
        whole = stands_on(parts, settings, TAPE, "BTC")
        assert stands_on(parts, shorter, TAPE, "BTC") != whole
        assert stands_on(parts, settings, TAPE, "ETH") != whole
        assert not await take_past(parts, shorter, TAPE, "BTC")
        assert not (await tables(parts))["points"]
        parts.clock.set(TAPE.moments[1].at)  # type: ignore[attr-defined]  # the tape's
        assert stands_on(parts, settings, TAPE, "BTC") != whole
    async with opened(playbook, fewer) as parts:
        assert stands_on(parts, fewer, TAPE, "BTC") != whole


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder of one's own with the tape, without its past."""
    shutil.copytree(CONFIG / "tapes" / TAPE.name, tmp_path / "tapes" / TAPE.name)
    return tmp_path


async def test_a_tape_of_ones_own_folder_has_its_past_beside_it(playbook: Playbook, config: Path) -> None:
    header = config / "tapes" / TAPE.name / "tape.toml"
    header.write_text(header.read_text().replace(TAPE.name, "of-my-own"))
    header.parent.rename(config / "tapes" / "of-my-own")
    tape, settings = read_tape("of-my-own", config), settings_of("BTC")
    shipped = unpack_past(unpack_file(past_file(TAPE, "BTC").read_bytes()))
    async with opened(playbook, settings, tape) as parts:
        assert not await take_past(parts, settings, tape, "BTC")
        own = config / "tapes" / "of-my-own.BTC.past"
        own.write_bytes(pack_past(shipped, stands_on(parts, settings, tape, "BTC")))
        assert await take_past(parts, settings, tape, "BTC")
        assert not any(usage.requests for usage in parts.http.usage())


async def test_a_copied_tape_has_the_shipped_past_where_the_folder_has_none(
    playbook: Playbook, config: Path
) -> None:
    tape, settings = read_tape(TAPE.name, config), settings_of("BTC")
    async with opened(playbook, settings, tape) as parts:
        assert stands_on(parts, settings, tape, "BTC") == stands_on(parts, settings, TAPE, "BTC")
        assert await take_past(parts, settings, tape, "BTC")


async def test_a_broken_file_is_named(playbook: Playbook, config: Path) -> None:
    tape, settings = read_tape(TAPE.name, config), settings_of("BTC")
    whole, broken = past_file(TAPE, "BTC").read_bytes(), config / "tapes" / f"{TAPE.name}.BTC.past"
    async with opened(playbook, settings, tape) as parts:
        for told in (whole[:-9], b"", zlib.compress(b"\x93")):
            broken.write_bytes(told)
            with pytest.raises(ConfigError, match=rf"{broken}.*cannot be read"):
                await take_past(parts, settings, tape, "BTC")


def main() -> None:
    """Write the shipped pasts anew."""
    playbook = read_playbook()
    for asset in SHIPPED:
        told = asyncio.run(packed(playbook, asset))
        past_file(TAPE, asset).write_bytes(told)
        print(f"{past_file(TAPE, asset)}: {len(told)} bytes")


if __name__ == "__main__":
    main()
