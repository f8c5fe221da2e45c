"""The two addresses, served beside the page, and the one to reload the files; each tells of this process
alone."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from bot.delivery.health.vitals import Vitals, ills
from bot.errors import ConfigError

if TYPE_CHECKING:
    from bot.delivery.health.figures import Figures

Look = Callable[[], Awaitable[Vitals]]
Reload = Callable[[], Awaitable[str]]


def health_routes(look: Look, figures: "Figures", reload: Reload) -> Sequence[web.RouteDef]:
    """`/healthz`: 200 where all is well, 503 with the reasons where not; a process that stands by is well,
    and says for what. `/metrics`: Prometheus's text. POST `/reload`: read the files anew, 422 with the
    problems where they cannot be used."""

    async def healthz(request: web.Request) -> web.Response:
        vitals = await look()
        wrong = ills(vitals)
        told = {
            "status": "ill" if wrong else "ok",
            "ills": list(wrong),
            "warnings": list(vitals.warnings),
            "stands_by_for": list(vitals.waits_for),
            "role": vitals.role,
            "polls": vitals.polls,
            "now": vitals.now.isoformat(),
            "polled_at": vitals.polled_at.isoformat() if vitals.polled_at else None,
            "playbook": vitals.playbook,
            "sources": {name: at.isoformat() if at else None for name, at in vitals.sources.items()},
        }
        return web.json_response(told, status=503 if wrong else 200, headers={"Cache-Control": "no-store"})

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=figures.render_metrics(await look()), headers={"Content-Type": figures.TYPE})

    async def answer_reload(request: web.Request) -> web.Response:
        try:
            return web.Response(text=await reload())
        except ConfigError as error:
            return web.Response(text=str(error), status=422)

    return web.get("/healthz", healthz), web.get("/metrics", metrics), web.post("/reload", answer_reload)
