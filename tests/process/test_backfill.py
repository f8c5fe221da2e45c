"""History from the venues' own, on the tape: percentiles on the first day, and broken off it goes on where it
was."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console as Terminal

from bot.desk.filler import AT_ONCE
from bot.domain.playbook import Playbook
from bot.metrics import History
from bot.playbook import CONFIG, read_playbook
from bot.process.app import Parts, house
from bot.process.backfill import fill
from bot.process.demo import read_tape
from bot.process.settings import load
from bot.sources._tape import TapeTransport

pytestmark = pytest.mark.timeout(180)  # ninety days are filled

START = read_tape("february-2026").starts_at


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


@asynccontextmanager
async def opened(playbook: Playbook) -> AsyncIterator[Parts]:
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})
    terminal = Terminal(file=io.StringIO())
    async with house(settings, playbook, terminal=terminal, tape=read_tape("february-2026")) as parts:
        yield parts


def asked(parts: Parts) -> Mapping[str, int]:
    return {usage.host: usage.requests for usage in parts.http.usage() if usage.requests}


def nothing(what: str, number: int, total: int) -> None:
    """Nobody looks."""


RANKED = (
    "skew_60d_pct",
    "basis_60d_pct",
    "funding_annual_pct",
    "open_interest_coin",
    "open_interest_usd",
    "put_call_volume_ratio",
    "dvol",
    "spot_usd",
)


async def test_after_it_every_reading_that_the_verdict_leans_on_has_a_rank(playbook: Playbook):
    steps: list[tuple[str, int, int]] = []
    async with opened(playbook) as parts:
        filled = await fill(parts.desk, 90, lambda *step: steps.append(step))
        await parts.desk.poller.poll("BTC", parts.clock.now())
        facts = await parts.desk.market.facts("BTC")
    assert filled.gaps == ()
    assert {"dvol", "funding_8h_pct", "gold_usd", "spot_usd"} <= set(filled.ranked["BTC"])
    total = 3 + 13
    assert [number for _, number, _ in steps] == [*range(total), total]
    assert steps[0][0] == "BTC, 29 December to 28 January"
    assert steps[3][0] == "BTC, estimates, 22 January to 29 January"
    for name in RANKED:
        assert 0 <= facts.known[f"{name}.percentile_90d"].value <= 100, name
    assert facts.known["open_interest_coin.change_7d_pct"].venues == ("binance", "bybit", "okx")
    assert facts.pasts is not None
    assert facts.pasts["skew_60d_pct"].days >= 85
    assert facts.pasts["skew_60d_pct"].estimated_pct == 100.0
    assert facts.pasts["funding_annual_pct"].estimated_pct == 0.0


@pytest.mark.slow
async def test_in_stretches_it_comes_to_the_same_as_at_once(playbook: Playbook):
    async with opened(playbook) as parts:
        await fill(parts.desk, 90, nothing)
        in_stretches = await parts.desk.market.facts("BTC")
    async with opened(playbook) as parts:
        now = parts.clock.now()
        await parts.desk.filler.backfill("BTC", now.replace(year=2025, month=10, day=29), now)
        at_once = await parts.desk.market.facts("BTC")
    for name in ("low_30d_usd", "high_30d_usd", "dvol.percentile_90d", "funding_8h_pct.percentile_90d"):
        seen, expected = (facts.known.get(name) or facts.stale[name] for facts in (in_stretches, at_once))
        assert seen.value == pytest.approx(expected.value), name


@pytest.mark.slow
async def test_a_second_time_asks_for_nothing_that_is_known(playbook: Playbook):
    async with opened(playbook) as parts:
        await fill(parts.desk, 90, nothing)
        before = asked(parts)
        await fill(parts.desk, 90, nothing)
        again = {host: count - before.get(host, 0) for host, count in asked(parts).items()}
    assert before["www.deribit.com"] >= 3
    assert again["www.deribit.com"] == again["fapi.binance.com"] == again["www.okx.com"] == 0


async def test_broken_off_it_keeps_what_it_had_and_goes_on_from_there(playbook: Playbook):
    def break_off(what: str, number: int, total: int) -> None:
        if number == 2:
            raise KeyboardInterrupt

    async with opened(playbook) as parts:
        with pytest.raises(KeyboardInterrupt):
            await fill(parts.desk, 90, break_off)
        first = asked(parts)["www.deribit.com"]
        await fill(parts.desk, 90, nothing)
        second = asked(parts)["www.deribit.com"] - first
        facts = await parts.desk.market.facts("BTC")
    assert 0 < second <= first / 2 + 1
    assert (facts.known.get("dvol.percentile_90d") or facts.stale["dvol.percentile_90d"]).value >= 0


class Stopping(httpx.AsyncBaseTransport):
    """The tape, until the process is killed at a request; it notes what it was asked."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self._kill_at = kill_at
        self._tape = TapeTransport(read_tape("february-2026"), lambda: START, venues=("deribit", "binance"))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if len(self.asked) == self._kill_at:
            raise Killed
        self.asked.append((request.url.path, str(request.url.query)))
        return await self._tape.handle_async_request(request)


class Killed(BaseException):
    """The process is gone."""


async def filled_by(url: str, playbook: Playbook, transport: Stopping) -> History:
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",), "sources": ("deribit", "binance")})
    tape, terminal = read_tape("february-2026"), Terminal(file=io.StringIO())
    async with house(settings, playbook, terminal=terminal, tape=tape, transport=transport, url=url) as parts:
        await fill(parts.desk, 12, nothing)
        parts.desk.market.refresh()
        return await parts.desk.market.history("BTC")


async def test_killed_at_any_request_it_goes_on_and_asks_for_no_stored_stretch_again(
    playbook: Playbook, tmp_path: Path
):
    whole = Stopping()
    expected = await filled_by("sqlite://", playbook, whole)
    for kill_at in (1, len(whole.asked) // 3, len(whole.asked) // 2, len(whole.asked) - 1):
        url = f"sqlite+aiosqlite:///{tmp_path / str(kill_at)}.sqlite"
        killed, again = Stopping(kill_at), Stopping()
        with pytest.raises(BaseException):  # noqa: B017, PT011
            await filled_by(url, playbook, killed)
        history = await filled_by(url, playbook, again)
        for metric in ("skew_60d_pct", "put_call_volume_ratio", "basis_60d_pct"):
            column = history.estimates(metric)
            assert column.value.tolist() == pytest.approx(expected.estimates(metric).value.tolist()), metric
            assert len(set(column.known_ms.tolist())) == len(column)
        stored = [one for one in killed.asked if "by_currency_and_time" in one[0]]
        repeated = set(stored) & set(again.asked)
        assert len(repeated) <= AT_ONCE, kill_at
