"""Personal watches over real sockets: promised, told once, refused, removed; the whole way from /watch to the
message."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.archive import SqlArchive, open_archive
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.facts import Point
from bot.domain.posts import Card, Post
from bot.domain.readings import Heard, Quantity, SeriesReading, SpotQuote
from tests.delivery.discord.conftest import connected
from tests.delivery.discord.fake import READER, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Clock, make_desk

DIRECT = 5000 + READER  # the fake's number for the reader's direct messages
BLOCKED = Fault(403, {"code": 50007, "message": "Cannot send messages to this user"})
HOUR = timedelta(hours=1)


class Venue:
    """A source that tells a price."""

    name = "deribit"
    brings: frozenset[Quantity] = frozenset({"index"})
    index_usd = 60_000.0

    async def poll(self, asset: str, at: datetime) -> Heard:
        quote = SpotQuote(
            source="deribit", observed_at=at, venue="deribit", asset=asset, index_usd=self.index_usd
        )
        return Heard(readings=(quote,), gaps=())

    async def backfill(self, asset: str, since: object, until: object) -> Sequence[SeriesReading]:
        return ()


class House:
    """A real desk on a real archive, on the fake."""

    def __init__(self, desk: Desk, archive: SqlArchive, clock: Clock, venue: Venue) -> None:
        self.desk = desk
        self.archive = archive
        self.clock = clock
        self.venue = venue

    async def poll(self, index_usd: float) -> None:
        """An hour later."""
        self.clock.at += HOUR
        self.venue.index_usd = index_usd
        await self.desk.poller.poll("BTC", self.clock.at)
        await self.desk.sender.deliver()

    def serve(self, client: TightropeClient) -> None:
        async def late(post: Post) -> Card:
            return self.desk.cards.of_post(post)

        async def at_once(seconds: float) -> None:
            return

        surface = DiscordSurface(client, late=late, now=self.clock.now, sleep=at_once)
        self.desk.sender.add_surface("discord", Routes(surface, client))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    archive = await open_archive(f"sqlite:///{tmp_path / 'archive.sqlite'}")
    clock, venue = Clock(), Venue()
    desk = make_desk(archive, clock, sources=(venue,))
    await archive.points.add(
        [Point(metric="spot_usd", asset="BTC", at=AT, value=60_000.0, venues=("deribit",), of_venues=1)]
    )
    yield House(desk, archive, clock, venue)
    await archive.aclose()


def direct(fake: FakeDiscord) -> list[str]:
    return [message["embeds"][0]["description"] for message in fake.posted(DIRECT)]


async def watch(fake: FakeDiscord, value: str = "65k") -> str:
    asked = await fake.slash("watch", metric="spot", side="above", value=value)
    assert asked.private
    return str(asked.shown["embeds"][0]["description"])


async def test_a_watch_is_promised_at_once_told_once_and_told_again_after_a_return(
    fake: FakeDiscord, house: House
) -> None:
    async with connected(house.desk, house.archive) as client:
        house.serve(client)
        assert "goes over $65,000" in await watch(fake)
        await fake.until(lambda: len(direct(fake)) == 1)
        assert "goes over $65,000" in direct(fake)[0]
        for index_usd in (64_000.0, 66_000.0, 67_000.0, 60_000.0, *[60_000.0] * 5, 66_000.0):
            await house.poll(index_usd)
    told = direct(fake)[1:]
    assert len(told) == 2
    assert all("$66,000" in text and "$65,000" in text for text in told)
    posted = fake.posted(DIRECT)[1:]
    assert len({message["nonce"] for message in posted}) == 2


async def test_what_was_not_sent_before_the_end_is_sent_once_after_the_start(
    fake: FakeDiscord, house: House
) -> None:
    async with connected(house.desk, house.archive):
        await watch(fake)
        await fake.until(lambda: len(direct(fake)) == 1)
    await house.poll(66_000.0)  # Discord is not there
    assert len(await house.archive.outbox.find_unsent("discord")) == 1
    async with connected(house.desk, house.archive) as client:
        house.serve(client)
        await house.desk.sender.deliver()
        await house.desk.sender.deliver()
    assert len(direct(fake)) == 2


async def test_a_reader_who_takes_no_direct_messages_hears_so_privately(
    fake: FakeDiscord, house: House
) -> None:
    fake.fault("POST", f"/channels/{DIRECT}/messages", BLOCKED)
    async with connected(house.desk, house.archive):
        asked = await fake.slash("watch", metric="spot", side="above", value="65k")
        await fake.until(lambda: len(asked.messages) == 2)
        assert "privacy settings" in asked.messages[1]["content"]
        assert asked.messages[1]["flags"] & 64
        assert [one.blocked_at for one in await house.archive.watches.find()] == [house.clock.at]
        listed = await fake.slash("watches")
        assert "refused direct messages" in listed.shown["embeds"][0]["description"]
        await watch(fake)  # allowed by now
        await fake.until(lambda: len(direct(fake)) == 1)
        await fake.until(lambda: bool(fake.posted(DIRECT)))
    assert [one.blocked_at for one in await house.archive.watches.find()] == [None]


async def test_a_watch_that_is_refused_when_it_is_told_is_tried_once_and_said_in_watches(
    fake: FakeDiscord, house: House
) -> None:
    async with connected(house.desk, house.archive) as client:
        house.serve(client)
        await watch(fake)
        await fake.until(lambda: len(direct(fake)) == 1)
        fake.fault("POST", f"/channels/{DIRECT}/messages", BLOCKED, BLOCKED, BLOCKED)
        tried = len(fake.requests("POST", f"/channels/{DIRECT}/messages"))
        await house.poll(66_000.0)
        await house.poll(60_000.0)
        await house.poll(66_000.0)
        assert len(fake.requests("POST", f"/channels/{DIRECT}/messages")) == tried + 1
        assert "refused direct messages" in (await fake.slash("watches")).shown["embeds"][0]["description"]
    assert await house.archive.outbox.find_unsent("discord") == ()


async def test_a_removed_watch_tells_nothing(fake: FakeDiscord, house: House) -> None:
    async with connected(house.desk, house.archive) as client:
        house.serve(client)
        await watch(fake)
        await fake.until(lambda: len(direct(fake)) == 1)
        listed = await fake.slash("watches")
        button = listed.shown["components"][0]["components"][0]
        assert (await fake.click(listed.shown, button["custom_id"])).private
        await house.poll(66_000.0)
    assert len(direct(fake)) == 1


async def test_why_explains_a_told_watch_to_its_reader_alone(fake: FakeDiscord, house: House) -> None:
    async with connected(house.desk, house.archive) as client:
        house.serve(client)
        await watch(fake)
        await house.poll(66_000.0)
        (post,) = await house.archive.posts.find(channel=f"discord:dm:{READER}")
        mine = await fake.slash("why", post=post.id)
        other = await fake.slash("why", post=post.id, reader=READER + 1)
    assert "deribit" in str(mine.shown["embeds"]).lower()
    assert "unknown post" in other.shown["embeds"][0]["description"]
