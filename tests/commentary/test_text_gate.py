"""What the gate says of one text, in its own words: each rule alone, on texts made by hand."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from bot.commentary.gate import text_failures, typed_part
from bot.commentary.names import SpokenMarket
from bot.domain.facts import OwnPast
from bot.domain.judgement import Exit, Flip, Move, MoveAlarm
from bot.domain.story import Memory, Origin, RememberedPost, Span, Text
from tests.commentary.make import ARTICLE_TIMES, NOW, article, bank, book, judged

HOUR = timedelta(hours=1)
LAST = RememberedPost(
    at=NOW - 20 * HOUR,
    stance="neutral",
    phrase_ids=(),
    masked="",
    findings=("rule-a", "rule-b", "rule-c", "rule-d", "rule-e"),
    figures={"spot_usd": 65_000.0, "skew_60d_pct": 16.0},
)
MEMORY = Memory(told=(LAST,))
ALARM = MoveAlarm(
    rule="price-falls",
    fact="spot_usd",
    severity="alarm",
    move=-6.25,
    line=5.0,
    start=76_000.0,
    end=71_250.0,
    started_at=NOW - HOUR,
    at=NOW,
    since=NOW - HOUR,
    size=3.5,
    new=True,
)
WAY = Move(fact="skew_60d_pct", start=20.0, end=9.5, rule="skew-fear")
DEEPER = Move(fact="basis_60d_pct", start=2.0, end=-0.5, rule="basis-backwardation", comes_on=True)
TURN = Move(fact="skew_60d_pct", start=20.0, end=7.25, rule="skew-panic")


def way_out(move: Move, held_days: float = 0.0) -> Exit:
    return Exit(moves=(move,), stance="neutral", confidence="low", balance=(-9.0, -9.0), held_days=held_days)


@cache
def market() -> SpokenMarket:
    """The article's market, with an alarm, ways out and deeper, and a year of its own behind one fact."""
    facts = article()
    stale = replace(facts.known["spot_usd"], name="dvol", value=44.0, at=NOW - 5 * HOUR)
    past = OwnPast(fact="skew_60d_pct", quantiles=(4.0, 6.0, 8.0, 12.0, 24.0), days=365)
    facts = replace(facts, stale={**facts.stale, "dvol": stale}, pasts={"skew_60d_pct": past})
    verdict = replace(
        judged(facts),
        alarms=(replace(ALARM, move=-1.0, new=False), ALARM),
        exits=(way_out(DEEPER), way_out(WAY, held_days=1.2)),
        deepeners=(way_out(DEEPER),),
        flips=(Flip(moves=(TURN,), stance="neutral"),),
        coverage=0.875,
        since=NOW - timedelta(days=4, hours=3),
    )
    return SpokenMarket(
        facts=facts, book=book(), bank=bank(), at=NOW, findings=verdict.findings, verdict=verdict
    )


def span(shown: str, kind: Any, ref: str, value: float | str, written: str = "", **more: Any) -> Span:
    """A span whose place `text` finds."""
    return Span(
        start=0, end=0, text=shown, origin=Origin(kind=kind, ref=ref, value=value), filter=written, **more
    )


def text(words: str, *spans: Span, slot: Any = "evidence", about: str = "any") -> Text:
    placed, place = [], 0
    for one in spans:
        place = words.index(one.text, place)
        placed.append(replace(one, start=place, end=place + len(one.text)))
        place += len(one.text)
    return Text(slot=slot, about=about, text=words, spans=tuple(placed))


def failures(one: Text, rule: str = "", **more: Any) -> list[str]:
    return [said for said in text_failures(one, market(), **more) if said.startswith(rule)]


def of(rule: str, words: Iterable[str]) -> dict[str, list[str]]:
    return {one: failures(text(one), rule) for one in words}


BASIS = span("2%", "fact", "basis_60d_pct", 2, "pct")


