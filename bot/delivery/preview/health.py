"""Asks a running page on this machine whether it is well, or to read the files anew."""

import ipaddress

import aiohttp

from bot.errors import SourceUnavailable

PATIENCE_S = 5.0


async def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Whether the bot behind the page is well, and what it says or why it does not. Raises SourceUnavailable where
    there is none."""
    return await _ask("GET", f"{page_address(host, port)}/healthz", None)


async def ask_reload(host: str, port: int, password: str | None) -> tuple[bool, str]:
    """Whether the bot behind the page took the files, and what it says. Raises SourceUnavailable where there is
    none."""
    return await _ask(
        "POST", f"{page_address(host, port)}/reload", aiohttp.BasicAuth("", password) if password else None
    )


async def _ask(method: str, url: str, auth: aiohttp.BasicAuth | None) -> tuple[bool, str]:
    patience = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience, auth=auth) as session,
            session.request(method, url) as reply,
        ):
            return reply.status == 200, (await reply.text()).strip()
    except TimeoutError:
        return False, f"{url}: no answer within {PATIENCE_S:g} s"
    except aiohttp.ClientConnectorError as error:
        address = url.rpartition("/")[0]
        raise SourceUnavailable(
            f"no bot answers at {address}: start one with ./tightrope run; where its page has another address, set"
            " TIGHTROPE_PAGE__HOST and TIGHTROPE_PAGE__PORT here as there"
        ) from error
    except aiohttp.ClientError as error:
        return False, f"{url}: what answers there is no bot of this kind ({type(error).__name__})"


def page_address(host: str, port: int) -> str:
    """Where this machine reaches a page that listens on a host and port."""
    asked = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (such a page listens on loopback too)
    return f"http://{_bracketed(asked)}:{port}"


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
