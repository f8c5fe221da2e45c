"""Events as posts: a storm, a turn of funding, a large expiry, dates of the calendar; to whom, once, in both languages."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from bot.decide import digest_of
from bot.domain.facts import Fact, Facts
from bot.domain.playbook import DatedEvent, Playbook
from bot.domain.posts import Decision, Post, Profile, Route, State
from bot.domain.readings import Snapshot
from bot.metrics import History
from bot.notices.events import EventNotes, event_post_id
from bot.rules import evaluate
from tests.metrics.market import chain
from tests.metrics.test_occurrences import AT, falling, funded, past, points, polls, turning
from tests.notices.bots import playbook

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
MORNING = datetime(2026, 2, 6, 6, 10, tzinfo=UTC)
FOMC = DatedEvent(
    kind="fomc", at=datetime(2026, 2, 7, 14, tzinfo=UTC), source="its publisher", read=AT.date()
)


class Told:
    def __init__(self, *posts: Post) -> None:
        self.kept = list(posts)

    async def find_since(self, asset: str, since: datetime) -> Sequence[Post]:
        return [post for post in self.kept if post.asset == asset and post.intended_at >= since]


def decided(*routes: Route, at: datetime = AT, ordinary: float | None = None) -> Decision:
    known = {"spot_usd": Fact(name="spot_usd", value=66_500.0, at=at, venues=("deribit",))}
    if ordinary is not None:
        known["ordinary_day_pct"] = Fact(name="ordinary_day_pct", value=ordinary, at=at, venues=("deribit",))
    found = Facts(asset="BTC", at=at, known=known)
    verdict = evaluate(playbook().rules, found, {}, at, settled=True).verdict
    return Decision(points=(), facts=found, state=State(routes=routes), verdict=verdict, posts=())


async def told(
    history: History,
    *routes: Route,
    at: datetime = AT,
    readings: tuple[Any, ...] = (),
    locale: str = "en",
    posts: Told | None = None,
    by: Playbook | None = None,
    length: str = "embed",
    ordinary: float | None = None,
) -> Decision:
    decision = decided(*(routes or (Route(channel="discord:1"),)), at=at, ordinary=ordinary)
    snapshot = Snapshot(asset="BTC", taken_at=at, readings=readings)
    profile = Profile(locale=locale, length=length)  # type: ignore[arg-type]
    book = by or replace(playbook(), events=())
    return await EventNotes(posts=posts or Told()).with_events(decision, profile, book, history, snapshot)


def words(decision: Decision) -> str:
    (post,) = decision.posts
    assert post.reason == "event"
    story = post.story
    return "\n".join([story.headline.text if story.headline else "", *(one.text for one in story.paragraphs)])


async def test_a_cascade_is_told_as_one_event_an_hour_on():
    assert words(await told(past())) == (
        "Bitcoin: $120 million of longs liquidated within an hour\n"
        "It began on 6 February, 12:55 UTC and came to 120 times the usual hour of longs, the median of its own past. "
        "1 hour later the price was $66,500, "
        "−5% from $70,000."
    )


def elsewhere(
    price: Callable[[datetime], float], *told: tuple[datetime, float]
) -> Callable[[datetime], float]:
    """The price as it was, but for some times."""
    return lambda at: dict(told).get(at, price(at))


# From $70,000 to $66,500 with an ordinary day of 2%, $1,330: below $65,170 or above $71,330 it is told.
FURTHER = [
    (((AT - 40 * MINUTE, 63_000.0),), "−5% from $70,000 (low $63,000 at 13:20 UTC)."),
    (((AT - 40 * MINUTE, 71_500.0),), "−5% from $70,000 (high $71,500 at 13:20 UTC)."),
    (
        ((AT - 40 * MINUTE, 71_500.0), (AT - 35 * MINUTE, 63_000.0)),
        "from $70,000 (low $63,000 at 13:25 UTC).",
    ),
    (((AT - 40 * MINUTE, 65_200.0),), "−5% from $70,000."),
    (((AT - 40 * MINUTE, 71_300.0),), "−5% from $70,000."),
    (((AT - 70 * MINUTE, 60_000.0),), "−5% from $70,000."),
]


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize(("prices", "said"), FURTHER)
async def test_a_price_that_went_beyond_both_ends_is_told_with_how_far_and_when(
    prices: tuple[tuple[datetime, float], ...], said: str, bound: bool
):
    history = past(bound=bound, price=elsewhere(falling, *prices))
    assert words(await told(history, ordinary=2.0)).endswith(said)
    assert words(await told(history)).endswith("−5% from $70,000."), "its ordinary day is not known"


async def test_how_far_the_price_went_is_told_in_spanish_too_and_leads_to_what_was_given():
    price = elsewhere(falling, (AT - 40 * MINUTE, 63_000.0))
    decision = await told(past(side="short", price=price), ordinary=2.0, locale="es")
    (text,) = decision.posts[0].story.paragraphs
    assert "(mínimo, 63\xa0000 dólares a las 13:20 UTC)." in text.text
    low = next(span for span in text.spans if span.text.startswith("63\xa0000"))
    assert low.origin.value == 63_000.0
    assert low.origin in dict(text.given).values()


async def test_a_lower_bound_is_said_to_be_one():
    assert (
        "at least 120 times the usual hour of longs, the median of its own past: venues tell only a part"
        in words(await told(past(bound=True)))
    )
    assert "al menos a 120 veces" in words(await told(past(bound=True), locale="es"))


async def test_a_squeeze_is_of_shorts():
    said = words(await told(past(side="short")))
    assert said.startswith("Bitcoin: $120 million of shorts liquidated")


async def test_every_poll_of_its_time_tells_it_but_once():
    longer = past(times=polls(AT - 20 * HOUR, AT + HOUR))
    decision = await told(longer)
    (route,) = decision.state.routes
    assert len(decision.posts) == 1
    for at in polls(AT + timedelta(minutes=5), AT + HOUR):  # what is remembered is all that a restart leaves
        later = await told(longer, route, at=at)
        assert later.posts == ()
        assert later.state.routes == (route,)


async def test_two_channels_share_the_story_and_have_a_nonce_each():
    first, second = (await told(past(), Route(channel="discord:1"), Route(channel="discord:2"))).posts
    assert first.id == second.id
    assert first.nonce != second.nonce
    assert first.severity == "caution"


FULL = tuple(AT - timedelta(minutes=minutes) for minutes in (10, 20))


@pytest.mark.parametrize(
    "route",
    [
        Route(channel="a", alerts=False),
        Route(channel="a", muted_moves=("cascade",)),
        Route(channel="a", severity="alarm"),
        Route(channel="a", quiet=(13, 15)),
        Route(channel="a", snoozed_until=AT + HOUR),
        Route(channel="a", alerted_at=FULL, subjects=("bearish ", "bearish ")),
        Route(
            channel="a", alerted_at=tuple(AT - number * HOUR for number in (2, 3, 4, 5)), subjects=("",) * 4
        ),
    ],
    ids=[
        "no alerts",
        "muted",
        "graver ones only",
        "quiet hours",
        "paused",
        "two in an hour",
        "four in a day",
    ],
)
async def test_who_does_not_want_it_is_not_told_and_nothing_is_remembered(route: Route):
    decision = await told(past(), route)
    assert decision.posts == ()
    assert decision.state.routes == (route,)


async def test_what_is_told_counts_in_the_budget():
    (route,) = (await told(past())).state.routes
    assert route.alerted_at == (AT,)


async def test_each_kind_can_be_muted_in_the_panel():
    assert set(playbook().moves) >= {
        "cascade",
        "squeeze",
        "funding-turn",
        "expiry",
        "calendar",
        "fall-24h",
    } - {"fall-24h"}
    for locale in ("en", "es"):
        assert all(f"rule.{kind.kind}" in playbook().banks[locale].words for kind in playbook().event_rows)


async def test_a_turn_of_funding_says_who_pays_whom():
    assert words(await told(funded(turning))) == (
        "Bitcoin: shorts now pay longs, 4% a year\n"
        "Funding turned on 6 February, 12:30 UTC. Over the stretch before, longs paid 8% a year on average; they had paid for "
        "38 hours."
    )
    back = funded(lambda at: -turning(at))
    assert "ahora los largos pagan a los cortos, 4\xa0% al año" in words(await told(back, locale="es"))


def expiring(share: float):
    """Two expiries, today's at 08:00 with a share of all that is open."""
    options = chain(lambda days, strike: 60.0, days=[110 / 1440, 30.0], at=MORNING, strikes=[60_000, 70_000])
    today = options.expires_ms == options.expires_ms.min()
    coins = np.where(today, share, 100.0 - share) / 4
    return replace(options, open_interest_coin=coins)


