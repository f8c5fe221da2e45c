"""The command line: arguments, terminal, exit codes. Nothing else.

Exit codes: 0 well; 1 the answer is "no" (a text refused, a case failed, something is ill); 2 input or configuration that
cannot be taken; 3 a source or the archive could not be reached.
"""

import asyncio
import json
import logging
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console as Terminal
from rich.progress import Progress

from bot import app as composition
from bot import inquiry, life, past
from bot.cli_check import checking, configuration
from bot.cli_past import looking_back
from bot.cli_words import words
from bot.doctor import versions as package_versions
from bot.errors import ArchiveError, ConfigError, InputError, SourceError
from bot.logs import set_up_logs
from bot.settings import Settings, load

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
cli.add_typer(looking_back)
cli.add_typer(checking)
cli.add_typer(words)

Role = life.Role
Length = Literal["short", "embed", "article"]
ConfigFolder = Annotated[Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")]
Host = Annotated[
    str | None, typer.Option(help="The page's address; one that others reach needs TIGHTROPE_PAGE__PASSWORD too.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]


def main() -> None:
    """The front of `python -m bot`: our own errors become a message on standard error and an exit code."""
    set_up_logs(level=logging.WARNING)
    try:
        cli()
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        _stop(f"{len(error.problems)} problem(s) in the configuration", 2)
    except InputError as error:
        _stop(str(error), 2)
    except (SourceError, ArchiveError) as error:
        _stop(str(error), 3)
    except KeyboardInterrupt:
        sys.exit(130)


@cli.command()
def run(
    role: Annotated[Role, typer.Option(help="Several processes on one PostgreSQL: pollers and gateways.")] = "all",
    host: Host = None,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """Run the bot on live data: on Discord where DISCORD_TOKEN is set, on the page in any case."""
    settings, playbook = configuration(config)
    asyncio.run(life.run(_served_at(settings, host), playbook, Terminal(), config=config, role=role))


@cli.command()
def reload(config: ConfigFolder = composition.CONFIG) -> None:
    """Let the running bot on this machine read rules and phrases anew. With a problem in any file nothing changes."""
    settings, _ = configuration(config)
    done, says = asyncio.run(composition.reload(settings))
    print(says)
    raise typer.Exit(0 if done else 1)


@cli.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the tape to its end, print the posts, stop.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, help="Hours of the tape a second.")] = 6.0,
    tape: Annotated[str, typer.Option(help="A folder of config/tapes/.")] = "february-2026",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The page's port.")] = None,
    host: Host = None,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """Play a tape through the whole bot: no token, no network, no server."""
    settings, playbook = configuration(config)
    playing = composition.demo(
        _served_at(settings, host), playbook, composition.read_tape(tape, config), Terminal(),
        once=once, speed=speed, port=port,
    )  # fmt: skip
    asyncio.run(playing)


@cli.command()
def brief(
    asset: str,
    as_json: Json = False,
    length: Annotated[Length, typer.Option(help="How long.")] = "embed",
    recording: Annotated[Path | None, typer.Option(help="A folder of recorded replies instead of the venues.")] = None,
    at: Annotated[
        str | None, typer.Option(help="A past time, such as 2026-02-06T00:00Z: from the archive alone.")
    ] = None,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """The verdict on an asset, now or at a past time, with its commentary."""
    playbook = composition.read_playbook(config)
    if at is not None:
        then = asyncio.run(past.brief_then(_settings(config), playbook, asset.upper(), past.read_time(at), length))
        if as_json:
            _print_json(past.as_json(then))
        else:
            print(past.story_text(then.story))
        return
    if recording:
        facts = composition.recorded_facts(recording, asset.upper(), playbook)
    else:
        with _progress(f"asking the venues about {asset.upper()}"):
            facts = asyncio.run(composition.live_facts(_settings(config), playbook, asset.upper()))
    answer = inquiry.judge(facts, playbook)
    if as_json:
        _print_json(answer)
        return
    print(answer["story"][length] or answer["story"]["embed"])


@cli.command()
def measure(
    recording: Annotated[Path, typer.Option(help="A folder of Deribit replies, one poll of one asset.")],
    asset: Annotated[str, typer.Option(help="The asset in them.")] = "BTC",
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """Every metric of one recorded poll, as JSON; what is not known is named with its reason."""
    playbook = composition.read_playbook(config)
    _print_json(inquiry.measure(composition.read_recording(recording, asset.upper()), playbook))


@cli.command()
def judge(
    file: Annotated[str, typer.Argument(help="A market as JSON; - for standard input.")],
    lines: Annotated[bool, typer.Option("--lines", help="One market a line, one answer a line.")] = False,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """The verdict on stated facts, as JSON. A bad line answers an error in its place, and the exit code is 2."""
    playbook = composition.read_playbook(config)
    if not lines:
        market = inquiry.read_market(_read(file), datetime.now(UTC))
        _print_json(inquiry.judge(inquiry.stated(market, playbook), playbook))
        return
    bad = 0
    for line in _lines(file):
        try:
            market = inquiry.read_market(line, datetime.now(UTC))
            answer = inquiry.judge(inquiry.stated(market, playbook), playbook)
        except InputError as error:
            answer = {"error": str(error)}
            bad += 1
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    if bad:
        _stop(f"{bad} line(s) could not be taken", 2)


@cli.command()
def factcheck(
    file: Annotated[str, typer.Argument(help="A text; - for standard input.")],
    facts: Annotated[Path, typer.Option(help="The market it speaks of, as JSON for `judge`.")],
    as_json: Json = False,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """The numerals of a text that the facts do not bear out. Exit code 1 if there are any."""
    playbook = composition.read_playbook(config)
    market = inquiry.read_market(_read(str(facts)), datetime.now(UTC))
    refused = inquiry.check_text(_read(file), inquiry.stated(market, playbook), playbook)
    if as_json:
        _print_json({"refused": refused})
    else:
        print("\n".join(refused) if refused else "every number is borne out", flush=True)
    raise typer.Exit(1 if refused else 0)


@cli.command()
def doctor(
    as_json: Json = False,
    versions: Annotated[bool, typer.Option("--versions", help="Print the versions of all packages, and stop.")] = False,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """Look at token, permissions, sources, database and clock, and say what to mend. Exit code 1 if something is ill."""
    if versions:
        _print_versions(as_json)
        return
    with _progress("asking Discord and the venues"):
        findings = asyncio.run(composition.doctor(*configuration(config)))
    if as_json:
        _print_json([{"what": one.what, "well": one.well, "says": one.says} for one in findings])
    else:
        for one in findings:
            print(f"{'ok  ' if one.well else 'ILL '} {one.what}: {one.says}")
    raise typer.Exit(0 if all(one.well for one in findings) else 1)


@cli.command()
def backfill(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back.")] = 90,
    as_json: Json = False,
    config: ConfigFolder = composition.CONFIG,
) -> None:
    """Fill the archive from the venues' own history; broken off, it goes on where it was. Exit code 1 if something is missing.

    A bot that runs meanwhile takes it up at its next start."""
    settings, playbook = _settings(config), composition.read_playbook(config)
    with _bar() as step:
        filled = asyncio.run(composition.backfill(settings, playbook, days, step))
    if as_json:
        _print_json({"ranked": filled.ranked, "gaps": [{"who": gap.who, "reason": gap.reason} for gap in filled.gaps]})
    else:
        for asset, names in filled.ranked.items():
            print(f"{asset}: {len(names)} metrics can be ranked in their past: {', '.join(names)}")
        for gap in filled.gaps:
            print(f"missing: {gap.reason}")
    raise typer.Exit(1 if filled.gaps else 0)


@cli.command()
def backup(to: Path, config: ConfigFolder = composition.CONFIG) -> None:
    """Copy the archive to a file, checked, while the bot runs."""
    with _progress(f"copying to {to}"):
        asyncio.run(composition.backup(_settings(config), to))
    print(f"the archive is in {to}")


@cli.command()
def restore(source: Path, config: ConfigFolder = composition.CONFIG) -> None:
    """Put a backup in the archive's place. The bot must not run; the old archive is kept beside it."""
    with _progress(f"checking {source}"):
        old = asyncio.run(composition.restore(_settings(config), source))
    print(f"restored from {source}" + (f"; the old one is {old}" if old else ""))


@cli.command("migrate-to")
def migrate_to(url: str, config: ConfigFolder = composition.CONFIG) -> None:
    """Copy the archive to another database, such as from SQLite to PostgreSQL. The bot must not run."""
    with _progress("copying"):
        moved = asyncio.run(composition.migrate_to(_settings(config), url))
    for table, rows in moved.items():
        print(f"{rows:>9}  {table}")
    print("now set DATABASE_URL to the new address")


@cli.command()
def health(config: ConfigFolder = composition.CONFIG) -> None:
    """Ask the running bot on this machine whether it is well. Exit code 0 or 1."""
    well, says = asyncio.run(composition.health(_settings(config)))
    print(says)
    raise typer.Exit(0 if well else 1)


def _served_at(settings: Settings, host: str | None) -> Settings:
    page = settings.page.model_copy(update={"host": host}) if host else settings.page
    return settings.model_copy(update={"page": page})


def _settings(config: Path) -> Settings:
    return load(config, dict(os.environ))


def _print_versions(as_json: bool) -> None:
    found = dict(package_versions())
    if as_json:
        _print_json({"python": platform.python_version(), "packages": found})
        return
    print(f"python {platform.python_version()}")
    for name, version in found.items():
        print(f"{name} {version}")


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error


def _lines(file: str) -> Iterator[str]:
    source = sys.stdin if file == "-" else iter(_read(file).splitlines())
    return (line for line in source if line.strip())


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _stop(message: str, code: int) -> NoReturn:
    print(f"tightrope: {message}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[], None]]:
    """A spinner on standard error where that is a terminal; nothing elsewhere."""
    terminal = Terminal(stderr=True)
    if not terminal.is_terminal:
        yield lambda: None
        return
    with terminal.status(what) as status:
        yield status.stop


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error where that is a terminal; nothing elsewhere."""
    terminal = Terminal(stderr=True)
    with Progress(console=terminal, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("")
        yield lambda what, number, total: progress.update(task, description=what, completed=number, total=total)
