"""Personal watches, pure: what a reader typed becomes a watch, and a poll's facts decide which watches are
told.

A watch is told once when its fact crosses its line, and armed again when the fact has come back by a margin.
What is not known crosses nothing."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import exact, notice_footer, reads_beyond, speak
from bot.decide import digest_of
from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Post, Watch
from bot.domain.story import Origin, PhraseBank, Story, Text
from bot.errors import InputError
from bot.reasons import about, reason

Side = Literal["above", "below"]
SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
SCALES |= {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
NUMBER = re.compile(
    r"(?P<sign>[-+−]?)\s*(?P<dollar>\$?)\s*"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d{1,9})?|\d{1,18}(?:\.\d{1,9})?|\.\d{1,9})(?![\d.,])\s*(?P<unit>.*)",
    re.ASCII,
)


class Watching(Struct, frozen=True, kw_only=True):
    """How watches are kept, from bot.toml: so many a reader, armed again so many percent of the line's size
    behind it, one told again no sooner than `rest` after the last time."""

    most: int = 5
    margin_pct: float = 5.0
    rest: timedelta = timedelta(hours=6)


def line_of(typed: str, name: str, catalog: Catalog) -> float:
    """The line that was typed, in the fact's unit: "20%", "-1.5", "$60k", "35 billion". Raises InputError."""
    unit = catalog.resolve(name).unit
    found = NUMBER.fullmatch(typed.strip())
    if found is None:
        raise InputError(reason("no_number", typed=typed, unit=unit))
    behind = found["unit"].strip().lower()
    scale = SCALES.get(behind) if unit in ("USD", "coins") else None
    fits = behind in ("", unit.lower(), unit.lower().removeprefix("vol ")) or scale is not None
    shares = behind == "%" and (unit.startswith("%") or unit == "rank")
    if not (fits or shares) or (found["dollar"] and unit != "USD"):
        raise InputError(reason("other_unit", typed=typed, unit=unit))
    number = float(found["digits"].replace(",", "")) * (scale or 1.0)
    number = -number if found["sign"] in ("-", "−") and number else number
    low, high = catalog.resolve(name).valid
    if not low <= number <= high:
        raise InputError(about(name, reason("outside", value=number, low=low, high=high)))
    return number


def make_watch(
    *,
    reader: str,
    channel: str,
    asset: str,
    fact: str,
    side: Side,
    line: float,
    facts: Facts,
    at: datetime,
    locale: str,
    manner: Watching,
) -> Watch:
    """A new watch. One whose line is crossed already waits until the fact has come back."""
    known = facts.get(fact)
    size = max(abs(line), abs(known.value) if known else 0.0)
    step = float(f"{size * manner.margin_pct / 100:.1g}")  # one figure: it is said in words
    clears = float(f"{line - step if side == 'above' else line + step:.9g}")
    watch = Watch(
        reader=reader,
        channel=channel,
        asset=asset,
        fact=fact,
        side=side,
        line=line,
        clears=clears,
        created_at=at,
        locale=locale,
    )
    return replace(watch, armed=known is None or _crossed(watch, known) is not True)


def with_watches(
    decision: Decision, watches: Sequence[Watch], playbook: Playbook, manner: Watching
) -> Decision:
    """The decision with a post for each watch that is told now, and the watches that stand otherwise after
    it."""
    changed: list[Watch] = []
    posts: list[Post] = []
    for watch in watches:
        if watch.blocked_at is not None:
            continue
        bank = playbook.banks.get(watch.locale, playbook.banks["en"])
        after = judge_watch(watch, decision.facts, bank, manner)
        if after == watch:
            continue
        changed.append(after)
        if watch.armed:
            posts.append(_post(watch, decision.facts, decision.verdict, playbook, bank))
    return replace(decision, posts=(*decision.posts, *posts), watches=tuple(changed))


def judge_watch(watch: Watch, facts: Facts, bank: PhraseBank, manner: Watching) -> Watch:
    """The watch after one poll: told now (no longer armed), armed again, or as it was."""
    fact = facts.get(watch.fact)
    if fact is None:
        return watch
    if not watch.armed:
        return replace(watch, armed=True) if _cleared(watch, fact) else watch
    rested = watch.told_at is None or facts.at - watch.told_at >= manner.rest
    if (
        rested
        and _crossed(watch, fact)
        and reads_beyond(watch.fact, fact.value, watch.side, watch.line, bank)
    ):
        return replace(watch, armed=False, told_at=facts.at)
    return watch


def _crossed(watch: Watch, fact: Fact) -> bool | None:
    """Whether the fact is beyond the line; None where it cannot be known, as with a lower bound that lies
    below."""
    if watch.side == "above":
        return fact.value > watch.line or (None if fact.lower_bound else False)
    return None if fact.lower_bound else fact.value < watch.line


def _cleared(watch: Watch, fact: Fact) -> bool:
    if watch.side == "above":
        return fact.value <= watch.clears and not fact.lower_bound
    return fact.value >= watch.clears


def _post(watch: Watch, facts: Facts, verdict: Verdict, playbook: Playbook, bank: PhraseBank) -> Post:
    it = Origin(kind="fact", ref=watch.fact, value=facts.known[watch.fact].value)

    def say(about: str, number: float, *, usual: bool = False) -> Text:
        line = Origin(kind="setting", ref=f"watch of {watch.fact}", value=exact(watch.fact, number, bank))
        return speak(
            slot="watch-dm",
            about=about,
            facts=facts,
            catalog=playbook.catalog,
            book=playbook.rules,
            bank=bank,
            at=facts.at,
            names={"it": it} if usual else {"it": it, "value": line},
        )

    usual = say("usual", watch.line, usual=True)
    said = [say(watch.side, watch.line), *([usual] if usual.phrase_ids else []), say("again", watch.clears)]
    story = Story(
        asset=watch.asset,
        at=facts.at,
        length="short",
        locale=bank.locale,
        stance=verdict.stance,
        headline=None,
        paragraphs=tuple(said),
        footer=notice_footer(facts.at, bank, facts.of_those([watch.fact]).sources()),
    )
    name = digest_of("watch", str(watch.id), watch.channel, facts.at.isoformat())[:8]
    return Post(
        id=name,
        channel=watch.channel,
        asset=watch.asset,
        reason="watch",
        story=story,
        nonce=digest_of("nonce", name, watch.channel)[:24],
        intended_at=facts.at,
    )
