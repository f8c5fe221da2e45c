"""The tape is data, and what it states can be read back from the replies by anybody's arithmetic."""

import asyncio
import json
import math
import random
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.kept import forget_the_day
from bot.domain.readings import SeriesReading, VolatilityQuote
from bot.errors import ConfigError
from bot.sources._http import Http
from bot.sources._tape import Tape, TapeTransport, parse
from bot.sources._tape_market import future_expiries, futures_on_curve, option_expiries
from bot.sources._tape_table import WAVE_HOURS, own_moment, wave
from bot.sources.deribit import Deribit

FOLDER = Path(__file__).resolve().parents[2] / "config" / "tapes" / "february-2026"
API = "https://www.deribit.com/api/v2/public/"
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
AFTERNOON = datetime(2026, 2, 6, 14, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 7, tzinfo=UTC)
TENORS = (7, 30, 60, 90)


def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}


@cache
def played() -> Tape:
    return parse(texts())


@pytest.fixture
def tape() -> Tape:
    return played()


_asked: dict[tuple[int, tuple[str, ...]], tuple[Tape, list[datetime], TapeTransport]] = {}


def standing(tape: Tape, now: datetime, venues: tuple[str, ...]) -> TapeTransport:
    """A tape's transport at a time, one for all times that are asked for: to work its courses out takes longer than a
    reply."""
    key = id(tape), venues
    if key not in _asked:
        clock = [now]
        _asked[key] = tape, clock, TapeTransport(tape, lambda: clock[0], venues=venues)
    _, moved, transport = _asked[key]
    moved[0] = now
    return transport


def respond(
    tape: Tape, now: datetime, method: str, venues: Sequence[str] = ("deribit",), **params: object
) -> httpx.Response:
    """One reply, asked for as any client would."""
    transport = standing(tape, now, tuple(venues))
    request = httpx.Request("GET", API + method, params={name: str(value) for name, value in params.items()})
    return run(transport.handle_async_request(request))


def run(task: Any) -> Any:
    """The outcome of a coroutine that never waits for anything."""
    try:
        task.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the tape waited for something")


def result(tape: Tape, now: datetime, method: str, **params: Any) -> Any:
    response = respond(tape, now, method, **params)
    assert response.status_code == 200
    return json.loads(response.content)["result"]


