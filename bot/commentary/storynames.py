"""What the wordings of a story may ask for besides readings: since when, what would end the verdict, what is missing, the
move that an alert went out for."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.commentary.formats import BY_UNIT, apply
from bot.commentary.joining import list_in_words
from bot.commentary.names import Namer, SpokenMarket, age_days
from bot.commentary.points import told_a_day_ago, told_of_late, unit_of_move, usual_of
from bot.commentary.stories import SIDES, StoryChoice
from bot.commentary.templates import slots
from bot.commentary.terms import Term
from bot.commentary.titles import tenor_of, title_of, unit_of
from bot.domain.judgement import Exit, Move, MoveAlarm
from bot.domain.rulebook import AlarmRule
from bot.domain.story import Memory, Origin, exit_key

AS_BARE = {"points": "bare"}
"""Of points the number alone, where the words around it say of what."""
SIZES = {"pct": "size", "points": "points_size"}
YARD_DAYS = 30.0
"""From so many days on it is worth a word that nothing was as far out."""
EXITS_REST, ALERT_RESTS = timedelta(hours=26), timedelta(hours=12)
"""For so long what would end or deepen a verdict is not named again, and by an alert nothing at all."""
GROUND_KEPT = timedelta(days=4)
"""What would weaken a verdict is named again where a post of so many days named it."""


class StoryNames(Struct):
    """Makes the terms of one story."""

    market: SpokenMarket
    memory: Memory
    choice: StoryChoice

    def _common(self, namer: Namer, template: str) -> dict[str, object]:
        """What a template asks for by name, apart from readings in its slots; what is not known is left out."""
        asked = slots(template).roots
        names = namer.common(asked) | namer.facts(asked)
        for name in asked:
            if (value := self._made(name, namer)) is not None:
                names[name] = value
        return names

    def _made(self, name: str, namer: Namer) -> object | None:
        """What a name of a story's own stands for; None where it is not known, or no such name."""
        maker = _MAKERS.get(name)
        return None if maker is None else maker(self, namer)

    def _steady(self, namer: Namer) -> str | None:
        """The readings that stand as they did, by name."""
        named = [self._called(point.fact, namer) for point in self.choice.steady]
        return list_in_words(named, self.market.bank.words) if named else None

    def _called(self, stem: str, namer: Namer) -> str:
        bank = self.market.bank
        name = bank.words.get(f"called.{stem}") or title_of(stem, bank)
        return namer.recorder.mark(name, Origin(kind="name", ref=f"called.{stem}", value=name), "text")

    def since(self, namer: Namer) -> str | None:
        """Since when things are compared: "since 12:00 UTC", "in 24 hours"."""
        words = self.market.bank.words
        if told_of_late(self.market, self.memory) and self.memory.compared is not None:
            if told_a_day_ago(self.market, self.memory):
                return self._in_a_day(namer)
            term = namer.moment("last post", self.memory.compared.at)
            same_day = self.memory.compared.at.date() == self.market.at.date()
            if same_day:
                return words["since_clock"].format(term.write("clock"))
            return words["since_day"].format(term.write("daytime"))
        return self._in_a_day(namer)

    def _in_a_day(self, namer: Namer) -> str:
        words = self.market.bank.words
        origin = Origin(kind="name", ref="spot_usd.change_24h_pct", value="")
        return words["within"].format(namer.recorder.mark(words["window.24h"], origin, "tenor"))

    def move_term(self, namer: Namer) -> Term | None:
        """The price's move in percent over that time."""
        if self.choice.price_pct is None:
            return None
        late = told_of_late(self.market, self.memory)
        ref = "spot_usd.change_pct@last post" if late else "spot_usd.change_24h_pct"
        return namer.number(Origin(kind="fact", ref=ref, value=self.choice.price_pct), "pct")

    # ── what would change it ────────────────────────────────────────────────────────────────────────────────

    def _exits(self) -> Sequence[Exit]:
        verdict = self.market.verdict
        told = self._told_exits(EXITS_REST)
        exits = [way for way in verdict.exits if self._is_seen(*way.moves)] if verdict else []
        exits = [way for way in exits if not all(_key(move) in told for move in way.moves)]
        if not exits or len(exits[0].moves) > 1:
            return exits[:1]
        return [way for way in exits if len(way.moves) == 1][:2]

    def _deepeners(self) -> Sequence[Exit]:
        verdict, told = self.market.verdict, self._told_exits(EXITS_REST)
        return [
            way
            for way in (verdict.deepeners if verdict else ())
            if self._is_seen(*way.moves) and not all(_key(move) in told for move in way.moves)
        ][:1]

    def _told_exits(self, within: timedelta) -> frozenset[str]:
        """The moves that posts of late named; none where the verdict has just become another one."""
        last = self.memory.last
        if last is None or self.market.verdict is None or last.stance != self.market.verdict.stance:
            return frozenset()
        return frozenset(
            key for post in self.memory.told if self.market.at - post.at <= within for key in post.exits
        )

    def _is_seen(self, *moves: Move) -> bool:
        """Whether each move leads to another figure than the one that is read now: "funding up to 2%" says nothing where
        it reads 2%."""
        words = self.market.bank.words
        for move in moves:
            unit = self.market.name_fact(move.fact).unit_filter
            shown = {apply(unit, value, None, words) for value in (move.start, move.end)}
            if len(shown) == 1:
                return False
        return True

    def _ground(self, namer: Namer) -> str | None:
        """The nearest move at which a fact no longer speaks for the verdict, inside its own last ninety days: of several
        findings of one fact the end of the last, so that posts name one level of it. The one that was named last is named
        again as long as it is such a move: a line that changes with every post is none to watch. What has a usual range
        comes first, gold and stocks last; an alert names none that was named within hours."""
        verdict, market = self.market.verdict, self.market
        side = SIDES.get(verdict.stance, 0) if verdict else 0
        votes = {one.rule: one.vote for one in market.findings if not one.background and not one.ordinary}
        if self.choice.alert and self._told_exits(ALERT_RESTS):
            return None
        ways: dict[tuple[str, bool], tuple[float, Move]] = {}
        for flip in verdict.flips if verdict else ():
            move = flip.moves[0]
            unit = unit_of_move(move.fact, move.start, market)
            has_name = f"called.{move.fact}" in market.bank.words
            if (
                flip.stance is None
                and len(flip.moves) == 1
                and votes.get(move.rule, 0) * side > 0
                and unit
                and has_name
                and self._is_seen(move)
            ):
                past = (market.facts.pasts or {}).get(move.fact)
                low = past.low_90d if past is not None else None
                high = past.high_90d if past is not None else None
                if low is not None and high is not None and low <= move.end <= high:
                    size, place = abs(move.end - move.start) / unit, (move.fact, move.end > move.start)
                    ways[place] = max(ways.get(place, (0.0, move)), (size, move), key=lambda way: way[0])
        last = _named_last(self)
        left = [
            (
                _key(move) not in last,
                move.fact.startswith("vs_"),
                usual_of(move.fact, market) is None,
                size,
                move,
            )
            for size, move in ways.values()
        ]
        if not left:
            return None
        move = min(left, key=lambda way: way[:4])[4]
        told, now = self._move(move, namer), namer.fact(move.fact)
        pattern = market.bank.words.get("ground_now")
        tells_size = f"exit_up_below.{move.fact}" in market.bank.words  # and not the figure that stands now
        if now is None or pattern is None or tells_size:
            return told
        return str(pattern).format(told, now.write(AS_BARE.get(now.unit_filter, now.unit_filter)))

    def _moves_of(self, ways: Sequence[Exit], namer: Namer) -> str | None:
        if not ways:
            return None
        words = self.market.bank.words
        parts = [list_in_words([self._move(move, namer) for move in way.moves], words) for way in ways]
        return parts[0] if len(parts) == 1 else words["or_between"].format(parts[0], parts[1])

    def _move(self, move: Move, namer: Namer) -> str:
        """A move in words: 60-day skew at 10.5% or less, a fall of 10% over the week."""
        bank, down = self.market.bank, move.end < move.start
        stem = move.fact
        origin = Origin(kind="threshold", ref=f"{move.rule}:{move.fact} end", value=move.end)
        term = namer.number(origin, BY_UNIT.get(unit_of(move.fact, bank), "text"))
        title = self._called(stem, namer)
        way, place = "down" if down else "up", "below" if move.end < 0 else "above"
        own = bank.words.get(f"exit_{way}_{place}.{stem}")
        if own is not None:  # what is a change or a distance: its sign is in the words
            coin = namer.coin()
            return own.format(coin=coin, value=term.write(SIZES.get(term.unit_filter, term.unit_filter)))
        pattern = bank.words.get(f"exit_{way}_{term.unit_filter}", bank.words[f"exit_{way}"])
        return pattern.format(title=title, value=term.write(term.unit_filter))

    def _held(self, namer: Namer) -> Term | None:
        days = {way.held_days for way in self._exits()}
        if len(days) != 1 or min(days) <= 0:
            return None
        return namer.number(
            Origin(kind="count", ref="days that an exit is held", value=math.ceil(min(days))), "days"
        )

    def _becomes(self, namer: Namer) -> str | None:
        ways = self._exits()
        stances = {way.stance for way in ways}
        return self.market.bank.words[f"stance.{ways[0].stance}"] if len(stances) == 1 else None

    def _was_stance(self, _: Namer) -> str | None:
        last = self.memory.last
        return self.market.bank.words.get(f"stance.{last.stance}") if last else None

    # ── unclear, age, alarms ────────────────────────────────────────────────────────────────────────────────

    def _lean(self, _: Namer) -> str | None:
        verdict = self.market.verdict
        if verdict is None or verdict.leaning in (None, "neutral"):
            return None
        return self.market.bank.words[f"stance.{verdict.leaning}"]

    def _missing(self, namer: Namer) -> str | None:
        verdict = self.market.verdict
        if verdict is None:
            return None
        families = dict.fromkeys(missing.family for missing in verdict.missing if missing.family)
        named = [self._name(self._word_of(family), namer) for family in families]
        return list_in_words(named, self.market.bank.words) if named else None

    def _word_of(self, family: str) -> str:
        """What of a family is missing: where its reading is known, and what becomes of it over days is not yet, that."""
        bases = {name.partition(".")[0] for name in self.market.book.families[family].anchor if "." in name}
        change = f"family.{family}.change"
        is_read = bases & set(self.market.facts.known) and change in self.market.bank.words
        return change if is_read else f"family.{family}"

    def _name(self, key: str, namer: Namer) -> str:
        word = self.market.bank.words.get(key, key.partition(".")[2])
        return namer.recorder.mark(word, Origin(kind="name", ref=key, value=word), "text")

    def _coverage(self, namer: Namer) -> Term | None:
        verdict = self.market.verdict
        if verdict is None:
            return None
        return namer.number(Origin(kind="count", ref="coverage", value=verdict.coverage * 100), "share")

    def _age(self, namer: Namer) -> Term | None:
        days = age_days(self.market)
        return None if days is None else namer.number(Origin(kind="count", ref="age", value=days), "count")

    def _alarm(self, what: str, namer: Namer) -> Term | None:
        """The move that an alert went out for, where it came from, where it stands now, or its size in ordinary moves."""
        alarm = self.choice.trigger
        rule = self.market.book.alarms.get(alarm.rule) if alarm is not None else None
        value = alarm_value(alarm, what) if alarm is not None else None
        if alarm is None or rule is None or value is None:
            return None
        if what in ("from", "to") and rule.level is not None and not alarm.start:
            return None  # the level behind the move was not known: its ends are those of the change
        unit = alarm_unit_filter(rule, what, self.market)
        return namer.number(Origin(kind="count", ref=f"alarm {alarm.rule} {what}", value=value), unit)

    def _alarm_in(self, namer: Namer) -> str | None:
        """Within what time it moved: "in 24 hours"."""
        alarm, bank = self.choice.trigger, self.market.bank
        if alarm is None:
            return None
        name = alarm.fact if tenor_of(alarm.fact, bank) else "spot_usd.change_24h_pct"
        origin = Origin(kind="name", ref=name, value="")
        return bank.words["within"].format(namer.recorder.mark(tenor_of(name, bank), origin, "tenor"))


