"""`/watch` and `/watches`: what is set, what is said of it, and what cannot be taken."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from bot.commands import Request, discover, run
from bot.desk.market import Market
from bot.domain.posts import Answer
from tests.commands.conftest import AT, MemoryArchive

Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def reader(market: Market) -> Ask:
    async def asked(name: str, user: str = "6001", **options: str) -> Answer:
        request = Request(options=options, surface="discord", user_id=user, direct=f"discord:dm:{user}")
        return await run(market, discover()[name], request)

    return asked


async def test_a_watch_says_when_it_is_told_and_where_the_metric_stands(
    reader: Ask, archive: MemoryArchive
) -> None:
    answer = await reader("watch", metric="skew 60", side="above", value="25%")
    assert "goes over 25%" in answer.body
    assert "Now 20%" in answer.body
    assert "return to 24%" in answer.body
    assert answer.private
    assert answer.direct in answer.body
    (watch,) = archive.watches.kept
    assert (watch.fact, watch.side, watch.line, watch.armed) == ("skew_60d_pct", "above", 25.0, True)


async def test_a_line_that_is_crossed_already_says_that_it_waits(reader: Ask, archive: MemoryArchive) -> None:
    answer = await reader("watch", metric="skew_60d_pct", side="above", value="15")
    assert "past that line already" in answer.body
    assert not archive.watches.kept[0].armed


async def test_a_view_of_a_metric_is_watched_by_its_own_name(reader: Ask, archive: MemoryArchive) -> None:
    answer = await reader(
        "watch", metric="open_interest_usd.change_7d_pct", side="below", value="-10%", asset="btc"
    )
    assert "−10%" in answer.body
    assert archive.watches.kept[0].fact == "open_interest_usd.change_7d_pct"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"metric": "skew", "side": "beside", "value": "20"}, "above or below"),
        ({"metric": "skew", "side": "above", "value": "a lot"}, "a number such as"),
        ({"metric": "skew", "side": "above", "value": "$20"}, "is in %"),
        ({"metric": "skew", "side": "above", "value": "5000"}, "outside"),
        ({"metric": "nothing at all", "side": "above", "value": "5"}, "unknown term"),
        ({"metric": "skew", "side": "above", "value": "5", "asset": "DOGE"}, "BTC, ETH"),
        ({"metric": "skew", "side": "above"}, "value is missing"),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_the_way_out(
    reader: Ask, archive: MemoryArchive, options: dict[str, str], why: str
) -> None:
    answer = await reader("watch", **options)
    assert why in answer.body
    assert answer.private
    assert answer.direct == ""
    assert archive.watches.kept == []


async def test_a_reader_sees_and_removes_their_own_watches_alone(reader: Ask, archive: MemoryArchive) -> None:
    await reader("watch", metric="skew 60", side="above", value="25")
    await reader("watch", user="6002", metric="basis 60", side="below", value="1")
    answer = await reader("watches")
    (figure,) = answer.figures
    assert figure.label.startswith("1 · BTC")
    assert figure.text == "Told when it goes above 25%."
    assert [button.arguments for button in answer.buttons] == [{"remove": "1"}]
    assert "no watch of yours" in (await reader("watches", remove="2")).body
    assert "You watch nothing" in (await reader("watches", remove="1")).body
    assert [one.reader for one in archive.watches.kept] == ["discord:6002"]


@pytest.mark.parametrize("typed", ["x", "1.5", "-1", "٣", "9" * 30])
async def test_a_number_that_is_none_removes_nothing(reader: Ask, archive: MemoryArchive, typed: str) -> None:
    await reader("watch", metric="skew 60", side="above", value="25")
    assert "as /watches lists it" in (await reader("watches", remove=typed)).body
    assert len(archive.watches.kept) == 1


async def test_all_are_removed_at_once(reader: Ask, archive: MemoryArchive) -> None:
    for line in ("25", "30"):
        await reader("watch", metric="skew 60", side="above", value=line)
    assert "You watch nothing" in (await reader("watches", remove="all")).body
    assert archive.watches.kept == []


async def test_how_a_watch_stands_is_said_told_waiting_or_refused(
    reader: Ask, archive: MemoryArchive
) -> None:
    await reader("watch", metric="skew 60", side="above", value="25")
    one = archive.watches.kept[0]
    archive.watches.kept = [
        replace(one, armed=False, told_at=AT),
        replace(one, id=2, armed=False),
        replace(one, id=3, blocked_at=AT),
    ]
    answer = await reader("watches")
    assert [figure.text.split(":")[0] for figure in answer.figures[:2]] == ["Above 25%", "Above 25%"]
    assert "told 6 February 2026" in answer.figures[0].text
    assert "past the line when it was set" in answer.figures[1].text
    assert "refused direct messages" in answer.body


@pytest.mark.parametrize("name", ["watch", "watches"])
async def test_where_there_are_no_direct_messages_the_command_says_so(ask: Ask, name: str) -> None:
    options = {"metric": "skew", "side": "above", "value": "20"} if name == "watch" else {}
    answer = await ask(name, **options)
    assert "Type the command on Discord" in answer.body
