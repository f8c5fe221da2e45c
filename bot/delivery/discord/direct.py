"""Direct messages to one reader: tried at once when something is promised there, and what becomes of a
refusal.

Limits: 50007 is a reader who takes no direct messages from us, 50278 one who shares no server with us; both
are for the reader to mend."""

from collections.abc import Mapping
from typing import Any

import discord
import structlog

from bot.delivery.discord.asking import translate_errors
from bot.delivery.discord.stores import ChannelStore
from bot.desk.market import Market
from bot.domain.posts import Card
from bot.errors import ChannelRefused, DeliveryError

log = structlog.get_logger()

MARK = "discord:dm:"


def direct_channel(reader: int) -> str:
    """The channel of a reader's direct messages."""
    return f"{MARK}{reader}"


def is_direct(channel: str) -> bool:
    """Whether a channel is a reader's direct messages."""
    return channel.startswith(MARK)


async def promise(
    market: Market,
    keeping: ChannelStore,
    interaction: discord.Interaction[Any],
    card: Card,
    words: Mapping[str, str],
) -> None:
    """Write to the asker what is told there from now on. Where Discord refuses it, the asker hears so
    privately at once, in `words`, and the watches wait; a later try that goes through ends that. Raises ArchiveError,
    discord.HTTPException."""
    channel = direct_channel(interaction.user.id)
    try:
        with translate_errors(channel):
            place = await interaction.client.create_dm(discord.Object(interaction.user.id))
            await place.send(embed=discord.Embed(title=card.title, description=card.direct))
    except ChannelRefused as error:
        log.info("direct.refused", channel=channel, reason=str(error))
        await keeping.watches.block(channel, market.now())
        await interaction.followup.send(words["discord.no_direct"], ephemeral=True)
    except DeliveryError as error:  # nobody knows yet: the first real one will tell
        log.info("direct.untried", channel=channel, reason=str(error))
    else:
        await keeping.watches.block(channel, None)
