"""What `bot doctor` asks of Discord: is the token taken, who is the bot, in how many servers, and how it is
invited."""

import aiohttp
import discord

from bot.delivery.discord.permissions import invitation


async def examine(token: str) -> tuple[bool, str]:
    """Whether Discord takes the token, and a sentence: the bot and its invitation, or the way out. Raises
    nothing."""
    client = discord.Client(intents=discord.Intents(guilds=True))
    try:
        await client.login(token)
        about = await client.application_info()
    except discord.LoginFailure:
        return False, "Discord does not accept DISCORD_TOKEN: make a new token in the developer portal"
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        return False, f"Discord cannot be reached: {type(error).__name__}"
    finally:
        await client.close()
    servers = about.approximate_guild_count
    return True, f"logged in as {about.name}, in {servers} servers; invite it with {invitation(about.id)}"
