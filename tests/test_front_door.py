"""The front door's own decisions: what is installed, when, by whom, and what is said where nothing can be."""

import os
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import longest_first

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def door() -> ModuleType:
    """The front door as a module."""
    loader = SourceFileLoader("front_door", str(ROOT / "tightrope"))
    spec = spec_from_loader("front_door", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Locks of our own, one package each."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    for name in ("bootstrap", "run", "test", "lint"):
        (folder / f"{name}.lock").write_text(f"{name}==1.0 \\\n    --hash=sha256:{name}\n    # via {name}\n")
    return folder


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """Something with a Python in it."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").touch()
    return tmp_path / "venv"


@pytest.fixture
def pyproject(tmp_path: Path) -> Path:
    """The smallest project with dependencies."""
    path = tmp_path / "pyproject.toml"
    path.write_text(
        '[project]\nrequires-python = ">=3.11"\ndependencies = ["httpx"]\n'
        '[project.optional-dependencies]\npostgres = ["asyncpg"]\n[dependency-groups]\ntest = ["pytest"]\n[tool.x]\ny = 1\n'
    )
    return path


def headed(door: ModuleType, locks: Path, pyproject: Path) -> None:
    for path in locks.glob("*.lock"):
        path.write_text(door.lock_header(pyproject) + path.read_text())


def test_an_empty_folder_is_not_set_up(door: ModuleType, locks: Path, tmp_path: Path) -> None:
    assert not door.is_stamped("run", tmp_path / "venv", locks)


def test_a_stamped_set_is_not_installed_again(door: ModuleType, locks: Path, venv: Path) -> None:
    assert not door.is_stamped("run", venv, locks)
    door.stamp("run", venv, locks)
    assert door.is_stamped("run", venv, locks)


def test_a_set_holds_the_smaller_ones_and_not_the_larger(door: ModuleType, locks: Path, venv: Path) -> None:
    door.stamp("test", venv, locks)
    assert [name for name in door.SETS if door.is_stamped(name, venv, locks)] == ["run", "test"]


def test_a_changed_lock_is_installed_again(door: ModuleType, locks: Path, venv: Path) -> None:
    door.stamp("run", venv, locks)
    (locks / "run.lock").write_text("run==1.1\n")
    assert not door.is_stamped("run", venv, locks)


def test_an_environment_whose_python_is_gone_is_made_anew(door: ModuleType, locks: Path, venv: Path) -> None:
    door.stamp("run", venv, locks)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(venv / "no-such-python")
    assert not door.is_stamped("run", venv, locks)


def test_without_any_installer_the_exact_apt_line_is_said(door: ModuleType) -> None:
    assert "sudo apt-get install -y python3-venv" in door.apt_line(
        has_pip=False, has_ensurepip=False, has_uv=False
    )


@pytest.mark.parametrize("present", ["has_pip", "has_ensurepip", "has_uv"])
def test_any_one_installer_is_enough(door: ModuleType, present: str) -> None:
    nothing = {"has_pip": False, "has_ensurepip": False, "has_uv": False}
    assert door.apt_line(**{**nothing, present: True}) is None


def test_uv_is_told_the_index_and_certificates_that_pip_knows(door: ModuleType) -> None:
    told = door.uv_environment({"PIP_CERT": "/ca.pem", "HOME": "/h"}, "mirror/simple")
    assert told["UV_DEFAULT_INDEX"] == "mirror/simple"
    assert told["SSL_CERT_FILE"] == "/ca.pem"
    assert told["HOME"] == "/h"


def test_what_the_caller_told_uv_stays(door: ModuleType) -> None:
    given = {
        "UV_DEFAULT_INDEX": "mine",
        "PIP_CERT": "/ca.pem",
        "SSL_CERT_FILE": "/own.pem",
        "UV_HTTP_RETRIES": "5",
    }
    assert door.uv_environment(given, "mirror/simple") == given
    assert "UV_DEFAULT_INDEX" not in door.uv_environment({"UV_INDEX_URL": "mine"}, "mirror/simple")


def test_the_project_comes_before_the_callers_own_path(door: ModuleType) -> None:
    assert door.house_environment({"PYTHONPATH": "/theirs"})["PYTHONPATH"] == f"{ROOT}{os.pathsep}/theirs"
    assert door.house_environment({})["PYTHONPATH"] == str(ROOT)
    assert not door.house_environment({"PYTHONDONTWRITEBYTECODE": "1"})["PYTHONDONTWRITEBYTECODE"]


def test_memory_is_kept_alike_however_the_bot_is_started(door: ModuleType) -> None:
    assert door.house_environment({})["MALLOC_ARENA_MAX"] == "1"
    assert door.house_environment({"MALLOC_ARENA_MAX": "4"})["MALLOC_ARENA_MAX"] == "4"
    image = (ROOT / "Dockerfile").read_text("utf-8")
    assert all(f"{name}={value}" in image for name, value in door.MALLOC.items())


@pytest.mark.parametrize(
    ("arguments", "long"),
    [
        (["run"], True),
        (["run", "--role", "poller"], True),
        (["demo"], True),
        (["demo", "--speed", "2"], True),
        (["demo", "--once"], False),
        (["brief", "BTC"], False),
        ([], False),
    ],
)
def test_memory_is_given_back_at_once_by_what_runs_until_it_is_stopped(
    door: ModuleType, arguments: list[str], long: bool
) -> None:
    assert door.lives_on(arguments) is long
    told = door.house_environment({}, for_long=door.lives_on(arguments))
    assert [name for name in told if name.startswith("MALLOC_")] == (list(door.MALLOC) if long else [])


def test_tests_run_side_by_side_unless_the_caller_decided(door: ModuleType) -> None:
    assert "-n" in door.pytest_arguments(["--all", "tests/rules"])
    for decided in (["-n0"], ["-n", "4"], ["--pdb"], ["-p", "no:xdist"], ["--numprocesses=1"]):
        assert door.pytest_arguments(decided) == ["-m", "pytest", *decided]


def test_side_by_side_the_files_whose_tests_may_take_longest_begin() -> None:
    def item(file: str, limit_s: int | None = None) -> SimpleNamespace:
        marker = SimpleNamespace(args=(limit_s,)) if limit_s else None
        return SimpleNamespace(path=Path(file), get_closest_marker={"timeout": marker}.get)

    items = [item("few"), item("tape", 300), item("many"), item("many"), item("year", 900), item("tape")]
    longest_first(cast(list[pytest.Item], items))
    assert [str(one.path) for one in items] == ["year", "tape", "tape", "many", "many", "few"]


def test_fresh_hashed_locks_have_no_problem(door: ModuleType, locks: Path, pyproject: Path) -> None:
    headed(door, locks, pyproject)
    assert door.lock_problems(locks, pyproject) == []


def test_a_lock_that_names_a_host_is_refused(door: ModuleType, locks: Path, pyproject: Path) -> None:
    headed(door, locks, pyproject)
    with (locks / "test.lock").open("a") as lock:
        lock.write("--index-url https:" + "//mirror.example/simple --hash=sha256:0\n")
    assert door.lock_problems(locks, pyproject) == ["requirements/test.lock names a host"]


def test_a_requirement_without_a_hash_is_refused(door: ModuleType, locks: Path, pyproject: Path) -> None:
    headed(door, locks, pyproject)
    with (locks / "run.lock").open("a") as lock:
        lock.write("loose==2.0\n")
    assert door.lock_problems(locks, pyproject) == ["requirements/run.lock: no hash for loose==2.0"]


def test_a_new_dependency_makes_the_locks_stale_and_a_tools_setting_does_not(
    door: ModuleType, locks: Path, pyproject: Path
) -> None:
    headed(door, locks, pyproject)
    pyproject.write_text(pyproject.read_text().replace("y = 1", "y = 2"))
    assert door.lock_problems(locks, pyproject) == []
    pyproject.write_text(pyproject.read_text().replace('"httpx"', '"httpx", "numpy"'))
    assert len(door.lock_problems(locks, pyproject)) == 4


def test_a_script_that_is_not_there_is_named(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(door, "SCRIPTS", {"bench": "benchmarks/no_such.py"})
    assert door.main(["bench"]) == 2
    said = capsys.readouterr()
    assert "benchmarks/no_such.py is missing" in said.err
    assert said.out == ""


def test_a_failing_set_up_ends_with_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    # A copy of the door with no installer in reach: no site packages, no ensurepip, an empty PATH.
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.lock").write_text("httpx==0.28.1\n")
    (tmp_path / "tightrope").write_text((ROOT / "tightrope").read_text("utf-8"), "utf-8")
    program = (
        "import importlib.util, runpy, sys; found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name in {'pip', 'ensurepip'} else found(name, package)\n"
        "sys.argv = ['tightrope', 'brief']; runpy.run_path('tightrope', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "python3-venv" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_a_command_the_usage_goes_to_stderr() -> None:
    done = subprocess.run([ROOT / "tightrope"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "./tightrope COMMAND" in done.stderr
    assert done.stdout == ""


def test_the_account_of_skipped_tests_names_what_nobody_listed(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(
        (ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8"
    )
    (tmp_path / "tests" / "skips.toml").write_text('[[skip]]\nreason = "no browser:"\nbecause = "a reason"\n')
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest\n"
        "def test_listed(): pytest.skip('no browser: none found')\n"
        "def test_strange(): pytest.skip('felt like it')\n"
        "@pytest.mark.slow\ndef test_slow(): pass\n"
        "def test_fine(): pass\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: slow\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    def run(*arguments: str, ci: str) -> subprocess.CompletedProcess[str]:
        told = {**environment, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=told, capture_output=True, text=True, check=False
        )

    in_ci, at_home = run(ci="true"), run("--all", ci="")
    assert (in_ci.returncode, at_home.returncode) == (1, 0)
    assert "felt like it  NOT in tests/skips.toml" in in_ci.stdout
    assert "no browser: none found\n" in in_ci.stdout
    assert "1 passed, 2 skipped, 1 deselected" in in_ci.stdout
    assert "2 passed, 2 skipped" in at_home.stdout


def test_a_clone_that_may_not_be_written_to_is_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, door: ModuleType
) -> None:
    held = tmp_path / "clone"
    held.write_text("a file, where a folder is to be made", encoding="utf-8")  # root may write anywhere else
    monkeypatch.setattr(door, "VENV", held / ".venv")
    with pytest.raises(door.CannotSetUp) as refused, door.one_at_a_time():
        raise AssertionError
    assert refused.value.code == 2
    assert str(refused.value).startswith(f"{held}/.venv cannot be written to (Not a directory)")
    assert "TIGHTROPE_VENV" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_environment_elsewhere_is_taken_where_it_is_named(tmp_path: Path) -> None:
    program = "import runpy; print(runpy.run_path('tightrope', run_name='door')['PYTHON'])"
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"TIGHTROPE_VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == str(tmp_path / "venv" / "bin" / "python")


def test_what_takes_long_is_told_while_it_does(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(door, "TELL_EVERY_S", 0.05)
    with door.telling("installing"):
        time.sleep(0.4)
    told = capsys.readouterr().err.splitlines()
    assert 2 <= len(told) <= 8
    assert all(line.startswith("tightrope: installing (") for line in told)


def test_the_unit_writes_beside_the_archive_and_never_into_the_clone() -> None:
    unit = (ROOT / "deploy" / "tightrope.service").read_text("utf-8")
    lines = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("Environment=")]
    given = dict(pair.split("=", 1) for line in lines for pair in line.split())
    assert given["TIGHTROPE_VENV"].startswith("/var/lib/tightrope/")
    written = [value.rpartition("sqlite+aiosqlite:///")[2] for value in given.values()]
    assert all(path.startswith(("/var/lib/tightrope", "/var/cache/tightrope")) for path in written)
    for name in (
        "StateDirectory=tightrope",
        "CacheDirectory=tightrope",
        "ProtectSystem=strict",
        "DynamicUser=yes",
    ):
        assert name in unit.splitlines()


def requires_of(name: str) -> list[str]:
    """What an installed package asks for; of one that this system needs not, nothing."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def test_a_lock_names_the_extras_that_its_packages_ask_for() -> None:
    # Where it does not, a pip before 24 takes coverage[toml] for something that is not pinned, and refuses the lock.
    pinned = {}
    for line in (ROOT / "requirements" / "test.lock").read_text("utf-8").splitlines():
        if "==" in line and not line.startswith(("#", " ")):
            one = Requirement(line.removesuffix(" \\"))
            pinned[canonicalize_name(one.name)] = one.extras
    asked = {
        (canonicalize_name(wanted.name), extra)
        for name in pinned
        for text in requires_of(name)
        if (wanted := Requirement(text)).marker is None or wanted.marker.evaluate({"extra": ""})
        for extra in wanted.extras
    }
    assert ("coverage", "toml") in asked
    assert {(name, extra) for name, extra in asked if extra not in pinned[name]} == set()
