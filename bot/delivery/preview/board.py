"""The board of an asset: its price, its stance and the readings that are looked at most, as they stand now or stood then;
and what one reading stands on."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.commands.lookback import chart_of_metric, is_first_stance, meaning, stance_at, title, usual_range
from bot.commentary import venue_name
from bot.delivery.preview.provenance import VenueValue, by_name
from bot.delivery.preview.surface import CHANNEL
from bot.desk.market import Market
from bot.domain.catalog import RANK, ranked_instead
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import day_number
from bot.domain.posts import ChartSpec, Mark, Profile
from bot.metrics import History, facts_at

PRICE, BALANCE = "spot_usd", "balance"
READINGS = (BALANCE, "skew_60d_pct", "basis_60d_pct", "funding_annual_pct", "open_interest_usd", "dvol")
COINS = {"open_interest_usd": "open_interest_coin"}  # for who counts in coins
WEEK, DAY = timedelta(days=7), timedelta(days=1)
WINDOWS = {"7d": WEEK, "30d": timedelta(days=30), "90d": timedelta(days=90)}
USUAL_WINDOW = "30d"
FEW_PCT = 5.0  # nearer to an end of its last 90 days a rank is told by that end
WIDTH, HEIGHT = 100.0, 28.0  # of a sparkline, in its own units
MOST_POINTS = 84


class Spark(Struct, frozen=True, kw_only=True):
    """A week as a line: `points` for an SVG polyline a stretch between gaps, and the usual range as top and height."""

    points: tuple[str, ...]
    usual: tuple[float, float] | None = None


class Reading(Struct, frozen=True, kw_only=True):
    """One metric as it is shown: its value in words and since when it is known, its change in a day and since the last post,
    its rank in 90 days, its usual range, its week. `old`: it is not fresh. `now` is the value of now beside that of then."""

    name: str
    title: str
    value: str
    old: bool = False
    change: str = ""
    since_post: str = ""
    rank: str = ""
    usual: str = ""
    spark: Spark | None = None
    now: str = ""


class BoardState(Struct, frozen=True, kw_only=True):
    """All that the board shows of one asset at one time. `since` is when the stance began; `posted_at` when the channel's
    last post before went out; `past` that the time is not now."""

    asset: str
    at: datetime
    price: Reading
    readings: tuple[Reading, ...]
    stance: str = ""
    stance_word: str = ""
    since: datetime | None = None
    posted_at: datetime | None = None
    past: bool = False

    @property
    def balance(self) -> str:
        """The balance in words; nothing where it is not fresh."""
        return next((one.value for one in self.readings if one.name == BALANCE and not one.old), "")

    @property
    def day(self) -> int:
        """The day of the stance, from 1."""
        return day_number(self.since, self.at) if self.since else 0


class ReadingDetail(Struct, frozen=True, kw_only=True):
    """What one reading stands on: beside what the board shows, its meaning, its formula, its unit, when it was observed and
    each venue's own value in words."""

    asset: str
    at: datetime
    reading: Reading
    meaning: str
    formula: str
    unit: str
    observed_at: datetime | None
    venues: tuple[tuple[str, str, datetime], ...]
    of_venues: int
    week: str
    missing: str = ""


class _Known(Struct, frozen=True, kw_only=True):
    """What a reading is worked out from: the facts and the past of a time, those of now beside them, and the last post
    before."""

    facts: Facts
    history: History
    beside: Facts | None
    posted_at: datetime | None


