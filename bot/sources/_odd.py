"""Rows that cannot be read among rows that can: one of them costs itself, not the list that it stands in.

A venue lists test instruments, leaves a field out of one row, writes null where a flag was. Such a row is left out,
counted and named. More than 2% of a list (one row of a short one) is no odd row any more but another format."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from bot.domain.readings import Gap
from bot.errors import SourceChanged, SourceError
from bot.reasons import about, reason, without_subject
from bot.sources._wire import WHERE, decode, other_shape

T = TypeVar("T")
Row = TypeVar("Row")

ODD_SHARE = 0.02
NAMES = ("symbol", "instId", "instrument_name", "name", "contract", "exchange")
NAMELESS = "?"
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")


class OddRows:
    """The rows of one reply that were left out, by name, each with its reason. A row without a name that can be read
    is called "?"."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._why: list[tuple[str, SourceError]] = []
        self._of = 0

    def __len__(self) -> int:
        return len(self._why)

    def leave_out(self, name: str, why: SourceError, of: int) -> None:
        """Leave out one row of a list of `of`. Raises SourceChanged where these are too many to be odd ones; the
        reason itself where waiting helps against it."""
        self._why.append((name, why))
        self._of = max(self._of, of)
        if len(self._why) > max(1.0, ODD_SHARE * self._of) or len(self._why) >= self._of:
            first = self._why[0][1]
            changed = isinstance(first, SourceChanged) and self._of > 1
            raise SourceChanged(about(self._subject, self._said())) if changed else first

    def gaps(self, mine: Callable[[str], object]) -> list[Gap]:
        """A gap for each row left out for whose name `mine` is true, named like the contract."""
        venue = self._subject.partition(" ")[0]
        return [
            Gap(who=f"{venue} {name}", reason=about(f"{venue} {name}", without_subject(str(why))))
            for name, why in self._why
            if mine(name)
        ]

    def summary(self) -> list[Gap]:
        """One gap that counts the rows and names the first; none where nothing was left out."""
        if not self._why:
            return []
        return [Gap(who=f"{self._subject} rows", reason=about(self._subject, self._said()))]

    def _said(self) -> str:
        name, why = self._why[0]
        return reason(
            "rows_left_out", count=len(self._why), total=self._of, name=name, why=without_subject(str(why))
        )


def decode_rows(
    decoder: "msgspec.json.Decoder[T]", body: bytes, subject: str, odd: OddRows | None = None
) -> T:
    """As `decode`; where `odd` takes them, rows of another shape are left out of the first list in the body. Raises
    SourceChanged."""
    if odd is None:
        return decode(decoder, body, subject)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = decode(_ANYTHING, body, subject)
    while True:
        try:
            return msgspec.convert(tree, decoder.type)
        except msgspec.ValidationError as error:
            wrong = SourceChanged(about(subject, other_shape(error)))
            rows, index = _row_at(tree, str(error))
            if rows is None:
                raise wrong from error
            odd.leave_out(_name_of(rows[index]), wrong, len(rows) + len(odd))
            del rows[index]


def sound_rows(
    rows: Sequence[Row], read: Callable[[Row], object], name: Callable[[Row], str], odd: OddRows
) -> list[Row]:
    """The rows that can be read; the others are left out. Raises SourceError where these are too many."""
    kept: list[Row] = []
    for row in rows:
        try:
            read(row)
        except SourceError as error:
            odd.leave_out(name(row)[:40], error, len(rows))
        else:
            kept.append(row)
    return kept


_ANYTHING = msgspec.json.Decoder(object)


def _row_at(tree: object, said: str) -> tuple[list[object] | None, int]:
    """The list and the place in it that a validation error is about; no list where it is about none."""
    found = WHERE.search(said)
    at = tree
    for step in _STEP.finditer(found[1] if found else ""):
        if step["index"] is not None:
            return (at, int(step["index"])) if isinstance(at, list) else (None, 0)
        at = at.get(step["key"]) if isinstance(at, dict) else None
    return None, 0


def _name_of(row: object) -> str:
    told = [row.get(key) for key in NAMES] if isinstance(row, dict) else []
    return next((as_text for as_text in told if isinstance(as_text, str) and as_text), NAMELESS)[:40]
