"""A move is told with how far its reading went beyond both ends: in every bank, in every form; and nothing is claimed of a way
that is not known."""

import re
from datetime import timedelta
from itertools import product

import pytest
from msgspec.structs import replace

from bot.commentary import remember
from bot.commentary.gate import text_failures
from bot.commentary.names import SpokenMarket
from bot.commentary.path import say_path, told_moves, untold_paths
from bot.commentary.points import MOTIONS, find_points
from bot.commentary.stories import choose_story
from bot.commentary.storygate import story_failures
from bot.commentary.templates import slots
from bot.commentary.ways import excursions
from bot.commentary.words import several
from bot.domain.facts import Facts, Trail, TrailPoint
from bot.domain.story import Memory, Origin, RememberedPost, Span, Text
from tests.commentary.make import CALM, NOW, bank, book, facts, judged, told

THEN = NOW - timedelta(hours=12)
PEAK_AT = NOW - timedelta(hours=6)
DVOL = {**CALM, "dvol": 65.8, "dvol.before_24h": 60.2}
LOCALES = ("en", "es")
JOINTS = {"en": "and|with|which|in|now|to", "es": "y|a|hace|desde|tras|en"}
"""Words with which another part of a sentence begins."""


def trail(*values: float, since: timedelta = timedelta(hours=30)) -> Trail:
    """Readings half of twelve hours ago and now."""
    points = [TrailPoint(at=NOW, value=values[-1]), TrailPoint(at=PEAK_AT, value=values[0])]
    highs = tuple(point for point in points if point.value >= values[-1])
    lows = tuple(point for point in points if point.value <= values[-1])
    return Trail(since=NOW - since, apart=timedelta(hours=6), highs=highs, lows=lows)


def market(peak: float = 82.6, *, locale: str = "en", since: timedelta = timedelta(hours=30)) -> SpokenMarket:
    known = facts(DVOL)
    known = replace(known, trails={"dvol": trail(peak, DVOL["dvol"], since=since)})
    return SpokenMarket(facts=known, book=book(), bank=bank(locale), at=NOW)


def remembered() -> Memory:
    post = RememberedPost(
        at=THEN, stance="neutral", phrase_ids=(), masked="", findings=(), figures={**CALM, "dvol": 60.2}
    )
    return Memory(told=(post,))


def sentence(text: str, *figures: tuple[str, str, float]) -> Text:
    """A text with spans: what is shown, where it comes from, its value."""
    spans = []
    for shown, ref, value in figures:
        start = text.index(shown)
        origin = Origin(kind="fact", ref=ref, value=value)
        spans.append(Span(start=start, end=start + len(shown), text=shown, filter="bare", origin=origin))
    return Text(
        slot="evidence", about="x", text=text, spans=tuple(sorted(spans, key=lambda span: span.start))
    )


ROSE = sentence(
    "DVOL, implied volatility, rose from 60.2 to 65.8.",
    ("60.2", "dvol@last post", 60.2),
    ("65.8", "dvol", 65.8),
)


def test_a_move_told_by_its_two_ends_alone_is_found() -> None:
    assert list(untold_paths(ROSE, market(), remembered())) == ["dvol"]


def test_what_a_reading_did_in_between_is_said_beside_the_move_with_its_hour() -> None:
    made = say_path(ROSE, market(), remembered())
    assert (
        made.text == "DVOL, implied volatility, rose from 60.2 to 65.8 (high 82.6 on 6 February, 18:00 UTC)."
    )
    assert list(untold_paths(made, market(), remembered())) == []
    assert [failure for failure in text_failures(made, market(), memory=remembered()) if failure] == []


def test_a_peak_that_was_never_read_does_not_pass() -> None:
    made = say_path(ROSE, market(), remembered())
    assert text_failures(made, market(peak=83.6), memory=remembered()) != []


@pytest.mark.parametrize("locale", LOCALES)
def test_it_goes_into_the_bracket_that_follows(locale: str) -> None:
    text = ROSE.text.replace("65.8.", "65.8 (usual 30-40).")
    made = say_path(replace(ROSE, text=text), market(locale=locale), remembered())
    assert made.text.count("(") == 1
    assert "82" in made.text.partition("(")[2]
    inside = sentence("DVOL 65.8 (was 60.2)", ("60.2", "dvol@last post", 60.2), ("65.8", "dvol", 65.8))
    assert (
        say_path(inside, market(), remembered()).text
        == "DVOL 65.8 (was 60.2; high 82.6 on 6 February, 18:00 UTC)"
    )


def test_a_way_within_an_ordinary_move_is_not_told() -> None:
    assert say_path(ROSE, market(peak=67.0), remembered()) == ROSE


