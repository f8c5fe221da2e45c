"""What could be said of a market: each reading in the situation that it is in, with its weight in a post.

A reading's situation is where it stands (over, inside or under its usual range) and where it went since the last post, or
in a day where there was none of late. It is worth a sentence where it moved by its own unit of interest, or where it
stands outside its range and was not told in the last post."""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, get_args

from msgspec import Struct

from bot.commentary.names import SpokenMarket
from bot.commentary.titles import unit_of
from bot.commentary.ways import Excursion, excursions, ordinary_day
from bot.domain.facts import Fact, OwnPast
from bot.domain.judgement import Finding
from bot.domain.rulebook import UsualRange
from bot.domain.story import Memory, Origin, RememberedPost

COMPARED_WITHIN = timedelta(hours=12)
"""A last post older than this is compared with no more: the day's own change, which the table tells too, says it better
than "since yesterday, 15:00"."""
TOLD_WITHIN, ALERT_TOLD_WITHIN = timedelta(hours=25), timedelta(hours=12)
"""For so long a post has told a reading; what an alert told beside its trigger may stand in the next day's post."""
HEAVY_TIMES, HEAVY_PCT_OF_OI = 3.0, 1.0
"""From so many of their own ordinary days on, or from this share of open interest on, liquidations are heavy."""
ONE_SIDED = 2.0
A_YEAR_DAYS = 300
RANKS = (5.0, 20.0, 50.0, 80.0, 95.0)

Motion = Literal["rose", "fell", "held", "peaked", "dipped"]
ONE_WAY: tuple[Motion, ...] = ("rose", "fell")
"""The motions that the two ends tell; the others stood still, or went out and came back."""
MOTIONS = get_args(Motion)
Zone = Literal["high", "usual", "low", "none"]


class Topic(Struct, frozen=True, kw_only=True):
    """A kind of reading: the facts that carry it (the first that is known speaks), what it belongs to, and the least
    move that is worth a word where no ladder says so. `up` is the side that a high reading leans to."""

    id: str
    family: str
    facts: tuple[str, ...]
    unit: float
    up: int


TOPICS: tuple[Topic, ...] = (
    Topic(id="skew", family="options", facts=("skew_60d_pct", "skew_30d_pct", "skew_90d_pct"), unit=2, up=-1),
    Topic(
        id="basis", family="basis", facts=("basis_60d_pct", "basis_90d_pct", "basis_30d_pct"), unit=1, up=1
    ),
    Topic(id="funding", family="funding", facts=("funding_annual_pct",), unit=4, up=1),
    Topic(id="oi", family="leverage", facts=("open_interest_coin",), unit=0, up=0),
    Topic(id="liq", family="liquidations", facts=("liquidations_24h_usd",), unit=0, up=0),
    Topic(id="liq5d", family="liquidations", facts=("liquidations_5d_long_usd",), unit=0, up=-1),
    Topic(id="dvol", family="volatility", facts=("dvol",), unit=3, up=-1),
    Topic(id="cover", family="options", facts=("protection_30d_pct",), unit=0.3, up=-1),
    Topic(id="term", family="options", facts=("iv_term_slope_points",), unit=2, up=1),
    Topic(id="putcall", family="options", facts=("put_call_volume_ratio",), unit=0.25, up=-1),
    Topic(id="gold", family="cross-asset", facts=("vs_gold_30d_pct",), unit=4, up=1),
    Topic(id="nasdaq", family="cross-asset", facts=("vs_nasdaq_30d_pct",), unit=4, up=1),
)
TOGETHER = (("options", "volatility"), ("basis", "funding"), ("liquidations", "leverage"), ("cross-asset",))
"""Families whose readings speak of one thing: two of them may share a sentence."""
DERIVATIVES = ("options", "basis", "funding", "leverage", "liquidations", "volatility")
SUMMED = ("USD", "coins")
"""The units of what is added up over venues."""
OI_UNIT_PCT, LIQ_UNIT_SHARE = 2.0, 0.3
ELSEWHERE = 0.3
"""What a reading of gold or stocks weighs beside one of derivatives."""
LAGS = 15.0


