"""Tables as letters of one width, for a code block: on a telephone a line holds 30 of them, and longer ones break."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from bot.domain.posts import Table

WIDTH: Final = 30
LEAST_LABEL: Final = 4
CUT: Final = "…"


def fence(tables: Sequence[Table]) -> str:
    """All tables in one code block; nothing for none."""
    lines = [line for table in tables for line in lines_of(table)]
    return "\n".join(["```", *lines, "```"]) if lines else ""


def lines_of(table: Table) -> Sequence[str]:
    """The table's lines: labels to the left, cells to the right. A label that does not fit has a line of its own above its
    cells; where no label would, each cell has one, too."""
    rows = [[one.text for one in row.cells] for row in table.rows]
    heads = [list(table.columns)] if table.columns else []
    widths = [max(map(_width, column)) for column in zip(*heads, *rows, strict=True)]
    room = WIDTH - sum(width + 1 for width in widths)
    if room < LEAST_LABEL:
        return _stacked(table)
    label = max((width for row in table.rows if (width := _width(row.label)) <= room), default=0)
    wide = WIDTH - label - sum(widths)  # the first column stands apart, the others close
    lines = ["".join([" " * label, *_right(cells, widths, wide)]) for cells in heads]
    for row, cells in zip(table.rows, rows, strict=True):
        fits = _width(row.label) <= label
        lines += [] if fits else [_left(row.label, WIDTH).rstrip()]
        lines.append("".join([_left(row.label if fits else "", label), *_right(cells, widths, wide)]))
    return [_clean(line) for line in lines]


def _right(cells: Sequence[str], widths: Sequence[int], spare: int) -> Sequence[str]:
    """Cells set to the right, the spare columns shared out before them."""
    share, over = divmod(spare, len(widths)) if widths else (0, 0)
    return [
        " " * (share + (number < over) + width - _width(cell)) + cell
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]


def _left(label: str, width: int) -> str:
    cut = label if _width(label) <= width else f"{label[: width - 1].rstrip()}{CUT}"
    return cut + " " * (width - _width(cut))


def _stacked(table: Table) -> Sequence[str]:
    lines: list[str] = []
    for row in table.rows:
        lines.append(_left(row.label, WIDTH).rstrip())
        heads = table.columns or ("",) * len(row.cells)
        lines += [f" {head} {one.text}".rstrip() for head, one in zip(heads, row.cells, strict=True)]
    return [_clean(line) for line in lines]


def _width(text: str) -> int:
    """Columns that a text takes: letters of the East take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _clean(line: str) -> str:
    """Nothing in it that would end the block."""
    return line.replace("`", "'")
