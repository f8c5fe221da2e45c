"""What is unsent goes to its surface, each post once; what cannot be served is kept and holds up nobody."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.charts.pictures import Pictures
from bot.desk.cards import Cards
from bot.desk.sender import Sender
from bot.desk.worth import PostWorth
from bot.domain.posts import Card, ChartSpec, Post
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable, DeliveryUncertain, PostRejected
from bot.ports import Surface
from tests.desk.parts import AT, HOUR, Clock, NotingArchive, Place, market_on, post_to

CHART = ChartSpec(kind="summary", title="t", series=(), unit="", caption="c", alt="a line that falls")


class Painter:
    """Draws the chart's words."""

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        return spec.alt.encode()


async def of_post(post: Post) -> ChartSpec | None:
    return CHART


def sender_of(
    archive: NotingArchive,
    *,
    concurrency: int = 3,
    clock: Clock | None = None,
    notices: Any = None,
    **on: Surface,
) -> Sender:
    """A sender to these surfaces; on Discord with pictures."""
    market = market_on(archive, clock)
    return Sender(
        market=market,
        archive=archive,
        cards=Cards(market, Pictures(Painter(), of_post=of_post, surfaces=("discord",))),
        surfaces=on,
        concurrency=concurrency,
        worth=PostWorth(news=6 * HOUR, scheduled=24 * HOUR),
        notices=notices,
    )


def holding(*channels: str) -> NotingArchive:
    """An archive with a post for each of these channels."""
    archive = NotingArchive()
    for channel in channels:
        archive.all.unsent.setdefault(channel.partition(":")[0], []).append(post_to(channel))
    return archive


async def test_each_surface_is_shown_what_is_unsent_to_it_and_the_archive_notes_when_and_where() -> None:
    archive = holding("console:", "discord:1", "discord:2")
    console, discord = Place(), Place()
    await sender_of(archive, clock=Clock(AT + HOUR), console=console, discord=discord).deliver()
    assert [post.channel for post, _ in console.shown] == ["console:"]
    assert [post.channel for post, _ in discord.shown] == ["discord:1", "discord:2"]
    assert archive.asked("sent") == [
        ("sent", "abcd1234", channel, AT + HOUR, f"message in {channel}")
        for channel in ("console:", "discord:1", "discord:2")
    ]


async def test_a_post_is_noted_as_tried_before_it_is_shown() -> None:
    archive = holding("discord:1", "discord:2")
    await sender_of(archive, clock=Clock(AT + HOUR), discord=Place(archive.all.notes)).deliver()
    assert archive.asked("take", "attempt", "show") == [
        ("take", "discord"),
        ("attempt", ("discord:1", "discord:2"), AT + HOUR),
        ("show", "discord:1"),
        ("show", "discord:2"),
    ]


async def test_a_post_goes_out_with_its_picture_where_the_surface_shows_one() -> None:
    archive, console, discord = holding("console:", "discord:1"), Place(), Place()
    await sender_of(archive, console=console, discord=discord).deliver()
    assert [card.image for _, card in console.shown] == [None]
    assert [card.image for _, card in discord.shown] == [b"a line that falls"]
    assert console.shown[0][1].body == discord.shown[0][1].body == "Puts cost 20% more."


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (DeliveryUncertain("discord:1: not readable"), "post.uncertain"),
        (ChannelGone("discord:1: it is gone"), "post.refused"),
        (ChannelRefused("discord:1: we may not"), "post.refused"),
        (PostRejected("discord:1: stopped as spam"), "post.refused"),
        (DeliveryUnavailable("discord:1: HTTP 502"), "post.kept"),
    ],
)
async def test_a_channel_that_cannot_be_served_keeps_its_post_says_why_and_holds_up_nobody(
    error: Exception, event: str
) -> None:
    archive, discord = holding("discord:1", "discord:2"), Place(discord_1=error)
    with capture_logs() as logs:
        await sender_of(archive, discord=discord).deliver()
    assert [note[2] for note in archive.asked("sent")] == ["discord:2"]
    assert [(one["event"], one["post"], one["channel"], one["reason"]) for one in logs] == [
        (event, "abcd1234", "discord:1", str(error)),
        ("post.sent", "abcd1234", "discord:2", "scheduled"),
    ]


