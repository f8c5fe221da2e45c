"""Two yardsticks for one level, always told apart: the published usual range, and the fact's own past.

By the book b(x) = 0 inside the usual range, ±1 one unit of interest beyond its edge, ±2 at the outer step, straight
between, capped. By its own past the rank is interpolated between the quantiles. With g(rank) for how far the past
agrees (0 … 1) and e(rank) for how extreme it is (−1 … +1): G = b·g and p = G + max(0, 1 − |G|)·e. So a level outside
the book counts as far as it is also high for its own past, an extreme of its own past counts one step wherever it
lies, and p is continuous in the fact, and monotone up to a step that is called overheated."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct

from bot.domain.facts import OwnPast
from bot.domain.rulebook import Condition, Ladder, PastTable, Rule, RuleBook, UsualRange

RANKS = (5.0, 20.0, 50.0, 80.0, 95.0)
"""The ranks at which a past is known; beyond the outer two it is not told apart."""
RANK = "@rank"
"""After a fact's name: its rank in its own past."""
STEPS = 2.0
"""The most that a ladder counts."""


class Scale(Struct, frozen=True):
    """A fact's own past, ready to be read: the values at RANKS, ascending with a least distance, and what it weighs
    (0 … 1)."""

    marks: tuple[float, ...]
    weight: float

    def rank(self, value: float) -> float:
        """Where a value stands in this past, 5 … 95."""
        return rank_of(value, self.marks)

    def value(self, rank: float) -> float:
        """The value at a rank; those beyond 5 and 95 are taken for these."""
        return _between(rank, RANKS, self.marks)


def rank_of(value: float, marks: Sequence[float]) -> float:
    """The rank of a value among values at RANKS, straight between them, 5 … 95."""
    return _between(value, marks, RANKS)


