"""Ways in which a reply goes wrong, for every source's test: what comes of it is a reading or a gap, never a
made-up number."""

import json
import math
import random
from collections.abc import Awaitable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bot.domain.readings import Heard, Reading
from bot.errors import SourceError
from bot.sources._wire import LARGEST
from tests.said import english

BROKEN = (
    b"",
    b"[]",
    b"{}",
    b"null",
    b"0",
    b'""',
    b"<html><body>Just a moment...</body></html>",
    b"\xff\xfe",
    b"[" * 5000,
)
VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    "0",
    "NaN",
    "-1",
    "1e999",
    0,
    -1,
    True,
    1e308,
    10**30,
    math.nan,
    math.inf,
    -math.inf,
    [],
    {},
)


def replies(*bodies: bytes) -> st.SearchStrategy[tuple[bytes, ...]]:
    """The same replies, one or several of them broken in one of the ways."""
    one = st.tuples(st.integers(0, len(bodies) - 1), st.integers(0, 2**32 - 1))
    return st.lists(one, min_size=1, max_size=3).map(lambda hurts: _hurt(bodies, hurts))


def _hurt(bodies: tuple[bytes, ...], hurts: list[tuple[int, int]]) -> tuple[bytes, ...]:
    hurt = list(bodies)
    for which, seed in hurts:
        hurt[which] = mutate(hurt[which], random.Random(seed))
    return tuple(hurt)


def mutate(body: bytes, chance: random.Random) -> bytes:
    """The body with one thing wrong."""
    way = chance.random()
    if way < 0.06:
        return chance.choice(BROKEN)
    if way < 0.12:
        return body[: chance.randrange(len(body) + 1)]
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return body.replace(b",", b"", 1)
    holders = [one for one in _holders(reply) if one]
    if not holders:
        return body
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    way = chance.random()
    if way < 0.15:
        del holder[key]
    elif way < 0.3 and isinstance(holder, list):
        holder.append(holder[key])
    elif way < 0.4 and isinstance(holder, list):
        holder.reverse()
    else:
        holder[key] = chance.choice(VALUES)
    return json.dumps(reply).encode()


def _holders(reply: object) -> Iterator[Any]:
    if isinstance(reply, dict):
        yield reply
        for value in reply.values():
            yield from _holders(value)
    elif isinstance(reply, list):
        yield reply
        for value in reply:
            yield from _holders(value)


def numbers(*bodies: bytes) -> set[float]:
    """Every number in the replies, as a number or as text."""
    found: set[float] = set()
    for body in bodies:
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            found |= {
                float(cell)
                for line in body.decode("utf-8", "replace").split()
                for cell in line.split(",")
                if _plain(cell)
            }
            continue
        for holder in _holders([reply]):
            for value in holder.values() if isinstance(holder, dict) else holder:
                if not isinstance(value, (bool, dict, list)) and _plain(value):
                    found.add(float(value))
    return found


def _plain(text: Any) -> bool:
    try:
        return abs(float(text)) < LARGEST
    except (ValueError, TypeError, OverflowError):
        return False


def told(heard: Heard) -> Iterator[tuple[Reading, str, float]]:
    """Every quantity in what was heard: its reading, its field, its value. A column's nan says nothing and is
    left out."""
    for reading in heard.readings:
        for name in reading.__struct_fields__:
            value = getattr(reading, name)
            if isinstance(value, float):
                yield reading, name, value
            elif name == "value" or (isinstance(value, np.ndarray) and value.dtype == np.float64):
                for one in value:
                    if not math.isnan(one):
                        yield reading, name, float(one)


def known(value: float, *sets: set[float]) -> bool:
    """Whether the value is one of those, but for the last digits that an arithmetic step leaves."""
    return any(value in one or any(math.isclose(value, other, rel_tol=1e-9) for other in one) for one in sets)


async def heard_or_refused(poll: Awaitable[Heard], subject: str) -> Heard:
    """What was heard; nothing where the source refused, in words that start with the subject."""
    try:
        return await poll
    except SourceError as error:
        if not english(error).startswith(subject):
            raise
        return Heard(readings=())
