"""Columns of option names: read once for the same names, and never written to."""

import numpy as np
import pytest

from bot.domain.kept import forget_the_day
from bot.errors import SourceChanged
from bot.sources._options import columns_of_names

asked: list[str] = []


def read(name: str, asset: str, subject: str) -> tuple[int, float, bool]:
    asked.append(name)
    if name == "odd":
        raise SourceChanged(subject)
    expires_ms, strike_usd, right = name.split("-")
    return int(expires_ms), float(strike_usd), right == "C"


def test_the_same_names_are_read_once():
    forget_the_day()
    asked.clear()
    names = ("1-90000-C", "2-80000.5-P")
    told = [columns_of_names(tuple(names), "BTC", "okx BTC options", read) for _ in range(3)]
    assert told[0].expires_ms.tolist() == [1, 2]
    assert told[0].strike_usd.tolist() == [90000.0, 80000.5]
    assert told[0].is_call.tolist() == [True, False]
    assert told[2] is told[0]
    assert asked == list(names)
    again = columns_of_names((*names[::-1], "3-70000-C"), "BTC", "okx BTC options", read)
    assert again.strike_usd.tolist() == [80000.5, 90000.0, 70000.0]
    assert asked == [*names, "3-70000-C"], "in another order they are the same names"
    forget_the_day()
    columns_of_names(names[:1], "BTC", "okx BTC options", read)
    assert asked == [*names, "3-70000-C", names[0]]


def test_no_names_are_empty_columns():
    told = columns_of_names((), "BTC", "okx BTC options", read)
    assert [len(one) for one in (told.expires_ms, told.strike_usd, told.is_call)] == [0, 0, 0]
    assert told.is_call.dtype == np.bool_


def test_columns_that_serve_several_polls_cannot_be_written_to():
    told = columns_of_names(("1-90000-C",), "BTC", "okx BTC options", read)
    for one in (told.expires_ms, told.strike_usd, told.is_call):
        with pytest.raises(ValueError, match="read-only"):
            one[0] = 0


def test_a_name_that_cannot_be_read_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(SourceChanged, match="okx"):
            columns_of_names(("1-90000-C", "odd"), "BTC", "okx BTC options", read)
