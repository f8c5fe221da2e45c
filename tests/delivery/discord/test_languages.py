"""Names and descriptions of commands in the languages of the phrase banks."""

import discord
import pytest
from discord import app_commands
from msgspec.structs import replace

from bot.delivery.discord.slash import BankTranslator, describe
from tests.commentary.make import bank

CONTEXT: app_commands.TranslationContextTypes = app_commands.TranslationContext(
    app_commands.TranslationContextLocation.other, data=None
)


async def translated(locale: discord.Locale, key: str = "command.skew") -> str | None:
    banks = {
        "en": bank(),
        "es": bank("es"),
        "pt": replace(bank("es"), locale="pt", words={"command.skew": "Quanto custam as puts"}),
    }
    return await BankTranslator(banks).translate(describe(bank().words, key, "skew"), locale, CONTEXT)


@pytest.mark.parametrize("locale", [discord.Locale.spain_spanish, discord.Locale.latin_american_spanish])
async def test_spain_and_latin_america_read_the_spanish_words(locale: discord.Locale) -> None:
    assert await translated(locale) == bank("es").words["command.skew"]
    assert await translated(locale, "option.skew.tenor") == "El plazo en días, por ejemplo 60"


async def test_a_further_folder_is_offered_to_its_readers_as_well() -> None:
    assert await translated(discord.Locale.brazil_portuguese) == "Quanto custam as puts"


async def test_whoever_has_no_bank_reads_english() -> None:
    assert await translated(discord.Locale.german) is None
    assert await translated(discord.Locale.american_english) is None
    assert await translated(discord.Locale.brazil_portuguese, "option.skew.tenor") is None
