"""Environments of the peers' own, beside the project's: made on the first run, kept in `.venv-peers`."""

import os
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / ".venv-peers"
OURS = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


def plain() -> dict[str, str]:
    """The caller's environment without what is ours in it."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


def python_with(name: str, packages: Sequence[str], modules: Sequence[str]) -> Path:
    """The Python of the environment `name`, in which these modules can be imported. Raises OSError or
    subprocess.CalledProcessError where it cannot be made."""
    python = HOME / name / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    if run(python, "-c", f"import {', '.join(modules)}", check=False).returncode:
        run(python, "-m", "pip", "install", "--quiet", *packages)
    return python


def run(python: Path, *words: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """A command of a peer's Python, with `more` in its environment. Raises subprocess.CalledProcessError,
    unless not to `check`."""
    environment = {**plain(), **more}
    return subprocess.run(
        [str(python), *words], env=environment, capture_output=True, text=True, check=check, timeout=900
    )


def why(error: Exception) -> str:
    """The last line of what a peer said, or the error."""
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else None
    return (str(said or "").strip().splitlines() or [str(error)])[-1]