def rows(tape: Tape, now: datetime, kind: str, currency: str = "BTC", **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result(
        tape, now, "get_book_summary_by_currency", currency=currency, kind=kind, **params
    )
    return found


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def expires_at(name: str) -> datetime:
    day, month, year = re.fullmatch(r"\w+-(\d+)([A-Z]{3})(\d\d)(?:-.*)?", name).groups()  # type: ignore[union-attr]
    return datetime(2000 + int(year), MONTHS.index(month) + 1, int(day), 8, tzinfo=UTC)


def line(x: float, points: list[tuple[float, float]]) -> float:
    """Linear between neighbors, never beyond the ends."""
    for (x0, y0), (x1, y1) in pairwise(sorted(points)):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise AssertionError(f"{x} is beyond {points}")


def skews(options: list[dict[str, Any]], now: datetime) -> dict[int, tuple[float, float]]:
    """By tenor: the skew in % of the at-the-money volatility, and that volatility; plain textbook
    arithmetic."""
    by_expiry: dict[datetime, list[tuple[float, float, float]]] = {}
    for row in options:
        if row["mark_iv"] is None:  # listed, not quoted
            continue
        expiry = expires_at(row["instrument_name"])
        years = (expiry - now) / timedelta(days=365)
        log = math.log(float(row["instrument_name"].split("-")[2]) / row["underlying_price"])
        width = row["mark_iv"] / 100 * math.sqrt(years)
        delta = NormalDist().cdf(-log / width + width / 2) - (row["instrument_name"][-1] == "P")
        by_expiry.setdefault(expiry, []).append((delta, log, row["mark_iv"]))
    legs: list[tuple[float, float, float, float]] = []
    for expiry, found in by_expiry.items():
        put = line(-0.25, [(delta, volatility) for delta, _, volatility in found if delta < 0])
        call = line(0.25, [(delta, volatility) for delta, _, volatility in found if delta > 0])
        atm = line(0, sorted({(log, volatility) for _, log, volatility in found}))
        legs.append(((expiry - now) / timedelta(days=1), put, call, atm))
    read = {}
    for tenor in TENORS:
        put, call, atm = (
            math.sqrt(line(tenor, [(leg[0], leg[n] ** 2 * leg[0]) for leg in legs]) / tenor)
            for n in (1, 2, 3)
        )
        read[tenor] = ((put - call) / atm * 100, atm)
    return read


def basis(futures: list[dict[str, Any]], now: datetime) -> dict[int, float]:
    rates = []
    for row in futures:
        if row["instrument_name"].endswith("PERPETUAL"):
            continue
        days = (expires_at(row["instrument_name"]) - now) / timedelta(days=1)
        if days >= 7:
            rates.append((days, (row["mark_price"] / row["estimated_delivery_price"] - 1) * 365 / days * 100))
    return {tenor: line(tenor, rates) for tenor in (30, 60, 90)}


def chart(
    tape: Tape, now: datetime, since: datetime, until: datetime, resolution: str = "60"
) -> dict[str, Any]:
    found: dict[str, Any] = result(
        tape,
        now,
        "get_tradingview_chart_data",
        instrument_name="BTC-PERPETUAL",
        start_timestamp=ms(since),
        end_timestamp=ms(until),
        resolution=resolution,
    )
    return found


def test_the_tape_has_a_year_before_it_and_at_most_ninety_moments(tape: Tape) -> None:
    assert 365 <= len(tape.lead_in) <= 380
    assert len(tape.moments) <= 90
    assert (tape.starts_at, tape.ends_at) == (
        datetime(2026, 1, 28, tzinfo=UTC),
        datetime(2026, 2, 8, 18, tzinfo=UTC),
    )
    steps = {(before.at.date(), after.at - before.at) for before, after in pairwise(tape.moments)}
    assert {step for day, step in steps if day.month == 2 and day.day in (5, 6)} == {timedelta(hours=1)}
    assert {step for day, step in steps if day.month == 1 or day.day not in (5, 6)} == {timedelta(hours=6)}


def test_it_posts_every_noon_and_at_the_two_hours_of_the_story(tape: Tape) -> None:
    noons = [at for at in tape.post_times if at.hour == 12]
    assert len(noons) == 12
    assert set(tape.post_times) - set(noons) == {AFTERNOON, MIDNIGHT}
    assert all(tape.moment_at(at).at == at for at in tape.post_times)  # type: ignore[union-attr]


def test_it_says_that_it_is_a_reconstruction_and_where_each_column_is_from() -> None:
    assert "RECONSTRUCTION" in texts()["tape.toml"]
    columns = texts()["moments.csv"].splitlines()[3].split(",")[1:]
    sources = texts()["tape.toml"].partition("[sources]")[2]
    for column in columns:
        stem = re.sub(r"_\d+d_", "_60d_", column).replace("low_usd", "high_usd")
        assert stem in sources or "atm_iv" in column, column


@pytest.mark.parametrize(
    ("at", "index_usd", "dollars"),
    [
        (datetime(2026, 1, 30, 12, tzinfo=UTC), 83_925, 44.3),
        (AFTERNOON, 67_820, 35.8),
        (MIDNIGHT, 71_500, 37.7),
    ],
)
def test_open_interest_is_the_stated_coins_at_the_index(
    tape: Tape, at: datetime, index_usd: float, dollars: float
) -> None:
    assert result(tape, at, "get_index_price", index_name="btc_usd")["index_price"] == index_usd
    total_usd = sum(row["open_interest"] for row in rows(tape, at, "future"))
    assert total_usd / index_usd == pytest.approx(527_850, abs=0.001)
    assert round(total_usd / 1e9, 1) == dollars


@pytest.mark.parametrize("currency", ["BTC", "ETH"])
def test_skew_volatility_and_basis_can_be_read_back_from_the_replies(tape: Tape, currency: str) -> None:
    factor = tape.assets[currency].volatility
    for stated in tape.moments[::9]:
        moment = own_moment(stated, tape.assets[currency])
        read = skews(rows(tape, moment.at, "option", currency), moment.at)
        for tenor, skew_pct, atm_iv_pct in zip(TENORS, moment.skew_pct, moment.atm_iv_pct, strict=True):
            assert read[tenor][0] == pytest.approx(skew_pct, abs=0.02)
            assert read[tenor][1] == pytest.approx(atm_iv_pct * factor, abs=0.02)
        rates = basis(rows(tape, moment.at, "future", currency), moment.at)
        assert list(rates.values()) == pytest.approx(list(moment.basis_pct), abs=0.02)


def test_the_afternoon_and_the_end_of_the_day_have_skew_twenty_and_basis_two(tape: Tape) -> None:
    for at in (AFTERNOON, MIDNIGHT):
        assert skews(rows(tape, at, "option"), at)[60][0] == pytest.approx(20, abs=0.02)
        assert basis(rows(tape, at, "future"), at)[60] == pytest.approx(2, abs=0.01)


def test_what_no_source_fixes_moves_and_what_one_fixes_stands(tape: Tape) -> None:
    noons = [moment for moment in tape.moments if moment.at.hour == 12]
    coins = [moment.open_interest_coin for moment in noons]
    assert len(set(coins)) == len(coins)
    assert max(abs(one / 527_850 - 1) for one in coins) < 0.013
    quiet = [moment for moment in tape.moments if MIDNIGHT - timedelta(hours=18) <= moment.at <= MIDNIGHT]
    assert len({moment.skew_pct[2] for moment in quiet}) > 12
    assert all(18.8 <= moment.skew_pct[2] <= 21.2 for moment in quiet)
    week_before = tape.moment_at(MIDNIGHT - timedelta(days=7))
    for at in (AFTERNOON, MIDNIGHT):
        moment = tape.moment_at(at)
        assert moment is not None
        assert week_before is not None
        assert moment.open_interest_coin == week_before.open_interest_coin == 527_850
        assert (moment.skew_pct[2], moment.basis_pct[1], moment.put_call_ratio) == (20, 2, 0.54)


def test_the_year_before_has_the_stated_quantiles(tape: Tape) -> None:
    year = tape.lead_in[-365:]
    skew = sorted(day.skew_60d_pct for day in year)
    basis = sorted(day.basis_60d_pct for day in year)
    for share, skew_pct, basis_pct in ((0.2, 5, 4.4), (0.5, 6, 5), (0.8, 7.5, 6)):
        assert skew[round(share * 364)] == pytest.approx(skew_pct, abs=0.1)
        assert basis[round(share * 364)] == pytest.approx(basis_pct, abs=0.1)
    assert "DRAWN" in texts()["lead-in.csv"]
    worst = max(tape.liquidations, key=lambda day: day.longs_usd + day.shorts_usd)
    assert (worst.day, worst.longs_usd + worst.shorts_usd) == tape.record_liquidations


@given(
    st.text(max_size=12),
    st.integers(0, 17_520).map(lambda hours: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
)
def test_a_wave_is_that_of_the_phases_drawn_from_its_name(name: str, at: datetime) -> None:
    drawn, hours = random.Random(name), at.timestamp() / 3600
    sines = [math.sin(math.tau * (hours / period + drawn.random())) for period in WAVE_HOURS]
    assert wave(name, at) == wave(name, at) == math.fsum(sines) / len(sines)


def test_every_asset_goes_through_the_course_as_its_own(tape: Tape) -> None:
    assert tape.course_of(tape.assets["BTC"]) == tape.course
    ether = tape.assets["ETH"]
    assert tape.course_of(ether) == tuple(own_moment(moment, ether) for moment in tape.course)
    assert tape.course_of(ether) != tape.course


def test_the_derived_asset_has_a_shape_of_its_own(tape: Tape) -> None:
    own = [own_moment(moment, tape.assets["ETH"]) for moment in tape.moments]
    for of in (
        lambda moment: moment.skew_pct[2],
        lambda moment: moment.basis_pct[1],
        lambda moment: moment.funding_8h_pct,
        lambda moment: moment.put_call_ratio,
        lambda moment: moment.open_interest_coin,
    ):
        ratios = {
            round(of(mine) / of(theirs), 3)
            for mine, theirs in zip(own, tape.moments, strict=True)
            if of(theirs)
        }
        assert len(ratios) > 20
    assert own_moment(tape.moments[0], tape.assets["BTC"]) is tape.moments[0]


def test_three_changed_figures_change_the_replies() -> None:
    files = texts()
    header = files["tape.toml"]
    for old, new in (
        ("low_usd = 60_150.0", "low_usd = 66_000"),
        ("60d_pct = 20.0", "60d_pct = 3"),
        ("60d_pct = 2.0", "60d_pct = 12"),
    ):
        assert header.count(old) == 1
        header = header.replace(old, new)
    changed = parse({**files, "tape.toml": header})
    read = skews(rows(changed, AFTERNOON, "option"), AFTERNOON)
    assert read[60][0] == pytest.approx(3, abs=0.02)
    assert 0 < read[90][0] < read[60][0] < read[30][0] < read[7][0] < 6
    assert basis(rows(changed, MIDNIGHT, "future"), MIDNIGHT)[60] == pytest.approx(12, abs=0.02)
    assert min(chart(changed, MIDNIGHT, MIDNIGHT - timedelta(days=30), MIDNIGHT)["low"]) == 66_000
    assert result(changed, MIDNIGHT, "get_index_price", index_name="btc_usd")["index_price"] == 71_500


def test_the_low_falls_in_the_first_hour_of_the_sixth_and_nobody_knows_it_before(tape: Tape) -> None:
    midnight = datetime(2026, 2, 6, tzinfo=UTC)
    before = chart(tape, midnight, midnight - timedelta(days=30), midnight)
    assert min(before["low"]) > 62_000
    after = chart(
        tape, midnight + timedelta(hours=1), midnight - timedelta(days=30), midnight + timedelta(hours=1)
    )
    lowest = min(zip(after["low"], after["ticks"], strict=True))
    assert lowest == (60_150, ms(midnight))


def test_hours_join_and_keep_the_stated_extremes(tape: Tape) -> None:
    bars = chart(tape, tape.ends_at, tape.starts_at - timedelta(days=89), tape.ends_at)
    assert all(later - earlier == 3_600_000 for earlier, later in pairwise(bars["ticks"]))
    assert bars["open"][1:] == bars["close"][:-1]
    for opened, high, low, close in zip(bars["open"], bars["high"], bars["low"], bars["close"], strict=True):
        assert low <= min(opened, close) <= max(opened, close) <= high
    assert bars["close"][-1] == tape.moments[-1].index_usd


def test_days_before_the_tape_come_back_as_they_were_written(tape: Tape) -> None:
    since = datetime(2025, 11, 1, tzinfo=UTC)
    days = chart(tape, tape.starts_at, since, tape.starts_at - timedelta(days=1), "1D")
    written = [day for day in tape.lead_in if day.day >= since.date()]
    assert days["close"] == [day.close_usd for day in written]
    assert days["low"][-20:] == [day.low_usd for day in written][-20:]
    assert days["high"][-20:] == [day.high_usd for day in written][-20:]


def test_dvol_of_the_fifth_is_the_published_close(tape: Tape) -> None:
    days = result(
        tape,
        tape.ends_at,
        "get_volatility_index_data",
        currency="BTC",
        start_timestamp=ms(tape.starts_at - timedelta(days=1)),
        end_timestamp=ms(tape.ends_at),
        resolution="1D",
    )["data"]
    closes = {datetime.fromtimestamp(start / 1000, UTC).strftime("%m-%d"): close for start, *_, close in days}
    assert closes["01-27"] == 38.2
    assert closes["02-05"] == 82.62
    assert closes["02-07"] == 59.35


def test_funding_history_is_a_fraction_by_the_hour(tape: Tape) -> None:
    found = result(
        tape,
        AFTERNOON,
        "get_funding_rate_history",
        instrument_name="BTC-PERPETUAL",
        start_timestamp=ms(AFTERNOON - timedelta(hours=10)),
        end_timestamp=ms(AFTERNOON),
    )
    assert [row["timestamp"] for row in found] == [
        ms(AFTERNOON - timedelta(hours=back)) for back in range(10, -1, -1)
    ]
    assert found[-1]["interest_8h"] == pytest.approx(-0.000105)
    perpetual = next(
        row for row in rows(tape, AFTERNOON, "future") if row["instrument_name"] == "BTC-PERPETUAL"
    )
    assert perpetual["funding_8h"] == found[-1]["interest_8h"]


def test_the_chain_is_listed_like_the_venue_lists_it(tape: Tape) -> None:
    options = rows(tape, AFTERNOON, "option")
    days = sorted({expires_at(row["instrument_name"]) for row in options})
    assert [f"{day:%d %b}" for day in days] == [
        "07 Feb",
        "08 Feb",
        "09 Feb",
        "10 Feb",
        "13 Feb",
        "20 Feb",
        "27 Feb",
        "27 Mar",
        "24 Apr",
        "26 Jun",
        "25 Sep",
        "25 Dec",
    ]
    assert any(row["instrument_name"].startswith("BTC-7FEB26-") for row in options)
    assert len({row["instrument_name"] for row in options}) == len(options)
    quoted = [row for row in options if row["mark_iv"] is not None]
    assert len(quoted) == 12 * 32 * 2
    assert {row["open_interest"] for row in options if row["mark_iv"] is None} == {0.0}
    assert {row["creation_timestamp"] for row in options} == {ms(AFTERNOON)}
    calls = sum(row["open_interest"] for row in options if row["instrument_name"].endswith("C"))
    puts = sum(row["open_interest"] for row in options if row["instrument_name"].endswith("P"))
    assert puts / calls == pytest.approx(0.54, abs=1e-5)
    assert calls + puts == pytest.approx(296_700, abs=0.1)
    assert any(row["bid_price"] is None for row in options)


def test_the_derived_asset_is_the_first_times_a_factor_and_says_synthetic(tape: Tape) -> None:
    factors = tape.assets["ETH"]
    assert "synthetic" in factors.note
    assert tape.assets["BTC"].note == ""
    price = result(tape, AFTERNOON, "get_index_price", index_name="eth_usd")["index_price"]
    assert price == pytest.approx(67_820 * factors.price)
    total_usd = sum(row["open_interest"] for row in rows(tape, AFTERNOON, "future", "ETH"))
    own = own_moment(tape.moment_at(AFTERNOON), factors).open_interest_coin  # type: ignore[arg-type]
    assert total_usd / price == pytest.approx(own * factors.coins, abs=0.01)
    assert own != 527_850


def test_the_same_moment_gives_the_same_bytes(tape: Tape) -> None:
    one, other = (
        respond(parse(texts()), AFTERNOON, "get_book_summary_by_currency", currency="ETH", kind="option")
        for _ in range(2)
    )
    assert one.content == other.content
    assert one.headers["date"] == other.headers["date"]


def test_between_moments_the_server_has_its_own_time_and_the_rows_have_the_moments(tape: Tape) -> None:
    now = AFTERNOON + timedelta(minutes=20)
    response = respond(tape, now, "get_book_summary_by_currency", currency="BTC", kind="future")
    assert parsedate_to_datetime(response.headers["date"]) == now
    reply = json.loads(response.content)
    assert reply["usOut"] == ms(now) * 1000
    assert {row["creation_timestamp"] for row in reply["result"]} == {ms(AFTERNOON)}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("get_everything", {}, -32601),
        ("get_index_price", {"index_name": "doge_usd"}, -32602),
        ("get_book_summary_by_currency", {"currency": "BTC", "kind": "spot"}, -32602),
        ("get_tradingview_chart_data", {"instrument_name": "BTC-PERPETUAL", "resolution": "1"}, -32602),
        (
            "get_volatility_index_data",
            {"currency": "BTC", "resolution": "1D", "start_timestamp": "x"},
            -32602,
        ),
    ],
)
def test_what_the_venue_would_refuse_is_refused(
    tape: Tape, method: str, params: Mapping[str, str], code: int
) -> None:
    response = respond(tape, AFTERNOON, method, **params)
    assert response.status_code == 400
    assert json.loads(response.content)["error"]["code"] == code


