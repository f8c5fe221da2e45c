"""Verdicts in words: what a post says, what it leaves out, and that it never repeats itself."""

import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commentary.masks import masked_sentences, sentences
from bot.commentary.names import SpokenMarket
from bot.commentary.storygate import told_metrics
from bot.commentary.tag import tag
from bot.domain.judgement import Direction, Exit, Move, MoveAlarm
from bot.domain.rulebook import Stance
from bot.domain.story import Clauses, Memory, Story
from tests.commentary.make import (
    ARTICLE,
    CALM,
    NOW,
    ROOT,
    article,
    bank,
    book,
    days,
    facts,
    judged,
    refused,
    told,
)


def whole(story: Story) -> str:
    return "\n".join(text.text for text in (*story.texts, *story.table))


def test_the_articles_market_is_told_with_its_figures_under_the_tag_caution() -> None:
    story = told(article())
    assert not story.plain, story.failures
    for part in (
        "60-day",
        "skew",
        "20%",
        "2%",
        "$44.3 billion",
        "$35.8 billion",
        "527,850",
        "18.9%",
        "$60,150",
    ):
        assert part in whole(story), part
    assert story.tag is not None
    assert story.tag.text.startswith("Caution")
    assert story.kind == "contradiction-up"


@pytest.mark.parametrize(
    ("stance", "balance", "direction", "ends"),
    [
        ("neutral", (-30.0, -22.0), "deepening", "leaning more to caution"),
        ("neutral", (-22.0, -22.0), "easing", "leaning less to caution"),
        ("neutral", (4.0, 9.0), "turning", "now leaning to bullish"),
    ],
)
def test_the_tag_says_where_the_verdict_goes(
    stance: Stance, balance: tuple[float, float], direction: Direction, ends: str
) -> None:
    """Between two leans by the side of its balance."""
    assert tag_of(stance=stance, balance=balance, direction=direction).endswith(f" · {ends}")


def test_a_lean_that_has_come_back_is_less_than_it_was_at_its_strongest() -> None:
    line = tag_of(stance="bearish", balance=(-40.0, -40.0), direction="easing")
    assert line.startswith("Caution: the readings lean down, less so than at their strongest")


def test_a_lean_that_goes_further_says_than_when_right_behind_it() -> None:
    line = tag_of(stance="bearish", balance=(-40.0, -40.0), direction="deepening")
    assert line.startswith("Caution: the readings lean down, more so than 3 days ago")
    assert "deepening" not in line


@pytest.mark.parametrize(
    ("balance", "direction"), [((-12.0, 3.0), "deepening"), (None, "deepening"), ((-30.0, -22.0), "steady")]
)
def test_a_side_that_is_not_known_is_not_told(
    balance: tuple[float, float] | None, direction: Direction
) -> None:
    assert "leaning" not in tag_of(stance="neutral", balance=balance, direction=direction)


def tag_of(*, stance: Stance, balance: tuple[float, float] | None, direction: Direction) -> str:
    verdict = replace(judged(article()), stance=stance, balance=balance, direction=direction)
    market = SpokenMarket(verdict=verdict, facts=article(), book=book(), bank=bank(), at=NOW)
    line = tag(market, alert=False)
    assert line is not None
    return line.text


def test_the_short_of_the_articles_market_fits_and_reads_caution() -> None:
    story = told(article(), "short")
    assert len(story.body) <= 200
    assert "caution" in story.body.lower()
    assert story.headline is None


def test_a_dollar_fall_with_steady_coins_is_never_told_as_an_exit() -> None:
    said = whole(told(article()))
    assert "527,850 BTC" in said
    assert "closed positions" not in said


def test_a_calm_day_is_told_briefly() -> None:
    calm = told(facts(CALM))
    assert calm.stance == "neutral"
    assert len(calm.body.split()) <= 100


def test_a_day_on_which_nothing_moved_is_two_sentences() -> None:
    quiet = days(CALM, 2)[1]
    assert quiet.kind == "quiet"
    assert sum(1 for text in quiet.paragraphs for _ in sentences(text)) <= 2
    assert quiet.table


def test_a_market_of_which_nothing_is_known_makes_no_call() -> None:
    assert told(facts({})).stance == "no-call"


