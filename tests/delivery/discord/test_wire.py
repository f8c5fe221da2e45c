"""The assertion itself: it lets through what Discord takes, and catches what it refuses, on both
documents."""

import pytest

from tests.delivery.discord.conftest import make_client
from tests.delivery.discord.stand import Memory, make_desk
from tests.delivery.discord.wire import Wire, full, own

MESSAGES = "/channels/7001/messages"
GOOD = {
    "embeds": [{"title": "t", "description": "d", "footer": {"text": "Post k7m2p"}}],
    "nonce": "abc",
    "enforce_nonce": True,
    "allowed_mentions": {"parse": []},
    "tts": False,
}


@pytest.fixture(params=["own", "discord"])
def wire(request: pytest.FixtureRequest) -> Wire:
    """Our small document and Discord's own."""
    if request.param == "own":
        return own()
    found = full()
    if found is None:
        pytest.skip("no ../shared")
    return found


def test_a_good_post_passes(wire: Wire) -> None:
    assert wire.request("POST", MESSAGES, GOOD) == []


def test_what_passed_once_does_not_let_through_what_is_not_the_same(wire: Wire) -> None:
    ids = [str(1_460_000_000_000_000_000 + number) for number in range(3)]
    for users in (ids, list(reversed(ids))):
        mentions = {"parse": [], "users": users}
        assert wire.request("POST", MESSAGES, GOOD | {"allowed_mentions": mentions}) == []
    twice = {"parse": [], "users": [ids[0], ids[0], ids[1]]}
    unlike = [GOOD | {"tts": "no"}, GOOD | {"embeds": [{"color": "red"}]}]
    assert all(wire.request("POST", MESSAGES, body) for body in unlike)
    if wire is full():
        assert wire.request("POST", MESSAGES, GOOD | {"allowed_mentions": twice})
        assert wire.request("PATCH", f"{MESSAGES}/{ids[0]}", {"nonce": "abc", "enforce_nonce": True})


@pytest.mark.parametrize(
    "wrong",
    [
        {"content": "x" * 2001},
        {"embeds": [{"title": "x" * 257}]},
        {"embeds": [{"description": "x" * 4000}, {"description": "y" * 2001}]},
        {"embeds": [{"fields": [{"name": "n", "value": "v" * 1025}]}]},
        {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
        {"embeds": [{"title": "t", "image": {"url": "attachment://chart.png"}}]},
        {"nonce": "x" * 26, "enforce_nonce": True},
        {"nonce": "x", "enforce_nonce": False},
        {"allowed_mentions": {"parse": ["everyone"]}},
        {"headline": "no such field"},
        {
            "components": [
                {"type": 1, "components": [{"type": 2, "style": 2, "custom_id": "x" * 101, "label": "l"}]}
            ]
        },
    ],
)
def test_a_post_that_discord_refuses_is_caught(wire: Wire, wrong: dict[str, object]) -> None:
    assert len(wire.request("POST", MESSAGES, GOOD | wrong)) >= 1


def test_a_route_or_a_query_that_is_not_there_is_caught(wire: Wire) -> None:
    assert wire.request("POST", "/channels/7001/letters", {}) == [
        "POST /channels/7001/letters: no such route"
    ]
    assert wire.request("GET", MESSAGES, query={"limit": "50"}) == []
    assert wire.request("GET", MESSAGES, query={"most": "50"}) != []


def test_a_file_that_is_too_large_is_caught(wire: Wire) -> None:
    assert wire.request("POST", MESSAGES, GOOD, files={"chart.png": 11 * 1024 * 1024}) != []


def test_an_answer_that_lacks_what_discord_always_gives_is_caught(wire: Wire) -> None:
    assert wire.answer("POST", MESSAGES, 200, {"id": "1"}) != []
    assert wire.answer("POST", MESSAGES, 404, {"code": 10003, "message": "Unknown Channel"}) == []


async def test_the_commands_pass(wire: Wire) -> None:
    client = make_client(make_desk(Memory()), Memory())
    payload = await client.payload()
    assert len(payload) >= 3
    assert wire.request("PUT", "/applications/9002/commands", payload) == []
    payload[0]["description"] = "x" * 101
    assert wire.request("PUT", "/applications/9002/commands", payload) != []
