"""Builders of charts: what they show is what the archive knows, and nothing is filled in."""

from array import array
from datetime import UTC, datetime, timedelta
from math import exp, log, pi, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commands import _charts as charts
from bot.commands import _option_charts as option_charts
from bot.domain.chain import OptionChain, PastSmile
from bot.domain.facts import ESTIMATES, Fact, Facts, Series
from bot.domain.instruments import Instrument
from bot.domain.judgement import Call
from bot.domain.posts import Profile
from bot.domain.readings import FutureQuote
from bot.domain.rulebook import Stance
from bot.domain.story import Memory
from bot.metrics import History
from tests.commentary.make import judged

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
PLAIN = Profile()


def series(metric: str, values: dict[int, float], venue: str | None = None, *, least: bool = False) -> Series:
    """Values by hours before AT."""
    rows = sorted(
        (int((AT - timedelta(hours=ago)).timestamp() * 1000), value) for ago, value in values.items()
    )
    return Series(
        metric=metric,
        asset="BTC",
        venue=venue,
        at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]),
        covers_s=array("q", [0] * len(rows)),
        lower_bound=array("b", [int(least)] * len(rows)),
    )


def facts(**values: float) -> Facts:
    names = {name.replace("__", "."): value for name, value in values.items()}
    known = {
        name: Fact(name=name, value=value, at=AT, venues=("deribit",), of_venues=1)
        for name, value in names.items()
    }
    return Facts(asset="BTC", at=AT, known=known)


def test_funding_has_a_line_a_venue_with_its_last_value_in_words(market) -> None:
    past = History.of(
        "BTC",
        [
            series("funding_annual_pct", {2: 3.0, 1: 2.0, 0: 1.5}, "deribit"),
            series("funding_annual_pct", {2: 2.0, 1: 1.0, 0: 0.5}, "okx"),
        ],
    )
    spec = charts.funding_chart(market, past, PLAIN)
    assert spec is not None
    assert [(column.label, column.text, column.y) for column in spec.series] == [
        ("Deribit", "1.5%", (3.0, 2.0, 1.5)),
        ("OKX", "0.5%", (2.0, 1.0, 0.5)),
    ]
    assert "Deribit 1.5%; OKX 0.5%" in spec.alt
    assert spec.caption == "6 Feb 2026, 14:00 UTC · Deribit, OKX"


def estimated(metric: str, values: dict[int, float]) -> Series:
    """Estimates of eight hours each, by the hours before AT at which they begin."""
    told = series(metric, values, ESTIMATES)
    return replace(told, covers_s=array("q", [8 * 3600] * len(told.at_ms)))


async def test_what_was_only_estimated_is_a_line_of_its_own_that_ends_where_readings_begin(market) -> None:
    readings = series("skew_60d_pct", dict.fromkeys(range(24), 10.0))
    guessed = estimated("skew_60d_pct", {40: 12.0, 32: 11.0, 24: 10.5, 16: 10.4, 8: 9.0})
    past = History.of("BTC", [readings, guessed])
    await market.keep_history("BTC", past)
    since = AT - timedelta(days=3)
    spec = await charts.history_chart(market, "BTC", "skew_60d_pct", since, PLAIN, heading="Skew", alt="Skew")
    assert spec is not None
    assert spec.estimated is not None
    # The one that ends after the first reading is none of it.
    assert spec.estimated.at == (AT - timedelta(hours=32), AT - timedelta(hours=24))
    assert spec.estimated.y == (12.0, 11.0)
    assert spec.caption.endswith(" · thin: estimated until 5 Feb 2026, 0.4 points above readings")
    plain = await charts.history_chart(
        market, "BTC", "skew_60d_pct", AT - timedelta(hours=12), PLAIN, heading="Skew", alt="Skew"
    )
    assert plain is not None
    assert (plain.estimated, "estimated" in plain.caption) == (None, False)


def test_funding_of_one_venue_is_no_comparison(market) -> None:
    past = History.of("BTC", [series("funding_annual_pct", {1: 2.0, 0: 1.5}, "deribit")])
    assert charts.funding_chart(market, past, PLAIN) is None


