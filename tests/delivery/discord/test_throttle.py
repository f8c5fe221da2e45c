"""The throttle, on a clock of its own."""

import asyncio

from bot.delivery.discord.throttle import RATE, Throttle


class Still:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_a_thousand_turns_at_once_take_their_time_and_never_more_than_the_rate_in_a_second() -> None:
    still = Still()
    throttle = Throttle(now=still.now, sleep=still.sleep)
    await asyncio.gather(*(throttle.turn() for _ in range(1000)))
    times = [0.0, *sorted(still.waits)]
    assert len(times) == 1000
    assert max(sum(begin <= at < begin + 1 for at in times) for begin in times) <= RATE + 1
    assert times[-1] <= 999 / RATE + 0.001


async def test_a_pause_does_not_save_up_turns() -> None:
    still = Still()
    throttle = Throttle(rate=10, now=still.now, sleep=still.sleep)
    await throttle.turn()
    still.now_s += 60
    await asyncio.gather(*(throttle.turn() for _ in range(3)))
    assert [round(wait, 3) for wait in still.waits] == [0.1, 0.2]
