"""The command line's `health`, which a container asks twice a minute: it brings nothing that only a bot that runs needs."""

import asyncio

import typer

from bot.cli.shared import ConfigFolder, read_settings
from bot.delivery.preview import ask_health
from bot.playbook import CONFIG

commands = typer.Typer(add_completion=False)


@commands.command()
def health(config: ConfigFolder = CONFIG) -> None:
    """Ask the running bot on this machine whether it is well. Exit code 0 or 1; 3 where no bot runs."""
    page = read_settings(config).page
    well, says = asyncio.run(ask_health(page.host, page.port))
    print(says)
    raise typer.Exit(0 if well else 1)
