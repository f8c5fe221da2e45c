"""The few names of discord.py that are not its public ones and that the room uses all the same: each is what it is taken
for, in the version that was read. A newer one fails here first; then read the three uses anew, and raise READ and the
pin in pyproject.toml."""

import ast
import inspect
import tomllib
from pathlib import Path

import discord
import pytest
from discord.http import HTTPClient, Route, handle_message_parameters

from bot.delivery.discord import client

READ = (2, 7)
"""The version of which these uses were read: client.py (the sweep), body.py (a message's parts, and a request that sends
them)."""


def test_the_version_is_the_one_that_was_read_and_no_newer_one_is_installed() -> None:
    assert discord.version_info[:2] == READ
    document = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    [asked] = [one for one in document["project"]["dependencies"] if one.startswith("discord.py")]
    assert asked.endswith(f",<{READ[0]}.{READ[1] + 1}")


def test_the_room_uses_no_other_private_name() -> None:
    ours = Path(client.__file__).parent
    found = {
        (path.name, node.attr)
        for path in ours.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        and not any(f"self.{node.attr}" in other.read_text("utf-8") for other in ours.glob("*.py"))
    }
    assert found == {("client.py", "_try_clear_expired_ratelimits")}


def test_the_sweep_is_asked_for_by_each_new_bucket_and_takes_nothing() -> None:
    assert list(inspect.signature(HTTPClient._try_clear_expired_ratelimits).parameters) == ["self"]
    assert "self._try_clear_expired_ratelimits()" in inspect.getsource(HTTPClient.get_ratelimit)


@pytest.mark.parametrize("count", [0, 1])
def test_a_message_is_its_json_or_with_a_file_the_parts_of_a_form(count: int) -> None:
    files = [discord.File(__file__, "chart.png") for _ in range(count)]
    with handle_message_parameters(content="words", files=files) as made:
        named = [part["name"] for part in made.multipart or ()]
        assert named == ([] if not count else ["payload_json", "files[0]"])
        assert (made.payload is None) == bool(count)
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=1)
    assert route.url.endswith("/channels/1/messages")
