"""The command line: arguments, terminal, exit codes. Nothing else.

Exit codes: 0 well; 1 the answer is "no" (a text refused, a case failed, something is ill); 2 input or
configuration that cannot be taken; 3 a source, the archive or the running bot could not be reached."""

import logging
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated

import typer

from bot import __version__
from bot.cli.english import in_english
from bot.cli.shared import stop
from bot.errors import ArchiveError, ConfigError, InputError, SourceError
from bot.playbook import CONFIG, SHIPPED
from bot.process.environment import adopt_env_file
from bot.process.first_run import copy_shipped
from bot.process.logs import set_up_logs

HELP = """Reads the crypto-derivatives market and says in plain words what it calls for.

Exit codes: 0 well; 1 the answer is "no" (a text refused, a case failed, something is ill); 2 input or
configuration that cannot be taken; 3 a source, the archive or the running bot could not be reached."""

PROGRAM = "./tightrope"

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "living": ("run", "reload"),
    "asked": ("health",),
    "asking": ("demo", "brief", "measure", "judge", "factcheck"),
    "keeping": ("doctor", "backfill", "backup", "restore", "migrate-to", "mcp"),
    "past": ("replay", "backtest", "study", "agreement", "first-history", "export"),
    "check": ("check",),
    "words": ("write", "phrases"),
    "venues": ("audit", "record"),
}
"""The commands in each file of this folder."""


def command_line(asked: str | None = None) -> typer.Typer:
    """All commands. Where one is `asked` for, those of its file alone are imported: a start does without what other
    commands need."""
    cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
    cli.callback()(front)
    for file in [file for file, names in COMMANDS.items() if asked in names] or COMMANDS:
        cli.add_typer(import_module(f"bot.cli.{file}").commands)
    return cli


def main() -> None:
    """The front of `python -m bot`: our own errors become a message on standard error and an exit code."""
    set_up_logs(level=logging.WARNING)
    try:
        if copy_shipped(SHIPPED, CONFIG):
            print(f"tightrope: rules, words and settings are in {CONFIG} from now on", file=sys.stderr)
        adopt_env_file(os.environ)
        command_line(sys.argv[1] if len(sys.argv) > 1 else None)(prog_name=PROGRAM)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        stop(f"{len(error.problems)} problem(s) in the configuration", 2)
    except InputError as error:
        stop(in_english(str(error)), 2)
    except (SourceError, ArchiveError) as error:
        stop(in_english(str(error)), 3)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"tightrope {__version__}")
        raise typer.Exit


def front(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and stop."),
    ] = False,
) -> None:
    """What stands before every command."""
