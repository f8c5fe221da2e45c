"""Replies made wrong from a seed, in the ways in which venues' replies were seen to go wrong.

A kind knows nothing of the endpoint: it takes the reply as a tree of lists, fields and numbers."""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Holder = Any
Place = tuple[Holder, Any]
"""A list or an object, and where in it something stands."""
EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
MINUTE_MS, DAY_MS = 60_000, 86_400_000
FACTORS = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
NAMES = ("symbol", "instId", "instrument_name", "name", "contract", "exchange", "exchange_name", "pair")
HTML = b"<html><body>Just a moment...</body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A reply and what could come in its place: the same question's reply an hour, a day or a week `before`, the
    `other_assets` one, those of `other_questions` to the same host, and those of `elsewhere`."""

    body: bytes
    before: tuple[bytes, ...] = ()
    other_assets: tuple[bytes, ...] = ()
    other_questions: tuple[bytes, ...] = ()
    elsewhere: tuple[bytes, ...] = field(default=(), repr=False)


def mangle(told: Told, kind: str, chance: random.Random) -> bytes | None:
    """The reply gone wrong in the way of a kind; None where it has nothing that can go wrong so."""
    mangled = KINDS[kind](told, chance)
    return None if mangled == told.body else mangled


def _in_tree(change: Callable[[Any, random.Random], object]) -> Callable[[Told, random.Random], bytes | None]:
    """A kind that changes the reply's tree in place; it answers False where it finds nothing to change."""

    def mangled(told: Told, chance: random.Random) -> bytes | None:
        tree, encode = _read(told.body)
        return None if tree is None or change(tree, chance) is False else encode(tree)

    return mangled


