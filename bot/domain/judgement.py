"""What the rules found: signals, findings, the verdict, and what would change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.rulebook import Confidence, Lean, Severity, Stance

Phase = Literal["off", "pending", "on", "recovering", "unknown"]
Truth = Literal["true", "false", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A rule's state for one asset and one set of ranges, between two evaluations. A restart changes nothing of it.

    `since` is when the phase began; `observed_s` the observed time that counts towards `wait` or `keep` (it stands while
    the truth is unknown and while the bot is down); `unknown_since` when the truth was lost; `held` that it votes on its
    last truth; `was_on_at` when it was last on; `announced` that the present episode was told; `changes` the recent
    evaluations, newest last, "1" where the truth changed; `muted` that it is unsettled; `told_ago` the evaluations since its
    last announcement, at most 20.
    """

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

    @property
    def votes(self) -> bool:
        """On, held and recovering vote; off, pending and unknown do not."""
        return self.phase in ("on", "recovering")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that is on, as the verdict and the commentary see it. `facts` names what it stands on, the leading one first;
    for a combination rule those of the rules it sums up too."""

    rule: str
    family: str
    vote: int
    severity: Severity
    facts: tuple[str, ...]
    since: datetime
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A fact moved from where it is to where one rule's state changes: `comes_on` or, if not, clears."""

    fact: str
    start: float
    end: float
    rule: str
    comes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """The smallest set of moves that changes the stance to `stance`, checked by evaluating the rules at the moved facts;
    or, for one rule alone (`stance` None), the move at which it clears."""

    moves: tuple[Move, ...]
    stance: Stance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A family or a fact that was wanted and is not known."""

    family: str | None
    fact: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The sum: a stance, how sure, the range of the score, how much of the weight is known.

    `families` has the lean of each family whose anchor is known; `votes` the range of votes (lowest, highest) of every
    family, [-2, 2] where unknown.
    """

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

    @property
    def mixed(self) -> bool:
        """Neutral because known families lean both ways, not because they are calm."""
        leans = set(self.families.values())
        return self.stance == "neutral" and "bearish" in leans and bool(leans & {"bullish", "overheated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A stance that was taken at a time and stood until the next call. `rules` names the edition of the rules that judged."""

    at: datetime
    stance: Stance
    rules: str = ""
