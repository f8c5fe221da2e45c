"""What the gate says of a whole post, in its own words: each rule alone, on posts made by hand."""

from typing import Any

import pytest
from msgspec.structs import replace

from bot.commentary.compose import alert_key
from bot.commentary.stories import StoryChoice
from bot.commentary.storygate import (
    _again,
    _bare,
    _images,
    _length,
    _pronouns,
    _returned,
    _sides,
    _stances,
    _trigger,
    figures_twice,
    has_figure,
    lead_and_second,
    told_metrics,
    unchanged_wrongly,
    word_count,
)
from bot.domain.judgement import MoveAlarm
from bot.domain.story import Memory, Story, Text
from tests.commentary.make import NOW, bank
from tests.commentary.test_text_gate import ALARM, BASIS, LAST, market, span, text

SKEW = span("20%", "fact", "skew_60d_pct", 20, "pct")
LONGS = span("$1.8 billion", "fact", "liquidations_5d_long_usd", 1.8e9, "usd")
NAMED = span("Skew", "name", "called.skew_60d_pct", "Skew", "text")


def post(*paragraphs: Text, headline: Text | None = None, length: Any = "embed", **more: Any) -> Story:
    return Story(
        asset="BTC",
        at=NOW,
        length=length,
        locale="en",
        stance="bearish",
        headline=headline,
        paragraphs=paragraphs,
        **more,
    )


def words(count: int, *, slot: Any = "lead") -> Text:
    return text(f"{'Word ' * (count - 1)}word.", slot=slot)


def choice(reason: str = "", trigger: MoveAlarm | None = None) -> StoryChoice:
    return StoryChoice(
        kind="calm",
        main=None,
        same=(),
        against=(),
        head=None,
        price_pct=None,
        rebound=False,
        points=(),
        trigger=trigger,
        reason=reason,
    )


# ── 5 and 6: whose words, and whose images ──────────────────────────────────────────────────────────────────


def test_another_stances_word_stands_only_where_it_is_said_what_would_turn_it() -> None:
    other = text("The market is bullish.", slot="lead")
    assert list(_stances(post(other), market(), Memory())) == [
        "5: the lead says 'bullish', and the stance is bearish"
    ]
    own = text("The market is bearish.", slot="lead")
    assert list(_stances(post(own, replace(other, slot="watch")), market(), Memory())) == []
    was = Memory(told=(replace(LAST, stance="bullish"),))
    assert list(_stances(post(other, kind="turning"), market(), was)) == []
    assert list(_stances(post(other, kind="calm"), market(), was)) != []
    assert list(_stances(post(other), replace(market(), verdict=None), Memory())) == []


def test_a_short_names_its_own_stance() -> None:
    short = post(text("It is so.", slot="short"), length="short")
    [said] = _stances(short, market(), Memory())
    assert said.startswith("5: the short does not say ")
    name = said.removeprefix("5: the short does not say ").strip("'")
    named = post(text(f"BTC: {name}.", slot="short"), length="short")
    assert list(_stances(named, market(), Memory())) == []


def test_an_image_stands_in_headline_or_close_and_beside_nothing_grave() -> None:
    family, entries = next(iter(bank().images.items()))
    picture = text(f"It is {entries[0]}.", slot="headline")
    said = [f"6: {entries[0]!r} belongs to the image {family!r}, which has no place here"]
    calm, grave = replace(market(), findings=()), market()
    assert any(one.severity in ("caution", "alarm") for one in grave.findings)
    assert list(_images(post(headline=picture), calm)) == []
    assert list(_images(post(replace(picture, slot="close")), calm)) == []
    assert list(_images(post(headline=picture), grave)) == said
    assert list(_images(post(headline=picture, alert=True), calm)) == said
    assert list(_images(post(replace(picture, slot="lead")), calm)) == said


# ── 10 and 11: figures ──────────────────────────────────────────────────────────────────────────────────────


def test_a_figure_is_told_once_and_the_same_number_of_two_readings_is_two_figures() -> None:
    lead = text("Basis is 2%.", BASIS)
    same = replace(BASIS, origin=replace(BASIS.origin, ref="funding_annual_pct"))
    assert list(figures_twice(post(lead, text("Funding is 2%.", same)))) == []
    again = text("It is 2%.", replace(BASIS, origin=replace(BASIS.origin, ref="basis_60d_pct@last")))
    assert list(figures_twice(post(lead, again))) == ["10: '2%' (basis_60d_pct@last) is told twice"]
    view = text("By 2%.", replace(BASIS, origin=replace(BASIS.origin, ref="basis_60d_pct.change_7d")))
    assert list(figures_twice(post(lead, view))) == ["10: '2%' (basis_60d_pct.change_7d) is told twice"]
    assert list(figures_twice(post(view, headline=lead))) != []
    assert list(figures_twice(post(lead, replace(again, slot="watch")))) == []


def test_a_tables_own_reading_stands_in_no_sentence() -> None:
    row = text("Basis 2%", BASIS)
    assert list(figures_twice(post(text("Basis is 2%.", BASIS), table=(row,)))) == [
        "10: '2%' (basis_60d_pct) stands in the table and in a sentence"
    ]
    assert list(figures_twice(post(text("Skew is 20%.", SKEW), table=(row,)))) == []


