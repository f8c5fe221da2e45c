"""Taking something away: a source, a metric, a command, a rule. The bot goes on without it, or names the rule
that misses the fact."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the program, its configuration and its rule cases."""
    for name in ("bot", "config", "tests/rules", "tests/golden"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def bot(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the copy."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "bot", *arguments],
        cwd=house,
        env={"PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def without(path: Path, start: str, following: str) -> None:
    """The file without the part that begins with `start`, up to where the `following` one begins."""
    text = path.read_text(encoding="utf-8")
    place = text.index(start)
    path.write_text(text[:place] + text[text.index(following, place + 1) :], encoding="utf-8")


def test_without_a_sources_file_bot_toml_is_told_and_without_its_name_the_tape_plays_on(house: Path) -> None:
    (house / "bot" / "sources" / "kraken.py").unlink()
    told = bot(house, "demo", "--once")
    assert told.returncode == 2
    assert "bot.toml: sources: there is no kraken; known are " in told.stderr
    replaced(house / "config" / "bot.toml", '"kraken", ', "")
    played = bot(house, "demo", "--once")
    assert played.returncode == 0, played.stderr
    assert "Kraken" not in played.stdout
    assert "7 Feb 2026" in played.stdout


def test_without_a_metric_its_words_are_named_and_without_them_the_commands_go_on(house: Path) -> None:
    options = house / "bot" / "metrics" / "options.py"
    row = re.compile(r'    Metric\(\n        name="max_pain_usd".*?\n    \),\n', re.DOTALL)
    text = options.read_text(encoding="utf-8")
    assert row.search(text)
    options.write_text(row.sub("", text), encoding="utf-8")
    told = bot(house, "check")
    assert told.returncode == 2
    assert "metrics.toml: metric.max_pain_usd: no metric has this name" in told.stderr
    for words in sorted((house / "config" / "phrases").glob("*/metrics.toml")):
        without(words, "[metric.max_pain_usd]", "[metric.")
    assert bot(house, "check").returncode == 0
    shutil.copytree(ROOT / "tests" / "commands", house / "tests" / "commands")
    for name in ("tests/conftest.py", "tests/desks.py", "tests/skips.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, house / name)
    answered = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/commands/test_commands.py",
            "-k",
            "options",
        ],
        cwd=house,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert answered.returncode == 0, answered.stdout


def test_without_a_family_of_metrics_each_rule_says_which_fact_it_misses(house: Path) -> None:
    (house / "bot" / "metrics" / "cross_asset.py").unlink()
    told = bot(house, "run")
    assert told.returncode == 2
    assert re.search(r"cross-asset\.toml: lags-gold: .*'vs_gold_30d_pct", told.stderr)


def test_without_a_command_the_others_are_there(house: Path) -> None:
    (house / "bot" / "commands" / "treasuries.py").unlink()
    program = "from bot.commands import discover; print(*discover())"
    named = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=house,
        env={"PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "skew" in named
    assert "treasuries" not in named
    assert bot(house, "check").returncode == 0


def test_without_a_rule_those_that_lean_on_it_and_its_phrases_are_named(house: Path) -> None:
    without(house / "config" / "rules" / "basis.toml", '[[rule]]\nid       = "basis-fading"', "[[rule]]")
    told = bot(house, "check")
    assert told.returncode == 2
    assert "basis.toml: basis-recovering: has as its mirror 'basis-fading', which is not there" in told.stderr
    assert "basis.toml: rule.basis-fading: no rule has this id" in told.stderr
