"""The line above a headline: the stance, how sure, for how long, where it goes, and what it was judged without."""

from bot.commentary.joining import list_in_words
from bot.commentary.names import Namer, SpokenMarket, age_days
from bot.commentary.shapes import shape
from bot.commentary.terms import Recorder
from bot.domain.story import Origin, Text


def tag(market: SpokenMarket, *, alert: bool) -> Text | None:
    """The tag of a verdict; None where there is none."""
    verdict = market.verdict
    if verdict is None:
        return None
    words, recorder = market.bank.words, Recorder(market.bank.words)
    namer = Namer(market=market, recorder=recorder)
    stance = words[f"stance.{shape(verdict)}"]
    parts = [words["tag_alert"]] if alert else []
    parts.append(stance[:1].upper() + stance[1:])
    if verdict.leaning in ("bearish", "bullish", "overheated") and verdict.stance == "unclear":
        parts.append(words["tag_leaning"].format(words[f"stance.{verdict.leaning}"]))
    if verdict.stance in ("bearish", "bullish", "overheated") and verdict.confidence != "high":
        parts.append(words["tag_confidence"].format(words[f"confidence.{verdict.confidence}"]))
    days = age_days(market)
    if days is not None:
        age = namer.number(Origin(kind="count", ref="age", value=days), "count")
        parts.append(words["tag_day"].format(age.write("count")))
    leans = verdict.stance in ("bearish", "bullish", "overheated")
    if leans and verdict.direction in ("deepening", "easing", "turning"):
        parts.append(words[f"direction.{verdict.direction}"])
    if verdict.without:
        families = [words.get(f"family.{family}", family) for family in verdict.without]
        parts.append(words["tag_without"].format(list_in_words(families, words)))
    text, spans = recorder.resolve(" · ".join(parts))
    return Text(slot="lead", about="tag", text=text, spans=spans)
