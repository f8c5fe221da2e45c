"""What a SQLite file is made of, and how it differs from what it should be."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

Columns = Mapping[str, tuple[str, bool, int, str | None]]
"""Name → type, whether it must have a value, its place in the key (0: none), its default."""


EXPRESSION: Final = "an expression"


class TableShape(Struct, frozen=True):
    """One table: its columns; its unique and other indexes, and the tables that its columns point to, each with
    their columns; how many conditions it checks."""

    columns: Columns
    unique: frozenset[tuple[str, ...]]
    indexes: frozenset[tuple[str, ...]]
    foreign: frozenset[tuple[str, str]]
    checks: int


class Shape(Struct, frozen=True):
    """All tables by name, and everything else that a file holds, such as "trigger x"."""

    tables: Mapping[str, TableShape]
    others: frozenset[str]


def shape_of(connection: sqlite3.Connection) -> Shape:
    """What a file is made of, by its own word. SQLite's own tables are left out."""
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    tables: dict[str, TableShape] = {}
    others: set[str] = set()
    for kind, name, sql in rows.fetchall():
        if kind == "table" and not (sql or "").upper().startswith("CREATE VIRTUAL"):
            tables[name] = _table(connection, name, sql or "")
        elif kind != "index":
            others.add(f"{kind} {name}")
    return Shape(tables, frozenset(others))


def differences(found: Shape, wanted: Shape) -> Iterator[str]:
    """How a shape differs from the wanted one, worded. An index more is none: somebody's queries may want it,
    and it changes nothing that is stored, unless it is a unique one or works something out, which may fail."""
    for other in sorted(found.others - wanted.others):
        yield f"there is a {other}"
    for name in sorted(wanted.tables.keys() - found.tables.keys()):
        yield f"the table {name} is missing"
    for name in sorted(found.tables.keys() - wanted.tables.keys()):
        yield f"there is a table {name} more"
    for name in sorted(found.tables.keys() & wanted.tables.keys()):
        yield from _table_differences(name, found.tables[name], wanted.tables[name])


def _table_differences(name: str, found: TableShape, wanted: TableShape) -> Iterator[str]:
    for column in sorted(found.columns.keys() | wanted.columns.keys()):
        if column not in found.columns:
            yield f"the column {name}.{column} is missing"
        elif column not in wanted.columns:
            yield f"there is a column {name}.{column} more"
        elif found.columns[column] != wanted.columns[column]:
            yield f"the column {name}.{column} is of another kind"
    if (found.unique, found.foreign, found.checks) != (wanted.unique, wanted.foreign, wanted.checks):
        yield f"the constraints of {name} are others"
    if wanted.indexes - found.indexes:
        yield f"an index of {name} is missing"
    if any(EXPRESSION in index for index in found.indexes - wanted.indexes):
        yield f"an index of {name} is on an expression"


def _table(connection: sqlite3.Connection, name: str, sql: str) -> TableShape:
    # A column that SQLite hides or computes is told by a kind that none of ours has.
    columns = {
        column: (f"{kind} (computed)" if hidden else kind.upper(), bool(needed), key, default)
        for _, column, kind, needed, default, key, hidden in _pragma(connection, "table_xinfo", name)
    }
    unique: set[tuple[str, ...]] = set()
    indexes: set[tuple[str, ...]] = set()
    for _, index, is_unique, *_ in _pragma(connection, "index_list", name):
        among = tuple(row[2] or EXPRESSION for row in _pragma(connection, "index_info", index))
        (unique if is_unique else indexes).add(among)
    foreign = {(row[3], row[2]) for row in _pragma(connection, "foreign_key_list", name)}
    checks = len(re.findall(r"\bCHECK\b", sql, re.IGNORECASE))
    return TableShape(columns, frozenset(unique), frozenset(indexes), frozenset(foreign), checks)


def _pragma(connection: sqlite3.Connection, name: str, of: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM pragma_{name}(?)", (of,)).fetchall()  # noqa: S608  (names of SQLite's)
