"""Single questions to the brain, asked from outside: measure a recording, judge stated facts, check a text
against facts.

Each takes plain JSON-ready values and gives them back; nothing is stored. The shapes are kept: other programs
read them."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from bot.commentary import factcheck, no_article, speak
from bot.decide import tell
from bot.domain.facts import Facts, OwnPast
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.readings import Snapshot
from bot.domain.story import Length, Memory, Story
from bot.domain.times import read_time
from bot.errors import InputError
from bot.metrics import History, derive, observe
from bot.rules import evaluate, with_exits

LENGTHS: tuple[Length, ...] = ("short", "embed", "article")
QUANTILES = (5, 20, 50, 80, 95)
YEAR_DAYS = 365
LONGEST_ASSET = 20
LONGEST_SHOWN = 60


class StatedMarket(Struct, frozen=True, kw_only=True):
    """Facts that somebody states, before they are checked: `bot judge` reads them as JSON. `past` has for some facts
    what they were in their own last year: their 5, 20, 50, 80 and 95% quantiles. `scope` has for some facts what they
    are figures of, where that is not what the others are of: one venue's open interest is no market's."""

    asset: str
    at: datetime
    facts: Mapping[str, float]
    times: Mapping[str, datetime]
    past: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    scope: Mapping[str, str] = field(default_factory=dict)


def measure(snapshot: Snapshot, playbook: Playbook) -> dict[str, Any]:
    """Every metric of one snapshot, without history: `{"at", "metrics": {name: value}, "unknown": {name:
    reason}}`."""
    facts = observe(snapshot, History.empty(snapshot.asset), playbook.catalog, playbook.holdings).facts
    return {
        "at": _iso(facts.at),
        "metrics": {
            name: facts.known[name].value for name in playbook.catalog.metrics if name in facts.known
        },
        "unknown": {
            name: facts.why_unknown(name) for name in playbook.catalog.metrics if name not in facts.known
        },
    }


def read_asset(typed: object) -> str:
    """An asset's name as we write it. Raises InputError for what can be none."""
    if not isinstance(typed, str) or not typed.isalnum() or not typed.isascii() or len(typed) > LONGEST_ASSET:
        raise InputError(f"asset: {_shown(typed)} is not an asset such as BTC")
    return typed.upper()


def read_market(text: str, now: datetime) -> StatedMarket:
    """One market from JSON: `{"asset", "at", "facts": {name: number}, "times": {name: time}, "past": {name: [5 quantiles]},
    "scope": {name: what it is a figure of}}`; a market without `at` is of `now`, and a `scope` that is one text is that of
    all its facts. Raises InputError that names what cannot be taken."""
    try:
        told = json.loads(text, object_pairs_hook=_no_key_twice)
    except RecursionError as error:
        raise InputError("not JSON: nested too deeply") from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error}") from error
    except ValueError as error:
        raise InputError("not JSON: a number with thousands of digits") from error
    if not isinstance(told, dict):
        raise InputError("a market is a JSON object with asset, at and facts")
    if unknown := sorted(set(told) - {"asset", "at", "facts", "times", "past", "scope"}):
        raise InputError(
            f"unknown key {_shown(unknown[0])}: a market has asset, at, facts, times, past and scope"
        )
    asset = read_asset(told.get("asset", "BTC"))
    facts, times, past = told.get("facts", {}), told.get("times", {}), told.get("past", {})
    if not all(isinstance(one, dict) for one in (facts, times, past)):
        raise InputError("facts, times and past are JSON objects: a name and its value")
    if endless := next((name for name in (*facts, *times, *past) if len(name) > LONGEST_SHOWN), None):
        raise InputError(f"no fact is called {_shown(endless)}")
    return StatedMarket(
        asset=asset,
        at=_time("at", told["at"]) if "at" in told else now,
        facts={name: _number(name, value) for name, value in facts.items()},
        times={name: _time(f"times.{name}", value) for name, value in times.items()},
        past={name: _quantiles(f"past.{name}", value) for name, value in past.items()},
        scope=_scopes(told.get("scope", {}), facts),
    )


