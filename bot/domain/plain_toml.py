"""TOML as nearly all of our files are written, read a statement at a time: tomllib looks at each character of a string in
Python, which for a few thousand phrases is most of the reading of a configuration.

Plain are comments, headers, and keys with a string that has nothing to unescape, a number, true, false or a list of
those. What is anything else, or anything that TOML forbids, is left to tomllib and its own words for it."""

import re
from collections.abc import Iterator
from typing import Any

_FREE = r"[^\x00-\x08\x0a-\x1f\x7f]"
_STRING = r'"[^"\\\x00-\x08\x0a-\x1f\x7f]*+"'
_BARE = r"(?:-?(?:0|[1-9][0-9]{0,14}+)(?:\.[0-9]{1,15}+)?+|true|false)(?![^\s,\]#])"
_VALUE = rf"(?:{_STRING}|{_BARE})"
_KEY = rf"(?:[A-Za-z0-9_-]++|{_STRING})"
_COMMENT = rf"(?:#{_FREE}*+)?+"
_BETWEEN = rf"(?:[ \t\n]++|#{_FREE}*+\n)*+"
_LIST = rf"\[{_BETWEEN}(?:{_VALUE}{_BETWEEN}(?:,{_BETWEEN}{_VALUE}{_BETWEEN})*+(?:,{_BETWEEN})?+)?+\]"
_STATEMENT = re.compile(
    rf"(?:[ \t]*+{_COMMENT}\n)*+[ \t]*+"
    rf"(?:({_KEY})[ \t]*+=[ \t]*+(?:({_STRING})|({_BARE})|({_LIST}))"
    rf"|(\[\[?+)[ \t]*+({_KEY}(?:[ \t]*+\.[ \t]*+{_KEY})*+)[ \t]*+(\]\]?+)"
    rf"|)[ \t]*+{_COMMENT}(?:\n|\Z)"
)
_ONE_KEY = re.compile(_KEY)
_ONE_VALUE = re.compile(rf"#[^\n]*+|({_VALUE})")

Table = dict[str, Any]


def read_plain_tables(text: str) -> Table | None:
    """The tables of a plain TOML text, as tomllib reads them; None where it is not plain, or may be wrong."""
    tables = _Tables()
    at = 0
    while at < len(text):
        statement = _STATEMENT.match(text, at)
        if statement is None:
            return None
        at = statement.end()
        key, string, bare, several, opened, name, closed = statement.groups()
        if key is not None:
            value = (
                string[1:-1] if string is not None else _bare(bare) if bare is not None else [*_each(several)]
            )
            if not tables.add(key.strip('"'), value):
                return None
        elif opened is not None and (
            len(opened) != len(closed)
            or not tables.enter([part.strip('"') for part in _ONE_KEY.findall(name)], several=opened == "[[")
        ):
            return None
    return tables.root


class _Tables:
    """The tables as they come. What is not sure to be allowed is not taken."""

    def __init__(self) -> None:
        self.root: Table = {}
        self._here = self.root
        self._lists_of_tables: set[int] = set()

    def add(self, key: str, value: object) -> bool:
        """Put a value into the table that was entered last; whether it was taken."""
        if key in self._here:
            return False
        self._here[key] = value
        return True

    def enter(self, name: list[str], *, several: bool) -> bool:
        """Go into a new table, one of `several` by its name or the only one; whether it was taken."""
        table = self.root
        for part in name[:-1]:
            inner = table.setdefault(part, {})
            if id(inner) in self._lists_of_tables:
                inner = inner[-1]
            if not isinstance(inner, dict):
                return False
            table = inner
        self._here = {}
        if not several:
            return table.setdefault(name[-1], self._here) is self._here
        tables: list[Table] = []
        known = table.setdefault(name[-1], tables)
        if known is tables:
            self._lists_of_tables.add(id(tables))
        if id(known) not in self._lists_of_tables:
            return False
        known.append(self._here)
        return True


def _each(several: str) -> Iterator[object]:
    """The values of a list."""
    for value in _ONE_VALUE.findall(several):
        if value:
            yield value[1:-1] if value[0] == '"' else _bare(value)


def _bare(value: str) -> object:
    """A number, true or false."""
    if value in ("true", "false"):
        return value == "true"
    return float(value) if "." in value else int(value)