def _named_last(story: StoryNames) -> frozenset[str]:
    """The moves that the latest post to name any named, of posts with the verdict that stands."""
    told = story._told_exits(GROUND_KEPT)
    for post in reversed(story.memory.told):
        if named := told & frozenset(post.exits):
            return named
    return frozenset()


def yardstick(fact: str, namer: Namer) -> str | None:
    """For how long no reading of a fact was as far out, where that is long enough to be worth a word: "the highest in 64
    days"; None where it is not, or where the language has no words for it."""
    for view, word in (("highest_since", "yard_high"), ("lowest_since", "yard_low")):
        known, pattern = namer.market.fact(f"{fact}.{view}"), namer.market.bank.words.get(word)
        if known is not None and pattern is not None and known.value >= YARD_DAYS:
            term = namer.fact(known.name)
            return pattern.format(term.write("record_span")) if term is not None else None
    return None


def _steady_for(story: StoryNames, namer: Namer) -> str | None:
    """For how long nothing moved, as a span that cannot be taken for another: "in those 2 hours", "over the day"; beside a
    move of the price since that began. None since a low or a high, which the sentence names itself."""
    words, last = story.market.bank.words, story.memory.compared
    if story.choice.steady_since is not None:
        return words.get(f"steady_since_{story.choice.steady_since}")
    if (
        last is None
        or not told_of_late(story.market, story.memory)
        or told_a_day_ago(story.market, story.memory)
    ):
        return words["steady_day"]
    hours = hours_since(last.at, story.market.at)
    if round(hours) <= 1:
        return words["steady_hour"]
    term = namer.number(Origin(kind="count", ref="hours since last post", value=hours), "span")
    return words["steady_hours"].format(term.write("span"))


