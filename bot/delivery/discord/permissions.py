"""The few permissions that posting takes, whether we have them in a channel, and the invitation that asks for
just these."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import discord

NAMES: Final = ("view_channel", "send_messages", "embed_links", "attach_files", "read_message_history")
NEEDED: Final = discord.Permissions(**dict.fromkeys(NAMES, True))


def missing(channel: discord.abc.GuildChannel | discord.Thread) -> Sequence[str]:
    """What we lack in a channel, by Discord's names: nothing when we may post."""
    mine = channel.permissions_for(channel.guild.me)
    asked = [*NAMES, "send_messages_in_threads"] if isinstance(channel, discord.Thread) else NAMES
    if isinstance(channel, discord.Thread):
        asked = [name for name in asked if name != "send_messages"]
    return [name for name in asked if not getattr(mine, name)]


def name_permissions(names: Sequence[str], words: Mapping[str, str]) -> str:
    """Permissions as Discord calls them in a language: "View Channel, Send Messages"; all that posting takes
    where none is named."""
    return ", ".join(
        words.get(f"permission.{name}", name.replace("_", " ").title()) for name in names or NAMES
    )


def invitation(application_id: int | str) -> str:
    """The address at which a server's admin lets the bot in."""
    asked = {"client_id": application_id, "scope": "bot applications.commands", "permissions": NEEDED.value}
    return f"https://discord.com/oauth2/authorize?{urlencode(asked)}"
