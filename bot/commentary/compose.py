"""A story at each length: which sentences, in which order, within how many words; the tag above and the table below."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from bot.commentary.joining import join_sentences
from bot.commentary.names import SpokenMarket
from bot.commentary.points import TOGETHER, StoryPoint, told_a_day_ago, told_of_late
from bot.commentary.shapes import shape
from bot.commentary.stories import PRICE_OF_DAY, SIDES, StoryChoice
from bot.commentary.table import table
from bot.commentary.tag import tag
from bot.commentary.teller import FRAME_WINDOW, HEADLINE_WINDOW, OF_DAY, SENTENCE_WINDOW, Teller, refuse
from bot.commentary.under import story_footer
from bot.domain.catalog import RANK
from bot.domain.story import Frame, Length, Memory, Slot, Story, Text

DAILY_WORDS, ALERT_WORDS = 120, 70
DAILY_ROOM = 117
"""So many words a daily post is made of, where the gate lets more through."""
MOST_SENTENCES = 3
PARAGRAPH_WORDS = 40
"""A first sentence and what follows it share a paragraph up to here: more is hard to read on a telephone."""
ARTICLE_WORDS, ARTICLE_PARAGRAPHS = (300, 400), (5, 9)
ARTICLE_LEAST = 250
"""An article is filled up to the words that one has where there is something to say; one that has less stays shorter."""
PER_PARAGRAPH = 3
"""A turn of the argument and two readings."""
SPARE_WORDS = 20
COVER = "cover"
"""What follows from volatility and skew is told where there is room beside them."""
BLOCKS, BLOCKS_PREMIUM = "option_blocks_24h_usd", "option_blocks_premium_24h_usd"
MEANING_WINDOW = 30
"""Within so many posts what a verdict means is not said again, unless it has just become another one."""


def compose(market: SpokenMarket, memory: Memory, choice: StoryChoice, length: Length, turn: int) -> Story:
    """The story at one length. Raises GateRefused where something that it needs cannot be said."""
    daily = length == "embed" and not choice.alert
    article = length == "article" and not choice.alert
    teller = Teller(market=market, memory=memory, choice=choice, turn=turn, daily=daily, article=article)
    if length == "short":
        return _story(teller, None, (_needed(teller.place("short", "short"), "a short"),), length)
    if choice.alert:
        headline, paragraphs = _alert(teller)
        return _story(teller, headline, paragraphs, length)
    if article:
        headline, paragraphs = _article(teller)
        return _story(teller, headline, paragraphs, length)
    headline, paragraphs = _daily(teller)
    return _story(teller, headline, paragraphs, length)


def _story(teller: Teller, headline: Text | None, paragraphs: Sequence[Text], length: Length) -> Story:
    market, choice = teller.market, teller.choice
    made = Story(
        asset=market.facts.asset,
        at=market.at,
        length=length,
        locale=market.bank.locale,
        stance=shape(market.verdict) if market.verdict else "no-call",
        headline=headline,
        paragraphs=tuple(paragraphs),
        kind=choice.kind,
        alert=choice.alert,
        tag=tag(market, alert=choice.alert),
    )
    rows = () if length == "short" or choice.alert else table(made, market, teller.memory)
    made = replace(made, table=rows)
    return replace(made, footer=story_footer(made, market, teller.memory))


def _needed(text: Text | None, what: str) -> Text:
    if text is None:
        raise refuse(what)
    return text


# ── daily ───────────────────────────────────────────────────────────────────────────────────────────────────


def _daily(teller: Teller) -> tuple[Text, list[Text]]:
    choice = teller.choice
    headline = _headline(teller)
    teller.move_is_told = any(span.origin.ref == PRICE_OF_DAY for span in headline.spans)
    lead, frame = _lead(teller)
    watch, blocks = [*_week_ahead(teller), *_exits(teller)], _blocks(teller)
    room = DAILY_ROOM - _words([lead]) - _words([*watch, *blocks])
    headed = _of_the_day(teller)
    rest = [*headed, *_second(teller, frame, room - _words(headed))]
    against = _against(teller)
    body: list[Text] = []
    for text in [*rest, *against]:
        if _words([text]) <= room - _words(body):
            body.append(text)
    ground = None if _names_ground(headline) else _turned_on(teller)
    if ground is not None and _words([ground]) <= room - _words(body):
        body.append(ground)
    if choice.kind == "quiet":
        body = []
    elif (
        ground is None
        and (meaning := _meaning(teller)) is not None
        and _words([meaning]) <= room - _words(body)
    ):
        body.append(meaning)
    evidence = [text for text in body if text.slot == "evidence"]
    others = [text for text in body if text.slot != "evidence"]
    first = [[lead], evidence] if _words([lead, *evidence]) > PARAGRAPH_WORDS else [[lead, *evidence]]
    paragraphs = [join_sentences(some) for some in (*first, others) if some]
    return headline, [*paragraphs, *blocks, *([join_sentences(watch)] if watch else [])]


def _week_ahead(teller: Teller) -> list[Text]:
    """How far options price the price to go within a week, and between which levels; on a day with news."""
    text = teller.place("week-ahead", "watch") if teller.choice.kind != "quiet" else None
    return [text] if text is not None else []


def _blocks(teller: Teller) -> list[Text]:
    """The day's blocks in options as a line of their own, where they are as many as an extreme of a fact's own past is."""
    market = teller.market
    table, rank = market.book.past, market.fact(f"{BLOCKS}.{RANK}")
    paid = market.fact(BLOCKS_PREMIUM)
    if table is None or rank is None or paid is None or rank.value < table.extreme[1]:
        return []
    place = "blocks-sold" if paid.value < 0.0 else "blocks-bought"
    text = teller.place(place, "evidence", afresh=SENTENCE_WINDOW)
    return [text] if text is not None else []


def _turned_on(teller: Teller) -> Text | None:
    """What weighs most in a verdict that has just turned, in words, where the headline has not said it."""
    ground = _ground(teller)
    return teller.place(f"turn-{ground[0]}", "sowhat", ground[1], form="word") if ground is not None else None


def _names_ground(headline: Text) -> bool:
    return any("/headline-turned" in name for name in headline.phrase_ids)


def _ground(teller: Teller) -> tuple[str, Mapping[str, StoryPoint]] | None:
    """What weighs most in a verdict that has just turned, two readings or one, and the end of the name of its places: the
    post before may have told their figures, which the table shows. None where there is nothing of the kind."""
    choice, verdict = teller.choice, teller.market.verdict
    side = SIDES.get(verdict.stance, 0) if verdict is not None else 0
    if choice.kind != "turning" or not side or verdict is None:
        return None
    families = teller.market.book.families
    weight = {name: families[name].weight * abs(sum(vote)) for name, vote in verdict.votes.items()}
    told = {name.partition(".")[0] for name in teller.used}
    on_side = [
        point
        for point in choice.points
        if point.out and point.stands == side and point.derivative and point.topic.id not in told
    ]
    heaviest = sorted(on_side, key=lambda point: -weight.get(point.family, 0.0))
    pair = _pair(heaviest) if heaviest else ()
    if pair:
        return "ground", {"second": pair[0], "third": pair[1]}
    return ("ground-one", {"second": heaviest[0]}) if heaviest else None


def _meaning(teller: Teller) -> Text | None:
    """What the verdict means for somebody who holds the coin: when it has turned, and now and then."""
    place = f"means-{teller.market.verdict.stance}" if teller.market.verdict else ""
    recent = {name for told in teller.memory.told[-MEANING_WINDOW:] for name in told.phrase_ids}
    if teller.choice.kind != "turning" and any(f"/{place}." in name for name in recent):
        return None
    return teller.place(place, "sowhat")


def _words(texts: Sequence[Text]) -> int:
    return sum(len(text.text.split()) for text in texts)


def _headline(teller: Teller) -> Text:
    choice = teller.choice
    word: Mapping[str, StoryPoint | None] = {"word": choice.main}
    tried: list[tuple[str, Mapping[str, StoryPoint | None], str]] = []
    if choice.steady:
        for form in ("stays", "word"):
            steady = {form: choice.steady[0]}
            tried += [
                (f"headline-steady-{choice.steady_since}", steady, form),
                ("headline-steady", steady, form),
            ]
    elif choice.day is not None and choice.kind != "turning":
        tried.append((OF_DAY, {}, "say"))
    if (ground := _ground(teller)) is not None:
        tried.append((ground[0].replace("ground", "headline-turned"), ground[1], "word"))
    if choice.head is not None:
        if choice.kind == "shock":
            tried.append(("headline-shock", {"head": choice.head}, "head"))
        tried.append(("headline", {"head": choice.head}, "head"))
    if choice.main is not None:
        tried.append(("headline-plain", word, "word"))
    tried.append(("headline-bare", {}, "say"))
    for place, points, form in tried:
        for window in (HEADLINE_WINDOW, 0):
            if (text := teller.place(place, "headline", points, form=form, afresh=window)) is not None:
                return text
    unpriced = teller.place("headline-unpriced", "headline", word, form="word")  # no price is known
    return _needed(unpriced or teller.place("headline-unpriced-bare", "headline"), "a headline")


def _lead(teller: Teller) -> tuple[Text, Frame | None]:
    """The first sentence, and the frame that it is of: the second finding comes from the same."""
    main = teller.choice.main
    if (text := _lead_of_day(teller)) is not None:
        return text, None
    if teller.choice.kind == "unclear":
        text = teller.place("lead-missing", "lead", afresh=SENTENCE_WINDOW)
        if text is not None:
            return text, None
    points: Mapping[str, StoryPoint | None] = {"main": main} if main is not None else {}
    for frame in teller.frames():
        text = teller.place("lead", "lead", points, frames=[frame], afresh=SENTENCE_WINDOW)
        if text is not None:
            return text, frame
    text = teller.place("lead", "lead", points, afresh=SENTENCE_WINDOW)
    if text is None and main is None:  # the price alone has few words: they return rather than none is told
        text = teller.place("lead", "lead", afresh=FRAME_WINDOW)
    if text is None and main is None and teller.choice.kind == "unclear":
        text = teller.place("lead-bare", "lead")
    return _needed(text, "a lead"), None


def _lead_of_day(teller: Teller) -> Text | None:
    """The first sentence where it speaks of what did not move with the price, or of the day's move that the headline tells;
    None where it speaks of neither."""
    steady, main, day = teller.choice.steady, teller.choice.main, teller.choice.day
    points: Mapping[str, StoryPoint | None] = {}
    if steady:
        place = "lead-steady" if len(steady) > 1 else "lead-steady-one"
        place += "" if teller.choice.steady_since == "day" else "-since"
    elif main is None and day is not None:
        place, points = "lead-day", {"main": of_day(day)}
    else:
        return None
    made = (teller.place(place, "lead", points, afresh=window) for window in (SENTENCE_WINDOW, 0))
    return next((text for text in made if text is not None), None)


def of_day(point: StoryPoint) -> StoryPoint:
    """The reading that the headline tells as the day's move, as what else can be said of it."""
    return replace(point, about=f"{point.topic.id}.day")


