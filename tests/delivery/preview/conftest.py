"""A page over a stand-in desk: real words, real cards, no sources."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.commands import Command, Option
from bot.delivery.preview import Preview, create_app
from bot.desk import Hearing
from bot.domain.catalog import Catalog, Metric, Unknown
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Button, Card, ChartSpec, Figure, Post
from bot.domain.readings import Gap
from bot.domain.story import Origin, OriginKind, Span, Story, Text
from bot.errors import InputError
from bot.metrics import History
from bot.pictures import Pictures

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)

CATALOG = Catalog(
    {
        "skew_60d_pct": Metric(
            name="skew_60d_pct", unit="% of ATM IV", max_age=timedelta(minutes=30), valid=(-100.0, 100.0),
            compute=lambda *_: Unknown(reason="not measured here"), formula="put less call over the middle",
        )
    }
)  # fmt: skip


def span(
    text: str, part: str, kind: OriginKind = "fact", ref: str = "skew_60d_pct", value: float | str = 20.04, **more
) -> Span:
    """The span of `part` in `text`."""
    start = text.index(part)
    origin = Origin(kind=kind, ref=ref, value=value)
    return Span(start=start, end=start + len(part), text=part, origin=origin, filter=more.get("filter", "pct"))


def post(name: str, body: str = "Skew is 20% now.", *, at: datetime = AT, channel: str = "preview:") -> Post:
    text = Text(slot="evidence", about="skew-fear", text=body)
    story = Story(asset="BTC", at=at, length="embed", locale="en", stance="bearish", headline=None, paragraphs=(text,))
    return Post(
        id=name, channel=channel, asset="BTC", reason="scheduled", story=story, nonce=name, intended_at=at, sent_at=at
    )


class StandInArchive:
    """Posts in memory, newest first."""

    def __init__(self) -> None:
        self.kept: list[Post] = []
        self.points: dict[str, float] = {}

    async def posts(self, *, channel: str, limit: int) -> list[Post]:
        mine = [post for post in self.kept if post.channel == channel]
        return sorted(mine, key=lambda post: post.intended_at, reverse=True)[:limit]

    async def post(self, post_id: str) -> Post | None:
        return next((post for post in self.kept if post.id == post_id), None)

    async def evidence(self, post_id: str) -> dict[str, object]:
        fact = {"value": 20.04, "at": "2026-02-06T13:55:00Z", "venues": ["deribit"], "of_venues": 2}
        points = [
            {"metric": "skew_60d_pct", "venue": venue, "value": value, "at": "2026-02-06T13:55:00Z"}
            for venue, value in self.points.items()
        ]
        return {"facts": {"skew_60d_pct": fact}, "stale": {}, "points": points}


class StandInPainter:
    """Draws the first bytes of any PNG."""

    async def draw(self, spec: ChartSpec) -> bytes:
        return b"\x89PNG " + spec.title.encode()


class StandInDesk:
    """What the page asks of a desk."""

    def __init__(self) -> None:
        self.assets = ("BTC", "ETH")
        self.archive = StandInArchive()
        self.playbook = SimpleNamespace(catalog=CATALOG)
        self.heard: list[Hearing] = []
        self.pictures = Pictures(StandInPainter())

    def now(self) -> datetime:
        return AT + timedelta(minutes=5)

    def asset(self, typed: str | None) -> str:
        if typed and typed.upper() not in self.assets:
            raise InputError(f"unknown asset {typed!r}: one of BTC, ETH")
        return (typed or "BTC").upper()

    def bank(self, profile) -> SimpleNamespace:
        return SimpleNamespace(words={"command.skew": "What puts cost beside calls"})

    def hearings(self) -> list[Hearing]:
        return self.heard

    async def history(self, asset: str) -> History:
        return History.empty(asset)

    async def facts(self, asset: str) -> Facts:
        fact = Fact(name="skew_60d_pct", value=20.04, at=AT, venues=("deribit",), of_venues=1)
        return Facts(asset=asset, at=AT, known={"skew_60d_pct": fact})

    def card(self, post: Post) -> Card:
        body = post.story.body
        spans = {"body": (span(body, "20%"),)} if "20%" in body else {}
        return Card(
            title="BTC: caution", body=body, footer=f"Information only. {post.id}", stance="bearish", stance_word="caution",
            at=post.intended_at, post_id=post.id, spans=spans,
        )  # fmt: skip

    async def answer_card(self, answer: Answer) -> Card:
        return Card(
            title=answer.title, body=answer.body, fields=answer.figures, footer=answer.footer, buttons=answer.buttons,
            private=answer.private, spans={"body": answer.body_spans},
        )  # fmt: skip

    def refuse(self, error: InputError, profile) -> Answer:
        return Answer(title="That cannot be answered", body=str(error), private=True)


async def _skew(desk, request) -> Answer:
    asset = desk.asset(request.options.get("asset"))
    body = f"{asset} skew is 20% of volatility."
    return Answer(
        title=f"{asset}: skew", body=body, body_spans=(span(body, "20%"),), figures=(Figure(label="Change", text="+1%"),),
        buttons=(Button(label="90-day", command="skew", arguments={"asset": asset, "tenor": "90"}),), footer="Information only.",
    )  # fmt: skip


async def _explain(desk, request) -> Answer:
    return Answer(title=request.options["term"], body=f"You asked: {request.options['term']}")


@pytest.fixture
def commands() -> dict[str, Command]:
    return {
        "explain": Command(name="explain", options=(Option(name="term", required=True),), answer=_explain),
        "skew": Command(
            name="skew",
            options=(
                Option(
                    name="asset", suggest=lambda desk, typed: [a for a in desk.assets if a.startswith(typed.upper())]
                ),
                Option(name="tenor", choices=("7", "30", "60", "90")),
            ),
            answer=_skew,
        ),
        "skewness": Command(name="skewness", options=(), answer=_explain),
    }


@pytest.fixture
def desk() -> StandInDesk:
    return StandInDesk()


@pytest.fixture
def preview() -> Preview:
    return Preview()


@pytest.fixture
async def page(desk, preview, commands, monkeypatch) -> AsyncIterator[TestClient[Any, Any]]:
    monkeypatch.setattr("bot.delivery.preview.page.discover", lambda: commands)
    async with TestClient(TestServer(create_app(desk, preview, beat_s=0.05))) as client:
        yield client


@pytest.fixture
def a_post():
    return post


@pytest.fixture
def a_gap() -> Gap:
    return Gap(who="deribit", reason="deribit BTC: <b>no answer</b> within 25 s")
