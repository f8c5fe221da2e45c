"""Ten thousand random things typed into commands: each gets an answer or a private error; no mention, no
trace, no failure."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import structlog

from bot.commands import Command, discover
from bot.delivery.discord.answering import Cooldown
from bot.delivery.discord.client import TightropeClient
from bot.desk.desk import Desk
from tests.delivery.discord.conftest import connected
from tests.delivery.discord.fake import FakeDiscord, Pressed
from tests.delivery.discord.stand import Memory

SEED = 20260206
FEW, MANY = 120, 10_000
AT_ONCE = 20
NASTY = (
    "@everyone",
    "@here",
    "<@6001>",
    "<@!6001>",
    "<@&8001>",
    "<#7001>",
    "</skew:9>",
    "<:a:1>",
    "<t:0:R>",
    "**bold**",
    "__u__",
    "~~s~~",
    "||spoiler||",
    "`code`",
    "```\n@everyone\n```",
    "[a](https://example.org)",
    "https://example.org",
    "> quote",
    "# head",
    "\u202e@everyone",
    "\u200b",
    "\x00",
    "\ud83d\ude00",
    "🙂" * 30,
    "Ωμέγα",
    "ＢＴＣ",
    "İ",
    "ß",
    "\n\n\n",
    "{0}",
    "{reason}",
    "%s",
    "{{ it }}",
    "'; DROP TABLE posts; --",
    "../../etc/passwd",
    "nan",
    "inf",
    "-1",
    "1e309",
    "0",
    "9" * 60,
    "-" * 60,
    "\u200b@\u200beveryone",
    "\\@everyone",
)
TRACE = re.compile(r"Traceback|Error\(|Exception|site-packages|\.py\b|line \d+")
MENTION = re.compile(r"(?<!\\)<(@[!&]?|#|/)[\w ]+(:\d+)?>|@(?!\u200b)(everyone|here)")


def plausible(command: Command, name: str, chance: random.Random, desk: Desk) -> str:
    """What a reader in their right mind might type, whether it fits this option or not."""
    metrics = list(desk.market.playbook.catalog.metrics)
    known = {
        "asset": ["BTC", "ETH", "btc", " eth ", "DOGE", "SOL"],
        "tenor": ["7", "30", "60d", "90 days", "61"],
        "metric": [*metrics, "skew", "open interest", "basis 60"],
        "term": [*metrics, "basis", "carry"],
        "window": ["24h", "7d", "30d", "0d", "9999d", "1h"],
        "side": ["above", "below"],
        "value": ["20", "20%", "$60k", "-3", "1,5", "35.8 billion"],
        "length": ["short", "embed", "article", "long"],
        "post": ["k7m2p", "abcd1234"],
        "remove": ["1", "all", "99"],
    }
    return chance.choice(known.get(name) or ["x"])


def typed(command: Command, chance: random.Random, desk: Desk) -> Mapping[str, Any]:
    """Options at random: left out, plausible, nasty, long, or any letters at all; also one that Discord's own
    checks refuse."""
    options: dict[str, Any] = {}
    for option in command.options:
        way = chance.random()
        if way < 0.15 and not (option.required and chance.random() < 0.9):
            continue
        if way < 0.5:
            text = plausible(command, option.name, chance, desk)
        elif way < 0.75:
            text = chance.choice(NASTY)
        elif way < 0.85:
            text = plausible(command, option.name, chance, desk) + chance.choice(NASTY)
        elif way < 0.95:
            text = "".join(
                chr(chance.choice([*range(32, 127), *range(0xA0, 0x2FF), 0x1F642]))
                for _ in range(chance.randint(1, 70))
            )
        else:
            text = chance.choice(["x", "@everyone ", "🙂"]) * 2000
        options[option.name] = text
    return options


def wrong(asked: Pressed) -> list[str]:
    """What must never be in an answer."""
    found = []
    for message in asked.messages:
        text = str(message["embeds"]) + message["content"]
        if TRACE.search(text):
            found.append(f"a trace: {text[:300]}")
        shown = "".join(
            [message["content"]]
            + [
                part
                for embed in message["embeds"]
                for part in (embed.get("title", ""), embed.get("description", ""))
            ]
            + [
                field[key]
                for embed in message["embeds"]
                for field in embed.get("fields", ())
                for key in ("name", "value")
            ]
        )
        if hit := MENTION.search(shown):
            found.append(f"a mention {hit[0]!r}: {shown[:300]!r}")
        if not message["embeds"] and not message["content"]:
            found.append("an empty answer")
    return found


@pytest.fixture
async def served(fake: FakeDiscord, desk: Desk, memory: Memory) -> AsyncIterator[TightropeClient]:
    async with connected(desk, memory, heartbeat_s=60.0) as client:
        client.cooldown = Cooldown(count=1_000_000)
        memory.watches.add = _roomy(memory)  # type: ignore[method-assign]
        yield client


def _roomy(memory: Memory) -> Any:
    async def watch(wish: Any, *, most: int) -> None:
        memory.watches.kept = [*memory.watches.kept[-3:], wish]

    return watch


@pytest.mark.parametrize(
    "count", [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
async def test_whatever_is_typed_gets_an_answer_or_a_private_error(
    served: TightropeClient, fake: FakeDiscord, desk: Desk, count: int
) -> None:
    chance = random.Random(SEED)
    commands = list(discover().values())
    private = 0
    with structlog.testing.capture_logs() as logs:
        for begin in range(0, count, AT_ONCE):
            batch = [
                (command := chance.choice(commands), typed(command, chance, desk)) for _ in range(AT_ONCE)
            ]
            answers = await asyncio.gather(
                *(
                    fake.slash(
                        command.name,
                        reader=10_000 + begin + place,
                        guild=chance.choice([8001, None]),
                        wait_s=60,
                        **options,
                    )
                    for place, (command, options) in enumerate(batch)
                )
            )
            for (command, options), asked in zip(batch, answers, strict=True):
                told = f"/{command.name} {options}"
                assert wrong(asked) == [], told
                assert all(one["type"] in (4, 5) for one in asked.callbacks), told
                assert all(
                    one["data"]["allowed_mentions"]["parse"] == []
                    for one in asked.callbacks
                    if one["type"] == 4
                ), told
                private += asked.private
            fake.asked.clear()
            logs[:] = [one for one in logs if one["event"] == "answer.failed"]
            assert logs == []
    assert count * 0.2 < private < count
