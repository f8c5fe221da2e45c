"""What a wheel brings is copied once, as a whole, to a folder that is not there yet."""

from pathlib import Path

import pytest

from bot.errors import InputError
from bot.process.first_run import copy_shipped


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "price.toml").write_text("a rule", encoding="utf-8")
    return folder


def test_it_is_copied_to_a_new_folder_and_never_again(shipped: Path, tmp_path: Path) -> None:
    mine = tmp_path / "deep" / "mine"
    assert copy_shipped(shipped, mine)
    (mine / "rules" / "price.toml").write_text("edited", encoding="utf-8")
    assert not copy_shipped(shipped, mine)
    assert (mine / "rules" / "price.toml").read_text("utf-8") == "edited"
    assert [path.name for path in mine.parent.iterdir()] == ["mine"]


def test_a_clone_ships_nothing_and_copies_nothing(tmp_path: Path) -> None:
    assert not copy_shipped(tmp_path / "absent", tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written_the_way_out_is_named(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"file/mine: cannot be written \(.*\); name another in TIGHTROPE_CONFIG"
    ):
        copy_shipped(shipped, tmp_path / "file" / "mine")
