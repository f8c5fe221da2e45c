"""What rules are tried on, for `bot check`: the archive's past or a tape. Why a rule was on then, what an edit of the rules would have
posted, where the tape leaves each rule."""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console as Terminal

from bot import app as composition
from bot import rules
from bot.backtest import Progress, Run, Told, run
from bot.domain.facts import Series
from bot.domain.judgement import Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.rulebook import RuleBook
from bot.errors import ConfigError, InputError
from bot.metrics import History, facts_at
from bot.past import archive_of, archive_past, iso
from bot.replay import signals_at
from bot.rules.page import page
from bot.settings import Settings
from bot.sources._tape_table import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A rule at a past time: its state after the evaluation of then, and each condition with what it met. `conditions` judge by
    the ways in alone; a rule may still be on by its way out."""

    asset: str
    at: datetime
    signal: Signal
    conditions: rules.Explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """A past judged by the rules that judged last (`edition` names their playbook) and by those of the files."""

    asset: str
    edition: str
    before: Run
    after: Run

    @property
    def gone(self) -> tuple[Told, ...]:
        """The alerts that there would no longer be."""
        return tuple(told for told in self.before.alerts if told not in self.after.alerts)

    @property
    def new(self) -> tuple[Told, ...]:
        """The alerts that there would be now."""
        return tuple(told for told in self.after.alerts if told not in self.before.alerts)

    @property
    def otherwise(self) -> int:
        """The steps at which the stance is another."""
        pairs = zip(self.before.moments, self.after.moments, strict=True)
        return sum(old.stance != new.stance for old, new in pairs)


# ── the past ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def played(
    settings: Settings, playbook: Playbook, tape: Tape, asset: str, until: datetime, progress: Progress
) -> AsyncIterator[composition.House]:
    """The whole bot after a tape's moments up to a time, with one asset polled."""
    moments = [moment.at for moment in tape.moments if moment.at <= until]
    async with composition.house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        await parts.desk.backfill(asset, tape.starts_at - timedelta(days=settings.poll.backfill_days), tape.starts_at)
        for number, at in enumerate(moments, 1):
            await parts.schedule.step_to(at)
            await parts.desk.poll(asset, at)
            progress(number, len(moments))
        yield parts


async def told_by(
    settings: Settings, playbook: Playbook, tape: Tape | None, asset: str, at: datetime, progress: Progress
) -> Sequence[Series]:
    """What was known of an asset by a time: on a tape, else in the archive. Raises ArchiveError, InputError."""
    if asset not in settings.assets:
        raise InputError(f"unknown asset {asset!r}: one of {', '.join(settings.assets)}")
    if tape is None:
        return await archive_past(settings, asset, at, at)
    async with played(settings, playbook, tape, asset, at, progress) as parts:
        return await parts.archive.series(asset, at - timedelta(days=settings.poll.history_days), at)


# ── why a rule was on ────────────────────────────────────────────────────────────────────────────────────────────────


def met(past: Sequence[Series], playbook: Playbook, rule: str, asset: str, at: datetime) -> Met:
    """A rule at a past time, from what was known by then. Raises InputError for a rule that is not there, or an empty past."""
    if rule not in playbook.rules.rules:
        raise InputError(f"unknown rule {rule!r}: config/rules/ holds {', '.join(playbook.rules.rules)}")
    if not past:
        raise InputError(f"{asset}: nothing is known from before {iso(at)}")
    known = History.of(asset, past).at(at)
    facts = facts_at(known, playbook.catalog, asset, at)
    signals = rules.evaluate(playbook.rules, facts, signals_at(known, playbook, at, Profile()), at).signals
    conditions = rules.explain(playbook.rules, rule, facts, at)
    return Met(asset=asset, at=at, signal=signals[rule], conditions=conditions)


def met_json(found: Met) -> dict[str, Any]:
    """A rule at a past time as plain values; what a condition does not have is left out."""
    parts = [
        {
            "asks": part.asks, "is": part.truth, "wanted": part.wanted or ("above" if part.above else "below"),
            "threshold": part.threshold, "clears": part.clears, "value": part.value, "reason": part.reason or None,
        }
        for part in found.conditions.parts
    ]  # fmt: skip
    return {
        "rule": found.signal.rule, "asset": found.asset, "at": iso(found.at), "phase": found.signal.phase,
        "since": iso(found.signal.since), "held": found.signal.held,
        "conditions": [{key: value for key, value in part.items() if value is not None} for part in parts],
    }  # fmt: skip