class StoryPoint(Struct, frozen=True, kw_only=True):
    """One reading in its situation.

    `fact` carries it, `about` names its clauses ("skew.high-rose"), `side` is what it speaks for (−1 caution, +1
    bullish, 0 neither), `hot` that it speaks of heat. `score` orders: its move in units of its own ordinary day, how far
    from the middle of its own year it stands, whether the verdict stands on it. `news` is False where it was told in the
    last post and has not moved by its unit since. `stands` is the side of where it is,
    wherever it went; `of_day` that it is compared with a day ago, whatever the last post was."""

    topic: Topic
    fact: str
    about: str
    side: int
    score: float
    news: bool
    moved: float = 0.0
    hot: bool = False
    out: bool = False
    background: bool = False
    stands: int = 0
    of_day: bool = False

    @property
    def family(self) -> str:
        """What it belongs to."""
        return self.topic.family

    @property
    def derivative(self) -> bool:
        """Whether it is a reading of derivatives, and not of prices."""
        return self.topic.family in DERIVATIVES


class ComparedValue(Struct, frozen=True, kw_only=True):
    """Where a fact stood when it was compared last, at what time, and where that is known from."""

    value: float
    at: datetime
    origin: Origin


def told_of_late(market: SpokenMarket, memory: Memory) -> bool:
    """Whether there is a last post that things are compared with: one young enough to say "since" of, or a day old."""
    if memory.compared is None:
        return False
    return timedelta(0) < market.at - memory.compared.at <= COMPARED_WITHIN or told_a_day_ago(market, memory)


def before(name: str, market: SpokenMarket, memory: Memory) -> ComparedValue | None:
    """A fact's value at the last post, or a day ago; None where neither is known, or where the two are not of the same
    venues and would look like a move."""
    if told_of_late(market, memory) and memory.compared is not None:
        value = memory.compared.figures.get(name)
        if value is None or not is_like_for_like(name, market, memory):
            return None
        origin = Origin(kind="fact", ref=f"{name}@last post", value=value)
        return ComparedValue(value=value, at=memory.compared.at, origin=origin)
    fact = market.fact(f"{name}.before_24h")
    if fact is None:
        return None
    origin = Origin(kind="fact", ref=fact.name, value=fact.value)
    return ComparedValue(value=fact.value, at=fact.at - DAY, origin=origin)


def excursions_since(then: ComparedValue | None, name: str, market: SpokenMarket) -> tuple[Excursion, ...]:
    """How far a fact went beyond where it was when it was compared last and where it is, by more than is worth a word."""
    now = market.fact(name)
    if then is None or now is None:
        return ()
    return excursions(name, then.value, then.at, market, unit_of_move(name, now.value, market))


