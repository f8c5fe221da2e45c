"""The whole width of a smile: 10-delta beside 25-delta, risk reversals and butterflies, and how much of a change is the
price moving along the smile of before.

Formula: a leg at a delta is the volatility at which N(d1) of a call is that delta (of a put N(d1) − 1 is minus it), linear in
delta between the two neighboring strikes, as `smile.py` has it for 25; with 10-delta legs the two may lie
0.14 of delta apart, the same share as there. Risk reversal = put − call; butterfly = (put + call) / 2 − at the money;
all in vol points. Between expiries each leg is linear in total variance, never beyond them.

A change of an expiry's smile in two parts (sticky strike; Derman 1999): with Q a leg, a risk reversal or a butterfly,
σ₀(K) the volatility by strike of before, F₀ the forward and T₀ the years then, and σ₁, F₁, T₁ those of now,

    along = Q(σ₀, F₁, T₁) − Q(σ₀, F₀, T₀)     new = Q(σ₁, F₁, T₁) − Q(σ₀, F₁, T₁)

The first is what the price's way (and the time that passed) does where each strike keeps its volatility, the second what was
paid anew for the same strikes; both add up to the change exactly. What would need σ₀ beyond the strikes that are
remembered is not known."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.chain import Floats, OptionChain, PastSmile
from bot.metrics.smile import (
    DAY_MS,
    LIMIT_D1,
    MAX_IV_PCT,
    MAX_PRICE_USD,
    MIN_IV_PCT,
    MIN_PRICE_USD,
    NEAREST_EXPIRY_MS,
    WIDEST_DELTA,
    WIDEST_LOG_STRIKE_SIGMAS,
    YEAR_MS,
    interpolate_variance,
    normal_cdf,
    smile_at,
)

NEAR_DELTA, FAR_DELTA = 0.25, 0.10
LEGS = ("put10", "put25", "atm", "call25", "call10")


class StrikeSmile(Struct, frozen=True, kw_only=True):
    """Volatility (% a year) by rising strike (USD) of one expiry at a time, its forward (USD) and the years to it;
    `forwards` is the forward of each strike's own row, where rows have one."""

    expires_ms: int
    strike_usd: Floats
    iv_pct: Floats
    forward_usd: float
    years: float
    forwards: Floats | None = None


class WideSmile(Struct, frozen=True, kw_only=True):
    """Five points of a smile, in % a year, at a distance in days; a leg that is not known is None."""

    days: float
    put10: float | None = None
    put25: float | None = None
    atm: float | None = None
    call25: float | None = None
    call10: float | None = None

    @property
    def reversal25(self) -> float | None:
        """25-delta put minus call, vol points: above 0 where puts are dearer."""
        return _difference(self.put25, self.call25)

    @property
    def reversal10(self) -> float | None:
        """10-delta put minus call, vol points."""
        return _difference(self.put10, self.call10)

    @property
    def butterfly25(self) -> float | None:
        """The mean of the 25-delta put and call over at the money, vol points: what both wings cost beyond it."""
        return _difference(_mean(self.put25, self.call25), self.atm)

    @property
    def butterfly10(self) -> float | None:
        """The same at 10 delta."""
        return _difference(_mean(self.put10, self.call10), self.atm)

    @property
    def skew_pct(self) -> float | None:
        """The 25-delta risk reversal in % of at-the-money volatility."""
        gap = self.reversal25
        return None if gap is None or self.atm is None else gap / self.atm * 100.0


QUANTITIES = ("atm", "reversal25", "reversal10", "butterfly25", "butterfly10")
"""What a smile is told by."""


class SplitChange(Struct, frozen=True, kw_only=True):
    """One quantity of a smile before and now, and its change in two parts, vol points: along the smile of before, and new."""

    before: float
    now: float
    along: float
    new: float


def strike_smiles(chain: OptionChain, at_ms: float) -> tuple[StrikeSmile, ...]:
    """The smile by strike of each expiry that is a day and more away, nearest first: of puts below the forward and calls from
    it on, as smiles are remembered."""
    usable = (
        (chain.mark_iv_pct > MIN_IV_PCT)
        & (chain.mark_iv_pct < MAX_IV_PCT)
        & (chain.forward_usd > MIN_PRICE_USD)
        & (chain.forward_usd < MAX_PRICE_USD)
        & (chain.strike_usd > MIN_PRICE_USD)
        & (chain.expires_ms >= at_ms + NEAREST_EXPIRY_MS)
        & (chain.expires_ms > chain.row_ms)
    )
    usable &= chain.is_call == (chain.strike_usd >= chain.forward_usd)
    found = []
    for expires_ms in np.unique(chain.expires_ms[usable]).tolist():
        rows = np.flatnonzero(usable & (chain.expires_ms == expires_ms))
        strike, places = np.unique(chain.strike_usd[rows], return_index=True)
        found.append(
            StrikeSmile(
                expires_ms=expires_ms,
                strike_usd=strike,
                iv_pct=chain.mark_iv_pct[rows][places],
                forward_usd=float(np.median(chain.forward_usd[rows])),
                years=(expires_ms - float(np.median(chain.row_ms[rows]))) / YEAR_MS,
                forwards=chain.forward_usd[rows][places],
            )
        )
    return tuple(found)


