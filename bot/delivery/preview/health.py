"""Asks a running page on this machine whether it is well, or to read the files anew."""

import ipaddress

import aiohttp

PATIENCE_S = 5.0


async def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Whether the page at an address answers, and what it says or why it does not."""
    return await _ask("GET", f"{_address(host, port)}/healthz", None)


async def ask_reload(host: str, port: int, password: str | None) -> tuple[bool, str]:
    """Whether the bot behind the page took the files, and what it says."""
    return await _ask("POST", f"{_address(host, port)}/reload", aiohttp.BasicAuth("", password) if password else None)


async def _ask(method: str, url: str, auth: aiohttp.BasicAuth | None) -> tuple[bool, str]:
    patience = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with aiohttp.ClientSession(timeout=patience, auth=auth) as session, session.request(method, url) as reply:
            return reply.status == 200, (await reply.text()).strip()
    except TimeoutError:
        return False, f"{url}: no answer within {PATIENCE_S:g} s"
    except aiohttp.ClientError as error:
        return False, f"{url}: {error}"


def _address(host: str, port: int) -> str:
    asked = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (such a page listens on loopback too)
    return f"http://{_bracketed(asked)}:{port}"


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
