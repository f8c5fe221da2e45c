"""The audit of a whole archive: polls of a tape, and venues whose histories differ from it by known amounts."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console as Terminal

from bot.archive import open_archive
from bot.archive.remembered import keep_audit, last_audit
from bot.domain.audit import AuditReport, AuditRow
from bot.domain.playbook import Playbook
from bot.playbook import CONFIG, read_playbook
from bot.process import run as life
from bot.process.app import Parts, house, poll_all
from bot.process.audit import audit_archive, read_audit_settings
from bot.process.demo import read_tape
from bot.process.schedule import TapeClock
from bot.process.settings import Settings, load
from bot.sources._tape import TapeTransport
from tests.said import english

pytestmark = pytest.mark.timeout(120)

BEGIN = datetime(2026, 2, 5, 15, tzinfo=UTC)
HOURS = 9  # a payment of funding, and the one before it, lie within
SETTINGS = load(CONFIG, {}).model_copy(
    update={"assets": ("BTC",), "sources": ("deribit", "binance", "kraken")}
)


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


class Restating(httpx.AsyncBaseTransport):
    """The tape; once `restating`, its histories tell 2% more open interest, DVOL 1.5 points lower and a
    tenth of a percent more funding, while what is told of now stays."""

    def __init__(self, clock: TapeClock, settings: Settings) -> None:
        self.tape = TapeTransport(read_tape("february-2026"), clock.now, venues=settings.sources)
        self.restating = False
        self.broken = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.broken and self.broken in request.url.host:
            raise httpx.ConnectError("no route", request=request)
        response = await self.tape.handle_async_request(request)
        method = request.url.path.rpartition("/")[2]
        change = CHANGES.get(method) if self.restating else None
        if change is None:
            return response
        told = json.loads(response.content)
        change(told)
        return httpx.Response(200, headers={"date": response.headers["date"]}, json=told)


def more_open(rows: Any) -> None:
    for row in rows:
        for name in ("sumOpenInterest", "sumOpenInterestValue"):
            row[name] = str(float(row[name]) * 1.02)


def lower_dvol(told: Any) -> None:
    for bar in told["result"]["data"]:
        bar[-1] -= 1.5


def more_funding(rows: Any) -> None:
    for row in rows:
        row["fundingRate"] = str(float(row["fundingRate"]) + 0.001)


CHANGES = {
    "openInterestHist": more_open,
    "get_volatility_index_data": lower_dvol,
    "fundingRate": more_funding,
}


@pytest.fixture
async def polled(playbook: Playbook) -> AsyncIterator[tuple[Parts, Restating]]:
    """A bot that has polled a dozen hours of the tape, and its transport."""
    tape = read_tape("february-2026")
    clock = TapeClock(BEGIN)
    transport = Restating(clock, SETTINGS)
    async with house(
        SETTINGS, playbook, terminal=Terminal(file=io.StringIO()), tape=tape, transport=transport
    ) as parts:
        for hour in range(HOURS + 1):
            at = BEGIN + timedelta(hours=hour)
            clock.set(at)
            parts.clock.set(at)  # type: ignore[attr-defined]  # the tape's
            await poll_all(parts, at)
        yield parts, transport


async def audit(parts: Parts, playbook: Playbook, hours: int = HOURS - 1) -> AuditReport:
    rules = read_audit_settings(playbook.catalog)
    return await audit_archive(parts.archive, parts.venues, SETTINGS.assets, rules, parts.clock.now(), hours)


def row(report: AuditReport, metric: str, venue: str) -> AuditRow:
    [found] = [one for one in report.rows if (one.metric, one.venue) == (metric, venue)]
    return found


async def test_each_metric_and_venue_is_told_with_the_amount_by_which_its_history_differs(
    polled: tuple[Parts, Restating], playbook: Playbook
):
    parts, transport = polled
    before = await audit(parts, playbook)
    assert row(before, "open_interest_coin", "binance").mean == pytest.approx(0, abs=0.01)
    assert row(before, "dvol", "deribit").mean == pytest.approx(0, abs=1e-6)
    assert row(before, "open_interest_coin", "binance").beyond == 0

    transport.restating = True
    after = await audit(parts, playbook)
    coins = row(after, "open_interest_coin", "binance")
    assert coins.compared >= HOURS - 1
    assert coins.bias == pytest.approx((1 / 1.02 - 1) * 100, abs=0.01)
    assert coins.mean == pytest.approx((1 - 1 / 1.02) * 100, abs=0.01)
    assert coins.beyond == coins.compared
    dvol = row(after, "dvol", "deribit")
    assert dvol.bias == pytest.approx(1.5)
    assert dvol.largest == pytest.approx(1.5)
    assert dvol.beyond == dvol.compared > 0
    funding = row(after, "funding_8h_pct", "binance")
    assert funding.bias == pytest.approx(-0.1, abs=0.02)
    assert funding.beyond == funding.compared > 0
    assert after.beyond >= coins.beyond + dvol.beyond + funding.beyond


async def test_what_has_no_history_and_what_could_not_be_had_are_named(
    polled: tuple[Parts, Restating], playbook: Playbook
):
    parts, transport = polled
    transport.broken = "deribit"
    report = await audit(parts, playbook)
    assert "BTC open_interest_coin kraken" in report.without_history
    assert "BTC dvol deribit" in report.without_history
    assert [gap for gap in report.gaps if english(gap).startswith("deribit")]
    assert {one.venue for one in report.rows} == {"binance"}


async def test_the_nights_audit_stores_nothing_but_its_report(
    polled: tuple[Parts, Restating], playbook: Playbook
):
    parts, transport = polled
    transport.restating = True
    before = await parts.archive.points.series("BTC", BEGIN - timedelta(days=1))
    assert await parts.desk.market.last_audit() is None
    now = parts.clock.now()
    await life.audit_day(parts, SETTINGS, read_audit_settings(playbook.catalog), now)
    report = await parts.desk.market.last_audit()
    assert report is not None
    assert (report.at, report.since) == (now, now - timedelta(hours=24))
    assert report.beyond > 0
    after = await parts.archive.points.series("BTC", BEGIN - timedelta(days=1))
    assert [(one.metric, one.venue, one.value) for one in after] == [
        (one.metric, one.venue, one.value) for one in before
    ]


async def test_a_report_comes_back_as_it_was_kept():
    one = AuditRow(
        asset="BTC",
        metric="dvol",
        venue="deribit",
        unit="vol points",
        tolerance=0.5,
        compared=0,
        missing=3,
        beyond=0,
    )
    report = AuditReport(at=BEGIN, since=BEGIN - timedelta(days=1), rows=(one,), gaps=("x: y",))
    archive = await open_archive("sqlite://")
    await keep_audit(archive.notes, report)
    assert await last_audit(archive.notes) == report
    await archive.aclose()


def test_a_folder_without_the_file_takes_the_shipped_one(tmp_path: Path, playbook: Playbook):
    assert read_audit_settings(playbook.catalog, tmp_path) == read_audit_settings(playbook.catalog)
    text = 'within_s = 60\n[[metric]]\nname = "dvol"\ntolerance = 2\n'
    (tmp_path / "audit.toml").write_text(text, encoding="utf-8")
    assert set(read_audit_settings(playbook.catalog, tmp_path).tolerances) == {"dvol"}
