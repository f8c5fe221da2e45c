"""What a server costs: room in the database, CPU to put a post into the outbox, memory in Discord's cache of
servers.

Run: python benchmarks/bench_scale.py          (docs/scaling.md stands on these)
"""

import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the fake is one of the tests'

import discord
from sqlalchemy import text

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile
from tests.archive.make import decision, snapshot
from tests.delivery.discord.fake import BOT, FakeDiscord, user
from tests.delivery.discord.stand import make_post, wish

CHANNELS, POSTS, SERVERS, CHANNELS_EACH = 2000, 5, 3000, 20


async def size(archive: SqlArchive) -> int:
    """Bytes of all tables and indexes."""
    async with archive.database.read("size") as connection:
        return int((await connection.execute(text("SELECT sum(pgsize) FROM dbstat"))).scalar() or 0)


async def stored() -> tuple[float, float, float]:
    """Bytes of a subscription, bytes of a post in one more channel, and its CPU in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        archive = await open_archive(f"sqlite:///{folder}/scale.sqlite")
        empty, now = await size(archive), datetime.now(UTC)
        for number in range(CHANNELS):
            await archive.subscriptions.add(wish(channel=7001 + number, guild=8001 + number))
        subscribed, began = await size(archive), time.process_time()
        for number in range(POSTS):
            posts = tuple(make_post(f"k{number}aaa", channel=7001 + one, at=now) for one in range(CHANNELS))
            await archive.commit("BTC", Profile(), decision(now, posts=posts), snapshot(now))
        spent_s, posted = time.process_time() - began, await size(archive)
        await archive.aclose()
    rows = CHANNELS * POSTS
    return (subscribed - empty) / CHANNELS, (posted - subscribed) / rows, spent_s / rows * 1000


def memory_kb() -> float:
    """Resident memory, by Linux's account of it."""
    status = Path("/proc/self/status").read_text("utf-8")
    return next(float(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def cached() -> float:
    """Kilobytes of a server with some channels in discord.py's cache."""
    client = discord.Client(
        intents=discord.Intents(guilds=True),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
    )
    state = cast("Any", client)._connection
    state.user = discord.ClientUser(state=state, data=cast("Any", user(BOT)))
    fake = FakeDiscord(checked=False)
    fake.add_guild(1, list(range(CHANNELS_EACH)))
    pattern, before = json.dumps(fake.guilds[1]), 0.0
    for number in range(SERVERS + 1):
        made = json.loads(pattern) | {"id": str(1000 + number)}
        made["roles"][0]["id"] = made["id"]
        for place, channel in enumerate(made["channels"]):
            channel["id"] = str((1000 + number) * 100 + place)
        state._add_guild_from_data(made)
        before = before or memory_kb()
    return (memory_kb() - before) / SERVERS


def main() -> None:
    """Print the rows."""
    subscription_b, post_b, post_ms = asyncio.run(stored())
    server_kb = asyncio.run(cached())
    for what, value, unit in (
        ("room of a subscription", subscription_b, "B"),
        ("room of a post in one more channel", post_b, "B"),
        ("CPU of a post into the outbox for one more channel", post_ms, "ms"),
        (f"memory of a server with {CHANNELS_EACH} channels", server_kb, "KB"),
    ):
        print("row:" + json.dumps({"what": what, "value": round(value, 3), "unit": unit}))


if __name__ == "__main__":
    main()