def _of_the_day(teller: Teller) -> list[Text]:
    """What moved most within the day, beside a first sentence on what did not move."""
    day = teller.choice.day
    if day is None or not teller.choice.steady or day in teller.choice.steady:
        return []
    side = SIDES.get(teller.market.verdict.stance, 0) if teller.market.verdict else 0
    place = "against" if day.side * side < 0 else "also-day"
    text = teller.place(place, "evidence", {"second": day}, afresh=SENTENCE_WINDOW)
    return [text] if text is not None else []


def _second(teller: Teller, frame: Frame | None, room: int) -> list[Text]:
    """What says the same, in sentences of two readings where there are two on one side and room for both, the first of the
    lead's own frame if it can; then what says neither. Gold and stocks come last."""
    main = teller.choice.main
    side = main.side if main is not None else 0
    frames = [frame] if frame is not None else None
    made: list[Text] = []
    same = teller.choice.same
    if (
        main is not None
        and frame is None
        and not any(name.startswith(f"{main.topic.id}.") for name in teller.used)
    ):
        same = (main, *same)
    cover = [point for point in same if point.topic.id == COVER]
    agreeing = [point for point in same if side and point.side == side and point not in cover]
    neither = [point for point in same if point not in (*agreeing, *cover)]
    for some, alone in ((agreeing, "second"), (neither, "also"), (cover, "also")):
        left = sorted(some, key=lambda point: not point.derivative)
        while left and len(made) < MOST_SENTENCES:
            pair = _related(left)
            one = "also" if made and teller.choice.kind == "unclear" else alone  # what is known is said once
            place = "both" if one == "second" else "also-both"
            text = _fresh(teller, place, {"second": pair[0], "third": pair[1]}, frames) if pair else None
            if text is not None and _words([text]) <= room:
                left = [point for point in left if point not in pair]
            else:
                text = _fresh(teller, one, {"second": left[0]}, frames)
                left = left[1:]
            if text is not None and _words([text]) <= room:
                room -= _words([text])
                made.append(text)
                frames = None
    return made


