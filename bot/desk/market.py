"""The market as commands and pages read it: facts, history, verdict, words. It never asks a venue: a dead one
cannot hold up an answer."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from bot.commentary import answer_footer, figure, in_words, no_article, speak
from bot.decide import recall_state, tell
from bot.desk.cache import MinuteCache
from bot.desk.memory import DeskMemory, SourceState
from bot.desk.recall import PastFollower
from bot.desk.stores import MarketArchive, MarketStores
from bot.domain.audit import AuditReport
from bot.domain.facts import Facts, OwnPast, PastsOfDay
from bot.domain.judgement import Call, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Answer, Figure, Profile
from bot.domain.readings import Quantity, Snapshot
from bot.domain.story import Length, Memory, Origin, PhraseBank, Slot, Story, Text
from bot.errors import InputError
from bot.metrics import History, day_of, facts_at, own_pasts
from bot.notices.watches import Watching
from bot.ports import Clock, Source, Usage
from bot.reasons import reason
from bot.rules import evaluate, with_exits

Upcoming = Callable[[str, datetime], Awaitable[datetime | None]]
"""For a channel and a time: when its next scheduled post is due; None where none is."""


async def no_post_due(channel: str, at: datetime) -> datetime | None:
    """Nothing is scheduled."""
    return None


LastAudit = Callable[[], Awaitable[AuditReport | None]]
"""The last audit of what is stored; None before the first one."""


async def no_audit() -> AuditReport | None:
    """None was made."""
    return None


class MarketSettings(Struct, frozen=True, kw_only=True):
    """The market's numbers, from bot.toml: assets followed, how far histories look back, how often sources are asked, how
    personal watches are kept."""

    assets: tuple[str, ...]
    history: timedelta
    poll_every: timedelta = timedelta(minutes=5)
    watching: Watching = field(default_factory=Watching)


class Market:
    """All that a command gets. Everything is asked at any time; nothing here is stored or sent. `playbook` holds the rules
    and words of now."""

    def __init__(
        self,
        *,
        clock: Clock,
        archive: MarketArchive,
        sources: Sequence[Source],
        playbook: Playbook,
        settings: MarketSettings,
        memory: DeskMemory,
        upcoming: Upcoming = no_post_due,
        budgets: Callable[[], Sequence[Usage]] = tuple,
        last_audit: LastAudit = no_audit,
        stores: MarketStores | None = None,
    ) -> None:
        self.archive = archive
        self.upcoming = upcoming
        self.last_audit = last_audit
        self.memory = memory
        self._clock = clock
        self.started_at = clock.now()
        self._sources = tuple(sources)
        self.playbook = playbook
        self._settings = settings
        self._budgets = budgets
        self.follower = PastFollower()
        self._fresh = MinuteCache()
        self._stores = stores or MarketStores()

    # ── what is followed, and by which rules and words ──────────────────────────────────────────────────────

    def adopt(self, playbook: Playbook) -> None:
        """Go by these rules and words from now on."""
        self.playbook = playbook

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that are followed, in bot.toml's order."""
        return self._settings.assets

    @property
    def watching(self) -> Watching:
        """How personal watches are kept."""
        return self._settings.watching

    def asset(self, typed: str | None) -> str:
        """The asset meant by what was typed, the first one if nothing was. Raises InputError that lists the
        assets."""
        if not typed:
            return self.assets[0]
        wanted = typed.strip().upper()
        if wanted not in self.assets:
            raise InputError(reason("unknown_asset", typed=typed, known=", ".join(self.assets)))
        return wanted

    def now(self) -> datetime:
        """This moment, by the clock that the schedule goes by."""
        return self._clock.now()

    def next_poll_at(self) -> datetime:
        """When sources are asked next, give or take its jitter: at once, and then again and again."""
        every = self._settings.poll_every
        return self.started_at + every * max(-(-(self.now() - self.started_at) // every), 0)

    # ── what is known ───────────────────────────────────────────────────────────────────────────────────────

    async def history(self, asset: str) -> History:
        """The asset's past, from the archive, with what is remembered of the venues' replies."""
        known = self.memory.history(asset)
        if known is None:
            since = self.now() - self._settings.history
            series = await self.archive.points.series(asset, since)
            known = History.of(asset, series, await self._stores.tellings.load(asset))
            self.memory.keep_history(asset, known)
        return known

    async def keep_history(self, asset: str, history: History) -> None:
        """This is the asset's past from now on; what is remembered of the venues' replies is kept over a restart."""
        before = self.memory.history(asset)
        self.memory.keep_history(asset, history)
        if before is None or before.tellings != history.tellings:
            await self._stores.tellings.keep(asset, history.tellings)

    async def facts(self, asset: str) -> Facts:
        """What is known of the asset now; what has grown old stays as `stale`, with its time."""
        history, now = await self.history(asset), self.now()
        pasts, catalog = await self.pasts(asset, now), self.playbook.catalog
        return self._fresh.get(
            ("facts", asset),
            (history, self.playbook),
            now,
            lambda: replace(facts_at(history, catalog, asset, now, self.sources_by_quantity()), pasts=pasts),
        )

    async def pasts(self, asset: str, at: datetime) -> Mapping[str, OwnPast]:
        """What each fact has been in its own last year, for the day of a time: as it was worked out first on that day,
        over a restart too."""
        day, edition = day_of(at), self.playbook.rules.hash
        known = self.memory.pasts(asset)
        if known is None or (known.day, known.edition) != (day, edition):
            known = await self._stores.pasts.load(asset)
        if known is None or (known.day, known.edition) != (day, edition):
            history, playbook = await self.history(asset), self.playbook
            found = own_pasts(history, playbook.catalog, playbook.rules, asset, at)
            known = PastsOfDay(asset=asset, day=day, edition=edition, by_fact=found)
            await self._stores.pasts.keep(known)
        self.memory.keep_pasts(known)
        return known.by_fact

    async def renew(self, asset: str) -> None:
        """The asset's past has grown backwards: its own pasts are worked out anew, and the next poll follows the rules
        through it again."""
        at, playbook = self.now(), self.playbook
        self.memory.forget_history(asset)
        history = await self.history(asset)
        found = own_pasts(history, playbook.catalog, playbook.rules, asset, at)
        known = PastsOfDay(asset=asset, day=day_of(at), edition=playbook.rules.hash, by_fact=found)
        await self._stores.pasts.keep(known)
        self.memory.keep_pasts(known)
        self.memory.follow_again(asset)

    async def verdict(self, asset: str, profile: Profile) -> tuple[Verdict, Facts]:
        """The verdict of now with what would change it, and the facts that it was judged on."""
        facts = await self.facts(asset)
        name, stands_on = ("verdict", asset, profile.id), (facts,)
        known = self._fresh.find(name, stands_on, facts.at, Verdict)
        if known is not None:
            return known, facts
        history, state = await self.history(asset), await self.archive.states.load(asset, profile)
        state = await self.follower.follow(state, self.playbook, history, facts, profile)

        def judge() -> Verdict:
            book = self.playbook.rules
            signals, course = recall_state(state, self.playbook, history, facts, profile.ranges)
            judgement = evaluate(book, facts, signals, facts.at, profile.ranges, course=course)
            return with_exits(book, facts, judgement, profile.ranges)

        return self._fresh.get(name, stands_on, facts.at, judge), facts

    async def calls(
        self, asset: str, since: datetime, profile: Profile, until: datetime | None = None
    ) -> Sequence[Call]:
        """Each change of stance since a time, oldest first; see `StateStore.calls`. Where nothing was judged for a profile,
        since nobody is posted to in that language and length, those of its ranges: a stance goes by these alone."""
        states = self.archive.states
        told = await states.calls(asset, since, until=until, profile=profile)
        alike = Profile(ranges=profile.ranges)
        if told or alike == profile:
            return told
        return await states.calls(asset, since, until=until, profile=alike)

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
        """Read the past from the archive again when it is next asked for: another process may have added to
        it."""
        self.memory.forget_histories()

    def last_snapshot(self, asset: str) -> Snapshot | None:
        """What the last poll of this process heard; None before its first one."""
        return self.memory.snapshot(asset)

    def source_states(self) -> Sequence[SourceState]:
        """How each source did, over all assets, in bot.toml's order."""
        return self.memory.source_states(source.name for source in self._sources)

    def budgets(self) -> Sequence[Usage]:
        """The budget of each host that was asked, by name."""
        return tuple(usage for usage in self._budgets() if usage.requests)

    def sources_by_quantity(self) -> Mapping[Quantity, tuple[str, ...]]:
        """Which sources are asked for each quantity, in bot.toml's order."""
        quantities = sorted({quantity for source in self._sources for quantity in source.brings})
        return {
            quantity: tuple(source.name for source in self._sources if quantity in source.brings)
            for quantity in quantities
        }

    # ── words ───────────────────────────────────────────────────────────────────────────────────────────────

    def bank(self, profile: Profile) -> PhraseBank:
        """The words of the profile's language; English where it has no bank."""
        return self.playbook.banks.get(profile.locale, self.playbook.banks["en"])

    def say(
        self,
        slot: Slot,
        about: str,
        facts: Facts,
        profile: Profile,
        names: Mapping[str, Origin] | None = None,
    ) -> Text:
        """One gated text for an answer, an alert or an error."""
        return speak(
            slot=slot,
            about=about,
            facts=facts,
            catalog=self.playbook.catalog,
            book=self.playbook.rules,
            bank=self.bank(profile),
            names=names or {},
            ranges=profile.ranges,
            at=self.now(),
        )

    def figure(self, name: str, facts: Facts, profile: Profile) -> Figure:
        """A fact as a labeled value: fresh, or with its age, or unknown with the reason."""
        return figure(name, facts, self.playbook.catalog, self.bank(profile))

    def footer(self, facts: Facts, profile: Profile, of: Iterable[str] | None = None) -> str:
        """The line under every answer: time, the venues of the facts `of` which it speaks (all where nothing is said), not
        advice."""
        told = facts if of is None else facts.of_those(of)
        return answer_footer(told, self.bank(profile)).text

    def refuse(self, error: InputError, profile: Profile) -> Answer:
        """A private answer to input that cannot be taken."""
        nothing = Facts(asset=self.assets[0], at=self.now(), known={})
        reason = Origin(kind="input", ref="typed", value=in_words(str(error), self.bank(profile).words))
        said = self.say("error", "input", nothing, profile, {"reason": reason})
        title = self.say("error", "title", nothing, profile)
        return Answer(
            title=title.text, body=said.text, title_spans=title.spans, body_spans=said.spans, private=True
        )
