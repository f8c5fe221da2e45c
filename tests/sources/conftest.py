"""A clock that stands still, and an Http that asks a function instead of the network."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.sources._http import Http, Patience

START = datetime(2026, 1, 23, 12, 30, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]
Ask = Callable[[Handler], Http]


class StillClock:
    """Time passes only where a test, or a pause, moves it."""

    def __init__(self) -> None:
        self.at = START
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.pass_s(seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def ask(clock: StillClock) -> AsyncIterator[Ask]:
    """Makes an Http over a function from request to response; its pauses move the clock and take no time."""
    made: list[Http] = []

    def make(handler: Handler) -> Http:
        made.append(
            Http(
                now=clock.now, sleep=clock.sleep, transport=httpx.MockTransport(handler), patience=Patience()
            )
        )
        return made[-1]

    yield make
    for http in made:
        await http.aclose()
