"""What the options of one expiry price: a smile fitted in total variance, and the distribution that follows from it.

Formula: raw SVI (Gatheral 2004), w(k) = a + d·y + c·√(y² + 1) with y = (k − m)/s and k = ln(K/F), fitted to the
total variance σ²T of what is out of the money, by least squares with weights of vega; for each (m, s) the other three
follow by a linear fit (Zeliade 2009). What it leaves of the quotes is added as a natural cubic smoothing spline
(Reinsch 1967), as little smoothed as leaves no settlement a price below zero. With v = √w and d2 = −k/v − v/2 the
price of a settlement under K is N(−d2) + φ(d2)·v′(k), the slope of the put in its strike (Breeden and Litzenberger
1978), r = 0.

These are prices, not chances: risk-neutral, of the settlement at the expiry alone. Nothing is told beyond the
outermost strikes that have a volatility, nor of a fit that would price a settlement below zero."""

from __future__ import annotations

from collections.abc import Collection
from math import erf, exp, inf, log, pi, sqrt

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.chain import Floats, Ints, OptionChain
from bot.metrics.smile import (
    MAX_IV_PCT,
    MAX_PRICE_USD,
    MIN_IV_PCT,
    MIN_PRICE_USD,
    NEAREST_EXPIRY_MS,
    YEAR_MS,
    normal_cdf,
)

LEAST_STRIKES = 7
GRID = 501
ROUNDS = 5
STEPS = 9
SMOOTHING = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""What is tried, from the quotes themselves on; beyond the last the spline is left out."""
LEAST_DENSITY = -1e-6
"""How far under zero rounding may bring a density, in chance for one unit of ln(K/F)."""


class Spline(Struct, frozen=True, kw_only=True):
    """A natural cubic spline: rising `knots`, its `value` and its second derivative `bend` at each."""

    knots: Floats
    value: Floats
    bend: Floats

    def at(self, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Value, first and second derivative at some x between the outermost knots."""
        place = np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, len(self.knots) - 2)
        low, high = self.knots[place], self.knots[place + 1]
        h = high - low
        left, right = high - x, x - low
        near, far = self.bend[place], self.bend[place + 1]
        value = (near * left**3 + far * right**3) / (6.0 * h)
        value += (self.value[place] / h - near * h / 6.0) * left
        value += (self.value[place + 1] / h - far * h / 6.0) * right
        first = (far * right**2 - near * left**2) / (2.0 * h)
        first += (self.value[place + 1] - self.value[place]) / h - (far - near) * h / 6.0
        return value, first, (near * left + far * right) / h


