"""Starts and stops the page."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.delivery.preview.guard import is_loopback
from bot.delivery.preview.page import create_app
from bot.delivery.preview.surface import Preview
from bot.desk import Desk
from bot.domain.posts import Profile
from bot.errors import ConfigError, Problem

PATIENCE_S = 1.0  # open streams never end by themselves; nobody wants to wait for them at the stop


@asynccontextmanager
async def serve(
    desk: Desk, preview: Preview, *, host: str = "127.0.0.1", port: int = 8737, password: str | None = None,
    beside: Iterable[web.RouteDef] = (), profile: Profile | None = None,
) -> AsyncIterator[str]:  # fmt: skip
    """Serve the page while the block runs; gives its address. Port 0 takes any free one. `beside` are further addresses,
    `profile` how readers are spoken to.

    Raises ConfigError where the address is not loopback and there is no password, or where the port is taken.
    """
    if not is_loopback(host) and not password:
        reason = "others could read this address: set TIGHTROPE_PAGE__PASSWORD, or serve on 127.0.0.1"
        raise ConfigError([Problem(file="bot.toml", id="page.host", reason=reason)])
    app = create_app(desk, preview, loopback=is_loopback(host), password=password, beside=beside, profile=profile)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=PATIENCE_S, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            reason = f"{host}:{port} cannot be used ({error.strerror}): choose another with page.port"
            raise ConfigError([Problem(file="bot.toml", id="page.port", reason=reason)]) from error
        address = runner.addresses[0]
        name = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"http://{name}:{address[1]}/"
    finally:
        await runner.cleanup()
