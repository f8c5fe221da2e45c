"""docs/rules.md is what the rule files and the tape make of it. Written anew by: ./tightrope check --page
docs/rules.md"""

import pytest

from bot.lab.backtest import LEAD_IN
from bot.playbook import CONFIG, read_playbook
from bot.process.archive_questions import rules_page
from bot.process.demo import read_tape
from bot.process.settings import load
from bot.rules.page import LAST_CHANGE, page
from tests.rules.make import ROOT, book

PAGE = ROOT / "docs" / "rules.md"
TAPE = "february-2026"


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
    assert (
        "- When `liquidations_24h_usd` is above 100,000,000, 700,000,000 of BTC, 400,000,000 of ETH, until"
        in told
    )
    assert "- When its rank of `skew_60d_pct` is above 80, until 75" in told
    assert "- When `basis-weak` counts" in told
    assert (
        "### price-falls\n\nAn alarm on a move: `spot_usd.change_24h_pct` falls, mirror `price-jumps`."
        in told
    )
    assert "| BTC | `dvol` | 2026-03-17 | 2026-08-22 | 34.8 / 36.4 / 39.8 / 45.5 / 53.7 | 158 |" in told
    assert "| 2023-09-01 | 5 | 10 |" in told


def test_every_rule_has_a_last_change_that_the_tape_can_have_made() -> None:
    moments = read_tape(TAPE).moments
    first, last = (f"{at:%Y-%m-%d %H:%M}" for at in (moments[0].at - LEAD_IN, moments[-1].at))
    said = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(LAST_CHANGE)]
    assert len(said) == len(book().rules)
    for line in said:
        phase, _, since = line.removeprefix(LAST_CHANGE).removesuffix(" UTC").partition(" since ")
        assert phase in ("on", "off", "pending", "recovering", "unknown")
        assert first <= since <= last


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_page_says_what_the_tape_did() -> None:
    written = await rules_page(load(CONFIG, {}), read_playbook(), read_tape(TAPE), lambda done, of: None)
    assert PAGE.read_text("utf-8") == written
