"""The price of fear: skew, implied volatility, put/call, expiries.

Skew is (25-delta put - 25-delta call) volatility: + when puts are dearer. Volatility says how much, never
which way. With several option venues each has its own value, and the aggregate weighs them by open interest.
Source: `smile.py`; the exchange's own greeks are the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import sqrt

import numpy as np
from msgspec.structs import replace

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Bools, OptionChain
from bot.domain.readings import SpotQuote, VolatilityQuote
from bot.metrics.combine import WeighedValue
from bot.metrics.expiries import max_pain
from bot.metrics.history import History, to_ms
from bot.metrics.moment import MetricInputs
from bot.metrics.protection import usual_cost
from bot.metrics.smile import DAY_MS, Smile, smile_at
from bot.metrics.wings import WideSmile, wide_of_chain
from bot.reasons import about, each, reason

MAX_AGE = timedelta(minutes=30)
DVOL_MAX_AGE = timedelta(hours=2)
TENORS = (7, 30, 60, 90, 180)
WINGS_DAYS = 30
EXPIRY_DAYS = 35
WEEK_DAYS, YEAR_DAYS = 7.0, 365.0

Compute = Callable[[MetricInputs, History], Measured | Unknown]


def _chains(moment: MetricInputs) -> tuple[OptionChain, ...]:
    return moment.readings(OptionChain, MAX_AGE)


def _smiles(moment: MetricInputs) -> tuple[tuple[OptionChain, Mapping[float, Smile]], ...]:
    """Each venue's chain, and its smile at each tenor."""
    return tuple((chain, smile_at(chain, to_ms(chain.observed_at), TENORS)) for chain in moment.once(_chains))


def _weight(chain: OptionChain) -> float | None:
    """The venue's open interest in coins, None where any contract's is not known."""
    total = _sum(chain, "open_interest_coin", np.ones(len(chain), np.bool_))
    return None if isinstance(total, str) else total


def _per_chain(
    moment: MetricInputs, name: str, values: dict[str, WeighedValue], reasons: Mapping[str, str]
) -> Measured | Unknown:
    if values:
        return moment.combine(name, values, "options")
    if reasons:
        return Unknown(reason=each(about(venue, why) for venue, why in reasons.items()))
    return moment.silence("options")


def _at_tenor(name: str, days: int, pick: Callable[[Smile], float | str]) -> Compute:
    """A metric of the smile at a tenor. `pick` answers the value, or the leg that is missing."""

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        values, reasons = {}, {}
        for chain, smile in moment.once(_smiles):
            picked = pick(smile[days])
            if isinstance(picked, str):
                reasons[chain.venue] = reason("no_expiry_near", days=days, leg=picked)
            else:
                values[chain.venue] = WeighedValue(
                    value=picked, observed_at=chain.observed_at, weight=_weight(chain)
                )
        return _per_chain(moment, name, values, reasons)

    return compute


def _skew_points(smile: Smile) -> float | str:
    if smile.put25 is None or smile.call25 is None:
        return "put" if smile.put25 is None else "call"
    return smile.put25 - smile.call25


def _skew_pct(smile: Smile) -> float | str:
    points = _skew_points(smile)
    if isinstance(points, str) or smile.atm is None:
        return points if isinstance(points, str) else _NO_ATM
    return points / smile.atm * 100.0


def _atm(smile: Smile) -> float | str:
    return _NO_ATM if smile.atm is None else smile.atm


_NO_ATM = "strikes on both sides of the forward"


def _wide_smiles(moment: MetricInputs) -> tuple[tuple[OptionChain, WideSmile], ...]:
    """Each venue's chain, and its smile to 10 delta at the tenor of `WINGS_DAYS`."""
    return tuple(
        (chain, wide_of_chain(chain, to_ms(chain.observed_at), WINGS_DAYS)) for chain in moment.once(_chains)
    )


def _of_wings(name: str, pick: Callable[[WideSmile], float | None]) -> Compute:
    """A metric of the smile's wings."""

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        values, reasons = {}, {}
        for chain, smile in moment.once(_wide_smiles):
            picked = pick(smile)
            if picked is None:
                leg = next((leg for leg in ("put", "call") if getattr(smile, f"{leg}10") is None), _NO_ATM)
                reasons[chain.venue] = reason("no_expiry_near", days=WINGS_DAYS, leg=leg)
            else:
                values[chain.venue] = WeighedValue(
                    value=picked, observed_at=chain.observed_at, weight=_weight(chain)
                )
        return _per_chain(moment, name, values, reasons)

    return compute


