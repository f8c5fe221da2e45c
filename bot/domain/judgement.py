"""What the rules found: signals, findings, the verdict, and what would change it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec import Struct, field

from bot.domain.rulebook import Confidence, Lean, Severity, Stance

Phase = Literal["off", "pending", "on", "recovering", "unknown"]
Truth = Literal["true", "false", "unknown"]
Direction = Literal["deepening", "steady", "easing", "turning"]
"""Where a verdict goes. `deepening`: further from the middle than 72 hours ago; `easing`: nearer to it than then or
than at the furthest point of its episode; `turning`: across the middle; `steady`: none of these."""


class Signal(Struct, frozen=True, kw_only=True):
    """A rule's state for one asset and one set of ranges, between two evaluations. A restart changes nothing
    of it.

    `since` is when the phase began; `observed_s` the observed time that counts towards `wait` or `keep` (it
    stands while the truth is unknown and while the bot is down); `unknown_since` when the truth was lost;
    `held` that it votes on its last truth; `was_on_at` when it was last on; `announced` that the present
    episode was told; `changes` the recent evaluations, newest last, "1" where the truth changed; `muted` that
    it is unsettled; `told_ago` the evaluations since its last announcement, at most 20.

    `on_since` is when it last began to be on (recovering is a part of that). A rule that votes is followed twice
    more, for the sum: `certain` is its phase by what is known beyond doubt, `possible` its phase if all that is
    unheard spoke for it (both None in what earlier versions stored), each with its observed seconds. As long as all
    is heard the three are the same."""

    rule: str
    phase: Phase
    since: datetime
    evaluated_at: datetime
    observed_s: float = 0.0
    unknown_since: datetime | None = None
    held: bool = False
    was_on_at: datetime | None = None
    announced: bool = False
    truth: Truth = "unknown"
    changes: str = ""
    muted: bool = False
    told_ago: int = 20
    on_since: datetime | None = None
    certain: Phase | None = None
    certain_s: float = 0.0
    possible: Phase | None = None
    possible_s: float = 0.0

    @property
    def votes(self) -> bool:
        """On, held and recovering vote; off, pending and unknown do not."""
        return self.phase in ("on", "recovering")


class Finding(Struct, frozen=True, kw_only=True):
    """A rule that is on, as the verdict and the commentary see it. `facts` names what it stands on, the
    leading one first; for a combination rule those of the rules it sums up too.

    `points` is what its family weighs by it, −2 (caution) … +2 (bullish), with decimals. `held`: it stands on a last
    reading that is no longer fresh; it is shown and weighs nothing. `ordinary`: outside its published usual range and
    yet ordinary for its own last year; it is told and weighs nothing. `background`: on for so long (30 days) that it
    is no news; it weighs as ever and is told in a subordinate clause, never in a headline or an alert. `rank` is
    where the leading fact stands in its own last year, 0-100; None without such a past."""

    rule: str
    family: str
    vote: int
    severity: Severity
    facts: tuple[str, ...]
    since: datetime
    held: bool = False
    points: float = 0.0
    ordinary: bool = False
    background: bool = False
    rank: float | None = None


class Move(Struct, frozen=True, kw_only=True):
    """A fact moved from where it is to where one rule's state changes: `comes_on` or, if not, clears.

    `made` and `of` say how often its own past made a move of that size in that direction within a week: "4 of the
    last 52"; both None where its past does not reach. `rule` may be empty where no rule's state changes and the
    balance alone moves."""

    fact: str
    start: float
    end: float
    rule: str
    comes_on: bool = False
    made: int | None = None
    of: int | None = None


class Flip(Struct, frozen=True, kw_only=True):
    """The smallest set of moves that changes the stance to `stance`, checked by evaluating the rules at the
    moved facts; or, for one rule alone (`stance` None), the move at which it clears."""

    moves: tuple[Move, ...]
    stance: Stance | None


class Exit(Struct, frozen=True, kw_only=True):
    """A way out of the verdict, or deeper into it: one move or two together, checked by judging the market anew at
    the moved facts.

    `stance` is what the verdict would be then and `balance` the range in which its balance would stand. `ends` is
    the rule of the finding that the move ends (None: it only weighs less). `held_days` is how long the reading must
    stay there before the stance follows (0: at once). One that goes deeper may keep the stance and raise the
    confidence to `confidence`."""

    moves: tuple[Move, ...]
    stance: Stance
    confidence: Confidence
    balance: tuple[float, float]
    ends: str | None = None
    held_days: float = 0.0


class MoveAlarm(Struct, frozen=True, kw_only=True):
    """A move that is told while it happens, whatever the stance: `fact` went from `start` (at `started_at`) to `end`
    (at `at`), by `move` in percent for a price and in the fact's own unit otherwise, and crossed `line`, the largest
    of the rule's lines that it crossed. `rule` names the alarm.

    `size` is the move in multiples of the asset's own ordinary move over the same time (None: no such measure is
    known, or the alarm has none). `since` is when this episode began: an episode ends when half of the move is
    retraced or after 72 hours, and each of its lines is told once. `lines` is how many of the alarm's lines were
    crossed in it, `new` that the last of them was crossed in this very evaluation."""

    rule: str
    fact: str
    severity: Severity
    move: float
    line: float
    start: float
    end: float
    started_at: datetime
    at: datetime
    since: datetime
    size: float | None = None
    new: bool = False
    lines: int = 1


class AlarmEpisode(Struct, frozen=True, kw_only=True):
    """One run of a move alarm. `start` and `started_at`: where the move came from; `level` the furthest that it has
    gone; `lines` how many of its lines were crossed. `over`: half of it is retraced, or its time is up; it is no
    longer told, and a new one begins where a further line is crossed or once the move has faded."""

    since: datetime
    started_at: datetime
    start: float
    level: float
    lines: int
    over: bool = False


class BalanceSample(NamedTuple):
    """One hour's balance: `hour` since 1970, its bounds, `hot` (1 where a level called overheated counted, 0 where none
    did, 0.5 where that could not be told); `parts` has each family's steps (−2…+2) and `reach` the same without the cap
    at two steps, None where the family was not known, in the order of the course's `families`."""

    hour: int
    low: float
    high: float
    hot: float
    parts: tuple[float | None, ...]
    reach: tuple[float | None, ...]