def _between(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    place = bisect_left(xs, x)
    if place == 0:
        return ys[0]
    if place == len(xs):
        return ys[-1]
    low, high = xs[place - 1], xs[place]
    return ys[place - 1] + (ys[place] - ys[place - 1]) * (x - low) / (high - low)


def scale_of(past: OwnPast, least_gap: float, table: PastTable) -> Scale:
    """A past as a scale. The marks are kept `least_gap` apart, from the middle outward: where a value stood for most of
    the time, as funding at the venues' default, a hair's breadth must not be half of the ranks."""
    marks = list(past.quantiles)
    for place in (3, 4):
        marks[place] = max(marks[place], marks[place - 1] + least_gap)
    for place in (1, 0):
        marks[place] = min(marks[place], marks[place + 1] - least_gap)
    return Scale(tuple(marks), min(1.0, past.days / table.full_days))


class Weighed(Struct, frozen=True):
    """What a level counts: `points` p in steps, `reach` the same without the cap, `book` its part by the book (G),
    `rank` in its own past (None without one). `hot`: it is at a level called overheated, and its past agrees."""

    points: float
    reach: float
    book: float
    rank: float | None
    hot: bool = False


class LevelSide(Struct, frozen=True):
    """One side of a ladder: from `edge` on, `outer` where it counts two steps (None: it counts one at most), `hot` where
    it is called overheated and then counts `hot_vote`; `sign` of its vote by the book and `pull` of its vote by an
    extreme of its own past (0: this side does not vote)."""

    edge: float
    sign: int
    pull: int = 0
    outer: float | None = None
    hot: float | None = None
    hot_vote: float = 0.0


class Yardstick(Struct, frozen=True):
    """A ladder in numbers, for one day, asset and past. `up` is 1 where the high side lies above; `absolute` the steps
    that need no yardstick: threshold, whether it is above it, vote."""

    ladder: str
    family: str
    fact: str
    unit: float
    low: LevelSide
    high: LevelSide
    book: bool
    scale: Scale | None
    agrees: tuple[float, float]
    extreme: tuple[float, float]
    absolute: tuple[tuple[float, bool, float], ...] = ()
    judged_by_past: bool = False
    counts_from: float = 0.0
    rank_name: str = ""

    def weigh(self, value: float) -> Weighed:
        """What a value counts."""
        above = value > self.high.edge
        side = self.high if above else self.low
        beyond = max(0.0, value - side.edge if above else side.edge - value) if self.book else 0.0
        rank, agreed, extreme = None, 1.0, 0.0
        if self.scale is not None:
            rank, weight = _between(value, self.scale.marks, RANKS), self.scale.weight
            if beyond:
                agreed = 1.0 - weight + weight * self._agreement(rank if above else 100.0 - rank)
            if not 100.0 - self.extreme[0] <= rank <= self.extreme[0]:
                extreme = weight * self._extreme(rank)
        if not beyond and not self.absolute:
            return Weighed(extreme, extreme, 0.0, rank)  # inside the book its own past alone counts
        capped, free = (
            _steps(beyond, value, side, self.unit, above=above) if beyond and side.sign else (0.0, 0.0)
        )
        book, reach = capped * agreed, free * agreed
        points = book + max(0.0, 1.0 - abs(book)) * extreme
        reach += max(0.0, 1.0 - abs(book)) * extreme
        for threshold, is_above, vote in self.absolute:
            way = (value - threshold if is_above else threshold - value) / self.unit + 1.0
            share = min(max(way, 0.0), 1.0)
            points += share * (vote - points)
            reach += share * (vote * max(1.0, abs(reach / STEPS)) - reach)
        hot = beyond > 0.0 and side.hot is not None and agreed >= self.counts_from
        hot = hot and (value > side.hot if above else value < side.hot)  # type: ignore[operator]
        return Weighed(points, reach, book, rank, hot)

    def _agreement(self, rank: float) -> float:
        start, full = self.agrees
        return min(max((rank - start) / (full - start), 0.0), 1.0)

    def _extreme(self, rank: float) -> float:
        start, full = self.extreme
        high = min(max((rank - start) / (full - start), 0.0), 1.0)
        low = min(max((100.0 - start - rank) / (full - start), 0.0), 1.0)
        return high * self.high.pull + low * self.low.pull


def _steps(beyond: float, value: float, side: LevelSide, unit: float, *, above: bool) -> tuple[float, float]:
    """By the book: the steps of a level so far beyond the edge, capped and free, with the side's sign."""
    free = beyond / unit
    capped = min(free, 1.0)
    if side.outer is not None:
        reach = abs(side.outer - side.edge)
        if beyond > unit and reach > unit:
            free = 1.0 + (beyond - unit) / (reach - unit)
        elif reach <= unit:
            free = STEPS * beyond / reach
        capped = min(free, STEPS)
    if side.hot is not None:
        past = value - side.hot if above else side.hot - value
        if past > 0.0:
            # From what it counts there straight to the overheated vote, over the distance to the next unit.
            at_hot, free_at_hot = _steps(abs(side.hot - side.edge), side.hot, _cool(side), unit, above=above)
            share = min(past / unit, 1.0)
            return (
                at_hot + share * (side.hot_vote - at_hot),
                free_at_hot + share * (side.hot_vote - free_at_hot),
            )
    return side.sign * capped, side.sign * free


def _cool(side: LevelSide) -> LevelSide:
    return LevelSide(side.edge, side.sign, side.pull, side.outer)


def yardstick(
    book: RuleBook,
    ladder: Ladder,
    day: date,
    own: UsualRange | None,
    asset: str,
    pasts: Mapping[str, OwnPast],
) -> Yardstick:
    """A ladder made ready for a day. `own` is a server's own usual range."""
    if book.past is None:
        raise ValueError("an edition that judges by score has no yardsticks")
    usual = own or ladder.usual_on(day)
    steps = [book.rules[name] for name in ladder.steps]
    low = [step for step in steps if _entry(step).below is not None]
    high = [step for step in steps if _entry(step).above is not None]
    booked = book.has_published_ranges(asset)
    return Yardstick(
        ladder=ladder.id,
        family=ladder.family,
        fact=ladder.fact,
        unit=ladder.interest,
        low=_side(book, ladder, low[::-1], usual, asset, low=True, booked=booked or own is not None),
        high=_side(book, ladder, high, usual, asset, low=False, booked=booked or own is not None),
        book=booked,
        scale=scale_in(book, ladder, pasts),
        agrees=book.past.agrees,
        extreme=book.past.extreme,
        absolute=tuple(
            (_at(step, usual, asset), _entry(step).above is not None, float(step.vote))
            for step in steps
            if step.absolute
        ),
        judged_by_past=ladder.past,
        counts_from=0.0 if book.balance is None else book.balance.counts_from,
        rank_name=f"{ladder.fact}{RANK}",
    )


def scale_in(book: RuleBook, ladder: Ladder, pasts: Mapping[str, OwnPast]) -> Scale | None:
    """The past of a ladder's fact as a scale; None where it is not judged by one or none is known."""
    past = pasts.get(ladder.fact) if ladder.past else None
    return None if past is None or book.past is None else scale_of(past, ladder.interest, book.past)


def _side(
    book: RuleBook,
    ladder: Ladder,
    steps: Sequence[Rule],
    usual: UsualRange | None,
    asset: str,
    *,
    low: bool,
    booked: bool,
) -> LevelSide:
    """One side from its steps, the mildest first. A side without steps begins where the usual range ends and does not
    vote; one of an asset that has no book begins nowhere."""
    cool = [step for step in steps if not step.stance]
    hot = [step for step in steps if step.stance]
    pull = _sign(book.rules[ladder.extremes[0 if low else 1]].vote) if ladder.extremes else 0
    if not booked:
        sign = _sign(cool[0].vote) if cool else 0
        return LevelSide(float("-inf") if low else float("inf"), sign, pull)
    if not steps:
        edge = (usual.low if low else usual.high) if usual else float("-inf") if low else float("inf")
        return LevelSide(edge, 0, pull)
    outer = next((_at(step, usual, asset) for step in cool if abs(step.vote) == STEPS), None)
    return LevelSide(
        edge=_at(steps[0], usual, asset),
        sign=_sign(cool[0].vote) if cool else 0,
        pull=pull,
        outer=outer,
        hot=_at(hot[0], usual, asset) if hot else None,
        hot_vote=float(hot[0].vote) if hot else 0.0,
    )


def _sign(vote: int) -> int:
    return (vote > 0) - (vote < 0)


def _entry(step: Rule) -> Condition:
    part = step.when[0]
    if not isinstance(part, Condition):
        raise TypeError(f"{step.id}: a ladder's step asks for its fact")
    return part


def _at(step: Rule, usual: UsualRange | None, asset: str) -> float:
    part = _entry(step)
    threshold = part.above or part.below
    if threshold is None:
        raise ValueError(f"{step.id}: a condition without a threshold")
    return threshold.at(usual, asset)