class Board:
    """Reads the market for the page; it asks no venue."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._then: dict[tuple[str, datetime], Facts] = {}
        self._now: dict[tuple[str, str, bool], tuple[Facts, BoardState]] = {}

    async def show(
        self, asset: str, profile: Profile, at: datetime | None = None, *, coins: bool = False
    ) -> BoardState:
        """The board of an asset, now or as it was. Raises ArchiveError."""
        history, now = await self._market.history(asset), await self._market.facts(asset)
        if at is not None:
            return await self._state(profile, await self._facts_then(asset, at, history), now, coins=coins)
        key = (asset, profile.id, coins)
        known = self._now.get(key)
        if known is None or known[0] is not now:  # every open page asks every two seconds
            self._now[key] = known = (now, await self._state(profile, now, None, coins=coins))
        return known[1]

    async def _state(
        self, profile: Profile, facts: Facts, beside: Facts | None, *, coins: bool
    ) -> BoardState:
        asset = facts.asset
        history = await self._market.history(asset)
        names = [COINS.get(name, name) if coins else name for name in READINGS]
        stance = await stance_at(self._market, asset, facts.at, profile)
        since = await self._since(asset, profile, stance, is_past=beside is not None)
        posted_at = await self._last_post_at(facts.at)
        known = _Known(facts=facts, history=history, beside=beside, posted_at=posted_at)
        return BoardState(
            asset=asset,
            at=facts.at,
            posted_at=posted_at,
            price=self._reading(PRICE, known, profile),
            readings=tuple(
                self._reading(name, known, profile)
                for name in names
                if name in self._market.playbook.catalog and (name in facts.known or name in facts.stale)
            ),
            stance=stance.kind if stance else "",
            stance_word=stance.label if stance else "",
            since=since,
            past=beside is not None,
        )

    async def _since(
        self, asset: str, profile: Profile, stance: Mark | None, *, is_past: bool
    ) -> datetime | None:
        """When the stance began, as posts tell it: the rules follow the market from before the first poll. Of an earlier
        time that is not kept, so that the first stance of all has no known begin."""
        if stance is None:
            return None
        if is_past:
            return None if await is_first_stance(self._market, asset, stance, profile) else stance.at
        verdict, _ = await self._market.verdict(asset, profile)
        return verdict.since if verdict.stance == stance.kind and verdict.since else stance.at

    async def detail(
        self, asset: str, name: str, profile: Profile, at: datetime | None = None
    ) -> ReadingDetail | None:
        """What one metric stands on, now or then; None for one that does not exist. Raises ArchiveError."""
        catalog = self._market.playbook.catalog
        if name not in catalog.metrics:
            return None
        history, now = await self._market.history(asset), await self._market.facts(asset)
        facts = now if at is None else await self._facts_then(asset, at, history)
        fact = by_name(facts).get(name)
        metric = catalog.metrics[name]
        posted_at = await self._last_post_at(facts.at)
        beside = now if at is not None else None
        known = _Known(facts=facts, history=history, beside=beside, posted_at=posted_at)
        return ReadingDetail(
            asset=asset,
            at=facts.at,
            reading=self._reading(name, known, profile),
            meaning=meaning(self._market, name, profile),
            formula=metric.formula,
            unit=metric.unit,
            observed_at=fact.at if fact else None,
            venues=tuple(
                (self._venue(one.venue, profile), self._words(name, one.value, one.at, profile), one.at)
                for one in _own_values(history.at(facts.at), name)
                if fact is not None and fact.at - one.at <= metric.max_age
            ),
            of_venues=fact.of_venues if fact else 0,
            week=self._change(f"{name}.change_7d", facts, profile),
            missing="" if fact else self._market.figure(name, facts, profile).text,
        )

    async def chart(
        self, asset: str, name: str, profile: Profile, *, window: str, at: datetime | None
    ) -> ChartSpec | None:
        """The metric's past up to now or then; None where none is known. Raises ArchiveError."""
        if name not in self._market.playbook.catalog.metrics:
            return None
        length = WINDOWS.get(window, WINDOWS[USUAL_WINDOW])
        until = at or self._market.now()
        return await chart_of_metric(self._market, asset, name, profile, window=length, until=until)

    async def _facts_then(self, asset: str, at: datetime, history: History) -> Facts:
        key = (asset, at)
        if key not in self._then:
            while len(self._then) >= 8:
                self._then.pop(next(iter(self._then)))
            catalog, asked = self._market.playbook.catalog, self._market.sources_by_quantity()
            self._then[key] = facts_at(history.at(at), catalog, asset, at, asked)
        return self._then[key]

    async def _last_post_at(self, at: datetime) -> datetime | None:
        """When the channel's last post before a time went out."""
        found = await self._market.archive.posts.find(limit=3, channel=CHANNEL, before=at)
        return next((post.sent_at for post in found if post.sent_at is not None and post.sent_at <= at), None)

    def _reading(self, name: str, known: _Known, profile: Profile) -> Reading:
        facts, history, beside = known.facts, known.history, known.beside
        fact = by_name(facts).get(name)
        usual = usual_range(self._market, name, facts.asset, profile)
        rank = facts.get(f"{name}.{RANK}")
        return Reading(
            name=name,
            title=title(self._market, name, profile),
            value=self._words(name, fact.value, fact.at, profile) if fact else "–",
            old=name not in facts.known,
            change=self._change(f"{name}.change_24h_pct", facts, profile)
            or self._change(f"{name}.change_24h", facts, profile),
            since_post=self._since_post(name, known, profile) if name in facts.known else "",
            rank=self._rank(rank, facts, profile) if rank else self._rank_of_another(name, facts, profile),
            usual=self._range(name, usual, profile) if usual else "",
            spark=_spark(history.at(facts.at), name, facts.at, usual),
            now=self._market.figure(name, beside, profile).text if beside and name in beside.known else "",
        )

    def _rank(self, rank: Fact, facts: Facts, profile: Profile) -> str:
        """A percentile of 90 days as a reader means it: near an end by how few days lie beyond it."""
        beyond = min(rank.value, 100.0 - rank.value)
        if beyond > FEW_PCT:
            return self._say("page.rank", profile, rank=self._market.figure(rank.name, facts, profile).text)
        share = self._words(rank.name, max(math.ceil(beyond), 1.0), rank.at, profile)
        return self._say("page.rank_low" if rank.value < 50.0 else "page.rank_high", profile, rank=share)

    def _rank_of_another(self, name: str, facts: Facts, profile: Profile) -> str:
        """Where its own rank is not known, the one that stands in, by its name; nothing where there is none."""
        other = ranked_instead(name, facts)
        rank = facts.get(f"{other}.{RANK}") if other is not None else None
        if other is None or rank is None:
            return ""
        named, told = title(self._market, other, profile), self._rank(rank, facts, profile)
        return self._say("page.rank_of", profile, metric=named, rank=told)

    def _since_post(self, name: str, known: _Known, profile: Profile) -> str:
        """The change since the last post as a change is written; nothing where either value is not known."""
        catalog, fact = self._market.playbook.catalog, known.facts.known.get(name)
        if known.posted_at is None or fact is None or name not in catalog.metrics:
            return ""
        column = known.history.at(known.posted_at).column(name)
        if not len(column):
            return ""
        before, known_s = float(column.value[-1]), float(column.known_ms[-1]) / 1000.0
        if known.posted_at.timestamp() - known_s > catalog.metrics[name].max_age.total_seconds():
            return ""
        share = f"{name}.change_24h_pct"
        if share in catalog:
            return (
                self._signed(share, (fact.value / before - 1.0) * 100.0, fact.at, profile) if before else ""
            )
        return self._signed(f"{name}.change_24h", fact.value - before, fact.at, profile)

    def _signed(self, name: str, value: float, at: datetime, profile: Profile) -> str:
        if name not in self._market.playbook.catalog:
            return ""
        return _with_sign(self._words(name, value, at, profile), value)

    def _change(self, name: str, facts: Facts, profile: Profile) -> str:
        fact = facts.get(name) if name in self._market.playbook.catalog else None
        if fact is None:
            return ""
        return _with_sign(self._market.figure(name, facts, profile).text, fact.value)

    def _range(self, name: str, usual: tuple[float, float], profile: Profile) -> str:
        now = self._market.now()
        low, high = (self._words(name, end, now, profile) for end in usual)
        return self._say("page.usual", profile, low=low, high=high)

    def _words(self, name: str, value: float, at: datetime, profile: Profile) -> str:
        fact = Fact(name=name, value=value, at=at)
        return self._market.figure(name, Facts(asset="", at=at, known={name: fact}), profile).text

    def _say(self, word: str, profile: Profile, **named: str) -> str:
        return self._market.bank(profile).words[word].format(**named)

    def _venue(self, venue: str, profile: Profile) -> str:
        return venue_name(venue, self._market.bank(profile).words)


