"""The command line's dealings with the venues beside a poll: what was stored against what they say now, and what
they say, as it comes."""

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from bot.cli.english import in_english
from bot.domain.times import iso
from bot.lab.audit import report_lines
from bot.playbook import CONFIG, read_playbook
from bot.process import errands
from bot.process.record import GOOD
from bot.process.settings import load

commands = typer.Typer(add_completion=False)

ConfigFolder = Annotated[
    Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]


@commands.command()
def audit(
    hours: Annotated[int, typer.Option(min=1, max=24 * 14, help="How far back.")] = 24,
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Ask the venues for their own history again and print, for each metric and venue, how far what was stored
    lies from it. Exit code 1 if something lies beyond its tolerance (config/audit.toml), 3 if no venue could
    be asked.

    Stores nothing but the report, which /status shows."""
    settings, playbook = load(config, dict(os.environ)), read_playbook(config)
    report = asyncio.run(errands.audit(settings, playbook, hours, config))
    if as_json:
        print(
            json.dumps(
                to_builtins(report, builtin_types=[datetime]), ensure_ascii=False, indent=2, default=_plain
            )
        )
    else:
        worded = replace(report, gaps=tuple(in_english(gap) for gap in report.gaps))
        print("\n".join(report_lines(worded)) or "no venue told a history of what is to be looked at")
    raise typer.Exit(1 if report.beyond else 3 if report.gaps and not report.compared else 0)


@commands.command()
def record(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    listen_s: Annotated[
        float,
        typer.Option("--listen", min=0, max=86_400, help="Seconds for which each socket is listened to."),
    ] = 600,
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Write down one poll: the raw reply of every endpoint, the venues' histories of a day, and what the sockets
    push in ten minutes. Keys are taken out. Exit code 1 if something was refused or could not be reached.

    `measure` and `brief --recording` read the folder; `doctor` compares what replies look like with it."""
    told = asyncio.run(errands.record(load(config, dict(os.environ)), folder, listen_s))
    failed = [reply for reply in told.replies if reply.status != GOOD]
    broken = [socket for socket in told.sockets if socket.failure]
    if as_json:
        summary = {
            "folder": str(folder),
            "taken_at": iso(told.taken_at),
            "sources": told.sources,
            "replies": len(told.replies),
            "failed": [{"url": one.url, "status": one.status, "failure": one.failure} for one in failed],
            "sockets": {one.url: len(one.messages) for one in told.sockets},
        }
        print(json.dumps(summary, ensure_ascii=False, indent=2))
    else:
        print(f"{len(told.replies)} replies of {len(told.sources)} sources are in {folder}")
        for socket in told.sockets:
            print(f"{len(socket.messages)} messages from {socket.url}{_because(socket.failure)}")
        for reply in failed:
            print(f"not heard: {reply.url}{_because(reply.failure or f'HTTP {reply.status}')}")
    raise typer.Exit(1 if failed or broken else 0)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{value!r} has no place in JSON")
