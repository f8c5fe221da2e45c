"""The API over the Model Context Protocol: the same five questions as tools, the same words. The SDK is the extra `mcp`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bot.delivery.api.client import ApiClient
from bot.errors import InputError, SourceUnavailable

if TYPE_CHECKING:
    from mcp.server import MCPServer

NAME = "tightrope"
TELLS = (
    "What a running Tightrope knows of the crypto-derivatives market. Each value has its time, its age in seconds and its"
    " venues; what is not known is listed under `unknown` with a reason and never as a number: say so, and do not guess."
    " It is information, not a signal and not advice."
)


def build_server(client: ApiClient) -> "MCPServer":
    """A server whose tools ask the API. Raises InputError where the SDK is not installed."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise InputError("this needs the extra: install tightrope[mcp]") from error

    async def ask(*path: str, **asked: str | None) -> dict[str, Any]:
        try:
            return dict(await client.ask(*path, **asked))
        except (InputError, SourceUnavailable) as error:
            raise ToolError(str(error)) from error

    async def verdict(asset: str = "BTC", locale: str = "en") -> dict[str, Any]:
        """The verdict of now: stance, confidence, balance, what it stands on, what would change it, what is missing."""
        return await ask("verdict", asset, locale=locale)

    async def facts(asset: str = "BTC", names: str | None = None, locale: str = "en") -> dict[str, Any]:
        """What is known of an asset now. `names`: facts with commas between, such as
        "skew_60d_pct,basis_60d_pct.change_24h"; every metric without it."""
        return await ask("facts", asset, names=names, locale=locale)

    async def history(
        metric: str, asset: str = "BTC", window: str = "30d", until: str | None = None
    ) -> dict[str, Any]:
        """A metric's past as it was known, with its usual range. `window`: 24h, 7d, 30d, 90d or 1y; `until`: a time
        such as 2026-02-05T21:00:00Z, now without it. A gap is a point that is not there."""
        return await ask("history", asset, metric, window=window, until=until)

    async def why(post: str) -> dict[str, Any]:
        """What a post stands on: each number with its venues, time and formula, and the rules that spoke. `post`: its
        short id, the last word under it."""
        return await ask("why", post)

    async def posts(limit: int = 5, before: str | None = None) -> dict[str, Any]:
        """The last posts, newest first. `before`: a time such as 2026-02-05T21:00:00Z."""
        return await ask("posts", limit=str(limit), before=before)

    tools: Mapping[str, Callable[..., Any]] = {
        "verdict": verdict,
        "facts": facts,
        "history": history,
        "why": why,
        "posts": posts,
    }
    server = MCPServer(NAME, instructions=TELLS)
    reading = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for name, tool in tools.items():
        server.add_tool(tool, name=name, annotations=reading)
    return server


def serve_stdio(client: ApiClient) -> None:
    """Serve on standard input and output until that ends. Raises InputError where the SDK is not installed."""
    build_server(client).run("stdio")
