"""docs/rules.md is what the rule files and the tape make of it. Written anew by: python -m tests.rules.test_page"""

import asyncio
import io
from collections.abc import Mapping
from datetime import timedelta

import pytest
from rich.console import Console

from bot import app
from bot.domain.judgement import Signal
from bot.domain.posts import Profile
from bot.rules.page import LAST_CHANGE, page
from bot.settings import load
from tests.rules.make import ROOT, book

PAGE = ROOT / "docs" / "rules.md"
TAPE = "february-2026"


async def at_the_end_of_the_tape() -> Mapping[str, Signal]:
    """Every rule's state after the tape, through the whole bot."""
    settings, playbook, tape = load(app.CONFIG, {}), app.read_playbook(), app.read_tape(TAPE)
    async with app.house(settings, playbook, terminal=Console(file=io.StringIO()), tape=tape) as parts:
        since = tape.starts_at - timedelta(days=settings.poll.backfill_days)
        await parts.desk.backfill("BTC", since, tape.starts_at)
        for moment in tape.moments:
            await parts.schedule.step_to(moment.at)
            await parts.desk.poll("BTC", moment.at)
        return (await parts.archive.state("BTC", Profile())).signals


def without_the_tape(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith(LAST_CHANGE)]


def test_the_page_says_what_the_rule_files_say() -> None:
    assert without_the_tape(PAGE.read_text("utf-8")) == without_the_tape(page(book(), {}))


def test_a_rule_is_told_with_everything_that_it_stands_on() -> None:
    told = page(book(), {})
    assert (
        "### basis-weak\n\nVote -1, caution, mirror `basis-firm`.\n\n- When `basis_60d_pct` is below the usual low, until"
        in told
    )
    assert "- When `liquidations_24h_usd` is above 700,000,000, until 500,000,000" in told
    assert "| 2023-09-01 | 5 | 10 |" in told


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_page_says_what_the_tape_did() -> None:
    assert PAGE.read_text("utf-8") == page(book(), await at_the_end_of_the_tape())


if __name__ == "__main__":
    PAGE.write_text(page(book(), asyncio.run(at_the_end_of_the_tape())), "utf-8")
