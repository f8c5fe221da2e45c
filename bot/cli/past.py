"""The command line's looking back: a post again, a past judged, a page of it, its points as a table."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shared import bar, print_json
from bot.domain.playbook import Playbook
from bot.domain.times import read_time
from bot.lab.questions import read_asset
from bot.playbook import CONFIG, ROOT, read_playbook
from bot.process import archive_questions as past
from bot.process.settings import Settings, load

commands = typer.Typer(add_completion=False)

ConfigFolder = Annotated[
    Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]


@commands.command()
def replay(post: str, as_json: Json = False, config: ConfigFolder = CONFIG) -> None:
    """Make a post again from the archive, by the rules and words of its time. Exit code 1 if it comes out
    differently."""
    again = asyncio.run(past.replay(load(config, dict(os.environ)), post))
    if as_json:
        print_json(
            {
                "post": post,
                "playbook": again.edition,
                "same": again.same,
                "text": past.card_text(again.retold),
            }
        )
    else:
        print(past.card_text(again.retold))
    if not again.same:
        print(
            f"tightrope: post {post}: this version of the program does not make it as it was", file=sys.stderr
        )
        raise typer.Exit(1)


@commands.command()
def backtest(
    *,
    since: Annotated[str, typer.Option("--from", help="A time, such as 2025-02-01.")],
    until: Annotated[str, typer.Option("--to", help="A time, such as 2026-02-01.")],
    folder: Annotated[Path | None, typer.Option(help="A folder of CSV files instead of the archive.")] = None,
    schema: Annotated[Path, typer.Option(help="How its files are read.")] = CONFIG / "history.toml",
    asset: Annotated[str, typer.Option(help="The asset.")] = "BTC",
    every: Annotated[
        int, typer.Option(min=1, max=24, help="Hours from step to step; 24 for a daily past.")
    ] = 1,
    answerable: Annotated[
        bool, typer.Option("--answerable", help="Only the rules that this past can answer.")
    ] = False,
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Judge a past by today's rules: time in each stance, changes, would-be posts."""
    asset = read_asset(asset)
    settings, playbook = _files(config)
    first, last = read_time(since), read_time(until)
    if folder is not None:
        told = past.folder_past(playbook, folder, schema, asset)
    else:
        told = tuple(asyncio.run(past.archive_past(settings, asset, first, last)))
    with bar(f"judging {asset}") as progress:
        report = past.backtest(
            playbook,
            told,
            asset,
            first,
            last,
            every_hours=every,
            answerable=answerable,
            by_files=folder is not None,
            progress=progress,
        )
    if as_json:
        print_json(report)
    else:
        print(past.report_text(report))


@commands.command()
def study(
    folder: Path,
    hourly: Annotated[Path | None, typer.Option(help="A folder with the price by the hour.")] = None,
    to: Annotated[Path, typer.Option(help="The page to write.")] = ROOT / "docs" / "record.md",
    schema: Annotated[Path, typer.Option(help="How the folder's files are read.")] = CONFIG / "history.toml",
    config: ConfigFolder = CONFIG,
) -> None:
    """Write the page on what the rules would have said over a recorded past, and how that did."""
    with bar("judging the past") as progress:
        past.write_study(
            read_playbook(config),
            config,
            folder,
            hourly=hourly,
            schema=schema,
            to=to,
            made_on=datetime.now(UTC).date(),
            progress=progress,
        )
    print(f"written to {to}")


@commands.command()
def agreement(
    scorer: Annotated[
        Path, typer.Argument(help="The program that holds a judge against published verdicts.")
    ],
    plain: Annotated[Path, typer.Argument(help="The plain judge to stand beside.")],
    to: Annotated[Path, typer.Option(help="The page to write.")] = ROOT / "docs" / "agreement.md",
    config: ConfigFolder = CONFIG,
) -> None:
    """Write the page on how the leans of single families stand beside published commentary."""
    today = datetime.now(UTC).date()
    past.write_agreement(read_playbook(config), config, scorer=scorer, plain=plain, to=to, made_on=today)
    print(f"written to {to}")


@commands.command("first-history")
def first_history(
    folder: Path,
    *,
    since: Annotated[str, typer.Option("--from", help="The first day, such as 2025-06-01.")],
    until: Annotated[str, typer.Option("--to", help="The last day; a year after the first at most.")],
    source: Annotated[str, typer.Option(help="Where the recordings are from, as the rows say it.")],
    asset: Annotated[str, typer.Option(help="The asset.")] = "BTC",
    schema: Annotated[Path, typer.Option(help="How the folder's files are read.")] = CONFIG / "history.toml",
    config: ConfigFolder = CONFIG,
) -> None:
    """Work out [[past]] rows from recordings: what each fact was over a dated stretch, for an installation without days
    of its own."""
    asset = read_asset(asset)
    first, last = read_time(since).date(), read_time(until).date()
    rows = past.first_history(read_playbook(config), folder, schema, asset, span=(first, last), source=source)
    print(rows)


@commands.command()
def export(
    to: Annotated[
        Path | None, typer.Argument(help="A .csv or .parquet file; CSV on standard output without it.")
    ] = None,
    asset: Annotated[list[str] | None, typer.Option(help="An asset; all without it.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="A metric; all without it.")] = None,
    since: Annotated[str, typer.Option("--from", help="A time, such as 2026-02-06.")] = "1971-01-01",
    until: Annotated[str | None, typer.Option("--to", help="A time; now without it.")] = None,
    config: ConfigFolder = CONFIG,
) -> None:
    """Write the archive's points as a table."""
    settings, playbook = _files(config)
    assets = [read_asset(one) for one in asset or settings.assets]
    end = read_time(until) if until else datetime.now(UTC)
    written = past.export(
        settings, playbook, assets=assets, metrics=metric or [], since=read_time(since), until=end, to=to
    )
    with bar("reading the archive"):
        count = asyncio.run(written)
    if to is not None:
        print(f"{count} points in {to}")


def _files(config: Path) -> tuple[Settings, Playbook]:
    return load(config, dict(os.environ)), read_playbook(config)
