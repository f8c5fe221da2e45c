"""Which story a market tells, before any word is chosen: the tension between the price and what derivatives say of it,
or where the verdict goes; and which readings carry it.

Each story promises something of the readings in its slots, and its frames may say so (the heads of `config/phrases/*/frames.toml`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary.formats import BY_UNIT, apply
from bot.commentary.names import SpokenMarket
from bot.commentary.points import (
    DAY,
    StoryPoint,
    find_points,
    is_like_for_like,
    is_one_way,
    is_price,
    moved_in_a_day,
    told_a_day_ago,
    told_of_late,
    unit_of_move,
    was_told_as_news,
)
from bot.commentary.titles import unit_of
from bot.commentary.ways import ORDINARY_DAY, excursions
from bot.domain.facts import Fact
from bot.domain.judgement import Finding, MoveAlarm, Verdict
from bot.domain.rulebook import Severity
from bot.domain.story import Memory

StoryKind = Literal[
    "contradiction-up",
    "contradiction-down",
    "agreement-up",
    "agreement-down",
    "exhaustion",
    "squeeze",
    "crowding",
    "calm",
    "moved",
    "quiet",
    "turning",
    "easing",
    "deepening",
    "shock",
    "recovery",
    "unclear",
]
SteadySince = Literal["day", "low", "high"]
ALERTS = frozenset({"first", "escalated", "changed stance", "all clear", "repeat", "move"})
"""The reasons of posts that have the form of an alert."""

ENOUGH = 2
"""Beside so many other readings of derivatives gold and stocks stay in the table."""
PRICE_MOVED_PCT, SHOCK_PCT, REBOUND_PCT = 1.0, 7.0, 8.0
SIDES = {"bearish": -1, "overheated": -1, "bullish": 1}
MOST_POINTS = 5
INVOLVED = ("term", "putcall", "cover")
"""Readings that a headline is too short for, where there is another."""
OF_THEIR_OWN = ("unclear", "turning", "exhaustion", "squeeze", "crowding", "shock")
"""Stories that are told although something else stood still."""
DAY_TOPICS, DAY_MOVED_UNITS = ("skew", "basis", "funding", "dvol"), 3.0
"""What may be told as the move of a day, and from how many of its units on."""
PRICE_OF_DAY = "spot_usd.change_24h_pct"
MOST_SINCE = 0.5
"""What moved by more than this share of its day's move since a low (a high) did not move before it."""
NEXT_WITHIN = timedelta(hours=3)
"""An alert so soon after another begins with what is new against it."""


class StoryChoice(Struct, frozen=True, kw_only=True):
    """A story with the readings in its slots.

    `main` carries it; `same` are those on its side (or on neither), `against` those on the other one, `head` the one
    that the headline tells. `price_pct` is the price's move since the last post (or in a day), `rebound` that it stands
    well above a low of the last days. `steady` are readings that carry the verdict and hardly moved within a day in
    which the price went far the other way, or since the low (the high) that it comes from (`steady_since`). `trigger`
    is what an alert went out for: the alarm of a move, else the reading in `main`, else the stance alone. `day` is the
    reading that moved most within the day that the table looks back on, where no daily post of that day told it;
    `newest` is the finding behind an alert, `is_next` that the last post was one too, shortly before. `storm` are the
    day's liquidations beside a far move of the price that an alert went out for."""

    kind: StoryKind
    main: StoryPoint | None
    same: tuple[StoryPoint, ...]
    against: tuple[StoryPoint, ...]
    head: StoryPoint | None
    price_pct: float | None
    rebound: bool
    points: tuple[StoryPoint, ...]
    steady: tuple[StoryPoint, ...] = ()
    steady_since: SteadySince | None = None
    trigger: MoveAlarm | None = None
    reason: str = ""
    day: StoryPoint | None = None
    newest: Finding | None = None
    is_next: bool = False
    storm: StoryPoint | None = None

    @property
    def alert(self) -> bool:
        """Whether it has the form of an alert."""
        return self.reason in ALERTS