def test_a_post_may_have_one_sentence_without_a_figure() -> None:
    figure, bare = text("Basis is 2%.", BASIS), text("It goes on.")
    assert list(_bare(post(figure, bare))) == []
    assert list(_bare(post(figure, bare, text("So it is.")))) == [
        "11: 2 sentences have no figure: 'It goes on.'"
    ]
    assert list(_bare(post(figure, bare, text("So it is.", slot="watch")))) == []
    assert list(_bare(post(bare, bare, length="short"))) == []


def test_each_paragraph_on_a_reading_of_an_article_has_a_figure() -> None:
    figure, bare = text("Basis is 2%.", BASIS), text("It goes on.")
    assert list(_bare(post(figure, bare, length="article"))) == [
        "11: a paragraph has no figure: 'It goes on.'"
    ]
    assert list(_bare(post(figure, *[replace(bare, slot="close")] * 3, length="article"))) == []


def test_the_number_in_a_readings_own_name_is_no_figure() -> None:
    name = span("60-day skew", "fact", "skew_60d_pct", 20, "title")
    called = span("60-day skew", "name", "called.skew_60d_pct", "60-day skew", "text")
    for one, found in ((name, False), (called, False), (SKEW, True), (NAMED, False)):
        assert has_figure(text(f"See {one.text} now.", one)) is found


# ── 12 to 14: pronouns, "unchanged", sides ──────────────────────────────────────────────────────────────────


def test_a_sentence_begins_with_no_pronoun() -> None:
    told = post(text("Basis is 2%. It is low, as this says.", BASIS), text("“It” is so."))
    assert list(_pronouns(told, bank())) == [
        "12: 'It' at the head of 'It is low, as this says.' has no owner in its sentence"
    ]


def test_unchanged_is_a_reading_only_that_reads_as_it_did() -> None:
    told = post(text("Skew is unchanged. Skew is high.", NAMED, NAMED))
    now = market().facts.known["skew_60d_pct"]
    for then, said in (
        (now.value, []),
        (now.value + 0.01, []),
        (now.value + 1.0, ["13: 'unchanged' of skew_60d_pct, which reads otherwise than before"]),
    ):
        memory = Memory(told=(replace(LAST, figures={"skew_60d_pct": then}),))
        assert list(unchanged_wrongly(told, market(), memory)) == said
    assert list(unchanged_wrongly(post(text("Skew is high.", NAMED)), market(), Memory())) == []


@pytest.mark.parametrize(
    ("ref", "sentence", "said"),
    [
        ("liquidations_5d_long_usd", "Of $1.8 billion longs.", False),
        ("liquidations_5d_long_usd", "Of $1.8 billion shorts.", True),
        ("liquidations_5d_usd", "Of $1.8 billion longs.", True),
        ("liquidations_5d_usd", "Of $1.8 billion in forced longs.", True),
        ("liquidations_5d_usd", "Of $1.8 billion in all of the longs.", False),
        ("liquidations_5d_usd", "Of $1.8 billion, longs had most.", False),
        ("open_interest_usd", "Of $1.8 billion longs.", False),
    ],
)
def test_a_sum_of_liquidations_is_told_of_the_side_that_it_was_counted_on(
    ref: str, sentence: str, said: bool
) -> None:
    one = replace(LONGS, origin=replace(LONGS.origin, ref=ref))
    assert bool(list(_sides(post(text(sentence, one)), bank()))) is said


def test_the_name_of_a_sum_of_liquidations_is_no_share_of_a_side() -> None:
    name = span("Liquidations", "fact", "liquidations_5d_usd", 1.8e9, "title")
    assert list(_sides(post(text("Liquidations of longs were many.", name)), bank())) == []


def test_the_wrong_side_is_told_with_both() -> None:
    told = post(text("Of $1.8 billion shorts.", LONGS))
    assert list(_sides(told, bank())) == [
        "14: '$1.8 billion' is told of shorts and counted on longs or on both"
    ]


# ── 15 to 17 and lengths ────────────────────────────────────────────────────────────────────────────────────


def test_what_a_post_told_are_its_figures_metrics_exits_apart() -> None:
    change = replace(BASIS, origin=replace(BASIS.origin, ref="basis_60d_pct.change_7d"))
    told = post(
        text("Skew is 20% and basis 2%.", SKEW, BASIS),
        text("Under 2%.", change),
        text("Until $1.8 billion.", LONGS, slot="watch"),
        headline=text("Skew at 20%", SKEW, slot="headline"),
    )
    assert told_metrics(told) == ("skew_60d_pct", "basis_60d_pct")


