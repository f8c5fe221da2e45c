"""`/move`, `/odds`, `/hedge`, `/expiries`, `/gamma`, `/changes`, `/carry`, `/compare`: the trader's toolbox."""

import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from bot import commentary
from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.commands.move import held_moves
from bot.delivery.discord.embed import pages
from bot.delivery.discord.tables import fence
from bot.desk.cards import Cards
from bot.desk.smiles import SmileMemory
from bot.domain.chain import OptionChain
from bot.domain.facts import Point
from bot.domain.playbook import DatedEvent
from bot.domain.posts import Answer, Profile
from bot.domain.readings import Snapshot, SpotQuote
from bot.metrics import CATALOG, History
from bot.playbook import read_texts
from bot.sources.deribit import read_recording
from tests.commands.conftest import AT, PAST, FixedClock, hourly
from tests.commands.tapes import tape_poll
from tests.delivery.discord.looks import MOST_ROWS, rows_of_embed
from tests.desk.test_smiles import Notes
from tests.desks import market_of
from tests.metrics.market import chain, ms
from tests.metrics.test_flow import trades

FLAT = chain(lambda days, strike: 60.0, at=AT, forward=67_800.0, strikes=range(30_000, 130_000, 1_000))
OF_CHAINS = ("move", "odds", "hedge", "expiries", "gamma", "smile")
TYPED = {"odds": {"level": "80000"}, "compare": {"metric": "skew"}}


@pytest.fixture
def hear(market):
    def heard(*chains: OptionChain) -> None:
        market.memory.keep_snapshot(Snapshot(asset="BTC", taken_at=AT, readings=chains))

    return heard


async def test_a_move_is_told_by_expiry_with_its_levels(ask, hear, rows_of):
    hear(FLAT)
    answer = await ask("move")
    # 60% over 10 days: 60 x √(10/365) = 9.93%; over 24 days 15.39%. With z = 0.99446 at 16% the levels of 24 days are
    # 67,800 x exp(-0.1539²/2 ± 0.99446 x 0.1539): 57,495 and 78,074; with z = 1.95996 at 2.5% 49,553 and 90,582.
    assert rows_of(answer)["16 Feb"][0] == "±9.9%"
    assert rows_of(answer)["2 Mar"][0] == "±15.4%"
    assert level(rows_of(answer)["2 Mar"][1]) == pytest.approx(57_495, rel=3e-4)
    assert level(rows_of(answer)["2 Mar"][2]) == pytest.approx(78_074, rel=3e-4)
    beyond = [level(one) for one in re.findall(r"\$([\d,]+)", answer.body.splitlines()[1])][2:]
    assert beyond == [pytest.approx(49_553, rel=3e-4), pytest.approx(90_582, rel=3e-4)]
    assert "16%" in answer.body
    assert "2.5%" in answer.body
    assert "prices, not chances" in answer.body
    assert "Deribit" in answer.footer


async def test_a_short_past_says_nothing_of_how_moves_held(ask, hear):
    hear(FLAT)
    assert "windows" not in (await ask("move")).body  # seventy days hold forty windows of thirty


def test_how_past_moves_held_is_counted_in_windows_and_in_what_they_are_worth():
    # 60% for 30 days is 17.2%. Spot stands still but for one jump of 20%, 100 days ago: the windows that have it
    # inside, thirty of them, did not hold.
    days = range(200)
    points = [
        Point(metric=metric, asset="BTC", at=AT - timedelta(days=day), value=value(day))
        for day in days
        for metric, value in (
            ("dvol", lambda _: 60.0),
            ("spot_usd", lambda day: 100.0 if day >= 100 else 120.0),
        )
    ]
    held = held_moves(History.empty("BTC").extend(points), AT.timestamp())
    assert held is not None
    assert (held.windows, held.independent) == (170, 5)
    assert held.held_pct == pytest.approx((170 - 30) / 170 * 100)


async def test_odds_are_prices_of_what_lies_above_and_below(ask, hear):
    hear(FLAT)
    answer = await ask("odds", level="67.8k", expiry="2mar")
    assert "2 March 2026" in answer.body
    assert "$67,800" in answer.body
    # At the forward: N(-d2) with d2 = -σ√T/2 = -0.0769: 53.1% below, 46.9% above.
    assert "46.9%" in answer.body
    assert "53.1%" in answer.body


