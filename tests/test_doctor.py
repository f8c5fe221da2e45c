"""The doctor: clocks, the archive, versions, and a token file that others may read."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli import main
from bot.doctor import compare_clocks, look_at_archive, versions

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
