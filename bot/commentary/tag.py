"""The line above a headline: the stance, how sure, for how long, where it goes, and what it was judged without."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.commentary.joining import list_in_words
from bot.commentary.names import Namer, SpokenMarket, age_days
from bot.commentary.shapes import shape
from bot.commentary.terms import Recorder
from bot.domain.judgement import Verdict
from bot.domain.story import Origin, Text

LEANS = ("bearish", "bullish", "overheated")
"""The stances that lean to a side: on the first day of one there is nothing yet that it could deepen or ease."""
A_DAY, DIRECTION_DAYS = timedelta(days=1), "days that the direction looks back"


def tag(market: SpokenMarket, *, alert: bool) -> Text | None:
    """The tag of a verdict; None where there is none."""
    verdict = market.verdict
    if verdict is None:
        return None
    words, recorder = market.bank.words, Recorder(market.bank.words)
    namer = Namer(market=market, recorder=recorder)
    stance = words[f"stance.{shape(verdict)}"]
    parts = [words["tag_alert"]] if alert else []
    plain = words.get(f"tag_plain.{shape(verdict)}", "{}")  # what the word means, where it is read first
    days = age_days(market)
    is_first = days == 1 and verdict.stance in LEANS
    further = None if is_first else _further(market, verdict, namer)
    called = stance[:1].upper() + stance[1:]
    if days is not None:
        age = namer.number(Origin(kind="count", ref="age", value=days), "count")
        called = words["tag_aged"].format(called, words["tag_day"].format(age.write("count")))
    parts.append(plain.format(called) + (further or ""))
    if verdict.leaning in LEANS and verdict.stance == "unclear":
        parts.append(words["tag_leaning"].format(words[f"stance.{verdict.leaning}"]))
    if verdict.stance in LEANS and verdict.confidence != "high":
        parts.append(words["tag_confidence"].format(words[f"confidence.{verdict.confidence}"]))
    if not is_first and further is None and (direction := _direction(verdict, words)):
        parts.append(direction)
    if verdict.without:
        families = [words.get(f"family.{family}", family) for family in verdict.without]
        parts.append(words["tag_without"].format(list_in_words(families, words)))
    text, spans = recorder.resolve(" · ".join(parts))
    return Text(slot="lead", about="tag", text=text, spans=spans)


def _further(market: SpokenMarket, verdict: Verdict, namer: Namer) -> str | None:
    """That a lean goes further than at the time that the direction looks back to, or less far than at its furthest, right
    behind it; None where it does neither, or where a language has no words for it."""
    words, table = market.bank.words, market.book.direction
    spanned = words.get(f"tag_direction.{verdict.direction}")
    if verdict.stance not in LEANS or spanned is None or table is None:
        return None
    days = namer.number(Origin(kind="count", ref=DIRECTION_DAYS, value=table.window / A_DAY), "days")
    return str(spanned).format(days.write("days"))


def _direction(verdict: Verdict, words: Mapping[str, Any]) -> str | None:
    """Where the verdict goes, in words: of a lean by itself, between two leans by the side that the whole range of
    the balance is on. None where it is steady or where that side is not known."""
    if verdict.direction not in ("deepening", "easing", "turning"):
        return None
    if verdict.stance in LEANS:
        return str(words[f"direction.{verdict.direction}"])
    if (
        verdict.stance != "neutral"
        or verdict.balance is None
        or verdict.balance[0] * verdict.balance[1] <= 0.0
    ):
        return None
    side = "bullish" if verdict.balance[0] > 0.0 else "bearish"
    return str(words[f"direction.{verdict.direction}.{side}"])