def test_a_stretch_without_readings_is_a_gap_in_the_line(market) -> None:
    past = History.of(
        "BTC",
        [series("funding_annual_pct", {30: 2.0, 29: 2.0, 1: 1.5, 0: 1.5}, v) for v in ("deribit", "okx")],
    )
    spec = charts.funding_chart(market, past, PLAIN)
    assert spec is not None
    assert spec.series[0].y == (2.0, 2.0, None, 1.5, 1.5)


def test_the_curve_leaves_out_a_venue_whose_reading_is_old(market) -> None:
    rows = [series(f"basis_{days}d_pct", {0: days / 30}, "deribit") for days in (30, 60)]
    past = History.of("BTC", [*rows, *(series(f"basis_{days}d_pct", {5: 9.0}, "okx") for days in (30, 60))])
    rates = charts.tenor_rates(past, market, {"30": "basis_30d_pct", "60": "basis_60d_pct"})
    spec = charts.curve_chart(market, "BTC", rates, PLAIN)
    assert spec is not None
    assert [(column.label, column.x, column.y) for column in spec.series] == [
        ("Deribit", (30.0, 60.0), (1.0, 2.0))
    ]
    assert "Deribit 1.0 (30 d), 2.0 (60 d)" in spec.alt
    assert spec.band is not None


def test_one_point_makes_no_curve(market) -> None:
    assert charts.curve_chart(market, "BTC", {"deribit": [(30.0, 2.0)]}, PLAIN) is None


def test_the_curve_by_expiry_is_the_yearly_rate_of_each_future(market) -> None:
    def quote(days: int, mark: float) -> FutureQuote:
        instrument = Instrument(
            venue="deribit",
            symbol=f"BTC-{days}",
            asset="BTC",
            kind="future",
            expires_at=AT + timedelta(days=days),
        )
        return FutureQuote(
            source="deribit", observed_at=AT, instrument=instrument, mark_usd=mark, index_usd=100.0
        )

    rates = charts.expiry_rates([quote(73, 101.0), quote(365, 105.0)])
    assert set(rates) == {"deribit"}
    assert [days for days, _ in rates["deribit"]] == [73.0, 365.0]
    assert [rate for _, rate in rates["deribit"]] == pytest.approx([5.0, 5.0])


WEEK = {
    "open_interest_usd": 35.8e9,
    "open_interest_usd__before_7d": 44.3e9,
    "open_interest_price_effect_7d_usd": -8.4e9,
    "open_interest_position_effect_7d_usd": -0.1e9,
}


def test_a_change_of_open_interest_is_split_into_parts_that_add_up(market) -> None:
    spec = charts.split_chart(market, History.empty("BTC"), facts(**WEEK), PLAIN)
    assert spec is not None
    assert [column.label for column in spec.series] == ["week ago", "price", "coins", "now"]
    values = [column.y[0] or 0.0 for column in spec.series]
    assert sum(values[:-1]) == pytest.approx(values[-1])
    assert "from $44.3 billion to $35.8 billion" in spec.alt
    assert "−$8.4 billion" in spec.alt
    assert spec.marks == ()


def test_what_inverse_contracts_made_untraded_is_a_line_of_its_own(market) -> None:
    known = facts(**WEEK | {"open_interest_inverse_effect_7d_usd": 2.24e9})
    spec = charts.split_chart(market, History.empty("BTC"), known, PLAIN)
    assert spec is not None
    assert [mark.label for mark in spec.marks] == [
        "Of the coins, inverse contracts gained $2.24B with nothing traded"
    ]
    assert spec.marks[0].label in spec.alt


def test_a_part_that_is_nothing_beside_the_whole_says_so(market) -> None:
    known = facts(
        **WEEK
        | {"open_interest_price_effect_7d_usd": -8.5e9 + 44, "open_interest_position_effect_7d_usd": -44.0}
    )
    spec = charts.split_chart(market, History.empty("BTC"), known, PLAIN)
    assert spec is not None
    assert [column.text for column in spec.series] == ["", "", "≈ $0", ""]


def test_the_lines_beside_the_split_change_by_what_the_text_tells(market) -> None:
    """The first reading inside the window is six hours into it: the change is counted from the window's beginning."""
    past = History.of("BTC", [series("open_interest_usd", {162: 44.0e9, 48: 38.0e9, 0: 35.8e9})])
    spec = charts.split_chart(market, past, facts(**WEEK), PLAIN)
    assert spec is not None
    line = next(column for column in spec.series if column.at)
    assert line.at[0] == AT - timedelta(days=7)
    assert line.y[0] == 44.3e9