def test_a_host_that_is_not_on_the_tape_or_switched_off_cannot_be_reached(tape: Tape) -> None:
    transport = TapeTransport(tape, lambda: AFTERNOON)
    for host in ("example.org", "api.bybit.com"):
        with pytest.raises(httpx.ConnectError, match=host):
            run(transport.handle_async_request(httpx.Request("GET", f"https://{host}/")))


def test_before_the_tape_begins_the_venue_is_not_there_yet(tape: Tape) -> None:
    early = respond(tape, tape.starts_at - timedelta(seconds=1), "get_index_price", index_name="btc_usd")
    assert early.status_code == 503


def test_with_other_venues_on_deribit_carries_the_rest(tape: Tape) -> None:
    futures = rows(tape, AFTERNOON, "future", venues=("deribit", "bybit", "okx"))
    coins = sum(row["open_interest"] for row in futures) / 67_820
    assert coins == pytest.approx(527_850 * (1 - tape.shares["bybit"] - tape.shares["okx"]), abs=0.001)
    ether = replace(tape.assets["ETH"], absent=frozenset({"kraken"}))
    elsewhere = replace(tape, assets={**tape.assets, "ETH": ether})
    synthetic = rows(elsewhere, AFTERNOON, "future", "ETH", venues=("deribit", "kraken"))
    own = own_moment(tape.moment_at(AFTERNOON), ether).open_interest_coin  # type: ignore[arg-type]
    assert sum(row["open_interest"] for row in synthetic) / (67_820 * 0.03) == pytest.approx(
        own * 25, abs=0.1
    )


