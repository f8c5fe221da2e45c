"""The audit of what is stored: the venues' own histories are asked for again and held against it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from bot.archive import SqlArchive
from bot.archive.remembered import keep_audit
from bot.domain.audit import AuditReport, AuditRow
from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.domain.readings import SeriesReading
from bot.errors import SourceError
from bot.lab.audit import AuditSettings, Key, compare_with_history, parse_audit_settings
from bot.playbook import CONFIG, read_file
from bot.ports import Source

log = structlog.get_logger()

STRETCH = timedelta(
    days=1
)  # the archive gives the last 26 hours of a question as they were heard, the rest by the hour
BEFORE = timedelta(hours=12)  # a payment's interval is known from the one before it


def read_audit_settings(catalog: Catalog, config: Path = CONFIG) -> AuditSettings:
    """The config folder's audit.toml, or the shipped one where it has none. Raises ConfigError."""
    own = config / "audit.toml"
    path = own if own.exists() else CONFIG / "audit.toml"
    return parse_audit_settings(read_file(path), catalog, str(path))


async def audit_archive(
    archive: SqlArchive,
    sources: Sequence[Source],
    assets: Sequence[str],
    settings: AuditSettings,
    at: datetime,
    hours: int,
) -> AuditReport:
    """Ask every venue for its past of the last hours, and hold what polls stored against it; the report is
    kept. Stores nothing of what the venues tell now. Raises ArchiveError."""
    since = at - timedelta(hours=hours)
    rows: list[AuditRow] = []
    gaps: list[str] = []
    without_history: list[str] = []
    for asset in assets:
        told, reasons = await _histories(sources, asset, since - BEFORE, at)
        wanted = {(one.metric, one.venue) for one in told if one.metric in settings.tolerances}
        stored = {key: await _stored(archive, asset, key, since - STRETCH, at) for key in sorted(wanted)}
        compared = compare_with_history(asset, told, stored, settings, since)
        rows += compared
        gaps += reasons
        heard = await _polled_since(archive, asset, settings, since)
        lacking = heard - {(row.metric, row.venue) for row in compared}
        without_history += [f"{asset} {metric} {venue}" for metric, venue in sorted(lacking)]
    report = AuditReport(
        at=at, since=since, rows=tuple(rows), without_history=tuple(without_history), gaps=tuple(gaps)
    )
    await keep_audit(archive.notes, report)
    log.info("audit.done", compared=report.compared, beyond=report.beyond, gaps=len(gaps))
    return report


async def _histories(
    sources: Iterable[Source], asset: str, since: datetime, until: datetime
) -> tuple[list[SeriesReading], list[str]]:
    """What the venues tell of their past, one after the other, and why some do not."""
    told: list[SeriesReading] = []
    gaps: list[str] = []
    for source in sources:
        try:
            told += await source.backfill(asset, since, until)
        except SourceError as error:
            gaps.append(str(error))
    return told, gaps


async def _stored(
    archive: SqlArchive, asset: str, key: Key, since: datetime, until: datetime
) -> Sequence[Series]:
    """One metric of one venue, a day after the other, so that each is read as it was heard."""
    metric, venue = key
    found = []
    while since < until:
        end = min(since + STRETCH, until)
        found.append(await archive.points.past(metric, asset, since, end, venue))
        since = end
    return found


async def _polled_since(
    archive: SqlArchive, asset: str, settings: AuditSettings, since: datetime
) -> set[Key]:
    """The metrics and venues that polls stored since a time and that are to be looked at."""
    newest: Mapping[Key, datetime] = {
        (point.metric, point.venue): point.at
        for point in await archive.points.latest(asset)
        if point.venue is not None and not point.covers_s
    }
    return {key for key, heard_at in newest.items() if heard_at >= since and key[0] in settings.tolerances}
