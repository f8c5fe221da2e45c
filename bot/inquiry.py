"""Single questions to the brain, asked from outside: measure a recording, judge stated facts, check a text against facts.

Each takes plain JSON-ready values and gives them back; nothing is stored. The shapes are kept: other programs read them.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.commentary import factcheck, no_article, speak
from bot.decide import tell
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.readings import Snapshot
from bot.domain.story import Length, Memory, Story
from bot.errors import InputError
from bot.metrics import History, derive, observe
from bot.rules import evaluate, flips

LENGTHS: tuple[Length, ...] = ("short", "embed", "article")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Facts that somebody states, before they are checked: `bot judge` reads them as JSON."""

    asset: str
    at: datetime
    facts: Mapping[str, float]
    times: Mapping[str, datetime]


def measure(snapshot: Snapshot, playbook: Playbook) -> dict[str, Any]:
    """Every metric of one snapshot, without history: `{"at", "metrics": {name: value}, "unknown": {name: reason}}`."""
    facts = observe(snapshot, History.empty(snapshot.asset), playbook.catalog, playbook.holdings).facts
    return {
        "at": _iso(facts.at),
        "metrics": {name: facts.known[name].value for name in playbook.catalog.metrics if name in facts.known},
        "unknown": {name: facts.why_unknown(name) for name in playbook.catalog.metrics if name not in facts.known},
    }


def read_market(text: str, now: datetime) -> Market:
    """One market from JSON: `{"asset", "at", "facts": {name: number}, "times": {name: time}}`; a market without `at` is of
    `now`. Raises InputError that names what cannot be taken."""
    try:
        told = json.loads(text, object_pairs_hook=_no_key_twice)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error}") from error
    if not isinstance(told, dict):
        raise InputError("a market is a JSON object with asset, at and facts")
    if unknown := sorted(set(told) - {"asset", "at", "facts", "times"}):
        raise InputError(f"unknown key {unknown[0]!r}: a market has asset, at, facts and times")
    asset = told.get("asset", "BTC")
    if not isinstance(asset, str) or not asset.isalnum():
        raise InputError(f"asset: {asset!r} is not an asset such as BTC")
    facts, times = told.get("facts", {}), told.get("times", {})
    if not isinstance(facts, dict) or not isinstance(times, dict):
        raise InputError("facts and times are JSON objects: a name and its value")
    return Market(
        asset=asset.upper(),
        at=_time("at", told["at"]) if "at" in told else now,
        facts={name: _number(name, value) for name, value in facts.items()},
        times={name: _time(f"times.{name}", value) for name, value in times.items()},
    )


def stated(market: Market, playbook: Playbook) -> Facts:
    """The market's facts, derived ones included. Raises InputError that names the fact."""
    return derive(market.asset, market.at, market.facts, market.times, playbook.catalog)


def judge(facts: Facts, playbook: Playbook) -> dict[str, Any]:
    """The verdict on facts, as if every value had held long enough, and its story at every length."""
    verdict, stories = settle(facts, playbook)
    return {
        "verdict": {
            "stance": verdict.stance,
            "confidence": verdict.confidence,
            "score": [round(bound, 4) for bound in verdict.score],
            "coverage": round(verdict.coverage, 4),
        },
        "families": dict(verdict.families),
        "findings": [
            {
                "rule": finding.rule,
                "family": finding.family,
                "vote": finding.vote,
                "facts": {name: facts.known[name].value for name in finding.facts if name in facts.known},
            }
            for finding in verdict.findings
        ],
        "flips": [
            {
                "set": number,
                "fact": move.fact,
                "from": move.start,
                "to": move.end,
                "rule": move.rule,
                "stance": flip.stance,
            }
            for number, flip in enumerate(verdict.flips)
            for move in flip.moves
        ],
        "missing": [
            {"family": missing.family, "reason": missing.reason}
            if missing.family
            else {"fact": missing.fact, "reason": missing.reason}
            for missing in verdict.missing
        ],
        "story": {length: _plain(stories.get(length)) for length in LENGTHS},
    }


def settle(
    facts: Facts, playbook: Playbook, profile: Profile | None = None, lengths: tuple[Length, ...] = LENGTHS
) -> tuple[Verdict, Mapping[Length, Story]]:
    """Verdict and stories on facts alone, as if every value had held long enough. An article that cannot be written is
    left out."""
    profile = profile or Profile()
    judgement = evaluate(playbook.rules, facts, {}, facts.at, profile.ranges, settled=True)
    found = flips(playbook.rules, facts, judgement.signals, judgement.verdict, profile.ranges)
    verdict = replace(judgement.verdict, flips=found)
    stories = {
        length: tell(verdict, facts, playbook, replace(profile, length=length), Memory(), facts.at)
        for length in lengths
        if length != "article" or no_article(verdict, playbook.banks[profile.locale]) is None
    }
    return verdict, stories


def why_no_article(verdict: Verdict, facts: Facts, playbook: Playbook, profile: Profile) -> str | None:
    """Why no article is written of a verdict, in the profile's language; None where one is."""
    bank = playbook.banks[profile.locale]
    refusal = no_article(verdict, bank)
    if refusal is None:
        return None
    about, names = refusal
    return speak(
        slot="answer", about=about, facts=facts, catalog=playbook.catalog, book=playbook.rules, bank=bank, at=facts.at,
        names=names, ranges=profile.ranges,
    ).text  # fmt: skip


def check_text(text: str, facts: Facts, playbook: Playbook, locale: str = "en") -> list[str]:
    """The numerals of a text without spans that its facts do not bear out, as they stand in the text."""
    return factcheck(text, facts, playbook.catalog, playbook.banks[locale], playbook.rules)


def _plain(story: Story | None) -> str | None:
    if story is None:
        return None
    return f"{story.headline.text}\n\n{story.body}" if story.headline else story.body


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{name}: given twice")
        found[name] = value
    return found


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name}: {value!r} is not a number; leave the fact out if it is unknown")
    if not math.isfinite(value):
        raise InputError(f"{name}: {value} is not a number; leave the fact out if it is unknown")
    return float(value)


def _time(name: str, value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InputError(f"{name}: {value!r} is not a time with its zone, such as 2026-02-07T00:00:00Z")
    return at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
