"""What is kept about channels beside their subscriptions."""

from datetime import timedelta

from bot.archive import SqlArchive
from bot.domain.channels import ChannelStyle, KeptChannel, SettingsBefore
from tests.archive.make import NOON, subscription

KEPT = KeptChannel(
    channel="discord:1",
    guild_id="9",
    set_up_by="6001",
    refused_at=(NOON, NOON + timedelta(hours=13)),
    told_at=NOON,
    looked_at=NOON,
    paused_until=NOON,
    style=ChannelStyle(pings={"alarm": "77"}, threads=True, publishes=True, notices="discord:2"),
    before=SettingsBefore(wishes=(subscription("discord:1"),), style=ChannelStyle()),
)


async def test_a_place_comes_back_as_it_was_kept(archive: SqlArchive) -> None:
    await archive.channels.put(KEPT)
    assert await archive.channels.find() == (KEPT,)


async def test_a_channel_that_only_subscribes_has_none(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription("discord:1", guild_id="9"))
    assert await archive.channels.find() == ()


async def test_subscribing_leaves_the_place_as_it_is(archive: SqlArchive) -> None:
    await archive.channels.put(KEPT)
    await archive.subscriptions.add(subscription("discord:1", guild_id="9"))
    assert await archive.channels.find() == (KEPT,)


async def test_it_goes_with_its_server(archive: SqlArchive) -> None:
    await archive.channels.put(KEPT)
    await archive.subscriptions.forget_guild("9")
    assert await archive.channels.find() == ()