def test_a_price_alone_makes_no_call_and_no_other_claim() -> None:
    story = told(facts({"spot_usd": 70_000}))
    assert story.stance == "no-call"
    assert told_metrics(story) in ((), ("spot_usd",))


def test_each_post_says_what_would_end_its_verdict_and_what_would_deepen_it() -> None:
    market = article()
    way = Exit(
        moves=(Move(fact="skew_60d_pct", start=20, end=10.5, rule="skew-cautious"),),
        stance="neutral",
        confidence="medium",
        balance=(-9.0, -9.0),
        held_days=3,
    )
    deeper = replace(
        way, moves=(Move(fact="basis_60d_pct", start=2, end=0, rule="basis-weak"),), stance="bearish"
    )
    verdict = replace(judged(market), exits=(way,), deepeners=(deeper,))
    story = commentary.write(
        verdict=verdict, facts=market, book=book(), bank=bank(), memory=Memory(), length="embed", at=market.at
    )
    watch = next(text.text for text in story.paragraphs if text.slot == "watch")
    assert "60-day skew at 10.5% or less, held for 3 days" in watch
    assert "3 days" in watch
    assert "the 60-day basis at 0% or less would deepen it" in watch


def test_an_exit_to_the_figure_that_is_read_already_is_none() -> None:
    market = article()

    def watched(end: float) -> list[str]:
        way = Exit(
            moves=(Move(fact="basis_60d_pct", start=2.04, end=end, rule="basis-weak"),),
            stance="neutral",
            confidence="medium",
            balance=(-9.0, -9.0),
            held_days=3,
        )
        story = commentary.write(
            verdict=replace(judged(market), exits=(way,), deepeners=(), flips=()),
            facts=market,
            book=book(),
            bank=bank(),
            memory=Memory(),
            length="embed",
            at=market.at,
        )
        return [text.text for text in story.paragraphs if text.slot == "watch"]

    assert watched(2.01) == []
    assert "60-day basis at 2.6% or more" in watched(2.6)[0]


def alerted(reason: str, memory: Memory | None = None, **more: object) -> Story:
    """The article's market as an alert."""
    market = article()
    verdict = replace(judged(market), **more)
    return commentary.write(
        verdict=verdict,
        facts=market,
        book=book(),
        bank=bank(),
        memory=memory or Memory(),
        length="embed",
        at=market.at,
        reason=reason,
    )


def test_an_alert_tells_first_what_it_went_out_for() -> None:
    fall = MoveAlarm(
        rule="price-falls",
        fact="spot_usd.change_24h_pct",
        severity="alarm",
        move=-10.2,
        line=-8,
        start=0,
        end=-10.2,
        started_at=NOW - timedelta(days=1),
        at=NOW,
        since=NOW,
        size=3.5,
        new=True,
    )
    story = alerted("move", alarms=(fall,))
    assert not story.plain, story.failures
    assert next(sentences(story.paragraphs[0])).text == (
        "Bitcoin fell 10.2% in 24 hours, 3.5 times an ordinary day's move."
    )
    known = replace(fall, start=72_660.0, end=65_250.0)
    assert next(sentences(alerted("move", alarms=(known,)).paragraphs[0])).text == (
        "Bitcoin fell from $72,660 in 24 hours, 3.5 times an ordinary day's move."
    )
    assert len(story.body.split()) <= 70
    assert story.alert
    assert story.tag is not None
    assert story.tag.text.startswith("Alert · Caution")


def test_an_alert_of_a_turn_names_both_verdicts() -> None:
    calm = facts(CALM, at=NOW - timedelta(days=1))
    memory = commentary.remember(Memory(), told(calm), judged(calm), calm)
    story = alerted("changed stance", memory)
    assert story.paragraphs[0].text.startswith("The verdict goes from neutral to caution")


def test_an_alert_that_says_what_the_verdict_is_does_not_say_that_it_stands() -> None:
    story = alerted("first", since=NOW)
    assert "The verdict is caution" in story.body
    assert "stands" not in story.body


UNSETTLED = {
    name: value for name, value in ARTICLE.items() if not name.startswith(("liquidations", "open_interest"))
}