async def test_on_the_morning_of_a_large_expiry_it_is_told_what_falls_away():
    decision = await told(History.empty("BTC"), at=MORNING, readings=(expiring(28.0),))
    # 28 coins at $66,500 are $1.862 million; each strike has 7 calls and 7 puts, and at 60,000 the puts of 70,000 are
    # paid as much as at 70,000 the calls of 60,000: the lower one is told.
    assert words(decision) == (
        "Bitcoin: 28% of open options expire at 08:00 UTC\n"
        "28 coins, $1.86 million at the price of now, with 1.00 puts for each call. Max pain, where holders would be paid least, "
        "lies at $60,000; the price is $66,500."
    )


@pytest.mark.parametrize(
    ("share", "at"), [(9.0, MORNING), (28.0, MORNING - HOUR), (28.0, MORNING + 108 * timedelta(minutes=1))]
)
async def test_a_small_expiry_or_another_hour_is_not_told(share: float, at: datetime):
    found = replace(expiring(share), observed_at=at)
    assert (await told(History.empty("BTC"), at=at, readings=(found,))).posts == ()


async def test_an_expiry_of_which_a_contract_is_unknown_is_not_told():
    found = expiring(28.0)
    coins = found.open_interest_coin.copy()
    coins[0] = np.nan
    readings = (replace(found, open_interest_coin=coins),)
    assert (await told(History.empty("BTC"), at=MORNING, readings=readings)).posts == ()