def test_post_command_and_chart_split_open_interest_alike(market) -> None:
    """The sentence of a post, the cells of `/oi` and the chart's own words give one moment the same figures."""
    coins = {"open_interest_coin": 527_850.0, "open_interest_coin__change_7d_pct": 0.1}
    known = facts(**WEEK | coins | {"open_interest_usd__change_7d_pct": -19.19, "spot_usd": 67_820.0})
    verdict = judged(known)
    said = commentary.write(
        verdict=verdict,
        facts=known,
        book=market.playbook.rules,
        bank=market.bank(PLAIN),
        memory=Memory(),
        length="embed",
        at=AT,
    )
    told = {
        span.origin.ref: span.text
        for text in said.texts
        for span in text.spans
        if span.origin.ref.startswith("open_interest_") and span.filter == "usd"
    }
    chart = charts.split_chart(market, History.empty("BTC"), known, PLAIN)
    assert chart is not None
    assert told["open_interest_usd"] == "$35.8 billion"
    for name, shown in told.items():
        assert market.figure(name, known, PLAIN).text == shown
        assert shown in chart.alt
    for name in ("open_interest_price_effect_7d_usd", "open_interest_position_effect_7d_usd"):
        assert market.figure(name, known, PLAIN).text in chart.alt


def test_what_came_or_went_with_venues_has_a_bar_of_its_own(market) -> None:
    spec = charts.split_chart(
        market, History.empty("BTC"), facts(**WEEK | {"open_interest_usd": 37.8e9}), PLAIN
    )
    assert spec is not None
    assert list(spec.series[3].y) == pytest.approx([2.0e9])
    assert sum(column.y[0] or 0.0 for column in spec.series[:-1]) == pytest.approx(37.8e9)


@pytest.mark.parametrize("name", WEEK)
def test_a_split_with_a_part_unknown_is_not_drawn(market, name: str) -> None:
    known = {other: value for other, value in WEEK.items() if other != name}
    assert charts.split_chart(market, History.empty("BTC"), facts(**known), PLAIN) is None


def test_liquidations_stand_in_the_hour_that_they_were_counted_for(market) -> None:
    past = History.of(
        "BTC",
        [series("liquidations_1h_long_usd", {0: 5e6, 3: 2e6}), series("liquidations_1h_short_usd", {0: 1e6})],
    )
    spec = charts.liquidations_chart(market, past, PLAIN)
    assert spec is not None
    shorts, longs = spec.series
    assert (shorts.label, longs.label) == ("shorts", "longs")
    told = {at.hour: value for at, value in zip(longs.at, longs.y, strict=True) if value is not None}
    assert told == {13: 5e6, 10: 2e6}
    assert len(longs.y) == 24
    assert "longs $5 million" in spec.alt
    assert "Hours not heard: 22" in spec.alt


def test_liquidations_that_may_be_more_say_at_least(market) -> None:
    told = [series("liquidations_1h_long_usd", {0: 5e6}, least=True)]
    spec = charts.liquidations_chart(market, History.of("BTC", told), PLAIN)
    assert spec is not None
    assert spec.caption.endswith("at least")


def test_no_tally_no_chart(market) -> None:
    assert charts.liquidations_chart(market, History.empty("BTC"), PLAIN) is None


async def test_a_stance_is_marked_where_it_changes_and_reaches_in_from_before(market, archive) -> None:
    taken: tuple[tuple[int, Stance], ...] = (
        (60, "neutral"),
        (30, "bearish"),
        (20, "bearish"),
        (10, "unclear"),
    )
    archive.states.taken = [Call(at=AT - timedelta(hours=ago), stance=stance) for ago, stance in taken]
    marks = await charts.stances(market, "BTC", AT - timedelta(hours=40), PLAIN)
    assert [(mark.kind, mark.label, mark.at) for mark in marks] == [
        ("neutral", "neutral", AT - timedelta(hours=60)),
        ("bearish", "caution", AT - timedelta(hours=30)),
        ("unclear", "unclear", AT - timedelta(hours=10)),
    ]
    later = await charts.stances(market, "BTC", AT - timedelta(hours=15), PLAIN)
    assert [mark.kind for mark in later] == ["bearish", "unclear"]


