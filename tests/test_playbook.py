"""Files of the playbook that cannot be read: each is one problem, with its name and the way out."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import ConfigError, Problem
from bot.playbook import CONFIG, LARGEST, ROOT, config_folder, locales_in, read_playbook, read_texts


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("rules", "phrases"):
        shutil.copytree(CONFIG / name, tmp_path / name)
    for name in ("treasuries.toml", "record.toml"):
        shutil.copy(CONFIG / name, tmp_path / name)
    return tmp_path


def problems_of(config: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        read_playbook(config)
    return caught.value.problems


def latin_1(path: Path) -> None:
    path.write_bytes(b'# one\na = "\xe9"\n')


def folder(path: Path) -> None:
    path.mkdir()


def deeply_nested(path: Path) -> None:
    path.write_text(f"a = {'[' * 5000}{']' * 5000}", encoding="utf-8")


def thousands_of_digits(path: Path) -> None:
    path.write_text(f"a = {'1' * 5000}", encoding="utf-8")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def endless_key(path: Path) -> None:
    path.write_text(f"{'a . ' * 50_000}a = 1", encoding="utf-8")


def endless_table(path: Path) -> None:
    path.write_text("[" + '"a".' * 50_000 + "a]", encoding="utf-8")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def larger_than_any(path: Path) -> None:
    path.write_text("# " + "a" * LARGEST, encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (endless_key, "nested too deeply"),
        (endless_table, "nested too deeply"),
        (pipe, "not a file"),
        (device, "not a file"),
        (larger_than_any, "larger than 4 MB"),
        (latin_1, "line 2 is not UTF-8"),
        (folder, "Is a directory"),
        (deeply_nested, "nested too deeply"),
        (thousands_of_digits, "not TOML"),
        (dangling, "No such file"),
    ],
)
@pytest.mark.parametrize("where", ["rules/odd.toml", "phrases/en/odd.toml"])
def test_a_file_that_cannot_be_read_is_one_problem_with_its_name(
    config: Path, make: Callable[[Path], None], said: str, where: str
) -> None:
    make(config / where)
    [problem] = problems_of(config)
    assert problem.file.endswith("odd.toml")
    assert said in problem.reason


def test_an_editors_lock_link_is_passed_over(config: Path) -> None:
    before = read_playbook(config).hash
    (config / "rules" / ".#funding.toml").symlink_to("me@host.1:2")
    (config / "phrases" / ".idea").mkdir()
    assert read_playbook(config).hash == before
    assert ".idea" not in locales_in(config)
    assert len(locales_in(config)) == len(locales_in(CONFIG))


def test_every_unreadable_file_is_told_at_once(config: Path) -> None:
    latin_1(config / "rules" / "one.toml")
    latin_1(config / "phrases" / "es" / "two.toml")
    (config / "treasuries.toml").unlink()
    folder(config / "treasuries.toml")
    assert [Path(problem.file).name for problem in problems_of(config)] == [
        "one.toml",
        "two.toml",
        "treasuries.toml",
    ]


@pytest.mark.parametrize("name", ["metrics.toml", "words.toml", "basis.toml"])
def test_a_broken_phrase_file_is_one_problem_and_not_what_the_others_lack_without_it(
    config: Path, name: str
) -> None:
    path = config / "phrases" / "en" / name
    path.write_text(path.read_text(encoding="utf-8") + "\nx = [\n", encoding="utf-8")
    [problem] = problems_of(config)
    assert (problem.file, problem.reason[:8]) == (name, "not TOML")


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path / "nowhere")
    assert problem.file == str(tmp_path / "nowhere")
    assert "rules/ and phrases/" in problem.reason


def test_texts_of_any_name_can_be_read_without_an_editors_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    (tmp_path / ".a.csv.swp").write_bytes(b"\xff")
    assert read_texts(tmp_path, "") == {"a.csv": "1"}


def test_an_installed_wheel_reads_the_folder_that_is_named_else_the_one_at_home(tmp_path: Path) -> None:
    assert config_folder({"TIGHTROPE_CONFIG": "/elsewhere"}, tmp_path / "absent") == ROOT / "config"
    assert config_folder({"TIGHTROPE_CONFIG": "/elsewhere"}, tmp_path) == Path("/elsewhere")
    assert config_folder({}, tmp_path) == Path.home() / ".config" / "tightrope"
