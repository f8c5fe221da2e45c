"""What was told before is not told again: a reply of another time under a fresh date, bars that are other ones."""

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.domain.readings import FutureQuote, LiquidationTally, Reading, SeriesReading, VendorOpenInterest
from bot.metrics import CATALOG, History, observe
from bot.metrics.observe import Observed
from tests.metrics.market import NOW, funding, future, ms, snapshot, spot
from tests.said import english

MINUTES = timedelta(minutes=10)
FOUR_HOURS = timedelta(hours=4)


def polls(*rounds: Sequence[Reading]) -> list[Observed]:
    """One poll after the other, ten minutes apart, the last one now."""
    history, found = History.empty("BTC"), []
    for number, readings in enumerate(rounds, 1 - len(rounds)):
        seen = observe(snapshot(*readings, at=NOW + number * MINUTES), history, CATALOG)
        history = seen.history or history
        found.append(seen)
    return found


def venue(at: datetime, coins: float, price: float) -> list[Reading]:
    quote = future(None, price, index=price, venue="hyperliquid", coin=coins, at=at)
    return [
        quote,
        spot(price, venue="hyperliquid", at=at),
        funding(0.01, 1.0, venue="hyperliquid", at=at),
        spot(70_000.0, venue="okx", at=at),
        future(None, 70_000.0, index=70_000.0, venue="okx", coin=50_000.0, at=at),
    ]


def times(count: int) -> list[datetime]:
    return [NOW + (1 - count + number) * MINUTES for number in range(count)]


def test_a_venues_reply_of_an_hour_ago_under_a_fresh_date_is_a_gap_and_no_figure() -> None:
    said = [(27_353.17682 + number, 70_000.0 + 3 * number) for number in range(7)]
    rounds = [venue(at, *told) for at, told in zip(times(8), [*said, said[1]], strict=True)]
    seen = polls(*rounds)
    assert all(one.gaps == () for one in seen[:-1])
    assert [gap.who for gap in seen[-1].gaps][:1] == ["hyperliquid BTC futures"]
    assert english(seen[-1].gaps[0].reason) == (
        "hyperliquid BTC futures: this was told 60 min ago already, and other figures since"
    )
    assert seen[-1].facts.known["open_interest_coin"].venues == ("okx",)
    assert "hyperliquid" not in seen[-1].facts.known["spot_usd"].venues


def test_a_market_in_which_nothing_moves_tells_nothing_again() -> None:
    assert all(one.gaps == () for one in polls(*[venue(at, 27_353.2, 70_000.0) for at in times(9)]))


def test_a_count_that_returns_at_another_price_is_the_count_of_now() -> None:
    said = [(27_000.0 + number % 5, 70_000.0 + 3 * number) for number in range(9)]
    rounds = [venue(at, *told) for at, told in zip(times(9), said, strict=True)]
    assert all(one.gaps == () for one in polls(*rounds))


def window(at: datetime, longs: float, shorts: float, hours: int = 24) -> LiquidationTally:
    return LiquidationTally(
        source="coinglass",
        observed_at=at,
        venue="coinglass",
        asset="BTC",
        since_at=at - timedelta(hours=hours),
        until_at=at,
        longs_usd=longs,
        shorts_usd=shorts,
        complete=True,
    )


def test_a_window_of_an_hour_ago_is_a_gap() -> None:
    said = [(5.1e8 + 1e6 * number, 4.2e8 - 1e6 * number) for number in range(7)]
    seen = polls(*[[window(at, *told)] for at, told in zip(times(8), [*said, said[1]], strict=True)])
    assert all(one.gaps == () for one in seen[:-1])
    assert [gap.who for gap in seen[-1].gaps] == ["coinglass BTC liquidations"]
    one_side = [*said, (said[1][0], said[1][1] + 5.0)]
    assert polls(*[[window(at, *told)] for at, told in zip(times(8), one_side, strict=True)])[-1].gaps == ()


def total(at: datetime, usd: float) -> VendorOpenInterest:
    return VendorOpenInterest(
        source="coinglass", observed_at=at, venue="coinglass", asset="BTC", open_interest_usd=usd
    )


def test_a_vendors_sum_of_an_hour_ago_is_a_gap() -> None:
    said = [6.1e10 + 1.1e7 * number for number in range(7)]
    seen = polls(*[[total(at, usd)] for at, usd in zip(times(8), [*said, said[1]], strict=True)])
    assert [len(one.gaps) for one in seen] == [0] * 7 + [1]
    assert "open_interest_market_usd" not in {point.metric for point in seen[-1].points}


def test_a_vendors_sum_of_dollars_that_stands_still_while_the_price_moves_is_a_gap() -> None:
    def told(at: datetime, price: float) -> list[Reading]:
        return [total(at, 6.1e10), spot(price, at=at)]

    first = [*told(NOW - 4 * MINUTES, 70_000.0)]
    then, now = polls(first, [], [], [], told(NOW, 70_500.0))[::4]
    assert then.gaps == ()
    assert [gap.who for gap in now.gaps] == ["coinglass BTC open interest"]
    assert polls(first, [], [], [], told(NOW, 70_010.0))[-1].gaps == ()


def bars(values: list[float], side: str, shift: timedelta = timedelta()) -> SeriesReading:
    first = NOW - timedelta(hours=1) - len(values) * FOUR_HOURS + shift
    return SeriesReading(
        source="coinglass",
        observed_at=NOW - MINUTES,
        venue="coinglass",
        asset="BTC",
        metric=f"liquidations_tally_{side}_usd",
        interval_s=int(FOUR_HOURS.total_seconds()),
        at_ms=array("q", [ms(first + number * FOUR_HOURS) for number in range(len(values))]),
        value=array("d", values),
    )


LONGS = [4e7, 9e7, 3e7, 2e7, 6e7, 5e7]
SHORTS = [1e7, 2e7, 8e7, 7e7, 1.5e7, 9e7]


@pytest.mark.parametrize(
    ("told", "is_believed"),
    [
        ((LONGS, SHORTS, timedelta()), True),
        (([*LONGS[:-1], 5.5e7], SHORTS, timedelta()), True),  # one that was told before its end was counted
        (([usd * 0.75 for usd in LONGS], [usd * 0.75 for usd in SHORTS], timedelta()), False),
        ((SHORTS, LONGS, timedelta()), False),
        ((LONGS, SHORTS, timedelta(hours=-1)), False),
    ],
)
def test_bars_that_are_other_ones_than_before_are_a_gap(
    told: tuple[list[float], list[float], timedelta], is_believed: bool
) -> None:
    longs, shorts, shift = told
    before: list[Reading] = [bars(LONGS, "long"), bars(SHORTS, "short")]
    now: list[Reading] = [bars(longs, "long", shift), bars(shorts, "short", shift)]
    seen = polls(before, now)[-1]
    assert [gap.who for gap in seen.gaps] == ([] if is_believed else ["coinglass BTC liquidations history"])


def test_no_contract_of_a_reply_of_before_weighs_in() -> None:
    said = [(27_353.17682 + number, 70_000.0 + 3 * number) for number in range(7)]
    rounds = [venue(at, *told) for at, told in zip(times(8), [*said, said[1]], strict=True)]
    quotes = [one for one in rounds[-1] if isinstance(one, FutureQuote)]
    assert len(quotes) == 2
    seen = polls(*rounds)[-1]
    assert seen.facts.known["perp_premium_pct"].venues == ("okx",)
