"""The operator's side: what runs here, and the few things that may be asked of it. It is guarded like the whole page: on
this machine, or behind the password."""

from collections.abc import Mapping

from aiohttp import hdrs, web
from msgspec import Struct, field

from bot.delivery.preview.admin import AdminView, admin_parts
from bot.delivery.preview.deskroutes import NOT_KEPT, PageParts
from bot.delivery.preview.form import read_form
from bot.delivery.preview.operation import Operation
from bot.desk.market import Market

ADMIN = "/admin"


class OperatorSide(Struct, frozen=True, kw_only=True):
    """The settings as they were read, without secrets, and the running bot, where the page is that of one."""

    settings: Mapping[str, str] = field(default_factory=dict)
    operation: Operation | None = None


OPERATOR = web.AppKey("operator", OperatorSide)
NOBODY = OperatorSide()


class AdminRoutes:
    """The handlers."""

    def __init__(self, market: Market, parts: PageParts) -> None:
        self._market = market
        self._asked, self._draw = parts.asked, parts.draw

    def routes(self) -> list[web.RouteDef]:
        """Their addresses."""
        return [web.get(ADMIN, self.show), web.post(ADMIN, self.act)]

    async def show(self, request: web.Request) -> web.Response:
        """All of it on one page."""
        side = request.app.get(OPERATOR, NOBODY)
        state = await side.operation.look() if side.operation is not None else None
        view = AdminView(
            parts=await admin_parts(self._market, self._asked.profile(request), side.settings, state),
            state=state,
        )
        text = self._draw.admin(view, self._asked.voice(request))
        return web.Response(text=text, content_type="text/html", headers=NOT_KEPT)

    async def act(self, request: web.Request) -> web.Response:
        """One of the buttons; the page again, with what came of it."""
        operation = request.app.get(OPERATOR, NOBODY).operation
        if operation is None:
            raise web.HTTPNotFound
        asked = await read_form(request)
        match asked.get("do"):
            case "check":
                await operation.check()
            case "reload":
                await operation.reload()
            case "back_up":
                await operation.back_up()
            case "test":
                if asked.get("channel") not in (await operation.look()).testable:
                    raise web.HTTPNotFound
                words = self._asked.voice(request).words
                await operation.send_test(asked["channel"], words["page.test_title"], words["page.test_body"])
            case _:
                raise web.HTTPNotFound
        return web.Response(status=303, headers={hdrs.LOCATION: ADMIN})
