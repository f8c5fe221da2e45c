"""A short soak: kills, faults, and every post counted."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_short_soak_loses_nothing_doubles_nothing_and_accounts_for_every_fault(root: Path) -> None:
    given = ["--minutes", "2", "--servers", "8", "--kills", "2", "--seed", "7"]
    soaked = subprocess.run(
        [sys.executable, str(root / "benchmarks" / "soak.py"), *given],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert soaked.returncode == 0, soaked.stdout + soaked.stderr
    assert "FAILED" not in soaked.stdout
    assert "venue: " in soaked.stdout