class ExpirySmile(Struct, frozen=True, kw_only=True):
    """The fitted smile of one expiry at one venue.

    `years` to the expiry (365 days each), `forward_usd` its forward, `lowest_usd` and `highest_usd` the outermost
    strikes that stand in it, `worst_points` how far the fit lies from a quoted volatility at most, in vol points,
    within one standard deviation of the forward; `a d c m s` the parameters above, `rest` the spline."""

    venue: str
    expires_ms: int
    years: float
    forward_usd: float
    lowest_usd: float
    highest_usd: float
    worst_points: float
    a: float
    d: float
    c: float
    m: float
    s: float
    rest: Spline | None = None

    @property
    def atm_iv_pct(self) -> float:
        """The fitted volatility at the forward, % a year."""
        return sqrt(self.variance(np.zeros(1)).item() / self.years) * 100.0

    def variance(self, k: Floats) -> Floats:
        """w(k), the total variance at some ln(K/F)."""
        y = (k - self.m) / self.s
        w = self.a + self.d * y + self.c * np.sqrt(y * y + 1.0)
        return np.asarray(w if self.rest is None else w + self.rest.at(k)[0])

    def slopes(self, k: Floats) -> tuple[Floats, Floats]:
        """w′(k) and w″(k)."""
        y = (k - self.m) / self.s
        root = np.sqrt(y * y + 1.0)
        first, second = (self.d + self.c * y / root) / self.s, self.c / (self.s**2 * root**3)
        if self.rest is None:
            return first, second
        _, more, most = self.rest.at(k)
        return first + more, second + most

    def price_under(self, strike_usd: float) -> float | None:
        """What a settlement under the strike is priced at, 0 to 1; None beyond the strikes that are quoted."""
        if not self.lowest_usd <= strike_usd <= self.highest_usd:
            return None
        return self.distribution(np.array([log(strike_usd / self.forward_usd)])).item()

    def distribution(self, k: Floats) -> Floats:
        """What a settlement under F·exp(k) is priced at, 0 to 1, for some k."""
        v = np.sqrt(self.variance(k))
        first, _ = self.slopes(k)
        d2 = -k / v - 0.5 * v
        return np.asarray(normal_cdf(-d2) + np.exp(-0.5 * d2 * d2) / sqrt(2.0 * pi) * first / (2.0 * v))

    def density(self, k: Floats) -> Floats:
        """The density of ln(settlement/F) at some k: g(k)·φ(d2)/√w with Durrleman's g."""
        return self._density(k, self.variance(k))

    def _density(self, k: Floats, w: Floats) -> Floats:
        first, second = self.slopes(k)
        g = (1.0 - k * first / (2.0 * w)) ** 2 - first**2 / 4.0 * (1.0 / w + 0.25) + second / 2.0
        d2 = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
        return np.asarray(g * np.exp(-0.5 * d2 * d2) / np.sqrt(2.0 * pi * w))

    def level_at(self, priced: float) -> float | None:
        """The strike, USD, under which a settlement is priced at so much (0 to 1); None where it lies beyond the
        strikes that are quoted."""
        k = self.grid()
        under = self.distribution(k)
        if not under[0] <= priced <= under[-1]:
            return None
        return self.forward_usd * exp(float(np.interp(priced, under, k)))

    def is_sound(self) -> bool:
        """Whether the fit has a volatility everywhere between its outermost strikes, and prices no settlement there
        below zero."""
        k = self.grid()
        w = self.variance(k)
        return bool(w.min() > 0.0 and self._density(k, w).min() >= LEAST_DENSITY)

    def grid(self) -> Floats:
        """Values of ln(K/F) from the lowest to the highest strike, evenly apart."""
        low, high = log(self.lowest_usd / self.forward_usd), log(self.highest_usd / self.forward_usd)
        return np.linspace(low, high, GRID)

    def option_usd(self, strike_usd: float, *, is_call: bool) -> float | None:
        """The price of one option for one coin, USD, by Black's formula with the fitted volatility, r = 0; None
        beyond the strikes that are quoted."""
        if not self.lowest_usd <= strike_usd <= self.highest_usd:
            return None
        k = log(strike_usd / self.forward_usd)
        sigma = sqrt(self.variance(np.array([k])).item())
        return price_option(self.forward_usd, strike_usd, sigma, is_call=is_call)

    @property
    def move_share(self) -> float:
        """One standard deviation to the expiry as a share of the forward: σ√T at the money, 0.047 for 4.7%."""
        return sqrt(self.variance(np.zeros(1)).item())

    @property
    def straddle_share(self) -> float:
        """What the at-the-money straddle costs, as a share of the forward: about 0.8 of `move_share`."""
        return 2.0 * (2.0 * _cdf(self.move_share / 2.0) - 1.0)


def fit_expiries(
    chain: OptionChain, at_ms: float, only: Collection[int] | None = None
) -> tuple[ExpirySmile, ...]:
    """The fitted smile of each expiry of a chain that is a day and more away and has enough strikes, nearest
    first; an expiry whose fit would price any settlement below zero is left out. `only`: of these expiries."""
    usable = (
        (chain.mark_iv_pct > MIN_IV_PCT)
        & (chain.mark_iv_pct < MAX_IV_PCT)
        & (chain.forward_usd > MIN_PRICE_USD)
        & (chain.forward_usd < MAX_PRICE_USD)
        & (chain.strike_usd > MIN_PRICE_USD)
        & (chain.expires_ms >= at_ms + NEAREST_EXPIRY_MS)
    )
    # What is out of the money: its quotes make the price, the other side's follow from them.
    usable &= chain.is_call == (chain.strike_usd >= chain.forward_usd)
    found = []
    for expires_ms in np.unique(chain.expires_ms[usable]).tolist():
        if only is not None and expires_ms not in only:
            continue
        rows = np.flatnonzero(usable & (chain.expires_ms == expires_ms))
        years = (expires_ms - float(np.median(chain.row_ms[rows]))) / YEAR_MS
        fitted = _fit(chain, rows, expires_ms, years)
        if fitted is not None:
            found.append(fitted)
    return tuple(found)


def _fit(chain: OptionChain, rows: Ints, expires_ms: int, years: float) -> ExpirySmile | None:
    strike, iv = chain.strike_usd[rows], chain.mark_iv_pct[rows]
    forward = float(np.median(chain.forward_usd[rows]))
    k, w = np.log(strike / forward), (iv / 100.0) ** 2 * years
    if len(k) < LEAST_STRIKES or years <= 0.0 or not (k.min() < 0.0 < k.max()):
        return None
    v = np.sqrt(w)
    d1 = -k / v + v / 2.0
    # An error of a volatility moves a price by vega: the far wings, where marks are a guess, weigh little.
    weight = np.exp(-0.25 * d1 * d1) / v + 1e-3
    a, d, c, m, s = _parameters(k, w, weight)
    smooth = ExpirySmile(
        venue=chain.venue,
        expires_ms=expires_ms,
        years=years,
        forward_usd=forward,
        lowest_usd=float(strike.min()),
        highest_usd=float(strike.max()),
        worst_points=0.0,
        a=a,
        d=d,
        c=c,
        m=m,
        s=s,
    )
    near = np.abs(d1) <= 1.0
    if not near.any():
        return None
    left = w - smooth.variance(k)
    for smoothing in SMOOTHING:
        found = replace(smooth, rest=_spline(k, left, weight, smoothing * float(np.ptp(k)) ** 3))
        if found.is_sound():
            break
    else:
        found = smooth
        if not found.is_sound():
            return None
    worst = np.abs(np.sqrt(found.variance(k[near]) / years) * 100.0 - iv[near]).max()
    return replace(found, worst_points=float(worst))


