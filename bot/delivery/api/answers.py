"""What the API tells, as plain values: the verdict, facts, a metric's past, posts, and what a post stands on.

Whatever is not known is told with its reason, never as a number; each value has its time, its age at the time of the
answer's `at`, and the venues that it stands on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.commands.evidence import facts_of
from bot.commands.lookback import meaning, title, usual_range
from bot.commentary import in_words
from bot.desk.market import Market
from bot.domain.audit import AuditReport
from bot.domain.facts import Fact, Facts, count_venues
from bot.domain.judgement import Exit, Verdict
from bot.domain.posts import Post, Profile
from bot.domain.readings import VENDORS
from bot.errors import InputError
from bot.reasons import reason

Json = Mapping[str, object]

WINDOWS = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
MOST_POINTS = 10_000
MOST_POSTS = 100


class Answers:
    """Reads the market; asks no venue, stores nothing. `channel` is the one whose posts are told."""

    def __init__(self, market: Market, channel: str) -> None:
        self._market = market
        self._channel = channel

    async def verdict(self, asset: str, profile: Profile) -> Json:
        """The verdict of now. Raises ArchiveError."""
        verdict, facts = await self._market.verdict(asset, profile)
        words = self._market.bank(profile).words
        counted = count_venues(facts.of_metrics().values(), VENDORS)
        oldest = min((fact.at for fact in facts.of_metrics().values()), default=None)
        return {
            **self._head(asset, facts.at, words),
            "stance": verdict.stance,
            "stance_word": words.get(f"stance.{verdict.stance}", verdict.stance),
            "confidence": verdict.confidence,
            "direction": verdict.direction,
            "since": _iso(verdict.since),
            "balance": _span(verdict.balance),
            "balance_3d": _span(verdict.middle),
            "coverage": verdict.coverage,
            "own_days": verdict.own_days,
            "families": dict(verdict.families),
            "without": list(verdict.without),
            "findings": list(_findings(verdict, words)),
            "exits": [_exit(one) for one in verdict.exits],
            "unknown": [
                {"family": one.family, "name": one.fact, "reason": in_words(one.reason, words)}
                for one in verdict.missing
            ],
            "venues": list(counted.sources),
            "of_venues": counted.expected,
            "oldest_reading_at": _iso(oldest),
            "age_s": _age_s(oldest, facts.at),
            "edition": self._market.playbook.rules.hash,
        }

    async def facts(self, asset: str, profile: Profile, names: Sequence[str] = ()) -> Json:
        """The named facts, or every metric; each known, stale, or unknown with its reason. Raises InputError for a name
        that is no fact, ArchiveError."""
        facts = await self._market.facts(asset)
        catalog, words = self._market.playbook.catalog, self._market.bank(profile).words
        for name in names:
            catalog.resolve(name)
        wanted = names or tuple(catalog.metrics)
        known = [name for name in wanted if name in facts.known or name in facts.stale]
        return {
            **self._head(asset, facts.at, words),
            "facts": [self._fact(name, facts, profile) for name in known],
            "unknown": [
                {"name": name, "reason": in_words(facts.why_unknown(name), words)}
                for name in wanted
                if name not in facts.known
            ],
        }

    async def history(
        self, asset: str, metric: str, profile: Profile, *, window: str = "30d", until: datetime | None = None
    ) -> Json:
        """A metric's past up to now or to a time, as it was known then, newest last. Raises InputError for a view or
        a window that does not exist, ArchiveError."""
        catalog, words = self._market.playbook.catalog, self._market.bank(profile).words
        if metric not in catalog.metrics:
            raise InputError(reason("past_of_view", typed=metric, metric=metric.partition(".")[0]))
        if window not in WINDOWS:
            raise InputError(reason("unknown_window", typed=window[:20], known=", ".join(WINDOWS)))
        now = self._market.now()
        end = min(until or now, now)
        column = (await self._market.history(asset)).at(end).column(metric)
        start_ms = (end - WINDOWS[window]).timestamp() * 1000.0
        first = max(int(column.known_ms.searchsorted(start_ms)), len(column.value) - MOST_POINTS)
        usual = usual_range(self._market, metric, asset, profile)
        return {
            **self._head(asset, end, words),
            "metric": metric,
            "title": title(self._market, metric, profile),
            "unit": catalog.metrics[metric].unit,
            "meaning": meaning(self._market, metric, profile),
            "formula": catalog.metrics[metric].formula,
            "window": window,
            "usual": _span(usual),
            "points": [
                {"at": _iso(datetime.fromtimestamp(float(at) / 1000.0, UTC)), "value": float(value)}
                for at, value in zip(column.known_ms[first:], column.value[first:], strict=True)
            ],
        }

    async def posts(self, profile: Profile, *, limit: int = 20, before: datetime | None = None) -> Json:
        """The channel's posts that went out, newest first. Raises ArchiveError."""
        found = await self._market.archive.posts.find(
            limit=min(limit, MOST_POSTS), channel=self._channel, before=before
        )
        words = self._market.bank(profile).words
        return {
            "at": _iso(self._market.now()),
            "note": words["page.api_note"],
            "posts": [_post(post) for post in found if post.sent_at is not None],
        }

    async def why(self, post_id: str, profile: Profile) -> Json:
        """What a post of the channel stands on: each fact with its venues' own values, and each rule's state then.
        Raises InputError where there is none of that name, ArchiveError."""
        post = await self._market.archive.posts.get(post_id.lower(), (self._channel,))
        if post is None or post.channel != self._channel:
            raise InputError(reason("unknown_post", typed=post_id[:20]))
        evidence = await self._market.archive.posts.evidence(post.id, (post.channel,))
        facts = facts_of(post.asset, post.story.at, evidence)
        shown = dict.fromkeys(span.origin.ref for span in post.story.spans if span.origin.kind == "fact")
        words, catalog = self._market.bank(profile).words, self._market.playbook.catalog
        known = [name for name in shown if name in catalog and (name in facts.known or name in facts.stale)]
        return {
            **self._head(post.asset, post.story.at, words),
            "post": _post(post),
            "facts": [
                {
                    **self._fact(name, facts, profile),
                    "formula": catalog.resolve(name).metric.formula,
                    "by_venue": list(_by_venue(evidence, name)),
                }
                for name in known
            ],
            "unknown": [
                {"name": name, "reason": in_words(text, words)} for name, text in facts.unknown.items()
            ],
            "rules": list(_rules(evidence, words)),
        }

    async def audit(self, profile: Profile) -> Json:
        """How each source did in the last poll, and how far what was stored lay from the venues' own histories when it was
        last looked at. Raises ArchiveError."""
        words, report = self._market.bank(profile).words, await self._market.last_audit()
        return {
            "at": _iso(self._market.now()),
            "note": words["page.api_note"],
            "sources": [
                {
                    "source": one.source,
                    "light": one.light,
                    "heard_at": _iso(one.heard_at),
                    "gaps": [in_words(gap.reason, words) for gap in one.gaps],
                }
                for one in self._market.source_states()
            ],
            "audit": None if report is None else _audit(report, words),
        }

    def _head(self, asset: str, at: datetime, words: Mapping[str, str]) -> Json:
        return {"asset": asset, "at": _iso(at), "note": words["page.api_note"]}

    def _fact(self, name: str, facts: Facts, profile: Profile) -> Json:
        fact: Fact = facts.known.get(name) or facts.stale[name]
        unit = self._market.playbook.catalog.resolve(name).unit
        return {
            "name": name,
            "title": title(self._market, name, profile),
            "value": fact.value,
            "unit": unit,
            "at": _iso(fact.at),
            "age_s": _age_s(fact.at, facts.at),
            "fresh": name in facts.known,
            "at_least": fact.lower_bound,
            "venues": list(fact.venues),
            "of_venues": fact.of_venues,
            "missing_venues": list(fact.missing),
        }


