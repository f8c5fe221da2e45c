"""A page over a stand-in market: real words, real cards, no sources."""

import tomllib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.charts.pictures import Pictures
from bot.commands import Command, CommandOption
from bot.delivery.preview import Preview, create_app
from bot.desk.memory import SourceState
from bot.domain.audit import AuditReport
from bot.domain.catalog import Catalog, Metric, Unknown
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Call
from bot.domain.posts import Answer, Button, Card, ChartSpec, Figure, Post
from bot.domain.readings import Gap
from bot.domain.story import Origin, OriginKind, Span, Story, Text
from bot.errors import InputError
from bot.metrics import History
from bot.playbook import CONFIG
from tests.said import english

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)

CATALOG = Catalog(
    {
        "skew_60d_pct": Metric(
            name="skew_60d_pct",
            unit="% of ATM IV",
            max_age=timedelta(minutes=30),
            valid=(-100.0, 100.0),
            compute=lambda *_: Unknown(reason="not measured here"),
            formula="put less call over the middle",
        )
    }
)


def span(
    text: str,
    part: str,
    kind: OriginKind = "fact",
    ref: str = "skew_60d_pct",
    value: float | str = 20.04,
    **more,
) -> Span:
    """The span of `part` in `text`."""
    start = text.index(part)
    origin = Origin(kind=kind, ref=ref, value=value)
    return Span(
        start=start, end=start + len(part), text=part, origin=origin, filter=more.get("filter", "pct")
    )


def post(name: str, body: str = "Skew is 20% now.", *, at: datetime = AT, channel: str = "preview:") -> Post:
    text = Text(slot="evidence", about="skew-fear", text=body)
    story = Story(
        asset="BTC", at=at, length="embed", locale="en", stance="bearish", headline=None, paragraphs=(text,)
    )
    return Post(
        id=name,
        channel=channel,
        asset="BTC",
        reason="scheduled",
        story=story,
        nonce=name,
        intended_at=at,
        sent_at=at,
    )


class StandInPosts:
    """Posts in memory, newest first."""

    def __init__(self) -> None:
        self.kept: list[Post] = []
        self.values: dict[str, float] = {}

    async def find(
        self,
        *,
        limit: int,
        channel: str | None = None,
        asset: str | None = None,
        before: datetime | None = None,
    ) -> list[Post]:
        mine = [
            post
            for post in self.kept
            if channel in (None, post.channel)
            and asset in (None, post.asset)
            and (before is None or post.intended_at < before)
        ]
        return sorted(mine, key=lambda post: post.intended_at, reverse=True)[:limit]

    async def get(self, post_id: str, channels: Sequence[str] = ()) -> Post | None:
        named = [post for post in self.kept if post.id == post_id]
        return next((post for post in named if post.channel in channels), named[0] if named else None)

    async def evidence(self, post_id: str, channels: Sequence[str] = ()) -> dict[str, object]:
        fact = {"value": 20.04, "at": "2026-02-06T13:55:00Z", "venues": ["deribit"], "of_venues": 2}
        points = [
            {"metric": "skew_60d_pct", "venue": venue, "value": value, "at": "2026-02-06T13:55:00Z"}
            for venue, value in self.values.items()
        ]
        return {"facts": {"skew_60d_pct": fact}, "stale": {}, "points": points}


class StandInStates:
    """Stances in memory."""

    def __init__(self) -> None:
        self.taken: list[Call] = []

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile=None
    ) -> list[Call]:
        return [call for call in self.taken if since <= call.at and (until is None or call.at <= until)]


class StandInOutbox:
    """Posts in doubt, in memory."""

    def __init__(self) -> None:
        self.doubtful: list[Post] = []

    async def find_uncertain(self, surface: str) -> list[Post]:
        return [post for post in self.doubtful if post.channel.startswith(surface)]


class StandInPainter:
    """Draws the first bytes of any PNG; those on a light ground say so."""

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        return b"\x89PNG " + spec.title.encode() + (b" light" if light else b"")


class StandInCards:
    """What the page asks of the cards."""

    def __init__(self) -> None:
        self.pictures = Pictures(StandInPainter())

    def of_post(self, post: Post) -> Card:
        body = post.story.body
        spans = {"body": (span(body, "20%"),)} if "20%" in body else {}
        return Card(
            title="BTC: caution",
            body=body,
            footer=f"Information only. {post.id}",
            stance="bearish",
            stance_word="caution",
            at=post.intended_at,
            post_id=post.id,
            spans=spans,
        )

    async def of_answer(self, answer: Answer) -> Card:
        return Card(
            title=answer.title,
            body=answer.body,
            fields=answer.figures,
            footer=answer.footer,
            buttons=answer.buttons,
            private=answer.private,
            spans={"body": answer.body_spans},
        )

    async def chart_of(self, post: Post) -> ChartSpec | None:
        return await self.pictures.chart(post)

    async def draw_post(self, post: Post, *, light: bool = False) -> bytes | None:
        chart = await self.chart_of(post)
        return None if chart is None else await self.pictures.draw(chart, light=light)

    async def draw(self, chart: ChartSpec, *, light: bool = False) -> bytes | None:
        return await self.pictures.draw(chart, light=light)


