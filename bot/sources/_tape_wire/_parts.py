"""What the wire formats of the tape share: numbers as text, histories by the hour, contracts and pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from bot.sources._tape_market import HOUR_MS, Future, Market, Scene, dated, midnight_ms, quarters

T = TypeVar("T")

DAY_MS = 24 * HOUR_MS
FUNDING_MS = 8 * HOUR_MS
PERPETUAL_SHARE = 0.85
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
STEP_MS = {"m": 60_000, "h": HOUR_MS, "d": DAY_MS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A perpetual (`expires_at` None) or dated future as a venue lists it: its mark, and the coins that are open in it."""

    expires_at: datetime | None
    mark_usd: float
    coins: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One step of a history: its bar, and open interest (coins) and funding at its end."""

    start_ms: int
    end_ms: int
    open_usd: float
    high_usd: float
    low_usd: float
    close_usd: float
    coins: float
    funding_8h_pct: float


def contracts(scene: Scene, market: Market, share: float, expiries: int = 2) -> list[Contract]:
    """A perpetual and the next quarterly futures, which share `share` of all open interest among them."""
    coins = market.open_interest_coin * share
    futures = quarterlies(scene, market, expiries)
    weights = sum(future.weight for future in futures)
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


def quarterlies(scene: Scene, market: Market, count: int) -> Sequence[Future]:
    """The next quarterly futures, on a curve that has the stated basis where these futures span its tenor."""
    return dated(scene.moment, market.index_usd, quarters(market.at, count)) if count else ()


def samples(scene: Scene, asset: str, step_ms: int) -> list[Sample]:
    """The asset's past by steps, oldest first; the last one may be under way."""
    factors, hours = scene.tape.assets[asset], scene.hours.by(step_ms)
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


def ended(scene: Scene, asset: str, step_ms: int) -> list[Sample]:
    """As `samples`, without a step that is under way."""
    now_ms = scene.markets[asset].at_ms
    return [sample for sample in samples(scene, asset, step_ms) if sample.end_ms <= now_ms]


def next_funding_ms(market: Market) -> int:
    """When the next eight-hourly funding is paid."""
    return (market.at_ms // FUNDING_MS + 1) * FUNDING_MS


def page(
    rows: Sequence[T], at: Callable[[T], int], *, since: str | None, until: str | None, limit: str | None, usual: int
) -> list[T]:
    """The rows within two times (milliseconds, as the client wrote them), as many as the limit: the first ones where a
    start is named, else the last ones."""
    first, last = int(since or 0), int(until or 2**62)
    within = [row for row in rows if first <= at(row) <= last]
    count = int(limit or usual)
    return within[:count] if since else within[-count:]


def step_ms(text: str) -> int | None:
    """`5m`, `4h`, `1d` in milliseconds; None for what is not such a step of an hour or more."""
    unit = STEP_MS.get(text[-1:].lower(), 0)
    step = int(text[:-1]) * unit if text[:-1].isdecimal() else 0
    return step if step >= HOUR_MS else None


def plain(value: float, digits: int = 8) -> str:
    """A number as venues write it in text: no exponent, no needless zeros."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def first(params: Mapping[str, str], *names: str) -> str:
    """The first of these parameters that was given, or nothing."""
    return next((params[name] for name in names if params.get(name)), "")


def liquidated(scene: Scene, asset: str, since_ms: int, until_ms: int) -> tuple[float, float] | None:
    """Longs and shorts (USD) force-closed between two times and before the moment: each day's evenly over its hours.

    None where the tape does not know one of these days.
    """
    until_ms = min(until_ms, scene.markets[asset].at_ms)
    factors = scene.tape.assets[asset]
    days = {midnight_ms(row.day): row for row in scene.tape.liquidations}
    longs = shorts = 0.0
    start = since_ms // DAY_MS * DAY_MS
    if start >= until_ms:
        return None
    for day_ms in range(start, until_ms, DAY_MS):
        if day_ms not in days:
            return None
        part = (min(until_ms, day_ms + DAY_MS) - max(since_ms, day_ms)) / DAY_MS * factors.price * factors.coins
        longs += days[day_ms].longs_usd * part
        shorts += days[day_ms].shorts_usd * part
    return longs, shorts
