"""`/digest`: set in a reader's own words, shown as it would be now, ended; the asker's alone."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.commands import Request, discover, run
from bot.delivery.discord.tables import WIDTH, lines_of
from bot.desk.market import Market
from bot.domain.posts import Answer, Profile
from tests.commands.conftest import AT, FixedClock, MemoryArchive
from tests.delivery.discord.payloads import BITCOIN, ETHER, playbook
from tests.desks import market_of


@pytest.fixture
def archive() -> MemoryArchive:
    return MemoryArchive((*BITCOIN, *ETHER))


@pytest.fixture
def market(archive: MemoryArchive) -> Market:
    return market_of(archive, FixedClock(), playbook())


async def ask(market: Market, locale: str = "en", **options: str) -> Answer:
    request = Request(
        options=options, profile=Profile(locale=locale), surface="discord", user_id="2", direct="discord:dm:2"
    )
    return await run(market, discover()["digest"], request)


async def test_it_is_set_in_the_readers_own_words(market: Market, archive: MemoryArchive) -> None:
    answer = await ask(market, at="9pm", zone="new york", assets="eth, btc", metrics="25d, funding, oi, iv")
    (kept,) = await archive.digests.find()
    assert (kept.reader, kept.channel, kept.post_at, kept.zone) == (
        "discord:2",
        "discord:dm:2",
        "21:00",
        "America/New_York",
    )
    assert kept.assets == ("BTC", "ETH")
    assert kept.metrics == ("skew_60d_pct", "funding_annual_pct", "open_interest_usd", "dvol")
    assert answer.private
    assert "21:00 (America/New York (UTC−5))" in answer.body
    assert answer.direct.startswith("Every day at 21:00")


async def test_what_is_left_out_stays_as_it_was(market: Market, archive: MemoryArchive) -> None:
    await ask(market, at="7", metrics="dvol")
    await ask(market, zone="+2")
    (kept,) = await archive.digests.find()
    assert (kept.post_at, kept.zone, kept.metrics) == ("07:00", "Etc/GMT-2", ("dvol",))


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_it_shows_what_it_would_say_now_within_a_telephone(market: Market, locale: str) -> None:
    await ask(market, at="8", assets="BTC ETH", metrics="skew, oi, funding")
    answer = await ask(market, locale)
    assert answer.direct == ""
    (table,) = answer.tables
    assert [row.label for row in table.rows][:1] == ["BTC"]
    assert len(table.rows) == 8
    assert all(len(line) <= WIDTH for line in lines_of(table))


async def test_off_ends_it_and_without_one_it_says_how_to_begin(
    market: Market, archive: MemoryArchive
) -> None:
    assert "no daily note" in (await ask(market)).body
    await ask(market, at="8")
    (stop,) = (await ask(market)).buttons
    await ask(market, **stop.arguments)
    assert await archive.digests.find() == []


async def test_a_reader_who_takes_no_messages_is_told(market: Market, archive: MemoryArchive) -> None:
    await ask(market, at="8")
    (kept,) = await archive.digests.find()
    await archive.digests.put(replace(kept, blocked_at=AT - timedelta(days=1)))
    assert "Discord refuses messages to you" in (await ask(market)).body


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"at": "25:00"}, "25:00"),
        ({"at": "8, 20"}, "8, 20"),
        ({"zone": "Mars"}, "Mars"),
        ({"assets": "DOGE"}, "DOGE"),
        ({"metrics": "nonsense words"}, "nonsense words"),
    ],
)
async def test_what_cannot_be_taken_changes_nothing_and_is_named(
    market: Market, archive: MemoryArchive, typed: Mapping[str, str], named: str
) -> None:
    answer = await ask(market, **typed)
    assert answer.private
    assert named in answer.body
    assert await archive.digests.find() == []


async def test_where_there_are_no_direct_messages_it_says_so(market: Market) -> None:
    answer = await run(market, discover()["digest"], Request(options={"at": "8"}))
    assert answer.private
    assert answer.title == "Your daily note"