def _spline(x: Floats, y: Floats, weight: Floats, smoothing: float) -> Spline:
    """The natural cubic spline of least Σ (weight·(y − f))² + smoothing·(mean weight)²·∫ f″²."""
    h = np.diff(x)
    count = len(x)
    across = np.zeros((count, count - 2))
    band = np.zeros((count - 2, count - 2))
    for place in range(count - 2):
        across[place, place] = 1.0 / h[place]
        across[place + 1, place] = -1.0 / h[place] - 1.0 / h[place + 1]
        across[place + 2, place] = 1.0 / h[place + 1]
        band[place, place] = (h[place] + h[place + 1]) / 3.0
        if place + 1 < count - 2:
            band[place, place + 1] = band[place + 1, place] = h[place + 1] / 6.0
    give = smoothing * float((weight**2).mean()) / weight**2
    inner = np.linalg.solve(band + across.T @ (give[:, None] * across), across.T @ y)
    return Spline(knots=x, value=y - give * (across @ inner), bend=np.concatenate(([0.0], inner, [0.0])))


def _parameters(k: Floats, w: Floats, weight: Floats) -> tuple[float, float, float, float, float]:
    """a, d, c, m, s of least weighted squares: a search over (m, s) that narrows, the others linear in each."""
    m_low, m_high = float(k.min()), float(k.max())
    width = m_high - m_low
    s_low, s_high = log(0.01 * width), log(2.0 * width)
    least, best = inf, (0.0, 0.0, 0.0, 0.0, 1.0)
    for _ in range(ROUNDS):
        m, log_s = np.meshgrid(np.linspace(m_low, m_high, STEPS), np.linspace(s_low, s_high, STEPS))
        error, found = _linear(k, w, weight, m.ravel(), np.exp(log_s.ravel()))
        place = int(np.argmin(error))
        if error[place] < least:
            a, d, c, m_found, s_found = found[:, place].tolist()
            least, best = float(error[place]), (a, d, c, m_found, s_found)
        m_step, s_step = (m_high - m_low) / (STEPS - 1), (s_high - s_low) / (STEPS - 1)
        m_low, m_high = best[3] - m_step, best[3] + m_step
        s_low, s_high = log(best[4]) - s_step, log(best[4]) + s_step
    return best


def _linear(k: Floats, w: Floats, weight: Floats, m: Floats, s: Floats) -> tuple[Floats, Floats]:
    """For each (m, s) the weighted squares that the best a, d, c leave, and a, d, c, m, s as columns. c is at least
    |d| (variance stays above its least), and at most what keeps a wing's slope under 2 (Lee 2004)."""
    y = (k[None, :] - m[:, None]) / s[:, None]
    root = np.sqrt(y * y + 1.0)
    columns = np.stack((np.ones_like(y), y, root), axis=2)
    left = columns * weight[None, :, None]
    normal = left.transpose(0, 2, 1) @ left
    normal += (1e-12 * np.trace(normal, axis1=1, axis2=2))[:, None, None] * np.eye(3)
    right = (left * (w * weight)[None, :, None]).sum(axis=1)
    a, d, c = np.linalg.solve(normal, right[:, :, None])[:, :, 0].T
    most = 2.0 * s
    bad = (c < np.abs(d)) | (np.abs(d) > most - c)
    c = np.where(bad, np.clip(c, 0.0, most), c)
    bound = np.minimum(c, most - c)
    d = np.where(bad, np.clip(d, -bound, bound), d)
    rest = w[None, :] - d[:, None] * y - c[:, None] * root
    a = np.where(bad, (weight**2 * rest).sum(axis=1) / (weight**2).sum(), a)
    error = (((rest - a[:, None]) * weight) ** 2).sum(axis=1)
    return error, np.stack((a, d, c, m, s))


def price_option(forward_usd: float, strike_usd: float, sigma: float, *, is_call: bool) -> float:
    """The price in USD of one option for one coin by Black (1976), r = 0; `sigma` is σ√T, above 0."""
    k = log(strike_usd / forward_usd)
    put = strike_usd * _cdf(k / sigma + sigma / 2.0) - forward_usd * _cdf(k / sigma - sigma / 2.0)
    return put + forward_usd - strike_usd if is_call else put


def _cdf(x: float) -> float:
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))
