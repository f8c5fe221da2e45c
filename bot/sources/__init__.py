"""The world in: one file is one venue or vendor, found here by its file's name.

A source's file sets `SOURCE` to its class; a file whose name starts with an underscore serves the others.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from bot.domain.readings import Heard, Quantity, SeriesReading
from bot.errors import ConfigError, Problem
from bot.sources._http import Http
from bot.sources._ws import Stream


class SourceClass(Protocol):
    """What every source's class offers: `ports.Source`, made from an `Http` and, for a vendor, a key."""

    NEEDS_KEY: ClassVar[bool]

    def __init__(self, http: Http, *, key: str | None = None) -> None: ...

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring."""
        ...

    async def poll(self, asset: str, at: datetime) -> Heard:
        """As in ports.Source."""
        ...

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """As in ports.Source."""
        ...


@runtime_checkable
class Listens(Protocol):
    """A source that can also listen to what its venue pushes: liquidations. `app` starts and stops it; not on
    a tape."""

    async def start(self, assets: Sequence[str]) -> None:
        """Listen, for these assets, until `stop`. From then on a poll tells what was heard."""
        ...

    async def stop(self) -> None:
        """Close every socket."""
        ...

    def streams(self, assets: Sequence[str]) -> Sequence[Stream]:
        """The sockets that `start` opens for these assets."""
        ...


def names() -> tuple[str, ...]:
    """The names of all sources, sorted, without importing one."""
    return tuple(
        sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    )


def load(name: str) -> type[SourceClass]:
    """One source's class by its name. Raises ConfigError where there is no such source."""
    if name not in (known := names()):
        raise ConfigError(
            [Problem(file="bot.toml", id=f"sources.{name}", reason=f"known are {', '.join(known)}")]
        )
    return _class_of(name)


def available() -> Mapping[str, type[SourceClass]]:
    """Every source's class by its name, sorted."""
    return {name: _class_of(name) for name in names()}


def _class_of(name: str) -> type[SourceClass]:
    found: type[SourceClass] = importlib.import_module(f"{__name__}.{name}").SOURCE
    return found
