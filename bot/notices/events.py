"""Events told as one post each: a storm of forced closing an hour on, a turn of funding, the morning of a large expiry, a
date of the calendar a day before and a day after. `config/event-posts.toml` says when; each is told once a channel, over a
restart too, for what was told is remembered with the channel's alerts and stored with the post."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from bot.commentary import given_way, notice_footer, ordinary_move
from bot.decide import digest_of, post_for
from bot.domain.chain import OptionChain
from bot.domain.playbook import DatedEvent, EventRow, Playbook
from bot.domain.posts import Decision, Post, Profile, Route
from bot.domain.readings import Snapshot
from bot.domain.story import Origin, Story
from bot.metrics import History
from bot.metrics.events import price_stretch
from bot.metrics.expiries import ExpiryOpen, open_by_expiry
from bot.metrics.history import to_ms, to_time
from bot.metrics.occurrences import Side, find_funding_turn, find_storm, price_at
from bot.metrics.pairs import farthest_between
from bot.metrics.smile import legs
from bot.notices.speaker import Speaker
from bot.rules import after_event, wants_event

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YOUNG_CHAIN = timedelta(minutes=30)


class ToldPosts(Protocol):
    """Posts as they were made. Raises ArchiveError."""

    async def find_since(self, asset: str, since: datetime) -> Sequence[Post]:
        """The posts on an asset since a time that went out or will, one of each id, oldest first."""
        ...


class Occurrence(Struct, frozen=True, kw_only=True):
    """One event: of which kind, which one of its kind (`stamp`), what is said, its words' names, and the venues that its
    figures came from."""

    row: EventRow
    stamp: str
    about: str
    names: Mapping[str, Origin]
    venues: tuple[str, ...] = ()


class HeardOptions(Struct, frozen=True, kw_only=True):
    """The chains of a poll that are young, that with the most open interest first, and what is open of each expiry."""

    chains: tuple[OptionChain, ...]
    by_expiry: tuple[ExpiryOpen, ...]


class EventNotes(Struct, frozen=True, kw_only=True):
    """Finds what has occurred by a poll, and makes its posts. What options an asset's last poll heard is looked through once
    for all profiles."""

    posts: ToldPosts
    _options: dict[str, tuple[Snapshot, HeardOptions]] = field(default_factory=dict)

    async def with_events(
        self, decision: Decision, profile: Profile, playbook: Playbook, history: History, snapshot: Snapshot
    ) -> Decision:
        """The decision with the posts of events, and with what its channels were told. Raises ArchiveError."""
        speaker = Speaker(decision=decision, profile=profile, playbook=playbook)
        asset, at = decision.facts.asset, decision.facts.at
        routes, made = list(decision.state.routes), list[Post]()
        if not routes:
            return decision
        for one in await self._occurred(history, snapshot, speaker):
            notify = playbook.rules.notify
            wanting = [
                number
                for number, route in enumerate(routes)
                if wants_event(route, one.row, one.stamp, notify, at)
            ]
            if not wanting:
                continue
            story = _story(speaker, one)
            name = event_post_id(asset, profile, one.stamp)
            for number in wanting:
                made.append(_post(story, routes[number], one, name, profile, at))
                routes[number] = after_event(routes[number], one.row, one.stamp, at)
        if not made:
            return decision
        return replace(
            decision, posts=(*decision.posts, *made), state=replace(decision.state, routes=tuple(routes))
        )

    async def _occurred(self, history: History, snapshot: Snapshot, speaker: Speaker) -> Sequence[Occurrence]:
        rows = {row.kind: row for row in speaker.playbook.event_rows}
        at, found = speaker.facts.at, list[Occurrence]()
        for storm in (rows.get("cascade"), rows.get("squeeze")):
            if storm is not None:
                found += _storms(history, at, storm, speaker)
        if (row := rows.get("funding-turn")) is not None:
            found += _turns(history, at, row, speaker)
        if (row := rows.get("expiry")) is not None:
            found += _expiries(self._heard(snapshot), speaker, row)
        if (row := rows.get("calendar")) is not None:
            found += _ahead(self._heard(snapshot), speaker, row)
            for event in _past_events(speaker, row):
                found += await self._behind(history, speaker, row, event)
        return found

    def _heard(self, snapshot: Snapshot) -> HeardOptions:
        known = self._options.get(snapshot.asset)
        if known is None or known[0] is not snapshot:
            known = self._options[snapshot.asset] = snapshot, _options_in(snapshot)
        return known[1]

    async def _behind(
        self, history: History, speaker: Speaker, row: EventRow, event: DatedEvent
    ) -> list[Occurrence]:
        """What the price did in the day after a date, beside what was priced for it the day before."""
        later = event.at + row.numbers["after_h"] * HOUR
        first, last = price_at(history, event.at), price_at(history, later)
        if first is None or last is None:
            return []
        names = {
            "source": _event_name(speaker, event),
            "last_at": _date("event", event.at),
            "low": _count("price then, USD", first),
            "high": _count("price later, USD", last),
            "other": _count("change, %", (last / first - 1.0) * 100.0),
            "window": _count("hours after", row.numbers["after_h"]),
            **_on_the_way(history, speaker, (first, last), (event.at, later)),
        }
        asset, profile = speaker.facts.asset, speaker.profile
        before = event_post_id(asset, profile, _stamp(event, "before"))
        told = await self.posts.find_since(asset, event.at - 2 * row.numbers["before_h"] * HOUR)
        given = next(
            (dict(text.given) for post in told if post.id == before for text in post.story.paragraphs), {}
        )
        kept = {name: given[name] for name in ("value", "then", "until") if name in given}
        about = "calendar-after" if len(kept) == 3 else "calendar-after-unpriced"
        venues = _venues_of("spot_usd", speaker)
        return [
            Occurrence(row=row, stamp=_stamp(event, "after"), about=about, names=names | kept, venues=venues)
        ]


def event_post_id(asset: str, profile: Profile, stamp: str) -> str:
    """The short name of an event's post: the same for the same event."""
    return digest_of("event", asset, profile.id, stamp)[:8]


