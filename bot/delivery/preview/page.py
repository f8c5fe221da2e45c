"""The page: what it shows, how posts stream in, how commands are taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from aiohttp import hdrs, web

from bot.commands import Command, discover
from bot.delivery.preview.draw import Draw, Entry, Shown
from bot.delivery.preview.entries import Entries, up_to
from bot.delivery.preview.guard import HEADERS, Handler, guard
from bot.delivery.preview.readers import Readers
from bot.delivery.preview.surface import Preview
from bot.delivery.preview.typed import LONGEST_LINE, suggest
from bot.desk import Desk
from bot.domain.posts import Post, Profile
from bot.errors import ArchiveError

log = structlog.get_logger()

COOKIE = "reader"
SHOWN = 50
BEAT_S = 2.0  # how often an open page hears of the sources' ages
LARGEST_BODY = 4096
PICTURE_KEPT = "private, max-age=3600"
STATIC = Path(__file__).parent / "static"


def create_app(
    desk: Desk, preview: Preview, *, loopback: bool = True, password: str | None = None, beat_s: float = BEAT_S,
    beside: Iterable[web.RouteDef] = (), profile: Profile | None = None,
) -> web.Application:  # fmt: skip
    """The page's web application over a desk. It asks the desk and its archive, never a venue. `beside` are addresses of others;
    without any the page answers `/healthz` itself. `profile` is how its readers are spoken to."""
    guarded = guard(loopback=loopback, password=password)
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[guarded, _archive_out])
    entries = Entries(desk, commands := discover(), profile or Profile())
    page = Page(desk=desk, preview=preview, commands=commands, entries=entries, beat_s=beat_s)
    app.router.add_get("/", page.home)
    app.router.add_get("/stream", page.stream)
    app.router.add_get("/suggest", page.suggest)
    app.router.add_get("/picture/{post:[a-z0-9]+}.png", page.picture)
    app.router.add_post("/command", page.command)
    app.add_routes(list(beside) or [web.get("/healthz", page.healthz)])
    app.router.add_static("/static", STATIC)
    app.on_shutdown.append(page.end)
    return app


@web.middleware
async def _archive_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Where the archive cannot be read: say so instead of failing."""
    try:
        return await handler(request)
    except ArchiveError as error:
        log.error("preview.archive", path=request.path, reason=str(error))  # noqa: TRY400 (the reason says it all)
        return web.Response(status=503, text="The archive cannot be read now. Try again in a moment.\n")


class Page:
    """The handlers. One page serves any number of readers."""

    def __init__(
        self, *, desk: Desk, preview: Preview, commands: Mapping[str, Command], entries: Entries, beat_s: float
    ) -> None:
        self._desk = desk
        self._preview = preview
        self._commands = commands
        self._beat_s = beat_s
        self._draw = Draw()
        self._entries = entries
        self._readers: Readers[Entry] = Readers()
        self._streams: set[asyncio.Task[None]] = set()

    async def home(self, request: web.Request) -> web.Response:
        """The whole page: posts, this reader's answers, the box; with `?at=` (seconds since 1970) the posts up to then. It
        needs no script to be read."""
        reader = self._readers.known(request.cookies.get(COOKIE))
        past = _time(request.query.get("at", ""))
        posts = await self._entries.posts()
        shown = up_to(posts, past)[-SHOWN:]
        entries = [await self._entries.of_post(post) for post in shown]
        if past is None:
            entries = sorted([*entries, *self._readers.answers(reader)], key=lambda entry: entry.at)
        page = Shown(
            entries=entries,
            hearings=self._desk.hearings(),
            now=self._desk.now(),
            commands=tuple(self._commands.values()),
            words=self._entries.words,
            last=shown[-1].id if shown else "",
            lines=suggest("/", self._commands, self._desk),
            longest=LONGEST_LINE,
            times=[post.sent_at or post.intended_at for post in posts],
            past=past,
        )
        response = web.Response(
            text=self._draw.home(page), content_type="text/html", headers={hdrs.CACHE_CONTROL: "no-store"}
        )
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
        entry = await self._entries.of_line(line)
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

    async def picture(self, request: web.Request) -> web.Response:
        """The picture of one post. What it shows is over, so a browser may keep it."""
        image = await self._entries.picture(request.match_info["post"])
        if image is None:
            raise web.HTTPNotFound
        return web.Response(body=image, content_type="image/png", headers={hdrs.CACHE_CONTROL: PICTURE_KEPT})

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
                if post.id not in seen or post.corrections:
                    yield await self._post_event(post)

    async def _after(self, last: str) -> Sequence[Post]:
        """The posts since the one that a reader has; all where it has none; none where that one is not known any more."""
        posts = list(await self._entries.posts())[-SHOWN:]
        known = {post.id for post in posts}
        posts += [post for post in self._preview.last if post.id not in known]
        places = [number for number, post in enumerate(posts) if post.id == last]
        if last and not places:
            return []
        return posts[places[-1] + 1 :] if places else posts

    async def _post_event(self, post: Post) -> str:
        drawn = self._draw.entry(await self._entries.of_post(post))
        return _event("edit", drawn) if post.corrections else _event("post", drawn, post.id)


def _event(kind: str, text: str, name: str = "") -> str:
    lines = [f"event: {kind}", *([f"id: {name}"] if name else []), *(f"data: {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n\n"


def _time(typed: str) -> datetime | None:
    """A time from seconds since 1970; None for what is none."""
    try:
        return datetime.fromtimestamp(int(typed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
