"""`/balance`: where all readings stand, since when, where to, and the turns; in both languages."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.delivery.discord.tables import WIDTH, lines_of
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.judgement import Call, Verdict
from bot.domain.posts import Answer, Profile
from bot.domain.rulebook import Stance
from tests.archive.make import verdict as bearish
from tests.commands.conftest import AT, PAST, FixedClock, MemoryArchive, hourly
from tests.delivery.discord.payloads import playbook
from tests.desks import market_of

DAY = timedelta(days=1)


class Given(Market):
    """A market of which the verdict is given."""

    judged: dict[str, Any]

    async def verdict(self, asset: str, profile: Profile) -> tuple[Verdict, Facts]:
        return replace(bearish(self.now()), **self.judged), await self.facts(asset)


async def ask(*, locale: str = "en", turns: int = 0, past: Any = (), **judged: Any) -> Answer:
    archive = MemoryArchive((*PAST, *past))
    stances: tuple[Stance, ...] = ("bearish", "neutral", "bullish")
    archive.states.taken = [
        Call(at=AT - (turns - number) * DAY, stance=stances[number % 3]) for number in range(turns + 1)
    ][: turns + 1 if turns else 0]
    market = market_of(archive, FixedClock(), playbook(), made=Given)
    vars(market)["judged"] = judged
    return await run(market, discover()["balance"], Request(profile=Profile(locale=locale)))


def cells(answer: Answer) -> list[tuple[str, str]]:
    return [(row.label, row.cells[0].text) for table in answer.tables for row in table.rows]


BALANCE = (hourly("balance", first=12.0, last=-41.0),)


async def test_the_number_stands_first_and_its_past_beside_it() -> None:
    answer = await ask(past=BALANCE, middle=(-33.0, -33.0), peak=-47.0)
    assert answer.lead is not None
    assert answer.lead.text == "−41"
    assert cells(answer) == [
        ("now", "−41"),
        ("a day ago", "−40.2"),
        ("a week ago", "−35.7"),
        ("3 d median", "−33"),
        ("furthest", "−47"),
    ]
    assert answer.chart is not None
    assert answer.chart.kind == "balance"


async def test_what_is_unknown_makes_it_a_range() -> None:
    answer = await ask(past=BALANCE, balance=(-60.0, -36.0), middle=(-40.0, -20.0))
    assert ("between", "−60 to −36") in cells(answer)
    assert ("3 d median", "−40 to −20") in cells(answer)


async def test_the_age_of_the_verdict_and_where_it_goes_are_told() -> None:
    answer = await ask(past=BALANCE, since=AT - 3 * DAY, direction="deepening")
    assert "The verdict is caution since 3 February 2026, and deepening." in answer.body
    steady = await ask(past=BALANCE, since=AT - 3 * DAY, direction="steady")
    assert "The verdict is caution since 3 February 2026." in steady.body


async def test_the_last_five_turns_are_listed_newest_first() -> None:
    answer = await ask(past=BALANCE, turns=8)
    (table,) = [one for one in answer.tables if one.columns]
    assert table.columns == ("turned to",)
    assert [(row.label, row.cells[0].text) for row in table.rows] == [
        ("6 Feb", "bullish"),
        ("5 Feb", "neutral"),
        ("4 Feb", "caution"),
        ("3 Feb", "bullish"),
        ("2 Feb", "neutral"),
    ]


async def test_without_a_balance_it_is_said_why() -> None:
    answer = await ask()
    assert answer.lead is None
    assert "not known" in answer.body
    assert answer.tables == ()


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_it_fits_a_telephone(locale: str) -> None:
    answer = await ask(locale=locale, past=BALANCE, turns=8, middle=(-40.0, -20.0), peak=-47.0)
    card = await Cards(market_of(MemoryArchive(), FixedClock(), playbook()), Pictures()).of_answer(answer)
    lines = [line for table in card.tables for line in lines_of(table)]
    assert len(lines) <= 12
    assert max(map(len, lines)) == WIDTH
