"""The same over the Model Context Protocol, asked by the SDK's own client."""

import subprocess
import sys
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent

from bot.delivery.api.client import ApiClient
from bot.delivery.api.mcp_server import build_server
from bot.errors import InputError
from tests.commands.conftest import MemoryArchive
from tests.delivery.api.conftest import a_post


def said_in(told: CallToolResult) -> str:
    """The words of a tool's answer."""
    return " ".join(part.text for part in told.content if isinstance(part, TextContent))


@pytest.fixture
def assistant(api: Any, archive: MemoryArchive) -> Client:
    """The SDK's client, in this process, at a server that asks a running API; it is entered by who uses it."""
    archive.posts.kept = [a_post("abcd2345"), a_post("before22", hours=30)]
    return Client(build_server(ApiClient(str(api.make_url("/")))))


async def test_five_questions_may_be_asked_and_none_changes_anything(assistant: Client) -> None:
    async with assistant:
        tools = (await assistant.list_tools()).tools
        instructions = assistant.instructions
    assert {tool.name for tool in tools} == {"verdict", "facts", "history", "why", "posts"}
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
    assert all(tool.description for tool in tools)
    assert "not a signal" in str(instructions)


@pytest.mark.parametrize(
    ("name", "asked", "path"),
    [
        ("verdict", {"asset": "BTC"}, "/api/v1/verdict/BTC?locale=en"),
        ("facts", {"asset": "ETH", "locale": "es"}, "/api/v1/facts/ETH?locale=es"),
        ("facts", {"names": "skew_60d_pct"}, "/api/v1/facts/BTC?names=skew_60d_pct"),
        (
            "history",
            {"metric": "skew_60d_pct", "window": "7d", "until": "2026-02-01T00:00:00Z"},
            "/api/v1/history/BTC/skew_60d_pct?window=7d&until=2026-02-01T00:00:00Z",
        ),
        ("why", {"post": "abcd2345"}, "/api/v1/why/abcd2345"),
        ("posts", {"limit": 1}, "/api/v1/posts?limit=1"),
    ],
)
async def test_an_assistant_is_told_what_the_api_tells(
    assistant: Client, api: Any, name: str, asked: dict[str, Any], path: str
) -> None:
    async with assistant:
        told = await assistant.call_tool(name, asked)
    assert not told.is_error
    async with api.get(path) as reply:
        assert told.structured_content == await reply.json()


async def test_what_cannot_be_answered_is_an_error_that_says_why(assistant: Client) -> None:
    async with assistant:
        told = await assistant.call_tool("verdict", {"asset": "DOGE"})
    assert told.is_error
    assert "BTC, ETH" in said_in(told)


async def test_an_id_reaches_no_other_address(assistant: Client) -> None:
    async with assistant:
        told = await assistant.call_tool("why", {"post": "../posts"})
    assert told.is_error


async def test_where_no_bot_runs_the_assistant_hears_so(unused_tcp_port: int) -> None:
    async with Client(build_server(ApiClient(f"http://127.0.0.1:{unused_tcp_port}"))) as client:
        told = await client.call_tool("posts", {})
    assert told.is_error
    assert "./tightrope run" in said_in(told)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(InputError, match=r"tightrope\[mcp\]"):
        build_server(ApiClient("http://127.0.0.1:1"))


def test_a_start_loads_none_of_the_sdk() -> None:
    asked = "import sys, bot.process.run, bot.cli.main; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