def test_the_source_for_live_data_reads_the_tape_without_a_gap(tape: Tape) -> None:
    async def poll() -> tuple[Any, Sequence[SeriesReading]]:
        async with Http(now=lambda: AFTERNOON, transport=TapeTransport(tape, lambda: AFTERNOON)) as http:
            source = Deribit(http)
            heard = await source.poll("BTC", AFTERNOON)
            return heard, await source.backfill("BTC", AFTERNOON - timedelta(days=60), AFTERNOON)

    heard, past = asyncio.run(poll())
    assert heard.gaps == ()
    assert [reading.dvol for reading in heard.readings if isinstance(reading, VolatilityQuote)] == [64.1]
    lows = [value for series in past if series.metric == "spot_low_usd" for value in series.value]
    assert len(lows) == 60 * 24
    assert min(lows) == 60_150


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6 * 365 * 24))
def test_whatever_the_day_every_tenor_lies_between_two_expiries(hours: int) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    options = [(expiry - at) / timedelta(days=1) for expiry in option_expiries(at)]
    assert options == sorted(options)
    assert 0 < options[0] <= 1
    assert options[-1] > 90
    moment = replace(played().moments[0], at=at)
    futures = [
        future.days for future in futures_on_curve(moment, 90_000.0, future_expiries(at)) if future.days >= 7
    ]
    assert futures[0] <= 30 < 90 < futures[-1]


