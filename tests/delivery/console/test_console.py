"""The console: readable anywhere, its stance in words."""

import io
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from rich.console import Console as Terminal

from bot.delivery.console import Console
from bot.domain.posts import Card, Figure, Post
from bot.domain.story import Story

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
CARD = Card(
    title="Bitcoin is back at $67.8K, yet derivatives stay cautious",
    body="Insurance is dear. " * 12 + "\n\nBasis is [2%]. [bold]not markup[/bold]",
    fields=(Figure(label="60-day skew", text="20%"),),
    footer="Information only, not financial advice. abcd1234",
    stance="bearish",
    stance_word="caution",
    at=AT,
)


def post() -> Post:
    story = Story(
        asset="BTC", at=AT, length="embed", locale="en", stance="bearish", headline=None, paragraphs=()
    )
    return Post(
        id="abcd1234",
        channel="console:",
        asset="BTC",
        reason="scheduled",
        story=story,
        nonce="n",
        intended_at=AT,
        late=True,
    )


async def shown(**how) -> str:
    written = io.StringIO()
    assert await Console(Terminal(file=written, **how)).show(post(), CARD) is None
    return written.getvalue()


async def test_a_post_says_its_stance_in_words_its_time_and_that_it_is_late():
    head = (await shown(width=80)).splitlines()[0]
    assert "BTC · caution · 6 Feb 2026 14:00 UTC · scheduled · late" in head


async def test_a_long_stance_has_a_line_of_its_own_and_nothing_is_cut():
    tag = "Neutral · day 31 · now leaning to caution · judged without options"
    card = replace(CARD, stance_word=tag)
    written = io.StringIO()
    await Console(Terminal(file=written, width=80)).show(post(), card)
    rule, line, *_ = written.getvalue().splitlines()
    assert rule.startswith("BTC · 6 Feb 2026 14:00 UTC · scheduled · late ─")
    assert line == tag


async def test_everything_of_the_card_is_printed_as_it_is():
    text = await shown(width=80)
    for part in (
        CARD.title,
        "[bold]not markup[/bold]",
        "60-day skew",
        "20%",
        "not financial advice. abcd1234",
    ):
        assert part in text


@pytest.mark.parametrize("width", [40, 80, 200])
async def test_no_line_is_wider_than_the_terminal_or_eighty_columns(width):
    assert max(len(line) for line in (await shown(width=width)).splitlines()) <= min(width, 80)


async def test_where_it_is_no_terminal_there_is_no_escape_code():
    assert "\x1b" not in await shown(width=80)


async def test_a_terminal_gets_color():
    assert "\x1b[" in await shown(width=80, force_terminal=True, color_system="truecolor")
