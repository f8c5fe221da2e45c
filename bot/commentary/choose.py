"""Which phrase of a pool: the least recently used one, ties broken by a hash, so that the same memory gives
the same bytes."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain.kept import MadeOnce
from bot.domain.story import Memory, Phrase, PhraseBank

Pools = Mapping[tuple[str, str], tuple[Phrase, ...]]


def pools(bank: PhraseBank) -> Pools:
    """The phrases by slot and subject."""
    found: dict[tuple[str, str], list[Phrase]] = {}
    for phrase in bank.phrases:
        found.setdefault((phrase.slot, phrase.about), []).append(phrase)
    return {key: tuple(phrases) for key, phrases in found.items()}


_POOLS: MadeOnce[PhraseBank, Pools] = MadeOnce(pools)


def pool(bank: PhraseBank, slot: str, about: str) -> tuple[Phrase, ...]:
    """The phrases of one slot and subject."""
    return _POOLS.get(bank).get((slot, about), ())


def last_used(memory: Memory) -> Mapping[str, int]:
    """For each phrase that the memory holds, how recently it was used: the higher, the more recent."""
    return {name: index for index, told in enumerate(memory.told) for name in told.phrase_ids}


def rank_phrases(
    phrases: Iterable[Phrase], memory: Memory, asset: str, at: datetime, turn: int = 0, *, vivid: bool = False
) -> list[Phrase]:
    """The phrases in the order in which they are to be tried: the least recently used first, of equals the
    `vivid` ones (with an image) first if so wished. Another `turn` orders the remaining equals
    differently."""
    used = last_used(memory)
    return sorted(
        phrases,
        key=lambda phrase: (
            used.get(phrase.id, -1),
            vivid and not phrase.image,
            lot(asset, at, phrase.id, turn),
        ),
    )


def lot(asset: str, at: datetime, name: str, turn: int) -> bytes:
    """What orders equals: drawn by a hash, the same for the same."""
    return hashlib.sha256(f"{asset}\0{at.isoformat()}\0{name}\0{turn}".encode()).digest()