def _related(points: Sequence[StoryPoint]) -> tuple[StoryPoint, ...]:
    """The first reading and the next one that speaks of the same thing."""
    group = next((some for some in TOGETHER if points[0].family in some), ())
    other = next((point for point in points[1:] if point.family in group), None)
    return (points[0], other) if other is not None else ()


def _pair(points: Sequence[StoryPoint]) -> tuple[StoryPoint, ...]:
    """The first reading and the next one of another family."""
    other = next((point for point in points[1:] if point.family != points[0].family), None)
    return (points[0], other) if other is not None else ()


def _fresh(
    teller: Teller, place: str, points: Mapping[str, StoryPoint], frames: Sequence[Frame] | None
) -> Text | None:
    for some in ([frames] if frames else []) + [None]:
        text = teller.place(place, "evidence", points, frames=some, afresh=SENTENCE_WINDOW)
        if text is not None:
            return text
    return None


def _against(teller: Teller) -> list[Text]:
    found = teller.choice.against
    slot: Slot = "sowhat"
    if pair := _related(found) if found else ():
        text = teller.place(
            "against-both", slot, {"second": pair[0], "third": pair[1]}, afresh=SENTENCE_WINDOW
        )
        if text is not None:
            return [text]
    for point in found[:1]:
        text = teller.place("against", slot, {"second": point}, afresh=SENTENCE_WINDOW)
        if text is not None:
            return [text]
    return []