def choose_story(market: SpokenMarket, memory: Memory, reason: str = "") -> StoryChoice:
    """The story of a market with a verdict, for a post that goes out for `reason`."""
    verdict = market.verdict
    if verdict is None:
        raise ValueError("a story needs a verdict")
    points = find_points(market, memory)
    known = [point for point in points if point.news]
    news = [point for point in known if not point.background] or [
        point for point in known if point.out and point.derivative
    ]  # one that its own past calls ordinary is told where there is nothing else
    price = price_move(market, memory)
    rebound = stands_off_low(market)
    main = _main(news, verdict)
    kind, main = _kind(market, memory, main, news, price, rebound=rebound)
    day = None if reason in ALERTS else _of_the_day(market, memory)
    steady_since, steady = _steady(points, market, price) if reason not in ALERTS else (None, ())
    if steady and kind not in OF_THEIR_OWN:
        side = SIDES.get(verdict.stance, 0)
        kind = "contradiction-up" if side < 0 else "contradiction-down"
    else:
        steady = ()
    if steady:
        main = None
    newest, is_next = None, reason in ALERTS and _follows_alert(market, memory)
    if reason in ("escalated", "repeat", "first"):
        newest, point = _newest(points, market, memory)
        main = point or main
        had = memory.last.findings if memory.last is not None else ()
        is_next = is_next and newest is not None and newest.rule not in had
        if point is not None and not is_next:
            main = _since_a_day(point, market)
    if day is not None and main is not None and day.topic.id == main.topic.id:
        day = None
    if day is not None and main is None and not steady and kind == "quiet":
        kind = "moved"
    taken = {point.topic.id for point in (*steady, *((main,) if main is not None else ()))}
    others = [point for point in news if kind != "quiet" and point.topic.id not in taken]
    if sum(point.derivative for point in others) >= ENOUGH:
        others = [point for point in others if point.derivative]
    side = main.side if main else 0
    against = tuple(point for point in others if side and point.side == -side)
    same = tuple(point for point in others if point not in against)
    if day is not None:
        against, same = (
            tuple(one for one in some if one.topic.id != day.topic.id) for some in (against, same)
        )
    shown = (*same, *((main,) if main is not None else ()))
    if len({point.topic.id for point in shown} & {"liq", "liq5d"}) == 2:
        same = tuple(point for point in same if point.topic.id != "liq5d")
    head = None if steady else _head(same, against, main, kind)  # their headline tells what has not moved
    return StoryChoice(
        kind=kind,
        main=main,
        same=tuple(point for point in same if point is not head)[:MOST_POINTS],
        against=tuple(point for point in against if point is not head)[:MOST_POINTS],
        head=head,
        price_pct=price,
        rebound=rebound,
        points=points,
        steady=steady,
        steady_since=steady_since if steady else None,
        trigger=_trigger(verdict) if reason == "move" else None,
        reason=reason,
        day=day,
        newest=newest,
        is_next=is_next,
        storm=_storm(points, market, memory) if reason == "move" else None,
    )


def tells_again(name: str, choice: StoryChoice) -> bool:
    """Whether a reading may be told again though it has not moved since it was: as the day's move of which an alert told a
    part, or as what was closed by force in a far move of the price."""
    of_day = choice.day is not None and choice.day.fact == name
    return of_day or (choice.storm is not None and name.startswith(LIQUIDATIONS_24H))


def _storm(points: Sequence[StoryPoint], market: SpokenMarket, memory: Memory) -> StoryPoint | None:
    """The day's liquidations, where an alert goes out for a move of the price, they are heavy, and no post of the hours
    before told them: part of that move was forced."""
    trigger = _trigger(market.verdict) if market.verdict is not None else None
    late = [name for post in memory.told if market.at - post.at <= NEXT_WITHIN for name in post.told]
    if (
        trigger is None
        or not is_price(trigger.fact)
        or any(name.startswith(LIQUIDATIONS_24H) for name in late)
    ):
        return None
    return next((point for point in points if point.about in HEAVY_DAY), None)


