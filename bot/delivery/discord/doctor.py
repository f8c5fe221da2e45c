"""Is the token good? One question to Discord's API, without a connection to its gateway."""

import discord

from bot.delivery.discord.permissions import invitation


async def look_at_token(token: str) -> tuple[bool, str]:
    """Whether Discord takes the token, and then the address that invites the bot with just the permissions it needs."""
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(token)
        if client.application_id is None:
            return False, "Discord took the token and named no application: try again in a minute"
        return True, f"logged in as {client.user}; invite it with {invitation(client.application_id)}"
    except discord.LoginFailure:
        return False, "Discord does not accept DISCORD_TOKEN: make a new one in the developer portal (Bot, Reset Token)"
    except (discord.HTTPException, OSError) as error:
        return False, f"Discord cannot be asked: {error}"
    finally:
        await client.close()
