"""What the wire formats of the tape share: numbers as text, histories by the hour, contracts and pages."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from bot.sources._tape_chain import Floats
from bot.sources._tape_market import (
    HOUR_MS,
    Future,
    TapeHours,
    TapeMarket,
    futures_on_curve,
    hours_by,
    quarters,
)
from bot.sources._tape_scene import Scene

DAY_MS = 24 * HOUR_MS
FUNDING_MS = 8 * HOUR_MS
PERPETUAL_SHARE = 0.85
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FAR_MS = 2**53
NAMELESS = "NAMELESS"
STEP_MS = {"m": 60_000, "h": HOUR_MS, "d": DAY_MS}


class Contract(Struct, frozen=True, kw_only=True):
    """A perpetual (`expires_at` None) or dated future as a venue lists it: its mark, and the coins that are
    open in it."""

    expires_at: datetime | None
    mark_usd: float
    coins: float


class Sample(NamedTuple):
    """One step of a history: its bar, and open interest (coins) and funding at its end."""

    start_ms: int
    end_ms: int
    open_usd: float
    high_usd: float
    low_usd: float
    close_usd: float
    coins: float
    funding_8h_pct: float


class RowRange(Struct, frozen=True, kw_only=True):
    """Which rows a client asks for: those within two times (milliseconds), at most so many, the oldest or the
    newest."""

    since_ms: int = 0
    until_ms: int = FAR_MS
    limit: int | None = None
    oldest: bool = False

    @classmethod
    def from_query(
        cls, params: Mapping[str, str], since: str, until: str, limit: str, *, usual: int, oldest: bool
    ) -> "RowRange":
        """From the query's parameters of these names. `oldest`: the venue begins at the start where one is
        named."""
        return cls(
            since_ms=int(params.get(since) or 0),
            until_ms=int(params.get(until) or FAR_MS),
            limit=int(params.get(limit) or usual),
            oldest=oldest and bool(params.get(since)),
        )

    def of(self, at_ms: Floats) -> slice:
        """The rows among those of these ascending times."""
        start = int(np.searchsorted(at_ms, self.since_ms))
        end = int(np.searchsorted(at_ms, self.until_ms, side="right"))
        if self.limit is None:
            return slice(start, end)
        return (
            slice(start, min(end, start + self.limit))
            if self.oldest
            else slice(max(start, end - self.limit), end)
        )


class TapeOption(Struct, frozen=True, gc=False):
    """One option that is quoted: expiry, strike in USD, "C" or "P", volatility in % a year, forward in USD, mark and open
    coins."""

    expires_at: datetime
    strike_usd: int
    right: str
    iv_pct: float
    forward_usd: float
    mark_coin: float
    coins: float


@lru_cache(maxsize=4)
def options(market: TapeMarket) -> tuple[TapeOption, ...]:
    """The options that other venues than Deribit quote, with the coins of all venues together."""
    chain = market.chain
    columns = (
        chain.strike_usd.astype(int),
        chain.iv_pct,
        chain.call_mark_coin,
        chain.call_open_interest_coin,
        chain.put_mark_coin,
        chain.put_open_interest_coin,
    )
    listed = list(enumerate(zip(market.option_expiries, chain.forward_usd.tolist(), strict=True)))[
        market.elsewhere
    ]
    return tuple(
        option
        for number, (expiry, forward) in listed
        for strike, iv, call, calls, put, puts in zip(
            *(column[number].tolist() for column in columns), strict=True
        )
        for option in (
            TapeOption(expiry, strike, "C", iv, forward, call, calls),
            TapeOption(expiry, strike, "P", iv, forward, put, puts),
        )
    )


def write_alike(row: Struct, names: Sequence[str]) -> msgspec.Raw:
    """JSON of rows, one for each of at least one name, that are all as this one, which is called `NAMELESS`: written once,
    and put into a list as they are. Half of all options are such, and nothing of them but the name is their own."""
    head, tail = msgspec.json.encode(row).decode().split(NAMELESS)
    return msgspec.Raw(f"{head}{f'{tail},{head}'.join(names)}{tail}".encode())


def contracts(market: TapeMarket, share: float, expiries: int = 2) -> list[Contract]:
    """A perpetual and the next quarterly futures, which share `share` of all open interest among them."""
    coins = market.open_interest_coin * share
    futures = quarterlies(market, expiries)
    weights = math.fsum(future.weight for future in futures)
    perpetual = PERPETUAL_SHARE if futures else 1.0
    return [
        Contract(expires_at=None, mark_usd=market.perpetual_usd, coins=coins * perpetual),
        *(
            Contract(
                expires_at=future.expires_at,
                mark_usd=future.mark_usd,
                coins=coins * (1 - PERPETUAL_SHARE) * future.weight / weights,
            )
            for future in futures
        ),
    ]


def quarterlies(market: TapeMarket, count: int) -> Sequence[Future]:
    """The next quarterly futures, on a curve that has the stated basis where these futures span its tenor."""
    return futures_on_curve(market.moment, market.index_usd, quarters(market.at, count)) if count else ()


def samples(scene: Scene, asset: str, step_ms: int, page: RowRange | None = None) -> list[Sample]:
    """The asset's past by steps, oldest first; the last one may be under way. A page's times are those of the
    starts."""
    return _samples(scene, asset, hours_by(scene.hours[asset], step_ms), step_ms, page or RowRange(), 0)


def samples_ended(scene: Scene, asset: str, step_ms: int, page: RowRange | None = None) -> list[Sample]:
    """As `samples`, without a step that is under way. A page's times are those of the ends."""
    hours = hours_by(scene.hours[asset], step_ms)
    past = int(np.searchsorted(hours.start_ms, scene.markets[asset].at_ms - step_ms, side="right"))
    return _samples(scene, asset, hours.rows(slice(0, past)), step_ms, page or RowRange(), step_ms)


