"""Slash commands made from the bot's commands: one each, with its options, choices, suggestions and words.

Limits: descriptions 100 characters, 25 choices, 25 suggestions of 100 characters, 100 commands.
"""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands

from bot.commands import Command, Option
from bot.delivery.discord.answering import respond
from bot.domain.story import PhraseBank

if TYPE_CHECKING:
    from bot.delivery.discord.client import TightropeClient

DESCRIPTION: Final = 100
CHOICES: Final = 25
CHOICE: Final = 100

Interaction = discord.Interaction[Any]
Suggest = Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]
AnyCommand = app_commands.Command[Any, ..., Any]


def slash(client: "TightropeClient", command: Command) -> AnyCommand:
    """The slash command of a command. Everywhere for everybody, or in servers for who may manage them."""
    words = client.desk.playbook.banks["en"].words

    async def callback(interaction: Interaction, **typed: str | None) -> None:
        options = {name: value for name, value in typed.items() if value is not None}
        await respond(client, interaction, command, options)

    vars(callback)["__signature__"] = _signature(command)
    app_commands.describe(
        **{
            option.name: described(words, f"option.{command.name}.{option.name}", option.name)
            for option in command.options
        }
    )(callback)
    for option in command.options:
        if 0 < len(option.choices) <= CHOICES:
            choices = [app_commands.Choice(name=choice, value=choice) for choice in option.choices]
            app_commands.choices(**{option.name: choices})(callback)
        elif suggestions := _suggestions(client, option):
            app_commands.autocomplete(**{option.name: suggestions})(callback)
    made: AnyCommand = app_commands.Command(
        name=command.name,
        description=described(words, f"command.{command.name}", command.name),
        callback=callback,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=not command.manage),
        allowed_contexts=app_commands.AppCommandContext(
            guild=True, dm_channel=not command.manage, private_channel=not command.manage
        ),
    )
    return managed(made) if command.manage else made


def managed(command: AnyCommand) -> AnyCommand:
    """The command for who may manage the server: hidden from others by Discord, refused to them by us."""
    command.default_permissions = discord.Permissions(manage_guild=True)
    command.guild_only = True
    command.add_check(_may_manage)
    return command


def _may_manage(interaction: Interaction) -> bool:
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    if not interaction.permissions.manage_guild:
        raise app_commands.MissingPermissions(["manage_guild"])
    return True


def _signature(command: Command) -> inspect.Signature:
    asked = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Interaction)
    return inspect.Signature([asked, *(_parameter(option) for option in command.options)])


def _parameter(option: Option) -> inspect.Parameter:
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if option.required else None,
        annotation=str if option.choices else app_commands.Range[str, 1, option.max_length],
    )


def described(words: Mapping[str, str], key: str, name: str) -> app_commands.locale_str:
    """A description within its limit, with its key, by which it is found in other languages."""
    text = words.get(key) or name
    return app_commands.locale_str(text if len(text) <= DESCRIPTION else f"{text[: DESCRIPTION - 1]}…", key=key)


def _suggestions(client: "TightropeClient", option: Option) -> Suggest | None:
    def offered(typed: str) -> list[str]:
        if option.suggest is not None:
            return list(option.suggest(client.desk, typed))
        return [choice for choice in option.choices if typed.strip().lower() in choice.lower()]

    async def suggest(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        found = [text for text in offered(typed) if 0 < len(text) <= CHOICE]
        return [app_commands.Choice(name=text, value=text) for text in found[:CHOICES]]

    return suggest if option.suggest is not None or option.choices else None


class BankTranslator(app_commands.Translator):
    """Descriptions, and names where there are words for them, in the languages of the phrase banks."""

    def __init__(self, banks: Mapping[str, PhraseBank]) -> None:
        self._banks = banks

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """The words of that language; None where there are none, or where they are English already."""
        name = next((name for name in (locale.value, locale.value.partition("-")[0]) if name in self._banks), "en")
        key = string.extras.get("key")
        text = self._banks[name].words.get(key) if name != "en" and isinstance(key, str) else None
        return text[:DESCRIPTION] if text else None