@pytest.mark.parametrize("typed", ["80000", "80,000", "80.000", "$80k", "80 000"])
async def test_a_level_may_be_typed_as_people_type_it(ask, hear, typed):
    hear(FLAT)
    assert "$80,000" in (await ask("odds", level=typed)).body


@pytest.mark.parametrize("typed", ["abc", "0", "-100%", "1e9", "++5%"])
async def test_a_level_that_is_none_is_refused_with_what_would_be(ask, hear, typed):
    hear(FLAT)
    answer = await ask("odds", level=typed)
    assert answer.private
    assert "100k" in answer.body


async def test_beyond_the_strikes_nothing_is_priced(ask, hear):
    hear(FLAT)
    body = (await ask("odds", level="500000")).body
    assert "not known" in body
    assert "$129,000" in body


async def test_an_unknown_expiry_lists_those_that_there_are(ask, hear):
    hear(FLAT)
    answer = await ask("odds", level="80000", expiry="31dec")
    assert answer.private
    assert "16feb26" in answer.body


async def test_a_hedge_is_a_listed_put_with_its_cost_and_what_a_year_of_it_would_be(ask, hear, rows_of):
    hear(FLAT)
    answer = await ask("hedge", fall="10")
    # 24 days, σ√T = 0.15386, ln(K/F) = -0.10569: d1 = 0.76386, d2 = 0.61000, the put 61,000 N(-d2) - 67,800 N(-d1) =
    # 61,000 x 0.270931 - 67,800 x 0.222476 = 1,443; 2.13% of 67,800, and 32.4% a year of 365/24 of them.
    assert "$61,000" in answer.body
    assert "10%" in answer.body
    assert [level(one) for one in rows_of(answer)["61,000"][2:]] == [pytest.approx(1_443, abs=2)]
    assert rows_of(answer)["61,000"][1] == "2.13%"
    assert "32.4%" in answer.body
    assert list(rows_of(answer)) == ["64,000", "61,000", "54,000"]


async def test_a_spread_is_what_both_puts_cost_and_says_where_it_ends(ask, hear, rows_of):
    hear(FLAT)
    answer = await ask("hedge", fall="10")
    bought, sold = (level(rows_of(answer)[strike][2]) for strike in ("61,000", "54,000"))
    told = answer.body.splitlines()[1]
    assert "$54,000" in told
    assert level(re.findall(r"\$([\d,]+)", told)[1]) == pytest.approx(bought - sold, abs=1)
    assert "no cover below" in told


@pytest.mark.parametrize(("days", "said"), [(20, "20 of 30 days"), (60, "dearer than on 12 of 60 days")])
async def test_the_usual_put_is_ranked_among_its_own_days(ask, archive, hear, days, said):
    # It costs 2.5% now; on each fifth day it cost 2.0%, on the others 3.0%.
    cost = hourly("protection_30d_pct", last=2.5)
    for row, at in enumerate(cost.at_ms):
        day = round((AT.timestamp() * 1000 - at) / 3_600_000) // 24
        cost.value[row] = 2.0 if day % 5 == 0 else 3.0
    cost.value[-1] = 2.5
    first = len(cost.at_ms) - 24 * (days + 1)
    for name in ("at_ms", "value", "covers_s"):
        del getattr(cost, name)[: max(first, 0)]
    archive.points.past_series = [*PAST, cost]
    hear(FLAT)
    assert said in (await ask("hedge")).body


@pytest.mark.parametrize("typed", [{"fall": "0"}, {"fall": "x"}, {"days": "0"}, {"days": "1000"}])
async def test_a_hedge_that_cannot_be_is_refused(ask, hear, typed):
    hear(FLAT)
    assert (await ask("hedge", **typed)).private


async def test_expiries_have_their_share_and_their_pain(ask, hear, rows_of):
    hear(FLAT)
    answer = await ask("expiries")
    # Ten coins at each strike of each expiry, calls and puts alike: a sixth each, and the middle strike pays least.
    assert list(rows_of(answer).values()) == [["16.7%", "1.00", "79,000"]] * 6


async def test_gamma_says_which_assumption_its_sign_stands_on(ask, hear):
    hear(FLAT)
    body = (await ask("gamma")).body
    assert "no assumption in that" in body
    assert "the usual guess" in body
    assert "not known here" in body


