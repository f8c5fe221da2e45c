"""The command line's `check`: configuration and rules put to the test, and tried on a past."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from msgspec.structs import replace

from bot.cli.shared import bar, configuration, print_json
from bot.domain.playbook import Playbook
from bot.domain.times import read_time
from bot.errors import InputError
from bot.lab import filewatch
from bot.lab import impact as trial
from bot.lab.banks import bank_warnings
from bot.lab.check import CheckReport, check_coverage, check_mutants
from bot.lab.check import check as check_playbook
from bot.lab.questions import read_asset
from bot.playbook import CONFIG, EQUIVALENT, ROOT, read_texts
from bot.process import archive_questions
from bot.process.demo import read_tape
from bot.process.settings import Settings
from bot.rules import junit

commands = typer.Typer(add_completion=False)

WATCHED_DAYS = 90


@commands.command()
def check(
    *,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="In which phases the cases show each rule.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Whether the cases notice each small change of a rule.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Fail on warnings too: pools that are short, English in another language."
        ),
    ] = False,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", help="Write what was checked as JUnit XML.")
    ] = None,
    impact: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=3650,
            help="Days of the archive: what these rules would have posted, against those that judged last.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="At each save: cases that fail, golden sentences and the last 90 days (--impact: another number) that change.",
        ),
    ] = False,
    explain: Annotated[
        str | None, typer.Option(help="A rule: its conditions, and what they met at a time.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the page of all rules, such as docs/rules.md.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="A time for --explain, the end for --impact; now without it.")
    ] = None,
    tape: Annotated[
        str | None, typer.Option(help="A tape instead of the archive, for --explain and --page.")
    ] = None,
    asset: Annotated[str, typer.Option(help="The asset, for --explain and --impact.")] = "BTC",
    cases: Annotated[Path, typer.Option(help="The folder of rule cases.")] = ROOT / "tests" / "rules",
    golden: Annotated[Path, typer.Option(help="The folder of golden markets, for --watch.")] = ROOT
    / "tests"
    / "golden",
    as_json: Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")] = False,
    config: Annotated[
        Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
    ] = CONFIG,
) -> None:
    """Check settings, rules, phrases, tapes and rule cases; or try the rules. Exit code 2: a broken file; 1:
    a case that fails."""
    asset = read_asset(asset)
    settings, playbook = configuration(config)
    when = read_time(at) if at else datetime.now(UTC)
    if watch:
        folders = filewatch.Folders(config=config, cases=cases, golden=golden)
        _watch(settings, playbook, folders, asset, impact or WATCHED_DAYS, when)
    if explain is not None:
        _explain(settings, playbook, explain, asset, when, tape=tape, config=config, as_json=as_json)
    if impact is not None:
        _impact(settings, playbook, asset, when - timedelta(days=impact), when, as_json=as_json)
    if page is not None:
        _page(settings, playbook, page, tape or "february-2026", config)
    if explain is not None or impact is not None or page is not None:
        return
    report = _report(playbook, config, cases, coverage=coverage, mutate=mutate)
    report = replace(report, warnings=bank_warnings(playbook))
    if junit_file is not None:
        _write(junit_file, junit(report.suites))
    if as_json:
        told = {"checked": report.checked, "failures": report.failures, "warnings": report.warnings}
        print_json(told)
    else:
        for line in report.checked:
            print(f"ok    {line}")
        for line in report.warnings:
            print(f"warn  {line}")
        for line in report.failures:
            print(f"FAIL  {line}")
    raise typer.Exit(1 if report.failures or (strict and report.warnings) else 0)


def _report(playbook: Playbook, config: Path, cases: Path, *, coverage: bool, mutate: bool) -> CheckReport:
    with bar("checking the configuration"):
        report = check_config(playbook, config, cases)
    texts = dict(read_texts(cases)) if cases.is_dir() else {}
    equivalent = texts.pop(EQUIVALENT, "")
    if (coverage or mutate) and not texts:
        raise InputError(f"{cases}: no rule cases here")
    if coverage:
        report = report.with_more(check_coverage(playbook, texts))
    if mutate:
        with bar("changing the rules, one by one") as progress:
            report = report.with_more(check_mutants(playbook, texts, equivalent, progress))
    return report


def _explain(
    settings: Settings,
    playbook: Playbook,
    rule: str,
    asset: str,
    at: datetime,
    *,
    tape: str | None,
    config: Path,
    as_json: bool,
) -> None:
    chosen = read_tape(tape, config) if tape else None
    with bar(f"what was known of {asset}") as progress:
        past = asyncio.run(archive_questions.known_by(settings, playbook, chosen, asset, at, progress))
        found = trial.look_at_rule(past, playbook, rule, asset, at)
    if as_json:
        print_json(trial.rule_then_json(found))
    else:
        print(trial.rule_then_text(found))


def _impact(
    settings: Settings, playbook: Playbook, asset: str, since: datetime, until: datetime, *, as_json: bool
) -> None:
    with bar(f"judging {asset} twice") as progress:
        found = asyncio.run(archive_questions.impact(settings, playbook, asset, since, until, progress))
    if as_json:
        print_json(trial.impact_json(found))
    else:
        print(trial.impact_text(found))


def _watch(
    settings: Settings, playbook: Playbook, folders: filewatch.Folders, asset: str, days: int, until: datetime
) -> NoReturn:
    baseline = filewatch.read(
        folders
    )  # before the past, which takes a while: what is saved meanwhile is a change
    with bar(f"the last {days} days of {asset}") as progress:
        stretch = asyncio.run(
            archive_questions.stretch_of(
                settings, playbook, folders.config, asset=asset, days=days, until=until, progress=progress
            )
        )
    filewatch.follow(folders, stretch, lambda line: print(line, flush=True), baseline=baseline)


def _page(settings: Settings, playbook: Playbook, to: Path, tape: str, config: Path) -> None:
    with bar(f"playing {tape}") as progress:
        text = asyncio.run(
            archive_questions.rules_page(settings, playbook, read_tape(tape, config), progress)
        )
    _write(to, text)
    print(f"written to {to}")


def _write(to: Path, text: str) -> None:
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{to}: cannot be written: {error}") from error


def check_config(playbook: Playbook, config: Path, cases: Path) -> CheckReport:
    """Everything that an operator edits, checked. Raises ConfigError with what cannot be read."""
    tapes = [read_tape(path.name, config) for path in sorted((config / "tapes").iterdir()) if path.is_dir()]
    told = read_texts(cases) if cases.is_dir() else {}
    report = check_playbook(playbook, {name: text for name, text in told.items() if name != EQUIVALENT})
    moments = tuple(f"tape {tape.name}: {len(tape.moments)} moments" for tape in tapes)
    return replace(report, checked=("bot.toml", *report.checked, *moments))
