"""The weekly review: the price, the turns of the verdict, what moved most, what is most unusual, and how past
calls did.

What moved most is the reading whose rank among its own past 90 days changed most over the week, or, where its
past is too short for a rank, that crossed most of its usual range; of each family one at most. What is most
unusual stands nearest to either end of those 90 days. Every sentence goes through the gate; what is not known
has none."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import FEW_PUTS, are_puts_few_and_dear, spoken_together, week_story
from bot.decide import post_for
from bot.domain.catalog import RANK
from bot.domain.facts import Facts, Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Post, Profile
from bot.domain.story import Origin, Story, Text
from bot.metrics import History, facts_at
from bot.notices.speaker import Speaker
from bot.rules.record import Prices, RecordRow, changes, parse_manner, record

WEEK = timedelta(days=7)
BEGINNING = timedelta(days=3650)
HORIZON_DAYS = 7
MOST_TURNS = 3
LONGEST_HEADLINE = 90
MOST_MOVES = 3
PRICE = "price"

Due = Callable[[str, datetime], Awaitable[Mapping[str, datetime]]]
"""For an asset and a time: the channels whose weekly review is due, and the slot's time."""


class CallStore(Protocol):
    """What was judged. Every method raises ArchiveError."""

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        """Each change of stance, or of the rules that judge, oldest first; the first row is the stance at the
        beginning."""
        ...


class SpotPastStore(Protocol):
    """What was measured. Every method raises ArchiveError."""

    async def past(
        self,
        metric: str,
        asset: str,
        since: datetime,
        until: datetime | None = None,
        venue: str | None = None,
    ) -> Series:
        """One metric's past between two times."""
        ...


class Weekly(Struct, frozen=True, kw_only=True):
    """Makes the review where its slot has come. `late_after` is when a post counts as late."""

    states: CallStore
    points: SpotPastStore
    due: Due
    late_after: timedelta

    async def posts(
        self,
        decision: Decision,
        profile: Profile,
        playbook: Playbook,
        history: History,
        slots: Mapping[str, datetime],
    ) -> Sequence[Post]:
        """The review for each channel of the profile that is among those whose slot has come."""
        asset, at = decision.facts.asset, decision.facts.at
        routes = [
            replace(route, due_at=slots[route.channel], late=at - slots[route.channel] > self.late_after)
            for route in decision.state.routes
            if route.channel in slots
        ]
        if not routes:
            return ()
        calls = await self.states.calls(asset, at - BEGINNING, profile=profile)
        told = await self.points.past("spot_usd", asset, calls[0].at if calls else at, at)
        story = review(decision, profile, playbook, history, _with_now(calls, decision, playbook), told)
        return [post_for(story, route, "weekly", profile, at) for route in routes]


def _with_now(calls: Sequence[Call], decision: Decision, playbook: Playbook) -> Sequence[Call]:
    """The calls up to now, the one of this very evaluation with them: it is not stored yet."""
    now = Call(at=decision.facts.at, stance=decision.verdict.stance, rules=playbook.rules.hash)
    last = calls[-1] if calls else None
    return (
        calls if last is not None and (last.stance, last.rules) == (now.stance, now.rules) else (*calls, now)
    )


def review(
    decision: Decision,
    profile: Profile,
    playbook: Playbook,
    history: History,
    calls: Sequence[Call],
    spot: Series,
) -> Story:
    """The week in words, up to the decision. Pure: `calls` and `spot` are the record's, from its
    beginning. What moved most is the headline's where a telephone shows it in two lines, with how far it went in
    between; else the body's."""
    speaker = WeeklySpeaker(decision=decision, profile=profile, playbook=playbook)
    at, short = decision.facts.at, profile.length == "short"
    before = None if short else facts_at(history, playbook.catalog, decision.facts.asset, at - WEEK)
    moved = [] if before is None else speaker.movers(before)
    told = _reviewed(speaker, calls, spot, headed=moved[:1], rest=moved[1:])
    if told.headline is None or len(told.headline.text) <= LONGEST_HEADLINE:
        return told
    return _reviewed(speaker, calls, spot, headed=(), rest=moved)


