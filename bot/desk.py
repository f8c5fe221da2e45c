"""The use cases: poll, brief, explain, post. It gathers, lets a pure function decide, and delivers.

The desk answers commands from what it has stored, never from a venue: a dead venue cannot hold up an answer.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.commentary import answer_card, card, figure, footer, in_words, no_article, speak
from bot.decide import carried, decide, tell
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Answer, Card, Decision, Figure, Post, Profile, Route, State
from bot.domain.readings import Gap, Heard, Quantity, Reading, SeriesReading, Snapshot
from bot.domain.story import Length, Memory, Origin, PhraseBank, Slot, Story, Text
from bot.errors import ChannelGone, ChannelRefused, DeliveryError, DeliveryUncertain, InputError, SourceError
from bot.fresh import Fresh
from bot.metrics import History, facts_at, observe, told
from bot.notices import Notices
from bot.pictures import Pictures
from bot.ports import Archive, Clock, Source, Surface, Usage
from bot.rules import evaluate, flips
from bot.watches import Watching, with_watches

log = structlog.get_logger()

Agenda = Callable[[str, datetime], Awaitable[Mapping[str, datetime]]]
"""For an asset and a time: the channels whose scheduled post is due, and the slot's time."""
Upcoming = Callable[[str, datetime], Awaitable[datetime | None]]
"""For a channel and a time: when its next scheduled post is due; None where none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """How a source did in the last poll: when it was last heard, and its gaps."""

    source: str
    heard_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The desk's numbers, from bot.toml: assets followed, how long a poll may take, when a post counts as late, how much
    history it looks back on, how many posts go out side by side, how personal watches are kept."""

    assets: tuple[str, ...]
    deadline: timedelta
    late_after: timedelta
    history: timedelta
    abreast: int
    watching: Watching = field(default_factory=Watching)


