"""The line under a post or an answer: when, from whom its own figures came, how old the oldest is, and that it is no
advice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.commentary.fewer import said_of_table
from bot.commentary.formats import apply
from bot.commentary.names import SpokenMarket
from bot.commentary.terms import Recorder
from bot.commentary.words import venue_name
from bot.domain.facts import Fact, Facts, count_venues
from bot.domain.readings import VENDORS
from bot.domain.story import Memory, Origin, PhraseBank, Story, Text

NAMED_VENUES = 3
OLD = timedelta(hours=1)
OF_NOTICE = "notice"


def story_footer(story: Story, market: SpokenMarket, memory: Memory) -> Text:
    """The footer of a story: only the venues that its own figures stand on, and how many these are of those that should
    tell them, where one is missing; which of the post before the totals of its table lack."""
    words, recorder = market.bank.words, Recorder(market.bank.words)
    facts = _facts(story, market)
    parts = [_moment(market.at, words, recorder), *_stood_on(facts, words, recorder)]
    if "fewer_mark" in words and (said := said_of_table(story, market, memory)):
        parts.append(f"{words['fewer_mark']} {said}")
    return _line([*parts, *_oldest(facts, market.at, words, recorder), words["not_advice"]], recorder)


def answer_footer(facts: Facts, bank: PhraseBank) -> Text:
    """The footer of an answer that shows these facts, old ones too: who told them, or nothing of it where it shows none."""
    words, recorder = bank.words, Recorder(bank.words)
    old = {name: fact for name, fact in facts.stale.items() if "." not in name}
    shown = list({**old, **facts.of_metrics()}.values())
    parts = [_moment(facts.at, words, recorder), *(_stood_on(shown, words, recorder) if shown else ())]
    return _line([*parts, *_oldest(shown, facts.at, words, recorder), words["not_advice"]], recorder)


def notice_footer(at: datetime, bank: PhraseBank, venues: Sequence[str] = ()) -> Text:
    """The footer of a notice: when, from whom its figures came where it has any, and that it is no advice."""
    words, recorder = bank.words, Recorder(bank.words)
    parts = (_moment(at, words, recorder), _named(venues, words, recorder), words["not_advice"])
    given = tuple((venue, Origin(kind="name", ref=f"venue.{venue}", value=venue)) for venue in venues)
    return replace(_line(parts, recorder), about=OF_NOTICE, given=given)


def _line(parts: Iterable[str], recorder: Recorder) -> Text:
    """Those parts that there are, as one line."""
    text, spans = recorder.resolve(" · ".join(part for part in parts if part))
    return Text(slot="footer", about="footer", text=text, spans=spans)


def _moment(at: datetime, words: Mapping[str, str], recorder: Recorder) -> str:
    origin = Origin(kind="date", ref="at", value=at.isoformat())
    return recorder.mark(apply("moment", at.isoformat(), None, words), origin, "moment")


def _stood_on(facts: Sequence[Fact], words: Mapping[str, str], recorder: Recorder) -> Iterator[str]:
    """The venues that facts stand on, and how many these are of those that should tell them, where one is missing."""
    count = count_venues(facts, VENDORS)
    yield _named(count.sources, words, recorder) or words["sources_none"]
    if count.heard < count.expected and "footer_heard" in words:  # books of before have no words for it
        heard = Origin(kind="count", ref="venues heard", value=float(count.heard))
        expected = Origin(kind="count", ref="venues asked", value=float(count.expected))
        yield words["footer_heard"].format(
            recorder.mark(str(count.heard), heard, "count"),
            recorder.mark(str(count.expected), expected, "count"),
        )


def _oldest(
    facts: Sequence[Fact], at: datetime, words: Mapping[str, str], recorder: Recorder
) -> Iterator[str]:
    """The time of the oldest reading, where it is much older than what is told of it."""
    oldest = min((fact.at for fact in facts), default=at)
    if at - oldest > OLD:
        origin = Origin(kind="date", ref="oldest reading", value=oldest.isoformat())
        shape = "clock" if oldest.date() == at.date() else "daytime"
        yield words["footer_oldest"].format(
            recorder.mark(apply(shape, oldest.isoformat(), None, words), origin, shape)
        )


def _named(venues: Sequence[str], words: Mapping[str, str], recorder: Recorder) -> str:
    """Venues by their names, the first ones and how many more; nothing where there is none."""
    named = [venue_name(venue, words) for venue in venues]
    if len(named) <= NAMED_VENUES + 1:
        return ", ".join(named)
    more = Origin(kind="count", ref="venues beside those named", value=float(len(named) - NAMED_VENUES))
    shown = recorder.mark(str(len(named) - NAMED_VENUES), more, "count")
    return words["footer_more"].format(", ".join(named[:NAMED_VENUES]), shown)


def _facts(story: Story, market: SpokenMarket) -> list[Fact]:
    refs = dict.fromkeys(span.origin.ref for span in story.spans if span.origin.kind == "fact")
    found: dict[str, Fact] = {}
    for ref in refs:
        name = ref.partition("@")[0]
        stem = name.partition(".")[0]
        exact, whole = market.facts.known.get(name), market.facts.known.get(stem)
        fact = exact if exact is not None and exact.venues else whole or exact
        if fact is not None:
            found[name] = fact
    return list(found.values())
