"""The command line: arguments, terminal, exit codes. Nothing else.

Exit codes: 0 well; 1 the answer is "no" (a text refused, a case failed, something is ill); 2 input or
configuration that cannot be taken; 3 a source, the archive or the running bot could not be reached."""

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

from bot import __version__
from bot.cli.check import checking, configuration
from bot.cli.english import in_english
from bot.cli.past import looking_back
from bot.cli.typed import read_lines, read_text
from bot.cli.venues import venues
from bot.cli.words import words
from bot.domain.times import read_time
from bot.errors import ArchiveError, ConfigError, InputError, SourceError
from bot.given import decode_given
from bot.lab import questions as inquiry
from bot.lab.questions import read_asset
from bot.playbook import CONFIG, SHIPPED, read_playbook
from bot.process import app as composition
from bot.process import archive_questions as past
from bot.process import demo as demonstration
from bot.process import run as life
from bot.process.doctor import Diagnosis
from bot.process.doctor import versions as package_versions
from bot.process.environment import adopt_env_file, tell_env_file
from bot.process.first_run import copy_shipped
from bot.process.logs import set_up_logs
from bot.process.settings import Settings, load, read_target

HELP = """Reads the crypto-derivatives market and says in plain words what it calls for.

Exit codes: 0 well; 1 the answer is "no" (a text refused, a case failed, something is ill); 2 input or
configuration that cannot be taken; 3 a source, the archive or the running bot could not be reached."""

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP)
cli.add_typer(looking_back)
cli.add_typer(checking)
cli.add_typer(words)
cli.add_typer(venues)

PROGRAM = "./tightrope"
MOST_NAMED = 20
Role = life.Role
Length = Literal["short", "embed", "article"]
ConfigFolder = Annotated[
    Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
]
Host = Annotated[
    str | None,
    typer.Option(help="The page's address; one that others reach needs TIGHTROPE_PAGE__PASSWORD too."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]


def main() -> None:
    """The front of `python -m bot`: our own errors become a message on standard error and an exit code."""
    set_up_logs(level=logging.WARNING)
    try:
        if copy_shipped(SHIPPED, CONFIG):
            print(f"tightrope: rules, words and settings are in {CONFIG} from now on", file=sys.stderr)
        adopt_env_file(os.environ)
        cli(prog_name=PROGRAM)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        _stop(f"{len(error.problems)} problem(s) in the configuration", 2)
    except InputError as error:
        _stop(in_english(str(error)), 2)
    except (SourceError, ArchiveError) as error:
        _stop(in_english(str(error)), 3)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"tightrope {__version__}")
        raise typer.Exit


@cli.callback()
def front(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and stop."),
    ] = False,
) -> None:
    """What stands before every command."""


@cli.command()
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
    asyncio.run(life.run(_served_at(settings, host), playbook, Terminal(), config=config, role=role))


@cli.command()
def reload(config: ConfigFolder = CONFIG) -> None:
    """Let the running bot on this machine read rules and phrases anew. With a problem in any file nothing
    changes. Exit code 3 where no bot runs."""
    settings, _ = configuration(config)
    done, says = asyncio.run(composition.reload(settings))
    print(says)
    raise typer.Exit(0 if done else 1)


@cli.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Play the tape to its end, print the posts, stop.")
    ] = False,
    speed: Annotated[float, typer.Option(min=0.1, help="Hours of the tape a second.")] = 6.0,
    tape: Annotated[str, typer.Option(help="A folder of config/tapes/.")] = "february-2026",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The page's port.")] = None,
    host: Host = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """Play a tape through the whole bot: no token, no network, no server."""
    settings, playbook = configuration(config)
    playing = demonstration.demo(
        _served_at(settings, host),
        playbook,
        demonstration.read_tape(tape, config),
        Terminal(),
        once=once,
        speed=speed,
        port=port,
    )
    asyncio.run(playing)


