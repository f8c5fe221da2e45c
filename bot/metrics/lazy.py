"""Facts that are worked out when somebody asks: rules and phrases ask for a tenth of all views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, overload

from msgspec import Struct, field

from bot.domain.facts import Fact

T = TypeVar("T", Fact, str)
D = TypeVar("D")


class FactShelf(Struct, frozen=True, kw_only=True):
    """What is known, stale and unknown of one metric, or of one kind of its views."""

    known: dict[str, Fact] = field(default_factory=dict)
    stale: dict[str, Fact] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


class LazyFacts:
    """A shelf for each metric and one for each kind of its views, filled when it is first asked for. The same
    question always has the same answer.

    `kind` tells a view's kind from its suffix; a metric itself is of the kind "".
    """

    def __init__(
        self,
        metrics: tuple[str, ...],
        kinds: tuple[str, ...],
        kind: Callable[[str], str],
        fill: Callable[[str, str], FactShelf],
    ) -> None:
        self._metrics = frozenset(metrics)
        self._order = tuple((metric, kind) for metric in metrics for kind in ("", *kinds))
        self._kind = kind
        self._fill = fill
        self._filled: dict[tuple[str, str], FactShelf] = {}

    def shelf(self, name: str) -> FactShelf | None:
        """The shelf that a fact stands on if it is known; None for a metric that is not in the catalog."""
        stem, _, suffix = name.partition(".")
        if stem not in self._metrics:
            return None
        return self.fill_shelf(stem, self._kind(suffix) if suffix else "")

    def all(self) -> Iterator[FactShelf]:
        """Every shelf: metric by metric, each with its views after it."""
        return (self.fill_shelf(*place) for place in self._order)

    def fill_shelf(self, stem: str, kind: str) -> FactShelf:
        """The shelf of a metric and a kind of its views."""
        place = stem, kind
        if place not in self._filled:
            self._filled[place] = self._fill(stem, kind)
        return self._filled[place]


class OneKind(Mapping[str, T]):
    """All facts of one kind, by name: a mapping like any other. Walking through all of it fills every
    shelf."""

    def __init__(self, shelves: LazyFacts, pick: Callable[[FactShelf], Mapping[str, T]]) -> None:
        self._shelves = shelves
        self._pick: Callable[[FactShelf], Mapping[str, T]] = pick
        self._asked: dict[str, T | None] = {}

    @overload
    def get(self, name: str, /) -> T | None: ...
    @overload
    def get(self, name: str, /, default: D) -> T | D: ...
    def get(self, name: str, /, default: object = None) -> object:
        """The fact of a name, or the default. Looked up once: commands and phrases ask for a few again and again."""
        asked = self._asked
        if name not in asked:
            shelf = self._shelves.shelf(name)
            asked[name] = None if shelf is None else self._pick(shelf).get(name)
        found = asked[name]
        return default if found is None else found

    def __getitem__(self, name: str) -> T:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        for shelf in self._shelves.all():
            yield from self._pick(shelf)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))
