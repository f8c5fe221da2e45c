"""The page: what it shows, how posts stream in, how commands are taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from aiohttp import hdrs, web

from bot.commands import Command, Request, discover, run
from bot.delivery.preview.draw import Draw, Entry
from bot.delivery.preview.feed import Preview
from bot.delivery.preview.grounds import by_name, stored
from bot.delivery.preview.guard import HEADERS, guard
from bot.delivery.preview.readers import Readers
from bot.delivery.preview.typed import LONGEST_LINE, Typed, parse, suggest
from bot.desk import Desk
from bot.domain.facts import Fact
from bot.domain.posts import Answer, Post, Profile
from bot.errors import InputError

CHANNEL = "preview:"
COOKIE = "reader"
SHOWN = 50
MOST_JUDGED = 200
BEAT_S = 2.0  # how often an open page hears of the sources' ages
LARGEST_BODY = 4096
STATIC = Path(__file__).parent / "static"


def create_app(
    desk: Desk, preview: Preview, *, loopback: bool = True, password: str | None = None, beat_s: float = BEAT_S
) -> web.Application:
    """The page's web application over a desk. It asks the desk and its archive, never a venue."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[guard(loopback=loopback, password=password)])
    page = Page(desk=desk, preview=preview, commands=discover(), beat_s=beat_s)
    app.router.add_get("/", page.home)
    app.router.add_get("/stream", page.stream)
    app.router.add_get("/suggest", page.suggest)
    app.router.add_post("/command", page.command)
    app.router.add_get("/healthz", page.healthz)
    app.router.add_static("/static", STATIC)
    app.on_shutdown.append(page.end)
    return app