def _storms(history: History, at: datetime, row: EventRow, speaker: Speaker) -> Iterator[Occurrence]:
    side: Side = "long" if row.kind == "cascade" else "short"
    storm = find_storm(
        history,
        at,
        side,
        times=row.numbers["times"],
        floor_usd=row.floor_usd(history.asset),
        quiet=row.numbers["quiet_h"] * HOUR,
        after=row.numbers["after_h"] * HOUR,
        late=row.late,
    )
    if storm is None:
        return
    names = {
        "value": _count("largest hour, USD", storm.hour_usd),
        "hits": _count("usual hours", storm.times),
        "then": _date("began", storm.began_at),
        "low": _count("price then, USD", storm.price_usd),
        "high": _count("price later, USD", storm.later_usd),
        "other": _count("change, %", (storm.later_usd / storm.price_usd - 1.0) * 100.0),
        "window": _count("hours after", row.numbers["after_h"]),
        **_on_the_way(
            history,
            speaker,
            (storm.price_usd, storm.later_usd),
            (storm.began_at, storm.began_at + row.numbers["after_h"] * HOUR),
        ),
    }
    about = f"{row.kind}-bound" if storm.at_least else row.kind
    venues = _venues_of(f"liquidations_24h_{side}_usd", speaker)
    stamp = f"{row.kind}-{storm.began_at:%Y%m%dT%H}"
    yield Occurrence(row=row, stamp=stamp, about=about, names=names, venues=venues)


def _on_the_way(
    history: History, speaker: Speaker, ends: tuple[float, float], times: tuple[datetime, datetime]
) -> Mapping[str, Origin]:
    """How far the price went beyond both ends of a move between two times, where that is more than an ordinary move."""
    least = ordinary_move("spot_usd", times[1] - times[0], speaker.spoken)
    if least is None:
        return {}
    point = farthest_between(history.column("spot_usd"), ends, (to_ms(times[0]), to_ms(times[1])), least)
    return {} if point is None else given_way(point, ends)


def _turns(history: History, at: datetime, row: EventRow, speaker: Speaker) -> Iterator[Occurrence]:
    turn = find_funding_turn(
        history,
        at,
        beyond_pct=row.numbers["beyond_pct"],
        before=row.numbers["before_h"] * HOUR,
        holds=row.numbers["holds_h"] * HOUR,
        late=row.late,
    )
    if turn is None:
        return
    names = {
        "value": _count("funding now, % a year", turn.now_pct),
        "base": _count("funding before, % a year", turn.before_pct),
        "then": _date("turned", turn.turned_at),
        "window": _count("hours of the other sign", turn.stood / HOUR),
    }
    about = "funding-longs-pay" if turn.now_pct > 0.0 else "funding-shorts-pay"
    venues = _venues_of("funding_annual_pct", speaker)
    stamp = f"{row.kind}-{turn.turned_at:%Y%m%dT%H}"
    yield Occurrence(row=row, stamp=stamp, about=about, names=names, venues=venues)


