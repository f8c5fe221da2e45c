"""The addresses of the API: read-only, each answer with a tag, so many requests a minute from one address."""

import hashlib
import json
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import hdrs, web

from bot.commentary import in_words
from bot.delivery.api.answers import MOST_POSTS, Answers, Json
from bot.desk.market import Market
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.reasons import reason

ROOT = "/api/v1"
DOCUMENT = Path(__file__).parent / "openapi.json"
REQUESTS, WITHIN_S = 120, 60.0
MOST_ADDRESSES = 1000

Tell = Callable[[web.Request], Awaitable[Json]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NotThere(InputError):
    """What was asked for does not exist."""


class Limit:
    """So many requests in so many seconds from one address; the longest unheard addresses are forgotten."""

    def __init__(
        self, most: int = REQUESTS, within_s: float = WITHIN_S, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._within_s, self._steady = most, within_s, steady
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def pause_s(self, address: str) -> float:
        """Count a request from there: for how long it must wait, 0 where it need not."""
        now = self._steady()
        asked = self._asked.setdefault(address, deque(maxlen=self._most))
        self._asked.move_to_end(address)
        while len(self._asked) > MOST_ADDRESSES:
            self._asked.popitem(last=False)
        while asked and asked[0] <= now - self._within_s:
            asked.popleft()
        if len(asked) >= self._most:
            return asked[0] + self._within_s - now
        asked.append(now)
        return 0.0


class ApiRoutes:
    """The handlers."""

    def __init__(self, market: Market, channel: str, profile: Profile, limit: Limit) -> None:
        self._market = market
        self._answers = Answers(market, channel)
        self._profile = profile
        self._limit = limit

    def routes(self) -> Sequence[web.RouteDef]:
        """Their addresses."""
        told: dict[str, Tell] = {
            "/assets": self.assets,
            "/verdict/{asset}": self.verdict,
            "/facts/{asset}": self.facts,
            "/history/{asset}/{metric}": self.history,
            "/posts": self.posts,
            "/why/{post}": self.why,
            "/audit": self.audit,
        }
        return [
            web.get(f"{ROOT}/openapi.json", self.document),
            *(web.get(f"{ROOT}{path}", self._around(tell)) for path, tell in told.items()),
            web.get(f"{ROOT}/{{rest:.*}}", self._around(self.nothing)),
        ]

    async def document(self, request: web.Request) -> web.Response:
        """What there is to ask, by OpenAPI."""
        return _with_tag(request, DOCUMENT.read_bytes())

    async def assets(self, request: web.Request) -> Json:
        """What is followed, and which metrics there are."""
        catalog = self._market.playbook.catalog
        metrics = [{"name": one.name, "unit": one.unit} for one in catalog.metrics.values()]
        return {"assets": list(self._market.assets), "metrics": metrics}

    async def verdict(self, request: web.Request) -> Json:
        """The verdict of now."""
        return await self._answers.verdict(self._asset(request), self._profile_of(request))

    async def facts(self, request: web.Request) -> Json:
        """What is known of an asset."""
        names = [name for name in request.query.get("names", "").split(",") if name]
        return await self._answers.facts(self._asset(request), self._profile_of(request), names)

    async def history(self, request: web.Request) -> Json:
        """A metric's past."""
        try:
            self._market.playbook.catalog.resolve(request.match_info["metric"])
        except InputError as error:
            raise NotThere(str(error)) from error
        return await self._answers.history(
            self._asset(request),
            request.match_info["metric"],
            self._profile_of(request),
            window=request.query.get("window", "30d"),
            until=_time(request, "until"),
        )

    async def posts(self, request: web.Request) -> Json:
        """Posts, newest first."""
        typed = request.query.get("limit", "20")
        if not (typed.isascii() and typed.isdigit() and 1 <= int(typed) <= MOST_POSTS):
            raise InputError(reason("unknown_limit", typed=typed[:20], most=MOST_POSTS))
        return await self._answers.posts(
            self._profile_of(request), limit=int(typed), before=_time(request, "before")
        )

    async def why(self, request: web.Request) -> Json:
        """What a post stands on."""
        profile = self._profile_of(request)
        try:
            return await self._answers.why(request.match_info["post"], profile)
        except InputError as error:
            raise NotThere(str(error)) from error

    async def audit(self, request: web.Request) -> Json:
        """How each source does, and the last audit."""
        return await self._answers.audit(self._profile_of(request))

    async def nothing(self, request: web.Request) -> Json:
        """An address that there is not."""
        raise NotThere(reason("unknown_address", typed=request.match_info["rest"][:40]))

    def _asset(self, request: web.Request) -> str:
        typed = request.match_info["asset"].upper()
        if typed not in self._market.assets:
            known = ", ".join(self._market.assets)
            raise NotThere(reason("unknown_asset", typed=typed[:20], known=known))
        return typed

    def _profile_of(self, request: web.Request) -> Profile:
        locale = request.query.get("locale", self._profile.locale)
        if locale not in self._market.playbook.banks:
            known = ", ".join(self._market.playbook.banks)
            raise InputError(reason("unknown_language", typed=locale[:20], known=known))
        return Profile(ranges=self._profile.ranges, locale=locale, length=self._profile.length)

    def _around(self, tell: Tell) -> Handler:
        """The answer with its tag, or what is wrong with the question."""

        async def answer(request: web.Request) -> web.StreamResponse:
            pause_s = math.ceil(self._limit.pause_s(request.remote or ""))
            if pause_s:
                why = reason("asked_too_often", most=REQUESTS, seconds=pause_s)
                return self._trouble(request, 429, why, {hdrs.RETRY_AFTER: str(pause_s)})
            try:
                told = await tell(request)
            except NotThere as error:
                return self._trouble(request, 404, str(error))
            except InputError as error:
                return self._trouble(request, 400, str(error))
            return _with_tag(request, json.dumps(told, ensure_ascii=False, allow_nan=False).encode())

        return answer

    def _trouble(
        self, request: web.Request, status: int, why: str, headers: dict[str, str] | None = None
    ) -> web.Response:
        locale = request.query.get("locale", self._profile.locale)
        words = self._market.bank(Profile(locale=locale)).words
        return web.json_response({"error": in_words(why, words)}, status=status, headers=headers)


def api_routes(
    market: Market, channel: str, profile: Profile, limit: Limit | None = None
) -> Sequence[web.RouteDef]:
    """`/api/v1` over a market: `channel` is the one whose posts are told, `profile` how it speaks where the question does
    not say."""
    return ApiRoutes(market, channel, profile, limit or Limit()).routes()


def _time(request: web.Request, name: str) -> datetime | None:
    typed = request.query.get(name)
    if typed is None:
        return None
    try:
        found = datetime.fromisoformat(typed)
    except ValueError as error:
        raise InputError(reason("unknown_time", typed=typed[:30])) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _with_tag(request: web.Request, body: bytes) -> web.Response:
    """The body as JSON; nothing but its tag where the asker has it already."""
    tag = hashlib.sha256(body).hexdigest()[:24]
    headers = {hdrs.ETAG: f'"{tag}"', hdrs.CACHE_CONTROL: "private, no-cache"}
    if any(one.value in (tag, "*") for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