LIQUIDATIONS_24H, HEAVY_DAY = "liquidations_24h_", ("liq.longs", "liq.shorts", "liq.both")


def _follows_alert(market: SpokenMarket, memory: Memory) -> bool:
    """Whether the last post was an alert too, shortly before."""
    last = memory.last
    return last is not None and last.is_alert and market.at - last.at <= NEXT_WITHIN


def _of_the_day(market: SpokenMarket, memory: Memory) -> StoryPoint | None:
    """The reading of derivatives that moved most within a day, in its own units, where the last post is younger than that
    and no daily post has told it since: what an alert told of it was a part."""
    if not told_of_late(market, memory) or told_a_day_ago(market, memory):
        return None
    moves: list[tuple[float, StoryPoint]] = []
    for point in find_points(market, Memory()):
        now, then = market.fact(point.fact), market.fact(f"{point.fact}.before_24h")
        if point.topic.id not in DAY_TOPICS or now is None or then is None:
            continue
        unit = unit_of_move(point.fact, now.value, market)
        if not unit or was_told_as_news(point.fact, now.value, unit, market, memory):
            continue
        moves.append((abs(now.value - then.value) / unit, point))
    size, most = max(moves, key=lambda one: one[0], default=(0.0, None))
    if most is None or size < DAY_MOVED_UNITS:
        return None
    return replace(most, of_day=True)


def _steady(
    points: Sequence[StoryPoint], market: SpokenMarket, price: float | None
) -> tuple[SteadySince | None, tuple[StoryPoint, ...]]:
    """What the verdict stands on and what hardly moved, where the price has gone the other way by so much that this is news:
    by as many of its ordinary days as the path table says, within a day or from a low (a high) of the last day. And which
    of the two."""
    usual, table, verdict = market.fact(ORDINARY_DAY), market.book.path, market.verdict
    side = SIDES.get(verdict.stance, 0) if verdict else 0
    if not side or usual is None or table is None or (price is not None and price * side > 0):
        return None, ()
    moves: tuple[tuple[SteadySince, Fact | None], ...] = (
        ("day", market.fact(PRICE_OF_DAY)),
        ("low", market.fact("rebound_pct") if side < 0 else None),
        ("high", market.fact("drawdown_pct") if side > 0 else None),
    )
    for since, move in moves:
        start = time_of(since, market)
        if move is None or start is None or market.at - start > DAY:
            continue
        if move.value * side > -table.contrast * usual.value:
            continue
        found = [
            point
            for point in points
            if point.out
            and point.stands == side
            and not is_one_way(point.about)
            and stayed_since(point.fact, start, market)
        ]
        if found:
            return since, tuple(found[:2])
    return None, ()


def time_of(since: SteadySince, market: SpokenMarket) -> datetime | None:
    """When a day, or the way from the low or the high, began."""
    if since == "day":
        return market.at - DAY
    extreme = market.fact("low_30d_usd" if since == "low" else "high_30d_usd")
    return extreme.extreme_at if extreme is not None else None


def stayed_since(name: str, start: datetime, market: SpokenMarket) -> bool:
    """Whether a fact kept within its unit from a time on: all that it read, known without a hole. Of one that moved within
    the day the most part of that lies before then."""
    now, trail = market.fact(name), market.facts.trails.get(name)
    high, low = (trail.highest(start), trail.lowest(start)) if trail is not None else (None, None)
    if now is None or high is None or low is None:
        return False
    within, day_ago = high.value - low.value, market.fact(f"{name}.before_24h")
    if moved_in_a_day(name, market) and day_ago and within > MOST_SINCE * abs(now.value - day_ago.value):
        return False
    return within < unit_of_move(name, now.value, market)


