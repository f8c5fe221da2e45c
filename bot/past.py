"""What the command line asks of the past: a brief of then, a post again, exports, backtests, the study. It opens what they need."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.archive import SqlArchive, open_archive
from bot.commentary import card
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Profile
from bot.domain.story import Length, Story
from bot.errors import InputError
from bot.export import rows, write, write_csv
from bot.playbook import parse_playbook
from bot.replay import Brief, brief_at, retell
from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A post, made again: the card as its readers saw it, the one made now, and the edition of the playbook that made both."""

    stored: Card
    retold: Card
    edition: str

    @property
    def same(self) -> bool:
        """Whether every word and number is the same."""
        return self.stored == self.retold


@asynccontextmanager
async def archive_of(settings: Settings) -> AsyncIterator[SqlArchive]:
    """The archive that bot.toml names. Raises ArchiveError."""
    archive = await open_archive(settings.archive.url)
    try:
        yield archive
    finally:
        await archive.aclose()


async def brief_then(settings: Settings, playbook: Playbook, asset: str, at: datetime, length: Length) -> Brief:
    """What the bot would have said of an asset at a time, from what the archive knew by then. Raises InputError."""
    if asset not in settings.assets:
        raise InputError(f"unknown asset {asset!r}: one of {', '.join(settings.assets)}")
    async with archive_of(settings) as archive:
        past = await archive.series(asset, at - timedelta(days=settings.poll.history_days), at)
    if not past:
        raise InputError(f"{asset}: the archive holds nothing from before {at.isoformat()}")
    return brief_at(past, playbook, asset, at, Profile(length=length, locale=settings.posts.locale))


async def post_again(archive: SqlArchive, post_id: str) -> Again:
    """A post from the archive, and the same made again by the playbook of the time. Raises InputError where one of its
    parts is not kept."""
    post = await archive.post(post_id)
    if post is None:
        raise InputError(f"post {post_id!r}: not in the archive")
    occasion = await archive.occasion(post_id)
    if occasion is None:
        raise InputError(f"post {post_id}: what it was judged on is not kept any more")
    texts = await archive.playbook_files(occasion.playbook_hash)
    if not texts:
        raise InputError(f"post {post_id}: its playbook {occasion.playbook_hash} is not kept")
    playbook = parse_playbook(texts)
    bank = playbook.banks[post.story.locale]
    retold = replace(post, story=retell(occasion, playbook).story)
    return Again(stored=card(post, bank), retold=card(retold, bank), edition=occasion.playbook_hash)


async def replay(settings: Settings, post_id: str) -> Again:
    """`post_again` on the archive that bot.toml names. Raises InputError, ArchiveError."""
    async with archive_of(settings) as archive:
        return await post_again(archive, post_id)


def story_text(story: Story) -> str:
    """A story as plain text: headline, body, footer."""
    parts = (story.headline.text if story.headline else "", story.body, story.footer.text if story.footer else "")
    return "\n\n".join(part for part in parts if part)


def as_json(then: Brief) -> dict[str, Any]:
    """A brief of a past time as plain values."""
    verdict = then.verdict
    return {
        "at": verdict.at.isoformat().replace("+00:00", "Z"),
        "verdict": {
            "stance": verdict.stance, "confidence": verdict.confidence,
            "score": [round(bound, 4) for bound in verdict.score], "coverage": round(verdict.coverage, 4),
        },
        "families": dict(verdict.families),
        "findings": [finding.rule for finding in verdict.findings],
        "facts": {name: fact.value for name, fact in then.facts.known.items()},
        "story": story_text(then.story),
    }  # fmt: skip


def card_text(shown: Card) -> str:
    """A card as plain text: title, body, footer."""
    return "\n\n".join(part for part in (shown.title, shown.body, shown.footer) if part)


async def export(
    settings: Settings, playbook: Playbook, *, assets: Sequence[str], metrics: Sequence[str], since: datetime,
    until: datetime, to: Path | None,
) -> int:  # fmt: skip
    """Write the archive's points between two times to a file, or to standard output as CSV: how many. Raises InputError."""
    async with archive_of(settings) as archive:
        past = [series for asset in assets for series in await archive.series(asset, since, until)]
    table = rows(past, playbook.catalog, metrics)
    return write_csv(table, sys.stdout) if to is None else write(table, to)