def test_where_the_readings_do_not_reach_back_nothing_is_said() -> None:
    assert say_path(ROSE, market(since=timedelta(hours=5)), remembered()) == ROSE
    bare = SpokenMarket(facts=facts(DVOL), book=book(), bank=bank(), at=NOW)
    assert say_path(ROSE, bare, remembered()) == ROSE


def test_an_edition_without_a_path_tells_two_ends() -> None:
    old = replace(market(), book=replace(book(), path=None))
    assert say_path(ROSE, old, remembered()) == ROSE


def test_the_size_of_an_ordinary_move_grows_with_the_time_that_is_compared() -> None:
    spot = {**CALM, "ordinary_day_pct": 2.0}
    known = replace(facts(spot), trails={"spot_usd": trail(spot["spot_usd"] * 0.97, spot["spot_usd"])})
    now = SpokenMarket(facts=known, book=book(), bank=bank(), at=NOW)
    day, longer = NOW - timedelta(days=1), NOW - timedelta(days=4)
    assert [way.course for way in excursions("spot_usd", spot["spot_usd"], day, now)] == ["dipped"]
    trails = {"spot_usd": replace(known.trails["spot_usd"], since=longer)}
    far = replace(now, facts=replace(known, trails=trails))
    assert excursions("spot_usd", spot["spot_usd"], longer, far) == ()
    wide = replace(now, book=replace(book(), path=replace(book().path, beyond=2.0)))  # type: ignore[type-var]
    assert excursions("spot_usd", spot["spot_usd"], day, wide) == ()


def test_a_reading_that_went_out_and_came_back_is_in_a_situation_of_its_own() -> None:
    about = {point.topic.id: point.about for point in find_points(market(), remembered())}
    assert about["dvol"].endswith("-peaked")
    assert {"peaked", "dipped"} < set(MOTIONS)


def test_what_went_out_and_came_back_is_not_stale_nor_unchanged() -> None:
    back = replace(market(), facts=replace(market().facts, trails={"dvol": trail(82.6, 65.8)}))
    memory = remembered()
    last = replace(memory.told[0], figures={**CALM, "dvol": 65.8}, told=("dvol",))
    point = next(one for one in find_points(back, Memory(told=(last,))) if one.topic.id == "dvol")
    assert point.news
    still = replace(back, facts=replace(back.facts, trails={"dvol": trail(66.0, 65.8)}))
    assert not next(one for one in find_points(still, Memory(told=(last,))) if one.topic.id == "dvol").news


@pytest.mark.parametrize("locale", LOCALES)
def test_every_wording_of_a_move_ends_where_its_way_can_be_said(locale: str) -> None:
    """Behind the later of its two figures stands a unit that the bank names, a mark, a bracket, or the end."""
    words, wrong = bank(locale).words, []
    units = several(words, "after_figure")
    rest = re.compile(rf"^(?: (?:{'|'.join(map(re.escape, units))})\b)*(?:$|[,.;:)]| \()")
    joints = re.compile(rf" (?:{JOINTS[locale]})\b")
    for key, entry in bank(locale).clauses.items():
        for form, texts in entry.forms.items():
            for text in texts:
                if "was" not in slots(text).roots or form == "article":
                    continue
                figures = list(re.finditer(r"\{\{ (?:was|it)\|(?!tenor)[^}]*\}\}", text))
                after = re.sub(r"\{\{ asset \}\}", "BTC", text[figures[-1].end() :])
                if not rest.match(after) and not joints.match(after):
                    wrong.append((key, form, text))
    assert wrong == []


@pytest.mark.parametrize(("locale", "length"), list(product(LOCALES, ("embed", "short", "article"))))
def test_a_whole_post_on_such_a_day_tells_it(locale: str, length: str) -> None:
    known = replace(facts(DVOL), trails={"dvol": trail(82.6, 65.8)})
    memory = remembered()
    story = told(known, length, memory, bank(locale))  # type: ignore[arg-type]
    assert not story.plain
    spoken = SpokenMarket(
        facts=known,
        book=book(),
        bank=bank(locale),
        at=NOW,
        findings=judged(known).findings,
        verdict=judged(known),
    )
    assert [name for text in story.texts for name in untold_paths(text, spoken, memory)] == []
    assert not [
        one
        for one in story_failures(story, spoken, memory, choose_story(spoken, memory))
        if one.startswith("19")
    ]
    planted = replace(story, paragraphs=(*story.paragraphs, ROSE))
    assert [
        one
        for one in story_failures(planted, spoken, memory, choose_story(spoken, memory))
        if one.startswith("19: dvol")
    ]
    assert list(told_moves(ROSE, spoken, memory))
    assert remember(memory, story, judged(known), known).last is not None


def test_nothing_is_known_of_a_market_without_trails() -> None:
    assert Facts(asset="BTC", at=NOW, known={}).trails == {}
