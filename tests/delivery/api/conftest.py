"""The API over a real market with a small past in memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.delivery.api.routes import Limit, api_routes
from bot.desk.market import Market
from bot.domain.playbook import Playbook
from bot.domain.posts import Post, Profile
from bot.domain.story import Origin, Span, Story, Text
from bot.playbook import read_playbook
from tests.commands.conftest import AT, PAST, FixedClock, MemoryArchive, MemoryPosts
from tests.desks import market_of

CHANNEL = "preview:"


class ChannelPosts(MemoryPosts):
    """Posts in memory, of one channel where one is named."""

    async def find(
        self,
        *,
        asset: str | None = None,
        limit: int = 50,
        before: datetime | None = None,
        channel: str | None = None,
    ) -> Sequence[Post]:
        mine = [post for post in self.kept if channel in (None, post.channel)]
        mine = [post for post in mine if before is None or post.intended_at < before]
        return sorted(mine, key=lambda post: post.intended_at, reverse=True)[:limit]


def a_post(name: str, *, channel: str = CHANNEL, hours: float = 2.0, sent: bool = True) -> Post:
    at = AT - timedelta(hours=hours)
    origin = Origin(kind="fact", ref="skew_60d_pct", value=19.5)
    said = Text(
        slot="evidence",
        about="skew-fear",
        text="Skew is 19.5%.",
        spans=(Span(start=8, end=13, text="19.5%", origin=origin, filter="pct"),),
    )
    story = Story(
        asset="BTC", at=at, length="embed", locale="en", stance="bearish", headline=None, paragraphs=(said,)
    )
    return Post(
        id=name,
        channel=channel,
        asset="BTC",
        reason="scheduled",
        story=story,
        nonce=name,
        intended_at=at,
        sent_at=at if sent else None,
    )


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    return read_playbook()


@pytest.fixture
def archive() -> MemoryArchive:
    made = MemoryArchive(PAST)
    made.posts = ChannelPosts()
    return made


@pytest.fixture
def market(archive: Any, playbook: Playbook) -> Market:
    return market_of(archive, FixedClock(), playbook)


@pytest.fixture
def limit() -> Limit:
    return Limit(steady=lambda: 0.0)


@pytest.fixture
async def api(market: Market, limit: Limit) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application()
    app.add_routes(api_routes(market, CHANNEL, Profile(), limit))
    async with TestClient(TestServer(app)) as client:
        yield client
