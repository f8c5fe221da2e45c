"""The command line's `run`, and what is asked of a bot that runs."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console as Terminal

from bot.cli.shared import ConfigFolder, Host, configuration, served_at
from bot.delivery.preview import ask_reload
from bot.playbook import CONFIG
from bot.process import run as life

commands = typer.Typer(add_completion=False)
Role = life.Role


@commands.command()
def run(
    role: Annotated[
        Role, typer.Option(help="Several processes on one PostgreSQL: pollers and gateways.")
    ] = "all",
    host: Host = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """Run the bot on live data: on Discord where DISCORD_TOKEN is set, on the page in any case."""
    life.note_hangups()
    settings, playbook = configuration(config)
    asyncio.run(life.run(served_at(settings, host), playbook, Terminal(), config=config, role=role))


@commands.command()
def reload(config: ConfigFolder = CONFIG) -> None:
    """Let the running bot on this machine read rules and phrases anew. With a problem in any file nothing
    changes. Exit code 3 where no bot runs."""
    settings, _ = configuration(config)
    page = settings.page
    password = page.password.get_secret_value() if page.password else None
    done, says = asyncio.run(ask_reload(page.host, page.port, password))
    print(says)
    raise typer.Exit(0 if done else 1)