def reads_as_before(name: str, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a fact's figure is written as it would have been in the last post."""
    last = memory.compared
    now, then = market.fact(name), last.figures.get(name) if last else None
    if now is None or then is None or last is None or now.at <= last.at:
        return False  # not known, or not read anew
    if not is_like_for_like(name, market, memory):
        return False
    if excursions(name, then, last.at, market, unit_of_move(name, now.value, market)):
        return False  # it went out and came back
    unit, words = BY_UNIT.get(unit_of(name, market.bank), "text"), market.bank.words
    return apply(unit, now.value, None, words) == apply(unit, then, None, words)


def price_move(market: SpokenMarket, memory: Memory) -> float | None:
    """The price's move in percent since the last post, or in 24 hours where there is none of late."""
    spot = market.fact("spot_usd")
    if spot is None:
        return None
    if told_of_late(market, memory) and memory.compared is not None:
        then = memory.compared.figures.get("spot_usd")
        return (spot.value / then - 1) * 100 if then else None
    day = market.fact("spot_usd.change_24h_pct")
    return day.value if day is not None else None


def stands_off_low(market: SpokenMarket) -> bool:
    """Whether the price stands well above a low that it made within the last days."""
    rebound, hours = market.fact("rebound_pct"), market.fact("hours_since_low")
    return (
        rebound is not None
        and hours is not None
        and rebound.value >= REBOUND_PCT
        and hours.value <= 24 * 7
        and market.fact("low_30d_usd") is not None
    )


def _main(news: list[StoryPoint], verdict: Verdict) -> StoryPoint | None:
    """The finding that carries the verdict: the weightiest news of derivatives on its side, else of derivatives, else
    any."""
    side = SIDES.get(verdict.stance, 0)
    of_derivatives = [point for point in news if point.derivative]
    on_side = [point for point in of_derivatives if side and point.side == side]
    for some in (on_side, of_derivatives, news):
        if some:
            return some[0]
    return None


def _newest(
    points: tuple[StoryPoint, ...], market: SpokenMarket, memory: Memory
) -> tuple[Finding | None, StoryPoint | None]:
    """What is behind an alert, and its reading: the gravest finding which the last post did not have, of equals the
    newest."""
    known = memory.last.findings if memory.last else ()
    order = get_args(Severity)
    found = sorted(
        (one for one in market.findings if not one.background),
        key=lambda one: (one.rule in known, -order.index(one.severity), -one.since.timestamp()),
    )
    for finding in found:
        stems = {name.partition(".")[0] for name in finding.facts}
        topics = {SUMS[start] for start in SUMS for stem in stems if stem.startswith(start)}
        for point in points:
            of_family = point.family == finding.family and point.topic.id in ("liq", "oi")
            if point.fact in stems or point.topic.id in topics or of_family:
                return finding, point
    return None, None


SUMS = {"liquidations_24h_": "liq", "liquidations_5d_": "liq5d", "open_interest_": "oi"}
"""By how their names begin, the amounts of which one reading tells them all."""


def _since_a_day(point: StoryPoint, market: SpokenMarket) -> StoryPoint:
    """A reading as it moved in a day, which says more of an alert's trigger than the hours since the last post."""
    day = next((one for one in find_points(market, Memory()) if one.fact == point.fact), None)
    return replace(day, of_day=True) if day is not None and is_one_way(day.about) else point


def _head(
    same: tuple[StoryPoint, ...], against: tuple[StoryPoint, ...], main: StoryPoint | None, kind: StoryKind
) -> StoryPoint | None:
    """What the headline tells: the next derivatives reading on the side of the main one, else any (beside a contradiction
    none: its headline says what contradicts); of equals one that needs no explanation."""
    own = [point for point in same if point.derivative and main and point.side == main.side]
    if kind.startswith("contradiction") and not own:
        return None
    for some in (own, [point for point in same if point.derivative]):
        if some:
            return next((point for point in some if point.topic.id not in INVOLVED), some[0])
    return next((point for point in against if point.derivative), None)


def _carried_by(
    market: SpokenMarket, news: list[StoryPoint], price: float | None, verdict: Verdict
) -> tuple[StoryKind, StoryPoint] | None:
    """A story that one reading makes by itself, with that reading."""
    moved = price if price is not None else 0.0
    for point in news:
        if point.about == "liq.spent":
            return "exhaustion", point
        if point.about == "liq.shorts" and moved >= PRICE_MOVED_PCT:
            return "squeeze", point
        if point.hot and (verdict.stance == "overheated" or point.side < 0):
            return "crowding", point
    return None


def _kind(
    market: SpokenMarket,
    memory: Memory,
    main: StoryPoint | None,
    news: list[StoryPoint],
    price: float | None,
    *,
    rebound: bool,
) -> tuple[StoryKind, StoryPoint | None]:
    """The story, and the reading that carries it."""
    verdict = market.verdict
    if verdict is None or verdict.stance in ("unclear", "no-call"):
        return "unclear", main
    if _is_shock(market, verdict, main):
        forced = next((point for point in news if point.topic.id == "liq"), None)
        return "shock", forced or main
    if memory.last is not None and memory.last.stance not in (verdict.stance, "unclear", "no-call"):
        return "turning", main
    if main is None:
        return "quiet", None
    return _carried_by(market, news, price, verdict) or (
        _by_price(verdict, main, find_points(market, memory), price, rebound=rebound),
        main,
    )


def _is_shock(market: SpokenMarket, verdict: Verdict, main: StoryPoint | None) -> bool:
    """A move of several ordinary days, unless it is a rise that derivatives doubt: that is the story then."""
    day = market.fact("spot_usd.change_24h_pct")
    if any(alarm.new and alarm.move < 0 for alarm in verdict.alarms):
        return True
    if day is None or abs(day.value) < SHOCK_PCT:
        return False
    return day.value < 0 or (SIDES.get(verdict.stance) != -1 and (main is None or main.side >= 0))


def _by_price(
    verdict: Verdict, main: StoryPoint, points: Sequence[StoryPoint], price: float | None, *, rebound: bool
) -> StoryKind:
    """The price against the main reading; on a day on which the price says little, where the verdict goes."""
    moved = price if price is not None else 1e-9 if rebound else 0.0
    if rebound and moved > 0 and main.side > 0 and not any(one.side < 0 and one.out for one in points):
        return "recovery"
    way = 1 if moved >= PRICE_MOVED_PCT or (rebound and moved > 0) else -1 if moved <= -PRICE_MOVED_PCT else 0
    if way * main.side < 0 and not main.out and main.topic.id != "skew":
        told = _of_direction(verdict, main)  # inside its range it contradicts nothing
        return "moved" if told == "calm" else told
    if way > 0 and main.side > 0 and SIDES.get(verdict.stance) == -1:
        return "easing"
    by_sides: dict[tuple[int, int], StoryKind] = {
        (1, -1): "contradiction-up",
        (-1, 1): "contradiction-down",
        (1, 1): "agreement-up",
        (-1, -1): "agreement-down",
    }
    told = by_sides.get((way, main.side)) or _of_direction(verdict, main)
    stays = way * main.side > 0 and main.about.endswith(
        ("-held", "-peaked", "-dipped")
    )  # it agrees, and has not followed
    return "moved" if stays or (way and told == "calm") else told


def _of_direction(verdict: Verdict, main: StoryPoint) -> StoryKind:
    side = SIDES.get(verdict.stance, 0)
    moved = not main.about.endswith(("-held", "-peaked", "-dipped")) and main.moved != 0.0
    if side and main.side and moved:
        if main.side == side and verdict.direction != "easing":
            return "deepening"
        if main.side != side and verdict.direction != "deepening":
            return "easing"
    return "calm"


def _trigger(verdict: Verdict) -> MoveAlarm | None:
    new = [alarm for alarm in verdict.alarms if alarm.new]
    order = get_args(Severity)
    return max(new, key=lambda alarm: order.index(alarm.severity)) if new else None
