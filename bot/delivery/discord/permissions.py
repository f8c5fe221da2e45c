"""The few permissions that posting takes, whether we have them in a channel, and the invitation that asks for just these."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import discord

NAMES: Final = ("view_channel", "send_messages", "embed_links", "attach_files", "read_message_history")
NEEDED: Final = discord.Permissions(**dict.fromkeys(NAMES, True))


def missing(channel: discord.abc.GuildChannel) -> Sequence[str]:
    """What we lack in a channel, by Discord's names: nothing when we may post."""
    mine = channel.permissions_for(channel.guild.me)
    return [name for name in NAMES if not getattr(mine, name)]


def invitation(application_id: int) -> str:
    """The address at which a server's admin lets the bot in."""
    asked = {
        "client_id": application_id,
        "scope": "bot applications.commands",
        "permissions": NEEDED.value,
    }
    return f"https://discord.com/oauth2/authorize?{urlencode(asked)}"
