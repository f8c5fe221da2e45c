"""How the bot itself is: `/healthz` for whoever restarts it, `/metrics` for Prometheus.

`figures.Figures` is imported from its file: prometheus-client takes a tenth of a second, and only `bot run`
needs it."""

from bot.delivery.health.routes import health_routes
from bot.delivery.health.vitals import Vitals, ills

__all__ = ["Vitals", "health_routes", "ills"]
