"""Reasons in the operator's English, from the phrase bank that ships: what the command line prints of an error."""

from collections.abc import Mapping
from functools import cache

from bot.commentary import in_words, reason_words
from bot.domain.files import read_tables
from bot.errors import ConfigError
from bot.playbook import CONFIG, read_file

FILE = CONFIG / "phrases" / "en" / "reasons.toml"


def in_english(text: str) -> str:
    """The text with the reasons in it in words; as it is spelled where the file cannot be read."""
    return in_words(text, words) if (words := _words()) else text


@cache
def _words() -> Mapping[str, str]:
    try:
        return reason_words(read_tables(read_file(FILE), FILE.name))
    except ConfigError:
        return {}