def _findings(verdict: Verdict, words: Mapping[str, str]) -> Iterator[Json]:
    for one in verdict.findings:
        yield {
            "rule": one.rule,
            "label": words.get(f"rule.{one.rule}", one.rule),
            "family": one.family,
            "severity": one.severity,
            "points": one.points,
            "since": _iso(one.since),
            "held": one.held,
            "facts": list(one.facts),
        }


def _exit(one: Exit) -> Json:
    moves = [{"fact": move.fact, "from": move.start, "to": move.end} for move in one.moves]
    return {"stance": one.stance, "confidence": one.confidence, "held_days": one.held_days, "moves": moves}


def _post(post: Post) -> Json:
    story = post.story
    return {
        "id": post.id,
        "asset": post.asset,
        "reason": post.reason,
        "stance": story.stance,
        "at": _iso(post.intended_at),
        "sent_at": _iso(post.sent_at),
        "late": post.late,
        "headline": story.headline.text if story.headline else "",
        "text": "\n\n".join(text.text for text in story.paragraphs),
        "footer": story.footer.text if story.footer else "",
        "corrections": [text.text for text in post.corrections],
    }


def _audit(report: AuditReport, words: Mapping[str, str]) -> Json:
    return {
        "at": _iso(report.at),
        "since": _iso(report.since),
        "compared": report.compared,
        "beyond": report.beyond,
        "metrics": [
            {
                "asset": row.asset,
                "metric": row.metric,
                "venue": row.venue,
                "unit": row.unit,
                "tolerance": row.tolerance,
                "compared": row.compared,
                "missing": row.missing,
                "beyond": row.beyond,
                "mean": row.mean,
                "bias": row.bias,
                "largest": row.largest,
                "largest_at": _iso(row.largest_at),
            }
            for row in report.rows
        ],
        "without_history": list(report.without_history),
        "gaps": [in_words(gap, words) for gap in report.gaps],
    }


def _by_venue(evidence: Mapping[str, object], name: str) -> Iterator[Json]:
    points = evidence.get("points")
    for point in points if isinstance(points, list) else ():
        if isinstance(point, dict) and point.get("metric") == name and point.get("venue"):
            yield {"venue": str(point["venue"]), "value": point.get("value"), "at": str(point.get("at"))}


def _rules(evidence: Mapping[str, object], words: Mapping[str, str]) -> Iterator[Json]:
    signals = evidence.get("signals")
    for rule, signal in (signals if isinstance(signals, dict) else {}).items():
        if isinstance(signal, dict) and signal.get("phase") in ("on", "recovering"):
            yield {
                "rule": rule,
                "label": words.get(f"rule.{rule}", rule),
                "phase": signal["phase"],
                "since": str(signal.get("since")),
            }


def _span(ends: tuple[float, float] | None) -> Json | None:
    return None if ends is None else {"low": ends[0], "high": ends[1]}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _age_s(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