def _term_slope(moment: MetricInputs, _: History) -> Measured | Unknown:
    near, far = moment.measure("atm_iv_7d_pct"), moment.measure("atm_iv_30d_pct")
    if isinstance(near, Unknown) or isinstance(far, Unknown):
        return near if isinstance(near, Unknown) else far
    observed_at = min(near.observed_at, far.observed_at)
    return Measured(
        value=far.value - near.value,
        observed_at=observed_at,
        venues=far.venues,
        of_venues=far.of_venues,
        missing=far.missing,
    )


def _expected_move(moment: MetricInputs, _: History) -> Measured | Unknown:
    weekly = moment.measure("atm_iv_7d_pct")
    if isinstance(weekly, Unknown):
        return weekly
    return replace(weekly, value=weekly.value * sqrt(WEEK_DAYS / YEAR_DAYS), by_venue=None)


def _expected_level(side: int) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        move, spot = moment.measure("expected_move_7d_pct"), moment.measure("spot_usd")
        if isinstance(move, Unknown) or isinstance(spot, Unknown):
            return move if isinstance(move, Unknown) else spot
        return replace(
            move,
            value=spot.value * (1.0 + side * move.value / 100.0),
            observed_at=min(move.observed_at, spot.observed_at),
        )

    return compute


def _dvol(moment: MetricInputs, _: History) -> Measured | Unknown:
    quotes = moment.readings(VolatilityQuote, DVOL_MAX_AGE)
    parts = {quote.venue: WeighedValue(value=quote.dvol, observed_at=quote.observed_at) for quote in quotes}
    return moment.combine("dvol", parts, "dvol")


def _sum(chain: OptionChain, column: str, rows: Bools) -> float | str:
    """The sum over rows of a column; the reason where the venue left one of them out."""
    values = getattr(chain, column)[rows]
    missing = int((~np.isfinite(values) | (values < 0.0)).sum())
    return reason("contracts_without", number=missing, column=column) if missing else float(values.sum())


def _protection(moment: MetricInputs, _: History) -> Measured | Unknown:
    values, reasons = {}, {}
    for chain in moment.once(_chains):
        index = _index(moment, chain.venue)
        cost = usual_cost(chain, index) if index is not None else None
        if cost is None:
            reasons[chain.venue] = reason("no_index") if index is None else reason("no_put_near")
        else:
            values[chain.venue] = WeighedValue(
                value=cost, observed_at=chain.observed_at, weight=_weight(chain)
            )
    return _per_chain(moment, "protection_30d_pct", values, reasons)


def _put_call(name: str, column: str) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        values, reasons = {}, {}
        for chain in moment.once(_chains):
            held = moment.withheld(chain.venue, "options") if column == "open_interest_coin" else None
            if held is not None:
                reasons[chain.venue] = held
                continue
            puts, calls = _sum(chain, column, ~chain.is_call), _sum(chain, column, chain.is_call)
            if isinstance(puts, str) or isinstance(calls, str):
                reasons[chain.venue] = puts if isinstance(puts, str) else str(calls)
            elif calls <= 0.0:
                reasons[chain.venue] = reason("nothing_in_calls")
            else:
                values[chain.venue] = WeighedValue(
                    value=puts / calls, observed_at=chain.observed_at, weight=_weight(chain)
                )
        return _per_chain(moment, name, values, reasons)

    return compute


def _open_interest(name: str, in_usd: bool) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        values, reasons = {}, {}
        for chain in moment.once(_chains):
            if (held := moment.withheld(chain.venue, "options")) is not None:
                reasons[chain.venue] = held
                continue
            coins = _sum(chain, "open_interest_coin", np.ones(len(chain), np.bool_))
            index = _index(moment, chain.venue) if in_usd else 1.0
            if isinstance(coins, str) or index is None:
                reasons[chain.venue] = coins if isinstance(coins, str) else reason("no_index")
            else:
                values[chain.venue] = WeighedValue(value=coins * index, observed_at=chain.observed_at)
        return _per_chain(moment, name, values, reasons)

    return compute