# ── 1 and 2: nothing unfilled, no number from nowhere ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("It is {x}.", "{"),
        ("It is x}.", "}"),
        ("It is \ue001.", "\ue001"),
        ("It is nan.", "nan"),
        ("It is None.", "None"),
        ("It is inf.", "inf"),
    ],
)
def test_a_slot_that_was_not_filled_is_named(words: str, found: str) -> None:
    assert failures(text(words)) == [f"1: unfilled slot {found!r} in {words!r}"]


def test_words_that_only_look_like_an_unfilled_slot_pass() -> None:
    assert failures(text("None of the banks informs none of them, nor nanny.")) == []


@pytest.mark.parametrize("words", ["", "  "])
def test_an_empty_text_is_named_by_its_slot(words: str) -> None:
    assert failures(text(words, slot="lead"), "1") == ["1: empty lead"]


def test_each_number_has_an_origin_where_it_says_it_stands() -> None:
    assert failures(text("Basis is 2% over 3 days.", BASIS)) == ["2: the number '3' has no origin"]
    moved = text("Basis is 2% now.", BASIS)
    [one] = moved.spans
    moved = replace(moved, spans=(replace(one, start=one.start - 1, end=one.end - 1),))
    assert "2: the span '2%' is not where it was recorded" in failures(moved)


def test_a_value_that_its_place_does_not_hold_is_told_with_both() -> None:
    said = failures(text("Basis is 3%.", span("3%", "fact", "basis_60d_pct", 3, "pct")))
    assert said == ["2: '3%': basis_60d_pct is 2, not 3"]
    assert failures(text("Basis is 4%.", span("4%", "fact", "basis_60d_pct", 2, "pct"))) == [
        "2: '4%' should read '2%'"
    ]
    assert failures(text("Basis is 2%.", span("2%", "fact", "basis_61d_pct", 2, "pct")), "2") == [
        "2: '2%' claims to come from fact basis_61d_pct, which is not known"
    ]
    odd = failures(text("Basis is 2%.", span("2%", "fact", "basis_60d_pct", 2, "parsecs")), "2")
    assert odd == ["2: '2%' is in no known format: parsecs"]
    words = failures(
        text("Basis is so.", span("so", "input", "basis", "so", "pct")),
        given={"a": Origin(kind="input", ref="basis", value="so")},
    )
    assert words == ["2: 'so' is in no known format: pct"]


def test_a_reading_is_called_by_its_own_title_and_tenor() -> None:
    called = market().name_fact("skew_60d_pct")
    for shown, written in ((called.title, "title"), (called.tenor, "tenor")):
        assert shown
        one = text(f"The {shown}.", span(shown, "name", "skew_60d_pct", shown, written))
        assert failures(one, "2") == []
        other = text("The 7-day skew.", span("7-day skew", "name", "skew_60d_pct", "7-day skew", written))
        assert failures(other, "2") == [f"2: '7-day skew' should read {shown!r}"]


def test_an_origin_that_a_caller_brought_is_taken_at_its_word() -> None:
    one = text("It stood at 5%.", span("5%", "setting", "margin", 5, "pct"))
    given = {"margin": Origin(kind="setting", ref="margin", value=5)}
    assert failures(one) == ["2: '5%' claims to come from setting margin, which is not known"]
    assert failures(one, given=given) == []


def test_of_cells_the_numbers_alone_are_read() -> None:
    cells = text("skew  2% should buy", BASIS)
    assert failures(cells, cells=True) == []
    assert {said[0] for said in failures(cells)} == {"7", "9"}
    assert failures(text("3"), cells=True) == ["2: the number '3' has no origin"]


def place(kind: str, ref: str, memory: Memory = MEMORY, said: float | str = -1.0) -> str | None:
    """What the gate finds at an origin's place; None where there is no such place."""
    told = failures(text("x", span("x", kind, ref, said)), "2", memory=memory, cells=True)
    assert told
    start, end = f"2: 'x': {ref} is ", f", not {said!r}"
    if told[0] == f"2: 'x' claims to come from {kind} {ref}, which is not known":
        return None
    assert told[0].startswith(start)
    assert told[0].endswith(end)
    return told[0].removeprefix(start).removesuffix(end)