def with_fomc() -> Playbook:
    return replace(playbook(), events=(FOMC,))


def priced(at: datetime):
    return chain(
        lambda days, strike: 60.0,
        days=[3.0, 10.0],
        at=at,
        forward=66_500.0,
        strikes=range(40_000, 100_000, 1_000),
    )


async def test_a_day_before_a_date_what_is_priced_around_it_is_told():
    # Before the first expiry, three days away: 60% x √(3/365) = 5.44%.
    decision = await told(History.empty("BTC"), readings=(priced(AT),), by=with_fomc())
    assert words(decision) == (
        "Bitcoin before the Federal Reserve's decision, 7 February, 14:00 UTC\n"
        "Options price ±5.4% for the stretch from 6 February to 9 February, ordinary days included."
    )
    unpriced = await told(History.empty("BTC"), by=with_fomc())
    assert "not known now" in words(unpriced)
    assert (await told(History.empty("BTC"), at=AT - HOUR, by=with_fomc())).posts == ()
    assert (await told(History.empty("BTC"), at=FOMC.at, by=with_fomc())).posts == ()


def priced_by(at: datetime) -> float:
    return 66_500.0 if at <= FOMC.at else 64_505.0


async def test_a_day_after_what_the_price_did_stands_beside_what_was_priced():
    before = await told(History.empty("BTC"), readings=(priced(AT),), by=with_fomc())
    later = FOMC.at + DAY
    history = History.empty("BTC").extend(points("spot_usd", priced_by, polls(FOMC.at - HOUR, later)))
    after = await told(history, at=later, by=with_fomc(), posts=Told(*before.posts))
    # 64,505 / 66,500 = 0.97
    assert words(after) == (
        "Bitcoin after the Federal Reserve's decision: −3% within 24 hours\n"
        "From $66,500 on 7 February, 14:00 UTC to $64,505. The day before, options priced ±5.4% for the whole stretch from "
        "6 February to 9 February."
    )
    assert "was not known" in words(await told(history, at=later, by=with_fomc()))
    assert (await told(History.empty("BTC"), at=later, by=with_fomc(), posts=Told(*before.posts))).posts == ()