def test_no_sentence_of_lead_and_finding_returns_within_twenty_posts() -> None:
    told = post(text("Basis is 2%. Nobody pays.", BASIS, slot="lead"), text("So it is.", slot="close"))
    lines = lead_and_second(told)
    assert len(lines) == 2
    for age, said in ((20, 1), (21, 0)):
        before = (replace(LAST, sentences=(lines[1], "So it is.")), *[LAST] * (age - 1))
        found = list(_returned(told, Memory(told=before)))
        assert found == [f"16: {lines[1]!r} stood in one of the last 20 posts"] * said
    again = Memory(told=(replace(LAST, sentences=lines),))
    assert list(_returned(replace(told, alert=True), again)) == []
    assert list(_returned(replace(told, length="short"), again)) == []
    assert list(_returned(replace(told, length="article"), again)) == []


def test_an_alerts_first_sentence_tells_what_it_went_out_for() -> None:
    moved = span("6.25%", "count", "alarm price-falls move", -6.25, "size")
    first, later = text("Bitcoin fell 6.25%.", moved), text("Basis is 2%. Bitcoin fell 6.25%.", BASIS, moved)
    of_move = choice("alarm", ALARM)
    assert list(_trigger(post(first, alert=True), of_move)) == []
    assert list(_trigger(post(later, alert=True), of_move)) == [
        "17: the first sentence does not tell the move: 'Basis is 2%.'"
    ]
    assert list(_trigger(post(later), of_move)) == []
    assert list(_trigger(post(later, alert=True, length="short"), of_move)) == []
    assert list(_trigger(post(alert=True), of_move)) == []
    turned = choice("changed stance")
    lead = replace(
        text("Caution it is. So it goes.", slot="lead"), phrase_ids=(f"calm/{alert_key(turned)}.1",)
    )
    assert list(_trigger(post(lead, alert=True), turned)) == []
    assert list(_trigger(post(replace(lead, phrase_ids=("calm/alert-next.2",)), alert=True), turned)) == []
    assert list(_trigger(post(replace(lead, phrase_ids=("calm/lead.2",)), alert=True), turned)) == [
        "17: the first sentence does not tell what the alert is for: 'Caution it is.'"
    ]


def test_words_are_counted_without_what_is_only_a_mark() -> None:
    assert word_count([text("It is – so, 2% of 3."), text("Or not.")]) == 8


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (post(words(120)), []),
        (post(words(60), words(61)), ["121 words, and there is room for 120"]),
        (post(words(70), alert=True), []),
        (post(words(71), alert=True), ["71 words, and there is room for 70"]),
        (post(*[words(60)] * 5, length="article"), []),
        (post(*[words(50)] * 8, length="article"), []),
        (
            post(words(60), *[words(60)] * 4, words(101), length="article"),
            ["401 words, and an article has 250 to 400"],
        ),
        (post(words(49), *[words(50)] * 4, length="article"), ["249 words, and an article has 250 to 400"]),
        (post(*[words(80)] * 4, length="article"), ["4 paragraphs"]),
        (post(*[words(40)] * 9, length="article"), []),
        (post(*[words(35)] * 10, length="article"), ["10 paragraphs"]),
        (post(text("x" * 200), length="short"), []),
        (post(text("x" * 201), length="short"), ["201 characters, and a short has 200"]),
        (post(words(9), headline=text("x" * 160)), []),
        (post(words(9), headline=text("x" * 161)), ["the headline has 161 characters"]),
        (post(words(9), footer=words(25)), []),
        (post(words(9), footer=words(26)), ["the footer has 26 words"]),
    ],
)
def test_each_form_has_its_length(told: Story, said: list[str]) -> None:
    assert list(_length(told)) == [f"length: {one}" for one in said]


# ── 15: what was told of late ───────────────────────────────────────────────────────────────────────────────

STOOD = replace(
    LAST, figures={"skew_60d_pct": 20.0, "basis_60d_pct": 2.0}, told=("skew_60d_pct", "basis_60d_pct")
)
BOTH = (text("Skew is 20%.", SKEW), text("Basis is 2%.", BASIS))
NOT_AGAIN = [f"15: {name} was told of late and has not moved since" for name in STOOD.told]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (post(*BOTH), NOT_AGAIN),
        (post(*BOTH, alert=True), NOT_AGAIN[1:]),  # what an alert went out for stands in its first paragraph
        (post(text("It fell."), *BOTH, alert=True), NOT_AGAIN),
        (post(*BOTH, length="short"), []),
        (post(*BOTH, length="article"), []),
        (post(replace(BOTH[0], slot="watch"), BOTH[1]), NOT_AGAIN[1:]),
        (post(text("Never heard of: 7%.", span("7%", "fact", "basis_90d_pct", 7, "pct")), *BOTH), NOT_AGAIN),
    ],
)
def test_a_reading_that_was_told_of_late_and_stands_is_not_told_again(told: Story, said: list[str]) -> None:
    assert list(_again(told, market(), Memory(told=(STOOD,)), choice())) == said
    assert list(_again(told, market(), Memory(), choice())) == []


def test_a_reading_that_moved_by_its_unit_is_told_again() -> None:
    moved = replace(STOOD, figures={**STOOD.figures, "skew_60d_pct": 14.0})
    assert list(_again(post(*BOTH), market(), Memory(told=(moved,)), choice())) == NOT_AGAIN[1:]
