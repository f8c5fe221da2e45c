"""Any venue may be missing at any poll: no change comes of that, nor a verdict, only "n of m venues" says
less."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.readings import Quantity, Reading
from bot.metrics import CATALOG, History, observe
from bot.playbook import CONFIG, read_playbook
from bot.rules import evaluate
from tests.metrics.market import NOW, funding, future, snapshot, spot

POLLS = (NOW - timedelta(days=7), NOW - timedelta(days=1), NOW)
VENUES = ("binance", "bybit", "deribit", "okx", "kraken")
DATED_COINS = 100.0
SUMS = ("open_interest_coin", "open_interest_usd")


@dataclass(frozen=True)
class Told:
    """What one venue tells in one poll."""

    index: float
    coins: float
    inverse: bool
    funding_pct: float

    def of(self, name: str) -> float:
        """Open interest of its perpetual and its two dated futures, worked out apart from the metrics."""
        perpetual = round(self.coins * self.index) / self.index if self.inverse else self.coins
        coins = perpetual + 2 * DATED_COINS
        return coins * self.index if name == "open_interest_usd" else coins


Market = dict[str, tuple[Told, Told, Told]]


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Three polls of two to five venues: the price of each poll is one, which each venue tells to within a third of a
    percent; a venue's contracts stay, what is open in them moves by up to a tenth, and no rate jumps as a slip would."""
    prices = [draw(st.floats(68_000, 70_000)) for _ in POLLS]
    market: Market = {}
    for venue in VENUES[: draw(st.integers(2, 5))]:
        coins, inverse = draw(st.floats(1_000, 200_000)), draw(st.booleans())
        told = [
            Told(
                index=price * draw(st.floats(0.997, 1.003)),
                coins=coins * draw(st.floats(0.95, 1.05)),
                inverse=inverse,
                funding_pct=draw(
                    st.floats(-0.008, -1e-6) | st.floats(1e-6, 0.008)
                ),  # nothing at all is in doubt
            )
            for price in prices
        ]
        market[venue] = (told[0], told[1], told[2])
    return market


def readings(venue: str, told: Told, at: datetime) -> list[Reading]:
    usd, coin = (round(told.coins * told.index), None) if told.inverse else (None, told.coins)
    return [
        spot(told.index, venue=venue, at=at),
        future(
            None, told.index, index=told.index, venue=venue, coin=coin, usd=usd, at=at, inverse=told.inverse
        ),
        future(60, told.index * 1.01, index=told.index, venue=venue, coin=DATED_COINS, at=at),
        future(30, told.index * 1.005, index=told.index, venue=venue, coin=DATED_COINS, at=at),
        funding(told.funding_pct, 8.0, venue=venue, at=at),
    ]


def measured(market: Market, *, asked: Sequence[str], silent: set[tuple[str, int]]) -> Facts:
    """The facts after the last poll; `silent` are venues and the numbers of the polls in which they say
    nothing."""
    history = History.empty("BTC")
    facts = Facts(asset="BTC", at=POLLS[0], known={})
    quantities: tuple[Quantity, ...] = ("index", "perpetuals", "futures", "funding")
    for number, at in enumerate(POLLS):
        heard = [
            reading
            for venue, told in market.items()
            if (venue, number) not in silent
            for reading in readings(venue, told[number], at)
        ]
        by_quantity = {quantity: tuple(asked) for quantity in quantities}
        seen = observe(snapshot(*heard, at=at, asked=by_quantity), history, CATALOG)
        assert seen.history is not None
        history, facts = seen.history, seen.facts
    return facts


@cache
def playbook() -> Playbook:
    return read_playbook(CONFIG)


@settings(max_examples=25, deadline=None)
@given(market=markets(), data=st.data())
def test_a_change_is_what_the_venues_at_both_ends_changed_themselves(market: Market, data: st.DataObject):
    gone = data.draw(st.sampled_from(sorted(market)))
    poll = data.draw(st.sampled_from([0, 1, 2]))
    facts = measured(market, asked=tuple(market), silent={(gone, poll)})
    for name in SUMS:
        for suffix, then in (("change_7d", 0), ("change_24h", 1)):
            common = [venue for venue in market if not {(venue, then), (venue, 2)} & {(gone, poll)}]
            expected = sum(market[venue][2].of(name) - market[venue][then].of(name) for venue in common)
            assert facts.known[f"{name}.{suffix}"].value == pytest.approx(expected, rel=1e-9, abs=1e-3)
            before = sum(market[venue][then].of(name) for venue in common)
            assert facts.known[f"{name}.{suffix}_pct"].value == pytest.approx(
                100 * expected / before, abs=1e-6
            )


def _alike(name: str) -> bool:
    """Whether a fact stands on values alone, or on changes of sums and medians. Weighted means are compared
    with the weights of now, which is not what they were then; and ranks stand on an aggregate that had the
    missing venue in it."""
    metric, _, view = name.partition(".")
    return not view or (
        view.startswith(("change_", "before_")) and CATALOG.metrics[metric].combine in ("sum", "median")
    )


@settings(max_examples=25, deadline=None)
@given(market=markets(), data=st.data())
def test_the_verdict_is_that_of_a_market_in_which_the_missing_venue_never_was(
    market: Market, data: st.DataObject
):
    gone = data.draw(st.sampled_from(sorted(market)))
    rest = {venue: told for venue, told in market.items() if venue != gone}
    missing = measured(market, asked=tuple(market), silent={(gone, 2)})
    never = measured(rest, asked=tuple(rest), silent=set())
    compared = [name for name in never.known if _alike(name)]
    assert {"spot_usd", "open_interest_usd.change_7d_pct", "basis_30d_pct", "funding_8h_pct"} <= set(compared)
    for name in compared:
        assert missing.known[name].value == pytest.approx(never.known[name].value, rel=1e-9, abs=1e-6), name
    book = playbook().rules
    verdicts = [evaluate(book, facts, {}, NOW).verdict for facts in (missing, never)]
    assert verdicts[0] == verdicts[1]


@settings(max_examples=20, deadline=None)
@given(market=markets(), data=st.data())
def test_n_of_m_venues_falls_by_the_missing_one(market: Market, data: st.DataObject):
    gone = data.draw(st.sampled_from(sorted(market)))
    whole = measured(market, asked=tuple(market), silent=set())
    missing = measured(market, asked=tuple(market), silent={(gone, 2)})
    for name in ("spot_usd", "open_interest_coin", "open_interest_usd", "funding_8h_pct"):
        assert len(whole.known[name].venues) == whole.known[name].of_venues == len(market)
        assert missing.known[name].venues == tuple(
            venue for venue in whole.known[name].venues if venue != gone
        )
        assert missing.known[name].of_venues == len(market)
