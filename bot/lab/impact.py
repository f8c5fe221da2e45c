"""What rules are tried on, for `bot check`: the archive's past or a tape. Why a rule was on then, what an
edit of the rules would have posted, where the tape leaves each rule."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from bot import rules
from bot.domain.facts import Series
from bot.domain.judgement import Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.rulebook import RuleBook
from bot.domain.times import iso
from bot.errors import ConfigError, InputError
from bot.lab.backtest import BacktestRun, Progress, WouldBeAlert, run
from bot.lab.retell import facts_with_pasts, signals_at
from bot.metrics import History


class RuleThen(Struct, frozen=True, kw_only=True):
    """A rule at a past time: its state after the evaluation of then, and each condition with what it met.
    `conditions` judge by the ways in alone; a rule may still be on by its way out."""

    asset: str
    at: datetime
    signal: Signal
    conditions: rules.Explained


class Impact(Struct, frozen=True, kw_only=True):
    """A past judged by the rules that judged last (`edition` names their playbook) and by those of the
    files."""

    asset: str
    edition: str
    before: BacktestRun
    after: BacktestRun

    @property
    def gone(self) -> tuple[WouldBeAlert, ...]:
        """The alerts that there would no longer be."""
        return tuple(told for told in self.before.alerts if told not in self.after.alerts)

    @property
    def new(self) -> tuple[WouldBeAlert, ...]:
        """The alerts that there would be now."""
        return tuple(told for told in self.after.alerts if told not in self.before.alerts)

    @property
    def otherwise(self) -> int:
        """The steps at which the stance is another."""
        pairs = zip(self.before.moments, self.after.moments, strict=True)
        return sum(old.stance != new.stance for old, new in pairs)


# ── why a rule was on ───────────────────────────────────────────────────────────────────────────────────────


def look_at_rule(past: Sequence[Series], playbook: Playbook, rule: str, asset: str, at: datetime) -> RuleThen:
    """A rule at a past time, from what was known by then. Raises InputError for a rule that is not there, or
    an empty past."""
    if rule not in playbook.rules.rules:
        raise InputError(f"unknown rule {rule!r}: config/rules/ holds {', '.join(playbook.rules.rules)}")
    if not past:
        raise InputError(f"{asset}: nothing is known from before {iso(at)}")
    known = History.of(asset, past).at(at)
    facts = facts_with_pasts(known, playbook, asset, at)
    followed = signals_at(known, playbook, facts, Profile())
    signals = rules.evaluate(playbook.rules, facts, followed.signals(), at, course=followed.course).signals
    conditions = rules.explain(playbook.rules, rule, facts, at)
    return RuleThen(asset=asset, at=at, signal=signals[rule], conditions=conditions)


def rule_then_json(found: RuleThen) -> dict[str, Any]:
    """A rule at a past time as plain values; what a condition does not have is left out."""
    parts = [
        {
            "asks": part.asks,
            "is": part.truth,
            "wanted": part.wanted or ("above" if part.above else "below"),
            "threshold": part.threshold,
            "clears": part.clears,
            "value": part.value,
            "reason": part.reason or None,
        }
        for part in found.conditions.parts
    ]
    return {
        "rule": found.signal.rule,
        "asset": found.asset,
        "at": iso(found.at),
        "phase": found.signal.phase,
        "since": iso(found.signal.since),
        "held": found.signal.held,
        "conditions": [{key: value for key, value in part.items() if value is not None} for part in parts],
    }


def rule_then_text(found: RuleThen) -> str:
    """A rule at a past time in lines, a condition a line."""
    held = ", held for want of facts" if found.signal.held else ""
    head = f"{found.asset} {iso(found.at)}: {found.signal.rule} is {found.signal.phase} since {iso(found.signal.since)}{held}"
    return "\n".join([head, *(f"  {part.truth:8}{_condition(part)}" for part in found.conditions.parts)])


def _condition(part: rules.ExplainedCondition) -> str:
    if part.kind == "rule":
        return f"{part.asks} is {part.wanted}"
    bounds = f"{'above' if part.above else 'below'} {part.threshold:,.10g}"
    if part.clears is not None and part.clears != part.threshold:
        bounds += f", until {part.clears:,.10g}"
    value = "unknown" if part.value is None else f"{part.value:,.6g}"
    return f"{part.asks} {bounds}: {value}" + (f" ({part.reason})" if part.reason else "")


# ── what an edit would have posted ──────────────────────────────────────────────────────────────────────────


def old_rules(texts: Mapping[str, str], playbook: Playbook, edition: str) -> RuleBook:
    """The rules in a kept playbook's files. Raises InputError where this version cannot read them."""
    own = {path.removeprefix("rules/"): text for path, text in texts.items() if path.startswith("rules/")}
    try:
        return rules.parse(own, playbook.catalog)
    except ConfigError as error:
        raise InputError(f"playbook {edition}: this version cannot read it: {error.problems[0]}") from error


def compare(
    past: Sequence[Series],
    before: RuleBook,
    playbook: Playbook,
    asset: str,
    since: datetime,
    until: datetime,
    *,
    edition: str,
    progress: Progress,
) -> Impact:
    """A past by two sets of rules. Raises InputError where nothing in it could be judged."""
    old = run(
        before, past, asset, playbook.catalog, since, until, progress=lambda done, of: progress(done, 2 * of)
    )
    new = run(
        playbook.rules,
        past,
        asset,
        playbook.catalog,
        since,
        until,
        progress=lambda done, of: progress(of + done, 2 * of),
    )
    if not old.moments:
        raise InputError(f"{asset}: nothing is known between {iso(since)} and {iso(until)}")
    return Impact(asset=asset, edition=edition, before=old, after=new)


def impact_json(found: Impact) -> dict[str, Any]:
    """An impact as plain values."""
    return {
        "asset": found.asset,
        "before": found.edition,
        "steps": len(found.after.moments),
        "alerts_before": len(found.before.alerts),
        "alerts_after": len(found.after.alerts),
        "gone": [_told(told) for told in found.gone],
        "new": [_told(told) for told in found.new],
        "steps_in_another_stance": found.otherwise,
    }


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


def _told(told: WouldBeAlert) -> dict[str, str]:
    return {"at": iso(told.at), "stance": told.stance, "reason": told.reason}
