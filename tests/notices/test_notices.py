"""Notices stand beside commentary and never in its way."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.notices.bots import Bot, settings

pytestmark = pytest.mark.timeout(60)

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken",
    [
        "bot.notices.weekly.Weekly.posts",
        "bot.notices.outages.Outages.posts",
        "bot.notices.corrections.Corrections.run",
    ],
)
async def test_a_notice_that_cannot_be_made_holds_up_no_post_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(broken, fails)
    async with Bot(tmp_path / "bot.sqlite", settings("deribit"), monkeypatch).started() as one:
        await one.polls(NOON, NOON)
        assert len(await one.posts("scheduled")) == 1
    assert "failed" in capsys.readouterr().out
