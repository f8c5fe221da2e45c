"""How well a phrase bank is filled: phrases for each slot and subject, windows, the thinnest pools."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from bot.commentary.bank import WINDOWED
from bot.domain.story import PhraseBank


class Pool(Struct, frozen=True, kw_only=True):
    """The phrases of one slot on one subject; `window` is the posts within which none returns, `wanted` its
    figure."""

    slot: str
    about: str
    phrases: int
    window: int | None = None
    wanted: int | None = None


class BankStats(Struct, frozen=True, kw_only=True):
    """`phrases` counts each id once; `slots` are phrases by slot; `pools` every slot and subject, thinnest
    first; `frames` the frames of each story, `clauses` the situations of readings that have words."""

    locale: str
    phrases: int
    slots: Mapping[str, int]
    pools: tuple[Pool, ...]
    frames: Mapping[str, int] = field(default_factory=dict)
    clauses: int = 0

    @property
    def short_of_window(self) -> tuple[Pool, ...]:
        """The pools whose window is smaller than its figure."""
        return tuple(pool for pool in self.pools if (pool.window or 0) < (pool.wanted or 0))


def stats(bank: PhraseBank) -> BankStats:
    """The counts of one bank. A phrase on several subjects counts in the pool of each."""
    counted = Counter((phrase.slot, phrase.about) for phrase in bank.phrases)
    pools = (
        Pool(
            slot=slot,
            about=about,
            phrases=count,
            window=bank.windows.get(f"{slot}:{about}", 0) if slot in WINDOWED else None,
            wanted=WINDOWED.get(slot),
        )
        for (slot, about), count in counted.items()
    )
    ids = {(phrase.slot, phrase.id) for phrase in bank.phrases}
    return BankStats(
        locale=bank.locale,
        phrases=len(ids),
        slots=dict(sorted(Counter(slot for slot, _ in ids).items())),
        frames=dict(sorted(Counter(frame.story for frame in bank.frames).items())),
        clauses=len(bank.clauses),
        pools=tuple(sorted(pools, key=lambda pool: (pool.phrases, pool.slot, pool.about))),
    )
