"""A Discord of our own on loopback: REST and gateway over real sockets, with faults on demand. For tests
only.

What it answers is checked with the same document as what it is asked (`wire.py`); `problems` collects both.
"""

import asyncio
import itertools
import json
import sys
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib import import_module
from typing import Any

from aiohttp import WSMsgType, web

from tests.delivery.discord.wire import BothWires, Wire, best

LONGEST_WAIT_S = 20.0
EPOCH_MS = 1420070400000
BOT, APP, GUILD, CHANNEL, READER, OWNER = 9001, 9002, 8001, 7001, 6001, 6002
EVERYTHING = str((1 << 50) - 1)
EPHEMERAL = 64


class Refusal(Exception):
    """What Discord answers to something that it does not do."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


@dataclass
class Fault:
    """What happens to a request instead of, or (`after`) besides, what it asks for. `raw` is a page of HTML or the
    like, sent as it is; without `via` it comes from what stands before Discord."""

    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    abort: bool = False
    after: bool = False
    hang_s: float = 0.0
    raw: str | None = None
    via: bool = True


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    body: Any
    at: float
    query: dict[str, str] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


@dataclass
class Pressed:
    """One interaction and what the bot made of it."""

    id: int
    token: str
    channel: int
    began: float
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    on: Mapping[str, Any] | None = None  # the message whose component was used
    told_at: float = 0.0

    @property
    def shown(self) -> dict[str, Any]:
        """The answer as the reader sees it."""
        return self.messages[0]

    @property
    def private(self) -> bool:
        return bool(self.messages[0]["flags"] & EPHEMERAL)


@dataclass
class Session:
    """One gateway session, which may outlive its connections."""

    id: str
    shard: tuple[int, int] = (0, 1)
    seq: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)
    lost: bool = False

    def hears_of(self, guild: object) -> bool:
        """Whether events of a server (of none: of direct messages) come over this session's shard."""
        number, count = self.shard
        return (int(str(guild)) >> 22) % count == number if guild else number == 0


def make_packer(compress: str) -> Callable[[bytes], bytes]:
    """What packs a connection's messages, each to its end, in the way that its address asks for: from Python 3.14 on
    discord.py asks for zstd."""
    if compress == "zstd-stream":
        zstd = import_module("compression.zstd").ZstdCompressor()
        return lambda text: bytes(zstd.compress(text, mode=zstd.FLUSH_BLOCK))
    assert compress == "zlib-stream"
    packed = zlib.compressobj()
    return lambda text: packed.compress(text) + packed.flush(zlib.Z_SYNC_FLUSH)


class Connection:
    """One gateway connection."""

    def __init__(self, socket: web.WebSocketResponse, compress: str) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.silent = False
        self._pack = make_packer(compress)

    def drop(self) -> None:
        """Break off without a word."""
        transport = self.socket._req.transport if self.socket._req else None
        if transport is not None:
            transport.abort()

    async def send(self, payload: Mapping[str, Any]) -> None:
        if self.socket.closed:
            return
        text = json.dumps(payload).encode()
        await self.socket.send_bytes(self._pack(text))


