"""What the command line asks of the past: a brief of then, a post again, exports, backtests, the study. It
opens what they need."""

import io
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console as Terminal

from bot.archive import SqlArchive, open_archive
from bot.commentary import ToldPost, card
from bot.domain.facts import Series
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Profile
from bot.domain.story import Length, Story
from bot.domain.times import iso
from bot.errors import ArchiveError, InputError
from bot.given import read_given_text
from bot.lab.backtest import BacktestRun, Progress, run, with_data
from bot.lab.completed_past import complete_past
from bot.lab.export import tables, write, write_csv
from bot.lab.filewatch import Stretch
from bot.lab.history_folder import parse_schema, read_folder
from bot.lab.impact import Impact, compare, old_rules
from bot.lab.published import AgreementTally, agreement_page, read_tally
from bot.lab.retell import Brief, brief_at, retell, said_again
from bot.lab.shipped import past_rows, rows_text
from bot.lab.study import study
from bot.playbook import ROOT, parse_playbook, read_file
from bot.process.app import Parts, house
from bot.process.demo import fill_tape, play, read_tape
from bot.process.settings import Settings
from bot.rules import JudgedMoment
from bot.rules.page import page as every_rule
from bot.rules.record import RecordSettings, changes, parse_manner
from bot.sources._tape_table import Tape

TAPE_POSTS = 500
SPOKEN = frozenset({"outage", "back", "weekly", "event"})
"""Reasons of posts that tell no verdict: their texts are said one by one."""


class RetoldPost(Struct, frozen=True, kw_only=True):
    """A post, made again: the card as its readers saw it, the one made now, and the edition of the playbook
    that made both."""

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
    archive = await open_archive(settings.archive.url.get_secret_value())
    try:
        yield archive
    finally:
        await archive.aclose()


async def brief_then(
    settings: Settings, playbook: Playbook, asset: str, at: datetime, length: Length
) -> Brief:
    """What the bot would have said of an asset at a time, from what the archive knew by then. Raises
    InputError."""
    if asset not in settings.assets:
        raise InputError(f"unknown asset {asset!r}: one of {', '.join(settings.assets)}")
    async with archive_of(settings) as archive:
        past = await archive.points.series(asset, at - timedelta(days=settings.poll.history_days), at)
    if not past:
        raise InputError(f"{asset}: the archive holds nothing from before {at.isoformat()}")
    return brief_at(past, playbook, asset, at, Profile(length=length, locale=settings.posts.locale))


async def post_again(archive: SqlArchive, post_id: str) -> RetoldPost:
    """A post from the archive, and the same made again by the playbook of the time. Raises InputError where
    one of its parts is not kept."""
    post = await archive.posts.get(post_id)
    if post is None:
        raise InputError(f"post {post_id!r}: not in the archive")
    if post.reason == "digest":
        raise InputError(
            f"post {post_id}: a reader's own note stands on several assets, and is not told again"
        )
    occasion = await archive.posts.inputs(post_id, (post.channel,))
    if occasion is None:
        raise InputError(f"post {post_id}: what it was judged on is not kept any more")
    texts = await archive.playbooks.files(occasion.playbook_hash)
    if not texts:
        raise InputError(f"post {post_id}: its playbook {occasion.playbook_hash} is not kept")
    playbook = parse_playbook(texts)
    bank = playbook.banks[post.story.locale]
    spoken = post.reason in SPOKEN
    story = (
        said_again(post.story, occasion, playbook)
        if spoken
        else retell(occasion, playbook, post.reason, post.story if post.story.plain else None).story
    )
    retold = replace(post, story=story)
    return RetoldPost(stored=card(post, bank), retold=card(retold, bank), edition=occasion.playbook_hash)


async def told_on_tape(
    settings: Settings, playbook: Playbook, tape: Tape, locale: str = "en"
) -> Sequence[ToldPost]:
    """The posts of the first asset that a tape leads to in a language, oldest first, each with what it was told from."""
    async with tape_played(settings, playbook, tape, locale) as parts:
        return await told_posts(parts)


