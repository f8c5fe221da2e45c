"""benchmarks/core.py as rows of the table: each step beside the peer of its group.

Run: ./tightrope bench core
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def measured() -> list[dict[str, Any]]:
    """What pytest-benchmark measured. Raises CalledProcessError where a step fails."""
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "measured.json"
        plain = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "addopts=",
            "--benchmark-warmup=on",
            "--benchmark-min-rounds=40",
        ]
        command = [sys.executable, "-m", "pytest", str(HERE / "core.py"), *plain, f"--benchmark-json={to}"]
        subprocess.run(command, check=True, cwd=HERE.parent, stdout=sys.stderr)
        found: list[dict[str, Any]] = json.loads(to.read_text(encoding="utf-8"))["benchmarks"]
    return found


def rows(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each group, by the shortest rounds."""
    made = []
    for group in dict.fromkeys(step["group"] for step in steps):
        mine = [step for step in steps if step["group"] == group]
        [ours] = [step for step in mine if not step["extra_info"]["peer"]]
        row = {"what": group, "value": round(ours["stats"]["min"] * 1000.0, 4), "unit": "ms"}
        if goal_ms := ours["extra_info"]["goal_ms"]:
            row |= {"goal": f"≤ {goal_ms:g} ms", "held": row["value"] <= goal_ms}
        for peer in (step for step in mine if step["extra_info"]["peer"]):
            theirs, most = round(peer["stats"]["min"] * 1000.0, 4), peer["extra_info"]["most"]
            row |= {
                "peer": peer["extra_info"]["peer"],
                "peer_value": theirs,
                "ratio": round(theirs / row["value"], 3),
            }
            row |= {"goal": f"≤ {most:g} x the peer", "held": row["value"] <= most * theirs}
        made.append(row)
    return made


def main() -> None:
    """Measure, and print the rows."""
    for row in rows(measured()):
        print("row:" + json.dumps(row))


if __name__ == "__main__":
    main()