def _read(body: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    """A body as a tree, and how it is written: JSON, or lines with commas."""
    try:
        return json.loads(body), lambda tree: json.dumps(tree).encode()
    except ValueError:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8", "replace"))))
        return (rows, _lines) if rows and len(rows[0]) > 1 else (None, bytes)


def _lines(rows: Any) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def _holders(tree: Any) -> Iterator[Holder]:
    if isinstance(tree, dict | list):
        yield tree
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _holders(value)


def _items(holder: Holder) -> list[tuple[Any, Any]]:
    return list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _is_time(key: Any, value: float) -> bool:
    named = isinstance(key, str) and re.search(r"(?i)time|^ts$|_at$|timestamp|^t$", key)
    return bool(named) or 1.5e9 < value < 2.2e9 or 1.5e12 < value < 2.2e12 or 1.5e15 < value < 2.2e15


def _numbers(tree: Any, *, times: bool = False) -> list[Place]:
    """Where figures stand (not 0), or times."""
    return [
        (holder, key)
        for holder in _holders(tree)
        for key, value in _items(holder)
        if (told := _number(value)) and _is_time(key, told) == times
    ]


def _row_lists(tree: Any, least: int = 1) -> list[list[Any]]:
    return [
        holder
        for holder in _holders(tree)
        if isinstance(holder, list) and len(holder) >= least and isinstance(holder[-1], dict | list)
    ]


def _write(holder: Holder, key: Any, value: float) -> None:
    """A number in the way in which the venue writes it there."""
    was = holder[key]
    if isinstance(was, str):
        holder[key] = f"{value:.12g}" if abs(value) < 1e11 else f"{value:.0f}"
    else:
        holder[key] = round(value) if isinstance(was, int) and value == round(value) else value


def _alike(tree: Any, place: Place, *, everywhere: bool) -> list[Place]:
    """The place, or all places of the same field in rows of the same list."""
    holder, key = place
    if not everywhere:
        return [place]
    rows = next((rows for rows in _row_lists(tree) if any(row is holder for row in rows)), [holder])
    found = []
    for row in rows:
        there = key in row if isinstance(row, dict) else isinstance(key, int) and key < len(row)
        if there and _number(row[key]):
            found.append((row, key))
    return found


def _scaled(tree: Any, chance: random.Random, factor: float, *, everywhere: bool) -> object:
    places = _numbers(tree)
    if not places:
        return False
    for holder, key in _alike(tree, chance.choice(places), everywhere=everywhere):
        _write(holder, key, (_number(holder[key]) or 0.0) * factor)
    return True


def _shift_one(tree: Any, chance: random.Random) -> object:
    return _scaled(tree, chance, chance.choice(FACTORS), everywhere=False)


def _shift_all(tree: Any, chance: random.Random) -> object:
    return _scaled(tree, chance, chance.choice(FACTORS), everywhere=True)


def _double(tree: Any, chance: random.Random) -> object:
    return _scaled(tree, chance, chance.choice((2.0, 0.5)), everywhere=chance.random() < 0.5)


def _negate(tree: Any, chance: random.Random) -> object:
    return _scaled(tree, chance, -1.0, everywhere=chance.random() < 0.5)


def _zero(tree: Any, chance: random.Random) -> object:
    return _scaled(tree, chance, 0.0, everywhere=chance.random() < 0.5)


def _swap_fields(tree: Any, chance: random.Random) -> object:
    """Two figures of a row change places, in one row or in all."""
    rows: dict[int, tuple[Holder, list[Any]]] = {}
    for holder, key in _numbers(tree):
        rows.setdefault(id(holder), (holder, []))[1].append(key)
    able = [(holder, keys) for holder, keys in rows.values() if len(keys) > 1]
    if not able:
        return False
    holder, keys = chance.choice(able)
    one, other = chance.sample(keys, 2)
    for row, key in _alike(tree, (holder, one), everywhere=chance.random() < 0.5):
        there = other in row if isinstance(row, dict) else other < len(row)
        if there:
            row[key], row[other] = row[other], row[key]
    return True


def _swap_rows(tree: Any, chance: random.Random) -> object:
    """Two rows of a list change names, or places where they have none."""
    able = _row_lists(tree, 2)
    if not able:
        return False
    rows = chance.choice(able)
    one, other = chance.sample(range(len(rows)), 2)
    name = next((key for key in NAMES if isinstance(rows[one], dict) and key in rows[one]), None)
    if name is not None and name in rows[other]:
        rows[one][name], rows[other][name] = rows[other][name], rows[one][name]
    else:
        rows[one], rows[other] = rows[other], rows[one]
    return True


def _move_times(tree: Any, chance: random.Random) -> object:
    """Times an hour to three days back, or ahead; of one field or of all."""
    places = _numbers(tree, times=True)
    if not places:
        return False
    by_ms = chance.choice((60, 1440, 4320, -60)) * MINUTE_MS
    for holder, key in places if chance.random() < 0.6 else [chance.choice(places)]:
        was = _number(holder[key]) or 0.0
        unit = 1000.0 if was < 1e11 else 1.0 if was < 1e14 else 0.001
        _write(holder, key, was - by_ms / unit)
    return True


def _repeat(tree: Any, chance: random.Random) -> object:
    able = _row_lists(tree)
    if not able:
        return False
    rows = chance.choice(able)
    if chance.random() < 0.3:
        rows.extend(json.loads(json.dumps(rows)))
    else:
        rows.insert(chance.randrange(len(rows) + 1), json.loads(json.dumps(chance.choice(rows))))
    return True


def _leave_out(tree: Any, chance: random.Random) -> object:
    """A row, half of the rows or all of them."""
    able = _row_lists(tree)
    if not able:
        return False
    rows = chance.choice(able)
    way = chance.random()
    if way < 0.6:
        del rows[chance.randrange(len(rows))]
    elif way < 0.8:
        del rows[len(rows) // 2 :]
    else:
        rows.clear()
    return True


def _expire(tree: Any, chance: random.Random) -> object:
    """A row more, of a contract that expired: its name's day and its times are of a year ago."""
    able = [rows for rows in _row_lists(tree) if all(isinstance(row, dict) for row in rows)]
    if not able:
        return False
    rows = chance.choice(able)
    dated = [row for row in rows if any(_dated(row.get(key)) for key in NAMES)]
    if not dated:
        return False
    row = json.loads(json.dumps(chance.choice(dated)))
    for key in NAMES:
        if isinstance(row.get(key), str):
            row[key] = _a_year_earlier(row[key])
    rows.append(row)
    return True


_DAY = re.compile(r"(?<=\d(?:[A-Z]{3}))\d{2}(?=-|$)|(?<=[-_])\d{2}(?=\d{4}(?:-|$))")


def _dated(name: Any) -> bool:
    return isinstance(name, str) and bool(_DAY.search(name))


def _a_year_earlier(name: str) -> str:
    return _DAY.sub(lambda found: f"{int(found[0]) - 1:02d}", name, count=1)


def _unlike_digits(tree: Any, chance: random.Random) -> object:
    """A number's digits in another script, or with marks between."""
    places = _numbers(tree)
    if not places:
        return False
    holder, key = chance.choice(places)
    text = str(holder[key])
    ways = (
        text.translate(EASTERN),
        text.translate(WIDE),
        text.replace(".", ","),
        f"{text[:1]}_{text[1:]}",
        f"{text[:1]},{text[1:]}",
        f" {text}",
        f"{text}e3",
    )
    holder[key] = chance.choice(ways)
    return True


def _empty(tree: Any, chance: random.Random) -> object:
    places = _numbers(tree)
    if not places:
        return False
    empties: tuple[Any, ...] = (None, "", "NaN", "-", [], True)
    value = chance.choice(empties)
    for holder, key in _alike(tree, chance.choice(places), everywhere=chance.random() < 0.3):
        holder[key] = value
    return True


def _drop_field(tree: Any, chance: random.Random) -> object:
    places = [place for place in _numbers(tree) if isinstance(place[0], dict)]
    if not places:
        return False
    rename = chance.random() < 0.5
    for holder, key in _alike(tree, chance.choice(places), everywhere=chance.random() < 0.5):
        value = holder.pop(key)
        if rename:
            holder[f"{key}New"] = value
    return True


def _cut(told: Told, chance: random.Random) -> bytes:
    way = chance.random()
    if way < 0.6:
        return told.body[: chance.randrange(len(told.body))]
    return chance.choice((b"", b"[]", b"{}", b"null", HTML))


def _one_of(which: Callable[[Told], tuple[bytes, ...]]) -> Callable[[Told, random.Random], bytes | None]:
    def mangled(told: Told, chance: random.Random) -> bytes | None:
        able = which(told)
        return chance.choice(able) if able else None

    return mangled


KINDS: Mapping[str, Callable[[Told, random.Random], bytes | None]] = {
    "two fields swapped": _in_tree(_swap_fields),
    "two rows swapped": _in_tree(_swap_rows),
    "decimals shifted, one figure": _in_tree(_shift_one),
    "decimals shifted, a whole field": _in_tree(_shift_all),
    "doubled or halved": _in_tree(_double),
    "negative": _in_tree(_negate),
    "zero": _in_tree(_zero),
    "times moved": _in_tree(_move_times),
    "old body, new header": _one_of(lambda told: told.before),
    "other asset's reply": _one_of(lambda told: told.other_assets),
    "other question's reply": _one_of(lambda told: told.other_questions),
    "other venue's reply": _one_of(lambda told: told.elsewhere),
    "row twice": _in_tree(_repeat),
    "rows missing": _in_tree(_leave_out),
    "expired row": _in_tree(_expire),
    "odd digits": _in_tree(_unlike_digits),
    "empty figure": _in_tree(_empty),
    "field gone or renamed": _in_tree(_drop_field),
    "cut off": _cut,
}
