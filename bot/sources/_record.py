"""Replies as they came: what carries requests hands each answer on, and answers from a recording.

Headers of requests are not written down, and secrets are blacked out wherever they stand."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiohttp
import httpx
from msgspec.structs import replace

from bot.errors import SourceError
from bot.sources._http import Transport, network
from bot.sources._recording import RecordedMessages, RecordedReply, Recording
from bot.sources._ws import MESSAGE_LIMIT_BYTES, Stream, socket_proxy

HIDDEN = "***"
SECRET_PARAMS = frozenset({"api_key", "apikey", "key", "token", "signature"})
KEPT_HEADERS = ("date", "content-type", "retry-after")
MOST_MESSAGES = 200_000


class RecordingTransport(httpx.AsyncBaseTransport):
    """Passes requests on and hands each reply to `keep`, secrets blacked out. What comes back is unpacked."""

    def __init__(
        self,
        keep: Callable[[RecordedReply], object],
        now: Callable[[], datetime],
        *,
        inner: Transport | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        self._inner = inner or network()
        self._keep = keep
        self._now = now
        self._secrets = tuple(secret for secret in secrets if secret)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The reply, written down. Raises what the transport under it raises, written down too."""
        question = RecordedReply(
            method=request.method,
            url=_without_secrets(str(request.url), self._secrets),
            asked=_hide(request.content.decode("utf-8", "replace"), self._secrets),
            heard_at=self._now(),
            headers={},
        )
        try:
            response = await self._inner.handle_async_request(request)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            reason = _hide(str(error) or type(error).__name__, self._secrets)
            self._keep(replace(question, heard_at=self._now(), failure=reason))
            raise
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        hidden = body
        for secret in self._secrets:
            hidden = hidden.replace(secret.encode(), HIDDEN.encode())
        answered = replace(question, heard_at=self._now(), status=response.status_code, body=hidden)
        told = {name: _hide(value, self._secrets) for name, value in headers.items()}
        self._keep(replace(answered, headers=told))
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close what is under it."""
        await self._inner.aclose()


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers from a recording: the same question gets the same reply, at the time at which it was heard then;
    one that was asked several times, each in turn. What was not asked then cannot be reached."""

    def __init__(self, recording: Recording) -> None:
        self._replies: dict[tuple[str, str, str], list[RecordedReply]] = defaultdict(list)
        for reply in recording.replies:
            self._replies[reply.method, reply.url, reply.asked].append(reply)
        self._at = recording.taken_at
        self._heard_until = recording.taken_at

    def now(self) -> datetime:
        """When the last reply was heard."""
        return self._at

    @property
    def heard_until(self) -> datetime:
        """When the latest was heard of the replies that were asked for."""
        return self._heard_until

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The recorded reply. Raises httpx.ConnectError where there was none."""
        url = _without_secrets(str(request.url), ())
        found = self._replies.get((request.method, url, request.content.decode("utf-8", "replace")))
        if not found:
            raise httpx.ConnectError(f"{request.url.host}: not in the recording", request=request)
        reply = found.pop(0) if len(found) > 1 else found[0]
        self._at = reply.heard_at
        self._heard_until = max(self._heard_until, reply.heard_at)
        if reply.failure:
            raise httpx.ConnectError(reply.failure, request=request)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)


async def listen(
    source: str, stream: Stream, seconds: float, now: Callable[[], datetime], secrets: Iterable[str] = ()
) -> RecordedMessages:
    """What a socket pushes for so many seconds, from one connection; why it ended, if it did before."""
    messages: list[tuple[datetime, str]] = []
    failure = ""
    try:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            if stream.prepare is not None:
                await stream.prepare()
            async with session.ws_connect(
                stream.url,
                proxy=socket_proxy(stream.url),
                max_msg_size=MESSAGE_LIMIT_BYTES,
                heartbeat=stream.ping_every_s,
            ) as socket:
                for words in stream.greet:
                    await socket.send_str(words)
                pinging = asyncio.create_task(_keep_up(socket, stream))
                try:
                    async for message in socket:
                        if len(messages) < MOST_MESSAGES:
                            told = message.data if isinstance(message.data, str) else message.data.decode()
                            messages.append((now(), _hide(told, tuple(secrets))))
                    failure = "the venue closed it"
                finally:
                    pinging.cancel()
    except TimeoutError:
        pass  # the time is over
    except (aiohttp.ClientError, SourceError, OSError, UnicodeDecodeError) as error:
        failure = str(error) or type(error).__name__
    return RecordedMessages(source=source, url=stream.url, messages=tuple(messages), failure=failure)


async def _keep_up(socket: aiohttp.ClientWebSocketResponse, stream: Stream) -> None:
    while stream.ping is not None and not socket.closed:
        await asyncio.sleep(stream.ping_every_s)
        await socket.send_str(stream.ping)


def _without_secrets(url: str, secrets: Sequence[str]) -> str:
    """An address whose keys are blacked out."""
    parts = urlsplit(url)
    if not parts.query:
        return _hide(url, secrets)
    asked = [
        (name, HIDDEN if name.lower() in SECRET_PARAMS else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return _hide(urlunsplit(parts._replace(query=urlencode(asked))), secrets)


def _hide(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
