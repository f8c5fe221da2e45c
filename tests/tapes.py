"""Markets made from a seed, hour by hour, as the facts that rules ask for: a volatile quarter, a quiet
month."""

import csv
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

HOUR = timedelta(hours=1)
START = datetime(2025, 11, 1, tzinfo=UTC)
WEEK, MONTH = 7 * 24, 30 * 24

Sample = dict[str, float]


class Market(Struct, frozen=True, kw_only=True):
    """Times, an hour apart, and the known facts at each."""

    times: tuple[datetime, ...]
    samples: tuple[Sample, ...]


def volatile(seed: int, days: int = 90) -> Market:
    """A quarter of trends, crashes and squeezes, with sources that drop out now and then."""
    chance = random.Random(seed)
    prices = _path(chance, days * 24 + MONTH, hourly_pct=1.1, jump_every=60, jump_pct=6, swing_pct=0.12)
    return _market(prices, chance, noise=1.0, silence=0.03, start=START)


def quiet(seed: int, days: int = 30) -> Market:
    """A month in which nothing happens."""
    chance = random.Random(seed)
    prices = _path(chance, days * 24 + MONTH, hourly_pct=0.12, jump_every=0, jump_pct=0, swing_pct=0)
    return _market(prices, chance, noise=0.15, silence=0.0, start=START)


def recorded(history: Path, since: datetime, until: datetime) -> Market:
    """January and February 2026 as they were: hourly prices as recorded; the other facts follow from them as
    in the made markets, because nobody recorded those by the hour."""
    with (history / "btcusdt_perpetual_1h_2025-01_2026-02.csv").open(encoding="utf-8") as file:
        rows = [(datetime.fromisoformat(row["open_at"]), float(row["close"])) for row in csv.DictReader(file)]
    kept = [price for at, price in rows if since - MONTH * HOUR <= at < until]
    return _market(kept, random.Random(1), noise=0.6, silence=0.01, start=since)


def _path(
    chance: random.Random,
    hours: int,
    *,
    hourly_pct: float,
    jump_every: int,
    jump_pct: float,
    swing_pct: float,
) -> list[float]:
    price, prices = 90_000.0, []
    for hour in range(hours):
        step = chance.gauss(0, hourly_pct) + swing_pct * math.sin(hour / 200)
        if jump_every and chance.random() < 1 / jump_every:
            step += chance.choice((-1, 1)) * chance.uniform(0.5, 1.5) * jump_pct
        # Pulled back to where it began, so that a quarter neither doubles nor ends at nothing.
        price *= 1 + step / 100 + 0.002 * math.log(90_000 / price)
        prices.append(price)
    return prices


def _market(
    prices: Sequence[float], chance: random.Random, *, noise: float, silence: float, start: datetime
) -> Market:
    samples = [_sample(prices, hour, chance, noise, silence) for hour in range(MONTH, len(prices))]
    return Market(
        times=tuple(start + number * HOUR for number in range(len(samples))), samples=tuple(samples)
    )


def _sample(
    prices: Sequence[float], hour: int, chance: random.Random, noise: float, silence: float
) -> Sample:
    now, month = prices[hour], prices[hour - MONTH : hour + 1]
    low, high = min(month), max(month)
    week = (now / prices[hour - WEEK] - 1) * 100
    day = (now / prices[hour - 24] - 1) * 100
    coins = 0.25 * week + chance.gauss(0, noise)
    forced = 6e7 * abs(day) + 2e7
    everything: Sample = {
        "spot_usd": now,
        "spot_usd.change_7d_pct": week,
        "spot_usd.change_24h_pct": day,
        "low_30d_usd": low,
        "high_30d_usd": high,
        "rebound_pct": (now / low - 1) * 100,
        "drawdown_pct": (now / high - 1) * 100,
        "hours_since_low": float(len(month) - 1 - month.index(low)),
        "hours_since_high": float(len(month) - 1 - month.index(high)),
        "skew_60d_pct": 2 - 0.7 * week + chance.gauss(0, noise),
        "skew_30d_pct": 2 - 0.9 * week + chance.gauss(0, noise),
        "basis_60d_pct": 7 + 0.25 * week + chance.gauss(0, noise / 2),
        "basis_90d_pct": 7.2 + 0.2 * week + chance.gauss(0, noise / 2),
        "funding_annual_pct": 9 + 0.8 * day + chance.gauss(0, noise * 2),
        "open_interest_coin.change_7d_pct": coins,
        "open_interest_usd.change_7d_pct": ((1 + coins / 100) * (1 + week / 100) - 1) * 100,
        "liquidations_24h_long_usd": forced * (0.8 if day < 0 else 0.2),
        "liquidations_24h_short_usd": forced * (0.2 if day < 0 else 0.8),
        "liquidations_24h_usd": forced,
        "liquidations_24h_pct_of_oi": forced / 4e8,
        "vs_gold_30d_pct": (now / prices[hour - MONTH] - 1) * 100 - 2,
        "dvol": 45.0,
    }
    if chance.random() >= silence:
        return everything
    gone = chance.choice(("skew_", "basis_", "funding_", "open_interest_", "liquidations_"))
    return {name: value for name, value in everything.items() if not name.startswith(gone)}
