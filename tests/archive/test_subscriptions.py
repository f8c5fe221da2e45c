"""Who follows what, and when a scheduled post is due."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.domain.posts import Profile
from bot.domain.rulebook import UsualRange
from bot.errors import InputError
from tests.archive.make import NOON, decision, post, snapshot, subscription
from tests.said import refused

DAY = timedelta(days=1)


def at_noon(times: Sequence[str], zone: str, since: datetime, until: datetime) -> Sequence[datetime]:
    """Noon of each day, whatever the times: when is the schedule's business."""
    days = (until.date() - since.date()).days
    noons = [
        datetime(since.year, since.month, since.day, 12, tzinfo=UTC) + DAY * number
        for number in range(days + 1)
    ]
    return [noon for noon in noons if since < noon <= until]


def profile(low: float) -> Profile:
    return Profile(
        ranges={"basis": UsualRange(since=date(2024, 1, 1), low=low, high=20.0, source="a server's own")}
    )


async def test_a_subscription_comes_back_as_it_was_made(archive: SqlArchive) -> None:
    wish = subscription(
        "discord:1",
        profile=profile(3.0),
        post_at=("08:00", "20:00"),
        zone="Asia/Tokyo",
        alerts=False,
        quiet=(22, 7),
        muted_moves=("price-jumps", "new-high"),
        guild_id="9",
        snoozed_until=NOON,
        last_slot_at=NOON,
        paused_at=NOON,
    )
    await archive.subscriptions.add(wish)

    assert await archive.subscriptions.find() == (wish,)
    assert await archive.subscriptions.find(channel="discord:1", asset="BTC", guild_id="9") == (wish,)
    assert await archive.subscriptions.find(guild_id="8") == ()


async def test_the_profiles_in_use_are_named_once_the_default_one_first(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription("discord:1", profile=profile(3.0)))
    await archive.subscriptions.add(subscription("discord:2", profile=profile(3.0)))
    await archive.subscriptions.add(subscription("discord:3"))

    assert await archive.subscriptions.profiles("BTC") == (Profile(), profile(3.0))
    assert await archive.subscriptions.profiles("ETH") == (Profile(),)
    assert [route.channel for route in (await archive.states.load("BTC", profile(3.0))).routes] == [
        "discord:1",
        "discord:2",
    ]


async def test_a_fifty_first_profile_is_refused_and_a_known_one_is_not(archive: SqlArchive) -> None:
    for number in range(49):
        await archive.subscriptions.add(subscription(f"discord:{number}", profile=profile(float(number))))

    with refused(InputError, match="50"):
        await archive.subscriptions.add(subscription("discord:99", profile=profile(99.0)))
    await archive.subscriptions.add(subscription("discord:99", profile=profile(7.0)))
    await archive.subscriptions.add(subscription("discord:48", profile=profile(99.0)))


async def test_a_slot_is_due_once_and_the_next_one_after_it(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription(since=NOON - timedelta(hours=1)))
    assert await archive.subscriptions.due_slots("BTC", NOON - timedelta(seconds=1), at_noon) == {}
    assert await archive.subscriptions.due_slots("BTC", NOON, at_noon) == {"console:": NOON}

    routes = (await archive.states.load("BTC", Profile())).routes
    await archive.commit("BTC", Profile(), decision(posts=(post(at=NOON),), routes=routes), snapshot())
    assert await archive.subscriptions.due_slots("BTC", NOON + timedelta(hours=5), at_noon) == {}
    assert await archive.subscriptions.due_slots("BTC", NOON + DAY, at_noon) == {"console:": NOON + DAY}


async def test_of_several_missed_slots_only_the_last_is_made_up_for(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription(since=NOON))
    assert await archive.subscriptions.due_slots("BTC", NOON + 10 * DAY, at_noon) == {
        "console:": NOON + 10 * DAY
    }


async def test_an_alert_does_not_serve_a_slot(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription(since=NOON - timedelta(hours=1)))
    await archive.commit("BTC", Profile(), decision(posts=(post(reason="escalated"),)), snapshot())
    assert await archive.subscriptions.due_slots("BTC", NOON, at_noon) == {"console:": NOON}


async def test_settings_changed_after_a_slot_do_not_bring_it_back(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription(since=NOON + timedelta(hours=1)))
    assert await archive.subscriptions.due_slots("BTC", NOON + timedelta(hours=2), at_noon) == {}


async def test_a_change_of_settings_keeps_what_was_told(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    told = replace(
        (await archive.states.load("BTC", Profile())).routes[0], last_stance="bearish", alerted_at=(NOON,)
    )
    await archive.commit("BTC", Profile(), decision(routes=(told,)), snapshot())
    await archive.subscriptions.add(subscription(zone="Asia/Tokyo"))

    assert (await archive.states.load("BTC", Profile())).routes == (replace(told, zone="Asia/Tokyo"),)


async def test_a_paused_route_is_neither_alerted_nor_posted_to_until_it_goes_on(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    await archive.subscriptions.pause("console:", NOON)
    assert (await archive.states.load("BTC", Profile())).routes == ()
    assert await archive.subscriptions.due_slots("BTC", NOON, at_noon) == {}

    await archive.subscriptions.pause("console:", None)
    assert await archive.subscriptions.due_slots("BTC", NOON, at_noon) == {"console:": NOON}


async def test_a_snooze_is_on_every_subscription_of_the_channel(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    await archive.subscriptions.add(replace(subscription(), asset="ETH"))
    assert await archive.subscriptions.snooze("console:", NOON) == 2
    assert [route.snoozed_until for route in (await archive.states.load("ETH", Profile())).routes] == [NOON]
    assert await archive.subscriptions.snooze("discord:404", NOON) == 0


async def test_leaving_one_asset_keeps_the_other(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription())
    await archive.subscriptions.add(replace(subscription(), asset="ETH"))
    assert await archive.subscriptions.remove("console:", "ETH") == 1
    assert [left.asset for left in await archive.subscriptions.find()] == ["BTC"]


async def test_a_server_that_is_forgotten_leaves_nothing_behind(archive: SqlArchive) -> None:
    await archive.subscriptions.add(subscription("discord:1", guild_id="9"))
    await archive.subscriptions.add(subscription("discord:2", guild_id="9"))
    await archive.subscriptions.add(subscription("discord:3", guild_id="8"))
    posts = tuple(post(channel=f"discord:{number}") for number in (1, 2, 3))
    await archive.commit("BTC", Profile(), decision(posts=posts), snapshot())
    await archive.subscriptions.remove("discord:2")

    assert await archive.subscriptions.forget_guild("9") == 2
    assert [left.channel for left in await archive.subscriptions.find()] == ["discord:3"]
    assert [left.channel for left in await archive.posts.find()] == ["discord:3"]
    assert await archive.subscriptions.forget_guild("9") == 0


async def test_a_slot_that_a_clock_years_ahead_has_served_does_not_silence_the_channel(
    archive: SqlArchive,
) -> None:
    wish = subscription("discord:1", since=NOON - DAY)
    await archive.subscriptions.add(replace(wish, last_slot_at=NOON + timedelta(days=3650)))
    assert await archive.subscriptions.due_slots("BTC", NOON, at_noon) == {"discord:1": NOON}


async def test_a_slot_that_was_served_by_a_clock_an_hour_ahead_is_served(archive: SqlArchive) -> None:
    wish = subscription("discord:1", since=NOON - DAY)
    await archive.subscriptions.add(replace(wish, last_slot_at=NOON))
    assert await archive.subscriptions.due_slots("BTC", NOON - timedelta(hours=1), at_noon) == {}