UP = replace(
    FLAT,
    # Calls alone above the price, puts alone below: under the usual assumption dealers are long above and short below.
    open_interest_coin=np.where((FLAT.strike_usd > 67_800.0) == FLAT.is_call, 10.0, 0.0),
)


@pytest.mark.parametrize(
    ("is_buy", "calls", "said"),
    [
        (True, 1.05, "withheld: these signs disagree"),
        (False, 0.9, "withheld: too near"),
        (False, 1.05, "the sign turns at $66,5"),
    ],
)
async def test_where_the_signs_disagree_or_the_price_is_near_no_level_is_told(
    ask, hear, market, is_buy, calls, said
):
    # More calls than puts make the usual sign long gamma; takers who bought leave dealers short of it.
    hear(replace(UP, open_interest_coin=UP.open_interest_coin * np.where(UP.is_call, calls, 1.0)))
    far = int(FLAT.expires_ms.max())
    market.memory.keep_trades(
        trades({"expires_ms": far, "strike_usd": 68_000.0, "is_buy": is_buy, "at_ms": ms(AT)})
    )
    body = (await ask("gamma")).body
    assert ("they sell" if is_buy else "they buy") in body.splitlines()[2]
    assert said in body


async def test_the_days_large_trades_are_a_line_each_with_the_takers_side(ask, hear, market, rows_of):
    hear(FLAT)
    day = [{"coins": 1.0, "at_ms": ms(AT) - number} for number in range(40)]
    straddle = [
        {
            "coins": 20.0,
            "package": "BLOCK-1",
            "is_block": True,
            "is_call": side,
            "premium_usd": 4_000.0,
            "mark_usd": 4_000.0,
        }
        for side in (True, False)
    ]
    spread = [
        {
            "coins": 10.0,
            "package": "7",
            "strike_usd": strike,
            "is_buy": strike < 95_000,
            "premium_usd": premium,
        }
        for strike, premium in ((90_000.0, 5_000.0), (100_000.0, 2_000.0))
    ]
    market.memory.keep_trades(trades(*day, *straddle, *spread))
    answer = await ask("flow")
    shown = rows_of(answer)
    assert shown["+90K P+C 8Mar"] == ["3.6M", "160K", "0"]  # 2 x 20 x 90,000 and 2 x 20 x 4,000
    assert shown["+90K/−100K C 8Mar"][:2] == ["1.8M", "30K"]  # 2 x 10 x 90,000 and 10 x (5,000 - 2,000)
    assert "42 trades in a day" in answer.body
    assert "$9 million" in answer.body


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize(("strike", "index"), [(100_000.0, 90_000.0), (3_500.0, 3_100.0)])
async def test_no_leg_of_a_large_trade_is_cut_on_a_telephone(
    hear, market, root, locale: str, strike: float, index: float
):
    words = read_texts(root / "config" / "phrases" / "es")
    spanish = commentary.parse(words, "es", CATALOG, market.playbook.rules)
    market.adopt(replace(market.playbook, banks={**market.playbook.banks, "es": spanish}))
    hear(FLAT)
    diagonals = [
        {
            "package": f"BLOCK-{number}",
            "is_block": True,
            "coins": 1_400.0 / (number + 1),
            "strike_usd": strike * (1.0 + 0.1 * leg),
            "expires_ms": ms(AT) + (20 + 28 * leg) * 86_400_000,
            "is_call": leg != 2,
            "is_buy": leg == 0,
            "premium_usd": 0.05 * index,
            "mark_usd": 0.06 * index,
            "index_usd": index,
        }
        for number in range(8)
        for leg in range(2 + number % 2)
    ]
    market.memory.keep_trades(
        trades(*diagonals, *({"index_usd": 10.0, "at_ms": ms(AT) - number} for number in range(150)))
    )
    said = await run(market, discover()["flow"], Request(profile=Profile(locale=locale)))
    lines = fence(said.tables).splitlines()[1:-1]
    assert "…" not in "".join(lines)
    assert len(lines) <= 10
    named = "100K/−110K C" if strike > 10_000 else "3500/−3850 C"
    assert f"+{named} 26" in lines[1]
    assert lines[1].count("/") == 2  # strikes and expiries
    assert [line.split()[0].replace(",", ".") for line in lines[2::2]] == (
        ["252M", "189M", "94M", "84M"] if strike > 10_000 else ["8.7M", "6.5M", "3.3M", "2.9M"]
    )


