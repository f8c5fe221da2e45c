"""What the archive remembers beside points: the last audit, the shapes of the venues' replies as last recorded, what each
fact has been in its own last year, what each venue told when it was last believed, and the smiles of the last days."""

from bot.archive.codec import decode, encode
from bot.archive.notes import SqlNotes
from bot.domain.audit import AuditReport
from bot.domain.chain import PastSmiles
from bot.domain.facts import PastsOfDay
from bot.domain.shapes import EndpointShapes
from bot.domain.tellings import KnownTellings, TellingsOfAsset

AUDIT = "audit"
SHAPES = "shapes"
PASTS = "pasts of "
TELLINGS = "tellings of "
SMILES = "smiles of "


async def keep_audit(notes: SqlNotes, report: AuditReport) -> None:
    """Remember an audit in place of the one before. Raises ArchiveError."""
    await notes.set(AUDIT, encode(report))


async def last_audit(notes: SqlNotes) -> AuditReport | None:
    """The last audit; None before the first one. Raises ArchiveError."""
    text = await notes.get(AUDIT)
    return None if text is None else decode(text, AuditReport, "the last audit")


async def keep_shapes(notes: SqlNotes, shapes: EndpointShapes) -> None:
    """Remember the shapes of a recording in place of those before. Raises ArchiveError."""
    await notes.set(SHAPES, encode(shapes))


async def last_shapes(notes: SqlNotes) -> EndpointShapes | None:
    """The shapes of the last recording; None before the first one. Raises ArchiveError."""
    text = await notes.get(SHAPES)
    return None if text is None else decode(text, EndpointShapes, "the shapes of the last recording")


class SqlPasts:
    """Each asset's pasts as they were last worked out, as a note."""

    def __init__(self, notes: SqlNotes) -> None:
        self._notes = notes

    async def load(self, asset: str) -> PastsOfDay | None:
        """The pasts as they were last worked out; None before the first day. Raises ArchiveError."""
        text = await self._notes.get(f"{PASTS}{asset}")
        return None if text is None else decode(text, PastsOfDay, f"the pasts of {asset}")

    async def keep(self, pasts: PastsOfDay) -> None:
        """Remember them in place of those of the day before. Raises ArchiveError."""
        await self._notes.set(f"{PASTS}{pasts.asset}", encode(pasts))


class SqlTellings:
    """What each venue told of an asset when it was last believed, as a note."""

    def __init__(self, notes: SqlNotes) -> None:
        self._notes = notes

    async def load(self, asset: str) -> KnownTellings:
        """What is remembered; nothing before the first poll. Raises ArchiveError."""
        text = await self._notes.get(f"{TELLINGS}{asset}")
        kept = None if text is None else decode(text, TellingsOfAsset, f"the tellings of {asset}")
        return KnownTellings() if kept is None else kept.tellings

    async def keep(self, asset: str, tellings: KnownTellings) -> None:
        """Remember them in place of those of the poll before. Raises ArchiveError."""
        await self._notes.set(f"{TELLINGS}{asset}", encode(TellingsOfAsset(asset=asset, tellings=tellings)))


class SqlSmiles:
    """Each asset's smiles of the last days, as a note."""

    def __init__(self, notes: SqlNotes) -> None:
        self._notes = notes

    async def load(self, asset: str) -> PastSmiles:
        """The smiles that are remembered; none before the first day. Raises ArchiveError."""
        text = await self._notes.get(f"{SMILES}{asset}")
        return PastSmiles(asset=asset) if text is None else decode(text, PastSmiles, f"the smiles of {asset}")

    async def keep(self, smiles: PastSmiles) -> None:
        """Remember them in place of those before. Raises ArchiveError."""
        await self._notes.set(f"{SMILES}{smiles.asset}", encode(smiles))
