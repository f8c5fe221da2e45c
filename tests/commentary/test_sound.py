"""Four hundred sound stories: every one of them is written, and none of them is refused."""

from collections.abc import Iterator
from itertools import islice

import pytest

from bot import commentary
from bot.domain.facts import Facts
from bot.domain.story import Length, Memory
from tests.commentary.make import bank, book, facts, judged
from tests.tapes import Market, quiet, volatile

SEEDS, STORIES_A_SEED = 16, 25
LENGTHS: tuple[Length, ...] = ("short", "embed", "article")


def moments(made: Market) -> Iterator[Facts]:
    """Every seventh hour of a made market, calm or wild, with a source that drops out now and then."""
    for hour in range(0, len(made.samples), 7):
        yield facts(made.samples[hour], at=made.times[hour])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_four_hundred_sound_stories_raise_no_alarm(seed: int) -> None:
    made = quiet(seed, days=8) if seed % 4 == 3 else volatile(seed, days=8)
    seen = 0
    for number, market in enumerate(islice(moments(made), STORIES_A_SEED)):
        verdict, length = judged(market), LENGTHS[number % len(LENGTHS)]
        story = commentary.write(
            verdict=verdict,
            facts=market,
            book=book(),
            bank=bank(),
            memory=Memory(),
            length=length,
            at=market.at,
        )
        assert not story.plain, (market.at, length, story.failures)
        alarms = commentary.gate(
            story, verdict=verdict, facts=market, book=book(), bank=bank(), memory=Memory()
        )
        assert alarms == [], (market.at, length)
        seen += 1
    assert seen == STORIES_A_SEED
