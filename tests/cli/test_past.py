"""The command line's looking back: what stands on standard output, and the exit codes."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.archive import open_archive
from bot.cli.main import main
from bot.domain.facts import Point

AT = datetime(2026, 2, 6, 12, tzinfo=UTC)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, on an archive with ten days of hourly spot."""
    url = f"sqlite:///{tmp_path / 'archive.sqlite'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    asyncio.run(_fill(url))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bot", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


async def _fill(url: str) -> None:
    archive = await open_archive(url)
    points = [
        Point(
            metric="spot_usd",
            asset="BTC",
            at=AT - timedelta(hours=hour),
            value=70_000.0 + hour,
            venues=("deribit",),
        )
        for hour in range(240)
    ]
    await archive.points.add(points)
    await archive.aclose()


def test_a_brief_of_then_knows_the_price_of_then(bot: Run) -> None:
    code, out, _ = bot("brief", "BTC", "--at", "2026-02-04T12:00Z", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["at"] == "2026-02-04T12:00:00Z"
    assert told["facts"]["spot_usd"] == 70_048.0
    assert told["verdict"]["stance"] == "no-call"


def test_a_brief_from_before_the_archive_and_a_time_that_is_none_are_refused(bot: Run) -> None:
    assert bot("brief", "BTC", "--at", "2020-01-01")[0] == 2
    code, out, err = bot("brief", "BTC", "--at", "yesterday")
    assert (code, out) == (2, "")
    assert "yesterday" in err


def test_the_archives_points_come_out_as_csv_between_two_times(bot: Run, tmp_path: Path) -> None:
    code, out, _ = bot(
        "export",
        "--asset",
        "btc",
        "--metric",
        "spot_usd",
        "--from",
        "2026-02-06T10:00Z",
        "--to",
        "2026-02-06T12:00Z",
    )
    assert code == 0
    assert [line.split(",")[6] for line in out.splitlines()[1:]] == ["70002.0", "70001.0", "70000.0"]
    code, out, _ = bot("export", tmp_path / "points.csv", "--to", "2026-02-06T12:00Z")
    assert (code, out.split()[0]) == (0, "240")


def test_a_post_that_is_not_there_is_refused_by_name(bot: Run) -> None:
    code, _, err = bot("replay", "abcd1234")
    assert code == 2
    assert "abcd1234" in err


def test_a_backtest_over_the_archive_counts_its_hours(bot: Run) -> None:
    code, out, _ = bot("backtest", "--from", "2026-02-04", "--to", "2026-02-05", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["steps"] == 25
    assert told["stances_pct"] == {"no-call": 100.0}


def test_a_backtest_over_a_folder_without_a_known_file_is_refused(bot: Run, tmp_path: Path) -> None:
    code, _, err = bot("backtest", "--from", "2026-02-04", "--to", "2026-02-05", "--folder", tmp_path)
    assert code == 2
    assert "no file that history.toml describes" in err


SCORER = """import subprocess, sys, shlex
market = '{"asset": "BTC", "at": "2026-02-07T00:00:00Z", "facts": {"skew_60d_pct": 20, "basis_60d_pct": 2}}\\n'
ran = subprocess.run(shlex.split(sys.argv[2]), input=market, capture_output=True, text=True)
good = '"options": "bearish"' in ran.stdout
print(f"skew: {int(good)}/1 = {100 * good}%")
print(f"all: {int(good)}/1 = {100 * good}%, flips 0, answered 1")
"""


def test_the_rules_stand_beside_a_plain_judge_in_the_same_scorer(bot: Run, tmp_path: Path) -> None:
    scorer, plain, page = tmp_path / "scorer.py", tmp_path / "plain.py", tmp_path / "agreement.md"
    scorer.write_text(SCORER, encoding="utf-8")
    plain.write_text("""print('{"families": {"options": "neutral"}}')""", encoding="utf-8")
    assert bot("agreement", scorer, plain, "--to", page)[0] == 0
    told = page.read_text(encoding="utf-8")
    assert "| these rules | 100.0% (1 of 1) | 0 | 1 |" in told
    assert "| the plainest bands, one a metric | 0.0% (0 of 1) | 0 | 1 |" in told
    scorer.write_text("raise SystemExit(1)", encoding="utf-8")
    assert bot("agreement", scorer, plain, "--to", page)[0] == 2
