"""What the page answers beside posts and lines: readings, charts, and how a reader wants it to look."""

from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import hdrs, web
from msgspec import Struct

from bot.delivery.preview.board import USUAL_WINDOW, WINDOWS, Board
from bot.delivery.preview.chartdata import chart_json
from bot.delivery.preview.draw import Draw
from bot.delivery.preview.entries import LOOKED_BACK
from bot.delivery.preview.form import read_form
from bot.delivery.preview.look import Look, Voice, keep_look, read_look
from bot.delivery.preview.surface import CHANNEL
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import ChartSpec, Profile
from bot.errors import InputError

PRICE = "spot_usd"
NOT_KEPT: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store"}


class PageQuery:
    """What every request of the page tells: who asks, of which asset, of which time."""

    def __init__(self, market: Market, profile: Profile) -> None:
        self._market = market
        self._profile = profile

    def look(self, request: web.Request) -> Look:
        """How this reader wants the page."""
        return read_look(request.cookies, self._market.playbook.banks, self._profile.locale)

    def profile(self, request: web.Request) -> Profile:
        """How this reader is spoken to."""
        return Profile(
            ranges=self._profile.ranges, locale=self.look(request).language, length=self._profile.length
        )

    def voice(self, request: web.Request) -> Voice:
        """The look and the words of this reader."""
        return Voice(look=self.look(request), words=self._market.bank(self.profile(request)).words)

    def asset(self, request: web.Request) -> str:
        """The asset that is meant; the first one where none is, or none that is followed."""
        try:
            return self._market.asset(request.query.get("asset"))
        except InputError:
            return self._market.assets[0]

    def at(self, request: web.Request) -> datetime | None:
        """The time that is looked back to; None for now, and for what is no time or lies ahead."""
        at = read_seconds(request.query.get("at", ""))
        return at if at is not None and at < self._market.now() else None


class PageParts(Struct, frozen=True, kw_only=True):
    """What all handlers of the page share."""

    board: Board
    draw: Draw
    asked: PageQuery


class DeskRoutes:
    """The handlers."""

    def __init__(self, market: Market, cards: Cards, parts: PageParts) -> None:
        self._market = market
        self._cards = cards
        self._board, self._asked, self._draw = parts.board, parts.asked, parts.draw

    def routes(self) -> list[web.RouteDef]:
        """Their addresses."""
        return [
            web.get("/reading/{metric:[a-z0-9_]+}", self.reading),
            web.get("/chart/{metric:[a-z0-9_]+}.json", self.chart),
            web.get("/chart/{metric:[a-z0-9_]+}.png", self.chart_picture),
            web.post("/look", self.look),
        ]

    async def reading(self, request: web.Request) -> web.Response:
        """What a reading stands on: a piece of HTML for the script, a page of its own otherwise."""
        asset, at = self._asked.asset(request), self._asked.at(request)
        name = request.match_info["metric"]
        detail = await self._board.detail(asset, name, self._asked.profile(request), at)
        if detail is None:
            raise web.HTTPNotFound
        alone = "fragment" not in request.query
        text = self._draw.reading(detail, at, self._asked.voice(request), alone=alone)
        return web.Response(text=text, content_type="text/html", headers=NOT_KEPT)

    async def chart(self, request: web.Request) -> web.Response:
        """A metric's chart as plain values; with the posts of its time where it is the price. No content where nothing
        of it is known yet."""
        name = request.match_info["metric"]
        # The page has the price's place, whether or not this installation measures it.
        if name != PRICE and name not in self._market.playbook.catalog.metrics:
            raise web.HTTPNotFound
        spec = await self._spec(request)
        if spec is None:
            return web.Response(status=204, headers=NOT_KEPT)
        posts = []
        if name == PRICE:
            found = await self._market.archive.posts.find(limit=LOOKED_BACK, channel=CHANNEL)
            asset, at = self._asked.asset(request), self._asked.at(request) or self._market.now()
            posts = [
                post
                for post in reversed(found)
                if post.asset == asset and post.sent_at is not None and post.sent_at <= at
            ]
        return web.json_response(chart_json(spec, posts), headers=NOT_KEPT)

    async def chart_picture(self, request: web.Request) -> web.Response:
        """A metric's chart as PNG, for who has no script, and to pass on."""
        spec = await self._spec(request)
        image = None
        if spec is not None:
            light = request.query.get("theme", self._asked.look(request).theme) == "light"
            image = await self._cards.draw(spec, light=light)
        if image is None:
            raise web.HTTPNotFound
        return web.Response(body=image, content_type="image/png", headers=NOT_KEPT)

    async def look(self, request: web.Request) -> web.Response:
        """Remember how a reader wants the page, and show it again."""
        wanted = await read_form(request)
        back = wanted.get("back", "/")
        inside = back.startswith("/") and not back.startswith(("//", "/\\"))
        response = web.Response(status=303, headers={hdrs.LOCATION: back if inside else "/"})
        keep_look(response, wanted, self._market.playbook.banks)
        return response

    async def _spec(self, request: web.Request) -> ChartSpec | None:
        window = request.query.get("window", USUAL_WINDOW)
        return await self._board.chart(
            self._asked.asset(request),
            request.match_info["metric"],
            self._asked.profile(request),
            window=window if window in WINDOWS else USUAL_WINDOW,
            at=self._asked.at(request),
        )


def read_seconds(typed: str) -> datetime | None:
    """A time from seconds since 1970; None for what is none."""
    try:
        return datetime.fromtimestamp(int(typed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
