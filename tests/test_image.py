"""The image: what every builder of images understands, and what `image-test` says where it cannot go on. Whether the
image holds is for `./tightrope image-test` itself."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_compose import tree

# What buildah, podman and a Docker before 25 know; one option more and they refuse the whole file.
OPTIONS = {"--interval", "--timeout", "--start-period", "--retries"}
TOOLS = ("buildah", "podman", "mmdebstrap", "runc")


def tried(root: Path, tools: Path) -> subprocess.CompletedProcess[str]:
    """`image-test` with nothing but these tools in reach."""
    command = [sys.executable, str(root / "deploy" / "image_test.py")]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "PATH": str(tools)}
    )


def write_tools(folder: Path, **says: str) -> None:
    """Each tool as a script of one line; those not named do nothing and succeed."""
    for name in TOOLS:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{says.get(name, ':')}\n", "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_how_it_is_asked_is_understood_by_every_builder(root: Path) -> None:
    [line] = [
        one for one in (root / "Dockerfile").read_text("utf-8").splitlines() if one.startswith("HEALTHCHECK")
    ]
    told, _, command = line.partition(" CMD ")
    assert {one.partition("=")[0] for one in told.split()[1:]} == OPTIONS
    assert json.loads(command) == ["python", "-P", "-m", "bot", "health"]


def test_composed_it_is_asked_from_its_first_second_on(root: Path) -> None:
    # An engine takes the one only beside the other.
    asked = tree((root / "compose.yaml").read_text("utf-8"))["x-tightrope"]["healthcheck"]
    assert asked == {"start_period": "30s", "start_interval": "1s"}


def test_tools_that_are_missing_are_named_with_what_brings_them(root: Path, tmp_path: Path) -> None:
    write_tools(tmp_path)
    (tmp_path / "podman").unlink()
    (tmp_path / "runc").unlink()
    done = tried(root, tmp_path)
    assert done.returncode == 2
    assert "missing: podman, runc." in done.stdout
    assert "apt-get install -y podman runc" in done.stdout


def test_a_command_that_fails_is_named_below_what_it_said(root: Path, tmp_path: Path) -> None:
    write_tools(tmp_path, buildah="echo no such flag >&2; exit 125")
    done = tried(root, tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == "no such flag"
    assert "image-test: `buildah bud " in done.stdout
    assert "ended with exit code 125" in done.stdout
    assert done.stdout.endswith("image-test: FAILED\n")


@pytest.mark.parametrize(("size", "code"), [(380_000_000, 0), (381_000_000, 1)])
def test_an_image_that_is_too_large_does_not_hold(root: Path, tmp_path: Path, size: int, code: int) -> None:
    says = {"uid": "10001", "which": "", "tests": "False", "State.ExitCode": "0", "image inspect": str(size)}
    lines = "".join(f'*"{asked}"*) echo "{said}";; ' for asked, said in says.items())
    write_tools(tmp_path, podman=f'case "$*" in {lines} esac')
    done = tried(root, tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("it takes 381 MB, more than 380" in done.stdout) == bool(code)
