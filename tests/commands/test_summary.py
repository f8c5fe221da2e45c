"""The picture of a post: what it shows, and that one is made for all who get the same post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.commands.summary import Summaries, leading, summary_chart
from bot.desk.desk import Desk
from bot.domain.facts import Facts, OwnPast
from bot.domain.judgement import Finding, Verdict
from bot.domain.posts import Card, ChartSpec, Post, PostInputs, Profile, Reason, State
from bot.domain.story import Origin, Span, Story, Text
from bot.metrics import History
from tests.commands.conftest import FixedClock, hourly
from tests.desks import desk_of, market_of

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def finding(rule: str, family: str, *facts: str) -> Finding:
    return Finding(rule=rule, family=family, vote=-1, severity="caution", facts=facts, since=AT)


def verdict(*findings: Finding) -> Verdict:
    return Verdict(
        asset="BTC",
        at=AT,
        stance="bearish",
        confidence="high",
        score=(-0.6, -0.4),
        coverage=0.9,
        families={},
        votes={},
        findings=findings,
    )


def story(text: str = "Puts cost more", *, told: str | None = None) -> Story:
    spans: tuple[Span, ...] = ()
    if told:
        origin = Origin(kind="fact", ref=told, value=1.0)
        spans = (Span(start=0, end=4, text=text[:4], origin=origin, filter="pct"),)
    said = Text(slot="evidence", about="x", text=text, spans=spans)
    return Story(
        asset="BTC", at=AT, length="embed", locale="en", stance="bearish", headline=None, paragraphs=(said,)
    )


def post(
    name: str, channel: str = "discord:1", reason: Reason = "scheduled", text: str = "Puts cost more"
) -> Post:
    return Post(
        id=name, channel=channel, asset="BTC", reason=reason, story=story(text), nonce=name, intended_at=AT
    )


async def test_it_shows_the_price_the_stance_and_three_readings_with_their_week_and_usual_range(
    market,
) -> None:
    facts, history = await market.facts("BTC"), await market.history("BTC")
    spec = summary_chart(
        market, story(), verdict(finding("skew-fear", "options", "skew_60d_pct")), history, facts
    )
    assert spec is not None
    assert spec.title == "Bitcoin"
    assert [(mark.label, mark.kind) for mark in spec.marks] == [
        ("caution", "bearish"),
        ("high confidence", ""),
    ]
    assert spec.price is not None
    assert (spec.price.text, spec.price.note) == ("$67,800", "−0.6% in 24 hours")
    assert (spec.series[0].text, spec.series[0].band, spec.series[0].note) == (
        "20%",
        (-6.0, 6.0),
        "usual −6% to 6%",
    )
    assert len(spec.series) == 3
    for column in spec.series:
        assert column.text in spec.alt
        assert len(column.y) > 100
        assert column.at[-1] == AT
    assert "caution" in spec.alt
    assert "$67,800, −0.6% in 24 hours" in spec.alt


async def test_it_shows_how_old_the_stance_is_where_it_goes_and_the_balance_beside_its_year(market) -> None:
    facts, history = await market.facts("BTC"), await market.history("BTC")
    quantiles = (-62.4, -20.0, 0.0, 10.0, 21.2)
    aged = replace(
        verdict(finding("skew-fear", "options", "skew_60d_pct")),
        since=AT - timedelta(days=7, hours=3),
        direction="easing",
        balance=(-67.0, -43.2),
    )
    pasts = {"balance": OwnPast(fact="balance", quantiles=quantiles, days=300)}
    spec = summary_chart(market, story(), aged, history, replace(facts, pasts=pasts))
    assert spec is not None
    assert [mark.label for mark in spec.marks] == ["caution", "day 8", "easing", "high confidence"]
    balance = spec.series[0]
    assert (balance.y, balance.text, balance.band) == ((-67.0, -43.2), "−67…−43", (-62.4, 21.2))
    assert balance.note == "its year: −62 to +21"
    assert "caution, day 8, easing, high confidence. balance −67…−43" in spec.alt


async def test_the_balances_year_is_read_from_its_past_and_left_out_where_that_is_short(market) -> None:
    facts = await market.facts("BTC")
    judged = replace(verdict(finding("skew-fear", "options", "skew_60d_pct")), balance=(-50.0, -50.0))
    whole = History.of("BTC", [hourly("balance", first=-100.0, last=0.0)])
    spec = summary_chart(market, story(), judged, whole, facts)
    assert spec is not None
    assert spec.series[0].band == pytest.approx((-95.0, -5.0), abs=0.1)
    assert spec.series[0].text == "−50"
    short = History.of("BTC", [hourly("balance", first=-100.0, last=0.0, leave_out=range(24 * 69))])
    spec = summary_chart(market, story(), judged, short, facts)
    assert spec is not None
    assert (spec.series[0].band, spec.series[0].note) == (None, "")


async def test_what_is_unclear_is_not_more_or_less_sure(market) -> None:
    facts, history = await market.facts("BTC"), await market.history("BTC")
    open_verdict = replace(verdict(finding("skew-fear", "options", "skew_60d_pct")), stance="unclear")
    spec = summary_chart(market, replace(story(), stance="unclear"), open_verdict, history, facts)
    assert spec is not None
    assert [mark.label for mark in spec.marks] == ["unclear"]


async def test_what_is_not_known_is_not_shown(market) -> None:
    facts, history = await market.facts("BTC"), await market.history("BTC")
    found = verdict(finding("one", "basis", "basis_90d_pct"))  # the last reading is five hours old
    spec = summary_chart(market, story(), found, history, facts)
    assert spec is not None
    assert "90-day" not in spec.alt


async def test_one_number_alone_makes_no_picture(market) -> None:
    facts = await market.facts("BTC")
    alone = Facts(asset="BTC", at=AT, known={"skew_60d_pct": facts.known["skew_60d_pct"]})
    assert summary_chart(market, story(), verdict(), await market.history("BTC"), alone) is None


def test_the_headline_leads_then_what_the_text_tells_or_names_then_each_familys_first_finding(market) -> None:
    found = verdict(
        finding("a", "options", "skew_60d_pct.change_7d"),
        finding("b", "options", "skew_30d_pct"),
        finding("c", "leverage", "open_interest_usd"),
    )
    names = leading(market, story(told="dvol"), found)
    assert list(names[:4]) == ["dvol", "skew_60d_pct", "open_interest_usd", "skew_30d_pct"]
    assert len(names) == len(set(names))
    told = story(told="dvol")
    headed = leading(market, replace(told, headline=told.paragraphs[0], paragraphs=()), found)
    assert list(headed[:2]) == ["dvol", "skew_60d_pct"]
    (text,) = told.paragraphs
    named = replace(
        text,
        spans=tuple(
            replace(one, origin=Origin(kind="name", ref="called.basis_60d_pct", value=""))
            for one in text.spans
        ),
    )
    assert leading(market, replace(told, paragraphs=(named,)), found)[0] == "basis_60d_pct"
    ends = replace(told, paragraphs=(replace(text, slot="watch"),))
    assert leading(market, ends, found)[0] == "skew_60d_pct"


def test_gold_and_stocks_come_after_derivatives_and_distances_from_extremes_not_at_all(market) -> None:
    found = verdict(
        finding("a", "cross-asset", "vs_gold_30d_pct"),
        finding("b", "funding", "funding_annual_pct"),
        finding("c", "options", "skew_60d_pct"),
    )
    names = leading(market, story(told="rebound_pct"), found)
    assert list(names[:3]) == ["funding_annual_pct", "skew_60d_pct", "vs_gold_30d_pct"]


def test_the_price_has_its_own_place_on_the_card(market) -> None:
    names = leading(market, story(told="spot_usd"), verdict(finding("a", "price", "high_30d_usd")))
    assert not {"spot_usd", "high_30d_usd", "balance"} & set(names)


@dataclass
class Outbox:
    """What the market asks of an archive to deliver: unsent posts, and what they stood on."""

    unsent: list[Post]
    occasions: Mapping[str, PostInputs] = field(default_factory=dict)
    points: Any = None
    asked: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = self.posts = self

    async def take_unsent(self, surface: str) -> list[Post]:
        return [post for post in self.unsent if post.channel.startswith(surface)]

    async def give_up(self, names: object) -> None:
        return

    async def clear_attempts(self, names: object) -> None:
        return

    async def attempt(self, tried: object, at: object) -> None:
        return

    async def mark_sent(self, post_id: str, **_: object) -> None:
        self.sent.append(post_id)

    async def inputs(self, post_id: str, channels: Sequence[str] = ()) -> PostInputs | None:
        self.asked.append(post_id)
        return self.occasions.get(post_id)


class Board:
    """A surface that keeps what it was given."""

    def __init__(self) -> None:
        self.cards: list[Card] = []

    async def show(self, post: Post, card: Card) -> str:
        self.cards.append(card)
        return post.id


class Pen:
    """A painter that counts."""

    def __init__(self, *, broken: bool = False) -> None:
        self.drawn: list[ChartSpec] = []
        self.broken = broken

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        self.drawn.append(spec)
        if self.broken:
            raise MemoryError("no room for a picture")
        return b"png"


@pytest.fixture
async def occasion(market) -> PostInputs:
    return PostInputs(
        facts=await market.facts("BTC"),
        state=State(),
        profile=Profile(),
        verdict=verdict(),
        playbook_hash="h",
    )


@pytest.fixture
async def stand(archive, occasion, playbook):
    """A desk with unsent posts of one story to two channels and to the console, and what they go to."""

    def made(*, broken: bool = False) -> tuple[Desk, Board, Board, Pen, Outbox]:
        names = {"p1": "discord:1", "p2": "discord:2", "p3": "console:"}
        outbox = Outbox(
            [post(name, channel) for name, channel in names.items()], dict.fromkeys(names, occasion)
        )
        outbox.points = archive.points
        pen = Pen(broken=broken)
        read = market_of(outbox, FixedClock(), playbook)
        pictures = Pictures(pen, of_post=Summaries(read), surfaces=("discord",))
        boards = Board(), Board()
        surfaces = {"discord": boards[0], "console": boards[1]}
        return desk_of(read, surfaces=surfaces, pictures=pictures), *boards, pen, outbox

    return made


async def test_a_post_goes_out_with_its_picture_where_pictures_are_shown(stand) -> None:
    desk, discord, console, pen, _ = stand()
    await desk.sender.deliver()
    assert [card.image for card in discord.cards] == [b"png", b"png"]
    assert all("caution" in card.alt for card in discord.cards)
    assert [card.image for card in console.cards] == [None]
    assert {spec.kind for spec in pen.drawn} == {"summary"}


async def test_the_same_story_is_made_out_once_for_all_channels(stand) -> None:
    desk, _, _, pen, outbox = stand()
    await desk.sender.deliver()
    assert len(outbox.asked) == 1
    assert pen.drawn[0] == pen.drawn[1]


async def test_a_painter_that_fails_holds_up_no_post(stand) -> None:
    desk, discord, _, _, outbox = stand(broken=True)
    await desk.sender.deliver()
    assert [card.image for card in discord.cards] == [None, None]
    assert sorted(outbox.sent) == ["p1", "p2", "p3"]


async def test_posts_about_sources_have_no_picture(stand) -> None:
    desk, *_, outbox = stand()
    assert await Summaries(desk.market)(post("p1", reason="outage")) is None
    assert outbox.asked == []


async def test_another_story_gets_another_picture(stand) -> None:
    desk, *_, outbox = stand()
    summaries = Summaries(desk.market)
    await summaries(post("p1"))
    await summaries(replace(post("p2"), story=story("Calls cost more")))
    assert outbox.asked == ["p1", "p2"]


async def test_a_post_whose_occasion_is_forgotten_has_no_picture(stand) -> None:
    desk, *_ = stand()
    assert await Summaries(desk.market)(post("unknown")) is None