def past_strike_smile(past: PastSmile) -> StrikeSmile | None:
    """A remembered smile; None where its forward was not kept."""
    years = (past.expires_ms - past.at.timestamp() * 1000) / YEAR_MS
    if past.forward_usd is None or not past.strikes_usd or years <= 0.0:
        return None
    return StrikeSmile(
        expires_ms=past.expires_ms,
        strike_usd=np.array(past.strikes_usd),
        iv_pct=np.array(past.iv_pct),
        forward_usd=past.forward_usd,
        years=years,
    )


def read_wide(
    smile: StrikeSmile, *, forward_usd: float | None = None, years: float | None = None
) -> WideSmile:
    """The five points of a smile; with a forward and years that are not its own what they would be where each strike kept its
    volatility."""
    own = smile.forward_usd if smile.forwards is None else smile.forwards
    forward, life = forward_usd or own, years or smile.years
    sigma = smile.iv_pct / 100.0 * np.sqrt(life)
    k = np.log(smile.strike_usd / forward)
    d1 = 0.5 * sigma - k / sigma
    inside = np.abs(d1) <= LIMIT_D1
    call, iv = normal_cdf(d1[inside]), smile.iv_pct[inside]
    return WideSmile(
        days=life * 365.0,
        put10=_leg(call, iv, 1.0 - FAR_DELTA, FAR_DELTA),
        put25=_leg(call, iv, 1.0 - NEAR_DELTA, NEAR_DELTA),
        atm=_at_the_money(k, smile.iv_pct, sigma),
        call25=_leg(call, iv, NEAR_DELTA, NEAR_DELTA),
        call10=_leg(call, iv, FAR_DELTA, FAR_DELTA),
    )


def _leg(delta: Floats, iv: Floats, wanted: float, size: float) -> float | None:
    """The volatility at a call's delta; None where no two neighboring strikes straddle it, more than one pair does, or
    they are too far apart."""
    above = delta > wanted
    (places,) = np.nonzero(above[1:] != above[:-1])
    if len(places) != 1:
        return None
    place = int(places[0])
    low, high = delta.item(place), delta.item(place + 1)
    if abs(high - low) > WIDEST_DELTA * size / NEAR_DELTA:
        return None
    return iv.item(place) + (wanted - low) / (high - low) * (iv.item(place + 1) - iv.item(place))


def _at_the_money(k: Floats, iv: Floats, sigma: Floats) -> float | None:
    place = int(np.searchsorted(k, 0.0))
    if place < len(k) and k.item(place) == 0.0:
        return iv.item(place)
    if place in (0, len(k)):
        return None
    low, high = k.item(place - 1), k.item(place)
    if high - low > WIDEST_LOG_STRIKE_SIGMAS * sigma.item(place - 1):
        return None
    return iv.item(place - 1) + low / (low - high) * (iv.item(place) - iv.item(place - 1))


def wide_at(smiles: Sequence[WideSmile], days: float) -> WideSmile:
    """The five points at a distance in days, each in total variance between the nearest expiries on both sides that have it;
    never beyond them."""
    return WideSmile(
        days=days,
        **{
            leg: interpolate_variance(
                [(one.days, value) for one in smiles if (value := getattr(one, leg)) is not None], days
            )
            for leg in LEGS
        },
    )


def wide_of_chain(chain: OptionChain, at_ms: float, days: float) -> WideSmile:
    """The five points of a chain at a distance in days from a time; 25 delta and the money are those of `smile_at`."""
    smiles = strike_smiles(chain, at_ms)
    ends = [(one.expires_ms - at_ms) / DAY_MS for one in smiles]
    place = bisect_left(ends, days)
    near = smiles[max(place - 1, 0) : place + 1]
    found = wide_at([read_wide(one) for one in near], days)
    if None in [getattr(found, leg) for leg in LEGS]:
        found = wide_at([read_wide(one) for one in smiles], days)
    near_money = smile_at(chain, at_ms, (days,))[days]
    return replace(found, put25=near_money.put25, atm=near_money.atm, call25=near_money.call25)


def split_change(before: StrikeSmile, now: StrikeSmile) -> dict[str, SplitChange]:
    """The change of each of `QUANTITIES` of one expiry in its two parts; one that is not known at all three is left out.
    Raises ValueError for smiles of two expiries."""
    if before.expires_ms != now.expires_ms:
        raise ValueError(f"a smile of {before.expires_ms} is none of {now.expires_ms}")
    first, last = read_wide(before), read_wide(now, forward_usd=now.forward_usd)
    held = read_wide(before, forward_usd=now.forward_usd, years=now.years)
    found = {}
    for name in QUANTITIES:
        then, stuck, since = (getattr(one, name) for one in (first, held, last))
        if then is not None and stuck is not None and since is not None:
            found[name] = SplitChange(before=then, now=since, along=stuck - then, new=since - stuck)
    return found


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _mean(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one + other) / 2.0
