"""How the bot itself is: `/healthz` for whoever restarts it, `/metrics` for Prometheus."""

from bot.delivery.health.figures import Figures
from bot.delivery.health.routes import health_routes
from bot.delivery.health.vitals import Vitals, ills

__all__ = ["Figures", "Vitals", "health_routes", "ills"]
