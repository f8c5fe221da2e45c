"""Small markets of our own, in the shapes that sources bring."""

from array import array
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from bot.domain.chain import OptionChain
from bot.domain.facts import Facts, Point
from bot.domain.instruments import Instrument
from bot.domain.playbook import Holding
from bot.domain.readings import (
    FundingRate,
    FutureQuote,
    LiquidationTally,
    Quantity,
    Reading,
    SeriesReading,
    Snapshot,
    SpotQuote,
)
from bot.metrics import CATALOG, History, Observed, observe

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ms(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def snapshot(
    *readings: Reading,
    at: datetime = NOW,
    asset: str = "BTC",
    asked: Mapping[Quantity, tuple[str, ...]] | None = None,
) -> Snapshot:
    return Snapshot(asset=asset, taken_at=at, readings=readings, asked=asked or {})


def observed(
    *readings: Reading,
    at: datetime = NOW,
    history: History | None = None,
    holdings: Iterable[Holding] = (),
    asked: Mapping[Quantity, tuple[str, ...]] | None = None,
) -> Observed:
    past = history or History.empty("BTC")
    return observe(snapshot(*readings, at=at, asked=asked), past, CATALOG, tuple(holdings))


def facts(*readings: Reading, at: datetime = NOW, history: History | None = None) -> Facts:
    return observed(*readings, at=at, history=history).facts


def chain(
    smile: Callable[[float, float], float],
    *,
    days: Iterable[float] = (3.0, 10.0, 24.0, 45.0, 80.0, 140.0),
    strikes: Iterable[float] = tuple(range(30_000, 170_000, 2_000)),
    forward: float = 90_000.0,
    at: datetime = NOW,
    venue: str = "deribit",
    open_interest: float = 10.0,
) -> OptionChain:
    """Calls and puts at each strike of each expiry; `smile(days, strike)` is the volatility in % a year."""
    rows = [(day, float(strike), right) for day in days for strike in strikes for right in (True, False)]
    count = len(rows)
    return OptionChain(
        source=venue,
        venue=venue,
        asset="BTC",
        observed_at=at,
        expires_ms=np.array([ms(at + timedelta(days=day)) for day, _, _ in rows], np.int64),
        strike_usd=np.array([strike for _, strike, _ in rows]),
        is_call=np.array([right for _, _, right in rows], np.bool_),
        forward_usd=np.full(count, forward),
        mark_iv_pct=np.array([smile(day, strike) for day, strike, _ in rows]),
        open_interest_coin=np.full(count, open_interest),
        volume_24h_coin=np.full(count, 1.0),
        row_ms=np.full(count, ms(at)),
    )


def only(options: OptionChain, keep: Callable[[int, float, bool], bool]) -> OptionChain:
    """The rows of a chain for which `keep(days, strike, is_call)` is true."""
    rows = [
        i
        for i in range(len(options))
        if keep(
            round((options.expires_ms[i] - options.row_ms[i]) / 86_400_000),
            float(options.strike_usd[i]),
            bool(options.is_call[i]),
        )
    ]
    columns = (
        "expires_ms",
        "strike_usd",
        "is_call",
        "forward_usd",
        "mark_iv_pct",
        "open_interest_coin",
        "volume_24h_coin",
        "row_ms",
    )
    return changed(options, **{name: getattr(options, name)[rows] for name in columns})


def changed(options: OptionChain, **columns: object) -> OptionChain:
    """The chain with some columns replaced."""
    fields = {name: getattr(options, name) for name in OptionChain.__struct_fields__}
    return OptionChain(**{**fields, **columns})


def future(
    days: float | None,
    mark: float,
    *,
    index: float = 100.0,
    venue: str = "deribit",
    coin: float | None = None,
    usd: float | None = None,
    at: datetime = NOW,
    inverse: bool = False,
) -> FutureQuote:
    """A dated future, or a perpetual if `days` is None."""
    return FutureQuote(
        source=venue,
        observed_at=at,
        instrument=Instrument(
            venue=venue,
            symbol="perpetual" if days is None else f"{days:g} days",
            asset="BTC",
            kind="perpetual" if days is None else "future",
            expires_at=None if days is None else at + timedelta(days=days),
            inverse=inverse,
        ),
        mark_usd=mark,
        index_usd=index,
        open_interest_coin=coin,
        open_interest_usd=usd,
    )


def funding(rate_pct: float, hours: float, *, venue: str = "deribit", at: datetime = NOW) -> FundingRate:
    perpetual = Instrument(venue=venue, symbol="perpetual", asset="BTC", kind="perpetual")
    return FundingRate(
        source=venue, observed_at=at, instrument=perpetual, rate_pct=rate_pct, interval_hours=hours
    )


def spot(usd: float, *, venue: str = "deribit", asset: str = "BTC", at: datetime = NOW) -> SpotQuote:
    return SpotQuote(source=venue, observed_at=at, venue=venue, asset=asset, index_usd=usd)


def bars(
    metric: str,
    values: Iterable[float],
    *,
    until: datetime = NOW,
    interval: timedelta = HOUR,
    venue: str = "deribit",
    asset: str = "BTC",
) -> SeriesReading:
    """A venue's stretch of a metric's past whose last interval ends at `until`."""
    told = list(values)
    starts = [ms(until - interval * (len(told) - place)) for place in range(len(told))]
    return SeriesReading(
        source=venue,
        observed_at=until,
        venue=venue,
        asset=asset,
        metric=metric,
        interval_s=round(interval.total_seconds()),
        at_ms=array("q", starts),
        value=array("d", told),
    )


def tally(
    longs: float | None,
    shorts: float | None,
    *,
    since: datetime,
    until: datetime,
    venue: str = "binance",
    complete: bool = False,
) -> LiquidationTally:
    return LiquidationTally(
        source=venue,
        observed_at=until,
        venue=venue,
        asset="BTC",
        since_at=since,
        until_at=until,
        longs_usd=longs,
        shorts_usd=shorts,
        complete=complete,
    )


def points(
    metric: str,
    values: Iterable[float | None],
    *,
    until: datetime = NOW,
    every: timedelta = HOUR,
    venue: str | None = None,
) -> list[Point]:
    """Instants whose last one is at `until`; None leaves one out."""
    told = list(values)
    return [
        Point(
            metric=metric, asset="BTC", at=until - every * (len(told) - 1 - place), value=value, venue=venue
        )
        for place, value in enumerate(told)
        if value is not None
    ]


def past(*series: list[Point]) -> History:
    return History.empty("BTC").extend([point for one in series for point in one])
