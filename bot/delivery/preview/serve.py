"""Starts and stops the page."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from bot.delivery.preview.adminroutes import OPERATOR, OperatorSide
from bot.delivery.preview.doorman import BACKLOG, Doorman
from bot.delivery.preview.form import server_log
from bot.delivery.preview.guard import SHORTEST_PASSWORD, is_loopback
from bot.delivery.preview.page import create_app
from bot.delivery.preview.surface import Preview
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import Profile
from bot.errors import ConfigError, Problem

PATIENCE_S = 1.0  # open streams never end by themselves; nobody wants to wait for them at the stop


@asynccontextmanager
async def serve(
    market: Market,
    cards: Cards,
    preview: Preview,
    *,
    host: str = "127.0.0.1",
    port: int = 8737,
    password: str | None = None,
    beside: Iterable[web.RouteDef] = (),
    profile: Profile | None = None,
    names: Sequence[str] = (),
    side: OperatorSide | None = None,
) -> AsyncIterator[str]:
    """Serve the page while the block runs; gives its address. Port 0 takes any free one. `beside` are further
    addresses, `profile` how readers are spoken to, `names` further names that the page may be asked by, `side`
    what the operator's side shows.

    Raises ConfigError where the address is not loopback and there is no password or a short one, or where the port is
    taken.
    """
    if not is_loopback(host) and not password:
        reason = "others could read this address: set TIGHTROPE_PAGE__PASSWORD, or serve on 127.0.0.1"
        raise ConfigError([Problem(file="bot.toml", id="page.host", reason=reason)])
    if not is_loopback(host) and len(password or "") < SHORTEST_PASSWORD:
        reason = (
            f"has {len(password or '')} characters, and others can try it: take {SHORTEST_PASSWORD} at least"
        )
        raise ConfigError([Problem(file="environment", id="TIGHTROPE_PAGE__PASSWORD", reason=reason)])
    runner: web.AppRunner | None = None

    def make() -> asyncio.Protocol:
        serves = None if runner is None else runner.server
        if serves is None:
            raise RuntimeError("a connection before the page is set up")
        return serves()

    doorman = Doorman(make)
    app = create_app(
        market,
        cards,
        preview,
        loopback=is_loopback(host),
        password=password,
        beside=beside,
        profile=profile,
        names=names,
        around=[doorman.watch],
    )
    app[OPERATOR] = side or OperatorSide()
    runner = web.AppRunner(
        app, access_log=None, logger=server_log(), shutdown_timeout=PATIENCE_S, handler_cancellation=True
    )
    await runner.setup()
    sweeping = asyncio.create_task(doorman.sweep(), name="page doorman")
    try:
        async with _listening(doorman, host, port) as address:
            yield address
    finally:
        sweeping.cancel()
        await runner.cleanup()


@asynccontextmanager
async def _listening(doorman: Doorman, host: str, port: int) -> AsyncIterator[str]:
    """The address at which connections are received. Raises ConfigError where it cannot be used."""
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(doorman.receive, host, port, backlog=BACKLOG)
    except OSError as error:
        reason = f"{host}:{port} cannot be used ({error.strerror}): choose another with page.port"
        raise ConfigError([Problem(file="bot.toml", id="page.port", reason=reason)]) from error
    try:
        address = server.sockets[0].getsockname()
        name = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"http://{name}:{address[1]}/"
    finally:
        server.close()