async def test_a_history_stands_below_the_price_of_its_time_and_the_price_below_nothing(ask) -> None:
    spec = (await ask("history", metric="skew_60d_pct", window="7d")).chart
    assert spec.price is not None
    assert spec.price.at[-1] == AT
    assert spec.price.y[-1] == pytest.approx(67_800.0)
    assert (await ask("price")).chart.price is None


async def test_liquidations_are_drawn_over_the_window_that_was_asked_for(market, archive) -> None:
    past = History.of("BTC", [series("liquidations_1h_long_usd", {100: 5e6, 0: 5e6})])
    spec = charts.liquidations_chart(market, past, PLAIN, window="5d")
    assert spec is not None
    assert len(spec.series[0].at) == 120
    assert "five days" in spec.title


def test_one_expiry_of_two_contracts_is_one_point(market) -> None:
    rates = charts._one_an_expiry([(49.0, 1.0), (49.001, 3.0), (140.0, 2.5)])
    assert rates == [(49.0, 2.0), (140.0, 2.5)]


def chain(*, leave_out: float = 0.0) -> OptionChain:
    """One expiry in 60 days around a forward of 100,000: puts at 60%, calls at 50%."""
    strikes = [float(k) for k in range(60_000, 160_000, 5_000) if k != leave_out]
    rows = [(k, call) for k in strikes for call in (False, True)]
    at_ms = int(AT.timestamp() * 1000)
    count = len(rows)
    return OptionChain(
        source="deribit",
        venue="deribit",
        asset="BTC",
        observed_at=AT,
        expires_ms=np.full(count, at_ms + 60 * 86_400_000, np.int64),
        strike_usd=np.array([k for k, _ in rows]),
        is_call=np.array([call for _, call in rows]),
        forward_usd=np.full(count, 100_000.0),
        mark_iv_pct=np.array([50.0 if call else 60.0 for _, call in rows]),
        open_interest_coin=np.ones(count),
        volume_24h_coin=np.ones(count),
        row_ms=np.full(count, at_ms, np.int64),
    )


def test_a_smile_marks_its_25_delta_points_and_the_money(market) -> None:
    spec = option_charts.smile_chart(market, chain(), 60, PLAIN)
    assert spec is not None
    assert [mark.label for mark in spec.marks] == ["25Δ put 60.0%", "ATM 55.0%", "25Δ call 50.0%", "forward"]
    put, money, call, forward = (mark.x for mark in spec.marks)
    assert money == forward == 100_000.0
    assert put is not None
    assert call is not None
    assert put < 100_000.0 < call
    assert "25Δ put 60.0%; ATM 55.0%; 25Δ call 50.0%" in spec.alt
    assert len(spec.series[0].x) == len(set(spec.series[0].x))


def test_last_weeks_smile_stands_behind_todays_with_its_day(market) -> None:
    past = PastSmile(
        venue="deribit",
        at=AT - timedelta(days=7),
        expires_ms=0,
        strikes_usd=(90_000.0, 110_000.0),
        iv_pct=(48.0, 44.0),
    )
    spec = option_charts.smile_chart(market, chain(), 60, PLAIN, past)
    assert spec is not None
    assert [(column.label, column.past) for column in spec.series] == [("now", False), ("30 Jan", True)]
    assert spec.series[1].y == (48.0, 44.0)


def test_a_smile_without_options_is_not_drawn(market) -> None:
    whole = chain()
    none = {
        name: getattr(whole, name)[:0]
        for name in (
            "expires_ms",
            "strike_usd",
            "is_call",
            "forward_usd",
            "mark_iv_pct",
            "open_interest_coin",
            "volume_24h_coin",
            "row_ms",
        )
    }
    empty = OptionChain(source="deribit", venue="deribit", asset="BTC", observed_at=AT, **none)
    assert option_charts.smile_chart(market, empty, 60, PLAIN) is None


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