@pytest.mark.parametrize(
    ("kind", "ref", "found"),
    [
        ("fact", "basis_60d_pct", "2"),
        ("fact", "dvol", "44.0"),  # a stale one is known too
        ("fact", "skew_60d_pct@last post", "16.0"),
        ("fact", "basis_60d_pct@last post", None),
        ("fact", "spot_usd.change_pct@last post", "10.000000000000009"),
        ("date", "at", repr(NOW.isoformat())),
        ("date", "last post", repr((NOW - 20 * HOUR).isoformat())),
        ("date", "low_30d_usd", repr(ARTICLE_TIMES["low_30d_usd"].isoformat())),
        ("date", "dvol", repr((NOW - 5 * HOUR).isoformat())),
        ("date", "nothing", None),
        ("date", "since nothing", None),
        ("usual", "nothing:low", None),
        ("threshold", "nothing:basis_60d_pct below", None),
        ("threshold", "basis-backwardation:skew_60d_pct below", None),
        ("threshold", "skew-fear:skew_60d_pct end", "9.5"),
        ("threshold", "basis-backwardation:basis_60d_pct end", "-0.5"),
        ("threshold", "skew-panic:skew_60d_pct end", "7.25"),
        ("threshold", "skew-fear:basis_60d_pct end", None),
        ("count", "coverage", "87.5"),
        ("count", "age", "6.0"),
        ("count", "hours since last post", "20.0"),
        ("count", "days that an exit is held", "2.0"),
        ("count", "days that the direction looks back", "3.0"),
        ("count", "gone", "2.0"),
        ("count", "alarm price-falls move", "-6.25"),
        ("count", "alarm price-falls from", "76000.0"),
        ("count", "alarm price-falls to", "71250.0"),
        ("count", "alarm price-falls size", "3.5"),
        ("count", "alarm price-jumps move", None),
        ("count", "rank of skew_60d_pct", "90.0"),
        ("count", "rank of basis_60d_pct", None),
        ("count", "rank of nothing", None),
        ("count", "sheep", None),
        ("input", "the reader", None),
    ],
)
def test_each_origin_leads_to_its_own_place(kind: str, ref: str, found: str | None) -> None:
    assert place(kind, ref) == found


@pytest.mark.parametrize(
    ("shown", "kind", "ref", "value", "written", "found"),
    [
        ("71,250%", "count", "alarm price-falls to", 71250.0, "size", ["dollars, not in percent"]),
        ("$71,250", "count", "alarm price-falls to", 71250.0, "price", []),
        ("6.2%", "count", "alarm price-falls move", -6.25, "size", []),
        ("−$6.25", "count", "alarm price-falls move", -6.25, "price", ["percent, not in dollars"]),
        ("2%", "fact", "basis_60d_pct", 2, "pct", []),
        ("$2.00", "fact", "basis_60d_pct", 2, "price", ["percent, not in dollars"]),
        ("2", "fact", "basis_60d_pct", 2, "bare", []),  # the words around it say of what
    ],
)
def test_a_number_is_written_as_what_it_counts(
    shown: str, kind: str, ref: str, value: float, written: str, found: list[str]
) -> None:
    said = failures(text(f"It is {shown}.", span(shown, kind, ref, value, written)), "2")
    assert [one.partition("is counted in ")[2] for one in said] == found


def test_without_a_last_post_nothing_is_known_of_it() -> None:
    for kind, ref in (
        ("fact", "skew_60d_pct@last post"),
        ("fact", "spot_usd.change_pct@last post"),
        ("date", "last post"),
        ("count", "hours since last post"),
    ):
        assert place(kind, ref, Memory()) is None
    assert place("count", "gone", Memory()) == "-3.0"


def test_a_finding_a_usual_range_and_a_step_are_read_where_they_are_kept() -> None:
    finding = market().findings[0]
    assert place("date", f"since {finding.rule}") == repr(finding.since.isoformat())
    usual = market().usual("basis")
    assert usual is not None
    assert place("usual", "basis:low") == repr(usual.low)
    assert place("usual", "basis:high") == repr(usual.high)
    assert place("threshold", "basis-backwardation:basis_60d_pct below") == "0.0"
    assert place("threshold", "basis-strong:basis_60d_pct above") == repr(float(usual.high + 5))
    assert place("count", "news") == f"{len(judged(article()).findings) - 3}.0"


