"""What the command line asks of the past: a brief of then, a post again, exports, backtests, the study. It opens what they need."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.archive import SqlArchive, open_archive
from bot.backtest import Progress, Run, completed, parse_schema, read_folder, run, with_data
from bot.commentary import card
from bot.domain.facts import Series
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Profile
from bot.domain.story import Length, Story
from bot.errors import InputError
from bot.export import rows, write, write_csv
from bot.playbook import parse_playbook
from bot.record import Manner, changes, parse_manner
from bot.replay import Brief, brief_at, retell, said_again
from bot.settings import Settings
from bot.study import study

SPOKEN = frozenset({"outage", "back", "weekly"})
"""Reasons of posts that tell no verdict: their texts are said one by one."""


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
    spoken = post.reason in SPOKEN
    story = said_again(post.story, occasion, playbook) if spoken else retell(occasion, playbook).story
    retold = replace(post, story=story)
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
        "at": iso(verdict.at),
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


def folder_past(playbook: Playbook, folder: Path, schema: Path, asset: str) -> tuple[Series, ...]:
    """The past of an asset in a folder of CSV files, read as the schema says. Raises ConfigError, InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    try:
        described = parse_schema(schema.read_text(encoding="utf-8"), playbook.catalog, schema.name)
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder}: cannot be read: {error}") from error
    past = read_folder(texts, described, asset, playbook.catalog)
    if not past:
        raise InputError(f"{folder}: no file that {schema.name} describes; it describes {len(described)}")
    return completed(past)


async def archive_past(settings: Settings, asset: str, since: datetime, until: datetime) -> Sequence[Series]:
    """The archive's past of an asset, and what views look back on before it."""
    async with archive_of(settings) as archive:
        return await archive.series(asset, since - timedelta(days=settings.poll.history_days), until)


def backtest(
    playbook: Playbook, told: Sequence[Series], asset: str, since: datetime, until: datetime, *,
    every_hours: int = 1, answerable: bool = False, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The rules over a past, as plain values. Raises InputError where nothing in it could be judged."""
    book = with_data(playbook.rules, told) if answerable else playbook.rules
    every = timedelta(hours=every_hours)
    ran = run(book, told, asset, playbook.catalog, since, until, every=every, progress=progress)
    if not ran.moments:
        raise InputError(f"{asset}: nothing is known between {iso(since)} and {iso(until)}")
    return report(ran)


def write_study(
    playbook: Playbook, config: Path, folder: Path, *, schema: Path, to: Path, progress: Progress | None = None
) -> None:
    """Write docs/record.md from a folder of history. Raises ConfigError, InputError."""
    told = folder_past(playbook, folder, schema, "BTC")
    to.write_text(study(playbook, told, read_manner(config), progress), encoding="utf-8")


def read_manner(config: Path) -> Manner:
    """How the record is taken. Raises ConfigError."""
    return parse_manner((config / "record.toml").read_text(encoding="utf-8"))


def report_text(told: dict[str, Any]) -> str:
    """A backtest's report in lines."""
    lines = [f"{told['steps']} steps"]
    lines += [f"{share:7.2f}%  {stance}" for stance, share in told["stances_pct"].items()]
    lines += ["rules on:", *(f"{share:7.2f}%  {rule}" for rule, share in told["rules_on_pct"].items())]
    lines += [f"{len(told['changes'])} changes of stance:"]
    lines += [f"  {one['at']}  {one['stance']}" for one in told["changes"]]
    lines += [f"{len(told['alerts'])} alerts, {told['scheduled_posts']} scheduled posts:"]
    lines += [f"  {one['at']}  {one['stance']} ({one['reason']})" for one in told["alerts"]]
    return "\n".join(lines)


def report(ran: Run) -> dict[str, Any]:
    """A backtest as plain values: time in each stance and rules on, in percent of the steps; changes of stance; would-be alerts."""
    steps = len(ran.moments)
    return {
        "steps": steps,
        "stances_pct": {stance: round(100 * count / steps, 2) for stance, count in sorted(ran.stances.items())},
        "rules_on_pct": {rule: round(100 * count / steps, 2) for rule, count in sorted(ran.on.items())},
        "changes": [{"at": iso(call.at), "stance": call.stance} for call in changes(ran.calls)],
        "alerts": [{"at": iso(told.at), "reason": told.reason, "stance": told.stance} for told in ran.alerts],
        "scheduled_posts": ran.scheduled,
    }


def iso(at: datetime) -> str:
    """A time as JSON has it."""
    return at.isoformat().replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """A time as typed; one without a zone is UTC. Raises InputError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a time such as 2026-02-06 or 2026-02-06T14:00Z") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
