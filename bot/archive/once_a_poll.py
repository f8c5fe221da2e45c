"""What the evaluations of one poll have in common, one for each profile: its points are stored once, and what was judged is
spelled once. Known by identity, of the last poll alone."""

from collections.abc import Sequence

import msgspec

from bot.archive.codec import encode
from bot.archive.evidence import evidence_parts
from bot.domain.facts import Point
from bot.domain.posts import Decision
from bot.domain.readings import Snapshot


class OnceAPoll:
    """Of one archive."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._stored: dict[int, Point] = {}
        self._spelled: dict[tuple[str, int], tuple[object, msgspec.Raw]] = {}

    def find_new(self, snapshot: Snapshot, points: Sequence[Point]) -> Sequence[Point]:
        """The points that no evaluation of this poll has stored yet, each once."""
        stored = self._stored if snapshot is self._snapshot else {}
        return list({id(point): point for point in points if id(point) not in stored}.values())

    def note_stored(self, snapshot: Snapshot, points: Sequence[Point]) -> None:
        """Points that have been stored for good."""
        self._begin(snapshot)
        self._stored.update((id(point), point) for point in points)

    def encode_evidence(self, decision: Decision, snapshot: Snapshot) -> str:
        """JSON of what a post was judged on."""
        self._begin(snapshot)
        told: dict[str, msgspec.Raw] = {}
        for name, (of, spell) in evidence_parts(decision, snapshot).items():
            known = self._spelled.get((name, id(of)))
            if known is None:
                known = self._spelled[name, id(of)] = of, msgspec.Raw(msgspec.json.encode(spell()))
            told[name] = known[1]
        return encode(told)

    def _begin(self, snapshot: Snapshot) -> None:
        if snapshot is not self._snapshot:
            self._snapshot, self._stored, self._spelled = snapshot, {}, {}