async def test_what_a_surface_trips_over_is_logged_and_the_others_are_served() -> None:
    archive, discord = holding("discord:1", "discord:2"), Place(discord_1=ZeroDivisionError("odd"))
    with capture_logs() as logs:
        await sender_of(archive, discord=discord).deliver()
    assert [note[2] for note in archive.asked("sent")] == ["discord:2"]
    assert next((one["event"], one["post"], one["channel"], one["reason"]) for one in logs) == (
        "post.failed",
        "abcd1234",
        "discord:1",
        "ZeroDivisionError('odd')",
    )


async def test_a_try_of_which_nothing_went_out_for_certain_is_forgotten_and_one_in_doubt_is_not() -> None:
    channels = {f"discord:{number}" for number in range(1, 6)}
    archive = holding(*sorted(channels))
    discord = Place(
        discord_1=DeliveryUnavailable("discord:1: resting", unsent=True),
        discord_2=DeliveryUnavailable("discord:2: HTTP 502"),
        discord_3=ChannelGone("discord:3: it is gone"),
        discord_4=ZeroDivisionError(),
    )
    await sender_of(archive, discord=discord).deliver()
    assert archive.asked("untried") == [("untried", ("discord:1", "discord:3"))]


async def test_a_post_that_is_not_worth_it_any_more_is_given_up_with_a_reason_and_not_tried() -> None:
    archive, discord = NotingArchive(), Place()
    old, new = post_to("discord:1", at=AT - 25 * HOUR), post_to("discord:2")
    archive.all.unsent["discord"] = [old, new]
    with capture_logs() as logs:
        await sender_of(archive, discord=discord).deliver()
    assert archive.asked("given up", "attempt") == [
        ("given up", ("discord:1",)),
        ("attempt", ("discord:2",), AT),
    ]
    assert [post.channel for post, _ in discord.shown] == ["discord:2"]
    told = [(one["post"], one["channel"], one["reason"]) for one in logs if one["event"] == "post.dropped"]
    assert told == [("abcd1234", "discord:1", "due 25 hours ago")]


async def test_a_post_whose_successor_is_due_is_given_up() -> None:
    archive, asked = NotingArchive(), list[tuple[str, datetime]]()
    archive.all.unsent["discord"] = [post_to("discord:1", at=AT - 2 * HOUR)]

    async def upcoming(channel: str, at: datetime) -> datetime:
        asked.append((channel, at))
        return AT - HOUR

    market = market_on(archive, upcoming=upcoming)
    sender = Sender(
        market=market,
        archive=archive,
        cards=Cards(market, Pictures()),
        surfaces={"discord": Place()},
        concurrency=1,
        worth=PostWorth(),
    )
    await sender.deliver()
    assert archive.asked("given up") == [("given up", ("discord:1",))]
    assert asked == [("discord:1", AT - 2 * HOUR)]


class Choosing(Place):
    """A surface with a time of its own, which knows which channel is of no use now."""

    def now(self) -> datetime:
        return AT + 7 * HOUR

    async def is_ready(self, channel: str) -> bool:
        return channel != "discord:1"


async def test_a_surface_that_knows_better_says_which_channel_to_try_and_what_time_it_is() -> None:
    archive, discord = holding("discord:1", "discord:2"), Choosing()
    await sender_of(archive, discord=discord).deliver()
    assert archive.asked("attempt", "given up") == [
        ("given up", ()),
        ("attempt", ("discord:2",), AT + 7 * HOUR),
    ]
    assert [post.channel for post, _ in discord.shown] == ["discord:2"]


async def test_a_post_that_went_out_while_the_archive_could_not_say_so_is_noted_later_and_not_sent_again() -> (
    None
):
    archive, discord, clock = holding("discord:1"), Place(), Clock()
    archive.all.unwritable = True
    sender = sender_of(archive, clock=clock, discord=discord)
    with capture_logs() as logs:
        await sender.deliver()
    told = [(one["post"], one["channel"], one["reason"]) for one in logs if one["event"] == "post.unmarked"]
    assert told == [("abcd1234", "discord:1", "database is locked")]
    clock.at = AT + HOUR
    await sender.deliver()
    archive.all.unwritable = False
    archive.all.unsent["discord"].append(post_to("discord:2"))
    await sender.deliver()
    await sender.deliver()
    assert [post.channel for post, _ in discord.shown] == ["discord:1", "discord:2"]
    noted = ("sent", "abcd1234", "discord:1", AT, "message in discord:1")
    assert archive.asked("sent") == [
        *[noted] * 3,
        ("sent", "abcd1234", "discord:2", AT + HOUR, "message in discord:2"),
    ]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_so_many_channels_are_served_side_by_side_as_is_set(concurrency: int) -> None:
    archive, discord = holding(*(f"discord:{number}" for number in range(8))), Place()
    await sender_of(archive, concurrency=concurrency, discord=discord).deliver()
    assert (discord.most_at_once, len(discord.shown)) == (concurrency, 8)


