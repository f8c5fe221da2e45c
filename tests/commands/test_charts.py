"""Builders of charts: what they show is what the archive knows, and nothing is filled in."""

from array import array
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.commands import _charts as charts
from bot.domain.chain import OptionChain
from bot.domain.facts import Fact, Facts, Series
from bot.domain.instruments import Instrument
from bot.domain.posts import Post, Profile
from bot.domain.readings import FutureQuote
from bot.domain.story import Story, Text
from bot.metrics import History

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
PLAIN = Profile()


def series(metric: str, values: dict[int, float], venue: str | None = None, *, least: bool = False) -> Series:
    """Values by hours before AT."""
    rows = sorted((int((AT - timedelta(hours=ago)).timestamp() * 1000), value) for ago, value in values.items())
    return Series(
        metric=metric, asset="BTC", venue=venue, at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]), covers_s=array("q", [0] * len(rows)),
        lower_bound=array("b", [int(least)] * len(rows)),
    )  # fmt: skip


def facts(**values: float) -> Facts:
    names = {name.replace("__", "."): value for name, value in values.items()}
    known = {
        name: Fact(name=name, value=value, at=AT, venues=("deribit",), of_venues=1) for name, value in names.items()
    }
    return Facts(asset="BTC", at=AT, known=known)


def post(stance: str, ago: int) -> Post:
    at = AT - timedelta(hours=ago)
    told = Text(slot="headline", about="x", text="Puts cost more")
    story = Story(asset="BTC", at=at, length="embed", locale="en", stance=stance, headline=told, paragraphs=())
    return Post(
        id=f"p{ago}", channel="preview:", asset="BTC", reason="scheduled", story=story, nonce="n", intended_at=at
    )


def test_funding_has_a_line_a_venue_with_its_last_value_in_words(desk) -> None:
    past = History.of(
        "BTC", [series("funding_annual_pct", {2: 3.0, 1: 2.0, 0: 1.5}, venue) for venue in ("deribit", "okx")]
    )
    spec = charts.funding_chart(desk, past, PLAIN)
    assert spec is not None
    assert [(column.label, column.text, column.y) for column in spec.series] == [
        ("Deribit", "1.5%", (3.0, 2.0, 1.5)), ("OKX", "1.5%", (3.0, 2.0, 1.5)),
    ]  # fmt: skip
    assert "Deribit 1.5%; OKX 1.5%" in spec.alt
    assert spec.caption == "6 Feb 2026, 14:00 UTC · Deribit, OKX"


def test_funding_of_one_venue_is_no_comparison(desk) -> None:
    past = History.of("BTC", [series("funding_annual_pct", {1: 2.0, 0: 1.5}, "deribit")])
    assert charts.funding_chart(desk, past, PLAIN) is None


def test_a_stretch_without_readings_is_a_gap_in_the_line(desk) -> None:
    past = History.of(
        "BTC", [series("funding_annual_pct", {30: 2.0, 29: 2.0, 1: 1.5, 0: 1.5}, v) for v in ("deribit", "okx")]
    )
    spec = charts.funding_chart(desk, past, PLAIN)
    assert spec is not None
    assert spec.series[0].y == (2.0, 2.0, None, 1.5, 1.5)


def test_the_curve_leaves_out_a_venue_whose_reading_is_old(desk) -> None:
    rows = [series(f"basis_{days}d_pct", {0: days / 30}, "deribit") for days in (30, 60)]
    past = History.of("BTC", [*rows, *(series(f"basis_{days}d_pct", {5: 9.0}, "okx") for days in (30, 60))])
    rates = charts.tenor_rates(past, desk, {"30": "basis_30d_pct", "60": "basis_60d_pct"})
    spec = charts.curve_chart(desk, "BTC", rates, PLAIN)
    assert spec is not None
    assert [(column.label, column.x, column.y) for column in spec.series] == [("Deribit", (30.0, 60.0), (1.0, 2.0))]
    assert "Deribit 1.0 (30 d), 2.0 (60 d)" in spec.alt
    assert spec.band is not None


def test_one_point_makes_no_curve(desk) -> None:
    assert charts.curve_chart(desk, "BTC", {"deribit": [(30.0, 2.0)]}, PLAIN) is None


def test_the_curve_by_expiry_is_the_yearly_rate_of_each_future(desk) -> None:
    def quote(days: int, mark: float) -> FutureQuote:
        instrument = Instrument(
            venue="deribit", symbol=f"BTC-{days}", asset="BTC", kind="future", expires_at=AT + timedelta(days=days)
        )
        return FutureQuote(source="deribit", observed_at=AT, instrument=instrument, mark_usd=mark, index_usd=100.0)

    rates = charts.expiry_rates([quote(73, 101.0), quote(365, 105.0)])
    assert set(rates) == {"deribit"}
    assert [days for days, _ in rates["deribit"]] == [73.0, 365.0]
    assert [rate for _, rate in rates["deribit"]] == pytest.approx([5.0, 5.0])


WEEK = {
    "open_interest_usd": 35.8e9, "open_interest_usd__before_7d": 44.3e9, "open_interest_price_effect_7d_usd": -8.4e9,
    "open_interest_position_effect_7d_usd": -0.1e9,
}  # fmt: skip


def test_a_change_of_open_interest_is_split_into_parts_that_add_up(desk) -> None:
    spec = charts.split_chart(desk, History.empty("BTC"), facts(**WEEK), PLAIN)
    assert spec is not None
    assert [column.label for column in spec.series] == ["week ago", "price", "positions", "now"]
    values = [column.y[0] or 0.0 for column in spec.series]
    assert sum(values[:-1]) == pytest.approx(values[-1])
    assert "from $44.3 billion to $35.8 billion" in spec.alt
    assert "−$8.4 billion" in spec.alt


