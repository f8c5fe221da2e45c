"""The market for other programs: `/api/v1` beside the page, read-only, with its OpenAPI document; and the same over the
Model Context Protocol, where the extra `mcp` is installed.

`mcp` is imported from its file: the SDK is an extra, and takes a second."""

from bot.delivery.api.client import ApiClient
from bot.delivery.api.routes import api_routes

__all__ = ["ApiClient", "api_routes"]
