"""Outage and return: a source that is silent for too long is told once, and so is its end.

A silence is an outage when it has lasted, poll after poll, for longer than the source's readings may be old.
Sources that cross that line together make one post; where all are silent the fault is ours, and the post says
so. A return is told when it has held. What was decided is stored before it is told, and what is told has an
id that follows from it: a kill in between tells nothing twice."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import list_in_words, notice_footer, venue_name
from bot.decide import post_for, post_id
from bot.domain.catalog import Catalog
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Post, Profile, Reason, Route
from bot.domain.readings import LiquidationTally, Snapshot, SourceHealth
from bot.domain.story import Origin, Story, Text
from bot.metrics import History, facts_at
from bot.notices.speaker import Speaker
from bot.rules import is_quiet

MOST_NAMED = 4
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class SourceHealthStore(Protocol):
    """How sources do, over restarts. Every method raises ArchiveError."""

    async def find(self, asset: str) -> Sequence[SourceHealth]:
        """How each source did so far, by name."""
        ...

    async def keep(self, healths: Sequence[SourceHealth]) -> None:
        """Keep how they do now."""
        ...


class MadeForStore(Protocol):
    """Which channels posts were made for. Raises ArchiveError."""

    async def channels(self, post_ids: Sequence[str]) -> frozenset[str]:
        """The channels that any of these posts was made for."""
        ...


def after_poll(
    known: SourceHealth, at: datetime, *, heard: bool, limit: timedelta, hold: timedelta
) -> SourceHealth:
    """How a source stands after a poll in which it was heard or not. Silent for `limit` is an outage, heard
    for `hold` its end."""
    if heard and known.outage_at is None:
        return replace(known, heard_at=at, silent_at=None)
    if heard:
        back_at = known.back_at or at
        held = at if at - back_at >= hold else None
        return replace(known, silent_at=None, back_at=back_at, ended_at=known.ended_at or held)
    silent_at = known.silent_at or at
    known = replace(known, silent_at=silent_at, back_at=known.back_at if known.ended_at else None)
    crossed = known.heard_at is not None and known.outage_at is None and at - silent_at >= limit
    return replace(known, outage_at=at) if crossed else known


def together(
    healths: Sequence[SourceHealth], at: datetime, witnesses: Iterable[str]
) -> tuple[SourceHealth, ...]:
    """Where one source goes out now and none of the witnesses is heard, all that are silent go out: the fault
    is ours."""
    ours = [one for one in healths if one.heard_at is not None and one.source in set(witnesses)]
    begins = any(one.outage_at == at for one in ours)
    if not begins or len(ours) < 2 or any(one.silent_at is None for one in ours):
        return tuple(healths)
    return tuple(
        replace(one, outage_at=at, everyone=True)
        if one.heard_at is not None and one.silent_at is not None and one.outage_at in (None, at)
        else one
        for one in healths
    )


def next_state(health: SourceHealth, at: datetime) -> SourceHealth:
    """How it stands once its outage, or its return, has been told."""
    if health.ended_at is not None and health.told_at is not None:
        heard_at = at if health.silent_at is None else health.ended_at
        return SourceHealth(
            asset=health.asset, source=health.source, heard_at=heard_at, silent_at=health.silent_at
        )
    if health.outage_at is not None and health.told_at is None:
        return replace(health, told_at=at)
    return health


def was_heard(source: str, snapshot: Snapshot) -> bool | None:
    """Whether a source was heard; None where it brought nothing and missed nothing. A tally is counted by
    ourselves from what was pushed before: beside gaps it alone is no sign of life."""
    missed = any(gap.who.partition(" ")[0] == source for gap in snapshot.gaps)
    brought = [reading for reading in snapshot.readings if reading.source == source]
    if missed:
        return any(not isinstance(reading, LiquidationTally) for reading in brought)
    return True if brought else None


def patience(source: str, history: History, catalog: Catalog) -> timedelta:
    """How long a source may be silent before the first of its readings is too old to judge by."""
    ages = [metric.max_age for name, metric in catalog.metrics.items() if source in history.venues(name)]
    return min(ages) if ages else max(metric.max_age for metric in catalog.metrics.values())


class Outages(Struct, frozen=True, kw_only=True):
    """Follows the sources of each asset, and makes the posts about them. `hold` is how long a return must
    last."""

    source_health: SourceHealthStore
    made_posts: MadeForStore
    hold: timedelta

    async def begin(self, snapshot: Snapshot, history: History, catalog: Catalog) -> Sequence[SourceHealth]:
        """How the sources stand after this poll, stored. A source that brought nothing and missed nothing was
        not asked."""
        known = {one.source: one for one in await self.source_health.find(snapshot.asset)}
        asked = sorted({source for sources in snapshot.asked.values() for source in sources})
        found = [known.get(source, SourceHealth(asset=snapshot.asset, source=source)) for source in asked]
        limits = {source: patience(source, history, catalog) for source in asked}
        heard = {source: was_heard(source, snapshot) for source in asked}
        after = [
            one
            if (spoke := heard[one.source]) is None
            else after_poll(one, snapshot.taken_at, heard=spoke, limit=limits[one.source], hold=self.hold)
            for one in found
        ]
        # What is told once a day may be told from memory: it is no witness that we hear anything.
        whole = together(after, snapshot.taken_at, [source for source in asked if limits[source] < DAY])
        await self._keep(found, whole)
        return whole

    async def posts(
        self,
        healths: Sequence[SourceHealth],
        decision: Decision,
        profile: Profile,
        playbook: Playbook,
        history: History,
    ) -> Sequence[Post]:
        """The posts of one profile about what is decided and not told yet."""
        out = [one for one in healths if one.outage_at is not None and one.told_at is None]
        back = [one for one in healths if one.ended_at is not None and one.told_at is not None]
        if not out and not back:
            return ()
        speaker = OutageSpeaker(decision=decision, profile=profile, playbook=playbook, history=history)
        routes = [route for route in decision.state.routes if _wants(route, decision.facts.at)]
        made: list[Post] = []
        for at, group in _by_time((one.outage_at, one) for one in out):
            made += speaker.posts("outage", speaker.outage(group), routes, at)
        for at, group in _by_time((one.ended_at, one) for one in back):
            names = [post_id(one.asset, profile, one.outage_at, "outage") for one in group if one.outage_at]
            channels = await self.made_posts.channels(names)
            # Who was told of the outage is told of its end, whatever the hour.
            owed = [route for route in decision.state.routes if route.channel in channels]
            made += speaker.posts("back", speaker.back(group), owed, at)
        return made

    async def end(self, healths: Sequence[SourceHealth], at: datetime) -> None:
        """What was decided has been told."""
        await self._keep(healths, [next_state(one, at) for one in healths])

    async def _keep(self, before: Sequence[SourceHealth], after: Sequence[SourceHealth]) -> None:
        if changed := [one for old, one in zip(before, after, strict=True) if one != old]:
            await self.source_health.keep(changed)


class OutageSpeaker(Speaker, frozen=True, kw_only=True):
    """Says who is silent, and who is back."""

    history: History

    def outage(self, group: Sequence[SourceHealth]) -> tuple[Text, ...]:
        """A title, who is silent since when, and what is therefore not known."""
        heard = [one.heard_at for one in group if one.heard_at is not None]
        everyone = all(one.everyone for one in group)
        since = max(heard) if everyone else min(heard)
        names = self._sources(group, everyone=everyone) | {
            "total": Origin(kind="count", ref="sources", value=float(len(group))),
            "last_at": _date("last heard", since),
        }
        texts = [self.say("outage", "title", names), self.say("outage", _kind(group), names)]
        gone, aging = self._gone(min(heard)), self._aging({one.source for one in group})
        for about, metrics in (("lost", gone), ("aging", aging)):
            if metrics:
                texts.append(self.say("outage", about, {"missing": self._titles(metrics)}))
        return (*texts, *(() if gone or aging else [self.say("outage", "covered", {})]))

    def back(self, group: Sequence[SourceHealth]) -> tuple[Text, ...]:
        """A title, who is heard again, and for how long it was not."""
        spans = [
            (one.heard_at, one.back_at)
            for one in group
            if one.heard_at is not None and one.back_at is not None
        ]
        longest = max(until - since for since, until in spans)
        names = self._sources(group, everyone=all(one.everyone for one in group)) | {
            "last_at": _date("last heard", min(since for since, _ in spans)),
            "until": _date("heard again", max(until for _, until in spans)),
            "window": Origin(kind="count", ref="minutes of silence", value=float(longest // MINUTE)),
        }
        return (self.say("back", "title", names), self.say("back", _kind(group), names))

    def posts(
        self, reason: Reason, texts: Sequence[Text], routes: Iterable[Route], at: datetime
    ) -> list[Post]:
        """One story for all these channels."""
        title, *body = texts
        story = Story(
            asset=self.decision.facts.asset,
            at=self.decision.facts.at,
            length=self.profile.length,
            locale=self.bank.locale,
            stance=self.decision.verdict.stance,
            headline=None if self.profile.length == "short" else title,
            paragraphs=tuple(body),
            footer=notice_footer(self.decision.facts.at, self.bank),
        )
        return [
            post_for(story, replace(route, due_at=None, late=False), reason, self.profile, at)
            for route in routes
        ]

    def _sources(self, group: Sequence[SourceHealth], *, everyone: bool) -> dict[str, Origin]:
        """Who it is about: one as `source`, several as `sources`; nobody by name where it is all of them."""
        if everyone:
            return {}
        words = self.bank.words
        named = list_in_words([venue_name(one.source, words) for one in group], words)
        key = "source" if len(group) == 1 else "sources"
        return {key: Origin(kind="name", ref=key, value=named)}

    @property
    def _asked(self) -> Sequence[str]:
        """The metrics that rules ask for."""
        return list(dict.fromkeys(name.partition(".")[0] for name in self.playbook.rules.asks))

    def _gone(self, since: datetime) -> Sequence[str]:
        """What was known when they were heard last, and is not known now."""
        facts = self.decision.facts
        before = facts_at(self.history, self.playbook.catalog, facts.asset, since)
        return [name for name in self._asked if name in before.known and name not in facts.known]

    def _aging(self, silent: set[str]) -> Sequence[str]:
        """What is still known by the last word of the silent alone."""
        known = [(name, self.decision.facts.get(name)) for name in self._asked]
        own = {
            name: {venue.partition(" ")[0] for venue in fact.venues}
            for name, fact in known
            if fact is not None
        }
        return [name for name, venues in own.items() if venues and venues <= silent]

    def _titles(self, names: Sequence[str]) -> Origin:
        titles = [self.bank.metrics[name].title for name in names]
        if len(titles) > MOST_NAMED:
            more = self.bank.words["more"].format(len(titles) - MOST_NAMED)
            titles = [*titles[:MOST_NAMED], more]
        return Origin(kind="name", ref="missing", value=list_in_words(titles, self.bank.words))


def _kind(group: Sequence[SourceHealth]) -> str:
    if all(one.everyone for one in group):
        return "everyone"
    return "any" if len(group) == 1 else "several"


def _date(ref: str, at: datetime) -> Origin:
    return Origin(kind="date", ref=ref, value=at.isoformat())


def _wants(route: Route, at: datetime) -> bool:
    """Whether a channel is told of an outage now: what it does not want to hear as an alert, its next post
    says."""
    snoozed = route.snoozed_until is not None and at < route.snoozed_until
    return route.alerts and not snoozed and not is_quiet(route, at)


def _by_time(
    dated: Iterable[tuple[datetime | None, SourceHealth]],
) -> Sequence[tuple[datetime, Sequence[SourceHealth]]]:
    """The healths of each time, in the order of time."""
    groups: dict[datetime, list[SourceHealth]] = {}
    for at, one in dated:
        if at is not None:
            groups.setdefault(at, []).append(one)
    return sorted(groups.items())