def _reviewed(
    speaker: "WeeklySpeaker",
    calls: Sequence[Call],
    spot: Series,
    *,
    headed: Sequence[str],
    rest: Sequence[str],
) -> Story:
    """The week with the readings that moved most in its headline (`headed`) and in its body (`rest`)."""
    decision, profile, playbook = speaker.decision, speaker.profile, speaker.playbook
    paragraphs: list[list[Text]] = [[speaker.lead(), *speaker.turns(calls)]]
    title = None
    if profile.length != "short":
        title = speaker.title(headed)
        paragraphs += [
            [*speaker.moves(rest), *speaker.unusual([*headed, *rest])],
            list(speaker.record(calls, spot)),
        ]
    worded = [[text for text in texts if text.phrase_ids] for texts in paragraphs]
    if any(worded):  # beside sentences a bare value says nothing
        paragraphs = worded
    told = Story(
        asset=decision.facts.asset,
        at=decision.facts.at,
        length=profile.length,
        locale=profile.locale,
        stance=decision.verdict.stance,
        headline=title,
        paragraphs=tuple(spoken_together(texts) for texts in paragraphs if texts),
    )
    return week_story(
        told,
        facts=decision.facts,
        book=playbook.rules,
        bank=playbook.banks[profile.locale],
        ranges=profile.ranges,
    )


