"""Sources are found by their files' names."""

import pytest

from bot.errors import ConfigError
from bot.sources import available, load, names


def test_every_file_without_an_underscore_is_a_source_of_its_name():
    assert "deribit" in names()
    for name, found in available().items():
        assert vars(found)["name"] == name
        assert isinstance(found.NEEDS_KEY, bool)
        assert vars(found)["brings"]


def test_an_unknown_source_is_named_with_those_that_exist():
    with pytest.raises(ConfigError, match=r"sources\.mtgox: known are .*deribit"):
        load("mtgox")
