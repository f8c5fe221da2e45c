"""The same market at the same second has the same verdict, whatever the day of installation; and what the rules say of
the tape's fall while it happens."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from rich.console import Console as Terminal

from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.playbook import CONFIG, read_playbook
from bot.process.app import house
from bot.process.demo import fill_tape, read_tape
from bot.process.settings import load

READ_AT = datetime(2026, 2, 7, tzinfo=UTC)
ON_28_JANUARY = datetime(2026, 1, 28, tzinfo=UTC)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


async def installed(
    day: datetime, playbook: Playbook, *, with_key: bool = True
) -> tuple[Sequence[Verdict], Facts]:
    """The verdict of each poll up to the second at which it is read, and the facts of then, of a bot that was first
    started on a day."""
    tape, settings = read_tape("february-2026"), load(CONFIG, {})
    sources = [name for name in settings.sources if with_key or name not in {"coinglass", "coinalyze"}]
    settings = settings.model_copy(update={"assets": ("BTC",), "sources": tuple(sources)})
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        await parts.schedule.step_to(day)
        await fill_tape(parts, settings, tape, settings.assets)
        verdicts = []
        for moment in tape.moments:
            if day <= moment.at <= READ_AT:
                await parts.schedule.step_to(moment.at)
                verdicts.append((await parts.desk.poller.poll("BTC", moment.at)).verdict)
        return verdicts, await parts.desk.market.facts("BTC")


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


async def test_installed_on_three_days_it_judges_the_same_at_the_same_second() -> None:
    playbook = read_playbook()
    verdicts, _ = await installed(ON_28_JANUARY, playbook)
    follows_the_fall(verdicts)
    first = verdicts[-1]
    assert (first.stance, first.confidence) == ("bearish", "high")
    for day in (datetime(2026, 2, 4, tzinfo=UTC), datetime(2026, 2, 6, tzinfo=UTC)):
        last = (await installed(day, playbook))[0][-1]
        assert last.at == first.at == READ_AT
        assert (last.stance, last.confidence) == (first.stance, first.confidence)
        assert rules(last) == rules(first)
        assert last.balance == pytest.approx(first.balance, abs=0.5)


def follows_the_fall(verdicts: Sequence[Verdict]) -> None:
    """Deepening from 31 January on, caution by noon of 2 February and from then on, easing by 8 February, and the post
    of 6 February 14:00 with high confidence."""
    at_time = {verdict.at: verdict for verdict in verdicts}
    fall = [verdict for verdict in verdicts if datetime(2026, 1, 31, tzinfo=UTC) <= verdict.at]
    assert {verdict.direction for verdict in fall if verdict.at.month == 1} == {"deepening"}
    noon = datetime(2026, 2, 2, 12, tzinfo=UTC)
    assert at_time[noon].direction == "deepening"
    assert {verdict.stance for verdict in verdicts if verdict.at >= noon} == {"bearish"}
    assert {verdict.stance for verdict in verdicts if verdict.at.month == 1} == {"neutral"}
    post = at_time[datetime(2026, 2, 6, 14, tzinfo=UTC)]
    assert (post.stance, post.confidence) == ("bearish", "high")
    assert verdicts[-1].direction == "easing"


async def test_without_a_vendor_key_a_late_installation_lacks_the_liquidations_alone() -> None:
    verdicts, facts = await installed(datetime(2026, 2, 6, tzinfo=UTC), read_playbook(), with_key=False)
    last = verdicts[-1]
    assert last.stance == "bearish"
    # What could not be heard of the liquidations is a range, and lowers how sure it is.
    assert last.confidence == "medium"
    low, high = last.votes["liquidations"]
    assert low < high
    assert {family for family, (least, most) in last.votes.items() if least < most} == {"liquidations"}
    assert {one.family for one in last.missing if one.family} <= {"liquidations"}
    assert facts.value("skew_60d_pct") == pytest.approx(20.0, abs=0.05)
    # A change whose earlier end was estimated is judged by and told nowhere.
    assert facts.value("skew_60d_pct.change_7d") is None
    assert facts.estimated["skew_60d_pct.change_7d"].value == pytest.approx(11.5, abs=2.5)
