"""The command line's looks at an installation and its archive."""

import asyncio
import os
import platform
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.english import in_english
from bot.cli.shared import ConfigFolder, Json, configuration, counting_bar, print_json, read_settings, spinner
from bot.playbook import CONFIG, read_playbook
from bot.process import errands
from bot.process.doctor import Diagnosis
from bot.process.doctor import versions as package_versions
from bot.process.environment import tell_env_file
from bot.process.settings import read_target

commands = typer.Typer(add_completion=False)


@commands.command()
def doctor(
    as_json: Json = False,
    versions: Annotated[
        bool, typer.Option("--versions", help="Print the versions of all packages, and stop.")
    ] = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Look at token, permissions, sources, database and clock, and say what to mend. Exit code 1 if something
    is ill."""
    if versions:
        _print_versions(as_json)
        return
    with spinner("asking Discord and the venues"):
        well, says = tell_env_file(os.environ)
        findings = [Diagnosis(what="environment", well=well, says=says)]
        findings += asyncio.run(errands.doctor(*configuration(config)))
    if as_json:
        print_json([{"what": one.what, "well": one.well, "says": one.says} for one in findings])
    else:
        for one in findings:
            print(f"{'ok  ' if one.well else 'ILL '} {one.what}: {one.says}")
    raise typer.Exit(0 if all(one.well for one in findings) else 1)


@commands.command()
def backfill(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back.")] = 365,
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Fill the archive from the venues' own history, and with estimates from their past trades; broken off, it goes on
    where it was. Exit code 1 if something is missing.

    A year of two assets is about 5,000 requests, most of them of Deribit's history host, within every documented limit.
    A bot that runs meanwhile takes it up at its next start."""
    settings, playbook = read_settings(config), read_playbook(config)
    with counting_bar() as step:
        filled = asyncio.run(errands.backfill(settings, playbook, days, step))
    if as_json:
        print_json(
            {"ranked": filled.ranked, "gaps": [{"who": gap.who, "reason": gap.reason} for gap in filled.gaps]}
        )
    else:
        for asset, names in filled.ranked.items():
            print(f"{asset}: {len(names)} metrics can be ranked in their past: {', '.join(names)}")
        for gap in filled.gaps:
            print(f"missing: {in_english(gap.reason)}")
    raise typer.Exit(1 if filled.gaps else 0)


@commands.command()
def backup(to: Path, config: ConfigFolder = CONFIG) -> None:
    """Copy the archive to a file, checked, while the bot runs."""
    with spinner(f"copying to {to}"):
        asyncio.run(errands.backup(read_settings(config), to))
    print(f"the archive is in {to}")


@commands.command()
def restore(source: Path, config: ConfigFolder = CONFIG) -> None:
    """Put a backup in the archive's place. The bot must not run; the old archive is kept beside it."""
    with spinner(f"checking {source}"):
        old = asyncio.run(errands.restore(read_settings(config), source))
    print(f"restored from {source}" + (f"; the old one is {old}" if old else ""))


@commands.command("migrate-to")
def migrate_to(
    url: Annotated[
        str | None,
        typer.Argument(help="An address without a password; one with it belongs into NEW_DATABASE_URL."),
    ] = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """Copy the archive to another database, such as from SQLite to PostgreSQL. The bot must not run."""
    target = read_target(url, os.environ)
    with spinner("copying"):
        moved = asyncio.run(errands.migrate_to(read_settings(config), target))
    for table, rows in moved.items():
        print(f"{rows:>9}  {table}")
    print("now set DATABASE_URL to the new address")


@commands.command()
def mcp(config: ConfigFolder = CONFIG) -> None:
    """Serve what the running bot knows to an assistant: the Model Context Protocol on standard input and output."""
    errands.serve_mcp(read_settings(config))


def _print_versions(as_json: bool) -> None:
    found = dict(package_versions())
    if as_json:
        print_json({"python": platform.python_version(), "packages": found})
        return
    print(f"python {platform.python_version()}")
    for name, version in found.items():
        print(f"{name} {version}")