def _steady_out(story: StoryNames, namer: Namer) -> str | None:
    """On which side of its usual range the one reading stands that reads as it did: "under its usual 5-10%"."""
    words, (point, *others) = story.market.bank.words, story.choice.steady or (None,)
    now = story.market.fact(point.fact) if point is not None and not others else None
    usual = usual_of(point.fact, story.market) if point is not None else None
    band = namer.band_of_fact(point.fact) if point is not None else None
    if now is None or usual is None or band is None or usual.low <= now.value <= usual.high:
        return None
    return words["steady_high" if now.value > usual.high else "steady_low"].format(band)


def _day_move(story: StoryNames, namer: Namer) -> str | None:
    """What moved most within the day, from where to where: "60-day skew up from 8.4% to 20% in a day"."""
    point, words = story.choice.day, story.market.bank.words
    if point is None:
        return None
    now, then = namer.fact(point.fact), namer.fact(f"{point.fact}.before_24h")
    if now is None or then is None:
        return None
    shape = AS_BARE.get(now.unit_filter, now.unit_filter)
    title = words.get(f"day_title.{point.fact}") or story._called(point.fact, namer)
    rose = float(now.origin.value) > float(then.origin.value)
    way = "day_up" if rose else "day_down"
    pattern = words.get(f"{way}_{shape}", words[way])
    return pattern.format(title=title, now=now.write(shape), then=then.write(shape))


