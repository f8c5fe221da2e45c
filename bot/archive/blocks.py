"""Roll-ups, pure: which of an hour's or a day's points stays, and a day's hours packed into one block of
bytes.

A roll-up chooses, it never averages: what stays is a point that was heard, with its own time. It is the last
one; of `spot_high_usd` and `spot_low_usd` the extreme one. A gap is an hour without a record.

A block holds one record for each hour of a day of one series, by column: all times (milliseconds since 1970
UTC, 8 bytes), then all values (8), the numbers of their bases (2), the seconds that they cover (4);
little-endian. A start reads months of history of hundreds of series: as blocks that is one row a day, and
bytes that become columns as they are."""

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bot.errors import ArchiveError

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HIGHEST = frozenset({"spot_high_usd"})
LOWEST = frozenset({"spot_low_usd"})

RECORD_BYTES = 22
BASIS_BITS = 16
BASIS_MASK = (1 << BASIS_BITS) - 1
PACKED = f"covers_s << {BASIS_BITS} | basis_id"
"""SQL: what a row has besides its time and value as one number, which is one value less to be made of each row."""
PARTS = ("at_ms", "value", "basis_id", "covers_s")
TIME, VALUE, BASIS, COVERS = (
    struct.Struct("<q"),
    struct.Struct("<d"),
    struct.Struct("<H"),
    struct.Struct("<I"),
)


class HourRow(NamedTuple):
    """One stored point of one series."""

    at_ms: int
    value: float
    basis_id: int
    covers_s: int


def sign(metric: str) -> int:
    """How a roll-up chooses: 1 the highest value, -1 the lowest, 0 the last."""
    return 1 if metric in HIGHEST else -1 if metric in LOWEST else 0


def choose(known: Iterable[HourRow], heard: Iterable[HourRow], bucket_ms: int, way: int) -> list[HourRow]:
    """One row for each bucket of `bucket_ms`, ascending. `way` is the metric's `sign`.

    A row heard at the time of a known one takes its place (a correction, a bar that grew), whatever its
    value, unless it covers less."""
    rows = {row.at_ms: row for row in known}
    for row in heard:
        if row.at_ms not in rows or row.covers_s >= rows[row.at_ms].covers_s:
            rows[row.at_ms] = row
    chosen: dict[int, HourRow] = {}
    for _, row in sorted(rows.items()):
        bucket = row.at_ms // bucket_ms
        if bucket not in chosen or way * row.value >= way * chosen[bucket].value:
            chosen[bucket] = row
    return list(chosen.values())


class Columns:
    """Rows of one series as columns, ascending in time."""

    __slots__ = ("at_ms", "basis_id", "covers_s", "value")

    def __init__(self) -> None:
        self.at_ms: array[int] = array("q")
        self.value: array[float] = array("d")
        self.basis_id: array[int] = array("H")
        self.covers_s: array[int] = array("I")

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> "Columns":
        """The columns of some rows, each as an `HourRow` or a plain tuple like it."""
        columns, told = cls(), tuple(zip(*rows, strict=True))
        if told:
            columns.at_ms, columns.value = array("q", told[0]), array("d", told[1])
            columns.basis_id, columns.covers_s = array("H", told[2]), array("I", told[3])
        return columns

    @classmethod
    def of_packed(cls, rows: Sequence[Sequence[Any]]) -> "Columns":
        """The columns of some rows, each its time, its value, and basis and length as `PACKED` has them."""
        columns, (times, values, packed) = cls(), zip(*rows, strict=True)
        columns.at_ms, columns.value = array("q", times), array("d", values)
        if packed.count(packed[0]) == len(packed):  # what is heard again and again stands on the same
            columns.basis_id = array("H", (packed[0] & BASIS_MASK,)) * len(packed)
            columns.covers_s = array("I", (packed[0] >> BASIS_BITS,)) * len(packed)
        else:
            columns.basis_id = array("H", [one & BASIS_MASK for one in packed])
            columns.covers_s = array("I", [one >> BASIS_BITS for one in packed])
        return columns

    @classmethod
    def of_blocks(cls, blocks: Sequence[bytes]) -> "Columns":
        """The rows of some blocks, the earliest first. Raises ArchiveError where one is cut short."""
        columns = cls()
        parted = zip(*[struct.unpack(_layout(len(block)), block) for block in blocks], strict=True)
        for name, own in zip(PARTS, parted, strict=bool(blocks)):
            part, raw = getattr(columns, name), b"".join(own)
            part.frombytes(raw if sys.byteorder == "little" else _swapped(part.typecode, raw))
        return columns

    def __len__(self) -> int:
        return len(self.at_ms)

    def __iter__(self) -> Iterator[HourRow]:
        return map(HourRow, *self._parts)

    @property
    def last(self) -> HourRow:
        """The newest row. Raises IndexError where there is none."""
        return HourRow(self.at_ms[-1], self.value[-1], self.basis_id[-1], self.covers_s[-1])

    def block(self) -> bytes:
        """All rows as one block."""
        return b"".join(
            part.tobytes() if sys.byteorder == "little" else _swapped(part.typecode, part.tobytes())
            for part in self._parts
        )

    def between(self, since_ms: int, until_ms: int) -> "Columns":
        """The rows from one time to another, ends included."""
        return self.cut(bisect_left(self.at_ms, since_ms), bisect_right(self.at_ms, until_ms))

    def cut(self, first: int, last: int) -> "Columns":
        """The rows from one place up to another, that one left out."""
        cut = Columns()
        cut.at_ms, cut.value = self.at_ms[first:last], self.value[first:last]
        cut.basis_id, cut.covers_s = self.basis_id[first:last], self.covers_s[first:last]
        return cut

    def put_back(self, at_ms: int, covers_s: int, value: float) -> None:
        """Give the row of this start and length another value, if there is one."""
        row = bisect_left(self.at_ms, at_ms)
        if row < len(self.at_ms) and self.at_ms[row] == at_ms and self.covers_s[row] == covers_s:
            self.value[row] = value

    def __add__(self, later: "Columns") -> "Columns":
        both = Columns()
        both.at_ms, both.value = self.at_ms + later.at_ms, self.value + later.value
        both.basis_id, both.covers_s = self.basis_id + later.basis_id, self.covers_s + later.covers_s
        return both

    @property
    def _parts(self) -> tuple["array[int]", "array[float]", "array[int]", "array[int]"]:
        return self.at_ms, self.value, self.basis_id, self.covers_s


