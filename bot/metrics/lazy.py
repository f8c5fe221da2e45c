"""Facts that are worked out when somebody asks: rules and phrases ask for a tenth of all views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.domain.facts import Fact

T = TypeVar("T", Fact, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What is known, stale and unknown of one metric and its views."""

    known: dict[str, Fact] = field(default_factory=dict)
    stale: dict[str, Fact] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


class Shelves:
    """One shelf a metric, each filled when it is first asked for. The same question always has the same answer."""

    def __init__(self, metrics: tuple[str, ...], fill: Callable[[str], Shelf]) -> None:
        self.metrics = metrics
        self._fill = fill
        self._filled: dict[str, Shelf] = {}

    def shelf(self, name: str) -> Shelf | None:
        """The shelf of a fact's metric; None for a metric that is not in the catalog."""
        stem = name.partition(".")[0]
        if stem not in self._filled:
            if stem not in self.metrics:
                return None
            self._filled[stem] = self._fill(stem)
        return self._filled[stem]


class OneKind(Mapping[str, T]):
    """All facts of one kind, by name: a mapping like any other. Walking through all of it fills every shelf."""

    def __init__(self, shelves: Shelves, pick: Callable[[Shelf], Mapping[str, T]]) -> None:
        self._shelves = shelves
        self._pick: Callable[[Shelf], Mapping[str, T]] = pick

    def __getitem__(self, name: str) -> T:
        shelf = self._shelves.shelf(name)
        if shelf is None:
            raise KeyError(name)
        return self._pick(shelf)[name]

    def __contains__(self, name: object) -> bool:
        shelf = self._shelves.shelf(name) if isinstance(name, str) else None
        return shelf is not None and name in self._pick(shelf)

    def __iter__(self) -> Iterator[str]:
        for metric in self._shelves.metrics:
            shelf = self._shelves.shelf(metric)
            if shelf is not None:
                yield from self._pick(shelf)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))
