"""Smiles of the last days: the venues tell only that of now, and a chart wants last week's behind it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog

from bot.desk.stores import SmilesStore
from bot.domain.chain import OptionChain, PastSmile, PastSmiles
from bot.domain.readings import Snapshot
from bot.errors import ArchiveError
from bot.metrics.smile import forward_of, smile_points

log = structlog.get_logger()

APART = timedelta(hours=12)  # between two smiles that are remembered
KEPT = timedelta(days=9)
LEAST_DELTA = 0.05
LEAST_POINTS = 3


class SmileMemory:
    """What is remembered of each asset's smiles: twice a day, of every expiry. Without a store nothing is."""

    def __init__(self, store: SmilesStore | None = None) -> None:
        self._store = store
        self._known: dict[str, PastSmiles] = {}

    async def note(self, snapshot: Snapshot) -> None:
        """Remember the smiles of a poll where the last ones are old enough. A poll is never lost by it."""
        if self._store is None:
            return
        try:
            known = await self._load(self._store, snapshot.asset)
            newest = max((smile.at for smile in known.smiles), default=None)
            if newest is not None and snapshot.taken_at - newest < APART:
                return
            new = tuple(_smiles(snapshot))
            if new:
                old = (smile for smile in known.smiles if snapshot.taken_at - smile.at <= KEPT)
                known = PastSmiles(asset=snapshot.asset, smiles=(*old, *new))
                await self._store.keep(known)
                self._known[snapshot.asset] = known
        except ArchiveError as error:
            log.warning("smiles.lost", asset=snapshot.asset, reason=str(error))

    async def find(
        self, asset: str, venue: str, expires_ms: int, at: datetime, *, within: timedelta
    ) -> PastSmile | None:
        """The smile of an expiry at a venue that is nearest to a time; None where none is so near. Raises
        ArchiveError."""
        if self._store is None:
            return None
        known = await self._load(self._store, asset)
        near = [
            smile
            for smile in known.smiles
            if (smile.venue, smile.expires_ms) == (venue, expires_ms) and abs(smile.at - at) <= within
        ]
        return min(near, key=lambda smile: abs(smile.at - at), default=None)

    async def _load(self, store: SmilesStore, asset: str) -> PastSmiles:
        if asset not in self._known:
            self._known[asset] = await store.load(asset)
        return self._known[asset]


def _smiles(snapshot: Snapshot) -> Iterator[PastSmile]:
    for chain in snapshot.readings:
        if not isinstance(chain, OptionChain):
            continue
        for expires_ms in sorted(set(chain.expires_ms.tolist())):
            points = smile_points(chain, expires_ms, least_delta=LEAST_DELTA)
            if len(points) >= LEAST_POINTS:
                yield PastSmile(
                    venue=chain.venue,
                    at=snapshot.taken_at,
                    expires_ms=expires_ms,
                    strikes_usd=tuple(point.strike_usd for point in points),
                    iv_pct=tuple(round(point.iv_pct, 3) for point in points),
                    forward_usd=round(forward_of(chain, expires_ms), 4),
                )