FOMC, CPI = (
    DatedEvent(kind=kind, at=AT + timedelta(days=days), source="its publisher", read=AT.date())
    for kind, days in (("fomc", 15), ("cpi", 90))
)


async def test_the_calendar_tells_what_is_priced_around_the_next_event(ask, hear, market, rows_of):
    market.adopt(replace(market.playbook, events=(FOMC, CPI)))
    hear(FLAT)
    answer = await ask("calendar")
    # Between the expiries of 10 and 24 days: 60 x √(14/365) = 11.75%.
    assert rows_of(answer)["FOMC"] == ["21 Feb", "±11.8%", "14"]
    assert "Federal Reserve" in answer.body
    assert "16 February 2026 to 2 March 2026" in answer.body
    assert "±11.8%" in answer.body
    assert "CPI" not in rows_of(answer)  # ninety days are too far
    assert rows_of(answer)["expiry"][1:] == ["–", "–"]


async def test_the_calendar_without_options_or_without_dates_says_what_it_does_not_know(
    ask, hear, market, rows_of
):
    market.adopt(replace(market.playbook, events=(FOMC,)))
    answer = await ask("calendar")
    assert "not known now" in answer.body
    assert rows_of(answer) == {"FOMC": ["21 Feb"]}
    market.adopt(replace(market.playbook, events=()))
    assert "No dated event" in (await ask("calendar")).body


async def test_without_a_trade_heard_flow_says_so(ask, hear):
    hear(FLAT)
    answer = await ask("flow")
    assert "No trade" in answer.body
    assert answer.tables == ()


@pytest.mark.parametrize("name", OF_CHAINS)
async def test_without_a_young_chain_each_says_so(ask, hear, name):
    assert "No option chain" in (await ask(name, **TYPED.get(name, {}))).body
    hear(replace(FLAT, observed_at=AT - timedelta(hours=1)))
    assert "No option chain" in (await ask(name, **TYPED.get(name, {}))).body


def tilted(points: float) -> OptionChain:
    return chain(
        lambda days, strike: 60.0 - 25.0 * np.log(strike / 67_800.0) + points,
        at=AT,
        forward=67_800.0,
        strikes=range(30_000, 130_000, 500),
    )


async def test_a_smile_has_both_wings_now_and_a_day_before(ask, hear, market, rows_of):
    market.memory.smiles = SmileMemory(Notes())
    await market.memory.smiles.note(
        Snapshot(
            asset="BTC",
            taken_at=AT - timedelta(days=1),
            readings=(replace(tilted(0.0), row_ms=tilted(0.0).row_ms - 86_400_000),),
        )
    )
    hear(tilted(2.0))
    answer = await ask("smile", tenor="24")
    shown = rows_of(answer)
    assert shown["ATM IV"] == ["62", "60"]
    # By substitution, σ = 62 − 25 ln(K/67,800) over 24 days: the 25-delta put at 64.45%, the call at 59.15%, the 10-delta
    # put at 67.15% and the call at 57.05%.
    assert shown["RR 25Δ"][0] == "5.3"
    assert shown["RR 10Δ"][0] == "10.1"
    # Two points more at each strike with the forward where it was: all of it is new.
    assert "from 60% to 62% (0 along the old smile as the price moved, +2 new)" in answer.body
    assert "2 March smile since 5 February, 14:00 UTC" in answer.body


async def test_a_smile_without_a_day_before_says_only_what_is_now(ask, hear, rows_of):
    hear(tilted(0.0))
    answer = await ask("smile")
    assert list(rows_of(answer)) == ["ATM IV", "RR 25Δ", "RR 10Δ", "fly 25Δ", "fly 10Δ"]
    assert all(len(cells) == 1 for cells in rows_of(answer).values())
    assert "new)" not in answer.body


async def test_a_days_changes_say_what_of_the_smiles_is_new_and_still_fit_a_telephone(
    ask, archive, hear, market, rows_of
):
    market.memory.smiles = SmileMemory(Notes())
    await market.memory.smiles.note(
        Snapshot(asset="BTC", taken_at=AT - timedelta(days=1), readings=(tilted(0.0),))
    )
    hear(tilted(2.0))
    moved = [
        one.metric for one in PAST if one.metric in market.playbook.catalog.metrics and one.venue is None
    ]
    archive.points.past_series = [sawtooth(name, 60.0, 2.0, last=72.0) for name in dict.fromkeys(moved)]
    answer = await ask("changes")
    assert "+2 new" in answer.body
    assert len(rows_of(answer)) == 6
    assert await telephone_rows(market, answer) <= MOST_ROWS
    assert "smile" not in (await ask("changes", since="7d")).body


