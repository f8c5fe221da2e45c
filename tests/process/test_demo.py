"""A tape is named by its folder."""

from pathlib import Path

import pytest

from bot.errors import ConfigError, Problem
from bot.process.demo import read_tape


@pytest.mark.parametrize(
    ("tapes", "known"), [((), "none"), (("march-2020", "february-2026"), "february-2026, march-2020")]
)
def test_a_tape_that_is_not_there_is_refused_with_those_that_are(
    tapes: tuple[str, ...], known: str, tmp_path: Path
) -> None:
    for name in tapes:
        (tmp_path / "tapes" / name).mkdir(parents=True)
    with pytest.raises(ConfigError) as refused:
        read_tape("may-2021", tmp_path)
    folder = str(tmp_path / "tapes" / "may-2021")
    assert refused.value.problems == (
        Problem(file=folder, id="may-2021", reason=f"no such tape: there is {known}"),
    )
