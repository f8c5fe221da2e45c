"""The command line's questions to the market, to a recording and to a text, and the demo."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console as Terminal

from bot.cli.shared import (
    ConfigFolder,
    Host,
    Json,
    configuration,
    print_json,
    read_settings,
    served_at,
    spinner,
    stop,
)
from bot.cli.typed import read_lines, read_text
from bot.domain.times import read_time
from bot.errors import InputError
from bot.given import decode_given
from bot.lab import questions as inquiry
from bot.lab.questions import read_asset
from bot.playbook import CONFIG, read_playbook
from bot.process import archive_questions as past
from bot.process import demo as demonstration
from bot.process import errands

commands = typer.Typer(add_completion=False)
Length = Literal["short", "embed", "article"]
MOST_NAMED = 20


@commands.command()
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
        served_at(settings, host),
        playbook,
        demonstration.read_tape(tape, config),
        Terminal(),
        once=once,
        speed=speed,
        port=port,
    )
    asyncio.run(playing)


@commands.command()
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
        then = asyncio.run(past.brief_then(read_settings(config), playbook, asset, read_time(at), length))
        if as_json:
            print_json(past.as_json(then))
        else:
            print(past.story_text(then.story))
        return
    if recording:
        facts = errands.recorded_facts(recording, asset, playbook)
    else:
        with spinner(f"asking the venues about {asset}"):
            facts = asyncio.run(errands.live_facts(read_settings(config), playbook, asset))
    answer = inquiry.judge(facts, playbook)
    if as_json:
        print_json(answer)
        return
    print(answer["story"][length] or answer["story"]["embed"])


@commands.command()
def measure(
    recording: Annotated[Path, typer.Option(help="A folder of Deribit replies, one poll of one asset.")],
    asset: Annotated[str, typer.Option(help="The asset in them.")] = "BTC",
    config: ConfigFolder = CONFIG,
) -> None:
    """Every metric of one recorded poll, as JSON; what is not known is named with its reason."""
    asset = read_asset(asset)
    playbook = read_playbook(config)
    print_json(inquiry.measure(errands.read_recording(recording, asset), playbook))


@commands.command()
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
        print_json(inquiry.judge(inquiry.state_facts(market, playbook), playbook))
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
        stop(f"{len(bad)} line(s) could not be taken: line {', '.join(bad[:MOST_NAMED])}{more}", 2)


@commands.command()
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
        print_json({"refused": refused})
    else:
        print("\n".join(refused) if refused else "every number is borne out", flush=True)
    raise typer.Exit(1 if refused else 0)