def unsettled(more: Mapping[str, float]) -> list[Story]:
    """A market that what is missing could turn, on fourteen days that go up and down."""
    memory, stories = Memory(), []
    for day in range(14):
        spot = {"spot_usd.change_24h_pct": -1.0 - day % 3, "skew_60d_pct": 10.0 + 3 * (day % 2)}
        market = facts({**UNSETTLED, **more, **spot}, at=NOW + timedelta(days=day))
        verdict = replace(judged(market), stance="unclear")
        story = commentary.write(
            verdict=verdict,
            facts=market,
            book=book(),
            bank=bank(),
            memory=memory,
            length="embed",
            at=market.at,
        )
        memory = commentary.remember(memory, story, verdict, market)
        stories.append(story)
    return stories


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "open interest, liquidations"),
        ({"open_interest_coin": 527_850.0}, "open interest over the week, liquidations"),
    ],
)
def test_a_reading_that_is_known_is_not_called_unread_where_its_change_is(
    more: dict[str, float], says: str
) -> None:
    told_missing = [story.body for story in unsettled(more) if "evidence" in story.body]
    assert len(told_missing) >= 3
    for body in told_missing:
        assert says in body
        assert ("over the week" in body) is bool(more)


def test_that_only_a_part_is_known_is_said_once() -> None:
    for story in unsettled({"dvol": 60.0, "funding_annual_pct": -4.0, "put_call_volume_ratio": 0.5}):
        assert len(re.findall("what is known", story.body, re.IGNORECASE)) <= 1, story.body


def test_what_was_told_yesterday_and_has_not_moved_stays_in_the_table() -> None:
    first, second = days(ARTICLE, 2)
    derivatives = {name for name in told_metrics(first) if not name.startswith(("spot_", "low_", "rebound_"))}
    assert derivatives
    assert not derivatives & set(told_metrics(second))


def test_no_sentence_and_no_headline_returns_in_a_fortnight() -> None:
    stories = days(ARTICLE, 14)
    assert not any(story.plain for story in stories), [story.failures for story in stories if story.plain]
    told_lines = [
        line for story in stories for text in story.paragraphs[:1] for line in masked_sentences(text)
    ]
    assert len(set(told_lines)) == len(told_lines)


def test_the_same_readings_state_and_memory_give_the_same_bytes() -> None:
    assert told(article()) == told(article())


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from tests.commentary.make import *;import hashlib;"
        "print(hashlib.sha256(''.join(repr(story) for story in days(ARTICLE, 4)).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "271828")
    }
    assert len(seen) == 1


def test_words_that_lie_yield_the_plain_card_and_say_why() -> None:
    liars = tuple(
        replace(frame, places=dict.fromkeys(frame.places, ("Caution and bullish at once.",)))
        for frame in bank().frames
    )
    story = told(article(), words=replace(bank(), frames=liars))
    assert story.plain
    assert story.failures
    assert "$71,500" in whole(story)
    assert "caution" in whole(story)


def test_a_bank_without_a_usable_headline_yields_the_plain_card() -> None:
    nothing = tuple(
        replace(
            frame, places={place: texts for place, texts in frame.places.items() if "headline" not in place}
        )
        for frame in bank().frames
    )
    story = told(article(), words=replace(bank(), frames=nothing))
    assert story.plain
    assert any("a headline" in failure for failure in story.failures)


def test_an_article_needs_four_families_and_two_findings() -> None:
    assert commentary.no_article(judged(article()), bank()) is None
    about, names = commentary.no_article(judged(facts({"spot_usd": 70_000, "skew_60d_pct": 20})), bank()) or (
        "",
        {},
    )
    assert (about, names["low"].value, names["value"].value) == ("article-families", 4, 1)
    about, names = commentary.no_article(judged(facts(CALM)), bank()) or ("", {})
    assert (about, names["low"].value, names["value"].value) == ("article-findings", 2, 0)


def test_an_article_is_written_in_its_form() -> None:
    story = told(article(), "article")
    assert story.length == "article"
    assert 300 <= len(story.body.split()) <= 400
    assert [text.slot for text in story.paragraphs][:2] == ["standfirst", "lead"]
    assert story.paragraphs[-1].slot == "close"
    assert refused(story, article()) == []


def test_an_article_that_cannot_be_written_is_answered_with_the_embed() -> None:
    assert told(facts({"spot_usd": 70_000, "skew_60d_pct": 20}), "article").length == "embed"


