"""The shapes of replies, and how two of them differ: what a venue changes shows here before a number is missed."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from bot.domain.shapes import EndpointShapes, Shape

TELLING = frozenset(
    {
        "kind",
        "category",
        "instType",
        "productType",
        "contractType",
        "period",
        "interval",
        "resolution",
        "range",
    }
)
"""Parameters whose value makes it another question; those of time and of contract do not."""

_CONTRACT = re.compile(r"[A-Z0-9]{3,}(?:[_-][A-Z0-9]+)*", re.ASCII)
_TYPES = {str: "text", bool: "yes/no", int: "number", float: "number", type(None): "null"}
NOTHING = "null"


class ShapeChange(Struct, frozen=True, kw_only=True):
    """How an endpoint's reply differs from the one before: fields that are gone, that are new, and that are
    of another type."""

    endpoint: str
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether something is missing that was there: a new field alone disturbs nobody."""
        return bool(self.gone or self.retyped)


def endpoint_name(method: str, url: str, body: str = "") -> str:
    """An endpoint by its method, host, path and the parameters that make it another question. A contract in
    the path, times and symbols do not."""
    parts = urlsplit(url)
    path = "/".join("*" if _CONTRACT.fullmatch(part) else part for part in parts.path.split("/"))
    asked = sorted(
        f"{name}={value}" if name in TELLING else name
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    query = f"?{'&'.join(asked)}" if asked else ""
    return f"{method} {parts.hostname}{path}{query}{f' {body}' if body else ''}"


def shape_of(body: bytes) -> Shape:
    """The fields of a reply; all rows of a list together. Of what is no JSON the first line."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        line = body.decode("utf-8", "replace").splitlines()
        return {f"first line: {line[0][:200] if line else ''}": "text"}
    found: dict[str, set[str]] = {}
    for place, kind in _fields(told, ""):
        found.setdefault(place, set()).add(kind)
    return {place: "|".join(sorted(kinds)) for place, kinds in sorted(found.items())}


def shapes_of_replies(replies: Iterable[tuple[str, bytes]]) -> Mapping[str, Shape]:
    """The shape of each endpoint that was asked, by its name, from its replies: all of them together."""
    found: dict[str, dict[str, set[str]]] = {}
    for endpoint, body in replies:
        mine = found.setdefault(endpoint, {})
        for place, kinds in shape_of(body).items():
            mine.setdefault(place, set()).update(kinds.split("|"))
    return {
        endpoint: {place: "|".join(sorted(kinds)) for place, kinds in sorted(shape.items())}
        for endpoint, shape in sorted(found.items())
    }


def compare_shapes(before: EndpointShapes, now: Mapping[str, Shape]) -> tuple[ShapeChange, ...]:
    """How the endpoints that were asked both times differ, by name; those alike are left out. A field that is
    empty now or was then is of no type and differs from none."""
    changes = []
    for endpoint in sorted(before.endpoints.keys() & now.keys()):
        old, new = before.endpoints[endpoint], now[endpoint]
        change = ShapeChange(
            endpoint=endpoint,
            gone=tuple(sorted(old.keys() - new.keys())),
            new=tuple(sorted(new.keys() - old.keys())),
            retyped=tuple(
                f"{place}: {old[place]} → {new[place]}"
                for place in sorted(old.keys() & new.keys())
                if _types(old[place]) and _types(new[place]) and not _types(old[place]) & _types(new[place])
            ),
        )
        if change.gone or change.new or change.retyped:
            changes.append(change)
    return tuple(changes)


def _types(kinds: str) -> set[str]:
    return set(kinds.split("|")) - {NOTHING}


def _fields(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Each field's place and type, those within included."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _fields(part, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for part in value:
            yield from _fields(part, f"{place}[]")
    else:
        yield place or "the whole", _TYPES[type(value)]