def is_like_for_like(name: str, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a fact stands on the same venues as in the last post, which only an amount that is summed over them has
    to."""
    now, last = market.fact(name), memory.compared
    if now is None or last is None or unit_of(name, market.bank) not in SUMMED:
        return True
    return set(last.venues.get(name, now.venues)) == set(now.venues)


DAY, ABOUT_A_DAY_WITHIN = timedelta(days=1), timedelta(minutes=15)


def told_a_day_ago(market: SpokenMarket, memory: Memory) -> bool:
    """Whether the last post is a day old, so that what is told since then is told of the day."""
    return memory.compared is not None and abs(market.at - memory.compared.at - DAY) <= ABOUT_A_DAY_WITHIN


def find_points(market: SpokenMarket, memory: Memory) -> tuple[StoryPoint, ...]:
    """All that is known, the weightiest first."""
    found = [point for topic in TOPICS for point in _of_topic(topic, market, memory)]
    place = {topic.id: index for index, topic in enumerate(TOPICS)}
    return tuple(sorted(found, key=lambda point: (-point.score, place[point.topic.id])))


def _of_topic(topic: Topic, market: SpokenMarket, memory: Memory) -> Iterator[StoryPoint]:
    if topic.id == "oi":
        yield from _open_interest(topic, market, memory)
    elif topic.id == "liq":
        yield from _liquidations(topic, market, memory)
    elif topic.id == "liq5d":
        yield from _week_of_liquidations(topic, market, memory)
    elif (fact := next((one for name in topic.facts if (one := market.fact(name))), None)) is not None:
        yield _level(topic, fact, market, memory)


# ── readings with a level ───────────────────────────────────────────────────────────────────────────────────


def _level(topic: Topic, fact: Fact, market: SpokenMarket, memory: Memory) -> StoryPoint:
    unit = _unit(topic, fact.name, market)
    then = before(fact.name, market, memory)
    moved = 0.0 if then is None else fact.value - then.value
    motion: Motion = "held" if abs(moved) < unit else "rose" if moved > 0 else "fell"
    way = next(iter(excursions_since(then, fact.name, market)), None)
    if way is not None:
        motion = way.course
    zone = _zone(topic, fact, market)
    out = zone in ("high", "low")
    hot = _is_hot(topic, fact, zone, market)
    finding = _finding(fact.name, market)
    rank = rank_of(fact.name, fact.value, market)
    extreme = rank is not None and (rank >= RANKS[4] or rank <= RANKS[0])
    named = _named(topic, fact, zone, then, few_and_dear=are_puts_few_and_dear(market))
    size = moved if way is None else float(way.origin.value) - fact.value
    score = _score(fact.name, size, unit, finding, market, out=out, of_day=motion != "held")
    return StoryPoint(
        topic=topic,
        fact=fact.name,
        about=f"{topic.id}.{named}-{motion}",
        side=0 if named == FEW else _side(topic, fact, zone, motion, hot=hot),
        score=score * (ELSEWHERE if topic.family == "cross-asset" else 1.0),
        news=_is_news(topic, fact, moved if way is None else unit, unit, market, memory, out=out),
        moved=moved,
        hot=hot,
        out=out,
        stands=0 if named == FEW else _side(topic, fact, zone, "held", hot=hot),
        background=finding is not None and finding.background and motion == "held" and not extreme,
    )


def _is_news(
    topic: Topic, fact: Fact, moved: float, unit: float, market: SpokenMarket, memory: Memory, *, out: bool
) -> bool:
    """Whether it is worth a sentence. Gold and stocks ask for twice their unit: they explain little of a day."""
    if topic.family == "cross-asset":
        return abs(moved) >= 2 * unit and not is_stale_news(fact.name, fact.value, unit, market, memory)
    if memory.last is None:
        return True
    if is_stale_news(fact.name, fact.value, unit, market, memory):
        return False
    return abs(moved) >= unit or (out and topic.id != "putcall")


def last_telling(name: str, market: SpokenMarket, memory: Memory) -> RememberedPost | None:
    """The latest post of about a day, or the last one whenever it was, whose prose told a metric; for a post that tells the
    day no alert counts, whose news is a part of the day's."""
    for post in reversed(memory.told):
        if post is not memory.last and market.at - post.at > TOLD_WITHIN:
            return None
        is_old_alert = post is not memory.last and market.at - post.at > ALERT_TOLD_WITHIN
        if post.is_alert and (memory.of_day or is_old_alert):
            continue
        if name in post.told:
            return post
    return None


def was_told_as_news(name: str, value: float, unit: float, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a daily post of the last day told a metric that has not moved by its unit since; what an alert told of it
    does not count."""
    for post in reversed(memory.told):
        if market.at - post.at > TOLD_WITHIN:
            return False
        if name in post.told and not post.is_alert:
            return _stands_as_in(post, name, value, unit, market)
    return False


def is_stale_news(name: str, value: float, unit: float, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a metric was told of late and has not moved by its unit since."""
    post = last_telling(name, market, memory)
    return post is not None and _stands_as_in(post, name, value, unit, market)


def _stands_as_in(post: RememberedPost, name: str, value: float, unit: float, market: SpokenMarket) -> bool:
    """Whether a metric has not moved by its unit since a post knew it, nor gone far out and come back."""
    then = post.figures.get(name)
    if then is None or abs(value - then) >= unit * (1 - 1e-9):
        return False
    return not excursions(name, then, post.at, market, unit)


def is_one_way(about: str) -> bool:
    """Whether a reading's situation is that it went from one end to the other."""
    return about.endswith(tuple(f"-{motion}" for motion in ONE_WAY))


def are_puts_few_and_dear(market: SpokenMarket) -> bool:
    """Whether fewer puts trade for each call than in most of the year while they are dear against calls: one counts
    contracts, the other what is paid, and side by side without a word they read as a contradiction."""
    ratio = market.fact(FEW_PUTS)
    rank = rank_of(FEW_PUTS, ratio.value, market) if ratio is not None else None
    skew = next((one for name in TOPICS[0].facts if (one := market.fact(name))), None)
    if ratio is None or skew is None or _zone(TOPICS[0], skew, market) != "high":
        return False
    return rank < RANKS[2] if rank is not None else ratio.value < 1.0


DEEP_FUNDING_PCT = -5.0
"""From so far below zero on, in percent a year, what shorts pay is a cost that a rise would add to."""
FEW_PUTS, FEW = "put_call_volume_ratio", "few"


def _named(topic: Topic, fact: Fact, zone: Zone, then: ComparedValue | None, *, few_and_dear: bool) -> str:
    """The zone's name among the clauses: a change of sign has words of its own."""
    if topic.id == "basis" and fact.value < 0:
        return "under"
    if topic.id == "putcall" and few_and_dear:
        return FEW
    if topic.id == "funding" and fact.value <= DEEP_FUNDING_PCT:
        return "deep"
    if topic.id in ("funding", "term") and then is not None and then.value * fact.value < 0:
        return "crossed"
    return zone


def _zone(topic: Topic, fact: Fact, market: SpokenMarket) -> Zone:
    usual = usual_of(fact.name, market)
    if topic.id in ("gold", "nasdaq"):
        return "high" if fact.value > LAGS else "low" if fact.value < -LAGS else "usual"
    if topic.id == "term":
        return "low" if fact.value < 0 else "usual"
    if usual is not None:
        return "high" if fact.value > usual.high else "low" if fact.value < usual.low else "usual"
    rank = rank_of(fact.name, fact.value, market)
    if rank is None:
        return "none"
    return "high" if rank >= RANKS[4] else "low" if rank <= RANKS[0] else "usual"


def _is_hot(topic: Topic, fact: Fact, zone: Zone, market: SpokenMarket) -> bool:
    """Whether a high reading is one that the rules call overheated."""
    if zone != "high" or topic.id not in ("funding", "basis"):
        return False
    finding = _finding(fact.name, market)
    rule = market.book.rules.get(finding.rule) if finding else None
    return rule is not None and rule.stance == "overheated"


def _side(topic: Topic, fact: Fact, zone: Zone, motion: Motion, *, hot: bool) -> int:
    """What it speaks for: where it went, if it went; else where it stands."""
    if topic.id == "funding" and fact.value < 0:
        return 0  # read as doubt by some and as fuel by others
    if hot:
        return -1 if motion != "fell" else 1
    if motion in ONE_WAY:
        return topic.up if motion == "rose" else -topic.up
    if topic.id == "dvol":
        return topic.up if zone == "high" else 0
    return {"high": topic.up, "low": -topic.up}.get(zone, 0)


# ── open interest ───────────────────────────────────────────────────────────────────────────────────────────


def _open_interest(topic: Topic, market: SpokenMarket, memory: Memory) -> Iterator[StoryPoint]:
    coins = market.fact("open_interest_coin.change_7d_pct")
    dollars = market.fact("open_interest_usd.change_7d_pct")
    now = market.fact("open_interest_coin") or market.fact("open_interest_usd")
    coins, dollars = (one if one and _is_of_all(one, market) else None for one in (coins, dollars))
    if now is None or (coins is None and dollars is None):
        return
    then = before("open_interest_coin", market, memory)
    moved_pct = 0.0
    if then is not None and then.value and now.name == "open_interest_coin":
        moved_pct = (now.value / then.value - 1) * 100
    week = coins.value if coins else None
    moved = abs(moved_pct) >= OI_UNIT_PCT
    if moved:
        about = "rose" if moved_pct > 0 else "fell"
    elif week is not None and abs(week) < OI_UNIT_PCT and dollars and abs(dollars.value) >= 7:
        about = "flat-less" if dollars.value < 0 else "flat-more"
    elif week is not None and abs(week) >= 3:
        about = "week-more" if week > 0 else "week-less"
    elif week is None and dollars and abs(dollars.value) >= 7:
        about = "dollars-less" if dollars.value < 0 else "dollars-more"
    else:
        about = "flat"
    finding = _family_finding("leverage", market)
    day = market.fact("spot_usd.change_24h_pct")
    falling = day is not None and day.value < 0
    side = 0
    if about in ("rose", "week-more"):
        side = -1 if falling else 1
    if about in ("fell", "week-less"):
        side = -1 if falling else 0
    yield StoryPoint(
        topic=topic,
        fact=now.name,
        about=f"oi.{about}",
        side=finding.vote and int(math.copysign(1, finding.vote)) if finding and not moved else side,
        score=_score(now.name, moved_pct, OI_UNIT_PCT, finding, market, out=about != "flat", of_day=moved),
        news=(moved or about != "flat")
        and not any(
            _told_without_move(one.name, one.value, market, memory)
            for name in ("open_interest_coin", "open_interest_usd")
            if (one := market.fact(name))
        ),
        moved=moved_pct,
        out=about != "flat",
        background=finding is not None and finding.background,
    )


def _is_of_all(change: Fact, market: SpokenMarket) -> bool:
    """Whether a change stands on all venues of the amount that it is told beside: of fewer it says nothing of the whole."""
    whole = market.fact(change.name.partition(".")[0])
    return whole is None or not (change.venues and whole.venues) or set(change.venues) == set(whole.venues)


# ── liquidations ────────────────────────────────────────────────────────────────────────────────────────────


def _liquidations(topic: Topic, market: SpokenMarket, memory: Memory) -> Iterator[StoryPoint]:
    long, short = market.fact("liquidations_24h_long_usd"), market.fact("liquidations_24h_short_usd")
    whole = market.fact("liquidations_24h_usd")
    total = whole.value if whole else sum(one.value for one in (long, short) if one)
    if long is None and short is None:
        return
    times = market.fact("liquidations_24h_usd.times_median_90d")
    share = market.fact("liquidations_24h_pct_of_oi")
    finding = _family_finding("liquidations", market, "24h")
    heavy = (
        (times is not None and times.value >= HEAVY_TIMES)
        or (share is not None and share.value >= HEAVY_PCT_OF_OI)
        or finding is not None
    )
    lead = whole or long or short
    if lead is None:
        return
    then = before(lead.name, market, memory)
    grew = _is_news_since(tuple(one for one in (whole, long, short, share) if one), market, memory)
    week = market.fact("liquidations_5d_pct_of_oi")
    day = share.value if share else None
    news = grew
    if week is not None and week.value >= 3 and day is not None and day <= week.value / 8:
        about, side = "spent", 1
    elif not heavy:
        return
    elif long and short and max(long.value, short.value) < ONE_SIDED * min(long.value, short.value):
        about, side = "both", 0
    elif short is None or (long is not None and long.value >= short.value):
        about, side = "longs", -1
    else:
        about, side = "shorts", 1
    if about != "spent":
        news = grew and not _are_fewer(lead.name, total, then, market, memory)
    size = times.value if times else HEAVY_TIMES + (2 * day if day is not None else 0.0)
    yield StoryPoint(
        topic=topic,
        fact=lead.name,
        about=f"liq.{about}",
        side=side,
        score=2.0 + min(size, 12.0) * 0.6 + (1.0 if finding else 0.0) if news else 0.5,
        news=news,
        moved=0.0 if then is None else total - then.value,
        out=True,
        stands=side,
    )


def _are_fewer(
    name: str, total: float, then: ComparedValue | None, market: SpokenMarket, memory: Memory
) -> bool:
    """Whether a day's liquidations, heavy as they are, have come down since they were compared or told: that there were so
    many was the news then."""
    told = last_telling(name, market, memory)
    known = [told.figures.get(name) if told is not None else None, then.value if then is not None else None]
    return any(one is not None and one - total >= LIQ_UNIT_SHARE * total for one in known)


def _week_of_liquidations(topic: Topic, market: SpokenMarket, memory: Memory) -> Iterator[StoryPoint]:
    finding = _family_finding("liquidations", market, "5d")
    long, short = market.fact("liquidations_5d_long_usd"), market.fact("liquidations_5d_short_usd")
    if finding is None or not (long or short):
        return
    shorts = long is None or (short is not None and short.value > long.value)
    lead = short if shorts else long
    if lead is None:
        return
    news = not _told_without_move(lead.name, lead.value, market, memory)
    yield StoryPoint(
        topic=topic,
        fact=lead.name,
        about=f"liq5d.{'shorts' if shorts else 'longs'}",
        side=1 if shorts else -1,
        score=2.5,
        news=news,
        out=True,
        background=finding.background,
    )


# ── weight ──────────────────────────────────────────────────────────────────────────────────────────────────


def _score(
    name: str,
    moved: float,
    unit: float,
    finding: Finding | None,
    market: SpokenMarket,
    *,
    out: bool,
    of_day: bool,
) -> float:
    ordinary = ordinary_day(name, market) or unit
    score = min(abs(moved) / max(ordinary, 1e-9), 6.0) if of_day else 0.0
    fact = market.fact(name)
    rank = rank_of(name, fact.value, market) if fact else None
    if rank is not None:
        score += 2.0 * abs(rank - 50.0) / 50.0
    if out:
        score += 1.0
    if finding is not None and not finding.ordinary:
        score += 1.0 + min(abs(finding.points or float(finding.vote)), 2.0)
    return score * (0.5 if finding is not None and finding.background else 1.0)


def rank_of(name: str, value: float, market: SpokenMarket) -> float | None:
    """Where a value stands in its own last year, 5 to 95 (the ends: as far out or farther); None where less than such a
    year is known."""
    past = (market.facts.pasts or {}).get(name)
    return None if past is None or past.days < A_YEAR_DAYS else rank_in(past, value)


def rank_in(past: OwnPast, value: float) -> float:
    """The rank of a value among five quantiles, straight between them and no farther than the outer ones."""
    marks = past.quantiles
    if value <= marks[0]:
        return RANKS[0]
    for low, high, first, last in zip(marks, marks[1:], RANKS, RANKS[1:], strict=False):
        if value <= high:
            return last if high == low else first + (last - first) * (value - low) / (high - low)
    return RANKS[4]


def usual_of(name: str, market: SpokenMarket) -> UsualRange | None:
    """The usual range by which a fact is judged, if it has one."""
    for ladder in market.book.ladders.values():
        if ladder.fact == name and (usual := market.usual(ladder.id)) is not None:
            return usual
    return None


def _unit(topic: Topic, name: str, market: SpokenMarket) -> float:
    ladder = next((one for one in market.book.ladders.values() if one.fact == name), None)
    return ladder.interest if ladder is not None else topic.unit


def unit_of_move(name: str, value: float, market: SpokenMarket) -> float:
    """The least move of a fact that is worth telling again, in its own unit."""
    stem = name.partition(".")[0]
    if stem.startswith("liquidations_"):
        return LIQ_UNIT_SHARE * abs(value)
    if stem.startswith("open_interest_"):
        return OI_UNIT_PCT / 100 * abs(value)
    topic = next((topic for topic in TOPICS if stem in topic.facts), None)
    return _unit(topic, stem, market) if topic is not None else 0.0


def moved_in_a_day(name: str, market: SpokenMarket) -> bool:
    """Whether a fact stands elsewhere than a day ago by as much as is worth a word."""
    now, then = market.fact(name), market.fact(f"{name}.before_24h")
    return (
        now is not None
        and then is not None
        and abs(now.value - then.value) >= unit_of_move(name, now.value, market)
    )


def is_price(name: str) -> bool:
    """Whether a metric is a price or counted from prices alone: every post tells where the price went."""
    return name.startswith(("spot_", "break_of_", "low_", "high_", "rebound_", "drawdown_", "hours_since_"))


def _finding(name: str, market: SpokenMarket) -> Finding | None:
    return next((one for one in market.findings if one.facts and one.facts[0] == name), None)


def _family_finding(family: str, market: SpokenMarket, window: str = "") -> Finding | None:
    return next(
        (
            one
            for one in market.findings
            if one.family == family and (not window or any(window in name for name in one.facts[:1]))
        ),
        None,
    )


def _is_news_since(facts: tuple[Fact, ...], market: SpokenMarket, memory: Memory) -> bool:
    """Whether of facts that are told together none was told of late, or one that was has moved since: what was told by its
    parts is no news as a sum."""
    told = [one for one in facts if last_telling(one.name, market, memory) is not None]
    return not told or any(not _told_without_move(one.name, one.value, market, memory) for one in told)


def _told_without_move(name: str, value: float, market: SpokenMarket, memory: Memory) -> bool:
    return is_stale_news(name, value, unit_of_move(name, value, market), market, memory)