def met_text(found: Met) -> str:
    """A rule at a past time in lines, a condition a line."""
    held = ", held for want of facts" if found.signal.held else ""
    head = f"{found.asset} {iso(found.at)}: {found.signal.rule} is {found.signal.phase} since {iso(found.signal.since)}{held}"
    return "\n".join([head, *(f"  {part.truth:8}{_condition(part)}" for part in found.conditions.parts)])


def _condition(part: rules.Part) -> str:
    if part.kind == "rule":
        return f"{part.asks} is {part.wanted}"
    bounds = f"{'above' if part.above else 'below'} {part.threshold:,.10g}"
    if part.clears is not None and part.clears != part.threshold:
        bounds += f", until {part.clears:,.10g}"
    value = "unknown" if part.value is None else f"{part.value:,.6g}"
    return f"{part.asks} {bounds}: {value}" + (f" ({part.reason})" if part.reason else "")


# ── what an edit would have posted ───────────────────────────────────────────────────────────────────────────────────


async def impact(
    settings: Settings, playbook: Playbook, asset: str, since: datetime, until: datetime, progress: Progress
) -> Impact:
    """The archive's past by the rules that judged last and by those of the playbook. Raises ArchiveError, and InputError where
    nothing was ever judged or the rules of then cannot be read any more."""
    async with archive_of(settings) as archive:
        edition = await archive.edition(asset)
        texts = await archive.playbook_files(edition) if edition else {}
        if not edition or not texts:
            raise InputError(f"{asset}: the archive does not hold the rules that judged last; let the bot run first")
        past = await archive.series(asset, since - timedelta(days=settings.poll.history_days), until)
    before = old_rules(texts, playbook, edition)
    return compare(past, before, playbook, asset, since, until, edition=edition, progress=progress)


def old_rules(texts: Mapping[str, str], playbook: Playbook, edition: str) -> RuleBook:
    """The rules in a kept playbook's files. Raises InputError where this version cannot read them."""
    own = {path.removeprefix("rules/"): text for path, text in texts.items() if path.startswith("rules/")}
    try:
        return rules.parse(own, playbook.catalog)
    except ConfigError as error:
        raise InputError(f"playbook {edition}: this version cannot read it: {error.problems[0]}") from error


def compare(
    past: Sequence[Series], before: RuleBook, playbook: Playbook, asset: str, since: datetime, until: datetime, *,
    edition: str, progress: Progress,
) -> Impact:  # fmt: skip
    """A past by two sets of rules. Raises InputError where nothing in it could be judged."""
    old = run(before, past, asset, playbook.catalog, since, until, progress=lambda done, of: progress(done, 2 * of))
    new = run(
        playbook.rules, past, asset, playbook.catalog, since, until,
        progress=lambda done, of: progress(of + done, 2 * of),
    )  # fmt: skip
    if not old.moments:
        raise InputError(f"{asset}: nothing is known between {iso(since)} and {iso(until)}")
    return Impact(asset=asset, edition=edition, before=old, after=new)


def impact_json(found: Impact) -> dict[str, Any]:
    """An impact as plain values."""
    return {
        "asset": found.asset, "before": found.edition, "steps": len(found.after.moments),
        "alerts_before": len(found.before.alerts), "alerts_after": len(found.after.alerts),
        "gone": [_told(told) for told in found.gone], "new": [_told(told) for told in found.new],
        "steps_in_another_stance": found.otherwise,
    }  # fmt: skip


def impact_text(found: Impact) -> str:
    """An impact in lines."""
    lines = [
        f"{found.asset}: {len(found.after.moments)} hours with a poll; before is playbook {found.edition}, which judged last",
        f"alerts: {len(found.before.alerts)} before, {len(found.after.alerts)} after",
        *(f"  gone  {iso(told.at)}  {told.stance} ({told.reason})" for told in found.gone),
        *(f"  new   {iso(told.at)}  {told.stance} ({told.reason})" for told in found.new),
        f"hours in another stance: {found.otherwise}",
    ]
    return "\n".join(lines)


def _told(told: Told) -> dict[str, str]:
    return {"at": iso(told.at), "stance": told.stance, "reason": told.reason}


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def rules_page(settings: Settings, playbook: Playbook, tape: Tape, progress: Progress) -> str:
    """`docs/rules.md`: every rule, and its state at the end of the tape."""
    asset, end = settings.assets[0], tape.moments[-1].at
    async with played(settings, playbook, tape, asset, end, progress) as parts:
        return page(playbook.rules, (await parts.archive.state(asset, Profile())).signals)