def _index(moment: MetricInputs, venue: str) -> float | None:
    """The venue's own index, or else the aggregate one."""
    own = [quote.index_usd for quote in moment.readings(SpotQuote, MAX_AGE) if quote.venue == venue]
    spot = moment.measure("spot_usd")
    return own[0] if own else (spot.value if isinstance(spot, Measured) else None)


def _largest_expiry(moment: MetricInputs) -> tuple[float, float] | str:
    """Max pain in USD and open interest in coins of the expiry, over all venues, that holds most in the next
    35 days."""
    chains = moment.once(_chains)
    if not chains:
        return moment.silence("options").reason
    held = {chain.venue: moment.withheld(chain.venue, "options") for chain in chains}
    if reasons := [about(venue, why) for venue, why in held.items() if why is not None]:
        return each(reasons)
    expires, strike, is_call, coins = (
        np.concatenate([getattr(chain, name) for chain in chains])
        for name in ("expires_ms", "strike_usd", "is_call", "open_interest_coin")
    )
    now_ms = to_ms(moment.at)
    near = (expires > now_ms) & (expires <= now_ms + EXPIRY_DAYS * DAY_MS)
    if not near.any():
        return reason("no_expiry_within", days=EXPIRY_DAYS)
    if not (np.isfinite(coins[near]) & (coins[near] >= 0.0) & np.isfinite(strike[near])).all():
        return reason("no_open_interest")
    _, term = np.unique(expires[near], return_inverse=True)
    sums = np.bincount(term, weights=coins[near])
    rows = np.flatnonzero(near)[term == int(np.argmax(sums))]
    if not sums.max() > 0.0:
        return reason("nothing_open_within", days=EXPIRY_DAYS)
    return max_pain(strike[rows], is_call[rows], coins[rows]), float(sums.max())


def _max_pain(moment: MetricInputs, _: History) -> Measured | Unknown:
    largest = moment.once(_largest_expiry)
    return Unknown(reason=largest) if isinstance(largest, str) else _of_chains(moment, largest[0])


def _notional(moment: MetricInputs, _: History) -> Measured | Unknown:
    largest = moment.once(_largest_expiry)
    if isinstance(largest, str):
        return Unknown(reason=largest)
    spot = moment.measure("spot_usd")
    if isinstance(spot, Unknown):
        return spot
    return _of_chains(moment, largest[1] * spot.value)


def _of_chains(moment: MetricInputs, value: float) -> Measured:
    chains = moment.once(_chains)
    venues = tuple(sorted({chain.venue for chain in chains}))
    expected = moment.venues_expected("options")
    return Measured(
        value=value,
        observed_at=min(chain.observed_at for chain in chains),
        venues=venues,
        of_venues=len(expected | set(venues)),
        missing=tuple(sorted(expected - set(venues))),
    )


def _smile_metrics(days: int) -> tuple[Metric, ...]:
    around = f"total variance interpolated to {days} days"
    return (
        Metric(
            name=f"skew_{days}d_pct",
            unit="% of ATM IV",
            max_age=MAX_AGE,
            valid=(-100.0, 100.0),
            compute=_at_tenor(f"skew_{days}d_pct", days, _skew_pct),
            formula=f"(25-delta put IV - 25-delta call IV) / at-the-money IV x 100, {around}",
            combine="weighted",
            weight="option_open_interest_coin",
        ),
        Metric(
            name=f"skew_{days}d_points",
            unit="vol points",
            max_age=MAX_AGE,
            valid=(-150.0, 150.0),
            compute=_at_tenor(f"skew_{days}d_points", days, _skew_points),
            formula=f"25-delta put IV - 25-delta call IV, {around}",
            combine="weighted",
            weight="option_open_interest_coin",
        ),
        Metric(
            name=f"atm_iv_{days}d_pct",
            unit="% a year",
            max_age=MAX_AGE,
            valid=(1.0, 500.0),
            compute=_at_tenor(f"atm_iv_{days}d_pct", days, _atm),
            formula=f"implied volatility where the strike is the forward, {around}",
            combine="weighted",
            weight="option_open_interest_coin",
        ),
    )


