"""From the command to an answering page: time and memory, beside the imports of discord.py and of
Red-DiscordBot alone.

Run: python benchmarks/bench_start.py Goal: at most 3 times the time and 2.2 times the memory of `import discord` in the
same run (the readiness that a reader sees, before the first poll). The machine's noise falls on both."""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers import python_with, run, why

ROOT = Path(__file__).resolve().parents[1]
TIMES = 5
GOAL_TIME, GOAL_MEMORY = 3.0, 2.2
RED = "import redbot.core.bot, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
PEER = "import discord, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process, by Linux's account of it."""
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def ours(more: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Seconds until the page answered, and memory then; with `more` in the environment."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TIGHTROPE_PAGE__PORT": str(port),
        "https_proxy": "http://127.0.0.1:9",
        **(more or {}),
    }
    environment.pop("DISCORD_TOKEN", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bot", "run"],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                    return time.perf_counter() - begun, memory_mb(process)
                except urllib.error.URLError:
                    if process.poll() is not None:
                        raise SystemExit(f"the bot ended with {process.returncode}") from None
                    time.sleep(0.01)
        finally:
            process.terminate()
            process.wait()


def peer() -> tuple[float, float]:
    """The same of a program that only imports discord.py."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PEER], capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, float(done.stdout)


def row(what: str, unit: str, mine: float, peer: str, theirs: float, most: float) -> str:
    """One row; `most`: how many times the peer's figure ours may be (0: no goal)."""
    told = {
        "what": what,
        "value": round(mine, 2),
        "unit": unit,
        "peer": peer,
        "peer_value": round(theirs, 2),
        "ratio": theirs / mine,
    }
    if most:
        told |= {"goal": f"≤ {most:g} x the peer", "held": mine <= most * theirs}
    return f"row: {json.dumps(told, ensure_ascii=False)}"


def red() -> tuple[float, float] | str:
    """The same of a program that only imports Red-DiscordBot, in an environment of its own; or why it could
    not be asked."""
    try:
        python = python_with("start", ["Red-DiscordBot"], ["redbot"])
        taken = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            done = run(python, "-c", RED)
            taken.append((time.perf_counter() - begun, float(done.stdout)))
    except (OSError, subprocess.SubprocessError) as error:
        return why(error)
    return min(taken)


def main() -> None:
    """Print both figures."""
    ours()  # byte code and the disk's cache: a first start is another question
    mine, theirs = [], []
    for _ in range(TIMES):
        mine.append(ours())
        theirs.append(peer())
    ready_s, memory = min(one[0] for one in mine), max(one[1] for one in mine)
    beside = {"import discord": (min(one[0] for one in theirs), max(one[1] for one in theirs))}
    other = red()
    if isinstance(other, str):
        print(f"no Red-DiscordBot: {other}")
    else:
        beside["import Red-DiscordBot"] = other
    for name, (seconds, megabytes) in beside.items():
        bounds = (GOAL_TIME, GOAL_MEMORY) if name == "import discord" else (0.0, 0.0)
        print(row("page answers", "s", ready_s, name, seconds, bounds[0]))
        print(row("memory then", "MB", memory, name, megabytes, bounds[1]))
    print(f"median of {TIMES}: {statistics.median(one[0] for one in mine):.2f} s")


if __name__ == "__main__":
    main()