def _doubt(story: StoryNames, namer: Namer) -> str | None:
    """How sure the verdict is, where it is less than it may be."""
    verdict, words = story.market.verdict, story.market.bank.words
    return words[f"confidence.{verdict.confidence}"] if verdict and verdict.confidence != "high" else None


def _known_part(story: StoryNames, namer: Namer) -> Term | None:
    """How much of what the verdict weighs could be read, where it is not all."""
    verdict = story.market.verdict
    return story._coverage(namer) if verdict is not None and round(verdict.coverage * 100) < 100 else None


def _drift(story: StoryNames, namer: Namer) -> str | None:
    """Which way the price went, in a word that names no time; None where it went the other way over the day, which a reader
    would take it for."""
    moved, day = story.choice.price_pct, story.market.fact("spot_usd.change_24h_pct")
    if not moved or day is None or moved * day.value < 0.0:
        return None
    return story.market.bank.words["drift.up" if moved > 0 else "drift.down"]


def _low_at(story: StoryNames, namer: Namer) -> str | None:
    """When the low of the last month was: "of 3 February", "at 05:00 UTC" where that was today."""
    words, low = story.market.bank.words, story.market.fact("low_30d_usd")
    term = namer.fact("low_30d_usd")
    if low is None or low.extreme_at is None or term is None or "low_of_day" not in words:
        return None
    if low.extreme_at.date() == story.market.at.date():
        return str(words["low_at_hour"]).format(term.write("clock"))
    return str(words["low_of_day"]).format(term.write("day"))


