"""The table under a post: whose rank stands in it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commentary.cards import table_notes
from bot.commentary.names import SpokenMarket
from bot.commentary.points import find_points
from bot.commentary.table import table
from bot.domain.facts import Facts, OwnPast
from bot.domain.story import Memory, Origin, Span
from tests.commentary.make import CALM, bank, book, facts, judged, told

BASIS = {
    "basis_60d_pct": 6.0,
    "basis_60d_pct.before_24h": 6.1,
    "basis_90d_pct": 5.8,
    "basis_90d_pct.before_24h": 5.9,
}


def market(sixty: int, ninety: int) -> Facts:
    """A calm market whose bases have pasts of so many days."""
    marks = (4.0, 5.6, 6.2, 7.0, 8.0)
    pasts = {
        name: OwnPast(fact=name, quantiles=marks, days=days)
        for name, days in (("basis_60d_pct", sixty), ("basis_90d_pct", ninety))
        if days
    }
    return replace(facts({**CALM, **BASIS}), pasts=pasts)


def rows(known: Facts, locale: str = "en") -> dict[str, list[str]]:
    """The table of a day on which nothing moved: name, and now, a day ago, rank, usual."""
    first = told(known, words=bank(locale))
    memory = commentary.remember(Memory(), first, judged(known), known)
    story = told(replace(known, at=known.at + timedelta(days=1)), memory=memory, words=bank(locale))
    assert not story.plain, story.failures
    return {label: cells for label, *cells in (row.text.split("\t") for row in story.table)}


@pytest.mark.parametrize(
    ("locale", "own", "other"), [("en", "60d basis", "90d basis"), ("es", "base 60d", "base 90d")]
)
def test_under_a_basis_without_a_rank_stands_the_90_day_one_with_its_own(
    locale: str, own: str, other: str
) -> None:
    found = rows(market(40, 365), locale)
    assert list(found)[list(found).index(own) + 1] == other
    assert found[own][2] == "–"
    assert found[other][2] == "30"
    assert len(found) <= 6


@pytest.mark.parametrize(
    ("sixty", "ninety", "rank"), [(365, 365, "40"), (365, 40, "40"), (40, 40, "–"), (0, 0, "–")]
)
def test_it_keeps_away_where_the_rank_is_known_or_neither_is(sixty: int, ninety: int, rank: str) -> None:
    found = rows(market(sixty, ninety))
    assert "90d basis" not in found
    assert found["60d basis"][2] == rank


PUTS = {"put_call_volume_ratio": 0.54, "put_call_volume_ratio.before_24h": 0.58}


@pytest.mark.parametrize(("locale", "ratio"), [("en", "put/call"), ("es", "puts/calls")])
def test_few_puts_beside_dear_ones_are_in_no_table_since_it_cannot_say_why(locale: str, ratio: str) -> None:
    def labels(skew: float) -> list[str]:
        known = facts({**PUTS, "skew_60d_pct": skew})
        market = SpokenMarket(facts=known, book=book(), bank=bank(locale), at=known.at)
        story = replace(told(facts(CALM), words=bank(locale)), headline=None, paragraphs=(), table=())
        return [row.text.partition("\t")[0] for row in table(story, market, Memory())]

    assert ratio in labels(2.0)
    assert ratio not in labels(20.0)


@pytest.mark.parametrize("locale", ["en", "es"])
def test_few_puts_beside_dear_ones_are_told_with_why_both_can_be(locale: str) -> None:
    known = facts({**CALM, **PUTS, "skew_60d_pct": 20.0})
    market = SpokenMarket(facts=known, book=book(), bank=bank(locale), at=known.at)
    about = {point.topic.id: point for point in find_points(market, Memory())}["putcall"]
    assert about.about.startswith("putcall.few-")
    assert about.side == 0, "they speak for neither side"
    told_in = bank(locale).clauses["putcall.few"].forms["say"]
    assert all("contra" in text or "contract" in text for text in told_in)
    plain = replace(market, facts=facts({**CALM, **PUTS}))
    assert not any(point.about.startswith("putcall.few") for point in find_points(plain, Memory()))


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_the_headline_alone_tells_stands_in_the_first_row(locale: str) -> None:
    known = facts({**CALM, "vs_gold_30d_pct": -16.8})
    story = told(known, words=bank(locale))
    assert story.headline is not None
    stems = {span.origin.ref.partition(".")[0] for text in story.paragraphs for span in text.spans}
    head = [span.origin.ref for span in story.headline.spans if span.origin.kind == "fact"]
    alone = [ref for ref in head if ref not in stems and ref != "spot_usd"]
    if alone:
        assert alone[0] in {span.origin.ref for span in story.table[0].spans}
    moved = replace(story, headline=replace(story.headline, spans=_spans_of(known, "vs_gold_30d_pct")))
    market = SpokenMarket(facts=known, book=book(), bank=bank(locale), at=known.at)
    first = table(replace(moved, table=()), market, Memory())[0]
    assert "vs_gold_30d_pct" in {span.origin.ref for span in first.spans}


def _spans_of(known: Facts, name: str) -> tuple[Span, ...]:
    origin = Origin(kind="fact", ref=name, value=known.known[name].value)
    return (Span(start=0, end=1, text="x", origin=origin, filter="points"),)


SHOWN = ("open_interest", "liquidations", "funding", "dvol", "iv_term", "put_call", "protection")


def test_gold_and_stocks_stand_beside_few_readings_of_derivatives_alone() -> None:
    rows = str(told(facts({**CALM, "vs_gold_30d_pct": -31.4})).table)
    assert "liquidations_24h_usd" in rows
    assert "vs_gold_30d_pct" not in rows


@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_rows_count_whose_names_do_not_say_it_is_said_under_the_table(locale: str) -> None:
    """Gold and the Nasdaq are points of percent in a month; without their rows that is not said."""
    words = bank(locale)
    few = {name: value for name, value in CALM.items() if not name.startswith(SHOWN)}
    story = told(facts({**few, "vs_gold_30d_pct": -31.4}), words=words)
    with_gold = [
        row for row in story.table if "short.vs_gold_30d_pct" in {span.origin.ref for span in row.spans}
    ]
    assert len(with_gold) == 1
    said = " ".join(note.text for note in table_notes(story, words))
    assert words.words["table_note_vs"] in said
    bare = replace(story, table=tuple(row for row in story.table if row not in with_gold))
    assert all(words.words["table_note_vs"] not in note.text for note in table_notes(bare, words))