def test_an_end_that_is_one_of_several_is_taken_as_it_was_said() -> None:
    moves = (way_out(WAY), way_out(replace(WAY, end=8.5)))
    verdict = market().verdict
    assert verdict is not None
    there = replace(market(), verdict=replace(verdict, exits=moves))
    said = span("8.5%", "threshold", "skew-fear:skew_60d_pct end", 8.5, "pct")
    assert text_failures(text("It ends at 8.5%.", said), there) == []


def test_an_asset_may_be_named_by_its_symbol_or_its_name_and_by_no_other() -> None:
    words = {"BTC": "BTC", "Bitcoin": bank().words["asset.BTC"], "Ether": "Ether"}
    said = {
        shown: failures(text(f"{name} rose.", span(name, "name", "asset", name, "text")), "2")
        for shown, name in words.items()
    }
    assert said["BTC"] == said["Bitcoin"] == []
    assert "2: 'Ether': asset is 'BTC', not 'Ether'" in said["Ether"]


# ── 3 and 4: roundings, bounds, directions ──────────────────────────────────────────────────────────────────


def changed(words: str, shown: str, value: float) -> list[str]:
    """What the gate says of the directions in a text with one change."""
    return failures(text(words, span(shown, "fact", "open_interest_usd.change_7d_pct", value, "size")), "4")


@pytest.mark.parametrize(
    "words", ["It rose 19% over it.", "It is up by 19%.", "It is 19% higher.", "Holdings climbed 19%."]
)
def test_a_direction_beside_a_change_is_the_changes_own(words: str) -> None:
    assert changed(words, "19%", 19.0) == []
    assert [one.split("'")[2] for one in changed(words, "19%", -19.0)] == [" stands beside "]
    down = words.replace("rose", "fell").replace("up", "down").replace("higher", "lower")
    down = down.replace("climbed", "dropped")
    assert changed(down, "19%", -19.0) == []
    assert [one.split("'")[2] for one in changed(down, "19%", 19.0)] == [" stands beside "]


def test_a_direction_of_another_clause_or_two_words_away_is_not_the_changes() -> None:
    assert changed("Price rose; 19% of it is gone, and so up.", "19%", -19.0) == []
    assert changed("It rose by some little 19% of all.", "19%", -19.0) == []
    assert changed("It lost 19% and rose.", "19%", -19.0) == []
    assert changed("It rose 19%, lower than it was.", "19%", 19.0) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Skew rose from 16% to 20%.", []),
        ("Skew fell from 16% to 20%.", []),  # before both numbers: no word stands between
        ("From 16% it rose to 20%.", []),
        ("From 16% it fell to 20%.", ["4: 'fell' stands between '16%' and '20%'"]),
        ("At 20% it fell from 16%.", ["4: 'fell' stands between '16%' and '20%'"]),
    ],
)
def test_a_direction_between_a_value_and_what_it_was_fits_both(words: str, said: list[str]) -> None:
    now = span("20%", "fact", "skew_60d_pct", 20, "pct")
    then = span("16%", "fact", "skew_60d_pct@last post", 16.0, "pct")
    spans = sorted((now, then), key=lambda one: words.index(one.text))
    assert failures(text(words, *spans), "4", memory=MEMORY) == said


# ── 7: typography ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "flaw", "at"),
    [
        ("It is is so.", "a doubled word", "is is"),
        ("The the.", "a doubled word", "The the"),
        ("It is  so.", "two spaces", "  "),
        ("It is\tso.", "two spaces", "\t"),
        ("It is , so.", "a space before a mark", " ,"),
        ("It is,so.", "no space after a mark", ","),
        ("It is,; so.", "two marks", ",;"),
        ("It is ( so).", "a space after a bracket", "( "),
        ("It is … so.", "an ellipsis", "…"),
        ("It is -- so.", "two hyphens", "--"),
    ],
)
def test_a_flaw_is_told_by_its_name_and_place(words: str, flaw: str, at: str) -> None:
    assert failures(text(words)) == [f"7: {flaw} at {at!r} in {words!r}"]


