"""Sources are found by their files' names."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.sources import available, load, names


def test_every_file_without_an_underscore_is_a_source_of_its_name():
    assert "deribit" in names()
    for name, found in available().items():
        assert vars(found)["name"] == name
        assert isinstance(found.NEEDS_KEY, bool)
        assert vars(found)["brings"]


def test_no_source_asks_for_what_is_closed_or_unusable(root: Path):
    text = "".join(path.read_text(encoding="utf-8") for path in (root / "bot" / "sources").glob("*.py"))
    for closed in ("allForceOrders", "fapi/v1/forceOrders", "futures/basis/history"):
        assert closed not in text


def test_an_unknown_source_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"sources\.mtgox: known are .*deribit"):
        load("mtgox")