# File, what stands there, what is put there, and what the problem says.
SLIPS = [
    (
        "moments.csv",
        "2026-01-28T06:00Z,89300",
        "2026-01-28T06:00Z,much",
        "moments.csv: 2026-01-28T06:00Z index_usd: 'much'",
    ),
    ("moments.csv", "2026-01-28T06:00Z,89300", "2026-01-28T06:00Z,-5", "index_usd: -5 is outside"),
    ("moments.csv", "2026-01-28T06:00Z,89300", "2026-01-28T06:00Z,nan", "index_usd: 'nan' is not a number"),
    ("moments.csv", "2026-01-28T06:00Z,", "2026-01-28T06:30Z,", "must be in UTC (Z) and on the hour"),
    ("moments.csv", "2026-01-28T06:00Z,", "2026-01-29T06:00Z,", "must be later than the row before"),
    ("moments.csv", "2026-01-28T06:00Z,", "soon,", "soon at: 'soon' is not a time"),
    ("moments.csv", "=low_usd", "=lowest", "low_usd: 'lowest' is not one of [figures]"),
    ("moments.csv", "at,index_usd", "at,price", "first line: columns must be at,index_usd"),
    ("moments.csv", ",38.15,", ",38.15,,", "21 cells, 20 wanted"),
    ("lead-in.csv", "2025-11-01,", "2025-11-05,", "days must follow each other"),
    (
        "lead-in.csv",
        "2025-11-01,110600,109350,110050",
        "2025-11-01,110600,109350,99000",
        "2025-11-01 close_usd",
    ),
    ("tape.toml", "daily_post = ", "daily = ", "daily_post"),
    ("tape.toml", "bybit = 0.18", "bybit = 0.9", "shares: their sum must be below 1"),
    ("tape.toml", "reconstruction = true", "reconstruction = false", "reconstruction"),
    ("tape.toml", "[figures]", "[figures", "not TOML"),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), SLIPS)