@asynccontextmanager
async def tape_played(
    settings: Settings, playbook: Playbook, tape: Tape, locale: str = "en"
) -> AsyncIterator[Parts]:
    """A bot after a tape has been played through it for its first asset, in a language; told to nobody."""
    posts = settings.posts.model_copy(update={"locale": locale})
    settings = settings.model_copy(
        update={"assets": settings.assets[:1], "surfaces": ("console",), "posts": posts}
    )
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        await play(parts, settings, tape)
        yield parts


async def told_posts(parts: Parts) -> Sequence[ToldPost]:
    """The posts of a bot's console that tell a verdict, oldest first, each with what it was told from."""
    stored = await parts.archive.posts.find(channel="console:", limit=TAPE_POSTS)
    made: list[ToldPost] = []
    for post in sorted(stored, key=lambda post: post.story.at):
        occasion = await parts.archive.posts.inputs(post.id, (post.channel,))
        if occasion is not None and post.reason not in SPOKEN:
            made.append(
                ToldPost(
                    story=post.story,
                    facts=occasion.facts,
                    verdict=occasion.verdict,
                    memory=occasion.state.memory,
                )
            )
    return made


async def replay(settings: Settings, post_id: str) -> RetoldPost:
    """`post_again` on the archive that bot.toml names. Raises InputError, ArchiveError."""
    async with archive_of(settings) as archive:
        return await post_again(archive, post_id)


def story_text(story: Story) -> str:
    """A story as plain text: headline, body, footer."""
    parts = (
        story.headline.text if story.headline else "",
        story.body,
        story.footer.text if story.footer else "",
    )
    return "\n\n".join(part for part in parts if part)


def as_json(then: Brief) -> dict[str, Any]:
    """A brief of a past time as plain values."""
    verdict = then.verdict
    return {
        "at": iso(verdict.at),
        "verdict": {
            "stance": verdict.stance,
            "confidence": verdict.confidence,
            "score": [round(bound, 4) for bound in verdict.score],
            "coverage": round(verdict.coverage, 4),
        },
        "families": dict(verdict.families),
        "findings": [finding.rule for finding in verdict.findings],
        "facts": {name: fact.value for name, fact in then.facts.known.items()},
        "story": story_text(then.story),
    }


def card_text(shown: Card) -> str:
    """A card as plain text: title, body, footer."""
    return "\n\n".join(part for part in (shown.title, shown.body, shown.footer) if part)


async def export(
    settings: Settings,
    playbook: Playbook,
    *,
    assets: Sequence[str],
    metrics: Sequence[str],
    since: datetime,
    until: datetime,
    to: Path | None,
) -> int:
    """Write the archive's points between two times to a file, or to standard output as CSV: how many. Raises
    InputError."""
    async with archive_of(settings) as archive:
        past = [series for asset in assets for series in await archive.points.series(asset, since, until)]
    told = tables(past, playbook.catalog, metrics)
    return write_csv(told, sys.stdout) if to is None else write(told, to)


def folder_past(playbook: Playbook, folder: Path, schema: Path, asset: str) -> tuple[Series, ...]:
    """The past of an asset in a folder of CSV files, read as the schema says. Raises ConfigError,
    InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    try:
        described = parse_schema(read_file(schema), playbook.catalog, schema.name)
        texts = {path.name: read_given_text(path) for path in sorted(folder.glob("*.csv"))}
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from error
    past = read_folder(texts, described, asset, playbook.catalog)
    if not past:
        raise InputError(f"{folder}: no file that {schema.name} describes; it describes {len(described)}")
    return complete_past(past)


async def archive_past(settings: Settings, asset: str, since: datetime, until: datetime) -> Sequence[Series]:
    """The archive's past of an asset, and what views look back on before it."""
    async with archive_of(settings) as archive:
        return await archive.points.series(asset, since - timedelta(days=settings.poll.history_days), until)


