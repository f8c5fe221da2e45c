"""The one way to declare a slash command, and what Discord is told of it: its options, choices, suggestions
and words.

Limits: descriptions 100 characters, 25 choices, 25 suggestions of 100 characters, 100 commands.
"""

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

import discord
from discord import app_commands
from msgspec import Struct

from bot.commands import Command, CommandOption
from bot.delivery.discord.answering import Reception
from bot.domain.story import PhraseBank

DESCRIPTION: Final = 100
CHOICES: Final = 25
CHOICE: Final = 100

Interaction = discord.Interaction[Any]

AnyCommand = app_commands.Command[Any, ..., Any]


class Suggestion(Struct, frozen=True):
    """Something that may be typed: how it is shown, and what it stands for."""

    name: str
    value: str


Suggest = Callable[[Interaction, str], Sequence[Suggestion]]


class SlashOption(Struct, frozen=True, kw_only=True):
    """One option. `kind` is what Discord lets the reader give: text, a number, a channel; `choices` are few
    and fixed, `suggest` gives what may be typed."""

    name: str
    kind: Any = str
    required: bool = False
    choices: tuple[str, ...] = ()
    suggest: Suggest | None = None


class SlashCommand(Struct, frozen=True, kw_only=True):
    """One slash command: everywhere for everybody or, where it is for `managers`, in servers for whom the server
    lets use it, at first who may manage it. `answer` is called with the interaction and the options that were given."""

    name: str
    answer: Callable[..., Coroutine[Any, Any, None]]
    options: tuple[SlashOption, ...] = ()
    managers: bool = False


class MessageMenu(app_commands.ContextMenu):
    """A command in the menu of each message. Discord documents an empty description for it; discord.py sends none."""

    def to_dict(self, tree: app_commands.CommandTree[Any]) -> dict[str, Any]:
        """As Discord is told of it."""
        return {**super().to_dict(tree), "description": ""}


def build_menu(
    name: str, key: str, answer: Callable[[Interaction, discord.Message], Coroutine[Any, Any, None]]
) -> app_commands.ContextMenu:
    """A command in the menu of each message, called by the words of `key`."""

    async def callback(interaction: Interaction, message: discord.Message) -> None:
        await answer(interaction, message)

    return MessageMenu(
        name=app_commands.locale_str(name, key=key),
        callback=callback,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
    )


def slash(reception: Reception, command: Command) -> SlashCommand:
    """The slash command of one of the bot's commands, which are the same on every surface."""

    async def answer(interaction: Interaction, **typed: str) -> None:
        await reception.respond(interaction, command, typed)

    options = tuple(_option(reception, option) for option in command.options)
    return SlashCommand(name=command.name, answer=answer, options=options)


def build(command: SlashCommand, words: Mapping[str, str]) -> AnyCommand:
    """The command as discord.py takes it, described by `words`."""

    async def callback(interaction: Interaction, **typed: Any) -> None:
        given = {name: value for name, value in typed.items() if value is not None}
        await command.answer(interaction, **given)

    vars(callback)["__signature__"] = _signature(command)
    app_commands.describe(
        **{
            option.name: describe(words, f"option.{command.name}.{option.name}", option.name)
            for option in command.options
        }
    )(callback)
    for option in command.options:
        if option.choices:
            choices = [app_commands.Choice(name=choice, value=choice) for choice in option.choices]
            app_commands.choices(**{option.name: choices})(callback)
        elif option.suggest is not None:
            app_commands.autocomplete(**{option.name: _complete(option.suggest)})(callback)
    made: AnyCommand = app_commands.Command(
        name=command.name,
        description=describe(words, f"command.{command.name}", command.name),
        callback=callback,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=not command.managers),
        allowed_contexts=app_commands.AppCommandContext(
            guild=True, dm_channel=not command.managers, private_channel=not command.managers
        ),
    )
    return _restrict_to_managers(made) if command.managers else made


def _restrict_to_managers(command: AnyCommand) -> AnyCommand:
    """The command in servers, and at first for who may manage them. Whom the server lets use it instead, Discord
    knows and we need not."""
    command.default_permissions = discord.Permissions(manage_guild=True)
    command.guild_only = True
    command.add_check(_is_in_a_server)
    return command


def _is_in_a_server(interaction: Interaction) -> bool:
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    return True


def _option(reception: Reception, option: CommandOption) -> SlashOption:
    few = 0 < len(option.choices) <= CHOICES
    return SlashOption(
        name=option.name,
        kind=str if option.choices else app_commands.Range[str, 1, option.max_length],
        required=option.required,
        choices=option.choices if few else (),
        suggest=None if few else _suggestions(reception, option),
    )


def _suggestions(reception: Reception, option: CommandOption) -> Suggest | None:
    if (suggest := option.suggest) is not None:

        def complete(interaction: Interaction, typed: str) -> Sequence[Suggestion]:
            reader = reception.profile_of_locale(interaction)
            return [Suggestion(text, text) for text in suggest(reception.market, reader, typed)]

        return complete
    if not option.choices:
        return None
    return lambda interaction, typed: [
        Suggestion(name, name) for name in option.choices if typed.strip().lower() in name.lower()
    ]


def _complete(
    suggest: Suggest,
) -> Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]:
    async def complete(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        fitting = [one for one in suggest(interaction, typed) if 0 < len(one.value) <= CHOICE]
        return [app_commands.Choice(name=one.name[:CHOICE], value=one.value) for one in fitting[:CHOICES]]

    return complete


def _signature(command: SlashCommand) -> inspect.Signature:
    asked = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Interaction)
    return inspect.Signature([asked, *(_parameter(option) for option in command.options)])


def _parameter(option: SlashOption) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if option.required else None,
        annotation=option.kind,
    )


def describe(words: Mapping[str, str], key: str, name: str) -> app_commands.locale_str:
    """A description within its limit, with its key, by which it is found in other languages."""
    text = words.get(key) or name
    return app_commands.locale_str(
        text if len(text) <= DESCRIPTION else f"{text[: DESCRIPTION - 1]}…", key=key
    )


class BankTranslator(app_commands.Translator):
    """Descriptions, and names where there are words for them, in the languages of the phrase banks."""

    def __init__(self, banks: Mapping[str, PhraseBank]) -> None:
        self._banks = banks

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The words of that language; None where there are none, or where they are English already."""
        name = next(
            (name for name in (locale.value, locale.value.partition("-")[0]) if name in self._banks), "en"
        )
        key = string.extras.get("key")
        text = self._banks[name].words.get(key) if name != "en" and isinstance(key, str) else None
        return text[:DESCRIPTION] if text else None
