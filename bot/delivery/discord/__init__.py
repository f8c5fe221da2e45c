"""Discord: slash commands, buttons, and posts in channels. The only home of discord.py."""

from bot.delivery.discord.examine import examine
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.supervise import run_discord

__all__ = ["DiscordSurface", "examine", "run_discord"]