class WeeklySpeaker(Speaker, frozen=True, kw_only=True):
    """Says how the week went."""

    def stance(self, stance: str | None = None) -> Origin:
        """A stance as readers call it; that of now if none is named."""
        verdict = self.decision.verdict
        shown = stance or ("mixed" if verdict.mixed else verdict.stance)
        return Origin(kind="name", ref="stance", value=self.bank.words[f"stance.{shown}"])

    def lead(self) -> Text:
        """Where the price went, and the reading at the end."""
        known = [self.facts.get(f"spot_usd.{view}") is not None for view in ("change_7d_pct", "before_7d")]
        about = "any" if all(known) else "changed" if known[0] else "unpriced"
        return self.say("weekly", about, {"stance": self.stance()})

    def turns(self, calls: Sequence[Call]) -> Iterator[Text]:
        """Each change of the verdict in the week, or that there was none."""
        begin = self.facts.at - WEEK
        turned = [call for call in changes(calls) if call.at > begin]
        if not turned:
            since = calls[0].at
            names = {"stance": self.stance()} | (
                {"last_at": _date("first call", since)} if since > begin else {}
            )
            yield self.say("weekly", "steady-since" if since > begin else "steady", names)
            return
        shown = turned if len(turned) <= MOST_TURNS else turned[-MOST_TURNS:]
        if earlier := len(turned) - len(shown):
            yield self.say("weekly", "turned-before", {"total": _count("turns", earlier)})
        for call in shown:
            was = max((one for one in calls if one.at < call.at), key=lambda one: one.at)
            names = {"was": self.stance(was.stance), "then": self.stance(call.stance)}
            yield self.say("weekly", "turned", names | {"last_at": _date("turn", call.at)})

    def title(self, most: Sequence[str]) -> Text:
        """The stance at the end, with the reading that moved `most` where there is one."""
        names = {"stance": self.stance()}
        if not most:
            return self.say("weekly", "title", names)
        return self.say("weekly", "title-moved", names | self._it(most[0]))

    def movers(self, before: Facts) -> Sequence[str]:
        """The readings that moved most among their own past, one of each family; the price is told by itself."""
        known = [name for name in self._watched() if self.facts.get(f"{name}.before_7d") is not None]
        best: dict[str, str] = {}
        for name in sorted(known, key=lambda name: self._share_moved(name, before), reverse=True):
            if self._share_moved(name, before) > 0.0:
                best.setdefault(self._family(name), name)
        return list(best.values())[:MOST_MOVES]

    def moves(self, moved: Sequence[str]) -> Iterator[Text]:
        """What moved most beside the reading of the title, start to end."""
        if len(moved) > 1:
            names = self._it(moved[0]) | {"other": self._it(moved[1])["it"]}
            yield self.say("weekly", "moves-two", names)
        elif moved:
            yield self.say("weekly", "moves-one", self._it(moved[0]))

    def _share_moved(self, name: str, before: Facts) -> float:
        """How much of its own past, else of its usual range, a reading has crossed since `before`; 0.0 where
        neither tells."""
        now, then = self._rank(name), before.value(f"{name}.{RANK}")
        if now is not None and then is not None:
            return abs(now - then) / 100.0
        shares = [0.0]
        for ladder in self.playbook.rules.ladders.values():
            stem, _, view = ladder.fact.partition(".")
            usual = self.playbook.rules.usual(
                ladder, self.facts.at.date(), self.profile.ranges, self.facts.asset, self.facts.pasts or {}
            )
            moved = self.facts.value(f"{name}.{view or 'change_7d'}")
            if stem == name and view in ("", "change_7d_pct") and usual is not None and moved is not None:
                shares.append(min(abs(moved) / (usual.high - usual.low), 1.0))
        return max(shares)

    def unusual(self, told: Sequence[str]) -> Iterator[Text]:
        """The reading nearest to either end of its own past, of those that are not `told`."""
        ranks = [
            (abs(rank - 50.0), name, rank)
            for name in self._watched()
            if name not in told and (rank := self._rank(name)) is not None
        ]
        if not ranks:
            return
        _, name, rank = max(ranks)
        about = "highest" if rank >= 100 else "lowest" if rank <= 0 else "high" if rank > 50 else "low"
        yield self.say("weekly", f"unusual-{about}", self._it(name))
        if name == FEW_PUTS and are_puts_few_and_dear(self.spoken):
            yield self.say("weekly", "few-and-dear", {})

    def record(self, calls: Sequence[Call], spot: Series) -> Iterator[Text]:
        """How earlier calls of this stance did, beside the base rate; nothing where they are too few to say."""
        row = self._row(calls, spot)
        if row is None:
            return
        names = {
            "stance": self.stance(row.stance),
            "total": _count("windows", row.n),
            "window": _count("horizon days", row.days),
        }
        if row.base_pct is not None:
            names["base"] = Origin(kind="count", ref="base rate", value=row.base_pct)
        if row.hit_pct is not None and row.low_pct is not None and row.high_pct is not None:
            names["hits"] = Origin(kind="count", ref="hit rate", value=row.hit_pct)
            names["low"] = Origin(kind="count", ref="hit rate, low", value=row.low_pct)
            names["high"] = Origin(kind="count", ref="hit rate, high", value=row.high_pct)
        if row.hit_pct is not None:
            yield self.say("weekly", "record-rate", names)

    def _row(self, calls: Sequence[Call], spot: Series) -> RecordRow | None:
        text = self.playbook.texts.get("record.toml")
        manner = parse_manner(text) if text else None
        if manner is None or HORIZON_DAYS not in manner.horizons_days:
            return None
        claims = tuple(claim for claim in manner.claims if claim.stance == self.decision.verdict.stance)
        own = replace(manner, horizons_days=(HORIZON_DAYS,), claims=claims)
        rows = (
            record(calls, Prices.of(spot, manner.price_max_age), own, self.facts.at)
            if calls and claims
            else ()
        )
        mine = [row for row in rows if row.rules == self.playbook.rules.hash]
        return mine[-1] if mine else None

    def _watched(self) -> Sequence[str]:
        """The metrics that families are anchored in and rules ask for, as far as they are fresh."""
        asked = dict.fromkeys(name.partition(".")[0] for name in self.playbook.rules.asks)
        return [
            name
            for name in asked
            if self.facts.get(name) is not None and self._family(name) not in ("", PRICE)
        ]

    def _family(self, name: str) -> str:
        """The family that a metric belongs to; "" where it belongs to none."""
        for family in self.playbook.rules.families.values():
            anchors = {fact.partition(".")[0] for fact in family.anchor}
            if name in anchors or name.startswith(family.prefixes):
                return family.id
        return ""

    def _rank(self, name: str) -> float | None:
        return self.facts.value(f"{name}.{RANK}")

    def _it(self, name: str) -> dict[str, Origin]:
        return {"it": Origin(kind="fact", ref=name, value=self.facts.known[name].value)}


def _date(ref: str, at: datetime) -> Origin:
    return Origin(kind="date", ref=ref, value=at.isoformat())


def _count(ref: str, number: int) -> Origin:
    return Origin(kind="count", ref=ref, value=float(number))
