"""`bot check`: what it says of sound files, of a case that fails, and of a rule without cases."""

from functools import cache
from pathlib import Path

from bot.app import EQUIVALENT, check_config, read_playbook
from bot.check import check
from bot.domain.playbook import Playbook

CASES = Path(__file__).parent / "rules"


@cache
def playbook() -> Playbook:
    return read_playbook()


def cases() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in CASES.glob("*.toml") if path.name != EQUIVALENT}


def test_the_shipped_files_pass_and_are_counted(root: Path) -> None:
    report = check_config(playbook(), root / "config", CASES)
    assert report.failures == ()
    assert report.checked[0] == "bot.toml"
    assert any(line.startswith("tape february-2026:") for line in report.checked)
    assert any(line.endswith("phrases (en)") for line in report.checked)


def test_without_cases_the_check_says_so() -> None:
    report = check(playbook(), {})
    assert report.failures == ()
    assert report.checked[-1] == "no rule cases here"


def test_a_rule_that_no_case_shows_is_a_failure() -> None:
    report = check(playbook(), {name: text for name, text in cases().items() if name == "price.toml"})
    assert any(line.startswith("skew-fear: no case in which it is") for line in report.failures)


def test_a_folder_without_cases_is_no_error(root: Path, tmp_path: Path) -> None:
    assert "no rule cases here" in check_config(playbook(), root / "config", tmp_path / "none").checked