async def test_changes_are_pairs_the_largest_first(ask, archive, rows_of):
    archive.points.past_series = [
        *(one for one in PAST if one.metric not in ("dvol", "skew_60d_pct")),
        sawtooth("dvol", 60.0, 2.0, last=72.0),
        sawtooth("skew_60d_pct", 10.0, 1.0, last=14.0),
    ]
    answer = await ask("changes")
    # In between each went down by one of its usual days before it rose: the farthest value has a column of its own.
    assert list(rows_of(answer).values())[:2] == [["62", "58", "72"], ["11%", "9%", "14%"]]


async def test_a_reading_that_went_far_and_came_back_stands_above_one_that_went_less_far_and_stayed(
    ask, archive, rows_of
):
    back = sawtooth("dvol", 60.0, 2.0, last=58.0)
    back.value[-8] = 90.0  # seven usual days of 4 up from 62, and back to one below it
    stays = sawtooth("skew_60d_pct", 10.0, 1.0, last=15.0)  # two usual days of 2
    archive.points.past_series = [
        *(one for one in PAST if one.metric not in ("dvol", "skew_60d_pct")),
        stays,
        back,
    ]
    rows = rows_of(await ask("changes"))
    assert list(rows.values())[:2] == [["62", "90", "58"], ["11%", "9%", "15%"]]


async def test_a_day_on_which_nothing_moved_says_so(ask, archive):
    archive.points.past_series = [sawtooth("dvol", 60.0, 2.0, last=60.0)]
    answer = await ask("changes")
    assert answer.tables == ()
    assert "no reading" in answer.body


@pytest.mark.parametrize("typed", ["yesterday", "2030-01-01", "0h", "9999d"])
async def test_a_time_that_cannot_be_is_refused(ask, typed):
    assert (await ask("changes", since=typed)).private


async def test_a_carry_names_both_ends_and_what_is_not_in_it(ask):
    body = (await ask("carry")).body
    assert "lowest at Deribit, 1% a year" in body
    assert "highest at OKX, 2%" in body
    assert "Fees" in body


async def test_a_comparison_has_a_row_an_asset(ask, figures_of):
    (table,) = (await ask("compare", metric="skew")).tables
    assert [(row.label, row.cells[0].text) for row in table.rows] == [("BTC", "20%"), ("ETH", "–")]
    assert (await ask("compare", metric="skew", assets="XYZ")).private


RECORDED = ("2026-01-14", "2026-01-19", "2026-01-23")


def hear_recorded(market, shared: Path, day: str) -> None:
    """A recorded day's options, as if they were heard now, and its index as the price."""
    folder = shared / "recordings" / "deribit" / day
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    readings = read_recording(files, "BTC").readings
    found = next(one for one in readings if isinstance(one, OptionChain))
    index = next(one for one in readings if isinstance(one, SpotQuote))
    shift = round((AT - found.observed_at).total_seconds() * 1000)
    moved = replace(
        found,
        observed_at=AT,
        row_ms=found.row_ms + np.int64(shift),
        expires_ms=found.expires_ms + np.int64(shift),
    )
    market.archive.points.past_series = [hourly("spot_usd", last=index.index_usd)]
    market.memory.keep_snapshot(Snapshot(asset="BTC", taken_at=AT, readings=(moved,)))


