"""What Discord is sent for each command stays as somebody has looked at it: for Bitcoin, for Ether with half of its past,
on a server that has just begun. And it fits a telephone: at most 16 rows before the line under it."""

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest

from bot.delivery.discord.tables import WIDTH
from tests.delivery.discord.payloads import (
    FOLDER,
    LEFT_OUT,
    STATES,
    TOLD_ELSEWHERE,
    WRITTEN_BY,
    payloads,
    written,
)

MOST_ROWS = 16
LETTERS = 44  # what a line of an embed holds at 390 pixels
SMALL_LETTERS = 52
NUMBERS = ("skew", "basis", "oi", "funding", "options", "price", "liquidations", "history", "venues")
GOLDEN: Mapping[str, Mapping[str, Any]] = {
    state: json.loads((FOLDER / f"{state}.json").read_text(encoding="utf-8")) for state in STATES
}
ANSWERS = [(state, line) for state, told in GOLDEN.items() for line in told]


@pytest.mark.parametrize("state", STATES)
async def test_each_command_is_answered_as_it_was_looked_at(state: str) -> None:
    told = await payloads(state)
    kept = (FOLDER / f"{state}.json").read_text(encoding="utf-8")
    assert written(told) == kept, f"write them anew, and look: {WRITTEN_BY}"


def rows_of(embed: Mapping[str, Any]) -> int:
    """The rows that an embed takes on a telephone, its footer not counted."""
    count, in_block = 2, False  # the verdict, the title
    for line in embed.get("description", "").splitlines():
        if line == "```":
            in_block = not in_block
        elif in_block:
            count += 1
        else:
            count += len(textwrap.wrap(line, SMALL_LETTERS if line.startswith("-# ") else LETTERS)) or 1
    return count + 2 * len(embed.get("fields", ()))


@pytest.mark.parametrize(("state", "line"), [one for one in ANSWERS if one[1].split()[0][1:] in NUMBERS])
def test_an_answer_about_a_number_fits_a_telephone(state: str, line: str) -> None:
    ((embed,),) = GOLDEN[state][line]["messages"]
    assert rows_of(embed) <= MOST_ROWS
    block = [part for number, part in enumerate(embed["description"].split("```")) if number % 2]
    assert all(len(row) <= WIDTH for part in block for row in part.splitlines())


@pytest.mark.parametrize(("state", "line"), ANSWERS)
def test_what_is_about_the_bot_or_the_asker_is_the_askers_alone(state: str, line: str) -> None:
    name = line.split()[0][1:]
    assert GOLDEN[state][line]["private"] == (name in ("why", "status", "help", "watch", "watches", "digest"))


PUBLISHED = ("treasuries", "odds")  # what holders published; the level that was asked for


@pytest.mark.parametrize("line", [one for one in GOLDEN["fresh"] if one.split()[0][1:] not in PUBLISHED])
def test_a_fresh_server_gets_no_number_of_the_market(line: str) -> None:
    said = json.dumps(GOLDEN["fresh"][line]["messages"])
    assert not re.search(r"\$|\dbn\b", said)
    if line.split()[0][1:] in NUMBERS:
        assert "Started 2 minutes ago; the first readings are due at 14:03 UTC" in said


def test_every_command_is_there() -> None:
    from bot.commands import discover

    assert (
        {line.split()[0][1:] for line in GOLDEN["btc"]}
        == set(discover()) - set(LEFT_OUT)
        > set(TOLD_ELSEWHERE)
    )
