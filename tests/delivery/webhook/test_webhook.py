"""Posts to webhooks: over real sockets to a server that answers as Discord or Slack would, through the outbox of a real
archive."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.delivery.webhook.bodies import SECTION, discord_messages, slack_message
from bot.delivery.webhook.hooks import Hook, Kind, name_of, read_hook
from bot.delivery.webhook.surface import WebhookSurface
from bot.desk.sender import Sender
from bot.desk.worth import PostWorth
from bot.domain.posts import Card, Figure, Post
from bot.domain.story import Story
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable, DeliveryUncertain, PostRejected
from bot.process.settings import load

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
SECRET = "a-very-secret-token"
CARD = Card(
    title="BTC: caution",
    body="Skew is 20%.\n\n<@everyone> & more",
    fields=(Figure(label="Basis", text="2%"),),
    table=(("", "now"), ("skew", "20%")),
    footer="Information only. Post abcd2345",
    stance="bearish",
    at=AT,
    post_id="abcd2345",
)


CODES = {404: 10015, 403: 50013, 413: 40005}  # what Discord says beside a status


@dataclass
class OtherSide:
    """What was sent, and what is answered in turn, then 200: a status, or one with its body. 0 cuts the connection."""

    answers: list[int | tuple[int, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[str, str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body: Any
        if request.content_type == "multipart/form-data":
            parts = await request.post()
            payload: Any = parts["payload_json"]
            body = json.loads(payload) | {"files": [name for name in parts if "file" in name]}
        else:
            body = await request.json()
        self.heard.append((request.method, request.path_qs, body))
        told = self.answers.pop(0) if self.answers else 200
        status, said = told if isinstance(told, tuple) else (told, None)
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        if isinstance(said, str):
            return web.Response(status=status, headers=self.headers, text=said, content_type="text/html")
        if said is not None:
            return web.json_response(said, status=status, headers={"Via": "1.1 google", **self.headers})
        if status != 200:
            return web.json_response(
                {"message": "no", "code": CODES.get(status, 0)}, status=status, headers=self.headers
            )
        if "/services/" in request.path:
            return web.Response(text="ok")
        return web.json_response({"id": "991"})


@dataclass
class Kept:
    """What an outbox was told."""

    doubtful: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    unsent: list[Post] = field(default_factory=list)
    sent: list[tuple[str, str | None]] = field(default_factory=list)

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        self.doubtful.append(post_id)
        self.unsent = [post for post in self.unsent if post.id != post_id]

    async def give_up(self, worthless: Sequence[Post]) -> None:
        self.given_up += [post.id for post in worthless]
        self.unsent = [post for post in self.unsent if post.id not in self.given_up]

    async def take_unsent(self, surface: str) -> Sequence[Post]:
        return self.unsent

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        names = {post.id for post in tried}
        self.unsent = [
            replace(post, attempted_at=post.attempted_at or at) if post.id in names else post
            for post in self.unsent
        ]

    async def clear_attempts(self, untried: Sequence[Post]) -> None:
        names = {post.id for post in untried}
        self.unsent = [replace(post, attempted_at=None) if post.id in names else post for post in self.unsent]

    async def mark_sent(
        self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None
    ) -> None:
        self.sent.append((post_id, message_id))
        self.unsent = [post for post in self.unsent if post.id != post_id]


class Stage:
    """Two webhooks at the other side, a surface, a sender, a clock."""

    def __init__(self, root: str) -> None:
        self.other, self.kept, self.now = OtherSide(), Kept(), AT
        urls = {"discord": f"{root}/api/webhooks/1/{SECRET}", "slack": f"{root}/services/T/B/{SECRET}"}
        kinds: tuple[Kind, ...] = ("discord", "slack")
        self.hooks = {
            str(kind): Hook(kind=kind, channel=name_of(kind, urls[kind]), url=urls[kind]) for kind in kinds
        }
        self.surface = WebhookSurface(tuple(self.hooks.values()), now=lambda: self.now, outbox=self.kept)
        market: Any = SimpleNamespace(now=lambda: self.now, upcoming=_nothing_due)
        cards: Any = SimpleNamespace(has_pictures=lambda surface: False, of_post=lambda post: CARD)
        archive: Any = SimpleNamespace(outbox=self.kept)
        self.sender = Sender(
            market=market,
            archive=archive,
            cards=cards,
            surfaces={"webhook": self.surface},
            concurrency=2,
            worth=PostWorth(news=timedelta(hours=6), scheduled=timedelta(hours=24)),
        )

    def post(self, kind: str = "discord") -> Post:
        story = Story(
            asset="BTC", at=AT, length="embed", locale="en", stance="bearish", headline=None, paragraphs=()
        )
        return Post(
            id="abcd2345",
            channel=self.hooks[kind].channel,
            asset="BTC",
            reason="scheduled",
            story=story,
            nonce="abcd2345",
            intended_at=AT,
        )


async def _nothing_due(channel: str, at: datetime) -> None:
    return None


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    app = web.Application()
    server = TestServer(app)
    made: list[Stage] = []

    async def answer(request: web.Request) -> web.Response:
        return await made[0].other.answer(request)

    app.router.add_route("*", "/{rest:.*}", answer)
    async with server:
        made.append(Stage(str(server.make_url("")).rstrip("/")))
        yield made[0]


async def test_a_post_goes_to_discord_as_embeds_that_call_nobody(stage: Stage) -> None:
    assert await stage.surface.show(stage.post(), CARD) == "991"
    ((method, path, body),) = stage.other.heard
    assert (method, path) == ("POST", f"/api/webhooks/1/{SECRET}?wait=true")
    assert body["allowed_mentions"] == {"parse": []}
    assert body["embeds"][0]["title"] == "BTC: caution"
    assert body["embeds"][0]["color"] == 0xF0883E


async def test_its_picture_goes_with_it(stage: Stage) -> None:
    await stage.surface.show(stage.post(), replace(CARD, image=b"\x89PNG"))
    ((_, _, body),) = stage.other.heard
    assert body["files"] == ["files[0]"]
    assert body["embeds"][0]["image"]["url"] == "attachment://chart.png"


async def test_a_post_goes_to_slack_as_blocks_without_markup_of_others(stage: Stage) -> None:
    assert await stage.surface.show(stage.post("slack"), CARD) is None
    ((_, path, body),) = stage.other.heard
    assert path == f"/services/T/B/{SECRET}"
    assert [block["type"] for block in body["blocks"]] == [
        "header",
        "section",
        "section",
        "section",
        "context",
    ]
    assert "&lt;@everyone&gt; &amp; more" in body["blocks"][1]["text"]["text"]
    assert body["text"] == "BTC: caution"


def test_a_long_text_is_cut_into_sections_and_none_of_it_is_lost() -> None:
    body = "\n\n".join(["word " * 300, "x" * 7000, "the end"])
    blocks = slack_message(Card(title="t" * 400, body=body))["blocks"]
    assert len(blocks[0]["text"]["text"]) == 150
    texts = [block["text"]["text"] for block in blocks[1:]]
    assert max(map(len, texts)) <= SECTION
    assert "".join(texts).replace("\n", "") == body.replace("\n", "")


def test_a_card_that_is_too_long_is_several_messages_for_discord() -> None:
    messages = discord_messages(Card(title="t", body="A sentence. " * 1500, footer="Post abcd2345"))
    assert len(messages) > 1
    assert all(message["allowed_mentions"] == {"parse": []} for message, _ in messages)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ChannelGone),
        (403, ChannelRefused),
        (400, PostRejected),
        (413, PostRejected),
        (429, DeliveryUnavailable),
        (503, DeliveryUnavailable),
        (500, DeliveryUncertain),
        (502, DeliveryUncertain),
        (0, DeliveryUncertain),
    ],
)
async def test_what_goes_wrong_is_told_without_the_address(
    stage: Stage, status: int, error: type[Exception]
) -> None:
    stage.other.answers = [status]
    with pytest.raises(error) as caught:
        await stage.surface.show(stage.post(), CARD)
    assert SECRET not in str(caught.value)
    assert stage.kept.doubtful == (["abcd2345"] if error is DeliveryUncertain else [])
    assert stage.kept.given_up == (["abcd2345"] if error is PostRejected else [])


PAGE = "<html><h1>Sorry, you have been blocked</h1></html>"
NO_FORUM = "Webhooks posted to forum channels must have a thread_name or thread_id"
BANNED = (
    "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently."
)


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (404, {"message": "Unknown Webhook", "code": 10015}, ChannelGone),
        (401, {"message": "Invalid Webhook Token", "code": 50027}, ChannelGone),
        (404, {"message": "Unknown Channel", "code": 10003}, ChannelGone),
        (400, {"message": NO_FORUM, "code": 220001}, ChannelRefused),
        (403, {"message": "Missing Permissions", "code": 50013}, ChannelRefused),
        (400, {"message": "Invalid Form Body", "code": 50035, "errors": {"embeds": {}}}, PostRejected),
        (400, {"message": "Message was blocked by automatic moderation", "code": 200000}, PostRejected),
        (400, {"message": "Message blocked by harmful links filter", "code": 240000}, PostRejected),
        (413, PAGE, PostRejected),
        (403, {"message": "internal network error", "code": 40333}, DeliveryUnavailable),
        (429, {"message": BANNED, "code": 0}, DeliveryUnavailable),
        (
            429,
            {"message": "You are being rate limited.", "retry_after": 0.3, "global": True},
            DeliveryUnavailable,
        ),
        (
            429,
            {"message": "channel write rate limit", "retry_after": 0.3, "code": 20028},
            DeliveryUnavailable,
        ),
        (503, {"message": "overloaded", "code": 130000}, DeliveryUnavailable),
        *(
            (status, PAGE, DeliveryUnavailable)
            for status in (302, 400, 401, 403, 404, 405, 409, 429, 503, 521)
        ),
        *((status, PAGE, DeliveryUncertain) for status in (500, 502, 520, 522, 524)),
        (200, PAGE, DeliveryUncertain),
        (200, {}, DeliveryUncertain),
        (200, "error code: 1015", DeliveryUncertain),
    ],
)
async def test_what_discord_says_to_a_webhook_means_what_its_table_says(
    stage: Stage, status: int, said: Any, error: type[Exception]
) -> None:
    stage.other.answers = [(status, said)]
    stage.kept.unsent = [stage.post()]
    with capture_logs() as logs:
        await stage.sender.deliver()
    (told,) = [one for one in logs if one["event"].startswith("post.")]
    assert SECRET not in repr(logs)
    assert stage.kept.doubtful == (["abcd2345"] if error is DeliveryUncertain else [])
    assert stage.kept.given_up == (["abcd2345"] if error is PostRejected else [])
    assert (told["event"] == "post.refused") is (error in (ChannelGone, ChannelRefused, PostRejected))
    stage.now += timedelta(hours=1, seconds=1)
    await stage.sender.deliver()
    is_kept = error in (ChannelGone, ChannelRefused, DeliveryUnavailable)
    assert stage.kept.sent == ([("abcd2345", "991")] if is_kept else [])  # never lost, never doubled
    assert len(stage.other.heard) == 1 + is_kept


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (404, "no_service", ChannelGone),
        (410, "channel_is_archived", ChannelGone),
        (403, "action_prohibited", ChannelRefused),
        (400, "invalid_payload", PostRejected),
        (302, "", DeliveryUnavailable),
        (408, "", DeliveryUnavailable),
        (403, PAGE, DeliveryUnavailable),
        (404, PAGE, DeliveryUnavailable),
        (400, PAGE, DeliveryUnavailable),
        (200, PAGE, DeliveryUncertain),
        (500, "rollup_error", DeliveryUncertain),
    ],
)
async def test_what_slack_says_is_told_from_a_page_that_stands_between(
    stage: Stage, status: int, said: str, error: type[Exception]
) -> None:
    stage.other.answers = [(status, said)]
    with pytest.raises(error):
        await stage.surface.show(stage.post("slack"), CARD)


async def test_where_discord_bans_the_address_its_other_webhooks_rest_too(stage: Stage) -> None:
    other = Hook(kind="discord", channel="webhook:discord-other", url=stage.hooks["discord"].url)
    surface = WebhookSurface((*stage.hooks.values(), other), now=lambda: stage.now, outbox=stage.kept)
    stage.other.answers = [(429, "error code: 1015")]
    with pytest.raises(DeliveryUnavailable):
        await surface.show(stage.post(), CARD)
    ready = [await surface.is_ready(one.channel) for one in (*stage.hooks.values(), other)]
    assert ready == [False, True, False]
    stage.now += timedelta(seconds=61)
    assert await surface.is_ready(other.channel)


async def test_a_correction_of_a_message_that_was_deleted_is_given_up(stage: Stage) -> None:
    stage.other.answers = [(404, {"message": "Unknown Message", "code": 10008})]
    with pytest.raises(ChannelRefused):
        await stage.surface.edit(replace(stage.post(), message_id="991"), CARD)
    stage.other.answers = [(429, {"message": "Maximum number of edits", "code": 30046, "retry_after": 0.5})]
    with pytest.raises(DeliveryUnavailable):
        await stage.surface.edit(replace(stage.post(), message_id="991"), CARD)


async def test_what_was_not_taken_waits_in_the_outbox_and_goes_out_once(stage: Stage) -> None:
    stage.kept.unsent = [stage.post()]
    stage.other.answers, stage.other.headers = [503, 429], {"Retry-After": "40"}
    await stage.sender.deliver()
    await stage.sender.deliver()  # rests
    assert len(stage.other.heard) == 1
    stage.now += timedelta(seconds=41)
    await stage.sender.deliver()
    assert len(stage.other.heard) == 2
    stage.now += timedelta(seconds=41)
    await stage.sender.deliver()
    await stage.sender.deliver()
    assert len(stage.other.heard) == 3
    assert stage.kept.sent == [("abcd2345", "991")]


@pytest.mark.parametrize(
    "told", ["31536000", "1e300", "inf", "nan", "-5", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
async def test_whatever_it_asks_for_a_webhook_rests_for_a_day_at_most(stage: Stage, told: str) -> None:
    stage.kept.unsent = [stage.post()]
    stage.other.answers, stage.other.headers = [429], {"Retry-After": told}
    await stage.sender.deliver()
    stage.now += timedelta(days=1)
    assert await stage.surface.is_ready(stage.post().channel)


async def test_a_webhooks_rest_ends_though_the_machines_clock_is_put_back(stage: Stage) -> None:
    stage.kept.unsent = [stage.post()]
    stage.other.answers, stage.other.headers = [429], {"Retry-After": "40"}
    await stage.sender.deliver()
    assert not await stage.surface.is_ready(stage.post().channel)
    stage.now -= timedelta(days=1)
    assert await stage.surface.is_ready(stage.post().channel)


async def test_what_may_have_gone_out_is_never_sent_again(stage: Stage) -> None:
    stage.kept.unsent = [stage.post()]
    stage.other.answers = [0]
    await stage.sender.deliver()
    stage.now += timedelta(hours=1)
    await stage.sender.deliver()
    assert len(stage.other.heard) == 1
    assert stage.kept.doubtful == ["abcd2345"]


async def test_a_post_that_was_tried_before_a_crash_is_in_doubt(stage: Stage) -> None:
    stage.kept.unsent = [replace(stage.post(), attempted_at=AT)]
    await stage.sender.deliver()
    assert (stage.other.heard, stage.kept.doubtful) == ([], ["abcd2345"])


async def test_a_webhook_that_is_gone_is_left_alone_for_an_hour(stage: Stage) -> None:
    stage.other.answers = [404, 404]
    stage.kept.unsent = [stage.post()]
    for minutes in (0, 30, 59, 61):
        stage.now = AT + timedelta(minutes=minutes)
        await stage.sender.deliver()
    assert len(stage.other.heard) == 2


async def test_the_two_channels_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.other.answers = [503]
    with pytest.raises(DeliveryUnavailable):
        await stage.surface.show(stage.post(), CARD)
    assert not await stage.surface.is_ready(stage.hooks["discord"].channel)
    assert await stage.surface.is_ready(stage.hooks["slack"].channel)


async def test_a_correction_edits_discords_message_and_cannot_slacks(stage: Stage) -> None:
    await stage.surface.edit(replace(stage.post(), message_id="991"), CARD)
    ((method, path, body),) = stage.other.heard
    assert (method, path) == ("PATCH", f"/api/webhooks/1/{SECRET}/messages/991")
    assert body["embeds"][0]["title"] == "BTC: caution"
    with pytest.raises(ChannelRefused):
        await stage.surface.edit(stage.post("slack"), CARD)


async def test_a_test_is_sent_and_its_failure_told(stage: Stage) -> None:
    channel = stage.hooks["slack"].channel
    assert stage.sender.tries_out(channel)
    await stage.sender.try_out(channel, Card(title="A test", body="It is open."))
    assert stage.other.heard[0][2]["text"] == "A test"
    stage.other.answers = [403]
    with pytest.raises(ChannelRefused):
        await stage.sender.try_out(channel, Card(title="A test", body="It is open."))
    with pytest.raises(ChannelGone):
        await stage.sender.try_out("webhook:discord-00000000", CARD)


async def test_no_line_of_the_log_holds_an_address(stage: Stage) -> None:
    stage.kept.unsent = [stage.post()]
    stage.other.answers = [404]
    with capture_logs() as logs:
        await stage.sender.deliver()
    assert logs
    assert SECRET not in repr(logs)
    assert SECRET not in repr(stage.hooks)


DISCORD = f"https://discord.com/api/webhooks/1/{SECRET}"
SLACK = f"https://hooks.slack.com/services/T/B/{SECRET}"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (DISCORD, "discord"),
        (DISCORD.replace("/api/", "/api/v10/"), "discord"),
        (SLACK, "slack"),
        (DISCORD.replace("https", "http"), None),
        (DISCORD.replace("discord.com", "discord.com.evil.example"), None),
        (DISCORD.replace("discord.com", "me@discord.com"), None),
        (DISCORD.replace("discord.com", "discord.com:8443"), None),
        (DISCORD + "?wait=false", None),
        ("https://discord.com/api/users/1", None),
        ("https://hooks.slack.com/other", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_an_address_is_discords_or_slacks_or_none(url: str, kind: str | None) -> None:
    hook = read_hook(url)
    assert (hook.kind if hook else None) == kind


def test_webhooks_are_settings_that_nobody_sees(tmp_path: Path) -> None:
    settings = load(tmp_path, {"WEBHOOK_URLS": f"{DISCORD},{SLACK},{DISCORD}"})
    assert [hook.kind for hook in settings.hooks] == ["discord", "slack"]
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.describe())


def test_an_address_that_is_none_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="address 2 is no webhook") as caught:
        load(tmp_path, {"WEBHOOK_URLS": f"{DISCORD},https://evil.example/{SECRET}"})
    assert SECRET not in str(caught.value)


def test_webhooks_do_not_belong_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(f'webhooks = ["{DISCORD}"]\n')
    with pytest.raises(Exception, match="a secret belongs in the environment"):
        load(tmp_path, {})