def test_what_came_or_went_with_venues_has_a_bar_of_its_own(desk) -> None:
    spec = charts.split_chart(desk, History.empty("BTC"), facts(**WEEK | {"open_interest_usd": 37.8e9}), PLAIN)
    assert spec is not None
    assert list(spec.series[3].y) == pytest.approx([2.0e9])
    assert sum(column.y[0] or 0.0 for column in spec.series[:-1]) == pytest.approx(37.8e9)


@pytest.mark.parametrize("name", WEEK)
def test_a_split_with_a_part_unknown_is_not_drawn(desk, name: str) -> None:
    known = {other: value for other, value in WEEK.items() if other != name}
    assert charts.split_chart(desk, History.empty("BTC"), facts(**known), PLAIN) is None


def test_liquidations_stand_in_the_hour_that_they_were_counted_for(desk) -> None:
    past = History.of(
        "BTC", [series("liquidations_1h_long_usd", {0: 5e6, 3: 2e6}), series("liquidations_1h_short_usd", {0: 1e6})]
    )
    spec = charts.liquidations_chart(desk, past, PLAIN)
    assert spec is not None
    shorts, longs = spec.series
    assert (shorts.label, longs.label) == ("shorts", "longs")
    told = {at.hour: value for at, value in zip(longs.at, longs.y, strict=True) if value is not None}
    assert told == {13: 5e6, 10: 2e6}
    assert len(longs.y) == 24
    assert "longs $5 million" in spec.alt
    assert "Hours not heard: 22" in spec.alt


def test_liquidations_that_may_be_more_say_at_least(desk) -> None:
    told = [series("liquidations_1h_long_usd", {0: 5e6}, least=True)]
    spec = charts.liquidations_chart(desk, History.of("BTC", told), PLAIN)
    assert spec is not None
    assert spec.caption.endswith("at least")


def test_no_tally_no_chart(desk) -> None:
    assert charts.liquidations_chart(desk, History.empty("BTC"), PLAIN) is None


def test_a_stance_is_marked_where_it_changes(desk) -> None:
    posts = [post("bearish", 1), post("neutral", 30), post("neutral", 20), post("bearish", 10)]
    marks = charts.stance_changes(posts, desk, PLAIN)
    assert [(mark.kind, mark.at) for mark in marks] == [
        ("neutral", AT - timedelta(hours=30)), ("bearish", AT - timedelta(hours=10)),
    ]  # fmt: skip


def chain(*, leave_out: float = 0.0) -> OptionChain:
    """One expiry in 60 days around a forward of 100,000: puts at 60%, calls at 50%."""
    strikes = [float(k) for k in range(60_000, 160_000, 5_000) if k != leave_out]
    rows = [(k, call) for k in strikes for call in (False, True)]
    at_ms = int(AT.timestamp() * 1000)
    count = len(rows)
    return OptionChain(
        source="deribit", venue="deribit", asset="BTC", observed_at=AT,
        expires_ms=np.full(count, at_ms + 60 * 86_400_000, np.int64), strike_usd=np.array([k for k, _ in rows]),
        is_call=np.array([call for _, call in rows]), forward_usd=np.full(count, 100_000.0),
        mark_iv_pct=np.array([50.0 if call else 60.0 for _, call in rows]), open_interest_coin=np.ones(count),
        volume_24h_coin=np.ones(count), row_ms=np.full(count, at_ms, np.int64),
    )  # fmt: skip


def test_a_smile_marks_its_25_delta_points_and_the_money(desk) -> None:
    spec = charts.smile_chart(desk, chain(), 60, PLAIN)
    assert spec is not None
    assert [mark.label for mark in spec.marks] == ["25Δ put 60.0%", "ATM 55.0%", "25Δ call 50.0%", "forward"]
    put, money, call, forward = (mark.x for mark in spec.marks)
    assert money == forward == 100_000.0
    assert put is not None
    assert call is not None
    assert put < 100_000.0 < call
    assert "25Δ put 60.0%; ATM 55.0%; 25Δ call 50.0%" in spec.alt
    assert len(spec.series[0].x) == len(set(spec.series[0].x))


def test_a_smile_without_options_is_not_drawn(desk) -> None:
    whole = chain()
    none = {name: getattr(whole, name)[:0] for name in (
        "expires_ms", "strike_usd", "is_call", "forward_usd", "mark_iv_pct", "open_interest_coin", "volume_24h_coin", "row_ms"
    )}  # fmt: skip
    empty = OptionChain(source="deribit", venue="deribit", asset="BTC", observed_at=AT, **none)
    assert charts.smile_chart(desk, empty, 60, PLAIN) is None


async def test_the_commands_answer_with_their_charts(ask) -> None:
    skew = (await ask("skew")).chart
    assert skew.kind == "history"
    assert "20%" in skew.alt
    assert skew.caption.startswith("6 Feb 2026, 14:00 UTC")
    assert (await ask("funding")).chart.kind == "funding"
    assert (await ask("basis")).chart is None  # one aggregate without venues makes no curve
    assert (await ask("liquidations")).chart is None


async def test_a_past_that_ended_shows_that_it_ended(ask) -> None:
    past = (await ask("history", metric="basis_90d_pct", window="7d")).chart.series[0]
    assert past.at[-1] == AT
    assert past.y[-1] is None
    assert past.y[-2] is not None
