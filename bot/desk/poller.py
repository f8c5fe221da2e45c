"""The poll: gather what the venues say, let a pure function decide, commit what it decided."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.decide import PollJudgements, decide
from bot.desk.market import Market
from bot.desk.stores import PollerArchive
from bot.desk.troubles import NOTHING_HEARD, is_without_network
from bot.domain.facts import Facts
from bot.domain.playbook import DatedEvent, Playbook
from bot.domain.posts import Decision, Profile, Route, State
from bot.domain.readings import Gap, Heard, Reading, Snapshot
from bot.errors import ArchiveError, InputError, SourceError
from bot.metrics import BALANCE, Observed, observe
from bot.metrics.flow import join_trades, tally_blocks
from bot.notices.notices import Notices
from bot.notices.watches import with_watches
from bot.ports import DateTeller, Source, TradeTeller
from bot.reasons import about, reason

log = structlog.get_logger()

YOUNG_COURSE = timedelta(days=3)
"""A course as long as the stance's median stands by itself."""

DAY = timedelta(days=1)
DATED_AHEAD = timedelta(days=92)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=2)
"""Before dates that were not heard are asked for again: at first, at most."""
EVER = datetime.min.replace(tzinfo=UTC)
TWICE_HEARD = timedelta(minutes=1)
"""How far a venue's trades are asked for again: some are told late."""

Agenda = Callable[[str, datetime], Awaitable[Mapping[str, datetime]]]
"""For an asset and a time: the channels whose scheduled post is due, and the slot's time."""


class PollSettings(Struct, frozen=True, kw_only=True):
    """The poll's numbers, from bot.toml: how long a source may take to answer, when a post counts as late."""

    deadline: timedelta
    late_after: timedelta