def _with_sign(text: str, value: float) -> str:
    return f"+{text}" if value > 0 and text[:1].isdigit() else text


def _own_values(history: History, name: str) -> Sequence[VenueValue]:
    found = []
    for venue in history.venues(name):
        column = history.column(name, venue)
        if len(column):
            at = datetime.fromtimestamp(float(column.known_ms[-1]) / 1000, UTC)
            found.append(VenueValue(venue=venue, value=float(column.value[-1]), at=at))
    return found


def _spark(history: History, name: str, until: datetime, usual: tuple[float, float] | None) -> Spark | None:
    """The last week as a line; None where less than two values are known."""
    column = history.column(name)
    start_ms, end_ms = (until - WEEK).timestamp() * 1000.0, until.timestamp() * 1000.0
    first = int(column.known_ms.searchsorted(start_ms))
    rows = [
        (float(at), float(value))
        for at, value in zip(column.known_ms[first:], column.value[first:], strict=True)
    ]
    if len(rows) < 2:
        return None
    rows = rows[:: max(1, len(rows) // MOST_POINTS)] + rows[-1:]
    low, high = min(value for _, value in rows), max(value for _, value in rows)
    if usual:
        reach = max((high - low) * 2.0, abs(high) * 0.05, 1e-9)
        low, high = min(low, max(usual[0], low - reach)), max(high, min(usual[1], high + reach))
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return round(HEIGHT - 2.0 - (min(max(value, low), high) - low) / span * (HEIGHT - 4.0), 1)

    stretches: list[list[str]] = [[]]
    before = rows[0][0]
    for at, value in rows:
        if at - before > DAY.total_seconds() * 500.0:
            stretches.append([])
        stretches[-1].append(f"{(at - start_ms) / (end_ms - start_ms) * WIDTH:.1f},{y(value)}")
        before = at
    band = (y(usual[1]), max(round(y(usual[0]) - y(usual[1]), 1), 0.5)) if usual else None
    return Spark(points=tuple(" ".join(points) for points in stretches if len(points) > 1), usual=band)
