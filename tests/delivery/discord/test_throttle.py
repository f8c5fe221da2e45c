"""The throttle, on a clock of its own."""

import asyncio
from collections.abc import Callable
from operator import itemgetter

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.throttle import CATCH_UP, RATE, Throttle, Turn
from bot.desk.desk import Desk
from tests.delivery.discord.fake import FakeDiscord, Fault
from tests.delivery.discord.stand import Memory


class Still:
    """A clock that moves when somebody sleeps, a little further than asked for."""

    def __init__(self, late_s: list[float] | None = None) -> None:
        self.now_s = 100.0
        self.late_s = late_s or [0.0]
        self.slept = 0

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds + self.late_s[self.slept % len(self.late_s)]
        self.slept += 1


async def turns(throttle: Throttle, still: Still, count: int) -> list[float]:
    times: list[float] = []

    async def one() -> None:
        await throttle.turn()
        times.append(still.now_s)

    await asyncio.gather(*(one() for _ in range(count)))
    return times


def most_in_a_second(times: list[float]) -> int:
    return max(sum(begin - 1 + 1e-6 < at <= begin for at in times) for begin in times)


async def test_a_thousand_turns_at_once_use_the_rate_and_never_exceed_it() -> None:
    still = Still()
    times = await turns(Throttle(now=still.now, sleep=still.sleep), still, 1000)
    assert len(times) == 1000
    assert most_in_a_second(times) <= RATE
    assert times[-1] - times[0] <= 999 / RATE + 0.001


async def test_waking_up_late_costs_no_rate() -> None:
    still = Still([0.001])
    times = await turns(Throttle(now=still.now, sleep=still.sleep), still, 1000)
    assert times[-1] - times[0] <= 999 / RATE * 1.02


@settings(max_examples=30)
@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=40))
def test_no_stall_makes_a_burst(late_s: list[float]) -> None:
    still = Still(late_s)
    times = asyncio.run(turns(Throttle(now=still.now, sleep=still.sleep), still, 300))
    assert most_in_a_second(times) <= RATE
    assert times == sorted(times)


async def test_a_pause_does_not_save_up_turns() -> None:
    still = Still()
    throttle = Throttle(now=still.now, sleep=still.sleep)
    await throttle.turn()
    still.now_s += 60
    times = await turns(throttle, still, 20)
    assert sum(at == times[0] for at in times) <= CATCH_UP + 1


async def test_a_turn_that_is_given_up_holds_up_nobody() -> None:
    throttle = Throttle(rate=5)
    await throttle.turn()
    waiting = asyncio.create_task(throttle.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.wait_for(throttle.turn(), 2)


async def test_every_request_waits_for_its_turn_and_answers_to_readers_do_not(fake: FakeDiscord) -> None:
    turns: list[float] = []

    class Counting(Throttle):
        async def turn(self) -> Turn:
            turns.append(self._now())
            return Turn(left_at=self._now())

    async with aiohttp.ClientSession(trace_configs=[Counting().trace()]) as session:
        for path in ("users/@me", "interactions/1/x/callback", "webhooks/1/x"):
            fake.fault("POST", path, Fault(status=503))
            async with session.post(f"{fake.base}/{path}"):
                pass
    fake.problems.clear()  # these were no requests of the bot's
    assert len(turns) == 1


async def test_a_repeat_after_a_429_takes_a_turn_of_its_own(
    fake: FakeDiscord, desk: Desk, memory: Memory
) -> None:
    turns: list[float] = []

    class Counting(Throttle):
        async def turn(self) -> Turn:
            turns.append(self._now())
            return Turn(left_at=self._now())

    client = TightropeClient(desk=desk, keeping=memory, throttle=Counting())
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 0.01, "global": True}
    fake.fault("GET", "/users/@me", Fault(status=429, body=body))
    await client.login("token")
    await client.close()
    assert len(turns) == len(fake.asked)
    assert len(fake.requests("GET", "/users/@me")) == 2


async def arrivals(late_s: Callable[[int], float], count: int = 400) -> list[float]:
    """When requests arrive of which each is held up on its way for so long, and answered at once."""
    still = Still()
    throttle = Throttle(now=still.now, sleep=still.sleep)
    arrived: list[float] = []
    out: list[tuple[float, Turn]] = []
    for number in range(count):
        turn = await throttle.turn()
        out.append((turn.left_at + 0.1 + late_s(number), turn))
        for at, one in sorted((pair for pair in out if pair[0] <= still.now_s), key=itemgetter(0)):
            throttle.finish(one)
            out.remove((at, one))
        arrived.append(turn.left_at + 0.1 + late_s(number))
    return arrived


async def test_requests_that_were_held_up_on_their_way_count_from_their_arrival() -> None:
    """Twenty of a second's requests arrive half a second late: the seconds after it hold fewer."""
    arrived = await arrivals(lambda number: 0.5 if 100 <= number < 120 else 0.0, 300)
    assert most_in_a_second(arrived) <= 50


async def test_the_end_of_a_slow_time_makes_no_burst() -> None:
    """What took long for so long that it became usual was held up all the same, and is followed by what is not."""
    arrived = await arrivals(lambda number: 0.1 if 100 <= number < 300 else 0.0)
    assert most_in_a_second(arrived) <= 50


async def test_requests_that_hang_do_not_hold_up_the_others_for_long() -> None:
    still = Still()
    throttle = Throttle(now=still.now, sleep=still.sleep)
    throttle.finish(await throttle.turn())
    for _ in range(30):
        await throttle.turn()  # never answered
    still.now_s += 3
    times = await turns(throttle, still, 200)
    assert times[-1] - times[0] <= 200 / RATE + 0.5
