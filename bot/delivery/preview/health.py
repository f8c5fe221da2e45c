"""Asks a running page on this machine whether it is well."""

import ipaddress

import aiohttp

PATIENCE_S = 5.0


async def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Whether the page at an address answers, and what it says or why it does not."""
    asked = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 (such a page listens on loopback too)
    url = f"http://{_bracketed(asked)}:{port}/healthz"
    patience = aiohttp.ClientTimeout(total=PATIENCE_S)
    try:
        async with aiohttp.ClientSession(timeout=patience) as session, session.get(url) as reply:
            return reply.status == 200, (await reply.text()).strip()
    except TimeoutError:
        return False, f"{url}: no answer within {PATIENCE_S:g} s"
    except aiohttp.ClientError as error:
        return False, f"{url}: {error}"


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host