def _wings_metric(name: str, pick: Callable[[WideSmile], float | None], formula: str) -> Metric:
    return Metric(
        name=name,
        unit="vol points",
        max_age=MAX_AGE,
        valid=(-150.0, 150.0),
        compute=_of_wings(name, pick),
        formula=f"{formula}, total variance interpolated to {WINGS_DAYS} days",
        combine="weighted",
        weight="option_open_interest_coin",
    )


def _level_metric(name: str, side: int) -> Metric:
    return Metric(
        name=name,
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e8),
        compute=_expected_level(side),
        formula=f"spot x (1 {'+' if side > 0 else '-'} the week's expected move)",
        amount=True,
        venues_of="atm_iv_7d_pct",
    )


METRICS = (
    *(metric for days in TENORS for metric in _smile_metrics(days)),
    _wings_metric(
        "skew_10delta_30d_points", lambda one: one.reversal10, "10-delta put IV - 10-delta call IV"
    ),
    _wings_metric(
        "butterfly_30d_points",
        lambda one: one.butterfly25,
        "(25-delta put IV + 25-delta call IV) / 2 - at-the-money IV",
    ),
    _wings_metric(
        "butterfly_10delta_30d_points",
        lambda one: one.butterfly10,
        "(10-delta put IV + 10-delta call IV) / 2 - at-the-money IV",
    ),
    Metric(
        name="iv_term_slope_points",
        unit="points",
        max_age=MAX_AGE,
        valid=(-300.0, 300.0),
        compute=_term_slope,
        formula="at-the-money IV at 30 days - at 7 days",
        venues_of="atm_iv_30d_pct",
    ),
    Metric(
        name="expected_move_7d_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(0.0, 70.0),
        compute=_expected_move,
        formula="at-the-money IV at 7 days x the root of 7 / 365: one standard deviation",
        venues_of="atm_iv_7d_pct",
    ),
    _level_metric("expected_low_7d_usd", -1),
    _level_metric("expected_high_7d_usd", 1),
    Metric(
        name="dvol",
        unit="vol points",
        max_age=DVOL_MAX_AGE,
        valid=(5.0, 400.0),
        compute=_dvol,
        formula="Deribit's 30-day implied volatility index, as published",
        combine="median",
    ),
    Metric(
        name="put_call_oi_ratio",
        unit="ratio",
        max_age=MAX_AGE,
        valid=(0.0, 100.0),
        compute=_put_call("put_call_oi_ratio", "open_interest_coin"),
        formula="open interest of puts / of calls, in coins",
        combine="weighted",
        weight="option_open_interest_coin",
        counts="options",
    ),
    Metric(
        name="put_call_volume_ratio",
        unit="ratio",
        max_age=MAX_AGE,
        valid=(0.0, 100.0),
        compute=_put_call("put_call_volume_ratio", "volume_24h_coin"),
        formula="24-hour volume of puts / of calls, in coins",
        combine="weighted",
        weight="option_open_interest_coin",
    ),
    Metric(
        name="option_open_interest_coin",
        unit="coins",
        max_age=MAX_AGE,
        valid=(1e-6, 1e12),
        compute=_open_interest("option_open_interest_coin", in_usd=False),
        formula="open interest of all options, one side counted once",
        amount=True,
        combine="sum",
        counts="options",
    ),
    Metric(
        name="option_open_interest_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_open_interest("option_open_interest_usd", in_usd=True),
        formula="option open interest in coins x the venue's index",
        amount=True,
        combine="sum",
        counts="options",
    ),
    Metric(
        name="protection_30d_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(0.0, 100.0),
        compute=_protection,
        formula="Black's price of a put at 0.9 x index, total variance interpolated to 30 days / index x 100",
        combine="weighted",
        weight="option_open_interest_coin",
    ),
    Metric(
        name="max_pain_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e8),
        compute=_max_pain,
        formula="the strike at which the largest expiry of the next 35 days would pay its holders least",
        amount=True,
        venues_of="option_open_interest_coin",
    ),
    Metric(
        name="next_expiry_notional_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_notional,
        formula="open interest in coins of the largest expiry of the next 35 days x spot",
        amount=True,
        venues_of="option_open_interest_coin",
    ),
)