def _samples(
    scene: Scene, asset: str, hours: TapeHours, step_ms: int, page: RowRange, told_after_ms: int
) -> list[Sample]:
    factors, hours = scene.tape.assets[asset], hours.rows(page.of(hours.start_ms + told_after_ms))
    prices = (hours.open_usd, hours.high_usd, hours.low_usd, hours.close_usd)
    columns = zip(
        hours.start_ms.tolist(),
        *(np.round(column * factors.price, 2).tolist() for column in prices),
        (hours.open_interest_coin * factors.coins).tolist(),
        hours.funding_8h_pct.tolist(),
        strict=True,
    )
    return [
        Sample(
            start_ms=int(start),
            end_ms=int(start) + step_ms,
            open_usd=opened,
            high_usd=high,
            low_usd=low,
            close_usd=close,
            coins=coins,
            funding_8h_pct=funding,
        )
        for start, opened, high, low, close, coins, funding in columns
    ]


def next_funding_ms(market: TapeMarket) -> int:
    """When the next eight-hourly funding is paid."""
    return (market.at_ms // FUNDING_MS + 1) * FUNDING_MS


def step_ms(text: str) -> int | None:
    """`5m`, `4h`, `1d` in milliseconds; None for what is not such a step of an hour or more."""
    unit = STEP_MS.get(text[-1:].lower())
    if unit is None or not text[:-1].isdecimal():
        return None
    step = int(text[:-1]) * unit
    return step if step >= HOUR_MS else None


def plain(value: float, digits: int = 8) -> str:
    """A number as venues write it in text: no exponent, no needless zeros."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def first(params: Mapping[str, str], *names: str) -> str:
    """The first of these parameters that was given, or nothing."""
    return next((params[name] for name in names if params.get(name)), "")


def liquidations_between(
    scene: Scene, asset: str, since_ms: int, until_ms: int
) -> tuple[float, float] | None:
    """Longs and shorts (USD) force-closed between two times and before the moment: each day's evenly over its
    hours.

    None where the tape does not know one of these days.
    """
    until_ms = min(until_ms, scene.markets[asset].at_ms)
    factors = scene.tape.assets[asset]
    days = scene.tape.liquidations_by_day
    longs = shorts = 0.0
    start = since_ms // DAY_MS * DAY_MS
    if start >= until_ms:
        return None
    for day_ms in range(start, until_ms, DAY_MS):
        day = days.get(day_ms // DAY_MS)
        if day is None:
            return None
        part = (
            (min(until_ms, day_ms + DAY_MS) - max(since_ms, day_ms)) / DAY_MS * factors.price * factors.coins
        )
        longs += day.longs_usd * part
        shorts += day.shorts_usd * part
    return longs, shorts
