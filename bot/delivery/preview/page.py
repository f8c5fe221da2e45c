"""The page: what it shows, how posts stream in, how commands are taken."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from msgspec.structs import replace

from bot.commands import Command, discover
from bot.delivery.api import api_routes
from bot.delivery.preview.adminroutes import AdminRoutes
from bot.delivery.preview.board import Board, BoardState
from bot.delivery.preview.deskroutes import DeskRoutes, PageParts, PageQuery
from bot.delivery.preview.draw import Draw, Entry, Shown
from bot.delivery.preview.entries import Entries, up_to
from bot.delivery.preview.form import read_form
from bot.delivery.preview.guard import HEADERS, LOGIN, LOGOUT, SESSION, Guard, Handler
from bot.delivery.preview.look import CHOICES, Voice
from bot.delivery.preview.packed import PackedFiles, pack_text
from bot.delivery.preview.readers import Readers
from bot.delivery.preview.surface import CHANNEL, Preview
from bot.delivery.preview.typed import LONGEST_LINE, suggest
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import Post, Profile
from bot.errors import ArchiveError

log = structlog.get_logger()

COOKIE = "reader"
SHOWN = 50
MOST_STREAMS = 50
BEAT_S = 2.0  # how often an open page hears of the sources' ages
LARGEST_BODY = 4096
PICTURE_KEPT = "private, max-age=3600"
STATIC = Path(__file__).parent / "static"


def create_app(
    market: Market,
    cards: Cards,
    preview: Preview,
    *,
    loopback: bool = True,
    password: str | None = None,
    beat_s: float = BEAT_S,
    beside: Iterable[web.RouteDef] = (),
    profile: Profile | None = None,
    names: Sequence[str] = (),
    around: Sequence[Middleware] = (),
) -> web.Application:
    """The page's web application over a market. It asks that and its archive, never a venue. `beside` are
    addresses of others; without any the page answers `/healthz` itself. `profile` is how its readers are
    spoken to."""
    board, draw, commands = Board(market), Draw(), discover()
    guard = Guard(loopback=loopback, password=password, draw_login=draw.login, names=names)
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[*around, guard.middleware, pack_text, _no_trace, _archive_out],
    )
    asked = PageQuery(market, profile or Profile())
    spoken = {
        locale: Entries(market, cards, commands, replace(profile or Profile(), locale=locale))
        for locale in market.playbook.banks
    }
    parts = PageParts(board=board, draw=draw, asked=asked)
    page = Page(market=market, preview=preview, commands=commands, entries=spoken, parts=parts, beat_s=beat_s)
    app.router.add_get("/", page.home)
    app.router.add_get("/stream", page.stream)
    app.router.add_get("/suggest", page.suggest)
    app.router.add_get("/picture/{post:[a-z0-9]+}.png", page.picture)
    app.router.add_post("/command", page.command)
    if password:
        app.router.add_get(LOGIN, guard.login)
        app.router.add_post(LOGIN, guard.login)
        app.router.add_post(LOGOUT, guard.logout)
    app.add_routes(DeskRoutes(market, cards, parts).routes())
    app.add_routes(AdminRoutes(market, parts).routes())
    app.add_routes(api_routes(market, CHANNEL, profile or Profile()))
    app.add_routes(list(beside) or [web.get("/healthz", page.healthz)])
    app.router.add_get("/static/{name:.+}", PackedFiles(STATIC).answer)
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


@web.middleware
async def _no_trace(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What nobody thought of is in the log, and nothing of it on the page."""
    try:
        return await handler(request)
    except (web.HTTPException, asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        log.exception("page.failed", path=request.path[:60])
    return web.Response(status=500, text="Something went wrong; the log says what.\n")


class Page:
    """The handlers. One page serves any number of readers."""

    def __init__(
        self,
        *,
        market: Market,
        preview: Preview,
        commands: Mapping[str, Command],
        entries: Mapping[str, Entries],
        parts: PageParts,
        beat_s: float,
    ) -> None:
        self._market = market
        self._preview = preview
        self._commands = commands
        self._beat_s = beat_s
        self._draw, self._board, self._asked = parts.draw, parts.board, parts.asked
        self._spoken = entries
        self._readers: Readers[Entry] = Readers()
        self._streams: set[asyncio.Task[None]] = set()

    async def home(self, request: web.Request) -> web.Response:
        """The whole page: posts, this reader's answers, the box; with `?at=` (seconds since 1970) the posts
        up to then. It needs no script to be read."""
        reader = self._readers.recognize(request.cookies.get(COOKIE))
        past, asset, look = self._asked.at(request), self._asked.asset(request), self._asked.look(request)
        entries, profile = self._entries(request), self._asked.profile(request)
        posts = await entries.posts()
        shown = up_to(posts, past)[-SHOWN:]
        found = [await entries.of_post(post) for post in shown]
        if past is None:
            found = sorted([*found, *self._readers.answers(reader)], key=lambda entry: entry.at)
        page = Shown(
            entries=found[::-1],
            board=(board := await self._board.show(asset, profile, past, coins=look.units == "coins")),
            strip=await self._strip(profile, past, board),
            direction="" if past else await self._direction(asset, profile),
            hearings=self._market.source_states(),
            budgets=self._market.budgets(),
            now=self._market.now(),
            looks=self._looks(request),
            commands=tuple(self._commands.values()),
            last=shown[-1].id if shown else "",
            lines=suggest("/", self._commands, self._market, profile),
            longest=LONGEST_LINE,
            times=[post.sent_at or post.intended_at for post in posts],
            past=past,
            newest=await entries.of_post(posts[-1]) if past and shown and shown[-1] != posts[-1] else None,
            guarded=request.cookies.get(SESSION) is not None,
        )
        text = self._draw.home(page, self._asked.voice(request))
        response = web.Response(text=text, content_type="text/html", headers={hdrs.CACHE_CONTROL: "no-store"})
        response.set_cookie(COOKIE, reader, httponly=True, samesite="Strict")
        return response

    def _entries(self, request: web.Request) -> Entries:
        return self._spoken[self._asked.look(request).language]

    def _looks(self, request: web.Request) -> Sequence[tuple[str, str, Sequence[tuple[str, str]]]]:
        look, words = self._asked.look(request), self._asked.voice(request).words
        named = [
            (name, getattr(look, name), [(value, words[f"page.{name}_{value}"]) for value in values])
            for name, values in CHOICES.items()
        ]
        languages = [
            (locale, self._market.playbook.banks[locale].words.get("language", locale))
            for locale in self._spoken
        ]
        return [*named, ("language", look.language, languages)]

    async def _strip(
        self, profile: Profile, past: datetime | None, board: BoardState
    ) -> Sequence[BoardState]:
        """Every asset's price and stance, that of the board as it stands there; nothing where only one is followed."""
        assets = self._market.assets
        if len(assets) < 2:
            return []
        return [
            board if asset == board.asset else await self._board.show(asset, profile, past)
            for asset in assets
        ]

    async def _direction(self, asset: str, profile: Profile) -> str:
        """Where the verdict goes, in words; nothing where that is not known."""
        verdict, _ = await self._market.verdict(asset, profile)
        words = self._market.bank(profile).words
        return words[f"chart.direction.{verdict.direction}"] if verdict.direction else ""

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Posts as server-sent events, those after `?after=` or the browser's last one first; between them
        the sources' ages."""
        if len(self._streams) >= MOST_STREAMS:
            return web.Response(
                status=503, text="Too many pages are open.\n", headers={hdrs.RETRY_AFTER: "60"}
            )
        headers = {**HEADERS, hdrs.CONTENT_TYPE: "text/event-stream", hdrs.CACHE_CONTROL: "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        last = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        telling = asyncio.create_task(self._tell(response, request, last))
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
        reader = self._readers.recognize(request.cookies.get(COOKIE))
        line = (await read_form(request)).get("line", "")
        entry = await self._entries(request).of_line(line)
        self._readers.keep(reader, entry)
        if "fragment" in request.query:
            response = web.Response(
                text=self._draw.entry(entry, self._asked.voice(request)), content_type="text/html"
            )
        else:
            response = web.Response(status=303, headers={hdrs.LOCATION: f"/#{entry.key}"})
        response.set_cookie(COOKIE, reader, httponly=True, samesite="Strict")
        return response

    async def suggest(self, request: web.Request) -> web.Response:
        """Whole lines that the one being typed may become."""
        line = request.query.get("line", "")[: LONGEST_LINE + 1]
        profile = self._asked.profile(request)
        return web.json_response(list(suggest(line, self._commands, self._market, profile)))

    async def picture(self, request: web.Request) -> web.Response:
        """The picture of one post. What it shows is over, so a browser may keep it."""
        light = request.query.get("theme") == "light"
        image = await self._entries(request).picture(request.match_info["post"], light=light)
        if image is None:
            raise web.HTTPNotFound
        return web.Response(body=image, content_type="image/png", headers={hdrs.CACHE_CONTROL: PICTURE_KEPT})

    async def healthz(self, request: web.Request) -> web.Response:
        """That the process answers, and when each source was last heard."""
        heard = {
            hearing.source: hearing.heard_at.isoformat() if hearing.heard_at else None
            for hearing in self._market.source_states()
        }
        return web.json_response({"status": "ok", "now": self._market.now().isoformat(), "sources": heard})

    async def end(self, app: web.Application) -> None:
        """End the open streams, so that nobody waits for them."""
        for telling in self._streams:
            telling.cancel()

    async def _tell(self, response: web.StreamResponse, request: web.Request, last: str) -> None:
        with contextlib.suppress(ConnectionResetError):  # the reader closed the page
            async for event in self._events(request, last):
                await response.write(event.encode())

    async def _events(self, request: web.Request, last: str) -> AsyncIterator[str]:
        entries, voice = self._entries(request), self._asked.voice(request)
        told: dict[str, str] = {}
        yield "retry: 2000\n\n"
        with self._preview.reader() as queue:
            missed = await self._after(entries, last)
            for post in missed:
                yield await self._post_event(entries, post, voice)
            seen = {post.id for post in missed}
            while True:
                fresh = await self._live(request, voice)
                news = {kind: text for kind, text in fresh.items() if told.get(kind) != text}
                for kind, text in news.items():
                    yield _event(kind, text)
                told |= news
                if not news:
                    yield ": still here\n\n"
                try:
                    post = await asyncio.wait_for(queue.get(), self._beat_s)
                except TimeoutError:
                    continue
                if post.id not in seen or post.corrections:
                    yield await self._post_event(entries, post, voice)

    async def _live(self, request: web.Request, voice: Voice) -> Mapping[str, str]:
        """What changes beside the posts: the sources' light, the pinned line, the board."""
        asset, profile = self._asked.asset(request), self._asked.profile(request)
        board = await self._board.show(asset, profile, coins=voice.look.units == "coins")
        strip, direction = await self._strip(profile, None, board), await self._direction(asset, profile)
        pin, cells = self._draw.board(board, strip, direction, voice)
        bar = self._draw.bar(self._market.source_states(), self._market.budgets(), self._market.now(), voice)
        return {"bar": bar, "pin": pin, "board": cells}

    async def _after(self, entries: Entries, last: str) -> Sequence[Post]:
        """The posts since the one that a reader has; all where it has none; none where that one is not known
        any more."""
        posts = list(await entries.posts())[-SHOWN:]
        known = {post.id for post in posts}
        posts += [post for post in self._preview.last if post.id not in known]
        places = [number for number, post in enumerate(posts) if post.id == last]
        if last and not places:
            return []
        return posts[places[-1] + 1 :] if places else posts

    async def _post_event(self, entries: Entries, post: Post, voice: Voice) -> str:
        drawn = self._draw.entry(await entries.of_post(post), voice)
        return _event("edit", drawn) if post.corrections else _event("post", drawn, post.id)


def _event(kind: str, text: str, name: str = "") -> str:
    lines = [
        f"event: {kind}",
        *([f"id: {name}"] if name else []),
        *(f"data: {line}" for line in text.splitlines()),
    ]
    return "\n".join(lines) + "\n\n"
