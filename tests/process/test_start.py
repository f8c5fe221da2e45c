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
    "matplotlib",
    "mcp",
    "numpy",
    "pandas",
    "prometheus_client",
    "pyarrow",
    "rich.progress",
}

START = """
import json, os, runpy, sys, threading, time, urllib.request

def ask():
    while not hasattr(life := sys.modules.get("bot.process.run"), "run"):
        time.sleep(0.01)
    life.FIRST_USED_AFTER_S = 60.0
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{os.environ['TIGHTROPE_PAGE__PORT']}/healthz", timeout=5).close()
            break
        except OSError:
            time.sleep(0.02)
    there = [name for name, module in list(sys.modules.items()) if type(module).__name__ != "PutOff"]
    print(json.dumps(there), flush=True)
    os._exit(0)

threading.Thread(target=ask, daemon=True).start()
sys.argv = ["bot", "run"]
runpy.run_module("bot", run_name="__main__", alter_sys=True)
"""


def test_what_the_page_needs_not_to_answer_is_not_imported_before_it_does(tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if "TOKEN" not in name},
        "PYTHONPATH": str(ROOT),
        "TIGHTROPE_PAGE__PORT": str(free_port()),
        "TIGHTROPE_SURFACES": '["preview"]',
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", START],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=55,
    )
    there = set(json.loads(done.stdout.splitlines()[-1]))
    assert "bot.delivery.preview.page" in there
    assert there & NOT_BEFORE_IT_ANSWERS == set()


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