def add_rows(block: bytes, heard: Sequence[HourRow], way: int) -> bytes:
    """A day's block (empty where there is none yet) after some rows of that day. Raises ArchiveError where it
    is cut short."""
    if block and len(heard) == 1 and len(block) % RECORD_BYTES == 0:
        at_end = _after(block, heard[0], way)
        if at_end is not None:
            return at_end
    return pack(choose(unpack(block) if block else (), heard, HOUR_MS, way))


def _after(block: bytes, row: HourRow, way: int) -> bytes | None:
    """What `add_rows` gives for one row newer than the block's last, without taking the block apart; None for
    an older one."""
    count = len(block) // RECORD_BYTES
    values, bases, covers = 8 * count, 16 * count, 18 * count
    (last_ms,) = TIME.unpack_from(block, values - 8)
    if row.at_ms <= last_ms:
        return None
    kept = count
    if row.at_ms // HOUR_MS == last_ms // HOUR_MS:
        (value,) = VALUE.unpack_from(block, bases - 8)
        if way * row.value < way * value:
            return block
        kept -= 1
    return b"".join(
        (
            block[: 8 * kept],
            TIME.pack(row.at_ms),
            block[values : values + 8 * kept],
            VALUE.pack(row.value),
            block[bases : bases + 2 * kept],
            BASIS.pack(row.basis_id),
            block[covers : covers + 4 * kept],
            COVERS.pack(row.covers_s),
        )
    )


def pack_days(columns: Columns, way: int) -> Iterator[tuple[int, bytes]]:
    """The day (since 1970 UTC) and the block of each day of a series: what `add_rows` comes to, row after row. `way` is
    the metric's `sign`."""
    count, start, whole = len(columns), 0, columns.block()
    values, bases, covers = 8 * count, 16 * count, 18 * count
    hour_of = [at_ms // HOUR_MS for at_ms in columns.at_ms]
    while start < count:
        day = hour_of[start] // 24
        end = bisect_left(hour_of, (day + 1) * 24, start)
        if len(set(hour_of[start:end])) == end - start:  # one row an hour: all of them stay
            block = b"".join(
                (
                    whole[8 * start : 8 * end],
                    whole[values + 8 * start : values + 8 * end],
                    whole[bases + 2 * start : bases + 2 * end],
                    whole[covers + 4 * start : covers + 4 * end],
                )
            )
        else:
            block = pack(choose((), columns.cut(start, end), HOUR_MS, way))
        yield day, block
        start = end


def pack(rows: Iterable[HourRow]) -> bytes:
    """The block of a day's rows."""
    return Columns.of(rows).block()


def unpack(block: bytes) -> Columns:
    """The rows of a block. Raises ArchiveError where it is cut short."""
    return Columns.of_blocks((block,))


@lru_cache(maxsize=256)
def _layout(size: int) -> str:
    """How the four parts of a block of so many bytes lie in it, for `struct`."""
    count, left = divmod(size, RECORD_BYTES)
    if left:
        raise ArchiveError(f"history: a block of {size} bytes is cut short; run `./tightrope restore BACKUP`")
    return f"{8 * count}s{8 * count}s{2 * count}s{4 * count}s"


def _swapped(typecode: str, raw: bytes) -> bytes:
    turned = array(typecode, raw)
    turned.byteswap()
    return turned.tobytes()
