"""History from the venues' own, on the tape: percentiles on the first day, and broken off it goes on where it was."""

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from rich.console import Console as Terminal

from bot.app import CONFIG, House, house, read_playbook, read_tape
from bot.backfill import fill
from bot.domain.playbook import Playbook
from bot.settings import load


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


@asynccontextmanager
async def opened(playbook: Playbook) -> AsyncIterator[House]:
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})
    terminal = Terminal(file=io.StringIO())
    async with house(settings, playbook, terminal=terminal, tape=read_tape("february-2026")) as parts:
        yield parts


def asked(parts: House) -> Mapping[str, int]:
    return {usage.host: usage.requests for usage in parts.http.usage() if usage.requests}


def nothing(what: str, number: int, total: int) -> None:
    """Nobody looks."""


async def test_after_it_what_venues_keep_sixty_days_of_can_be_ranked(playbook: Playbook):
    steps = []
    async with opened(playbook) as parts:
        filled = await fill(parts.desk, 90, lambda what, number, total: steps.append((number, total)))
        await parts.desk.poll("BTC", parts.clock.now())
        facts = await parts.desk.facts("BTC")
    assert filled.gaps == ()
    assert {"dvol", "funding_8h_pct", "gold_usd", "spot_usd"} <= set(filled.ranked["BTC"])
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    for name in ("dvol", "funding_8h_pct", "spot_usd"):
        assert 0 <= facts.known[f"{name}.percentile_90d"].value <= 100


@pytest.mark.slow
async def test_in_stretches_it_comes_to_the_same_as_at_once(playbook: Playbook):
    async with opened(playbook) as parts:
        await fill(parts.desk, 90, nothing)
        in_stretches = await parts.desk.facts("BTC")
    async with opened(playbook) as parts:
        now = parts.clock.now()
        await parts.desk.backfill("BTC", now.replace(year=2025, month=10, day=29), now)
        at_once = await parts.desk.facts("BTC")
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
        facts = await parts.desk.facts("BTC")
    assert 0 < second <= first / 2 + 1
    assert (facts.known.get("dvol.percentile_90d") or facts.stale["dvol.percentile_90d"]).value >= 0
