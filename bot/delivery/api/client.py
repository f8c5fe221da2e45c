"""Asks the API of a running bot on this machine."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.delivery.api.routes import ROOT
from bot.errors import InputError, SourceUnavailable

PATIENCE_S = 10.0


class ApiClient:
    """One running bot's page: `address` such as http://127.0.0.1:8737, and its password where it has one."""

    def __init__(self, address: str, password: str | None = None) -> None:
        self._address = address.rstrip("/")
        self._password = password

    async def ask(self, *path: str, **asked: str | None) -> Mapping[str, Any]:
        """The answer at an address of the API; options that are None are left out. Raises InputError where the question
        cannot be answered, SourceUnavailable where no bot answers."""
        url = "/".join((f"{self._address}{ROOT}", *(quote(part, safe="") for part in path)))
        auth = aiohttp.BasicAuth("", self._password) if self._password else None
        options = {name: value for name, value in asked.items() if value is not None}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S), auth=auth) as session,
                session.get(url, params=options) as reply,
            ):
                if reply.content_type != "application/json":
                    raise SourceUnavailable(
                        f"{self._address}: {reply.status}, {(await reply.text())[:200].strip()}"
                    )
                told: Mapping[str, Any] = await reply.json()
                if reply.status in (400, 404):
                    raise InputError(str(told.get("error", reply.status)))
                if reply.status != 200:
                    raise SourceUnavailable(f"{self._address}: {told.get('error', reply.status)}")
                return told
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            says = (
                f"no bot answers at {self._address}: start one with ./tightrope run ({type(error).__name__})"
            )
            raise SourceUnavailable(says) from error