def state_facts(market: StatedMarket, playbook: Playbook) -> Facts:
    """The market's facts, derived ones included, and their own pasts where they are stated. Raises InputError that names
    the fact."""
    facts = derive(market.asset, market.at, market.facts, market.times, playbook.catalog, market.scope)
    if not market.past:
        return facts
    days = YEAR_DAYS if playbook.rules.past is None else playbook.rules.past.days
    pasts = {}
    for name, (lowest, low, middle, high, highest) in market.past.items():
        for value in market.past[name]:
            playbook.catalog.check(name, value)
        quantiles = (lowest, low, middle, high, highest)
        pasts[name] = OwnPast(fact=name, quantiles=quantiles, days=days, source="stated")
    return replace(facts, pasts=pasts)


def judge(facts: Facts, playbook: Playbook) -> dict[str, Any]:
    """The verdict on facts, as if every value had held long enough, and its story at every length."""
    verdict, stories = settle(facts, playbook)
    return {
        "verdict": {
            "stance": verdict.stance,
            "confidence": verdict.confidence,
            "score": [round(bound, 4) for bound in verdict.score],
            "coverage": round(verdict.coverage, 4),
            "balance": None if verdict.balance is None else [round(bound, 2) for bound in verdict.balance],
            "direction": verdict.direction,
            "leaning": verdict.leaning,
        },
        "families": dict(verdict.families),
        "findings": [
            {
                "rule": finding.rule,
                "family": finding.family,
                "vote": finding.vote,
                "points": round(finding.points, 4),
                "ordinary": finding.ordinary,
                "rank": finding.rank,
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
    """Verdict and stories on facts alone, as if every value had held long enough. An article that cannot be
    written is left out."""
    profile = profile or Profile()
    judgement = evaluate(playbook.rules, facts, {}, facts.at, profile.ranges, settled=True)
    verdict = with_exits(playbook.rules, facts, judgement, profile.ranges, settled=True)
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
        slot="answer",
        about=about,
        facts=facts,
        catalog=playbook.catalog,
        book=playbook.rules,
        bank=bank,
        at=facts.at,
        names=names,
        ranges=profile.ranges,
    ).text


def check_text(text: str, facts: Facts, playbook: Playbook, locale: str = "en") -> list[str]:
    """The numerals of a text without spans that its facts do not bear out, as they stand in the text."""
    return factcheck(text, facts, playbook.catalog, playbook.banks[locale], playbook.rules)


def _plain(story: Story | None) -> str | None:
    if story is None:
        return None
    return f"{story.headline.text}\n\n{story.body}" if story.headline else story.body


def _quantiles(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != len(QUANTILES):
        raise InputError(
            f"{_plainly(name)}: five numbers, the 5, 20, 50, 80 and 95% quantiles of its own past"
        )
    found = tuple(_number(name, one) for one in value)
    if list(found) != sorted(found):
        raise InputError(f"{_plainly(name)}: the quantiles stand from the lowest to the highest")
    return found


def _scopes(told: object, facts: Mapping[str, object]) -> dict[str, str]:
    found = dict.fromkeys(facts, told) if isinstance(told, str) else told
    if not isinstance(found, dict) or not all(isinstance(one, str) and one.strip() for one in found.values()):
        raise InputError(
            "scope: a JSON object, a fact and what it is a figure of, such as a venue's name; or one text"
        )
    return {name: str(scope) for name, scope in found.items()}


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{_plainly(name)}: given twice")
        found[name] = value
    return found


def _number(name: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(
            f"{_plainly(name)}: {_shown(value)} is not a number; leave the fact out if it is unknown"
        )
    return number


def _time(name: str, value: object) -> datetime:
    try:
        zoned = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        zoned = False
    if not isinstance(value, str) or not zoned:
        raise InputError(
            f"{_plainly(name)}: {_shown(value)} is not a time with its zone, such as 2026-02-07T00:00:00Z"
        )
    try:
        return read_time(value)
    except InputError as error:
        raise InputError(f"{_plainly(name)}: {error}") from error


def _plainly(name: str) -> str:
    """A name as it can be printed anywhere, cut where it is endless."""
    return name[:LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()


def _shown(value: object) -> str:
    """What was given, cut where it is endless."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**LONGEST_SHOWN:
        return "a number of so many digits"
    told = repr(value)
    return told if len(told) <= LONGEST_SHOWN else f"{told[:LONGEST_SHOWN]}…"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
