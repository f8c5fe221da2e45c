"""The command line of the bot with Discord's address turned to the fake. Arguments: the fake's port, then
those of the bot."""

import sys


def turn(port: str) -> None:
    """From now on discord.py asks the fake. Whatever imports discord comes after this."""
    sys.modules.setdefault("zstandard", None)  # type: ignore[arg-type]  # the fake has zlib's and Python's own zstd
    import yarl
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

    Route.BASE = f"http://127.0.0.1:{port}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/gateway/")


if __name__ == "__main__":
    turn(sys.argv.pop(1))
    from bot.cli.main import main

    main()
