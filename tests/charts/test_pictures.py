"""Pictures beside words: left out where they cannot be had, and never waited for."""

import asyncio
import io
from datetime import UTC, datetime, timedelta

from rich.console import Console as Terminal

from bot.charts.pictures import Pictures
from bot.domain.posts import Card, ChartSpec, Post
from bot.domain.story import Story
from bot.playbook import CONFIG, read_playbook
from bot.process.app import house
from bot.process.demo import read_tape
from bot.process.settings import load

SPEC = ChartSpec(kind="summary", title="BTC", series=(), unit="", caption="", alt="BTC: caution.")
CARD = Card(title="BTC", body="Puts cost more.")
AT = datetime(2026, 2, 6, tzinfo=UTC)
POST = Post(
    id="aaaa",
    channel="discord:1",
    asset="BTC",
    reason="scheduled",
    nonce="n",
    intended_at=AT,
    story=Story(
        asset="BTC", at=AT, length="embed", locale="en", stance="bearish", headline=None, paragraphs=()
    ),
)


class Pen:
    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        return b"png"


class BrokenPen:
    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        raise ValueError("this cannot be drawn")


class SlowPen:
    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        await asyncio.sleep(60)
        return b"png"


async def test_a_card_gets_its_picture_and_its_words() -> None:
    card = await Pictures(Pen()).add_chart(CARD, SPEC)
    assert (card.image, card.alt) == (b"png", "BTC: caution.")


async def test_without_a_chart_or_a_painter_a_card_stays_as_it_is() -> None:
    assert await Pictures(Pen()).add_chart(CARD, None) is CARD
    assert await Pictures().add_chart(CARD, SPEC) is CARD


async def test_a_picture_that_cannot_be_drawn_is_left_out() -> None:
    assert await Pictures(BrokenPen()).add_chart(CARD, SPEC) == CARD


async def test_a_picture_that_does_not_come_is_not_waited_for() -> None:
    assert await Pictures(SlowPen(), patience=timedelta(milliseconds=20)).add_chart(CARD, SPEC) == CARD


async def test_a_chart_that_cannot_be_made_out_is_none() -> None:
    async def broken(post: Post) -> ChartSpec | None:
        raise KeyError("a fact that went")

    pictures = Pictures(Pen(), of_post=broken)
    assert await pictures.chart(POST) is None


async def test_nothing_is_made_out_where_nobody_draws() -> None:
    async def asked(post: Post) -> ChartSpec | None:
        raise AssertionError("nobody draws")

    pictures = Pictures(of_post=asked)
    assert await pictures.chart(POST) is None
    assert not pictures.on("console")
    assert Pictures(surfaces=("discord",)).on("discord")


async def test_the_house_sends_pictures_to_discord_alone() -> None:
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})
    tape = read_tape("february-2026")
    async with house(settings, read_playbook(), terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        cards = parts.desk.cards
        assert [name for name in ("discord", "console", "preview") if cards.has_pictures(name)] == ["discord"]
        assert await cards.chart_of(POST) is None  # such a post was never made
