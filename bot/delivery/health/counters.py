"""The figures that Prometheus reads: counted from the bot's own log events, so that nothing else knows of
Prometheus.

An event is heeded by its dotted name: `source.gap`, `poll.done`, `post.sent`, `answer.given` and their like.
"""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from structlog.typing import EventDict

from bot.delivery.health.vitals import Vitals, ills

ANSWER_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0)  # Discord waits 3 s for an answer
POLL_S = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0)
POST_RESULTS = {
    "post.sent": "sent",
    "post.kept": "kept",
    "post.refused": "refused",
    "post.dropped": "dropped",
}


class Counters:
    """What is counted, as prometheus-client counts it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        kept: dict[str, Any] = {"registry": self.registry}
        self._gaps = Counter(
            "tightrope_source_gaps", "Readings that were wanted and not heard.", ["source"], **kept
        )
        self._polls = Counter("tightrope_evaluations", "Polls judged to the end.", ["asset"], **kept)
        self._poll_s = Histogram("tightrope_poll_seconds", "How long a poll took.", buckets=POLL_S, **kept)
        self._posts = Counter("tightrope_posts", "Tries to post, by how they ended.", ["result"], **kept)
        self._answers = Histogram(
            "tightrope_answer_seconds",
            "How long an answer to a command took.",
            ["surface", "command"],
            buckets=ANSWER_S,
            **kept,
        )
        self._failures = Counter("tightrope_job_failures", "Scheduled jobs that failed.", ["job"], **kept)
        self._refused = Counter(
            "tightrope_discord_refusals", "Answers that Discord counts as refused.", ["status"], **kept
        )
        self._spent = Counter(
            "tightrope_discord_refusals_spent", "Times requests began to wait for fewer refusals.", **kept
        )
        self._poll_age = Gauge("tightrope_poll_age_seconds", "Time since a poll ended well.", **kept)
        self._source_age = Gauge(
            "tightrope_source_age_seconds", "Time since a source was last heard.", ["source"], **kept
        )
        self._source_light = Gauge(
            "tightrope_source_light",
            "1 at what a source is now: LIVE, PARTIAL, STALE or DRIFT.",
            ["source", "light"],
            **kept,
        )
        self._outbox = Gauge("tightrope_outbox", "Posts in the outbox, by status.", ["status"], **kept)
        self._stall = Gauge(
            "tightrope_loop_stall_seconds", "Longest stall of the event loop in a minute.", **kept
        )
        self._gateway = Gauge(
            "tightrope_gateway_age_seconds", "Time since Discord's gateway was seen open.", **kept
        )
        self._well = Gauge("tightrope_well", "1 where /healthz says so.", **kept)
        self._waits = Gauge(
            "tightrope_standing_by", "1 where another process has what this one would take over.", **kept
        )
        self._reload = Gauge(
            "tightrope_reload_successful", "1 where the last reload was taken, or none was tried.", **kept
        )
        self._reload.set(1)
        self._reloaded_at = Gauge(
            "tightrope_reload_success_timestamp_seconds", "When files were last taken by a reload.", **kept
        )
        self._polling = Gauge("tightrope_polls", "1 where this process polls.", ["role"], **kept)

    def count(self, event: EventDict) -> None:
        """Count one log event."""
        name = str(event.get("event"))
        if name == "source.gap":
            who = str(event.get("who") or event.get("source"))
            self._gaps.labels(source=who.partition(" ")[0]).inc()
        elif name == "network.none":
            for source in event["sources"]:
                self._gaps.labels(source=source).inc()
        elif name == "poll.done":
            self._polls.labels(asset=str(event["asset"])).inc()
            self._poll_s.observe(float(event["took_s"]))
        elif name in POST_RESULTS:
            self._posts.labels(result=POST_RESULTS[name]).inc()
        elif name == "answer.given":
            labels = {"surface": str(event["surface"]), "command": str(event["command"])}
            self._answers.labels(**labels).observe(float(event["took_s"]))
        elif name == "schedule.failed":
            self._failures.labels(job=str(event["job"])).inc()
        elif name == "discord.refused":
            self._refused.labels(status=str(event["status"])).inc()
        elif name in ("reload.done", "reload.refused"):
            self._reload.set(name == "reload.done")
            if name == "reload.done":
                self._reloaded_at.set_to_current_time()
        elif name == "discord.refusals_spent":
            self._spent.inc()

    def render_metrics(self, vitals: Vitals) -> bytes:
        """Everything, in Prometheus's text format. An age that is not known is absent, never a zero."""
        now = vitals.now
        _age(self._poll_age, now.timestamp(), vitals.polled_at)
        _age(self._gateway, now.timestamp(), vitals.gateway_at)
        self._source_age.clear()
        for source, heard_at in vitals.sources.items():
            if heard_at is not None:
                self._source_age.labels(source=source).set((now - heard_at).total_seconds())
        self._source_light.clear()
        for source, light in vitals.lights.items():
            self._source_light.labels(source=source, light=light).set(1)
        self._outbox.clear()
        for status, count in (vitals.outbox or {}).items():
            self._outbox.labels(status=status).set(count)
        self._stall.set(vitals.stall_s)
        self._well.set(not ills(vitals))
        self._waits.set(bool(vitals.waits_for))
        self._polling.labels(role=vitals.role).set(vitals.polls)
        return generate_latest(self.registry)


def _age(gauge: Gauge, now_s: float, seen_at: Any) -> None:
    gauge.set(float("nan") if seen_at is None else now_s - seen_at.timestamp())