def test_a_slip_is_refused_with_its_file_row_and_column(file: str, old: str, new: str, said: str) -> None:
    files = texts()
    assert files[file].count(old) >= 1
    with pytest.raises(ConfigError, match=re.escape(said)):
        parse({**files, file: files[file].replace(old, new, 1)})


def test_all_slips_are_told_at_once() -> None:
    files = texts()
    files["moments.csv"] = files["moments.csv"].replace("89300", "x").replace("Z,90600", "Z,y")
    files["lead-in.csv"] = files["lead-in.csv"].replace(
        "2025-11-01,110600,109350,110050", "2025-11-01,110600,109350,z"
    )
    with pytest.raises(ConfigError) as refused:
        parse(files)
    assert [problem.file for problem in refused.value.problems] == [
        "moments.csv",
        "moments.csv",
        "lead-in.csv",
    ]
    with pytest.raises(ConfigError, match=r"lead-in\.csv: missing"):
        parse({"tape.toml": files["tape.toml"], "moments.csv": files["moments.csv"]})


def test_no_option_is_withdrawn_before_its_expiry(tape: Tape) -> None:
    """Each that is listed at one moment is listed at the next, unless it has expired."""
    before: set[str] = set()
    for moment in tape.moments[::6]:
        listed = {row["instrument_name"] for row in rows(tape, moment.at, "option")}
        assert {name for name in before - listed if expires_at(name) > moment.at} == set()
        before = listed


def test_what_is_kept_by_the_times_that_were_asked_for_is_let_go_of_with_the_day() -> None:
    modules = [module for name, module in sys.modules.items() if name.startswith("bot.sources._tape")]
    kept = {
        f"{module.__name__}.{name}": one
        for module in modules
        for name, one in vars(module).items()
        if hasattr(one, "cache_parameters") and one.cache_parameters()["maxsize"] > 128
    }
    for hour in range(3):
        option_expiries(AFTERNOON + timedelta(hours=hour))
        future_expiries(AFTERNOON + timedelta(hours=hour))
    assert sum(one.cache_info().currsize for one in kept.values()) >= 6
    forget_the_day()
    assert {name: one.cache_info().currsize for name, one in kept.items()} == dict.fromkeys(kept, 0)
