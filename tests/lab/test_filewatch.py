"""`bot check --watch`: a file is really saved in a folder of our own, and what is said of it is read."""

import re
import shutil
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from bot.archive import open_archive
from bot.domain.facts import Point
from bot.domain.playbook import Playbook
from bot.errors import ConfigError
from bot.lab import filewatch
from bot.lab.backtest import BacktestRun
from bot.lab.check import CheckReport, check
from bot.lab.filewatch import Folders, Stretch, follow, judge, look, read
from bot.playbook import CONFIG, read_playbook
from bot.process.archive_questions import stretch_of
from bot.process.settings import load
from tests.lab.test_impact import START, UNTIL, past

pytestmark = pytest.mark.timeout(300)
RULES = "rules/basis.toml"


def nothing(done: int, of: int) -> None:
    """Nobody looks at the progress."""


class Enough(Exception):
    """The watcher has nothing more to see."""


@pytest.fixture(autouse=True)
def _judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with the same files: what all cases and the past come to by them is worked out once, by
    content, and so is what an edit comes to."""

    def checked(playbook: Playbook, cases: Mapping[str, str]) -> CheckReport:
        key = playbook.hash, tuple(sorted(cases.items()))
        if key not in _checked:
            _checked[key] = check(playbook, cases)
        return _checked[key]

    def judged(playbook: Playbook, over: Stretch) -> BacktestRun:
        key = playbook.rules.hash, over.since, over.until, over.series
        found = next((run for known, run in _judged if known == key), None)
        if found is None:
            found = judge(playbook, over)
            _judged.append((key, found))
        return found

    monkeypatch.setattr(filewatch, "check", checked)
    monkeypatch.setattr(filewatch, "judge", judged)


_checked: Final[dict[Hashable, CheckReport]] = {}
_judged: Final[list[tuple[object, BacktestRun]]] = []


@pytest.fixture
def folders(tmp_path: Path, root: Path) -> Folders:
    """A copy of the configuration, of the rule cases and of one golden market."""
    shutil.copytree(root / "config", tmp_path / "config")
    (tmp_path / "rules").mkdir()
    (tmp_path / "golden").mkdir()
    for case in (root / "tests" / "rules").glob("*.toml"):
        shutil.copy(case, tmp_path / "rules")
    shutil.copy(root / "tests" / "golden" / "article.toml", tmp_path / "golden")
    (tmp_path / "golden" / "es").mkdir()
    (tmp_path / "golden" / "es" / "article.md").touch()
    return Folders(config=tmp_path / "config", cases=tmp_path / "rules", golden=tmp_path / "golden")


def stretch() -> Stretch:
    """Ten days: calm, and after five of them dear puts, a thin premium and forced selling."""
    return Stretch(asset="BTC", since=START, until=UNTIL, series=past(), origin="made up")


def said(folders: Folders, *edits: Callable[[], None]) -> list[str]:
    """What is said at the start, and after each edit."""
    heard: list[str] = []
    todo = list(edits)

    def sleep(seconds: float) -> None:
        assert seconds < 1
        if not todo:
            raise Enough
        todo.pop(0)()

    with pytest.raises(Enough):
        follow(folders, stretch(), heard.append, sleep)
    return heard


def edit(path: Path, old: str, new: str) -> Callable[[], None]:
    """One save of a file."""

    def save() -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return save


def test_a_number_in_a_rule_shows_the_cases_the_sentences_and_the_past_that_it_changes(
    folders: Folders,
) -> None:
    weak = '{ id = "basis-weak", below = { usual = "low" },  clear_above = { usual = "low", plus = 1 }'
    heard = said(
        folders, edit(folders.config / RULES, weak, '{ id = "basis-weak", below = 1, clear_above = 1.5')
    )
    assert heard[0].startswith("watching ")
    assert "; all cases pass. " in heard[0]
    assert heard[1] == "\n── basis.toml"
    lines = heard[2].splitlines()
    assert any(line.startswith("FAIL  ") and "basis-weak" in line for line in lines)
    assert "golden article" in lines
    assert "golden es/article" in lines
    assert any(line.startswith("  - ") for line in lines)
    assert any(
        line.startswith("BTC, 2026-01-01 to 2026-01-11 (made up, 240 hours with a poll): ") for line in lines
    )


def test_a_number_of_the_verdict_shows_which_verdicts_and_alerts_of_the_past_are_gone(
    folders: Folders,
) -> None:
    heard = said(folders, edit(folders.config / "rules" / "verdict.toml", "enters = 25", "enters = 95"))
    lines = heard[2].splitlines()
    [place] = [number for number, line in enumerate(lines) if line.startswith("BTC, ")]
    told = re.search(r"(\d+) → (\d+) verdicts in turn, .* (\d+) hours in another stance$", lines[place])
    assert told is not None
    assert int(told[3]) >= 24
    assert any(line.startswith("  gone  verdict 2026-01-") for line in lines[place:])


def test_a_phrase_shows_the_sentence_before_and_after_and_leaves_the_past_alone(folders: Folders) -> None:
    told = look(folders, stretch()).pages["article"]
    phrases = [folders.config / "phrases" / "en" / name for name in ("clauses.toml", "frames.toml")]
    # A run of words of the story that stands in one file of clauses or frames, and there only once.
    runs = [
        " ".join(words[at : at + 3])
        for line in told.splitlines()
        for words in [line.strip("*.").split()]
        for at in range(len(words) - 2)
    ]
    path, words_told = next(
        (path, run) for run in runs for path in phrases if path.read_text(encoding="utf-8").count(run) == 1
    )
    heard = said(folders, edit(path, words_told, f"{words_told} indeed"))
    assert "golden es/article" not in heard[2]
    lines = heard[2].splitlines()
    assert lines[0] == "golden article"
    assert any(line.startswith("  - ") and words_told in line for line in lines)
    assert any(line.startswith("  + ") for line in lines)
    assert not any("hours in another stance" in line for line in lines)
    assert lines[-1:] == ["all cases pass"]


def test_a_language_that_has_a_page_of_the_market_is_told_in_too(folders: Folders) -> None:
    pages = look(folders, stretch()).pages
    assert set(pages) == {"article", "es/article"}
    assert "los futuros" in pages["es/article"]


def test_a_broken_file_is_said_and_the_mended_one_is_looked_at_again(folders: Folders) -> None:
    path = folders.config / RULES
    heard = said(folders, edit(path, "[[rule]]", "[[rule"), edit(path, "[[rule", "[[rule]]"), lambda: None)
    assert heard[1:] == ["\n── basis.toml", heard[2], "\n── basis.toml", "as it was at the start"]
    assert heard[2].startswith("BROKEN  basis.toml: ")


def test_what_is_saved_while_the_past_is_still_being_read_is_a_change(folders: Folders) -> None:
    baseline = read(folders)
    saved = folders.config / "phrases" / "en" / "basis.toml"
    saved.write_text(saved.read_text("utf-8") + "\n# a word more\n", encoding="utf-8")
    (folders.config / "rules" / "odd.toml").write_text("[[rule]]\nid = 'odd'\n", encoding="utf-8")
    heard: list[str] = []

    def sleep(seconds: float) -> None:
        if len(heard) > 2:
            raise Enough

    with pytest.raises(Enough):
        follow(folders, stretch(), heard.append, sleep, baseline=baseline)
    assert heard[1].startswith("\n── basis.toml, odd.toml")
    assert heard[2].startswith("BROKEN  ")


def test_a_case_that_is_taken_away_is_noticed_too(folders: Folders) -> None:
    heard = said(folders, (folders.cases / "basis.toml").unlink, (folders.golden / "article.toml").unlink)
    assert heard[1] == "\n── basis.toml"
    assert heard[3] == "\n── article.toml"
    assert "golden article" in heard[4].splitlines()


def test_files_that_are_broken_from_the_start_stop_it(folders: Folders) -> None:
    edit(folders.config / RULES, "[[rule]]", "[[rule")()
    with pytest.raises(ConfigError):
        follow(folders, stretch(), print)


async def test_the_past_is_the_archives_where_it_holds_one(tmp_path: Path) -> None:
    settings = load(CONFIG, {"DATABASE_URL": f"sqlite:///{tmp_path / 'archive.sqlite'}"})
    archive = await open_archive(settings.archive.url.get_secret_value())
    try:
        await archive.points.add(
            [Point(metric="basis_60d_pct", asset="BTC", at=START, value=7.0, venue=None)]
        )
    finally:
        await archive.aclose()
    until = START + timedelta(days=5)
    found = await stretch_of(
        settings, read_playbook(), CONFIG, asset="BTC", days=90, until=until, progress=nothing
    )
    assert (found.origin, found.until) == ("archive", until)
    assert [one.metric for one in found.series] == ["basis_60d_pct"]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_the_past_is_a_tape_where_the_archive_is_empty(tmp_path: Path) -> None:
    settings = load(CONFIG, {"DATABASE_URL": f"sqlite:///{tmp_path / 'archive.sqlite'}"})
    found = await stretch_of(
        settings,
        read_playbook(),
        CONFIG,
        asset="BTC",
        days=90,
        until=datetime(2030, 1, 1, tzinfo=UTC),
        progress=nothing,
    )
    assert found.origin == "tape february-2026"
    assert "skew_60d_pct" in {one.metric for one in found.series}
