"""The past before a tape, packed: what stands in the files beside the tapes."""

import zlib
from array import array

import msgspec
import numpy as np
from msgspec import Struct

from bot.domain.past_copy import CopiedBasis, CopiedRestatement, CopiedSeries, PastCopy


class PackedPast(Struct, frozen=True, kw_only=True):
    """A `PastCopy` as a file holds it, little-endian: times as steps from one row to the next (8 bytes), each value once
    (8 bytes) and which of them a row has, as steps (4 bytes), bases (2 bytes), seconds covered (4 bytes)."""

    stands_on: str
    asset: str
    series: tuple[CopiedSeries, ...]
    bases: tuple[CopiedBasis, ...]
    restatements: tuple[CopiedRestatement, ...]
    at_ms: bytes
    values: bytes
    which: bytes
    basis: bytes
    covers_s: bytes


def unpack_file(told: bytes) -> PackedPast:
    """What a file holds. Raises ValueError where it is broken."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(told), type=PackedPast)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from error


def pack_past(past: PastCopy, stands: str) -> bytes:
    """The contents of a file."""
    values, which = np.unique(_little(past.value, "<f8").view("<i8"), return_inverse=True)
    packed = PackedPast(
        stands_on=stands,
        asset=past.asset,
        series=past.series,
        bases=past.bases,
        restatements=past.restatements,
        at_ms=np.diff(_little(past.at_ms, "<i8"), prepend=0).astype("<i8").tobytes(),
        values=values.astype("<i8").tobytes(),
        which=np.diff(which, prepend=0).astype("<i4").tobytes(),
        basis=_little(past.basis, "<u2").tobytes(),
        covers_s=_little(past.covers_s, "<u4").tobytes(),
    )
    return zlib.compress(msgspec.msgpack.encode(packed), 9)


def unpack_past(packed: PackedPast) -> PastCopy:
    """The past that a file holds."""
    values = np.frombuffer(packed.values, "<f8")
    return PastCopy(
        asset=packed.asset,
        series=packed.series,
        bases=packed.bases,
        restatements=packed.restatements,
        at_ms=array("q", np.cumsum(np.frombuffer(packed.at_ms, "<i8")).astype("q").tobytes()),
        value=array("d", values[np.cumsum(np.frombuffer(packed.which, "<i4"))].astype("d").tobytes()),
        basis=array("H", np.frombuffer(packed.basis, "<u2").astype("H").tobytes()),
        covers_s=array("I", np.frombuffer(packed.covers_s, "<u4").astype("I").tobytes()),
    )


def _little(column: "array[int] | array[float]", kind: str) -> np.ndarray:
    return np.frombuffer(column, column.typecode).astype(kind)
