"""The doctor: clocks, the archive, versions, and a token file that others may read."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.desk import Hearing
from bot.doctor import compare_clocks, look_at_archive, look_at_sources, versions
from bot.domain.facts import Facts
from bot.domain.readings import Gap

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)


@pytest.mark.parametrize(("apart_s", "well"), [(0, True), (-4, True), (6, False), (-3600, False)])
def test_a_clock_may_be_a_few_seconds_off(apart_s: float, well: bool) -> None:
    found = compare_clocks(NOW + timedelta(seconds=apart_s), NOW)
    assert found.well is well
    assert f"{apart_s:+.0f} s" in found.says


def test_without_the_venues_time_the_clock_is_not_called_right() -> None:
    assert not compare_clocks(NOW, None).well


class Books:
    async def outbox_count(self) -> dict[str, int]:
        return {"sent": 12, "uncertain": 1}


async def test_the_archive_is_told_with_its_posts_by_status() -> None:
    found = await look_at_archive(Books(), "sqlite:///a.sqlite")
    assert found.well
    assert found.says == "sqlite:///a.sqlite opens; posts: 12 sent, 1 uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A host's budget."""

    host: str
    used: float
    limit: float
    requests: int
    resting_until: datetime | None = None
    trouble: str = ""


class Asked:
    """A desk of two sources, one of which is silent, and of what was spent on them."""

    assets = ("BTC",)

    async def look(self, asset: str, at: datetime) -> Facts:
        return Facts(asset=asset, at=at, known={})

    def hearings(self) -> list[Hearing]:
        silent = Gap(who="okx", reason="okx: HTTP 503")
        return [Hearing(source="deribit", heard_at=NOW), Hearing(source="okx", gaps=(silent,))]

    def budgets(self) -> list[Spent]:
        rests = NOW + timedelta(minutes=2)
        return [
            Spent(host="www.deribit.com", used=7.5, limit=20, requests=9),
            Spent(host="www.okx.com", used=20, limit=20, requests=31, resting_until=rests, trouble="too many requests"),
        ]


async def test_each_source_and_each_budget_is_a_line_and_a_host_that_rests_is_not_well() -> None:
    desk: Any = Asked()
    found = {one.what: one for one in await look_at_sources(desk, NOW)}
    assert {name: one.well for name, one in found.items()} == {
        "source deribit": True, "source okx": False, "budget www.deribit.com": True, "budget www.okx.com": False,
        "facts on BTC": False,
    }  # fmt: skip
    assert found["source okx"].says == "okx: HTTP 503"
    assert found["budget www.deribit.com"].says == "7.5 of 20 in use, 9 requests"
    assert (
        found["budget www.okx.com"].says == "20 of 20 in use, 31 requests; rests until 14:02:00 UTC: too many requests"
    )


def test_versions_name_what_is_installed_in_order() -> None:
    names = [name.lower() for name, _ in versions()]
    assert names == sorted(names)
    assert {"httpx", "sqlalchemy", "discord.py"} <= set(names)


def test_a_token_file_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "token"
    secret.write_text("very-secret-token", encoding="utf-8")
    secret.chmod(0o644)
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(secret))
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    monkeypatch.setattr("sys.argv", ["bot", "doctor"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert "chmod 600" in told.err
    assert "very-secret-token" not in told.out + told.err


def test_versions_are_json_where_a_program_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bot", "doctor", "--versions", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "httpx" in json.loads(capsys.readouterr().out)["packages"]
