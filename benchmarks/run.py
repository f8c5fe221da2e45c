"""Every benchmark beside this file, one after the other, and one table of what they measured beside their peers.

Run: ./tightrope bench [NAME ...]          (NAME: `archive` for bench_archive.py; all without one)

A benchmark is a program that prints what it measures. A line that starts with `row:` holds one row of the table as JSON: `what`,
`value`, `unit`, and where there are any `peer` (its name), `peer_value`, `ratio` (the peer's value over ours) and `goal` with
`held`. Its other lines are shown as they are. Exit code 1 where a benchmark failed or a goal was not held.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
MARK = "row:"
PATIENCE_S = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one benchmark said."""

    name: str
    rows: tuple[dict[str, Any], ...]
    text: tuple[str, ...]
    failure: str | None = None


def found(wanted: Sequence[str]) -> list[Path]:
    """The benchmarks by name; all where none is named."""
    paths = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    unknown = [name for name in wanted if name not in paths]
    if unknown:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(paths)}")
    return [paths[name] for name in wanted or paths]


def ran(path: Path) -> Ran:
    """One benchmark, in a process of its own."""
    name = path.stem.removeprefix("bench_")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(
            [sys.executable, str(path)], cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False,
            timeout=PATIENCE_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ran(name=name, rows=(), text=(), failure=f"not done within {PATIENCE_S} s")
    lines = done.stdout.splitlines()
    rows = tuple(json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK))
    text = tuple(line for line in lines if not line.startswith(MARK))
    failure = None if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-5:])
    return Ran(name=name, rows=rows, text=text, failure=failure)


def table(results: Sequence[Ran]) -> Table:
    """What was measured beside its peers."""
    made = Table(title="Measured in this run, on this machine: the ratios hold elsewhere, the absolutes do not")
    for heading in ("benchmark", "what", "ours", "peer", "ratio", "goal", ""):
        made.add_column(heading, justify="right" if heading in ("ours", "ratio") else "left")
    for result in results:
        for row in result.rows:
            peer = f"{row['peer']}: {row['peer_value']:g} {row['unit']}" if row.get("peer") else ""
            ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else ""
            held = "" if row.get("held") is None else "held" if row["held"] else "MISSED"
            made.add_row(
                result.name, row["what"], f"{row['value']:g} {row['unit']}", peer, ratio, row.get("goal", ""), held
            )
    return made


def main() -> int:
    """Run, print, judge."""
    console = Console(width=150 if not sys.stdout.isatty() else None)
    results = []
    for path in found(sys.argv[1:]):
        print(f"bench: {path.name}", file=sys.stderr, flush=True)
        results.append(ran(path))
        for line in results[-1].text:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        if results[-1].failure:
            console.print(f"  FAILED: {results[-1].failure}", markup=False)
    console.print(table(results))
    missed = [row for result in results for row in result.rows if row.get("held") is False]
    return 1 if missed or any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