def _exits(teller: Teller) -> list[Text]:
    verdict = teller.market.verdict
    if verdict is None:
        return []
    if verdict.exits and verdict.deepeners and (text := teller.place("exit-both", "watch")) is not None:
        return [text]
    if verdict.exits and (text := teller.place("exit", "watch")) is not None:
        return [text]
    if verdict.deepeners and (text := teller.place("exit-deeper", "watch")) is not None:
        return [text]
    text = teller.place("exit-ground", "watch")
    return [text] if text is not None else []


# ── alert ───────────────────────────────────────────────────────────────────────────────────────────────────


def _alert(teller: Teller) -> tuple[Text, list[Text]]:
    """The trigger first, what else moved, what it makes of the verdict, what ends it."""
    choice = teller.choice
    key, main = alert_key(choice), choice.main
    trigger = None
    for place in (NEXT, key) if key == "alert-trigger" and choice.is_next else (key,):
        if main is not None and trigger is None:
            trigger = teller.place(place, "alert", {"main": main})
    trigger = trigger or teller.place(key, "alert")
    first = _needed(trigger, "an alert's trigger")
    told = main is not None and any(name.startswith(f"{main.topic.id}.") for name in first.phrase_ids)
    others = [
        point for point in (*((choice.head,) if choice.head else ()), *choice.same) if point is not main
    ]
    others = others if told or main is None else [main, *others]
    if choice.storm is not None and choice.storm not in others:
        others.insert(1, choice.storm)
    room = ALERT_WORDS - _words([first])
    exits = _exits(teller)
    exits = exits if _words(exits) <= room else []
    room -= _words(exits)
    more = _alert_more(teller, others, room)
    headline = _alert_headline(
        teller, key, () if more is None else more.phrase_ids, spoken=main if told else None
    )
    paragraphs = [[first], [more] if more is not None else [], exits]
    return _needed(headline, "an alert's headline"), [join_sentences(some) for some in paragraphs if some]


