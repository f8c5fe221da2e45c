"""Drives a Chromium of this machine through its DevTools protocol: no package beside aiohttp is needed."""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "about:blank",
)


def found() -> str | None:
    """The browser's path, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One open page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.asked: list[str] = []
        self.complaints: list[str] = []

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command and its result; what the page asks for and complains of on the way is kept."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(30):
            while True:
                message = json.loads((await self._socket.receive()).data)
                if message.get("id") == number:
                    assert "error" not in message, message
                    return message["result"]
                self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(params))

    async def open(
        self, url: str, *, width: int = 1200, height: int = 900, dark: bool = False, script: bool = True
    ) -> None:
        """Open an address at a size, in a theme, with or without scripts, and wait until it stands."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.do(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.do("Emulation.setEmulatedMedia", features=[scheme])
        await self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await self.do("Emulation.setTimezoneOverride", timezoneId="Europe/Berlin")
        await self.do("Emulation.setScriptExecutionDisabled", value=not script)
        await self.do("Page.navigate", url=url)
        await asyncio.sleep(0.3)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def say(self, expression: str) -> Any:
        """The value of an expression in the page."""
        result = await self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression holds in the page."""
        async with asyncio.timeout(20):
            while not await self.say(f"Boolean({expression})"):  # noqa: ASYNC110 (the event is in another process)
                await asyncio.sleep(0.05)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.do("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press one key, such as Enter or Tab."""
        code = {"Enter": 13, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40, "Escape": 27}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def picture(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode((await self.do("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def browser(path: str) -> AsyncIterator[Tab]:
    """A browser with one empty page, ended on leaving."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = await asyncio.create_subprocess_exec(
            path, *FLAGS[:-1], f"--user-data-dir={home}", FLAGS[-1],
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(home) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                    address = next(
                        page["webSocketDebuggerUrl"] for page in await reply.json() if page["type"] == "page"
                    )
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> str:
    async with asyncio.timeout(20):
        while not file.exists() or not file.read_text().strip():  # noqa: ASYNC110, ASYNC240 (written by another process)
            await asyncio.sleep(0.05)
    return file.read_text().splitlines()[0]  # noqa: ASYNC240
