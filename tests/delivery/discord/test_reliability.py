"""The page on reliability names tests that exist."""

import re
from pathlib import Path


def test_each_row_of_the_page_is_a_test(root: Path) -> None:
    page = (root / "docs" / "reliability.md").read_text("utf-8").partition("# When something else fails")[0]
    named = re.findall(r"`(test_\w+)`", page)
    here = (root / "tests" / "delivery").rglob("test_*.py")
    known = {name for path in here for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))}
    assert len(named) > 30
    assert [name for name in named if name not in known] == []
