"""A packed past comes back as it was, to the sign of a zero."""

import math
import zlib
from array import array
from datetime import UTC, datetime

import pytest

from bot.domain.past_copy import CopiedBasis, CopiedRestatement, CopiedSeries, PastCopy
from bot.sources._tape_past import pack_past, unpack_file, unpack_past

PAST = PastCopy(
    asset="BTC",
    series=(
        CopiedSeries(metric="spot_usd", venue="", grain=1, rows=3),
        CopiedSeries(metric="funding_8h_pct", venue="okx", grain=0, rows=2),
    ),
    bases=(
        CopiedBasis(venues="deribit,okx", of_venues=3, lower_bound=False),
        CopiedBasis(venues="", of_venues=0, lower_bound=True),
    ),
    restatements=(
        CopiedRestatement(
            series=0,
            at_ms=1_770_000_000_000,
            covers_s=3600,
            before=60_150.0,
            after=60_400.0,
            heard_at=datetime(2026, 2, 6, tzinfo=UTC),
            settled_at=None,
        ),
    ),
    at_ms=array(
        "q", [1_770_000_000_000, 1_770_003_600_000, 1_770_007_200_000, 1_769_000_000_000, 1_770_000_000_001]
    ),
    value=array("d", [60_400.0, 0.1, 60_400.0, -0.0, 0.0]),
    basis=array("H", [0, 0, 1, 1, 0]),
    covers_s=array("I", [3600, 3600, 3600, 0, 0]),
)


def test_a_packed_past_comes_back_as_it_was():
    packed = unpack_file(pack_past(PAST, "this tape"))
    again = unpack_past(packed)
    assert packed.stands_on == "this tape"
    for name in PAST.__struct_fields__:
        assert getattr(again, name) == getattr(PAST, name), name
    assert [math.copysign(1, value) for value in again.value] == [1, 1, 1, -1, 1]


def test_the_same_past_is_packed_to_the_same_bytes():
    assert pack_past(unpack_past(unpack_file(pack_past(PAST, "a"))), "a") == pack_past(PAST, "a")


@pytest.mark.parametrize("told", [b"", b"PAST", pack_past(PAST, "a")[:-9], zlib.compress(b"\x93")])
def test_what_is_no_packed_past_is_refused(told: bytes):
    with pytest.raises(ValueError, match=r"."):
        unpack_file(told)
