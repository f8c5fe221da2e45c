"""Every benchmark beside this file, one after the other, and one table of what they measured beside their
peers.

Run: ./tightrope bench [--page FILE] [NAME ...]          (NAME: `archive` for bench_archive.py; all without one)

A benchmark is a program that prints what it measures. A line that starts with `row:` holds one row of the
table as JSON: `what`, `value`, `unit`, and where there are any `peer` (its name), `peer_value`, `ratio` (the
peer's value over ours) and `goal` with `held`. Its other lines are shown as they are. Exit code 1 where a
benchmark failed or a goal was not held.

With `--page` the rows become a page (docs/benchmarks.md), each beside the limit that benchmarks/limits.toml
states for it."""

import json
import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
MARK = "row:"
PATIENCE_S = 1200


class Ran(Struct, frozen=True, kw_only=True):
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
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]),
    }
    try:
        done = subprocess.run(
            [sys.executable, str(path)],
            cwd=HERE.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return Ran(name=name, rows=(), text=(), failure=f"not done within {PATIENCE_S} s")
    lines = done.stdout.splitlines()
    rows = tuple(json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK))
    text = tuple(line for line in lines if not line.startswith(MARK))
    failure = None if done.returncode == 0 else "\n".join(done.stderr.splitlines()[-5:])
    return Ran(name=name, rows=rows, text=text, failure=failure)


def table(results: Sequence[Ran]) -> Table:
    """What was measured beside its peers."""
    made = Table(
        title="Measured in this run, on this machine: the ratios hold elsewhere, the absolutes do not"
    )
    for heading in ("benchmark", "what", "ours", "peer", "ratio", "goal", ""):
        made.add_column(heading, justify="right" if heading in ("ours", "ratio") else "left")
    for result in results:
        for row in result.rows:
            peer = f"{row['peer']}: {row['peer_value']:g} {row['unit']}" if row.get("peer") else ""
            ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else ""
            held = "" if row.get("held") is None else "held" if row["held"] else "MISSED"
            made.add_row(
                result.name,
                row["what"],
                f"{row['value']:g} {row['unit']}",
                peer,
                ratio,
                row.get("goal", ""),
                held,
            )
    return made


def limits() -> list[dict[str, str]]:
    """The rows of limits.toml."""
    rows: list[dict[str, str]] = tomllib.loads((HERE / "limits.toml").read_text(encoding="utf-8"))["row"]
    return rows


def limit_of(bench: str, row: Mapping[str, Any], known: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """What bounds a row: the entry whose words its own begin with, the longest first. Raises LookupError."""
    fitting = [one for one in known if one["bench"] == bench and row["what"].startswith(one["what"])]
    if not fitting:
        raise LookupError(f"{bench}: {row['what']}: benchmarks/limits.toml states no limit for it")
    return max(fitting, key=lambda one: len(one["what"]))


def page(results: Sequence[Ran]) -> str:
    """What was measured as a page. Raises LookupError for a row without a limit."""
    known = limits()
    lines = [
        "# Benchmarks",
        "",
        "Made by `./tightrope bench --page docs/benchmarks.md` in one run; do not edit by hand. Each row stands beside a peer that",
        "was measured in the same minutes on the same machine, and beside what would bound it whoever wrote the program. The ratio",
        "says how many times better ours is than the peer's: it holds on other machines, the figures themselves do not.",
        "",
        f"This run: {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.",
        "",
        "| benchmark | what | ours | peer | its figure | ratio | limit | goal | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for row in result.rows:
            bound = limit_of(result.name, row, known)
            theirs = f"{row['peer_value']:g} {row['unit']}" if row.get("peer") else "not measured here"
            ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else "–"
            missed = f"**missed**: {bound['missed']}" if bound.get("missed") else "**missed**"
            held = "" if row.get("held") is None else "held" if row["held"] else missed
            cells = (
                f"`{result.name}`",
                row["what"],
                f"{row['value']:g} {row['unit']}",
                row.get("peer") or bound["peer"],
                theirs,
                ratio,
                bound["limit"],
                row.get("goal", ""),
                held,
            )
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    failed = [f"- `{result.name}` failed: {result.failure}" for result in results if result.failure]
    silent = [
        f"- `{result.name}` printed no row." for result in results if not result.rows and not result.failure
    ]
    return "\n".join([*lines, *(["", *failed, *silent] if failed or silent else [])]) + "\n"


def arguments(given: Sequence[str]) -> tuple[Path | None, Sequence[str]]:
    """The page to write, if any, and the names."""
    names = list(given)
    if "--page" not in names:
        return None, names
    place = names.index("--page")
    if place + 1 == len(names):
        raise SystemExit("--page wants a file, such as docs/benchmarks.md")
    return Path(names[place + 1]), names[:place] + names[place + 2 :]


def main() -> int:
    """Run, print, judge."""
    console = Console(width=150 if not sys.stdout.isatty() else None)
    to, wanted = arguments(sys.argv[1:])
    results = []
    for path in found(wanted):
        print(f"bench: {path.name}", file=sys.stderr, flush=True)
        results.append(ran(path))
        for line in results[-1].text:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
        if results[-1].failure:
            console.print(f"  FAILED: {results[-1].failure}", markup=False)
    console.print(table(results))
    if to is not None:
        to.write_text(page(results), encoding="utf-8")
        print(f"written to {to}", file=sys.stderr)
    missed = [row for result in results for row in result.rows if row.get("held") is False]
    return 1 if missed or any(result.failure for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
