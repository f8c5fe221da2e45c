"""What several commands take and show: options, the files they go by, JSON and progress."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console as Terminal

from bot.domain.playbook import Playbook
from bot.errors import ConfigError, Problem
from bot.playbook import read_playbook
from bot.process.settings import Settings, load

ConfigFolder = Annotated[
    Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
]
Host = Annotated[
    str | None,
    typer.Option(help="The page's address; one that others reach needs TIGHTROPE_PAGE__PASSWORD too."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]


def configuration(config: Path) -> tuple[Settings, Playbook]:
    """Settings and playbook. Raises ConfigError with the problems of both."""
    try:
        settings = load(config, dict(os.environ))
    except ConfigError as error:
        raise ConfigError([*error.problems, *_problems(config)]) from error
    return settings, read_playbook(config)


def _problems(config: Path) -> tuple[Problem, ...]:
    try:
        read_playbook(config)
    except ConfigError as error:
        return error.problems
    return ()


def read_settings(config: Path) -> Settings:
    """The settings alone. Raises ConfigError."""
    return load(config, dict(os.environ))


def served_at(settings: Settings, host: str | None) -> Settings:
    """The settings, with the page at another address where one was asked for."""
    page = settings.page.model_copy(update={"host": host}) if host else settings.page
    return settings.model_copy(update={"page": page})


def print_json(value: Any) -> None:
    """A value as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def stop(message: str, code: int) -> NoReturn:
    """Say why, and end with an exit code."""
    print(f"tightrope: {message}", file=sys.stderr)
    sys.exit(code)


@contextmanager
def spinner(what: str) -> Iterator[Callable[[], None]]:
    """A spinner on standard error where that is a terminal; nothing elsewhere."""
    terminal = Terminal(stderr=True)
    if not terminal.is_terminal:
        yield lambda: None
        return
    with terminal.status(what) as status:
        yield status.stop


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error where that is a terminal; nothing elsewhere."""
    from rich.progress import Progress  # a start needs none

    terminal = Terminal(stderr=True)
    with Progress(console=terminal, disable=not terminal.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def counting_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar of work that names its parts, on standard error where that is a terminal; nothing elsewhere."""
    from rich.progress import Progress  # a start needs none

    terminal = Terminal(stderr=True)
    with Progress(console=terminal, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("")
        yield lambda what, number, total: progress.update(
            task, description=what, completed=number, total=total
        )