class FakeDiscord:
    """The server. `async with FakeDiscord() as fake`."""

    def __init__(self, wire: Wire | BothWires | None = None, *, checked: bool = True) -> None:
        self.wire = wire or best()
        self.checked = checked
        self.problems: list[str] = []
        self.asked: list[Asked] = []
        self.messages: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.commands: list[dict[str, Any]] = []
        self.pressed: dict[str, Pressed] = {}
        self.guilds: dict[int, dict[str, Any]] = {}
        self.faults: dict[tuple[str, str], deque[Fault]] = defaultdict(deque)
        self.latency_s = 0.0
        self.heartbeat_ms = 500
        self.mute = False  # connections are taken, and greeted with nothing
        self.acks = True
        self.nonce_lives_s = 120.0
        self.global_rate: float | None = None
        self.per_channel: tuple[int, float] | None = None
        self.refused: list[float] = []
        self.connections: list[Connection] = []
        self.sessions: dict[str, Session] = {}
        self.gateway: list[dict[str, Any]] = []
        self.shards = 1
        self.starts_left = 999
        self.waits_s = 60.0  # Discord waits three seconds; a busy machine is no fault of the bot
        self.concurrency = 1
        self.threads: dict[int, str] = {}
        self.allowed: dict[str, list[dict[str, Any]]] = {}  # what a server set for a command, or for the bot
        self.moved_by = timedelta(0)  # Discord's time against this machine's
        self._nonces: dict[tuple[int, str], tuple[float, dict[str, Any]]] = {}
        self._buckets: dict[int, tuple[float, int]] = {}
        self._recent: deque[float] = deque()
        self._ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self.add_guild(GUILD, [CHANNEL])

    # ── running ─────────────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> "FakeDiscord":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway/", self._gateway)
        app.router.add_get("/gateway", self._gateway)
        app.router.add_get("/stats", self._stats)
        app.router.add_get("/press", self._press)
        app.router.add_route("*", "/api/v10/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=512)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self.connections:
            connection.drop()
        await self._runner.cleanup()

    async def _stats(self, request: web.Request) -> web.Response:
        """For who runs the fake in a process of its own."""
        posted = sum(len(messages) for messages in self.messages.values())
        return web.json_response({"posted": posted, "refused": len(self.refused), "asked": len(self.asked)})

    async def _press(self, request: web.Request) -> web.Response:
        """So many readers type a command at once; how long each waited for its answer, the longest wait where none
        came."""
        names = request.query["commands"].split(",")
        count, within_s = int(request.query["count"]), float(request.query["within_s"])

        async def ask(number: int) -> float:
            await asyncio.sleep(within_s * number / count)
            name, reader = names[number % len(names)], 10_000 + self._reader()
            try:
                one = await self.slash(name, reader=reader, wait_s=LONGEST_WAIT_S)
            except TimeoutError:
                return LONGEST_WAIT_S
            return float(one.told_at - one.began)

        return web.json_response(await asyncio.gather(*(ask(number) for number in range(count))))

    def _reader(self) -> int:
        return next(self._ids)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v10"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/gateway/"

    # ── arranging ───────────────────────────────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        """Discord's time: of ids, timestamps and the Date of each answer."""
        return datetime.now(UTC) + self.moved_by

    def stand_at(self, at: datetime) -> None:
        """From now on Discord's time is this, and goes on from it."""
        self.moved_by = at - datetime.now(UTC)

    def snowflake(self) -> str:
        return str((int(self.now().timestamp() * 1000) - EPOCH_MS << 22) + next(self._ids) % 4096)

    def chat(self, count: int, channel: int = CHANNEL) -> None:
        """So many messages of somebody else."""
        for _ in range(count):
            said = self._message(channel, {"content": "gm"}) | {"author": user(READER)}
            self.messages[channel].append(said)

    def add_guild(self, guild: int, channels: list[int], *, allowed: str = EVERYTHING) -> None:
        """A server with text channels; the bot has the permissions `allowed`."""
        self.guilds[guild] = {
            "id": str(guild),
            "name": f"server {guild}",
            "owner_id": str(OWNER),
            "unavailable": False,
            "large": False,
            "member_count": 3,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "emojis": [],
            "stickers": [],
            "features": [],
            "roles": [
                {
                    "id": str(guild),
                    "name": "@everyone",
                    "permissions": allowed,
                    "position": 0,
                    "color": 0,
                    "hoist": False,
                    "managed": False,
                    "mentionable": False,
                    "flags": 0,
                }
            ],
            "members": [
                {
                    "user": user(BOT),
                    "roles": [],
                    "flags": 0,
                    "joined_at": "2026-01-01T00:00:00+00:00",
                    "deaf": False,
                    "mute": False,
                }
            ],
            "channels": [self.channel(one) for one in channels],
            "threads": [],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
            "preferred_locale": "en-US",
            "system_channel_id": None,
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_flags": 0,
        }

    @staticmethod
    def channel(channel: int) -> dict[str, Any]:
        return {
            "id": str(channel),
            "type": 0,
            "name": f"channel-{channel}",
            "position": 0,
            "permission_overwrites": [],
            "nsfw": False,
            "rate_limit_per_user": 0,
            "topic": None,
            "parent_id": None,
        }

    def fault(self, method: str, within: str, *faults: Fault) -> None:
        """The next requests whose path holds `within` meet these faults, one after another."""
        self.faults[method, within].extend(faults)

    def posted(self, channel: int = CHANNEL) -> list[dict[str, Any]]:
        """The messages of a channel, oldest first."""
        return self.messages[channel]

    def requests(self, method: str, within: str = "") -> list[Asked]:
        return [one for one in self.asked if one.method == method and within in one.path]

    async def until(self, true: Any, *, within_s: float = 20.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110  a test may wait for anything
                await asyncio.sleep(0.005)

    # ── the gateway ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def live(self) -> list[Connection]:
        return [one for one in self.connections if one.session is not None and not one.socket.closed]

    async def dispatch(self, name: str, data: Mapping[str, Any]) -> None:
        """An event to every live session, kept for those that resume."""
        for session in list(self.sessions.values()):
            if session.lost or not session.hears_of(
                data.get("guild_id") or (name[:6] == "GUILD_" and data["id"])
            ):
                continue
            session.seq += 1
            payload = {"op": 0, "t": name, "s": session.seq, "d": data}
            session.kept.append(payload)
            for connection in self.live:
                if connection.session is session and not connection.silent:
                    await connection.send(payload)

    async def ask_to_reconnect(self) -> None:
        for connection in self.live:
            await connection.send({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        for connection in self.live:
            if not resumable and connection.session is not None:
                connection.session.lost = True
            await connection.send({"op": 9, "d": resumable})

    async def close_gateway(self, code: int) -> None:
        for connection in self.live:
            await connection.socket.close(code=code)

    def cut(self) -> None:
        """Every gateway connection breaks off without a word."""
        for connection in self.live:
            connection.drop()

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, request.query["compress"])
        self.connections.append(connection)
        if not self.mute:
            await connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_ms}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            payload = json.loads(message.data)
            self.gateway.append(payload)
            await self._told(connection, payload)
        return socket

    async def _told(self, connection: Connection, payload: Mapping[str, Any]) -> None:
        match payload["op"]:
            case 1 if self.acks and not connection.silent:
                await connection.send({"op": 11})
            case 2:
                await self._identify(connection, payload["d"])
            case 6:
                await self._resume(connection, payload["d"])

    async def _identify(self, connection: Connection, said: Mapping[str, Any]) -> None:
        if said["token"] == "refused":
            await connection.socket.close(code=4004)
            return
        shard = tuple(said.get("shard") or (0, 1))
        session = Session(id=f"session-{len(self.sessions) + 1}", shard=(shard[0], shard[1]))
        self.sessions[session.id] = session
        connection.session = session
        session.seq += 1
        ready = {
            "v": 10,
            "user": user(BOT),
            "session_id": session.id,
            "resume_gateway_url": self.socket_url.rstrip("/"),
            "guilds": [
                {"id": name, "unavailable": True} for name in map(str, self.guilds) if session.hears_of(name)
            ],
            "application": {"id": str(APP), "flags": 0},
            "shard": list(session.shard),
        }
        await connection.send({"op": 0, "t": "READY", "s": session.seq, "d": ready})
        for guild in self.guilds.values():
            if not session.hears_of(guild["id"]):
                continue
            session.seq += 1
            there = {"id": guild["id"], "unavailable": True} if guild["unavailable"] else guild
            name = "GUILD_DELETE" if guild["unavailable"] else "GUILD_CREATE"
            await connection.send({"op": 0, "t": name, "s": session.seq, "d": there})

    async def _resume(self, connection: Connection, said: Mapping[str, Any]) -> None:
        session = self.sessions.get(said["session_id"])
        if session is None or session.lost:
            await connection.send({"op": 9, "d": False})
            return
        connection.session = session
        for payload in session.kept:
            if payload["s"] > said["seq"]:
                await connection.send(payload)
        session.seq += 1
        await connection.send({"op": 0, "t": "RESUMED", "s": session.seq, "d": {}})

    # ── readers ─────────────────────────────────────────────────────────────────────────────────────────────

    async def slash(
        self,
        name: str,
        *,
        channel: int = CHANNEL,
        guild: int | None = GUILD,
        reader: int = READER,
        permissions: str = "0",
        wait_s: float = 20.0,
        **options: str,
    ) -> Pressed:
        """A reader types a command; returns once it is answered."""
        command = next(one for one in self.commands if one["name"] == name)
        types = {option["name"]: option["type"] for option in command.get("options", [])}
        data = {
            "id": command["id"],
            "name": name,
            "type": 1,
            "options": [{"name": key, "type": types[key], "value": value} for key, value in options.items()],
        }
        return await self.press(
            2, data, channel=channel, guild=guild, reader=reader, permissions=permissions, wait_s=wait_s
        )

    async def choose_menu(self, name: str, message: Mapping[str, Any], **given: Any) -> Pressed:
        """A reader picks a command in the menu of a message."""
        command = next(one for one in self.commands if one["name"] == name)
        data = {
            "id": command["id"],
            "name": name,
            "type": 3,
            "target_id": message["id"],
            "resolved": {"messages": {message["id"]: dict(message)}},
        }
        return await self.press(2, data, channel=int(message["channel_id"]), **given)

    async def click(self, message: Mapping[str, Any], custom_id: str, **given: Any) -> Pressed:
        data = {"component_type": 2, "custom_id": custom_id}
        return await self.press(3, data, message=message, channel=int(message["channel_id"]), **given)

    async def press(
        self,
        kind: int,
        data: Mapping[str, Any],
        *,
        channel: int = CHANNEL,
        guild: int | None = GUILD,
        reader: int = READER,
        permissions: str = "0",
        message: Mapping[str, Any] | None = None,
        locale: str = "en-US",
        wait_s: float = 20.0,
    ) -> Pressed:
        number = self.snowflake()
        one = Pressed(
            id=int(number), token=f"token-{number}", channel=channel, began=time.monotonic(), on=message
        )
        self.pressed[one.token] = one
        event: dict[str, Any] = {
            "id": number,
            "application_id": str(APP),
            "type": kind,
            "token": one.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel),
            "channel": {**self.channel(channel), "permissions": permissions},
            "locale": locale,
            "entitlements": [],
            "authorizing_integration_owners": {},
            "context": 0 if guild else 1,
            "app_permissions": EVERYTHING,
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        if guild is not None:
            event |= {
                "guild_id": str(guild),
                "guild_locale": locale,
                "guild": {"id": str(guild), "locale": locale, "features": []},
            }
            event["member"] = {
                "user": user(reader),
                "roles": [],
                "flags": 0,
                "permissions": permissions,
                "deaf": False,
                "mute": False,
                "joined_at": "2026-01-01T00:00:00+00:00",
            }
        else:
            event["user"] = user(reader)
        if message is not None:
            event["message"] = message
        await self.dispatch("INTERACTION_CREATE", event)
        async with asyncio.timeout(wait_s):
            await one.answered.wait()
        return one

    # ── REST ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        body, files = await self._body(request)
        query = dict(request.query)
        self.asked.append(Asked(request.method, path, body, time.monotonic(), query, files))
        if self.checked:
            self.problems += self.wire.request(request.method, path, body, query=query, files=files)
        if self.latency_s and not path.startswith(("/interactions", "/webhooks")):
            await asyncio.sleep(self.latency_s)
        fault = self._fault(request.method, path)
        if fault is not None and fault.hang_s and not fault.after:
            await asyncio.sleep(fault.hang_s)
        if fault is not None and fault.abort and not fault.after:
            return self._abort(request)
        if fault is not None and fault.raw is not None:
            heads = {"Content-Type": "text/html", **({"Via": "1.1 fake"} if fault.via else {})}
            return web.Response(
                status=fault.status, body=fault.raw.encode(), headers={**heads, **fault.headers}
            )
        told: Any = {"code": 0, "message": "fault"} if fault is None or fault.body is None else fault.body
        if fault is not None and fault.status and not fault.after:
            return self._reply(request.method, path, fault.status, told, fault.headers)
        limited = self._limited(path, request.method)
        if limited is not None:
            return limited
        try:
            status, answer = self._handle(request.method, path, body, query, files)
        except Refusal as refusal:
            status, answer = refusal.status, {"code": refusal.code, "message": refusal.message}
        if fault is not None and fault.hang_s and fault.after:
            await asyncio.sleep(fault.hang_s)
        if fault is not None and fault.abort:
            return self._abort(request)
        if fault is not None and fault.status:
            return self._reply(request.method, path, fault.status, told, fault.headers)
        return self._reply(request.method, path, status, answer, self._headers(path, request.method))

    @staticmethod
    async def _body(request: web.Request) -> tuple[Any, dict[str, int]]:
        if request.content_type == "application/json":
            return await request.json(), {}
        if request.content_type != "multipart/form-data":
            return None, {}
        body, files = None, {}
        form = await request.post()
        for name, part in form.items():
            if name == "payload_json":
                body = json.loads(str(part))
            elif isinstance(part, web.FileField):
                files[part.filename] = len(part.file.read())
        return body, files

    def _fault(self, method: str, path: str) -> Fault | None:
        for (wanted, within), faults in self.faults.items():
            if wanted == method and within in path and faults:
                return faults.popleft()
        return None

    @staticmethod
    def _abort(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _reply(
        self, method: str, path: str, status: int, answer: Any, headers: Mapping[str, str]
    ) -> web.Response:
        if self.checked:
            self.problems += self.wire.answer(method, path, status, answer)
        heads = {"Via": "1.1 fake", "Date": format_datetime(self.now(), usegmt=True), **headers}
        if answer is None:
            return web.Response(status=status, headers=heads)
        response = web.Response(status=status, body=json.dumps(answer).encode(), headers=heads)
        response.headers["Content-Type"] = "application/json"
        return response

    def _limited(self, path: str, method: str) -> web.Response | None:
        now = time.monotonic()
        outside = path.startswith(("/interactions", "/webhooks"))
        if self.global_rate is not None and not outside:
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if len(self._recent) >= self.global_rate:
                self.refused.append(now)
                wait = self._recent[0] + 1 - now
                body = {
                    "code": 0,
                    "message": "You are being rate limited.",
                    "retry_after": round(wait, 3),
                    "global": True,
                }
                return self._reply(
                    method, path, 429, body, {"X-RateLimit-Global": "true", "Retry-After": "1"}
                )
            self._recent.append(now)
        channel = _message_channel(method, path)
        if self.per_channel is None or channel is None:
            return None
        count, per_s = self.per_channel
        began, used = self._buckets.get(channel, (now, 0))
        if now - began >= per_s:
            began, used = now, 0
        self._buckets[channel] = (began, used + 1)
        if used < count:
            return None
        self.refused.append(now)
        body = {
            "code": 0,
            "message": "You are being rate limited.",
            "retry_after": round(began + per_s - now, 3),
            "global": False,
        }
        return self._reply(method, path, 429, body, self._headers(path, method))

    def _headers(self, path: str, method: str) -> dict[str, str]:
        channel = _message_channel(method, path)
        if self.per_channel is None or channel is None:
            return {}
        count, per_s = self.per_channel
        began, used = self._buckets.get(channel, (time.monotonic(), 0))
        left = max(began + per_s - time.monotonic(), 0)
        return {
            "X-RateLimit-Limit": str(count),
            "X-RateLimit-Remaining": str(max(count - used, 0)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": "messages",
        }

    def _handle(
        self, method: str, path: str, body: Any, query: Mapping[str, str], files: Mapping[str, int]
    ) -> tuple[int, Any]:
        match method, path.strip("/").split("/"):
            case "GET", ["users", "@me"]:
                return 200, user(BOT) | {
                    "mfa_enabled": True,
                    "locale": "en-US",
                    "verified": True,
                    "email": None,
                }
            case "GET", ["oauth2", "applications", "@me"]:
                return 200, application()
            case "GET", ["gateway", "bot"]:
                limit = {
                    "total": 1000,
                    "remaining": self.starts_left,
                    "reset_after": 1000,
                    "max_concurrency": self.concurrency,
                }
                return 200, {"url": self.socket_url, "shards": self.shards, "session_start_limit": limit}
            case "PUT", ["applications", _, "commands"]:
                self.commands = [command(one, self.snowflake()) for one in body]
                return 200, self.commands
            case "POST", ["users", "@me", "channels"]:
                return 200, {
                    "id": str(5000 + int(body["recipient_id"])),
                    "type": 1,
                    "flags": 0,
                    "last_message_id": None,
                    "recipients": [user(int(body["recipient_id"]))],
                }
            case "POST", ["channels", channel, "messages"]:
                return 200, self._post(int(channel), body, files)
            case "GET", ["channels", channel, "messages"]:
                return 200, self._history(int(channel), query)
            case "PATCH", ["channels", channel, "messages", message]:
                found = next(one for one in self.messages[int(channel)] if one["id"] == message)
                found.update(
                    embeds=body.get("embeds", found["embeds"]), edited_timestamp=self.now().isoformat()
                )
                return 200, found
            case "POST", ["channels", channel, "messages", message, "crosspost"]:
                found = next(one for one in self.messages[int(channel)] if one["id"] == message)
                found["flags"] |= 1
                return 200, found
            case "POST", ["channels", channel, "messages", message, "threads"]:
                self.threads[int(message)] = body["name"]
                return 201, {
                    **self.channel(int(message)),
                    "type": 11,
                    "guild_id": str(GUILD),
                    "parent_id": channel,
                    "owner_id": str(BOT),
                    "name": body["name"],
                    "flags": 0,
                    "member_count": 1,
                    "message_count": 0,
                    "total_message_sent": 0,
                    "thread_metadata": {
                        "archived": False,
                        "auto_archive_duration": 1440,
                        "archive_timestamp": self.now().isoformat(),
                        "locked": False,
                    },
                }
            case "GET", ["applications", _, "commands"]:
                return 200, self.commands
            case "GET", ["applications", _, "guilds", guild, "commands", name, "permissions"]:
                if name not in self.allowed:
                    raise Refusal(404, 10066, "Unknown application command permissions")
                return 200, {
                    "id": name,
                    "application_id": str(APP),
                    "guild_id": guild,
                    "permissions": self.allowed[name],
                }
            case "POST", ["interactions", _, token, "callback"]:
                return self._callback(token, body, files)
            case "POST", ["webhooks", _, token]:
                return self._follow_up(token, body, files)
            case "PATCH", ["webhooks", _, token, "messages", "@original"]:
                return self._edit_original(token, body, files)
            case "DELETE", ["webhooks", _, token, "messages", "@original"]:
                self.pressed[token].messages.pop(0)
                return 204, None
        return 404, {"code": 0, "message": "404: Not Found"}

    def _post(self, channel: int, body: Mapping[str, Any], files: Mapping[str, int]) -> dict[str, Any]:
        key = channel, str(body.get("nonce", ""))
        if body.get("enforce_nonce") and key in self._nonces:
            at, known = self._nonces[key]
            if time.monotonic() - at < self.nonce_lives_s:
                if known not in self.messages[channel]:
                    raise Refusal(404, 10008, "Unknown Message")
                return known
        made = self._message(channel, body, files)
        self.messages[channel].append(made)
        if "nonce" in body:
            self._nonces[key] = time.monotonic(), made
        return made

    def forget_nonces(self) -> None:
        """As after a long pause."""
        self._nonces.clear()

    def _history(self, channel: int, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = self.messages[channel]
        limit = int(query.get("limit", 50))
        if "after" in query:
            return list(reversed([one for one in found if int(one["id"]) > int(query["after"])][:limit]))
        return list(reversed(found[-limit:]))

    def _message(
        self, channel: int, body: Mapping[str, Any], files: Mapping[str, int] | None = None
    ) -> dict[str, Any]:
        number = self.snowflake()
        attached = [
            {
                "id": self.snowflake(),
                "filename": name,
                "size": size,
                "url": f"{self.base}/{name}",
                "proxy_url": f"{self.base}/{name}",
            }
            for name, size in (files or {}).items()
        ]
        made = {
            "id": number,
            "channel_id": str(channel),
            "type": 0,
            "content": body.get("content") or "",
            "author": user(BOT),
            "embeds": [{"type": "rich", **embed} for embed in body.get("embeds") or []],
            "attachments": attached,
            "timestamp": self.now().isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "pinned": False,
            "flags": body.get("flags") or 0,
            "components": _numbered(body.get("components") or []),
        }
        return made | ({"nonce": body["nonce"]} if body.get("nonce") else {})

    def _callback(self, token: str, body: Mapping[str, Any], files: Mapping[str, int]) -> tuple[int, Any]:
        one = self.pressed[token]
        if time.monotonic() - one.began > self.waits_s:
            return 404, {"code": 10062, "message": "Unknown interaction"}
        if one.callbacks:
            return 400, {"code": 40060, "message": "Interaction has already been acknowledged."}
        one.callbacks.append(dict(body))
        one.told_at = time.monotonic()
        data = body.get("data") or {}
        answer = {
            "interaction": {
                "id": str(one.id),
                "type": 2,
                "response_message_loading": body["type"] == 5,
                "response_message_ephemeral": bool((data.get("flags") or 0) & EPHEMERAL),
            }
        }
        if body["type"] in (4, 5):
            made = self._message(one.channel, data, files)
            one.messages.append(made)
            answer |= {"interaction": answer["interaction"] | {"response_message_id": made["id"]}}
        if body["type"] == 4:
            answer |= {"resource": {"type": 4, "message": one.messages[0]}}
        if body["type"] not in (5, 6):
            one.answered.set()
        return 200, answer

    def _follow_up(self, token: str, body: Mapping[str, Any], files: Mapping[str, int]) -> tuple[int, Any]:
        one = self.pressed[token]
        made = self._message(one.channel, body, files)
        one.messages.append(made)
        one.told_at = time.monotonic()
        one.answered.set()
        return 200, made

    def _edit_original(
        self, token: str, body: Mapping[str, Any], files: Mapping[str, int]
    ) -> tuple[int, Any]:
        one = self.pressed[token]
        if not one.messages and (one.on is None or not one.callbacks):
            raise Refusal(404, 10015, "Unknown Webhook")
        one.messages = one.messages or [dict(one.on or {})]
        made = self._message(one.channel, body, files) | {"flags": one.messages[0]["flags"]}
        one.messages[0] = made
        one.told_at = time.monotonic()
        one.answered.set()
        return 200, made


async def serve() -> None:
    """The fake in a process of its own: prints its port, and stays until it is ended."""
    fake = FakeDiscord(checked=False)
    fake.latency_s = float(sys.argv[1])
    fake.global_rate = float(sys.argv[2])
    fake.heartbeat_ms = 41_250
    fake.per_channel = (5, 5.0)
    async with fake:
        print(fake.port, flush=True)
        await asyncio.Event().wait()


def user(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "username": f"user{number}",
        "discriminator": "0",
        "avatar": None,
        "global_name": None,
        "public_flags": 0,
        "flags": 0,
        "bot": number == BOT,
        "primary_guild": None,
    }


def application() -> dict[str, Any]:
    return {
        "id": str(APP),
        "name": "Tightrope",
        "icon": None,
        "description": "",
        "type": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "owner": user(OWNER),
        "max_participants": None,
        "tags": [],
        "redirect_uris": [],
        "eligible_oauth2_scopes": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "approximate_user_authorization_count": 0,
        "hook": True,
        "summary": "",
        "is_monetized": False,
        "is_verified": False,
        "is_discoverable": False,
        "storefront_available": False,
        "store_application_state": 1,
        "verification_state": 1,
        "integration_public": True,
        "integration_require_code_grant": False,
        "discoverability_state": 1,
        "discovery_eligibility_flags": 0,
        "rpc_application_state": 0,
        "creator_monetization_state": 1,
        "monetization_state": 1,
        "monetization_eligibility_flags": 0,
        "internal_guild_restriction": 1,
        "event_webhooks_status": 1,
        "event_webhooks_types": [],
        "event_webhooks_url": None,
        "integration_types_config": {},
    }


def command(sent: Mapping[str, Any], number: str) -> dict[str, Any]:
    given = sent.get("default_member_permissions")
    options = [
        {key: value for key, value in one.items() if value is not None} for one in sent.get("options") or []
    ]
    return {
        "id": number,
        "application_id": str(APP),
        "version": number,
        "type": sent.get("type", 1),
        "name": sent["name"],
        "description": sent["description"],
        "options": options,
        "nsfw": False,
        "dm_permission": True,
        "default_member_permissions": None if given is None else str(given),
        "contexts": sent.get("contexts"),
        "integration_types": sent.get("integration_types") or [],
    }


def _numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = itertools.count(1)
    return [
        {
            "id": next(numbers),
            **row,
            "components": [{"id": next(numbers), **one} for one in row.get("components", [])],
        }
        for row in rows
    ]


def _message_channel(method: str, path: str) -> int | None:
    parts = path.strip("/").split("/")
    return int(parts[1]) if method == "POST" and parts[0] == "channels" and parts[-1] == "messages" else None


if __name__ == "__main__":
    asyncio.run(serve())
