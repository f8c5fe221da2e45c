"""A total on fewer venues than in the post before says so in its sentence, through posts as they are composed."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commentary.fewer import TOTALS
from bot.commentary.masks import figures_in, sentences
from bot.domain.facts import Facts
from bot.domain.story import Length, Memory, Story
from tests.commentary.make import CALM, NOW, bank, facts, judged, refused, told

VENUES = ("binance", "bybit", "deribit", "okx")
CRASH = dict(CALM) | {
    "spot_usd": 80_000,
    "spot_usd.change_24h_pct": -8,
    "skew_60d_pct": 16,
    "open_interest_coin": 470_000,
    "open_interest_usd": 37.6e9,
    "funding_annual_pct": -6,
    "liquidations_24h_usd": 9e8,
    "liquidations_24h_long_usd": 8e8,
    "liquidations_24h_short_usd": 1e8,
    "liquidations_24h_pct_of_oi": 2.4,
    "put_call_volume_ratio": 1.4,
    "basis_60d_pct": 1.5,
}


def market(
    given: Mapping[str, float], day: int, lacking: Mapping[str, tuple[str, ...]], asset: str = "BTC"
) -> Facts:
    """Facts that stand on four venues, but for those that some lack, by how their name begins."""
    plain = facts(given, at=NOW + timedelta(days=day), asset=asset)

    def stood(name: str) -> tuple[str, ...]:
        gone = next((venues for prefix, venues in lacking.items() if name.startswith(prefix)), ())
        return tuple(venue for venue in VENUES if venue not in gone)

    known = {
        name: replace(fact, venues=stood(name), of_venues=len(VENUES)) for name, fact in plain.known.items()
    }
    return replace(plain, known=known, measured=None)


def second(
    lacking: Mapping[str, tuple[str, ...]],
    *,
    before: Mapping[str, tuple[str, ...]] | None = None,
    locale: str = "en",
    length: Length = "embed",
) -> tuple[Story, list[str]]:
    """The post of a day after a calm one, and what the gate says of it."""
    words = bank(locale)
    then = market(CALM, 0, before or {})
    first = told(then, length, words=words)
    memory = commentary.remember(Memory(), first, judged(then), then)
    now = market(CRASH, 1, lacking)
    story = told(now, length, memory, words)
    return story, refused(story, now, memory, words)


def telling(story: Story, prefix: str) -> list[str]:
    """The sentences of a post that tell a figure of some metrics; what would change the verdict is left out."""
    return [
        one.text
        for text in story.texts
        if text.slot != "watch"
        for one in sentences(text)
        if any(span.origin.ref.startswith(prefix) for span in figures_in(one))
    ]


EVERYTHING = dict.fromkeys(TOTALS, ("binance",))


@pytest.mark.parametrize(
    ("locale", "said"), [("en", "without Binance this time"), ("es", "esta vez sin Binance")]
)
@pytest.mark.parametrize("length", ["embed", "article", "short"])
def test_each_sentence_with_a_total_that_lost_a_venue_says_which(
    locale: str, said: str, length: Length
) -> None:
    story, failures = second(EVERYTHING, locale=locale, length=length)
    assert not story.plain, story.failures
    assert failures == []
    with_totals = [one for prefix in TOTALS for one in telling(story, prefix)]
    assert with_totals
    for one in with_totals:
        assert one.rstrip(".").endswith(said), one
    assert sum(text.text.count(said) for text in story.texts) == len(set(with_totals))


@pytest.mark.parametrize("locale", ["en", "es"])
def test_where_the_venues_are_those_of_the_post_before_nothing_is_said(locale: str) -> None:
    story, failures = second({}, locale=locale)
    assert failures == []
    for said in ("this time", "counted anew", "esta vez", "contando de nuevo"):
        assert said not in story.body


@pytest.mark.parametrize(
    ("locale", "said"), [("en", "with Binance counted anew"), ("es", "contando de nuevo Binance")]
)
def test_each_sentence_with_a_total_that_has_a_venue_back_says_which(locale: str, said: str) -> None:
    story, failures = second({}, before=EVERYTHING, locale=locale)
    assert failures == []
    with_totals = [one for prefix in TOTALS for one in telling(story, prefix)]
    assert with_totals
    for one in with_totals:
        assert one.rstrip(".").endswith(said), one


def test_a_venue_whose_count_began_anew_is_compared_with_no_figure_of_before() -> None:
    then, now = market(CALM, 0, {}), market(CRASH, 1, {})
    memory = commentary.remember(Memory(), told(then), judged(then), then)
    compared = " ".join(telling(told(now, memory=memory), "open_interest_"))
    assert "517,000" in compared
    anew = {"open_interest_coin": ("okx",), "open_interest_usd": ("okx",)}
    story = told(now, memory=commentary.forget_venues(memory, anew))
    sentences_of = telling(story, "open_interest_")
    assert sentences_of
    for one in sentences_of:
        assert "517,000" not in one
        assert "OKX counted anew" in one


def test_where_a_vendor_no_longer_counts_the_whole_market_that_is_said() -> None:
    then = market(CRASH, 0, {})
    vendor = {
        name: replace(fact, venues=("coinglass",)) if name.startswith("liquidations_") else fact
        for name, fact in then.known.items()
    }
    then = replace(then, known=vendor)
    memory = commentary.remember(Memory(), told(then), judged(then), then)
    twice = {name: value * 2 if name.startswith("liquidations_") else value for name, value in CRASH.items()}
    story = told(market(twice, 1, {}), memory=memory)
    own = telling(story, "liquidations_")
    assert own
    assert all("without CoinGlass this time" in one for one in own)


def test_a_venue_that_was_missing_in_the_post_before_is_not_said_again() -> None:
    story, _ = second(EVERYTHING, before=EVERYTHING)
    assert "this time" not in story.body


def test_of_two_totals_in_one_sentence_the_one_that_lost_a_venue_is_named() -> None:
    story, failures = second({"liquidations_": ("bybit", "okx")})
    assert failures == []
    own = telling(story, "liquidations_")
    assert own
    for one in own:
        alone = all(one not in telling(story, prefix) for prefix in TOTALS if prefix != "liquidations_")
        said = (
            ", without Bybit and OKX this time" if alone else ", liquidations without Bybit and OKX this time"
        )
        assert one.rstrip(".").endswith(said), one
    others = {one for prefix in TOTALS if prefix != "liquidations_" for one in telling(story, prefix)} - {
        *own
    }
    assert others
    assert not any("this time" in one for one in others)


def test_a_price_that_is_a_median_of_fewer_venues_is_the_same_price() -> None:
    story, _ = second({"spot_": ("binance",), "dvol": ("binance",)})
    assert "Binance this time" not in story.body


def test_a_total_in_the_table_has_a_mark_and_the_line_under_it_says_which_venue() -> None:
    then = market(CALM, 0, {})
    memory = commentary.remember(Memory(), told(then), judged(then), then)
    story = told(market(CALM, 1, {"open_interest_": ("binance",)}), memory=memory)
    [row] = [row.text for row in story.table if row.text.startswith("open int.")]
    assert row.split("\t")[1].endswith("†")
    assert story.footer is not None
    assert "† without Binance this time" in story.footer.text
    unmarked = [row.text for row in story.table if not row.text.startswith("open int.")]
    assert unmarked
    assert not any("†" in row for row in unmarked)


def test_the_gate_refuses_a_post_that_keeps_quiet_about_it() -> None:
    then = market(CALM, 0, {})
    memory = commentary.remember(Memory(), told(then), judged(then), then)
    quiet = told(market(CRASH, 1, {}), memory=memory)
    failures = refused(quiet, market(CRASH, 1, EVERYTHING), memory)
    assert [one for one in failures if one.startswith("18:")]