@cli.command()
def brief(
    asset: str,
    as_json: Json = False,
    length: Annotated[Length, typer.Option(help="How long.")] = "embed",
    recording: Annotated[
        Path | None, typer.Option(help="A folder of recorded replies instead of the venues.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="A past time, such as 2026-02-06T00:00Z: from the archive alone.")
    ] = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """The verdict on an asset, now or at a past time, with its commentary."""
    asset = read_asset(asset)
    playbook = read_playbook(config)
    if at is not None:
        then = asyncio.run(past.brief_then(_settings(config), playbook, asset, read_time(at), length))
        if as_json:
            _print_json(past.as_json(then))
        else:
            print(past.story_text(then.story))
        return
    if recording:
        facts = composition.recorded_facts(recording, asset, playbook)
    else:
        with _progress(f"asking the venues about {asset}"):
            facts = asyncio.run(composition.live_facts(_settings(config), playbook, asset))
    answer = inquiry.judge(facts, playbook)
    if as_json:
        _print_json(answer)
        return
    print(answer["story"][length] or answer["story"]["embed"])


@cli.command()
def measure(
    recording: Annotated[Path, typer.Option(help="A folder of Deribit replies, one poll of one asset.")],
    asset: Annotated[str, typer.Option(help="The asset in them.")] = "BTC",
    config: ConfigFolder = CONFIG,
) -> None:
    """Every metric of one recorded poll, as JSON; what is not known is named with its reason."""
    asset = read_asset(asset)
    playbook = read_playbook(config)
    _print_json(inquiry.measure(composition.read_recording(recording, asset), playbook))


@cli.command()
def judge(
    file: Annotated[str, typer.Argument(help="A market as JSON; - for standard input.")],
    lines: Annotated[bool, typer.Option("--lines", help="One market a line, one answer a line.")] = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """The verdict on stated facts, as JSON. A bad line answers an error in its place, and the exit code is
    2.

    A market is {"asset", "at", "facts": {name: number}, "times": {name: time}, "past": {name: [5 quantiles]},
    "scope": {name: what it is a figure of}}: a share is made only of figures of one scope, and what is stated
    together is of one unless `scope` says otherwise ({"open_interest_usd": "Binance"})."""
    playbook = read_playbook(config)
    if not lines:
        market = inquiry.read_market(read_text(file), datetime.now(UTC))
        _print_json(inquiry.judge(inquiry.state_facts(market, playbook), playbook))
        return
    bad: list[str] = []
    for number, line in read_lines(file):
        try:
            market = inquiry.read_market(decode_given(line), datetime.now(UTC))
            answer = inquiry.judge(inquiry.state_facts(market, playbook), playbook)
        except InputError as error:
            answer = {"error": str(error)}
            bad.append(str(number))
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    if bad:
        more = f" and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        _stop(f"{len(bad)} line(s) could not be taken: line {', '.join(bad[:MOST_NAMED])}{more}", 2)


@cli.command()
def factcheck(
    file: Annotated[str, typer.Argument(help="A text; - for standard input.")],
    facts: Annotated[Path, typer.Option(help="The market it speaks of, as JSON for `judge`.")],
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """The numerals of a text that the facts do not bear out. Exit code 1 if there are any."""
    playbook = read_playbook(config)
    market = inquiry.read_market(read_text(str(facts)), datetime.now(UTC))
    refused = inquiry.check_text(read_text(file), inquiry.state_facts(market, playbook), playbook)
    if as_json:
        _print_json({"refused": refused})
    else:
        print("\n".join(refused) if refused else "every number is borne out", flush=True)
    raise typer.Exit(1 if refused else 0)


@cli.command()
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
    with _progress("asking Discord and the venues"):
        well, says = tell_env_file(os.environ)
        findings = [Diagnosis(what="environment", well=well, says=says)]
        findings += asyncio.run(composition.doctor(*configuration(config)))
    if as_json:
        _print_json([{"what": one.what, "well": one.well, "says": one.says} for one in findings])
    else:
        for one in findings:
            print(f"{'ok  ' if one.well else 'ILL '} {one.what}: {one.says}")
    raise typer.Exit(0 if all(one.well for one in findings) else 1)


@cli.command()
def backfill(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back.")] = 365,
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Fill the archive from the venues' own history, and with estimates from their past trades; broken off, it goes on
    where it was. Exit code 1 if something is missing.

    A year of two assets is about 5,000 requests, most of them of Deribit's history host, within every documented limit.
    A bot that runs meanwhile takes it up at its next start."""
    settings, playbook = _settings(config), read_playbook(config)
    with _bar() as step:
        filled = asyncio.run(composition.backfill(settings, playbook, days, step))
    if as_json:
        _print_json(
            {"ranked": filled.ranked, "gaps": [{"who": gap.who, "reason": gap.reason} for gap in filled.gaps]}
        )
    else:
        for asset, names in filled.ranked.items():
            print(f"{asset}: {len(names)} metrics can be ranked in their past: {', '.join(names)}")
        for gap in filled.gaps:
            print(f"missing: {in_english(gap.reason)}")
    raise typer.Exit(1 if filled.gaps else 0)


@cli.command()
def backup(to: Path, config: ConfigFolder = CONFIG) -> None:
    """Copy the archive to a file, checked, while the bot runs."""
    with _progress(f"copying to {to}"):
        asyncio.run(composition.backup(_settings(config), to))
    print(f"the archive is in {to}")


@cli.command()
def restore(source: Path, config: ConfigFolder = CONFIG) -> None:
    """Put a backup in the archive's place. The bot must not run; the old archive is kept beside it."""
    with _progress(f"checking {source}"):
        old = asyncio.run(composition.restore(_settings(config), source))
    print(f"restored from {source}" + (f"; the old one is {old}" if old else ""))


@cli.command("migrate-to")
def migrate_to(
    url: Annotated[
        str | None,
        typer.Argument(help="An address without a password; one with it belongs into NEW_DATABASE_URL."),
    ] = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """Copy the archive to another database, such as from SQLite to PostgreSQL. The bot must not run."""
    target = read_target(url, os.environ)
    with _progress("copying"):
        moved = asyncio.run(composition.migrate_to(_settings(config), target))
    for table, rows in moved.items():
        print(f"{rows:>9}  {table}")
    print("now set DATABASE_URL to the new address")


@cli.command()
def health(config: ConfigFolder = CONFIG) -> None:
    """Ask the running bot on this machine whether it is well. Exit code 0 or 1; 3 where no bot runs."""
    well, says = asyncio.run(composition.health(_settings(config)))
    print(says)
    raise typer.Exit(0 if well else 1)


@cli.command()
def mcp(config: ConfigFolder = CONFIG) -> None:
    """Serve what the running bot knows to an assistant: the Model Context Protocol on standard input and output."""
    composition.serve_mcp(_settings(config))


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
        yield lambda what, number, total: progress.update(
            task, description=what, completed=number, total=total
        )
