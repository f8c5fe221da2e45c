"""The figures that Prometheus reads: counted from the bot's own log events, so that nothing else knows of Prometheus.

prometheus-client is imported (counters.py) when the first event comes that is counted: a start has none."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from structlog.typing import EventDict

from bot.delivery.health.vitals import Vitals

if TYPE_CHECKING:
    from bot.delivery.health.counters import Counters

HEEDED = frozenset(
    {
        "answer.given",
        "discord.refusals_spent",
        "discord.refused",
        "network.none",
        "poll.done",
        "post.dropped",
        "post.kept",
        "post.refused",
        "post.sent",
        "reload.done",
        "reload.refused",
        "schedule.failed",
        "source.gap",
    }
)


class Figures:
    """Counts what happens, and writes all of it down when asked."""

    TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

    @cached_property
    def counters(self) -> "Counters":
        """What was counted."""
        from bot.delivery.health.counters import Counters

        return Counters()

    def heed(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Count one log event; it goes on as it is."""
        if event.get("event") in HEEDED:
            self.counters.count(event)
        return event

    def render_metrics(self, vitals: Vitals) -> bytes:
        """Everything, in Prometheus's text format. An age that is not known is absent, never a zero."""
        return self.counters.render_metrics(vitals)