@pytest.mark.parametrize("with_price", [True, False])
async def test_a_day_after_a_date_how_far_the_price_went_in_between_stands_beside_its_ends(with_price: bool):
    before = await told(History.empty("BTC"), readings=(priced(AT),), by=with_fomc())
    later = FOMC.at + DAY
    price = elsewhere(priced_by, (FOMC.at + 6 * HOUR, 69_000.0))
    history = History.empty("BTC").extend(points("spot_usd", price, polls(FOMC.at - HOUR, later)))
    posts = Told(*before.posts) if with_price else None
    after = await told(history, at=later, by=with_fomc(), posts=posts, ordinary=2.0)
    assert (
        "From $66,500 on 7 February, 14:00 UTC to $64,505 (high $69,000 on 7 February, 20:00 UTC). "
        in words(after)
    )


async def test_a_short_profile_has_no_headline():
    (post,) = (await told(past(), length="short")).posts
    assert post.story.headline is None
    assert post.story.paragraphs[0].text


def test_the_name_of_an_events_post_depends_on_what_it_tells_alone():
    name = event_post_id("BTC", Profile(), "cascade-20260206T12")
    assert name == digest_of("event", "BTC", "default", "cascade-20260206T12")[:8]


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_every_event_is_said_in_words_and_not_in_plain_figures(locale: str):
    book, made = with_fomc(), []
    for history, at, readings in (
        (past(), AT, ()),
        (past(bound=True, side="short"), AT, ()),
        (funded(turning), AT, ()),
        (History.empty("BTC"), MORNING, (expiring(28.0),)),
        (History.empty("BTC"), AT, (priced(AT),)),
    ):
        by = book if history.columns == {} and at == AT else replace(book, events=())
        decision = await told(history, at=at, readings=readings, locale=locale, by=by)
        made += [text for post in decision.posts for text in (post.story.headline, *post.story.paragraphs)]
    assert len(made) == 10
    assert all(text is not None and text.phrase_ids for text in made)


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("kind", ["fomc", "cpi"])
async def test_every_kind_of_date_is_said_in_words_before_and_after(locale: str, kind: str):
    book = replace(playbook(), events=(replace(FOMC, kind=kind),))
    later = FOMC.at + DAY
    history = History.empty("BTC").extend(points("spot_usd", priced_by, polls(FOMC.at - HOUR, later)))
    before = await told(History.empty("BTC"), readings=(priced(AT),), by=book, locale=locale)
    after = await told(history, at=later, by=book, locale=locale, posts=Told(*before.posts))
    unpriced = [
        await told(History.empty("BTC"), by=book, locale=locale),
        await told(history, at=later, by=book, locale=locale),
    ]
    for decision in (before, after, *unpriced):
        (post,) = decision.posts
        assert post.story.headline is not None
        assert all(text.phrase_ids for text in (post.story.headline, *post.story.paragraphs))


async def test_what_options_a_poll_heard_is_looked_through_once_for_all_profiles_and_anew_for_the_next() -> (
    None
):
    notes, seen = EventNotes(posts=Told()), []
    for snapshot in (Snapshot(asset="BTC", taken_at=AT, readings=()) for _ in range(2)):
        for locale in ("en", "es"):
            decision = decided(Route(channel="discord:1"), at=AT)
            await notes.with_events(decision, Profile(locale=locale), playbook(), History("BTC"), snapshot)
            seen.append(notes._options["BTC"])
    assert seen[0] is seen[1]
    assert seen[2] is seen[3]
    assert seen[0] is not seen[2]


async def test_a_profile_that_nobody_follows_is_asked_nothing() -> None:
    notes = EventNotes(posts=Told())
    decision = replace(decided(at=AT), state=State())
    snapshot = Snapshot(asset="BTC", taken_at=AT, readings=())
    assert await notes.with_events(decision, Profile(), playbook(), History("BTC"), snapshot) is decision
    assert not notes._options