def test_the_memory_keeps_as_many_posts_as_a_sentence_may_not_return_within() -> None:
    memory = Memory()
    for day in range(23):
        market = facts(CALM, at=NOW + timedelta(days=day))
        memory = commentary.remember(memory, told(market, memory=memory), judged(market), market)
    assert len(memory.told) == 21
    assert memory.last is not None
    assert memory.last.figures["spot_usd"] == 89_000


def test_a_story_passes_its_own_gate() -> None:
    for market in (article(), facts(CALM)):
        assert refused(told(market), market) == []


def test_a_wording_whose_facts_are_unknown_is_passed_over() -> None:
    only = Clauses(about="skew.high-held", forms={"say": ("{{ treasury_cost_usd|usd }} was paid",)})
    known = bank().clauses["skew.high-held"]
    forms = {**known.forms, "say": only.forms["say"] + known.forms["say"]}
    words = replace(bank(), clauses={**bank().clauses, "skew.high-held": replace(known, forms=forms)})
    assert "skew.high-held/say.1" not in told(article(), words=words).phrase_ids


def test_the_footer_names_the_venues_of_its_own_figures_in_few_words() -> None:
    market = article()
    heard = {name: replace(fact, venues=("deribit",)) for name, fact in market.known.items()}
    story = told(replace(market, known=heard))
    assert story.footer is not None
    assert "Deribit" in story.footer.text
    assert "not advice" in story.footer.text
    assert len(story.footer.text.split()) <= 25


WEEK = {"expected_move_7d_pct": 7.62, "expected_low_7d_usd": 82_218, "expected_high_7d_usd": 95_782}


def test_a_daily_post_says_how_far_options_price_the_price_to_go() -> None:
    """With what would weaken the verdict, in its last paragraph; where no option near a week is known, nothing."""
    moved = {**CALM, "skew_60d_pct": 12.0, "spot_usd.before_24h": 92_000}
    line = "Options price a move of 7.6% either way within a week: $82,200 to $95,800."
    assert line in told(facts({**moved, **WEEK})).paragraphs[-1].text
    assert "within a week" not in told(facts(moved)).body


def test_for_how_long_nothing_was_as_far_out_is_told_from_thirty_days_on() -> None:
    fall = {**CALM, "spot_usd.before_24h": 92_000, "dvol": 52.6, "dvol.before_24h": 46.6}
    for days_ago, shown in ((64.9, "the highest in 64 days"), (365.0, "the highest in a year")):
        assert shown in whole(told(facts({**fall, "dvol.highest_since": days_ago})))
    assert "the highest in" not in whole(told(facts({**fall, "dvol.highest_since": 29.0})))


def test_a_record_as_old_as_what_is_known_says_at_least() -> None:
    market = facts({**CALM, "spot_usd.before_24h": 92_000, "dvol": 52.6, "dvol.before_24h": 46.6})
    record = replace(market.known["dvol"], name="dvol.highest_since", value=120.0, lower_bound=True)
    known = replace(market, known={**market.known, "dvol.highest_since": record})
    assert "the highest in at least 120 days" in whole(told(known))


def test_the_headline_of_a_violent_day_has_the_move_and_the_text_has_not() -> None:
    given = {
        **ARTICLE,
        "spot_usd.before_24h": 80_000,
        "low_30d_usd": 70_000,
        "dvol": 57.3,
        "dvol.before_24h": 45.0,
    }
    crash = {name: value for name, value in given.items() if name not in ("hours_since_low", "rebound_pct")}
    story = told(facts(crash, {"low_30d_usd": NOW - timedelta(hours=2)}))
    assert story.headline is not None
    assert story.kind == "shock"
    assert "−10.6% in 24 hours" in story.headline.text
    assert "10.6%" not in story.body
    assert "$80,000" in story.paragraphs[0].text
    assert "$70,000" in story.paragraphs[0].text


@pytest.mark.parametrize(("ago_h", "shown"), [(3, "low at 07:00 UTC"), (20, "low of ")])
def test_a_low_of_today_has_its_hour_and_an_older_one_its_day(ago_h: int, shown: str) -> None:
    at = NOW.replace(hour=10)
    given = {**ARTICLE, "spot_usd.before_24h": 73_000, "low_30d_usd": 66_000}
    fall = {name: value for name, value in given.items() if name not in ("hours_since_low", "rebound_pct")}
    body = told(facts(fall, {"low_30d_usd": at - timedelta(hours=ago_h)}, at=at)).body
    assert f"$66,000 {shown}" in body
