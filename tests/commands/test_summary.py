"""The picture of a post: what it shows, and that one is made for all who get the same post."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from bot.commands.summary import Summaries, leading, summary_chart
from bot.domain.facts import Facts
from bot.domain.judgement import Finding, Verdict
from bot.domain.posts import Card, ChartSpec, Occasion, Post, Profile, Reason, State
from bot.domain.story import Origin, Span, Story, Text
from bot.pictures import Pictures

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def finding(rule: str, family: str, *facts: str) -> Finding:
    return Finding(rule=rule, family=family, vote=-1, severity="caution", facts=facts, since=AT)


def verdict(*findings: Finding) -> Verdict:
    return Verdict(
        asset="BTC", at=AT, stance="bearish", confidence="high", score=(-0.6, -0.4), coverage=0.9, families={}, votes={},
        findings=findings,
    )  # fmt: skip


def story(text: str = "Puts cost more", *, told: str | None = None) -> Story:
    spans: tuple[Span, ...] = ()
    if told:
        origin = Origin(kind="fact", ref=told, value=1.0)
        spans = (Span(start=0, end=4, text=text[:4], origin=origin, filter="pct"),)
    said = Text(slot="evidence", about="x", text=text, spans=spans)
    return Story(asset="BTC", at=AT, length="embed", locale="en", stance="bearish", headline=None, paragraphs=(said,))


def post(name: str, channel: str = "discord:1", reason: Reason = "scheduled", text: str = "Puts cost more") -> Post:
    return Post(
        id=name, channel=channel, asset="BTC", reason=reason, story=story(text), nonce=name, intended_at=AT
    )  # fmt: skip


async def test_it_shows_the_stance_and_four_numbers_with_their_week(desk) -> None:
    facts, history = await desk.facts("BTC"), await desk.history("BTC")
    spec = summary_chart(desk, story(), verdict(finding("skew-fear", "options", "skew_60d_pct")), history, facts)
    assert spec is not None
    assert spec.title == "Bitcoin"
    assert [(mark.label, mark.kind) for mark in spec.marks] == [("caution", "bearish"), ("high confidence", "")]
    assert spec.series[0].text == "20%"
    assert len(spec.series) == 4
    for column in spec.series:
        assert column.text in spec.alt
        assert len(column.y) > 100
        assert column.at[-1] == AT
    assert "caution" in spec.alt


async def test_what_is_not_known_is_not_shown(desk) -> None:
    facts, history = await desk.facts("BTC"), await desk.history("BTC")
    found = verdict(finding("one", "basis", "basis_90d_pct"))  # the last reading is five hours old
    spec = summary_chart(desk, story(), found, history, facts)
    assert spec is not None
    assert "90-day" not in spec.alt


async def test_one_number_alone_makes_no_picture(desk) -> None:
    facts = await desk.facts("BTC")
    alone = Facts(asset="BTC", at=AT, known={"skew_60d_pct": facts.known["skew_60d_pct"]})
    assert summary_chart(desk, story(), verdict(), await desk.history("BTC"), alone) is None


def test_each_familys_first_finding_leads_then_what_the_text_tells(desk) -> None:
    found = verdict(
        finding("a", "options", "skew_60d_pct.change_7d"), finding("b", "options", "skew_30d_pct"),
        finding("c", "leverage", "open_interest_usd"),
    )  # fmt: skip
    names = leading(desk, story(told="dvol"), found)
    assert list(names[:4]) == ["skew_60d_pct", "open_interest_usd", "skew_30d_pct", "dvol"]
    assert len(names) == len(set(names))


@dataclass
class Outbox:
    """What the desk asks of an archive to deliver: unsent posts, and what they stood on."""

    posts: list[Post]
    occasions: Mapping[str, Occasion] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    async def unsent(self, surface: str) -> list[Post]:
        return [post for post in self.posts if post.channel.startswith(surface)]

    async def attempt(self, tried: object, at: object) -> None:
        return

    async def mark_sent(self, post_id: str, **_: object) -> None:
        self.sent.append(post_id)

    async def occasion(self, post_id: str) -> Occasion | None:
        self.asked.append(post_id)
        return self.occasions.get(post_id)


class Board:
    """A surface that keeps what it was given."""

    def __init__(self) -> None:
        self.cards: list[Card] = []

    async def show(self, post: Post, card: Card) -> str:
        self.cards.append(card)
        return post.id


class Pen:
    """A painter that counts."""

    def __init__(self, *, broken: bool = False) -> None:
        self.drawn: list[ChartSpec] = []
        self.broken = broken

    async def draw(self, spec: ChartSpec) -> bytes:
        self.drawn.append(spec)
        if self.broken:
            raise MemoryError("no room for a picture")
        return b"png"


@pytest.fixture
async def occasion(desk) -> Occasion:
    return Occasion(
        facts=await desk.facts("BTC"), state=State(), profile=Profile(), verdict=verdict(), playbook_hash="h"
    )


@pytest.fixture
async def stand(desk, archive, occasion):
    """A desk with unsent posts of one story to two channels and to the console, and what they go to."""

    def made(*, broken: bool = False) -> tuple[Board, Board, Pen, Outbox]:
        names = {"p1": "discord:1", "p2": "discord:2", "p3": "console:"}
        outbox = Outbox([post(name, channel) for name, channel in names.items()], dict.fromkeys(names, occasion))
        outbox.series = archive.series  # type: ignore[attr-defined]
        pen = Pen(broken=broken)
        desk._archive = outbox
        desk.pictures = Pictures(pen, surfaces=("discord",))
        summaries = Summaries()
        desk.pictures.of_post = lambda post: summaries(desk, post)
        boards = Board(), Board()
        desk.add_surface("discord", boards[0])
        desk.add_surface("console", boards[1])
        return *boards, pen, outbox

    return made


async def test_a_post_goes_out_with_its_picture_where_pictures_are_shown(desk, stand) -> None:
    discord, console, pen, _ = stand()
    await desk.deliver()
    assert [card.image for card in discord.cards] == [b"png", b"png"]
    assert all("caution" in card.alt for card in discord.cards)
    assert [card.image for card in console.cards] == [None]
    assert {spec.kind for spec in pen.drawn} == {"summary"}


async def test_the_same_story_is_made_out_once_for_all_channels(desk, stand) -> None:
    _, _, pen, outbox = stand()
    await desk.deliver()
    assert len(outbox.asked) == 1
    assert pen.drawn[0] == pen.drawn[1]


async def test_a_painter_that_fails_holds_up_no_post(desk, stand) -> None:
    discord, _, _, outbox = stand(broken=True)
    await desk.deliver()
    assert [card.image for card in discord.cards] == [None, None]
    assert sorted(outbox.sent) == ["p1", "p2", "p3"]


async def test_posts_about_sources_have_no_picture(desk, stand) -> None:
    _, _, _, outbox = stand()
    assert await Summaries()(desk, post("p1", reason="outage")) is None
    assert outbox.asked == []


async def test_another_story_gets_another_picture(desk, stand) -> None:
    _, _, _, outbox = stand()
    summaries = Summaries()
    await summaries(desk, post("p1"))
    await summaries(desk, replace(post("p2"), story=story("Calls cost more")))
    assert outbox.asked == ["p1", "p2"]


async def test_a_post_whose_occasion_is_forgotten_has_no_picture(desk, stand) -> None:
    stand()
    assert await Summaries()(desk, post("unknown")) is None
