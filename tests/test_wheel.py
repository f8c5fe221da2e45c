"""The wheel: what is in it, and that it runs from an empty folder where nothing of the clone is in reach."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from importlib.metadata import Distribution, PathDistribution
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from bot import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def loaded(name: str) -> ModuleType:
    """A file of deploy/ as a module."""
    loader = SourceFileLoader(name, str(ROOT / "deploy" / f"{name}.py"))
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    return loaded("backend")


@pytest.fixture(scope="module")
def wheel(backend: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    return folder / str(backend.build_wheel(str(folder)))


def test_it_holds_the_bot_and_what_a_first_run_copies_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"bot", f"tightrope-{__version__}.dist-info"}
    shipped = {name.removeprefix("bot/shipped/") for name in names if name.startswith("bot/shipped/")}
    there = {path.relative_to(ROOT / "config").as_posix() for path in (ROOT / "config").rglob("*.*")}
    assert shipped == there
    assert "bot.toml" in shipped
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_the_same_tree_gives_the_same_bytes(wheel: Path, backend: ModuleType, tmp_path: Path) -> None:
    assert (tmp_path / str(backend.build_wheel(str(tmp_path)))).read_bytes() == wheel.read_bytes()


def test_it_says_what_pyproject_says_and_its_record_is_of_its_files(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    about: Distribution = PathDistribution(tmp_path / f"tightrope-{__version__}.dist-info")
    project = PROJECT["project"]
    assert (about.metadata["Name"], about.version) == (project["name"], project["version"])
    plain = [one for one in about.requires or () if "extra ==" not in one]
    assert plain == project["dependencies"]
    assert [one.value for one in about.entry_points] == ["bot.__main__:main"]
    assert about.files is not None
    assert [
        str(one) for one in about.files if one.hash and one.size != (tmp_path / str(one)).stat().st_size
    ] == []


def test_packing_asks_for_nothing_that_must_be_downloaded(backend: ModuleType) -> None:
    assert PROJECT["build-system"] == {"requires": [], "build-backend": "backend", "backend-path": ["deploy"]}
    assert callable(backend.build_sdist)


def installer() -> str:
    """Uv, on the path or beside this Python."""
    found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("no uv: nothing to install a wheel with")
    return found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command of an environment that has the wheel, and of everything else only the libraries; it is run in an empty
    folder, with a home of its own."""
    uv, clean = installer(), tmp_path / "clean"
    quiet = {**os.environ, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    for command in (
        ["venv", "--python", sys.executable, str(clean)],
        ["pip", "install", "--no-deps", "--python", str(clean / "bin" / "python"), str(wheel)],
    ):
        subprocess.run([uv, *command], env=quiet, capture_output=True, check=True)
    [libraries] = clean.glob("lib/python3*/site-packages")
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    (tmp_path / "home").mkdir()
    (tmp_path / "empty").mkdir()

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        told = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(
            [clean / "bin" / "tightrope", *words],
            cwd=tmp_path / "empty",
            env=told,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.slow  # an environment is made, and the bot starts in it four times
@pytest.mark.timeout(240)
def test_installed_it_runs_from_an_empty_folder_and_keeps_its_config_where_one_may_edit_it(
    installed: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    first = installed("--version", TIGHTROPE_CONFIG="mine")
    mine = tmp_path / "empty" / "mine"
    assert (first.returncode, first.stdout) == (0, f"tightrope {__version__}\n")
    assert first.stderr == f"tightrope: rules, words and settings are in {mine} from now on\n"
    assert (mine / "bot.toml").read_bytes() == (ROOT / "config" / "bot.toml").read_bytes()
    edited = (mine / "rules" / "price.toml").read_text("utf-8") + "\n# edited\n"
    (mine / "rules" / "price.toml").write_text(edited, "utf-8")
    again = installed("check", TIGHTROPE_CONFIG="mine")
    assert (again.returncode, again.stderr) == (0, "")
    assert "tape february-2026" in again.stdout
    assert (mine / "rules" / "price.toml").read_text("utf-8") == edited
    at_home = installed("check")
    assert at_home.returncode == 0
    assert str(tmp_path / "home" / ".config" / "tightrope") in at_home.stderr
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["mine"]


@pytest.fixture
def release() -> Iterator[ModuleType]:
    """deploy/release.py."""
    sys.path.insert(0, str(ROOT / "deploy"))
    try:
        yield loaded("release")
    finally:
        sys.path.remove(str(ROOT / "deploy"))


def in_a_clone(release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heading: str) -> Path:
    """A repository of one commit that a release looks at instead of this one; its wheel is packed from here."""
    here = tmp_path / "clone"
    (here / "bot").mkdir(parents=True)
    (here / "bot" / "__init__.py").write_text(f'__version__ = "{__version__}"\n', "utf-8")
    (here / "CHANGELOG.md").write_text(f"# What is new\n\n## {heading}\n", "utf-8")
    (here / ".gitignore").write_text("/dist/\n", "utf-8")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "house: all of it"]):
        subprocess.run(["git", *words], cwd=here, check=True)
    monkeypatch.setattr(release, "ROOT", here)
    monkeypatch.setattr(release, "CHECKS", ())
    return here


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "somebody@example.org")


@pytest.mark.usefixtures("author")
def test_a_release_packs_the_wheel_sets_the_tag_and_says_how_the_image_is_built(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = in_a_clone(release, tmp_path, monkeypatch, __version__)
    assert release.main([]) == 0
    assert release.git("tag") == ""  # a dry run
    assert release.main(["--for-real"]) == 0
    assert release.git("tag", "-n1").split() == [f"v{__version__}", "Tightrope", __version__]
    assert [path.name for path in (here / "dist").iterdir()] == [f"tightrope-{__version__}-py3-none-any.whl"]
    assert f"git archive v{__version__} | docker build" in capsys.readouterr().out
    assert release.main(["--for-real"]) == 1  # a tag is set once


@pytest.mark.usefixtures("author")
def test_a_release_whose_check_fails_sets_no_tag(
    release: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = in_a_clone(release, tmp_path, monkeypatch, __version__)
    door = here / "tightrope"
    door.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    door.chmod(0o755)
    for words in (["add", "."], ["commit", "-q", "-m", "house: a door"]):
        subprocess.run(["git", *words], cwd=here, check=True)
    monkeypatch.setattr(release, "CHECKS", (("lint",),))
    assert release.main(["--for-real"]) == 1
    assert release.git("tag") == ""


def test_what_stands_against_a_release_is_named(release: ModuleType) -> None:
    changelog = f"# What is new\n\n## {__version__}\n"
    assert release.problems(__version__, changelog, "", "v0.0.1\n") == []
    found = release.problems(__version__, "## Unreleased\n", " M README.md\n", f"v{__version__}\n")
    assert [problem.split(":")[0] for problem in found] == [
        "1 file(s) are not committed",
        f"the tag v{__version__} is there already",
        f"CHANGELOG.md has no heading ## {__version__}",
    ]
    assert release.problems("9.9.9", "## 9.9.9\n", "", "") == [
        "bot/__init__.py says another version than pyproject.toml (9.9.9)"
    ]