def test_a_text_begins_with_a_capital_and_ends_in_a_mark() -> None:
    assert of("7", ["it is so.", "“It is so.”)", "It is so!", "Is it so?", "(It is so.)", "… it"]) == {
        "it is so.": ["7: evidence begins with a small letter: 'it is so.'"],
        "“It is so.”)": ["7: a bracket is left open in '“It is so.”)'"],
        "It is so!": [],
        "Is it so?": [],
        "(It is so.)": [],
        "… it": [
            "7: an ellipsis at '…' in '… it'",
            "7: evidence begins with a small letter: '… it'",
            "7: evidence does not end in a mark: '… it'",
        ],
    }
    assert failures(text("It is so. and so on.")) == [
        "7: a sentence begins with a small letter: 'and so on.'"
    ]
    assert failures(text("It is so")) == ["7: evidence does not end in a mark: 'It is so'"]
    for unmarked in (text("It is so", slot="headline"), text("It is so", about="title-row")):
        assert failures(unmarked) == []
    assert failures(text("2% it is.", BASIS)) == []  # a figure may begin


@pytest.mark.parametrize(
    "words",
    [
        "An hour.",
        "An honest word.",
        "An heir.",
        "An index.",
        "A usual day.",
        "A one-off.",
        "A day.",
        "A eu rule.",
        "A US desk.",
        "An $8 fee.",
        "An 11% fall.",
        "An 18.5% fall.",
        "An 80% fall.",
        "A 110% rise.",
        "A 1.8% rise.",
        "A +7% rise.",
        "Mid-A index.",
    ],
)
def test_an_article_that_fits_how_the_word_is_spoken_passes(words: str) -> None:
    assert failures(text(words), "7") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("A hour.", ["A hour."]),
        ("A index.", ["A index."]),
        ("An usual day.", ["An usual"]),
        ("An day.", ["An day."]),
        ("It is a 8% rise.", ["a 8"]),
        ("It is an 1.8% rise.", ["an 1.8"]),
        ("It is a 11% rise.", ["a 11"]),
        ("It is an 110% rise.", ["an 110"]),
        ("It is a $8 fee.", ["a $8"]),
        ("Mid-A index, (A index) and an day.", ["A index", "an day."]),
    ],
)
def test_an_article_that_does_not_fit_is_told_with_its_word(words: str, said: list[str]) -> None:
    assert failures(text(words), "7") == [f"7: {one!r} has the wrong article" for one in said]


def test_how_a_reader_spells_is_his_own() -> None:
    typed = span("xq  the the ,", "input", "the reader", "xq  the the ,", "text")
    given = {"typed": typed.origin}
    assert failures(text("It is xq  the the , so.", typed), given=given) == []
    assert failures(text("It is xq  the the , so  so.", typed), given=given) == [
        "7: two spaces at '  ' in 'It is xq  the the , so  so.'"
    ]
    one = text("Of 2% the rest is typed, and 2% too.", BASIS, BASIS)
    assert typed_part(one) == "Of   the rest is typed, and   too."


# ── 8 and 9: fresh, and no advice ───────────────────────────────────────────────────────────────────────────


def test_a_reading_that_is_not_fresh_says_its_age() -> None:
    old = span("44", "fact", "dvol", 44.0, "bare")
    when = span("yesterday", "date", "dvol", "", "date")
    assert failures(text("It was 44.", old), "8") == ["8: '44' (dvol) is not fresh, and its age is not said"]
    assert failures(text("It was 44 yesterday.", old, when), "8") == []
    assert (
        failures(text("It was 16%.", span("16%", "fact", "skew_60d_pct@last post", 16.0, "pct")), "8") == []
    )


def test_advice_is_told_by_its_words_and_not_where_a_span_wrote_them() -> None:
    assert failures(text("You should buy it.")) == ["9: 'should buy' is advice or a forecast"]
    typed = span("should buy", "input", "the reader", "should buy", "text")
    assert failures(text("You wrote should buy here.", typed), "9") == []