def _expiries(heard: HeardOptions, speaker: Speaker, row: EventRow) -> Iterator[Occurrence]:
    """The expiry of the hours ahead, where it holds a large share of all that is open."""
    at, spot = speaker.facts.at, speaker.facts.get("spot_usd")
    if spot is None:
        return
    for one in heard.by_expiry:
        expires = to_time(one.expires_ms)
        since = expires - row.numbers["before_h"] * HOUR
        if one.share_pct < row.numbers["share_pct"] or not since <= at <= since + row.late:
            continue
        names = {
            "last_at": _date("expiry", expires),
            "base": _count("share of all open options, %", one.share_pct),
            "value": _count("open, coins", one.coins),
            "total": _count("open, USD", one.coins * spot.value),
            "low": _count("max pain, USD", one.max_pain_usd),
            "high": _count("price, USD", spot.value),
        }
        if one.put_call is not None:
            names["other"] = _count("puts for each call", one.put_call)
        about = "expiry" if one.put_call is not None else "expiry-puts"
        venues = tuple(dict.fromkeys(chain.source for chain in heard.chains))
        yield Occurrence(row=row, stamp=f"expiry-{expires:%Y%m%d}", about=about, names=names, venues=venues)


def _ahead(heard: HeardOptions, speaker: Speaker, row: EventRow) -> Iterator[Occurrence]:
    """Each date of the calendar within the hours ahead, with what is priced for the stretch around it."""
    at = speaker.facts.at
    for event in speaker.playbook.events:
        since = event.at - row.numbers["before_h"] * HOUR
        if not since <= at <= since + row.late or at >= event.at:
            continue
        names = {"source": _event_name(speaker, event), "last_at": _date("event", event.at)}
        priced, venues = None, tuple[str, ...]()
        for chain in heard.chains:
            heard_at = chain.observed_at
            priced = price_stretch(legs(chain, to_ms(heard_at)), (event.at - heard_at) / DAY)
            if priced is not None:
                venues = (chain.source,)
                names |= {
                    "value": _count("move of the stretch, %", priced.move_pct),
                    "then": _date("stretch begins", heard_at + priced.since_days * DAY),
                    "until": _date("stretch ends", heard_at + priced.until_days * DAY),
                }
                break
        about = "calendar-before" if priced is not None else "calendar-before-unpriced"
        yield Occurrence(row=row, stamp=_stamp(event, "before"), about=about, names=names, venues=venues)


def _past_events(speaker: Speaker, row: EventRow) -> Iterator[DatedEvent]:
    at = speaker.facts.at
    for event in speaker.playbook.events:
        since = event.at + row.numbers["after_h"] * HOUR
        if since <= at <= since + row.late:
            yield event


def _venues_of(name: str, speaker: Speaker) -> tuple[str, ...]:
    fact = speaker.facts.get(name)
    return tuple(fact.venues) if fact is not None else ()


def _options_in(snapshot: Snapshot) -> HeardOptions:
    chains = [
        reading
        for reading in snapshot.readings
        if isinstance(reading, OptionChain) and snapshot.taken_at - reading.observed_at <= YOUNG_CHAIN
    ]
    chains.sort(key=lambda one: -fsum(coins for coins in one.open_interest_coin.tolist() if coins >= 0.0))
    heard = tuple(chains)
    return HeardOptions(chains=heard, by_expiry=open_by_expiry(heard, to_ms(snapshot.taken_at)))


def _story(speaker: Speaker, one: Occurrence) -> Story:
    facts = speaker.facts
    kind = one.about.removesuffix("-bound").removesuffix("-unpriced").removesuffix("-puts")
    title = speaker.say("event", f"title-{kind}", one.names)
    return Story(
        asset=facts.asset,
        at=facts.at,
        length=speaker.profile.length,
        locale=speaker.bank.locale,
        stance=speaker.decision.verdict.stance,
        headline=None if speaker.profile.length == "short" else title,
        paragraphs=(speaker.say("event", one.about, one.names),),
        footer=notice_footer(facts.at, speaker.bank, one.venues),
    )


def _post(story: Story, route: Route, one: Occurrence, name: str, profile: Profile, at: datetime) -> Post:
    made = post_for(story, replace(route, due_at=None, late=False), "event", profile, at)
    nonce = digest_of("nonce", name, route.channel)[:24]
    return replace(made, id=name, nonce=nonce, severity=one.row.severity)


def _stamp(event: DatedEvent, when: str) -> str:
    return f"{event.kind}-{when}-{event.at:%Y%m%d}"


def _event_name(speaker: Speaker, event: DatedEvent) -> Origin:
    return Origin(kind="name", ref="source", value=speaker.bank.words[f"event.{event.kind}.long"])


def _date(ref: str, at: datetime) -> Origin:
    return Origin(kind="date", ref=ref, value=at.isoformat())


def _count(ref: str, number: float) -> Origin:
    return Origin(kind="count", ref=ref, value=float(number))
