"""Reasons as an English reader has them: what a test reads instead of their codes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.cli.english import in_english


def english(text: object) -> str:
    """A reason, or an error, in the words of the English bank; other texts as they are."""
    return in_english(str(text))


@contextmanager
def refused(kind: Any, match: str) -> Iterator[Any]:
    """As `pytest.raises`, where the error's English words must match."""
    with pytest.raises(kind) as error:
        yield error
    assert re.search(match, english(error.value)), english(error.value)
