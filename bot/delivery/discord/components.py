"""The components of the setup panel: buttons, selects and forms whose state is their custom id, so that they work
after a restart and in every process.

Limits: 100 characters in a custom id, 80 in a label, 45 in the title of a form and in the labels of its fields."""

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, Self

import discord
from discord import ui
from msgspec import Struct

Interaction = discord.Interaction[Any]
LONGEST_TITLE: Final = 45
LONGEST_LABEL: Final = 80
FORM_LIVES_S: Final = 900.0  # as long as the token of its interaction


class UsesPanel(Protocol):
    """A client that has the panel."""

    async def use_panel(self, interaction: Interaction, press: "Press") -> None:
        """Do what a component of the panel says. Raises nothing."""
        ...


class Press(Struct, frozen=True, kw_only=True):
    """One use of a component: what, of which channel, with what."""

    action: str
    channel: int
    values: tuple[str, ...] = ()


def custom_id(action: str, channel: int) -> str:
    """What a component of the panel does, for which channel."""
    return f"set:{action}:{channel}"


class PanelItem(ui.DynamicItem[ui.Item[Any]], template=r"set:(?P<action>[a-z-]+):(?P<channel>\d+)"):
    """A button or a select of the panel."""

    def __init__(self, item: Any, press: Press | None = None) -> None:
        super().__init__(item)
        self._press = press

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The component that was used, from its custom id alone."""
        data: Mapping[str, Any] = interaction.data or {}
        values = tuple(str(value) for value in data.get("values") or ())
        return cls(item, Press(action=match["action"], channel=int(match["channel"]), values=values))

    async def callback(self, interaction: Interaction) -> None:
        """Do what it says."""
        client: UsesPanel = interaction.client
        if self._press is not None:
            await client.use_panel(interaction, self._press)


class SettingsModal(ui.Modal):
    """A form with labels. What was typed goes to `done` by the names of its fields."""

    def __init__(
        self,
        *,
        title: str,
        name: str,
        labels: Sequence[ui.Label[Any]],
        done: Callable[[Interaction, Mapping[str, tuple[str, ...]]], Coroutine[Any, Any, None]],
    ) -> None:
        super().__init__(title=title[:LONGEST_TITLE], custom_id=name, timeout=FORM_LIVES_S)
        self._done = done
        for label in labels:
            self.add_item(label)

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Hand over what was typed and chosen."""
        given: dict[str, tuple[str, ...]] = {}
        for label in self.children:
            field: Any = getattr(label, "component", None)
            if isinstance(field, ui.TextInput):
                given[field.custom_id] = (field.value,)
            elif field is not None:
                given[field.custom_id] = tuple(str(chosen.id) for chosen in field.values)
        await self._done(interaction, given)


def add_buttons(
    view: ui.View,
    number: int,
    words: Mapping[str, str],
    buttons: Iterable[tuple[str, str, discord.ButtonStyle]],
    *,
    row: int,
) -> None:
    """Buttons in a row: what each does, its label or the word for it, how it looks."""
    for action, label, style in buttons:
        button: ui.Button[Any] = ui.Button(
            custom_id=custom_id(action, number),
            label=words.get(label, label)[:LONGEST_LABEL],
            style=style,
            row=row,
        )
        view.add_item(PanelItem(button))