async def test_on_a_recorded_day_moves_are_those_worked_out_by_hand(market, ask, shared: Path, rows_of):
    # 23 January 2026: 30 January is 6.81 days away, 27 February 34.81.
    hear_recorded(market, shared, "2026-01-23")
    told = await ask("move")
    assert [cells[0] for cells in rows_of(told).values()][1:3] == ["±4.7%", "±11.2%"]
    assert level(re.findall(r"\(\$([\d,]+)\)", told.body)[1]) == pytest.approx(10_035, rel=2e-3)
    assert level(rows_of(await ask("hedge", fall="10"))["80,000"][2]) == pytest.approx(1_109, rel=4e-3)
    assert rows_of(await ask("hedge", fall="10"))["80,000"][1] == "1.24%"
    assert "13%" in (await ask("hedge", fall="10")).body
    for typed, side in (("80200", "below"), ("99100", "above")):
        told = (await ask("odds", level=typed, expiry="34")).body
        [priced] = re.findall(rf"([\d.]+)% for {side}", told)
        assert float(priced) == pytest.approx(16.0, abs=0.35)


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("day", RECORDED)
@pytest.mark.parametrize("name", OF_CHAINS)
async def test_each_recorded_day_is_answered_and_fits_a_telephone(
    market, root: Path, shared: Path, day, name, locale
):
    spanish = read_texts(root / "config" / "phrases" / "es")
    banks = {"es": commentary.parse(spanish, "es", CATALOG, market.playbook.rules)}
    market.adopt(replace(market.playbook, banks={**market.playbook.banks, **banks}))
    hear_recorded(market, shared, day)
    request = Request(options=TYPED.get(name, {}), profile=Profile(locale=locale))
    answer = await run(market, discover()[name], request)
    assert answer.tables or name == "odds"
    assert await telephone_rows(market, answer) <= MOST_ROWS


@pytest.mark.parametrize("asset", ["BTC", "ETH", "SOL"])
@pytest.mark.parametrize("name", [*OF_CHAINS, "changes", "carry", "compare", "calendar", "flow"])
async def test_each_asset_of_the_tape_is_answered_and_fits_a_telephone(archive, playbook, asset, name):
    poll = tape_poll(asset)
    index = next(one for one in poll.readings if isinstance(one, SpotQuote)).index_usd
    past = [replace(one, asset=asset) for one in PAST if one.metric != "spot_usd"]
    archive.points.past_series = [*past, hourly("spot_usd", last=index, asset=asset)]
    market = market_of(archive, FixedClock(), playbook, assets=("BTC", "ETH", "SOL"))
    market.memory.keep_snapshot(poll)
    typed = {"odds": {"level": "+5%"}, "compare": {"metric": "skew", "assets": asset}}.get(name, {})
    given = typed if name == "compare" else {**typed, "asset": asset}
    answer = await run(market, discover()[name], Request(options=given, channel="preview:"))
    assert answer.tables or answer.figures or name in ("odds", "changes", "calendar", "flow")
    assert await telephone_rows(market, answer) <= MOST_ROWS


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("asset", ["BTC", "ETH", "SOL"])
@pytest.mark.parametrize("name", [*OF_CHAINS, "changes", "carry", "compare", "calendar", "flow"])
async def test_each_answer_is_said_in_words_and_fits_in_either_language(
    archive, playbook, asset, name, locale
):
    poll = tape_poll(asset)
    index = next(one for one in poll.readings if isinstance(one, SpotQuote)).index_usd
    past = [replace(one, asset=asset) for one in PAST if one.metric != "spot_usd"]
    archive.points.past_series = [*past, hourly("spot_usd", last=index, asset=asset)]
    market = market_of(archive, FixedClock(), playbook, assets=("BTC", "ETH", "SOL"))
    market.memory.smiles = SmileMemory(Notes())
    await market.memory.smiles.note(tape_poll(asset, AT - timedelta(hours=22)))
    market.memory.keep_snapshot(poll)
    typed = {"odds": {"level": "+5%"}, "compare": {"metric": "skew"}}.get(name, {})
    given = typed if name == "compare" else {**typed, "asset": asset}
    request = Request(options=given, channel="preview:", profile=Profile(locale=locale))
    answer = await run(market, discover()[name], request)
    # Where no phrase passes the gate, bare values go out: a time or a fraction as the machine writes it.
    assert not re.search(r"\d{4}-\d\d-\d\dT|\d[.,]\d{5}", answer.body)
    assert await telephone_rows(market, answer) <= MOST_ROWS


async def telephone_rows(market, answer: Answer) -> int:
    card = await Cards(market, Pictures()).of_answer(answer)
    return sum(rows_of_embed(dict(embed.to_dict())) for page in pages(card) for embed in page.embeds)


def level(text: str) -> float:
    return float(text.replace(",", ""))


def sawtooth(metric: str, middle: float, swing: float, *, last: float):
    """Seventy days that go up one day and down the next, and end otherwise."""
    series = hourly(metric, last=middle)
    for row, at in enumerate(series.at_ms):
        days = round((AT.timestamp() * 1000 - at) / 3_600_000) // 24
        series.value[row] = middle + (swing if days % 2 else -swing)
    series.value[-1] = last
    return series
