"""What a start takes: nothing that the page needs not to answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bot.process.run import FIRST_USED, LOADED_AHEAD
from tests.commentary.make import ROOT
from tests.process.test_run import free_port

NOT_BEFORE_IT_ANSWERS = {
    "PIL",
    "aiohttp.connector",
    "alembic",
    "anyio",
    "apscheduler",
    "asyncpg",
    "bot.cli.asking",
    "bot.cli.check",
    "bot.lab.study",
    "bot.process.errands",
    "bot.sources._tape",
    "discord",
    "httpcore",
    "httpx",
    "jinja2",
    "matplotlib",
    "mcp",
    "numpy",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "pygments",
    "rich._emoji_codes",
    "rich.progress",
    "rich.traceback",
    "sqlalchemy.orm",
    "xml",
}

START = """
import gc, json, os, runpy, sys, threading, time, urllib.request

def ask():
    while not hasattr(life := sys.modules.get("bot.process.run"), "run"):
        time.sleep(0.01)
    life.FIRST_USED_AFTER_S = float(os.environ["FIRST_USED_AFTER_S"])
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{os.environ['TIGHTROPE_PAGE__PORT']}/healthz", timeout=5).close()
            break
        except OSError:
            time.sleep(0.02)
    there = [name for name, module in list(sys.modules.items()) if type(module).__name__ != "PutOff"]
    collected = gc.isenabled()
    while not life.FIRST_USED_AFTER_S and not gc.isenabled():
        time.sleep(0.02)
    print(json.dumps([there, collected, gc.isenabled(), gc.get_freeze_count()]), flush=True)
    os._exit(0)

threading.Thread(target=ask, daemon=True).start()
sys.argv = ["bot", "run"]
runpy.run_module("bot", run_name="__main__", alter_sys=True)
"""


def start(folder: Path, first_used_after_s: float) -> tuple[set[str], bool, bool, int]:
    """What is imported when the page answers, whether garbage is looked for then and in the end, and among how many objects
    it is not."""
    environment = {
        **{name: value for name, value in os.environ.items() if "TOKEN" not in name},
        "PYTHONPATH": str(ROOT),
        "TIGHTROPE_PAGE__PORT": str(free_port()),
        "TIGHTROPE_SURFACES": '["preview"]',
        "FIRST_USED_AFTER_S": str(first_used_after_s),
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", START],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=55,
    )
    there, *garbage = json.loads(done.stdout.splitlines()[-1])
    return set(there), *garbage


def test_what_the_page_needs_not_to_answer_comes_after_it(tmp_path: Path) -> None:
    there, collected, *_ = start(tmp_path, 60)
    assert "bot.delivery.preview.page" in there
    assert there & NOT_BEFORE_IT_ANSWERS == set()
    assert not collected


def test_a_bot_that_has_started_looks_for_garbage_beside_what_it_loaded(tmp_path: Path) -> None:
    *_, collected, frozen = start(tmp_path, 0)
    assert collected
    assert frozen > 50_000


def test_what_is_imported_while_the_page_answers_is_there() -> None:
    program = f"from bot.late import load; load({(*FIRST_USED, *LOADED_AHEAD)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_look_at_its_health_brings_no_archive() -> None:
    asked = "import sys; from bot.cli.main import command_line; command_line('health')"
    program = f"{asked}; print({{'sqlalchemy', 'bot.process.run', 'bot.lab.study'}} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
