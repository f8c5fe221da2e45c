"""Whatever a venue says, measuring ends in plausible facts or reasons: never in an exception, never in
nan."""

import math
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.readings import AccountRatio, Reading, VolatilityQuote
from bot.metrics import CATALOG, History, observe
from tests.metrics.market import DAY, HOUR, NOW, bars, chain, changed, funding, future, snapshot, spot, tally

NUMBERS = st.one_of(
    st.sampled_from([0.0, -1.0, math.nan, math.inf, -math.inf, 1e-300, 1e300]), st.floats(-1e6, 1e6)
)
AMOUNTS = st.one_of(st.none(), NUMBERS)
VENUES = st.sampled_from(["deribit", "okx", "binance"])
AGES = st.sampled_from([timedelta(0), timedelta(minutes=29), timedelta(hours=5), timedelta(seconds=-2)])


@st.composite
def chains(draw: st.DrawFn) -> Reading:
    options = chain(lambda days, strike: 50.0, days=[2, 9, 40], strikes=range(60_000, 130_000, 10_000))
    columns = {}
    for name in ("forward_usd", "mark_iv_pct", "open_interest_coin", "strike_usd"):
        column = getattr(options, name).copy()
        for place in draw(st.lists(st.integers(0, len(options) - 1), max_size=5)):
            column[place] = draw(NUMBERS)
        columns[name] = column
    if draw(st.booleans()):
        columns["row_ms"] = options.row_ms + draw(st.integers(-(10**11), 10**11))
    return changed(options, venue=draw(VENUES), observed_at=NOW - draw(AGES), **columns)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    venue, at = draw(VENUES), NOW - draw(AGES)
    kind = draw(st.integers(0, 7))
    if kind == 0:
        days = draw(st.sampled_from([None, -3.0, 0.0, 6.0, 20.0, 80.0, 400.0]))
        return future(
            days,
            draw(NUMBERS),
            index=draw(NUMBERS),
            venue=venue,
            coin=draw(AMOUNTS),
            usd=draw(AMOUNTS),
            at=at,
        )
    if kind == 1:
        return funding(draw(NUMBERS), draw(NUMBERS), venue=venue, at=at)
    if kind == 2:
        return spot(draw(NUMBERS), venue=venue, at=at, asset=draw(st.sampled_from(["BTC", "PAXG", "ETH"])))
    if kind == 3:
        metric = draw(
            st.sampled_from(["dvol", "spot_usd", "spot_low_usd", "funding_8h_pct", "gold_usd", "no_such"])
        )
        interval = draw(st.sampled_from([HOUR, 8 * HOUR, DAY]))
        return bars(metric, draw(st.lists(NUMBERS, max_size=8)), venue=venue, until=at, interval=interval)
    if kind == 4:
        since = NOW - draw(st.sampled_from([HOUR, DAY, -HOUR]))
        return tally(
            draw(AMOUNTS), draw(AMOUNTS), since=since, until=NOW, venue=venue, complete=draw(st.booleans())
        )
    if kind == 5:
        return AccountRatio(
            source=venue, observed_at=at, venue=venue, asset="BTC", long_short_ratio=draw(NUMBERS)
        )
    if kind == 6:
        return VolatilityQuote(source=venue, observed_at=at, venue=venue, asset="BTC", dvol=draw(NUMBERS))
    return draw(chains())


@settings(max_examples=100, deadline=None)
@given(first=st.lists(readings(), max_size=8), second=st.lists(readings(), max_size=8))
def test_every_fact_is_plausible_whatever_was_heard(first: list[Reading], second: list[Reading]) -> None:
    history = observe(snapshot(*first, at=NOW - DAY), History.empty("BTC"), CATALOG).history
    assert history is not None
    seen = observe(snapshot(*second), history, CATALOG)
    for name, fact in seen.facts.known.items():
        assert CATALOG.check(name, fact.value) == fact.value
        assert fact.at <= NOW
    for point in seen.points:
        assert math.isfinite(point.value), point
        low, high = CATALOG.metrics[point.metric].valid
        assert point.venue is not None or low <= point.value <= high
    assert not np.isnan([fact.value for fact in seen.facts.stale.values()]).any()
