"""How long a way out is held before the stance follows: as long as it takes when it is really gone."""

import pytest

from bot.domain.judgement import Verdict
from bot.rules import Replay, evaluate, with_exits
from tests.rules.make import ARTICLE, CALM, HOUR, NOON, book, facts


def after(days: int, since_noon: int) -> Replay:
    """The rules after a calm and so many days of the article's market, up to an hour before `since_noon`."""
    following = Replay(book(), asset="BTC")
    for hour in range(-24 * (days + 1), since_noon):
        following.judge(dict(ARTICLE) if hour >= -24 * days else CALM, NOON + hour * HOUR)
    return following


def verdict_then(days: int, since_noon: int) -> Verdict:
    before, at = after(days, since_noon), NOON + since_noon * HOUR
    market = facts(ARTICLE, at)
    judgement = evaluate(book(), market, before.signals(), at, {}, course=before.course)
    return with_exits(book(), market, judgement)


@pytest.mark.parametrize(("days", "since_noon"), [(4, 0), (4, 3), (4, 23), (2, 5)])
def test_a_way_out_is_held_until_the_stance_has_followed(days: int, since_noon: int) -> None:
    verdict = verdict_then(days, since_noon)
    assert verdict.stance == "bearish"
    assert verdict.exits
    for way in verdict.exits:
        moved = {**ARTICLE, **{move.fact: move.end for move in way.moves}}
        gone = after(days, since_noon + 1)
        hours = 0
        while gone.judge(moved, NOON + (since_noon + hours + 1) * HOUR).stance == "bearish":
            hours += 1
        assert way.held_days == pytest.approx((hours + 1) / 24.0, abs=0.01)