TOLD_MOTIONS = ("rose", "fell", "peaked", "dipped")
"""The motions of a reading that are told from one end to the other."""
NEXT = "alert-next"
"""An alert's first sentence where another one went out shortly before."""


def _alert_more(teller: Teller, points: Sequence[StoryPoint], room: int) -> Text | None:
    """What else moved, in one or two sentences that fit: a move since the last post says since when, as the trigger's own
    time is another."""
    pair = _pair(points) if points else ()
    moved = [_moved_since(teller, point) for point in pair]
    since = {(True, True): "-since", (True, False): "-since-second", (False, True): "-since-third"}
    tried: list[tuple[str, Mapping[str, StoryPoint]]] = []
    if pair:
        tried.append(
            (f"alert-both{since.get((moved[0], moved[1]), '')}", {"second": pair[0], "third": pair[1]})
        )
    if points:
        alone = "-since" if _moved_since(teller, points[0]) else ""
        tried.append((f"alert-also{alone}", {"second": points[0]}))
    for place, slots in tried:
        text = teller.place(place, "evidence", slots)
        if text is not None and _words([text]) <= room:
            return text
    return None


def _moved_since(teller: Teller, point: StoryPoint) -> bool:
    """Whether what is said of a reading is a move since a post of the last hours."""
    market, memory = teller.market, teller.memory
    told = told_of_late(market, memory) and not told_a_day_ago(market, memory)
    return told and not point.of_day and point.about.endswith(TOLD_MOTIONS)


def _alert_headline(
    teller: Teller, key: str, told: Sequence[str], *, spoken: StoryPoint | None
) -> Text | None:
    """The trigger in words, with another reading in words where the text below takes it up with its figure: one that the
    first sentence has not `spoken` of."""
    main = teller.choice.main
    others = [
        point for point in teller.choice.points if any(name.startswith(f"{point.topic.id}.") for name in told)
    ]
    head = next((point for point in others if point is not spoken and point.derivative), None)
    word: dict[str, StoryPoint | None] = {"word": main} if main is not None else {}
    for name in (f"{key}-headline", "alert-headline"):
        tried: tuple[dict[str, StoryPoint | None], ...] = ({"head": head}, {"head": head, **word})
        for points in tried:
            text = teller.place(name, "headline", points, form="word")
            if text is not None and head is not spoken:
                return text
        for plain in ({}, word):
            text = teller.place(f"{name}-plain", "headline", plain, form="word")
            if text is not None:
                return text
    return teller.place("headline-bare", "headline")