def backtest(
    playbook: Playbook,
    told: Sequence[Series],
    asset: str,
    since: datetime,
    until: datetime,
    *,
    every_hours: int = 1,
    answerable: bool = False,
    by_files: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The rules over a past, as plain values; `by_files` as `run` takes it. Raises InputError where nothing in it could be
    judged."""
    book = with_data(playbook.rules, told) if answerable else playbook.rules
    every = timedelta(hours=every_hours)
    ran = run(
        book, told, asset, playbook.catalog, since, until, every=every, by_files=by_files, progress=progress
    )
    if not ran.moments:
        raise InputError(f"{asset}: nothing is known between {iso(since)} and {iso(until)}")
    return report(ran)


def write_study(
    playbook: Playbook,
    config: Path,
    folder: Path,
    *,
    hourly: Path | None = None,
    schema: Path,
    to: Path,
    made_on: date,
    progress: Progress | None = None,
) -> None:
    """Write docs/record.md from a folder of history by the day and one with the price by the hour. Raises ConfigError,
    InputError."""
    told = folder_past(playbook, folder, schema, "BTC")
    bars = () if hourly is None else folder_past(playbook, hourly, schema, "BTC")
    page = study(playbook, told, read_manner(config), bars, progress, made_on=made_on)
    to.write_text(page, encoding="utf-8")


def write_agreement(
    playbook: Playbook, config: Path, *, scorer: Path, plain: Path, to: Path, made_on: date
) -> None:
    """Write docs/agreement.md: `bot judge` and a plain judge in the same scorer, which is a program that takes the
    judge's command as `--judge`. Raises InputError."""
    ours = [sys.executable, "-m", "bot", "judge", "--lines", "-", "--config", str(config.resolve())]
    theirs = [sys.executable, str(plain.resolve())]
    page = agreement_page(_scored(scorer, ours), _scored(scorer, theirs), playbook.rules.hash, made_on)
    to.write_text(page, encoding="utf-8")


def _scored(scorer: Path, judge: Sequence[str]) -> AgreementTally:
    command = [sys.executable, str(scorer.resolve()), "--judge", shlex.join(judge)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 (named by the operator)
    return read_tally(ran.stdout)


def first_history(
    playbook: Playbook, folder: Path, schema: Path, asset: str, *, span: tuple[date, date], source: str
) -> str:
    """Rows of a first history from a folder of recordings, as a rule file has them. Raises ConfigError, InputError."""
    told = folder_past(playbook, folder, schema, asset)
    rows = past_rows(playbook.rules, told, playbook.catalog, asset, *span)
    return rows_text(rows, asset, *span, source)


def read_manner(config: Path) -> RecordSettings:
    """How the record is taken. Raises ConfigError."""
    return parse_manner(read_file(config / "record.toml"))


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


def report(ran: BacktestRun) -> dict[str, Any]:
    """A backtest as plain values: time in each stance and rules on, in percent of the steps; changes of
    stance; would-be alerts."""
    steps = len(ran.moments)
    return {
        "steps": steps,
        "stances_pct": {
            stance: round(100 * count / steps, 2) for stance, count in sorted(ran.stances.items())
        },
        "rules_on_pct": {rule: round(100 * count / steps, 2) for rule, count in sorted(ran.on.items())},
        "changes": [{"at": iso(call.at), "stance": call.stance} for call in changes(ran.calls)],
        "alerts": [{"at": iso(told.at), "reason": told.reason, "stance": told.stance} for told in ran.alerts],
        "scheduled_posts": ran.scheduled,
        "without": list(ran.without),
        "rows": [_row(moment) for moment in ran.moments],
    }


def _row(moment: JudgedMoment) -> dict[str, Any]:
    """One step of a backtest: `findings` are the rules that count."""
    return {
        "at": iso(moment.at),
        "stance": moment.stance,
        "confidence": moment.confidence,
        "balance": None if moment.balance is None else [round(bound, 2) for bound in moment.balance],
        "direction": moment.direction,
        "coverage": round(moment.coverage, 4),
        "findings": sorted(moment.counting),
    }


@asynccontextmanager
async def play_through(
    settings: Settings, playbook: Playbook, tape: Tape, asset: str, until: datetime, progress: Progress
) -> AsyncIterator[Parts]:
    """The whole bot after a tape's moments up to a time, with one asset polled."""
    moments = [moment.at for moment in tape.moments if moment.at <= until]
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        await fill_tape(parts, settings, tape, (asset,))
        for number, at in enumerate(moments, 1):
            await parts.schedule.step_to(at)
            await parts.desk.poller.poll(asset, at)
            progress(number, len(moments))
        yield parts


async def known_by(
    settings: Settings, playbook: Playbook, tape: Tape | None, asset: str, at: datetime, progress: Progress
) -> Sequence[Series]:
    """What was known of an asset by a time: on a tape, else in the archive. Raises ArchiveError,
    InputError."""
    if asset not in settings.assets:
        raise InputError(f"unknown asset {asset!r}: one of {', '.join(settings.assets)}")
    if tape is None:
        return await archive_past(settings, asset, at, at)
    async with play_through(settings, playbook, tape, asset, at, progress) as parts:
        return await parts.archive.points.series(asset, at - timedelta(days=settings.poll.history_days), at)


async def impact(
    settings: Settings, playbook: Playbook, asset: str, since: datetime, until: datetime, progress: Progress
) -> Impact:
    """The archive's past by the rules that judged last and by those of the playbook. Raises ArchiveError, and
    InputError where nothing was ever judged or the rules of then cannot be read any more."""
    async with archive_of(settings) as archive:
        edition = await archive.states.playbook_hash(asset)
        texts = await archive.playbooks.files(edition) if edition else {}
        if not edition or not texts:
            raise InputError(
                f"{asset}: the archive does not hold the rules that judged last; let the bot run first"
            )
        past = await archive.points.series(asset, since - timedelta(days=settings.poll.history_days), until)
    before = old_rules(texts, playbook, edition)
    return compare(past, before, playbook, asset, since, until, edition=edition, progress=progress)


async def stretch_of(
    settings: Settings,
    playbook: Playbook,
    config: Path,
    *,
    asset: str,
    days: int,
    until: datetime,
    progress: Progress,
) -> Stretch:
    """The archive's last days; where it holds nothing of them, the first tape, played. Raises ConfigError,
    InputError."""
    since = until - timedelta(days=days)
    try:
        series = await archive_past(settings, asset, since, until)
    except ArchiveError:
        series = ()
    if any(one.at_ms and one.at_ms[-1] >= since.timestamp() * 1000 for one in series):
        return Stretch(asset=asset, since=since, until=until, series=series, origin="archive")
    names = sorted(path.name for path in (config / "tapes").iterdir() if path.is_dir())
    if not names:
        raise InputError(f"{asset}: neither the archive nor config/tapes/ holds a past to try an edit on")
    tape = read_tape(names[0], config)
    end = tape.moments[-1].at
    series = await known_by(settings, playbook, tape, asset, end, progress)
    return Stretch(
        asset=asset, since=end - timedelta(days=days), until=end, series=series, origin=f"tape {names[0]}"
    )


async def rules_page(settings: Settings, playbook: Playbook, tape: Tape, progress: Progress) -> str:
    """`docs/rules.md`: every rule, and its state at the end of the tape."""
    asset, end = settings.assets[0], tape.moments[-1].at
    async with play_through(settings, playbook, tape, asset, end, progress) as parts:
        return every_rule(playbook.rules, (await parts.archive.states.load(asset, Profile())).signals)
