"""Buttons whose whole state is their custom id: they work on posts of any age, after a restart, in every
process.

Limits: a custom id has at most 100 characters, a message 25 buttons in rows of five, a label 80 characters.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, Self
from urllib.parse import parse_qsl, urlencode

import discord
import structlog
from discord import ui

from bot.domain.posts import Button

log = structlog.get_logger()

LONGEST_ID: Final = 100
LONGEST_LABEL: Final = 80
MOST: Final = 25


class GoesOn(Protocol):
    """A client that runs what a button names."""

    async def go_on(
        self, interaction: discord.Interaction[Any], name: str, options: Mapping[str, str]
    ) -> None:
        """Answer with a command; privately. Raises nothing."""
        ...


def custom_id(command: str, arguments: Mapping[str, str]) -> str:
    """A command with its arguments as one line: `go:skew:asset=BTC&tenor=60`."""
    return f"go:{command}:{urlencode(dict(arguments))}"


def view_of(buttons: Sequence[Button]) -> ui.View | None:
    """The buttons under a message; None where there are none. One whose state does not fit is left out, and
    logged."""
    view = ui.View(timeout=None)
    for button in buttons[:MOST]:
        name = custom_id(button.command, button.arguments)
        if len(name) > LONGEST_ID:
            log.warning("button.left_out", command=button.command, length=len(name))
            continue
        view.add_item(GoOn(label=button.label, name=name))
    return view if view.children else None


class GoOn(ui.DynamicItem[ui.Button[ui.View]], template=r"go:(?P<command>[a-z_-]+):(?P<arguments>.*)"):
    """One such button. What it answers is private: a channel is not a reader's notebook."""

    def __init__(self, *, label: str, name: str) -> None:
        super().__init__(
            ui.Button(label=label[:LONGEST_LABEL], custom_id=name, style=discord.ButtonStyle.secondary)
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed, from its custom id alone."""
        return cls(label=getattr(item, "label", None) or match["command"], name=match.string)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Run the command that the button names."""
        _, name, arguments = self.custom_id.split(":", 2)
        client: GoesOn = interaction.client
        await client.go_on(interaction, name, dict(parse_qsl(arguments)))
