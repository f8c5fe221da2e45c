"""A desk is built around one market: what the poller hears the market tells, and what it decides the sender
sends."""

import asyncio
from datetime import timedelta

import pytest

from bot.charts.pictures import Pictures
from bot.desk.desk import Desk
from bot.domain.posts import Route, State
from bot.domain.readings import Gap
from bot.reasons import about, reason
from tests.desk.parts import AT, NotingArchive, Place, Teller, market_on, post_to
from tests.desk.test_poller import Beside, quote
from tests.desk.test_sender import Editing, Painter, of_post
from tests.desks import desk_of


def desk_on(archive: NotingArchive, *sources: Teller, **more: object) -> Desk:
    return desk_of(market_on(archive, sources=sources), sources=sources, **more)  # type: ignore[arg-type]


async def test_what_was_polled_the_market_knows_and_what_was_filled_in_too() -> None:
    archive, source = NotingArchive(), Teller("deribit", quote(66_000.0))
    desk = desk_on(archive, source)
    await desk.poller.poll("BTC", AT)
    assert (await desk.market.facts("BTC")).value("spot_usd") == 66_000.0
    await desk.filler.backfill("BTC", AT - timedelta(days=1), AT)
    assert source.asked[1:] == [("BTC", AT - timedelta(days=1), AT)]
    assert archive.asked("add") == [("add", (), AT)]


async def test_the_numbers_that_are_set_reach_the_parts() -> None:
    archive = NotingArchive()
    archive.all.unsent["console"] = [post_to("console:", f"post{number}") for number in range(4)]
    archive.all.remembered[("BTC", "default")] = State(routes=(Route(channel="console:"),))
    console = Place()
    desk = desk_on(
        archive,
        Teller("okx", wait=asyncio.Event().wait),
        surfaces={"console": console},
        deadline=timedelta(milliseconds=10),
        concurrency=2,
    )
    await desk.poller.poll("BTC", AT)
    assert (
        Gap(who="okx", reason=about("okx BTC", reason("no_answer", seconds=0.01)))
        in archive.committed[0][3].gaps
    )
    await desk.sender.deliver()
    assert console.most_at_once == 2


@pytest.mark.parametrize("pictured", [True, False])
async def test_posts_have_pictures_where_somebody_draws_them(pictured: bool) -> None:
    archive, discord = NotingArchive(), Place()
    archive.all.unsent["discord"] = [post_to("discord:1")]
    drawing = Pictures(Painter(), of_post=of_post, surfaces=("discord",)) if pictured else None
    desk = desk_on(archive, surfaces={"discord": discord}, pictures=drawing)
    await desk.sender.deliver()
    assert [card.image is not None for _, card in discord.shown] == [pictured]
    assert desk.cards.has_pictures("discord") is pictured


async def test_notices_are_the_pollers_and_the_senders() -> None:
    archive = NotingArchive()

    class Both(Beside, Editing):
        """What is told beside, and edited."""

    desk = desk_on(archive, surfaces={"console": Place()}, notices=Both(archive.all.notes))
    await desk.poller.poll("BTC", AT)
    await desk.sender.deliver()
    assert [note[0] for note in archive.asked("begin", "with", "end", "edit")] == [
        "begin",
        "with",
        "end",
        "edit",
    ]
