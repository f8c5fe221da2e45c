"""The few names of discord.py that are not its public ones and that the room uses all the same: each is what it is taken
for, in the version that was read. A newer one fails here first; then read the four uses anew and raise READ."""

import inspect

import discord
import pytest
import yarl
from discord.client import Client
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route, handle_message_parameters
from discord.shard import AutoShardedClient
from discord.state import AutoShardedConnectionState

READ = (2, 7)
"""The version of which these uses were read: client.py (the sweep, the shards, the address), body.py (the parts)."""


def test_the_version_is_the_one_that_was_read() -> None:
    assert discord.version_info[:2] == READ


def test_the_sweep_is_asked_for_by_each_new_bucket_and_takes_nothing() -> None:
    assert list(inspect.signature(HTTPClient._try_clear_expired_ratelimits).parameters) == ["self"]
    assert "self._try_clear_expired_ratelimits()" in inspect.getsource(HTTPClient.get_ratelimit)


def test_the_shards_of_a_process_are_the_states() -> None:
    client = AutoShardedClient(intents=discord.Intents.none(), shard_ids=[1], shard_count=2)
    state = client._connection
    assert isinstance(state, AutoShardedConnectionState)
    assert (state.shard_ids, state.shard_count) == ([], 2)  # until it is connected
    assert "_connection.shard_ids" in inspect.getsource(AutoShardedClient.launch_shards)
    assert list(inspect.signature(AutoShardedClient.launch_shard).parameters) == [
        "self",
        "gateway",
        "shard_id",
        "initial",
    ]
    assert "shard_id" in inspect.signature(Client.before_identify_hook).parameters


def test_an_address_of_the_gateway_is_an_url() -> None:
    assert isinstance(DiscordWebSocket.DEFAULT_GATEWAY, yarl.URL)


@pytest.mark.parametrize("count", [0, 1])
def test_a_message_is_its_json_or_with_a_file_the_parts_of_a_form(count: int) -> None:
    files = [discord.File(__file__, "chart.png") for _ in range(count)]
    with handle_message_parameters(content="words", files=files) as made:
        named = [part["name"] for part in made.multipart or ()]
        assert named == ([] if not count else ["payload_json", "files[0]"])
        assert (made.payload is None) == bool(count)
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=1)
    assert route.url.endswith("/channels/1/messages")