async def test_two_deliveries_at_once_follow_each_other() -> None:
    archive = holding("discord:1")
    sender = sender_of(archive, discord=Place(archive.all.notes))
    await asyncio.gather(sender.deliver(), sender.deliver())
    assert [note[0] for note in archive.asked("take", "show", "sent")] == ["take", "show", "sent", "take"]


async def test_a_surface_that_came_later_is_served_and_one_that_left_is_not() -> None:
    archive, discord = holding("console:", "discord:1"), Place()
    sender = sender_of(archive, console=Place())
    assert sender.surfaces == {"console"}
    sender.add_surface("discord", discord)
    assert sender.surfaces == {"console", "discord"}
    await sender.deliver()
    assert len(discord.shown) == 1
    sender.remove_surface("discord")
    sender.remove_surface("discord")
    assert sender.surfaces == {"console"}
    await sender.deliver()
    assert len(discord.shown) == 1


async def test_a_surface_that_leaves_while_another_is_served_ends_nothing() -> None:
    archive = holding("console:", "discord:1")
    sender: Sender

    class Leaving(Place):
        async def show(self, post: Post, card: Any) -> str | None:
            sender.remove_surface("discord")
            return await super().show(post, card)

    sender = sender_of(archive, console=Leaving(), discord=Place())
    await sender.deliver()
    assert [note[2] for note in archive.asked("sent")] == ["console:", "discord:1"]


class Editing:
    """Notices that note which surface they may edit on, and how a card is made for it."""

    def __init__(self, notes: list[tuple[Any, ...]]) -> None:
        self.notes = notes

    async def edit(self, name: str, surface: Surface, make: Any) -> None:
        self.notes.append(("edit", name, surface, (await make(post_to("console:"))).image))


async def test_corrected_posts_are_shown_anew_after_what_is_unsent_with_their_picture_if_they_have_one() -> (
    None
):
    archive = holding("console:")
    console, discord = Place(), Place()
    sender = sender_of(archive, notices=Editing(archive.all.notes), console=console, discord=discord)
    await sender.deliver()
    assert archive.asked("sent", "edit") == [
        ("sent", "abcd1234", "console:", AT, "message in console:"),
        ("edit", "console", console, None),
        ("edit", "discord", discord, b"a line that falls"),
    ]


class Trying(Place):
    """A surface that can show a card that is no post."""

    def __init__(self, **refuses: Exception) -> None:
        super().__init__(None, **refuses)
        self.tried: list[tuple[str, Card]] = []

    async def try_out(self, channel: str, card: Card) -> None:
        if channel in self.refuses:
            raise self.refuses[channel]
        self.tried.append((channel, card))


async def test_a_card_that_is_no_post_is_shown_at_once_by_the_surface_of_its_channel() -> None:
    discord, card = Trying(), Card(title="A test", body="It is open.")
    sender = sender_of(holding(), console=Place(), discord=discord)
    channels = ("discord:1", "console:", "webhook:1")
    assert [sender.tries_out(channel) for channel in channels] == [True, False, False]
    await sender.try_out("discord:1", card)
    assert discord.tried == [("discord:1", card)]
    for channel in channels[1:]:
        with pytest.raises(DeliveryUnavailable, match=f"^{channel}: nothing here can show a test there$"):
            await sender.try_out(channel, card)


async def test_a_test_that_fails_says_why_and_by_whatever_it_is_in_doubt() -> None:
    discord = Trying(discord_1=ChannelRefused("discord:1: we may not"), discord_2=KeyError("token"))
    sender, card = sender_of(holding(), discord=discord), Card(title="A test", body="It is open.")
    with pytest.raises(ChannelRefused, match="discord:1: we may not"):
        await sender.try_out("discord:1", card)
    with (
        capture_logs() as logs,
        pytest.raises(DeliveryUncertain, match="discord:2: KeyError; the log says more"),
    ):
        await sender.try_out("discord:2", card)
    assert [(one["event"], one["channel"]) for one in logs] == [("test.failed", "discord:2")]
