"""Smiles that are remembered: twice a day, for nine days, over a restart, and never in a poll's way."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.archive.codec import decode, encode
from bot.desk.smiles import SmileMemory
from bot.domain.chain import PastSmiles
from bot.domain.readings import Snapshot
from bot.errors import ArchiveError
from tests.commands.test_charts import AT, chain

DAY_MS = 86_400_000
EXPIRES_MS = int(AT.timestamp() * 1000) + 60 * DAY_MS
HOUR = timedelta(hours=1)


class Notes:
    """A store of text, like the archive's."""

    def __init__(self) -> None:
        self.text = ""
        self.kept = 0

    async def load(self, asset: str) -> PastSmiles:
        return decode(self.text, PastSmiles, "smiles") if self.text else PastSmiles(asset=asset)

    async def keep(self, smiles: PastSmiles) -> None:
        self.text = encode(smiles)
        self.kept += 1


def poll(hours: float) -> Snapshot:
    return Snapshot(asset="BTC", taken_at=AT + hours * HOUR, readings=(chain(),))


async def test_a_smile_is_found_again_after_a_restart() -> None:
    notes = Notes()
    await SmileMemory(notes).note(poll(0))
    found = await SmileMemory(notes).find("BTC", "deribit", EXPIRES_MS, AT + 2 * HOUR, within=3 * HOUR)
    assert found is not None
    assert found.at == AT
    told = dict(zip(found.strikes_usd, found.iv_pct, strict=True))
    assert (told[90_000.0], told[110_000.0]) == (60.0, 50.0)


async def test_only_every_twelfth_hour_is_remembered_and_only_nine_days_are_kept() -> None:
    notes = Notes()
    memory = SmileMemory(notes)
    for hour in range(0, 24 * 12, 3):
        await memory.note(poll(hour))
    assert notes.kept == 24
    ages = [smile.at for smile in (await notes.load("BTC")).smiles]
    assert max(ages) - min(ages) <= timedelta(days=9)


async def test_another_expiry_or_a_time_too_far_off_is_not_taken_for_it() -> None:
    memory = SmileMemory(Notes())
    await memory.note(poll(0))
    assert await memory.find("BTC", "deribit", EXPIRES_MS + DAY_MS, AT, within=HOUR) is None
    assert await memory.find("BTC", "okx", EXPIRES_MS, AT, within=HOUR) is None
    assert await memory.find("BTC", "deribit", EXPIRES_MS, AT + 5 * HOUR, within=HOUR) is None


async def test_a_poll_without_options_keeps_what_is_remembered() -> None:
    notes = Notes()
    memory = SmileMemory(notes)
    await memory.note(poll(0))
    await memory.note(replace(poll(24), readings=()))
    assert await memory.find("BTC", "deribit", EXPIRES_MS, AT, within=HOUR) is not None


class Broken(Notes):
    async def load(self, asset: str) -> PastSmiles:
        raise ArchiveError("the disk is full")


async def test_an_archive_that_cannot_be_reached_loses_no_poll() -> None:
    memory = SmileMemory(Broken())
    await memory.note(poll(0))
    with pytest.raises(ArchiveError):
        await memory.find("BTC", "deribit", EXPIRES_MS, AT, within=HOUR)
