"""A process of its own for the tests of several: `python worker.py ROLE URL NAME`."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

from bot.archive import Claims, open_archive


async def lead(url: str, name: str) -> None:
    """Become the leader, say so, and stay until killed."""
    archive = await open_archive(url)
    await archive.leadership.acquire()
    print(name, "leads", archive.leadership.epoch, flush=True)
    await asyncio.Event().wait()


async def send(url: str, name: str) -> None:
    """Claim and send until nothing has been left for a while; each post sent is a line. "mortal" dies with a
    claim in hand."""
    archive = await open_archive(url)
    idle = 0
    while idle < 4:
        lease = timedelta(
            seconds=1 if name == "mortal" else 60
        )  # a machine may be slow; the dead one is not waited for
        claimed = await archive.outbox.claim(
            "discord", Claims(worker=name, lease=lease, most=7), datetime.now(UTC)
        )
        if claimed and name == "mortal":
            os.kill(os.getpid(), signal.SIGKILL)
        for post in claimed:
            print(post.channel, flush=True)
            await archive.outbox.mark_sent(
                post.id, channel=post.channel, sent_at=datetime.now(UTC), message_id=name
            )
        idle = 0 if claimed else idle + 1
        await asyncio.sleep(0.01 if claimed else 0.5)
    await archive.aclose()


if __name__ == "__main__":
    role, address, called = sys.argv[1:]
    asyncio.run({"lead": lead, "send": send}[role](address, called))
