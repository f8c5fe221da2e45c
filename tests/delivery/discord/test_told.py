"""What Discord was reported to say, by people whose bots it said it to: met by a post, an edit, the answer to a command and
the registration of commands. Nothing is lost, nothing doubled, and no channel pays for what is not its own."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.posts import Post
from bot.domain.story import Text
from bot.errors import ChannelRefused, DeliveryError, DeliveryUnavailable, PostRejected
from tests.delivery.discord.fake import FakeDiscord, Fault
from tests.delivery.discord.stand import Clock, make_card, make_post

PAGE = (
    "<html><head><title>Access denied | discord.com used Cloudflare to restrict access</title></head></html>"
)
BANNED = (
    "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently."
)
FORM = {
    "message": "Invalid Form Body",
    "code": 50035,
    "errors": {
        "embeds": {"0": {"description": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "4096"}]}}}
    },
}


def said(status: int, code: int | None, message: str, **more: Any) -> Fault:
    """An answer of the API itself; `code` None: it has none."""
    body = {"message": message} if code is None else {"message": message, "code": code}
    return Fault(status=status, body=body | more)


REPORTED: dict[str, tuple[Fault, type[DeliveryError], bool]] = {
    "automod": (said(400, 200000, "Message was blocked by automatic moderation"), PostRejected, False),
    "harmful-link": (said(400, 240000, "Message blocked by harmful links filter"), PostRejected, False),
    "form": (Fault(status=400, body=FORM), PostRejected, False),
    "cloudflare": (said(403, 40333, "internal network error"), DeliveryUnavailable, True),
    "cloudflare-without-code": (said(403, None, "internal network error"), DeliveryUnavailable, False),
    "cloudflare-page": (Fault(status=403, raw=PAGE, via=False), DeliveryUnavailable, False),
    "1015-page": (Fault(status=429, raw=PAGE, via=False), DeliveryUnavailable, True),
    "1015-words": (Fault(status=429, raw="error code: 1015", via=False), DeliveryUnavailable, True),
    "banned-in-json": (
        Fault(status=429, body={"message": BANNED, "code": 0}, headers={"Via": ""}),
        DeliveryUnavailable,
        True,
    ),
    "no-history": (said(400, 160002, "Cannot reply without permission to read it"), PostRejected, False),
    "overloaded": (said(503, 130000, "This resource is overloaded"), DeliveryUnavailable, False),
    "slow-mode": (said(429, 20016, "slowmode", retry_after=90.0), DeliveryUnavailable, False),
    **{
        f"page-{status}": (Fault(status=status, raw=PAGE), DeliveryUnavailable, False)
        for status in (503, 520, 521, 522, 530)
    },
}


@pytest.fixture(autouse=True)
def unchecked(fake: FakeDiscord) -> None:
    fake.checked = False  # such answers are in no document


async def fails(surface: DiscordSurface, post: Post, desk: Desk) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await surface.show(post, make_card(post, desk))
    return caught.value


@pytest.mark.parametrize("name", REPORTED)
async def test_a_post_is_sent_once_or_given_up_and_no_channel_pays_for_it(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post, clock: Clock, name: str
) -> None:
    fault, kind, everywhere = REPORTED[name]
    fake.fault("POST", "/messages", *[fault] * 6)
    error = await fails(surface, post, desk)
    assert type(error) is kind
    assert await surface.is_ready("discord:7002") is not everywhere
    fake.faults.clear()
    clock.at += timedelta(hours=1, seconds=1)
    again = post if error.unsent else replace(post, attempted_at=post.intended_at)
    assert await surface.is_ready(post.channel)
    assert await surface.show(again, make_card(again, desk)) is not None
    assert len(fake.posted()) == 1


async def test_a_global_429_and_a_channels_own_are_waited_for(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post
) -> None:
    told = [
        said(429, 0, "You are being rate limited.", retry_after=0.02, **{"global": True}),
        said(429, 20028, "hit the write rate limit", retry_after=0.02, **{"global": False}),
    ]
    fake.fault("POST", "/messages", *told)
    assert await surface.show(post, make_card(post, desk)) is not None
    assert len(fake.posted()) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (said(404, 10008, "Unknown Message"), ChannelRefused),
        (said(403, 50013, "Missing Permissions"), ChannelRefused),
        (said(400, 50083, "Thread is archived"), DeliveryUnavailable),
        (said(400, 200000, "Message was blocked by automatic moderation"), PostRejected),
        (said(429, 30046, "Maximum number of edits", retry_after=1200.0), DeliveryUnavailable),
        (said(429, 30046, "Maximum number of edits"), DeliveryUnavailable),
        (said(400, 30046, "Maximum number of edits"), DeliveryUnavailable),
        (Fault(status=403, raw=PAGE, via=False), DeliveryUnavailable),
    ],
)
async def test_an_edit_rests_is_made_later_or_given_up(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post, clock: Clock, fault: Fault, kind: type
) -> None:
    sent = await surface.show(post, make_card(post, desk))
    words = Text(slot="correction", about="restated", text="Corrected.")
    after = replace(post, message_id=sent, corrections=(words,))
    fake.fault("PATCH", "/messages/", *[fault] * 6)
    with pytest.raises(kind):
        await surface.edit(after, make_card(after, desk))
    fake.faults.clear()
    other = make_post("other")
    assert await surface.show(other, make_card(other, desk)) is not None  # its channel goes on
    clock.at += timedelta(hours=1, seconds=1)
    await surface.edit(after, make_card(after, desk))
    assert "Corrected." in fake.posted()[0]["embeds"][0]["description"]


async def test_an_edit_of_an_old_message_asks_once_an_hour(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    sent = await surface.show(post, make_card(post, desk))
    after = replace(post, message_id=sent)
    told = "Maximum number of edits to messages older than 1 hour reached"
    for fault, most in ((said(429, 30046, told, retry_after=0.02), 5), (said(400, 30046, told), 1)):
        fake.asked.clear()
        fake.fault("PATCH", "/messages/", *[fault] * 6)
        for _ in range(5):
            with pytest.raises(DeliveryUnavailable):
                await surface.edit(after, make_card(after, desk))
            clock.at += timedelta(minutes=10)
        assert (
            len(fake.requests("PATCH", "/messages/")) == most
        )  # discord.py itself asks five times after a 429
        fake.faults.clear()
        clock.at += timedelta(hours=1)


@pytest.mark.parametrize(
    ("fault", "event", "words"),
    [
        (said(404, 10062, "Unknown interaction"), "answer.too_late", None),
        (said(400, 40060, "Interaction has already been acknowledged."), "answer.too_late", None),
        (said(401, 50027, "Invalid Webhook Token"), "answer.too_late", None),
        (said(400, 200000, "Message was blocked by automatic moderation"), "answer.refused", "AutoMod"),
        (said(403, 40333, "internal network error"), "answer.refused", "Ask again in a minute"),
        (Fault(status=403, raw=PAGE, via=False), "answer.refused", "Ask again in a minute"),
        (Fault(status=429, raw=PAGE, via=False), "answer.refused", "Ask again in a minute"),
        (Fault(status=400, body=FORM), "answer.failed", "nobody had thought of"),
    ],
)
async def test_a_reader_hears_what_became_of_an_answer(
    client: TightropeClient, fake: FakeDiscord, fault: Fault, event: str, words: str | None
) -> None:
    fake.fault("POST", "/callback", *[fault] * (5 if fault.status >= 500 else 1))
    with capture_logs() as logs:
        if words is None:
            with pytest.raises(TimeoutError):
                await fake.slash("explain", wait_s=1.5, term="basis")
        else:
            asked = await fake.slash("explain", wait_s=40, term="basis")
            assert asked.private
            assert words in asked.shown["embeds"][0]["description"]
            assert len(asked.messages) == 1
    assert event in [one["event"] for one in logs]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=502, raw=PAGE, after=True),
        Fault(status=520, body={"message": "unknown"}, after=True),
        Fault(abort=True, after=True),
        Fault(abort=True),
    ],
    ids=["502", "520", "broken after", "broken before"],
)
async def test_a_deferral_whose_acknowledgement_is_lost_is_followed_by_its_answer(
    client: TightropeClient, fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("bot.delivery.discord.answering.GRACE_S", 0.0)
    fake.fault("POST", "/callback", fault)
    asked = await fake.slash("explain", wait_s=20, term="basis")
    assert len(asked.messages) == 1
    assert "60-day futures basis" in asked.shown["embeds"][0]["title"]