def _extreme(story: StoryNames, namer: Namer) -> str | None:
    """Since which end of the price's path a reading has stood still: its low or its high."""
    return story.market.bank.words.get(f"extreme.{story.choice.steady_since}")


def _fallen(story: StoryNames, namer: Namer) -> Term | None:
    """How far the price is below its high, where an alert went out for that too."""
    newest = story.choice.newest
    return namer.fact("drawdown_pct") if newest is not None and "drawdown_pct" in newest.facts else None


def alarm_value(alarm: MoveAlarm, what: str) -> float | None:
    """Of an alarm its "move", where it came "from" and stands ("to"), or its "size" in ordinary moves; None where that is
    not known."""
    return {"move": alarm.move, "from": alarm.start, "to": alarm.end, "size": alarm.size}[what]


def alarm_unit_filter(rule: AlarmRule, what: str, market: SpokenMarket) -> str:
    """The format of the unit that a value of an alarm is in: a move is in the fact's own, its ends in that of the fact
    behind it."""
    if what == "size":
        return "ratio"
    fact = rule.level if rule.level is not None and what in ("from", "to") else rule.fact
    return BY_UNIT.get(unit_of(fact, market.bank), "text")


def hours_since(then: datetime, now: datetime) -> float:
    """The hours between two times."""
    return (now - then).total_seconds() / 3600


def _key(move: Move) -> str:
    return exit_key(move.rule, move.fact, move.end)


_MAKERS: Mapping[str, Callable[[StoryNames, Namer], object | None]] = {
    "since": StoryNames.since,
    "steady": StoryNames._steady,
    "steady_for": _steady_for,
    "steady_out": _steady_out,
    "day_move": _day_move,
    "fallen": _fallen,
    "doubt": _doubt,
    "known_part": _known_part,
    "drift": _drift,
    "extreme": _extreme,
    "low_at": _low_at,
    "moved": StoryNames.move_term,
    "exits": lambda story, namer: story._moves_of(story._exits(), namer),
    "ground": StoryNames._ground,
    "deeper": lambda story, namer: story._moves_of(story._deepeners(), namer),
    "held": StoryNames._held,
    "becomes": StoryNames._becomes,
    "was_stance": StoryNames._was_stance,
    "lean": StoryNames._lean,
    "missing": StoryNames._missing,
    "coverage": StoryNames._coverage,
    "age": StoryNames._age,
    "alarm": lambda story, namer: story._alarm("move", namer),
    "alarm_from": lambda story, namer: story._alarm("from", namer),
    "alarm_to": lambda story, namer: story._alarm("to", namer),
    "alarm_size": lambda story, namer: story._alarm("size", namer),
    "alarm_in": StoryNames._alarm_in,
}