def test_the_skew_along_its_tenors_stands_beside_that_of_a_week_ago(market) -> None:
    known = facts(
        skew_30d_pct=24.0, skew_60d_pct=20.0, skew_30d_pct__before_7d=8.9, skew_60d_pct__before_7d=8.4
    )
    tenors = {"30": "skew_30d_pct", "60": "skew_60d_pct", "90": "skew_90d_pct"}
    spec = option_charts.term_chart(market, known, tenors, PLAIN)
    assert spec is not None
    assert [(column.x, column.y, column.past) for column in spec.series] == [
        ((30.0, 60.0), (24.0, 20.0), False),
        ((30.0, 60.0), (8.9, 8.4), True),
    ]
    assert {(mark.x, mark.y) for mark in spec.marks if mark.x == 60.0} == {(60.0, -6.0), (60.0, 6.0)}
    assert "30 d 24.0; 60 d 20.0" in spec.alt
    assert option_charts.term_chart(market, facts(skew_60d_pct=20.0), tenors, PLAIN) is None


def test_what_is_expected_is_spot_times_e_to_the_volatility(market) -> None:
    known = facts(spot_usd=100_000.0, atm_iv_30d_pct=50.0, atm_iv_90d_pct=60.0)
    spec = option_charts.move_chart(market, History.empty("BTC"), known, PLAIN)
    assert spec is not None
    tops = {mark.at: mark.y for mark in spec.marks if (mark.y or 0.0) > 100_000.0}
    assert tops == {
        AT + timedelta(days=30): pytest.approx(100_000.0 * exp(0.5 * sqrt(30 / 365))),
        AT + timedelta(days=90): pytest.approx(100_000.0 * exp(0.6 * sqrt(90 / 365))),
    }
    upper, lower, wide, _ = spec.series
    assert upper.y[0] == lower.y[0] == 100_000.0
    half_way = upper.y[upper.at.index(AT + timedelta(days=60))]
    variance = (0.25 * 30 / 365 + 0.36 * 90 / 365) / 2
    assert half_way == pytest.approx(100_000.0 * exp(sqrt(variance)))
    assert wide.y[-1] == pytest.approx(100_000.0 * exp(2 * 0.6 * sqrt(90 / 365)))
    assert option_charts.move_chart(market, History.empty("BTC"), facts(spot_usd=1.0), PLAIN) is None


def test_gamma_of_one_strike_is_blacks(market) -> None:
    """60 days, 100,000 of forward and strike, settled in coins: (N'(σ√T/2) / (F σ √T) - Δ/F + V/F²) x S² x 1%."""
    spec = option_charts.gamma_chart(market, chain(), 100_000.0, PLAIN)
    assert spec is not None
    calls, puts = spec.series
    years = 60 / 365

    def black(volatility: float, *, is_call: bool) -> float:
        deviation = volatility * sqrt(years)
        above = NormalDist().cdf(deviation / 2)
        gamma = exp(-((deviation / 2) ** 2) / 2) / sqrt(2 * pi) / (100_000.0 * deviation)
        gamma += (2 * above - 1 - (above - (not is_call))) / 100_000.0
        return gamma * 100_000.0**2 * 0.01

    place = calls.x.index(100_000.0)
    assert calls.y[place] == pytest.approx(black(0.5, is_call=True))
    assert puts.y[place] == pytest.approx(black(0.6, is_call=False))
    assert max(calls.x) <= 130_000.0


def test_what_is_open_by_expiry_is_in_dollars_at_spot(market) -> None:
    spec = option_charts.expiries_chart(market, chain(), 50_000.0, PLAIN)
    assert spec is not None
    calls, puts, pain = spec.series
    assert calls.at == (AT + timedelta(days=60),)
    assert calls.y == puts.y == (20 * 50_000.0,)
    assert pain.y == (105_000.0,) or pain.y == (110_000.0,)


def test_realized_volatility_is_that_of_daily_returns(market) -> None:
    spots = {24 * day: 100.0 * 1.02 ** (day % 2) for day in range(100)}
    past = History.of(
        "BTC", [series("spot_usd", spots), series("dvol", {24 * day: 40.0 for day in range(60)})]
    )
    spec = option_charts.volatility_chart(market, past, facts(dvol=40.0), PLAIN)
    assert spec is not None
    implied, came = spec.series
    assert implied.y[-1] == 40.0
    assert came.y[-1] == pytest.approx(log(1.02) * 100 * sqrt(365), rel=0.02)