class Page:
    """The handlers. One page serves any number of readers."""

    def __init__(self, *, desk: Desk, preview: Preview, commands: Mapping[str, Command], beat_s: float) -> None:
        self._desk = desk
        self._preview = preview
        self._commands = commands
        self._beat_s = beat_s
        self._draw = Draw()
        self._readers: Readers[Entry] = Readers()
        self._asked = 0
        self._judged: dict[str, Mapping[str, Fact]] = {}
        self._profile = Profile()
        self._streams: set[asyncio.Task[None]] = set()

    async def home(self, request: web.Request) -> web.Response:
        """The whole page: posts, this reader's answers, the box. It needs no script to be read."""
        reader = self._readers.known(request.cookies.get(COOKIE))
        posts = await self._posts()
        entries = [await self._post_entry(post) for post in posts]
        entries = sorted([*entries, *self._readers.answers(reader)], key=lambda entry: entry.at)
        text = self._draw.home(
            entries=entries, hearings=self._desk.hearings(), now=self._desk.now(), commands=self._commands,
            words=self._desk.bank(self._profile).words, last=posts[-1].id if posts else "",
            lines=suggest("/", self._commands, self._desk), longest=LONGEST_LINE,
        )  # fmt: skip
        response = web.Response(text=text, content_type="text/html", headers={hdrs.CACHE_CONTROL: "no-store"})
        response.set_cookie(COOKIE, reader, httponly=True, samesite="Strict")
        return response

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Posts as server-sent events, those after `?after=` or the browser's last one first; between them the sources' ages."""
        headers = {**HEADERS, hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        last = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        telling = asyncio.create_task(self._tell(response, last))
        self._streams.add(telling)
        telling.add_done_callback(self._streams.discard)
        try:
            await asyncio.wait([telling])
        finally:
            telling.cancel()
        if not telling.cancelled():
            telling.result()
        return response

    async def command(self, request: web.Request) -> web.Response:
        """The answer to a typed line: a piece of HTML for the script, the page again for a plain form."""
        reader = self._readers.known(request.cookies.get(COOKIE))
        line = str((await request.post()).get("line", ""))
        entry = await self._answer_entry(line)
        self._readers.keep(reader, entry)
        if "fragment" in request.query:
            response = web.Response(text=self._draw.entry(entry), content_type="text/html")
        else:
            response = web.Response(status=303, headers={hdrs.LOCATION: f"/#{entry.key}"})
        response.set_cookie(COOKIE, reader, httponly=True, samesite="Strict")
        return response

    async def suggest(self, request: web.Request) -> web.Response:
        """Whole lines that the one being typed may become."""
        line = request.query.get("line", "")[: LONGEST_LINE + 1]
        return web.json_response(list(suggest(line, self._commands, self._desk)))

    async def healthz(self, request: web.Request) -> web.Response:
        """That the process answers, and when each source was last heard."""
        heard = {
            hearing.source: hearing.heard_at.isoformat() if hearing.heard_at else None
            for hearing in self._desk.hearings()
        }
        return web.json_response({"status": "ok", "now": self._desk.now().isoformat(), "sources": heard})

    async def end(self, app: web.Application) -> None:
        """End the open streams, so that nobody waits for them."""
        for telling in self._streams:
            telling.cancel()

    async def _posts(self) -> list[Post]:
        """The last posts of this channel, oldest first."""
        found = await self._desk.archive.posts(limit=4 * SHOWN)
        mine = [post for post in found if post.channel.startswith(CHANNEL) and post.sent_at is not None]
        return mine[:SHOWN][::-1]

    async def _tell(self, response: web.StreamResponse, last: str) -> None:
        with contextlib.suppress(ConnectionResetError):  # the reader closed the page
            async for event in self._events(last):
                await response.write(event.encode())

    async def _events(self, last: str) -> AsyncIterator[str]:
        bar = ""
        yield "retry: 2000\n\n"
        with self._preview.reader() as queue:
            missed = await self._after(last)
            for post in missed:
                yield await self._post_event(post)
            seen = {post.id for post in missed}
            while True:
                now = self._draw.bar(self._desk.hearings(), self._desk.now())
                yield _event("bar", now) if now != bar else ": still here\n\n"
                bar = now
                try:
                    post = await asyncio.wait_for(queue.get(), self._beat_s)
                except TimeoutError:
                    continue
                if post.id not in seen:
                    yield await self._post_event(post)

    async def _after(self, last: str) -> list[Post]:
        """The posts since one that a reader has; none for a reader that has none or an unknown one."""
        posts = await self._posts()
        places = [number for number, post in enumerate(posts) if post.id == last]
        return posts[places[-1] + 1 :] if places else []

    async def _post_event(self, post: Post) -> str:
        return _event("post", self._draw.entry(await self._post_entry(post)), post.id)

    async def _post_entry(self, post: Post) -> Entry:
        card = self._desk.card(post)
        return Entry(
            key=f"post-{post.id}", at=post.sent_at or post.intended_at, card=card, facts=await self._evidence(post.id),
            catalog=self._desk.playbook.catalog, asset=post.asset, reason=post.reason,
            late=post.late,
        )  # fmt: skip

    async def _evidence(self, post_id: str) -> Mapping[str, Fact]:
        """The facts that a post was judged on. They never change, so they are read once."""
        if post_id not in self._judged:
            while len(self._judged) >= MOST_JUDGED:
                self._judged.pop(next(iter(self._judged)))
            self._judged[post_id] = stored(await self._desk.archive.evidence(post_id))
        return self._judged[post_id]

    async def _answer_entry(self, line: str) -> Entry:
        answer, facts = await self._answer(line)
        card = await self._desk.answer_card(answer)
        self._asked += 1
        return Entry(
            key=f"answer-{self._asked}", at=self._desk.now(), card=card, facts=facts,
            catalog=self._desk.playbook.catalog, line=line[:LONGEST_LINE],
        )  # fmt: skip

    async def _answer(self, line: str) -> tuple[Answer, Mapping[str, Fact]]:
        try:
            typed = parse(line, self._commands)
        except InputError as error:
            return self._desk.refuse(error, self._profile), {}
        request = Request(options=typed.options, profile=self._profile, surface="preview", channel=CHANNEL)
        return await run(self._desk, typed.command, request), await self._facts(typed)

    async def _facts(self, typed: Typed) -> Mapping[str, Fact]:
        """The facts that an answer of now stands on."""
        try:
            asset = self._desk.asset(typed.options.get("asset"))
        except InputError:
            return {}
        return by_name(await self._desk.facts(asset))


def _event(kind: str, text: str, name: str = "") -> str:
    lines = [f"event: {kind}", *([f"id: {name}"] if name else []), *(f"data: {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n\n"