class StandInMarket:
    """What the page asks of a market."""

    def __init__(self) -> None:
        self.assets = ("BTC", "ETH")
        self.archive = SimpleNamespace(posts=StandInPosts(), states=StandInStates(), outbox=StandInOutbox())
        rules = SimpleNamespace(
            hash="0123456789abcdef",
            ladders={"skew": SimpleNamespace(id="skew", fact="skew_60d_pct", usual_on=_usual)},
            has_published_ranges=lambda _asset: True,
            usual=lambda ladder, day, ranges, _asset, _pasts: ranges.get(ladder.id) or ladder.usual_on(day),
        )
        banks = {locale: SimpleNamespace(words=page_words(locale), metrics={}) for locale in ("en", "es")}
        self.playbook = SimpleNamespace(catalog=CATALOG, rules=rules, banks=banks, hash="fedcba9876543210")
        self.heard: list[SourceState] = []
        self.used: list[Any] = []
        self.past = History.empty("BTC")
        self.direction: str | None = None
        self.since: datetime | None = None
        self.cards = StandInCards()

    def now(self) -> datetime:
        return AT + timedelta(minutes=5)

    def asset(self, typed: str | None) -> str:
        if typed and typed.upper() not in self.assets:
            raise InputError(f"unknown asset {typed!r}: one of BTC, ETH")
        return (typed or "BTC").upper()

    def bank(self, profile) -> SimpleNamespace:
        return self.playbook.banks[profile.locale]

    def source_states(self) -> list[SourceState]:
        return self.heard

    def budgets(self) -> list[Any]:
        return self.used

    async def calls(self, asset: str, since: datetime, profile, until: datetime | None = None) -> list[Call]:
        return await self.archive.states.calls(asset, since, until=until, profile=profile)

    async def last_audit(self) -> AuditReport | None:
        return AuditReport(at=AT, since=AT - timedelta(days=1))

    def sources_by_quantity(self) -> dict[str, tuple[str, ...]]:
        return {}

    async def history(self, asset: str) -> History:
        return self.past if asset == "BTC" else History.empty(asset)

    async def facts(self, asset: str) -> Facts:
        fact = Fact(name="skew_60d_pct", value=20.04, at=AT, venues=("deribit",), of_venues=1)
        return Facts(asset=asset, at=AT, known={"skew_60d_pct": fact})

    async def verdict(self, asset: str, profile) -> tuple[SimpleNamespace, Facts]:
        judged = SimpleNamespace(direction=self.direction, since=self.since, stance="bearish")
        return judged, await self.facts(asset)

    def figure(self, name: str, facts: Facts, profile) -> Figure:
        fact = facts.get(name)
        if fact is None:
            return Figure(label=name, text="not known: never heard")
        return Figure(label=name, text=f"{fact.value:g}%".replace("-", "−"))

    def refuse(self, error: InputError, profile) -> Answer:
        return Answer(title="That cannot be answered", body=english(error), private=True)


def _usual(day: date) -> SimpleNamespace:
    return SimpleNamespace(low=-6.0, high=6.0)


def page_words(locale: str) -> dict[str, str]:
    """The page's and the charts' own words, and few others."""
    found: dict[str, str] = {}
    for name in ("page", "charts"):
        read = tomllib.loads((CONFIG / "phrases" / locale / f"{name}.toml").read_text(encoding="utf-8"))
        found |= read["word"]
    others = {
        "months": "|".join(["January"] * 12),
        "decimal": ".",
        "thousands": ",",
        "percent": "{}%",
        "sources_none": "-",
    }
    return {**found, **others, "command.skew": "What puts cost beside calls", "stance.bearish": "caution"}


async def _skew(market, request) -> Answer:
    asset = market.asset(request.options.get("asset"))
    body = f"{asset} skew is 20% of volatility."
    return Answer(
        title=f"{asset}: skew",
        body=body,
        body_spans=(span(body, "20%"),),
        figures=(Figure(label="Change", text="+1%"),),
        buttons=(Button(label="90-day", command="skew", arguments={"asset": asset, "tenor": "90"}),),
        footer="Information only.",
    )


async def _explain(market, request) -> Answer:
    return Answer(title=request.options["term"], body=f"You asked: {request.options['term']}")


@pytest.fixture
def commands() -> dict[str, Command]:
    return {
        "explain": Command(
            name="explain", options=(CommandOption(name="term", required=True),), answer=_explain
        ),
        "skew": Command(
            name="skew",
            options=(
                CommandOption(
                    name="asset",
                    suggest=lambda market, profile, typed: [
                        a for a in market.assets if a.startswith(typed.upper())
                    ],
                ),
                CommandOption(name="tenor", choices=("7", "30", "60", "90")),
            ),
            answer=_skew,
        ),
        "skewness": Command(name="skewness", options=(), answer=_explain),
    }


@pytest.fixture
def market() -> StandInMarket:
    return StandInMarket()


@pytest.fixture
def preview() -> Preview:
    return Preview()


@pytest.fixture
async def page(market, preview, commands, monkeypatch) -> AsyncIterator[TestClient[Any, Any]]:
    monkeypatch.setattr("bot.delivery.preview.page.discover", lambda: commands)
    async with TestClient(TestServer(create_app(market, market.cards, preview, beat_s=0.05))) as client:
        yield client


@pytest.fixture
def a_post():
    return post


@pytest.fixture
def a_gap() -> Gap:
    return Gap(who="deribit", reason="deribit BTC: <b>no answer</b> within 25 s")