def alert_key(choice: StoryChoice) -> str:
    """The place of an alert's first sentence: by what triggered it."""
    if choice.trigger is not None:
        fact, down = choice.trigger.fact, choice.trigger.move < 0
        if fact.startswith("spot_usd"):
            return "alert-price-down" if down else "alert-price-up"
        stem = fact.partition(".")[0]
        return f"alert-{stem.replace('_', '-')}-{'down' if down else 'up'}"
    return {"changed stance": "alert-stance", "first": "alert-first", "all clear": "alert-clear"}.get(
        choice.reason, "alert-trigger"
    )


# ── article ─────────────────────────────────────────────────────────────────────────────────────────────────


def _article(teller: Teller) -> tuple[Text, list[Text]]:
    """A headline with the tension, a standfirst with both halves, what happened, a paragraph a reading (first what bears
    the verdict out, then what speaks against it), what would change it, a close."""
    headline = _needed(teller.place("article-headline", "headline"), "an article's headline")
    standfirst = teller.place("standfirst", "standfirst")
    opening = _needed(teller.place("article-open", "lead"), "an article's opening")
    close = teller.place("close", "close")
    exits = _exits(teller)
    fixed = [text for text in (standfirst, opening, *exits, close) if text is not None]
    bearing, contrary = _by_side(teller)
    body = _paragraphs(teller, bearing, contrary, ARTICLE_WORDS[1] - _words(fixed))
    paragraphs = [text for text in (standfirst, opening) if text is not None] + body + exits
    return headline, [*paragraphs, *([close] if close is not None else [])]


GROUPS = (("options", "volatility"), ("basis", "funding"), ("liquidations",), ("leverage",), ("cross-asset",))
"""Which families share a paragraph of an article."""
FIRST = ("skew", "basis", "liq", "oi")


def _by_side(teller: Teller) -> tuple[list[list[StoryPoint]], list[list[StoryPoint]]]:
    """The readings of an article by paragraph, those that bear the verdict out (or speak for neither side) first."""
    verdict = teller.market.verdict
    side = SIDES.get(verdict.stance, 0) if verdict else 0
    points = teller.choice.points
    groups: list[list[StoryPoint]] = []
    for families in GROUPS:
        own = [point for point in points if point.family in families]
        own.sort(key=lambda point: point.topic.id not in FIRST)
        if own:
            groups.append(own)
    contrary = [group for group in groups if side and group[0].stands == -side]
    return [group for group in groups if group not in contrary], contrary


def _paragraphs(
    teller: Teller, bearing: Sequence[list[StoryPoint]], contrary: Sequence[list[StoryPoint]], room: int
) -> list[Text]:
    """A paragraph a group: first the leading reading of each, then as many more as there is room for."""
    turn = teller.place("article-turn", "evidence") if contrary and bearing else None
    made: list[list[Text]] = []
    rest: list[tuple[int, Text]] = []
    last: list[tuple[int, Text]] = []
    used = _words([turn]) if turn is not None else 0
    for group in (*bearing, *contrary):
        said = [(point, text) for point in group if (text := teller.paragraph(point)) is not None]
        told = [text for _, text in said]
        if not told or used + _words(told[:1]) > room:
            continue
        made.append(told[:1])
        used += _words(told[:1])
        rest += [(len(made) - 1, text) for text in told[1:]]
        further = (teller.paragraph(point, more=True) for point, _ in said)
        last += [(len(made) - 1, more) for more in further if more is not None]
        if turn is not None and group is contrary[0]:
            made[-1].insert(0, turn)
    for place, text in rest:
        if len(made[place]) < PER_PARAGRAPH and used + _words([text]) <= room:
            made[place].append(text)
            used += _words([text])
    for place, text in last:
        if (
            used < room - (ARTICLE_WORDS[1] - ARTICLE_WORDS[0]) + SPARE_WORDS
            and used + _words([text]) <= room
        ):
            made[place].append(text)
            used += _words([text])
    return [join_sentences(texts) for texts in made]