class Desk:
    """One desk a process. `poll` as the schedule says; commands ask the rest at any time."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: Archive,
        sources: Sequence[Source],
        playbook: Playbook,
        surfaces: Mapping[str, Surface],
        habits: Habits,
        agenda: Agenda,
        pictures: Pictures | None = None,
        budgets: Callable[[], Sequence[Usage]] = tuple,
        notices: Notices | None = None,
    ) -> None:
        self._clock = clock
        self._archive = archive
        self._sources = tuple(sources)
        self._surfaces = dict(surfaces)
        self._habits = habits
        self._agenda = agenda
        self.pictures = pictures or Pictures()
        self._budgets = budgets
        self._notices = notices
        self.upcoming: Upcoming | None = None
        self._history: dict[str, History] = {}
        self._hearings: dict[tuple[str, str], Hearing] = {}
        self._heard: dict[str, Snapshot] = {}
        self._logged: dict[str, frozenset[tuple[str, str]]] = {}
        self._delivering = asyncio.Lock()
        self._kept: set[str] = set()
        self._fresh = Fresh()
        self.playbook = playbook
        self.watching = habits.watching

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that are followed, in bot.toml's order."""
        return self._habits.assets

    @property
    def archive(self) -> Archive:
        """What is stored."""
        return self._archive

    def add_surface(self, name: str, surface: Surface) -> None:
        """A surface that came up later, as Discord does once it is logged in; what is unsent to it goes out next."""
        self._surfaces[name] = surface

    def remove_surface(self, name: str) -> None:
        """A surface that is another process's from now on."""
        self._surfaces.pop(name, None)

    def now(self) -> datetime:
        """This moment, by the clock that the schedule goes by."""
        return self._clock.now()

    def asset(self, typed: str | None) -> str:
        """The asset meant by what was typed, the first one if nothing was. Raises InputError that lists the assets."""
        if not typed:
            return self.assets[0]
        wanted = typed.strip().upper()
        if wanted not in self.assets:
            raise InputError(f"unknown asset {typed!r}: one of {', '.join(self.assets)}")
        return wanted

    def bank(self, profile: Profile) -> PhraseBank:
        """The words of the profile's language; English where it has no bank."""
        return self.playbook.banks.get(profile.locale, self.playbook.banks["en"])

    async def facts(self, asset: str) -> Facts:
        """What is known of the asset now; what has grown old stays as `stale`, with its time."""
        history, now = await self.history(asset), self.now()
        return self._fresh.get(
            ("facts", asset), (history, self.playbook), now,
            lambda: facts_at(history, self.playbook.catalog, asset, now, self._asked()),
        )  # fmt: skip

    async def history(self, asset: str) -> History:
        """The asset's past, from the archive."""
        if asset not in self._history:
            since = self.now() - self._habits.history
            self._history[asset] = History.of(asset, await self._archive.series(asset, since))
        return self._history[asset]

    async def verdict(self, asset: str, profile: Profile) -> tuple[Verdict, Facts]:
        """The verdict of now with what would change it, and the facts that it was judged on. Stores nothing."""
        facts = await self.facts(asset)
        state = await self._archive.state(asset, profile)

        def judged() -> Verdict:
            judgement = evaluate(self.playbook.rules, facts, carried(state, self.playbook), facts.at, profile.ranges)
            found = flips(self.playbook.rules, facts, judgement.signals, judgement.verdict, profile.ranges)
            return replace(judgement.verdict, flips=found)

        return self._fresh.get(("verdict", asset, profile.id), (facts,), facts.at, judged), facts

    async def brief(
        self, asset: str, profile: Profile, length: Length | None = None
    ) -> tuple[Story, Verdict, Text | None]:
        """The commentary of now, its verdict, and why the length is another than asked for (None: it is not)."""
        verdict, facts = await self.verdict(asset, profile)
        wanted = length or profile.length
        refusal = no_article(verdict, self.bank(profile)) if wanted == "article" else None
        reason = self.say("answer", refusal[0], facts, profile, refusal[1]) if refusal else None
        given = replace(profile, length="embed" if refusal else wanted)
        return tell(verdict, facts, self.playbook, given, Memory(), facts.at), verdict, reason

    def refresh(self) -> None:
        """Read the past from the archive again when it is next asked for: another process may have added to it."""
        self._history.clear()

    def heard(self, asset: str) -> Snapshot | None:
        """What the last poll of this process heard; None before its first one."""
        return self._heard.get(asset)

    def hearings(self) -> Sequence[Hearing]:
        """How each source did, over all assets, in bot.toml's order."""
        found = []
        for source in self._sources:
            mine = [hearing for (name, _), hearing in self._hearings.items() if name == source.name]
            times = [hearing.heard_at for hearing in mine if hearing.heard_at is not None]
            gaps = tuple(gap for hearing in mine for gap in hearing.gaps)
            found.append(Hearing(source=source.name, heard_at=max(times, default=None), gaps=gaps))
        return tuple(found)

    def budgets(self) -> Sequence[Usage]:
        """The budget of each host that was asked, by name."""
        return tuple(usage for usage in self._budgets() if usage.requests)

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(
        self, slot: Slot, about: str, facts: Facts, profile: Profile, names: Mapping[str, Origin] | None = None
    ) -> Text:
        """One gated text for an answer, an alert or an error."""
        return speak(
            slot=slot, about=about, facts=facts, catalog=self.playbook.catalog, book=self.playbook.rules,
            bank=self.bank(profile), names=names or {}, ranges=profile.ranges, at=self.now(),
        )  # fmt: skip

    def figure(self, name: str, facts: Facts, profile: Profile) -> Figure:
        """A fact as a labeled value: fresh, or with its age, or unknown with the reason."""
        return figure(name, facts, self.playbook.catalog, self.bank(profile))

    def footer(self, facts: Facts, profile: Profile) -> str:
        """The line under every answer: sources, time, not advice."""
        return footer(facts, self.bank(profile)).text

    def refuse(self, error: InputError, profile: Profile) -> Answer:
        """A private answer to input that cannot be taken."""
        nothing = Facts(asset=self.assets[0], at=self.now(), known={})
        reason = Origin(kind="input", ref="typed", value=in_words(str(error), self.bank(profile).words))
        said = self.say("error", "input", nothing, profile, {"reason": reason})
        title = self.say("error", "title", nothing, profile)
        return Answer(title=title.text, body=said.text, title_spans=title.spans, body_spans=said.spans, private=True)

    # ── the poll ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def poll(self, asset: str, at: datetime) -> Decision:
        """One poll of one asset: gather, decide, deliver. Channels whose slot has come get their scheduled post.

        Returns the default profile's decision.
        """
        begun_s = time.perf_counter()
        snapshot = await self._gather(asset, at)
        before = await self.history(asset)
        await self._keep_playbook(at)
        observed = observe(snapshot, before, self.playbook.catalog, self.playbook.holdings)
        snapshot = replace(snapshot, gaps=snapshot.gaps + observed.gaps)
        self._log_news(asset, snapshot.gaps)
        self._heard[asset] = snapshot
        decided: Decision | None = None
        after = observed.history or before
        if self._notices:
            await self._notices.begin(snapshot, after, self.playbook)
        for profile in await self._archive.profiles(asset):
            state = await self._with_due(await self._archive.state(asset, profile), asset, at)
            decision = decide(snapshot, before, state, self.playbook, profile, observed=observed)
            if decided is None:
                watches = await self._archive.watches(asset=asset)
                decision = with_watches(decision, watches, self.playbook, self.watching)
            if self._notices:
                decision = await self._notices.with_notices(decision, profile, self.playbook, after)
            await self._archive.commit(asset, profile, decision, snapshot)
            decided = decided or decision
        self._history[asset] = after
        if self._notices:
            await self._notices.end(asset, at, self.playbook)
        await self.deliver()
        if decided is None:
            raise ValueError(f"{asset}: the archive named no profile")
        log.info("poll.done", asset=asset, took_s=round(time.perf_counter() - begun_s, 3), gaps=len(snapshot.gaps))
        return decided

    async def look(self, asset: str, at: datetime) -> Facts:
        """What the venues tell of an asset now, beside the archive's past. Stores nothing and posts nothing."""
        snapshot = await self._gather(asset, at)
        return observe(snapshot, await self.history(asset), self.playbook.catalog, self.playbook.holdings).facts

    async def _keep_playbook(self, at: datetime) -> None:
        """Keep what judges from now on, so that its posts can be told again."""
        if self.playbook.hash not in self._kept:
            await self._archive.keep_playbook(self.playbook, at)
            self._kept.add(self.playbook.hash)

    async def _with_due(self, state: State, asset: str, at: datetime) -> State:
        due = await self._agenda(asset, at)
        return replace(
            state, routes=tuple(self._with_slot(route, due.get(route.channel), at) for route in state.routes)
        )

    def _with_slot(self, route: Route, slot: datetime | None, at: datetime) -> Route:
        if slot is None:
            return replace(route, due_at=None, late=False)
        return replace(route, due_at=slot, late=at - slot > self._habits.late_after)

    async def backfill(self, asset: str, since: datetime, until: datetime, *, again: bool = True) -> Sequence[Gap]:
        """Fill history from the venues' own, stored at once; what cannot be had is a gap.

        Unless `again`, a venue whose past of that time is known is asked only if another one tells something new: an
        aggregate stands on all of them.
        """
        before = await self.history(asset)
        known = () if again else tuple(one for one in self._sources if before.tells(one.name, since, until))
        missing = [source for source in self._sources if source not in known]
        readings, gaps = await self._past(missing, asset, since, until)
        points = told(readings, until, before, self.playbook.catalog)
        if points and known:
            more, more_gaps = await self._past(known, asset, since, until)
            readings, gaps = readings + more, gaps + more_gaps
            points = told(readings, until, before, self.playbook.catalog)
        await self._archive.add_points(points, self.now())
        self._history[asset] = before.extended(points)
        return gaps

    async def _past(
        self, sources: Iterable[Source], asset: str, since: datetime, until: datetime
    ) -> tuple[tuple[SeriesReading, ...], tuple[Gap, ...]]:
        """What sources tell of their own past, one after the other."""
        gaps: list[Gap] = []
        readings: list[SeriesReading] = []
        for source in sources:
            try:
                readings += await source.backfill(asset, since, until)
            except SourceError as error:
                log.warning("source.gap", source=source.name, asset=asset, reason=str(error))
                gaps.append(Gap(who=source.name, reason=str(error)))
        return tuple(readings), tuple(gaps)

    async def _gather(self, asset: str, at: datetime) -> Snapshot:
        heard = await asyncio.gather(*(self._hear(source, asset, at) for source in self._sources))
        readings: tuple[Reading, ...] = tuple(reading for one in heard for reading in one.readings)
        gaps = tuple(gap for one in heard for gap in one.gaps)
        for source, one in zip(self._sources, heard, strict=True):
            known = self._hearings.get((source.name, asset), Hearing(source=source.name))
            heard_at = at if one.readings else known.heard_at
            self._hearings[source.name, asset] = Hearing(source=source.name, heard_at=heard_at, gaps=one.gaps)
        return Snapshot(asset=asset, taken_at=at, readings=readings, gaps=gaps, asked=self._asked())

    def _log_news(self, asset: str, gaps: Iterable[Gap]) -> None:
        """Log the gaps that the poll before did not have; one whose numbers alone are others ("rests for 27 s") it had."""
        known = self._logged.get(asset, frozenset())
        heard = {(gap.who, re.sub(r"[\d.]+", "", gap.reason)): gap for gap in gaps}
        for key, gap in heard.items():
            if key not in known:
                log.info("source.gap", asset=asset, who=gap.who, reason=gap.reason)
        self._logged[asset] = frozenset(heard)

    async def _hear(self, source: Source, asset: str, at: datetime) -> Heard:
        try:
            async with asyncio.timeout(self._habits.deadline.total_seconds()):
                return await source.poll(asset, at)
        except SourceError as error:
            return Heard(readings=(), gaps=(Gap(who=source.name, reason=str(error)),))
        except TimeoutError:
            seconds = self._habits.deadline.total_seconds()
            reason = f"{source.name} {asset}: no answer within {seconds:g} s"
            return Heard(readings=(), gaps=(Gap(who=source.name, reason=reason),))

    def _asked(self) -> Mapping[Quantity, tuple[str, ...]]:
        quantities = sorted({quantity for source in self._sources for quantity in source.brings})
        return {
            quantity: tuple(source.name for source in self._sources if quantity in source.brings)
            for quantity in quantities
        }

    # ── delivery ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self) -> None:
        """Send what is unsent, surface by surface. A channel that cannot be served keeps its post and holds up nobody."""
        async with self._delivering:
            for name, surface in tuple(self._surfaces.items()):
                gate = asyncio.Semaphore(self._habits.abreast)
                posts = await self._archive.unsent(name)
                await self._archive.attempt(posts, self.now())
                await asyncio.gather(
                    *(self._send(surface, post, gate, pictured=self.pictures.on(name)) for post in posts)
                )
                if self._notices:
                    made = self.pictured_card if self.pictures.on(name) else self._bare_card
                    await self._notices.edit(name, surface, made)

    async def _send(self, surface: Surface, post: Post, gate: asyncio.Semaphore, *, pictured: bool) -> None:
        async with gate:
            try:
                card = await self.pictured_card(post) if pictured else self.card(post)
                message_id = await surface.show(post, card)
            except DeliveryUncertain as error:
                log.warning("post.uncertain", post=post.id, channel=post.channel, reason=str(error))
                return
            except (ChannelGone, ChannelRefused) as error:
                log.warning("post.refused", post=post.id, channel=post.channel, reason=str(error))
                return
            except DeliveryError as error:
                log.warning("post.kept", post=post.id, channel=post.channel, reason=str(error))
                return
            await self._archive.mark_sent(post.id, channel=post.channel, sent_at=self.now(), message_id=message_id)
            log.info("post.sent", post=post.id, channel=post.channel, reason=post.reason)

    def card(self, post: Post) -> Card:
        """A post as every surface renders it."""
        return card(post, self.playbook.banks.get(post.story.locale, self.playbook.banks["en"]))

    async def _bare_card(self, post: Post) -> Card:
        return self.card(post)

    async def pictured_card(self, post: Post) -> Card:
        """A post as a surface renders it that shows pictures."""
        return await self.pictures.beside(self.card(post), await self.pictures.chart(post))

    async def answer_card(self, answer: Answer) -> Card:
        """An answer as every surface renders it, its chart drawn."""
        return await self.pictures.beside(answer_card(answer), answer.chart)