class Course(Struct, frozen=True, kw_only=True):
    """What is remembered of the balance, for the stance, the direction and the alarms; stored with the state, so that
    a restart changes nothing.

    `samples` has one an hour, the last one in it, in the order of time. `taken` is the stance as it was taken last, in
    the slot `slot` (days since 1970, from the hour at which it is taken); `since` when it began, `left` and
    `left_since` what it was before it became unclear and when that began; `turned_by` the alarm that turned it, if one
    did. `peak` is what each family reached where the balance stood furthest since it left the middle, `peak_at` when.
    `alarms` are the episodes that run."""

    families: tuple[str, ...] = ()
    samples: tuple[BalanceSample, ...] = ()
    taken: Stance | None = None
    slot: int | None = None
    since: datetime | None = None
    left: Stance | None = None
    left_since: datetime | None = None
    turned_by: str | None = None
    peak: Mapping[str, float] = field(default_factory=dict)
    peak_at: datetime | None = None
    alarms: Mapping[str, AlarmEpisode] = field(default_factory=dict)


class Missing(Struct, frozen=True, kw_only=True):
    """A family or a fact that was wanted and is not known."""

    family: str | None
    fact: str | None
    reason: str


class Verdict(Struct, frozen=True, kw_only=True):
    """The sum: a stance, how sure, the range of the score, how much of the weight is known.

    `families` has the lean of each family whose anchor is known; `votes` the range of votes (lowest, highest)
    of every family, [-2, 2] where unknown.

    `balance` is the sum of all families now, −100 (all caution) … +100 (all bullish): the lowest and the highest
    that it may be, since what is unknown may stand anywhere; both ends are the same where all is known. `middle` is
    the same over the last three days, which the stance goes by. None where the rules of the time had no balance.
    `direction` is where the verdict goes (None: too little is known of 72 hours ago), `since` when the stance
    began, `peak` the furthest that the balance stood in this episode and `peak_at` when. `leaning` is, of an
    `unclear` stance, the side of what is known ("bearish", "bullish" or None for neither). `without` names the
    families that this installation does not have by its configuration ("judged without options"): no part of the
    sum, and not missing. `own_days` is the number of days of its own past that the verdict stands on ("warming up:
    day 5 of 30"; None: no matter). `turned_by` is the alarm that turned the stance at once, ahead of the three
    days. `alarms` are the moves that are being told, `exits` the nearest ways out of the stance and `deepeners`
    what would take it a step further, each nearest first."""

    asset: str
    at: datetime
    stance: Stance
    confidence: Confidence
    score: tuple[float, float]
    coverage: float
    families: Mapping[str, Lean]
    votes: Mapping[str, tuple[float, float]]
    findings: tuple[Finding, ...]
    missing: tuple[Missing, ...] = ()
    flips: tuple[Flip, ...] = ()
    balance: tuple[float, float] | None = None
    middle: tuple[float, float] | None = None
    direction: Direction | None = None
    since: datetime | None = None
    peak: float | None = None
    peak_at: datetime | None = None
    leaning: Lean | None = None
    without: tuple[str, ...] = ()
    own_days: int | None = None
    turned_by: str | None = None
    alarms: tuple[MoveAlarm, ...] = ()
    exits: tuple[Exit, ...] = ()
    deepeners: tuple[Exit, ...] = ()

    @property
    def mixed(self) -> bool:
        """Neutral because known families lean both ways, not because they are calm."""
        leans = set(self.families.values())
        return self.stance == "neutral" and "bearish" in leans and bool(leans & {"bullish", "overheated"})


class Call(Struct, frozen=True, kw_only=True):
    """A stance that was taken at a time and stood until the next call. `rules` names the edition of the rules
    that judged."""

    at: datetime
    stance: Stance
    rules: str = ""


def day_number(since: datetime, at: datetime) -> int:
    """Which day of a stance a moment lies on, from 1, by the calendar of UTC: two posts of one date name the same day."""
    return (at.astimezone(UTC).date() - since.astimezone(UTC).date()).days + 1