class Poller:
    """One a process. The schedule says when."""

    def __init__(
        self,
        *,
        market: Market,
        archive: PollerArchive,
        sources: Sequence[Source],
        settings: PollSettings,
        agenda: Agenda,
        notices: Notices | None = None,
    ) -> None:
        self._market = market
        self._archive = archive
        self._sources = tuple(sources)
        self._settings = settings
        self._agenda = agenda
        self._notices = notices
        self._logged: dict[str, frozenset[tuple[str, str]]] = {}
        self._kept: set[str] = set()
        self._unreached: dict[str, bool] = {}  # by asset: whether its last poll found no way to any source
        self._unheard: set[str] = set()
        self._dated_on: date | None = None
        self._dates_due_at, self._dates_pause = EVER, FIRST_PAUSE
        self._silence_told = False

    async def poll(self, asset: str, at: datetime) -> Decision:
        """One poll of one asset: gather, decide, commit. Channels whose slot has come get their scheduled post,
        which is for the sender to send.

        A profile that raises anything but ArchiveError loses itself alone. Returns the decision of the first that did
        not, which is the default one's; raises what the last one raised where none is left.
        """
        begun_s, playbook = time.perf_counter(), self._market.playbook
        snapshot = await self._hear_all(asset, at)
        before = await self._market.history(asset)
        await self._keep_playbook(playbook, at)
        observed = observe(snapshot, before, playbook.catalog, playbook.holdings)
        pasts = await self._market.pasts(asset, at)
        observed = replace(observed, facts=replace(observed.facts, pasts=pasts))
        snapshot = replace(snapshot, gaps=snapshot.gaps + observed.gaps)
        await self._note(snapshot, observed)
        decided: list[tuple[Profile, Decision]] = []
        lost: Exception | None = None
        follows_anew = self._market.memory.take_follow_again(asset)
        after = observed.history or before
        if self._notices:
            await self._notices.begin(snapshot, after, playbook)
        profiles, judged = await self._archive.subscriptions.profiles(asset), PollJudgements()
        state_of = await self._states_with_due(asset, profiles, at)
        for profile in profiles:
            await asyncio.sleep(0)  # whoever types a command meanwhile has an answer
            try:
                state = _forgetting(state_of(profile), at) if follows_anew else state_of(profile)
                state = await self._market.follower.follow(state, playbook, before, observed.facts, profile)
                spoken = _spoken(profile, playbook)
                decision = decide(snapshot, before, state, playbook, spoken, observed=observed, judged=judged)
                if not decided:
                    watches = await self._archive.watches.find(asset=asset)
                    decision = with_watches(decision, watches, playbook, self._market.watching)
                if self._notices:
                    decision = await self._notices.with_notices(
                        decision, profile, self._dated(playbook), after
                    )
            except ArchiveError:
                await self._commit(asset, decided, snapshot)
                raise
            except Exception as error:  # noqa: BLE001 (its channels are without a post; those of other settings have theirs)
                self._market.memory.troubles.note(_part(asset, profile), error)
                lost = error
                continue
            decided.append((profile, decision))
            after = after.extend(point for point in decision.points if point.metric == BALANCE)
        unwritten = await self._commit(asset, decided, snapshot)
        is_grown = self._market.memory.history(asset) is not before
        await self._market.keep_history(asset, after)
        # Where somebody has filled in an earlier past meanwhile, all of it is in the archive, and only what could be written.
        if is_grown or unwritten:
            self._market.memory.forget_history(asset)
        if self._notices:
            await self._notices.end(asset, at, playbook)
        if not decided:
            raise unwritten or lost or ValueError(f"{asset}: the archive named no profile")
        log.info(
            "poll.done", asset=asset, took_s=round(time.perf_counter() - begun_s, 3), gaps=len(snapshot.gaps)
        )
        return decided[0][1]

    async def _note(self, snapshot: Snapshot, observed: Observed) -> None:
        """Tell the log and the memory what was heard."""
        self._log_news(snapshot.asset, snapshot.gaps)
        self._market.memory.note_doubts(snapshot.asset, observed.gaps)
        self._market.memory.keep_snapshot(snapshot)
        await self._market.memory.smiles.note(snapshot)

    async def _commit(
        self, asset: str, decided: list[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> Exception | None:
        """Commit all decisions of a poll at once. Where one cannot be written down, each by itself: those that cannot are
        taken out, and the last one's error is returned. Raises ArchiveError."""
        lost: Exception | None = None
        try:
            if decided:
                await self._archive.commit_all(asset, decided, snapshot)
        except ArchiveError:
            raise
        except Exception:  # noqa: BLE001 (it comes again below)
            for one in tuple(decided):
                try:
                    await self._archive.commit_all(asset, (one,), snapshot)
                except ArchiveError:
                    raise
                except Exception as error:  # noqa: BLE001 (as for what cannot be decided)
                    self._market.memory.troubles.note(_part(asset, one[0]), error)
                    decided.remove(one)
                    lost = error
        for profile, _ in decided:
            self._market.memory.troubles.clear(_part(asset, profile))
        return lost

    async def look(self, asset: str, at: datetime) -> Facts:
        """What the venues tell of an asset now, beside the archive's past. Stores nothing and posts
        nothing."""
        snapshot = await self._gather(asset, at)
        history, playbook = await self._market.history(asset), self._market.playbook
        observed = observe(snapshot, history, playbook.catalog, playbook.holdings)
        self._market.memory.note_doubts(asset, observed.gaps)
        return observed.facts

    async def _keep_playbook(self, playbook: Playbook, at: datetime) -> None:
        """Keep what judges from now on, so that its posts can be told again."""
        if playbook.hash not in self._kept:
            await self._archive.playbooks.keep(playbook, at)
            self._kept.add(playbook.hash)

    async def _states_with_due(
        self, asset: str, profiles: Sequence[Profile], at: datetime
    ) -> Callable[[Profile], State]:
        """What is remembered of each of some profiles, with the slots that are due; what is asked of the archive is
        asked once for all. Asking for one raises ArchiveError."""
        remembered = await self._archive.states.load_all(asset, profiles)
        due = await self._agenda(asset, at)

        def state_of(profile: Profile) -> State:
            state = remembered(profile)
            routes = [self._with_slot(route, due.get(route.channel), at) for route in state.routes]
            return replace(state, routes=tuple(routes))

        return state_of

    def _with_slot(self, route: Route, slot: datetime | None, at: datetime) -> Route:
        if slot is None:
            return replace(route, due_at=None, late=False)
        return replace(route, due_at=slot, late=at - slot > self._settings.late_after)

    async def _gather(self, asset: str, at: datetime) -> Snapshot:
        heard = await asyncio.gather(*(self._hear(source, asset, at) for source in self._sources))
        readings: tuple[Reading, ...] = tuple(reading for one in heard for reading in one.readings)
        gaps = tuple(gap for one in heard for gap in one.gaps)
        self._market.memory.note_poll(asset, heard=bool(readings))
        self._unreached[asset] = not readings and is_without_network(gaps)
        for source, one in zip(self._sources, heard, strict=True):
            self._market.memory.note_source(source.name, asset, at, one.gaps, heard=bool(one.readings))
        return Snapshot(
            asset=asset, taken_at=at, readings=readings, gaps=gaps, asked=self._market.sources_by_quantity()
        )

    def _log_news(self, asset: str, gaps: Iterable[Gap]) -> None:
        """Log the gaps that the poll before did not have; one whose numbers alone are others ("rests for 27
        s") it had."""
        if self._unreached and all(self._unreached.values()):
            if not self._silence_told:
                sources = [source.name for source in self._sources]
                log.warning("network.none", reason=NOTHING_HEARD, sources=sources)
            self._silence_told = True
            return
        if self._silence_told:
            self._silence_told = False
            log.info("network.back")
        known = self._logged.get(asset, frozenset())
        heard = {(gap.who, re.sub(r"[\d.]+", "", gap.reason)): gap for gap in gaps}
        for key, gap in heard.items():
            if key not in known:
                log.info("source.gap", asset=asset, who=gap.who, reason=gap.reason)
        self._logged[asset] = frozenset(heard)

    async def _hear_trades(self, asset: str, at: datetime) -> None:
        """The trades in options since the last ones that were heard, for the last day. A poll is never held up or lost by
        them."""
        tellers = [source for source in self._sources if isinstance(source, TradeTeller)]
        for teller in tellers[:1]:
            known = self._market.memory.trades(asset)
            since = at - DAY
            if known is not None:
                since = max(since, datetime.fromtimestamp(known.until_ms / 1000, UTC) - TWICE_HEARD)
            what = f"trades of {teller.name} on {asset}"
            try:
                async with asyncio.timeout(self._settings.deadline.total_seconds()):
                    told = await teller.hear_trades(asset, since, at)
            except (SourceError, TimeoutError) as error:
                why = str(error) or reason("no_answer", seconds=self._settings.deadline.total_seconds())
                away = isinstance(error, SourceError) and is_without_network(
                    [Gap(who=teller.name, reason=why)]
                )
                if what not in self._unheard and not away:  # else the log has it already
                    log.info("trades.unheard", asset=asset, source=teller.name, reason=why)
                    self._unheard.add(what)
            except Exception as error:  # noqa: BLE001 (whatever an answer made of its reader, the poll goes on)
                self._market.memory.troubles.note(what, error)
            else:
                self._market.memory.troubles.clear(what)
                self._unheard.discard(what)
                begins_ms = round((at - DAY).timestamp() * 1000)
                self._market.memory.keep_trades(
                    told if known is None else join_trades(known, told, begins_ms)
                )

    async def _hear_all(self, asset: str, at: datetime) -> Snapshot:
        """What the sources tell, with what changed hands in blocks in the day that ends with the last trades heard, where
        their source tells anything: it is out where it tells nothing else."""
        snapshot, *_ = await asyncio.gather(
            self._gather(asset, at), self._hear_trades(asset, at), self._hear_dates(at)
        )
        trades = self._market.memory.trades(asset)
        tally = None if trades is None else tally_blocks(trades)
        if tally is None or all(reading.source != tally.source for reading in snapshot.readings):
            return snapshot
        return replace(snapshot, readings=(*snapshot.readings, tally))

    def _dated(self, playbook: Playbook) -> Playbook:
        """The playbook with what publishers told since it was read."""
        return replace(playbook, events=self._market.memory.events_with(playbook.events))

    async def _hear_dates(self, at: datetime) -> None:
        """The dates that publishers tell, once a day; where they are not heard, again after pauses that double. A poll is
        never held up or lost by them."""
        tellers = [source for source in self._sources if isinstance(source, DateTeller)]
        if not tellers or self._dated_on == at.date() or at < self._dates_due_at:
            return
        pause = self._dates_pause
        self._dates_due_at, self._dates_pause = at + pause, min(2 * pause, LONGEST_PAUSE)
        told: list[DatedEvent] = []
        for teller in tellers:
            what = f"dates of {teller.name}"
            try:
                async with asyncio.timeout(self._settings.deadline.total_seconds()):
                    told += await teller.hear_dates(at - DAY, at + DATED_AHEAD)
            except (SourceError, TimeoutError) as error:
                if what not in self._unheard:  # else the log has it already
                    log.info("dates.unheard", source=teller.name, reason=str(error))
                    self._unheard.add(what)
                return
            except Exception as error:  # noqa: BLE001 (whatever an answer made of its reader, the poll goes on)
                self._market.memory.troubles.note(what, error)
                return
            self._market.memory.troubles.clear(what)
            self._unheard.discard(what)
        self._dated_on, self._dates_due_at, self._dates_pause = at.date(), at, FIRST_PAUSE
        self._market.memory.dates = tuple(told)

    async def _hear(self, source: Source, asset: str, at: datetime) -> Heard:
        try:
            async with asyncio.timeout(self._settings.deadline.total_seconds()):
                heard = await source.poll(asset, at)
        except SourceError as error:
            why = str(error)
        except TimeoutError:
            seconds = self._settings.deadline.total_seconds()
            why = about(f"{source.name} {asset}", reason("no_answer", seconds=seconds))
        except Exception as error:  # noqa: BLE001 (whatever an answer made of its reader, the others are heard)
            self._market.memory.troubles.note(f"source {source.name} on {asset}", error)
            why = about(f"{source.name} {asset}", reason("unreadable", kind=type(error).__name__))
            return Heard(readings=(), gaps=(Gap(who=source.name, reason=why),))
        else:
            self._market.memory.troubles.clear(f"source {source.name} on {asset}")
            return heard
        return Heard(readings=(), gaps=(Gap(who=source.name, reason=why),))


def _part(asset: str, profile: Profile) -> str:
    """A profile of an asset, as troubles name it."""
    return f"{asset} for {profile.locale}, {profile.length}, {profile.id[:8]}"


def _forgetting(state: State, at: datetime) -> State:
    """The state without what a young course remembers: the rules follow the past that was filled in meanwhile."""
    samples = state.course.samples if state.course else ()
    if samples and at - datetime.fromtimestamp(samples[0].hour * 3600, UTC) > YOUNG_COURSE:
        return state
    return replace(state, course=None, signals={})


def _spoken(profile: Profile, playbook: Playbook) -> Profile:
    """The profile, where there are words for it. Raises InputError."""
    if profile.locale not in playbook.banks:
        known = ", ".join(sorted(playbook.banks))
        raise InputError(
            f"there are no phrases for {profile.locale!r} any more, known are {known}: bring config/phrases/"
            f"{profile.locale}/ back, or set another language for its channels"
        )
    return profile
