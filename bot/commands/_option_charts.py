"""Charts of options: the smile of one expiry, the skew along its tenors, how far the price is expected to move and how
far it did, what is open by strike and by expiry. Pure builders, like those of `_charts`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, sqrt

from msgspec.structs import replace

from bot.charts import ticks
from bot.commands._charts import caption, decimal, short_day, speech, usual_range, words
from bot.commands._lines import SPOT, price_path, stretch
from bot.commands._telling import title
from bot.desk.market import Market
from bot.domain.chain import OptionChain, PastSmile
from bot.domain.facts import Fact, Facts
from bot.domain.posts import ChartSeries, ChartSpec, Mark, Profile
from bot.metrics import History
from bot.metrics.movement import DAYS_A_YEAR, realized_day
from bot.metrics.smile import DAY_MS, LEG_DELTA, Smile, SmilePoint, legs, smile_points
from bot.metrics.strikes import gamma_by_strike, largest, open_by_expiry

LEAST_DELTA = 0.05  # the far wings of a smile are a venue's guess
WEEK = timedelta(days=7)
REALIZED = timedelta(days=90)
AHEAD = (7, 30, 60, 90)  # days for which at-the-money volatility is measured
BEHIND = timedelta(days=30)  # of the price, left of what is expected
CONE_STEPS = 12  # from one tenor to the next
NEAR_SHARE = 0.3  # strikes within that share of the spot price are shown
MOST_STRIKES = 24
MOST_EXPIRIES = 8


def expiry_near(chain: OptionChain, days: float) -> int | None:
    """The expiry with a smile that is nearest to so many days, in milliseconds since 1970 UTC; None where none has
    one."""
    at_ms = chain.observed_at.timestamp() * 1000
    smiles = legs(chain, at_ms)
    if not smiles:
        return None
    smile = min(smiles, key=lambda one: abs(one.days - days))
    expiries: set[int] = set(chain.expires_ms.tolist())
    return min(expiries, key=lambda expiry: abs((expiry - at_ms) / DAY_MS - smile.days))


def smile_chart(
    market: Market, chain: OptionChain, days: float, profile: Profile, past: PastSmile | None = None
) -> ChartSpec | None:
    """The smile of the expiry that is nearest to so many days, of puts below and calls above the forward,
    with its 25-delta and at-the-money volatility, and behind it the same as it was before, if that is known; None where
    these are not known."""
    at_ms = chain.observed_at.timestamp() * 1000
    expires_ms = expiry_near(chain, days)
    if expires_ms is None:
        return None
    smile = min(legs(chain, at_ms), key=lambda one: abs(one.days - (expires_ms - at_ms) / DAY_MS))
    points = smile_points(chain, expires_ms, least_delta=LEAST_DELTA)
    forward = next(
        float(one) for one, at in zip(chain.forward_usd, chain.expires_ms, strict=True) if at == expires_ms
    )
    marks = _smile_marks(market, points, smile, forward, profile)
    if not marks:
        return None
    known = market.bank(profile).words
    label = short_day(known, datetime.fromtimestamp(expires_ms / 1000, UTC))
    heading = words(market, profile, "title.smile", asset=chain.asset, expiry=label)
    now = ChartSeries(
        label=words(market, profile, "now") if past else label,
        x=tuple(point.strike_usd for point in points),
        y=tuple(point.iv_pct for point in points),
    )
    said = speech(market, profile)
    before = (
        (ChartSeries(label=ticks.day(past.at, said), x=past.strikes_usd, y=past.iv_pct, past=True),)
        if past
        else ()
    )
    return ChartSpec(
        kind="smile",
        speech=said,
        title=heading,
        unit="% a year",
        x_label=words(market, profile, "strike"),
        series=(now, *before),
        caption=caption(market, profile, [chain.venue], chain.observed_at),
        alt=words(
            market, profile, "alt.smile", title=heading, values="; ".join(mark.label for mark in marks)
        ),
        marks=(*marks, Mark(label=words(market, profile, "forward"), x=forward)),
    )


def _smile_marks(
    market: Market, points: Sequence[SmilePoint], smile: Smile, forward: float, profile: Profile
) -> tuple[Mark, ...]:
    """The 25-delta put, the money, the 25-delta call, each at the strike where it is reached; nothing if one
    is missing."""
    puts, calls = [one for one in points if one.delta < 0], [one for one in points if one.delta > 0]
    levels = {"put25": smile.put25, "atm": smile.atm, "call25": smile.call25}
    known = {key: iv for key, iv in levels.items() if iv is not None}
    if not puts or not calls or len(known) < len(levels):
        return ()
    written = market.bank(profile).words
    strikes = {"put25": _strike_at(puts, -LEG_DELTA), "atm": forward, "call25": _strike_at(calls, LEG_DELTA)}
    return tuple(
        Mark(
            label=words(market, profile, key, iv=written["percent"].format(decimal(iv, written))),
            x=strikes[key],
            y=iv,
        )
        for key, iv in known.items()
    )


def _strike_at(points: Sequence[SmilePoint], delta: float) -> float:
    """The strike at a delta, linear between the two strikes around it, the nearest one's where there are no
    two."""
    for (low, _, first), (high, _, second) in pairwise(points):
        if min(first, second) <= delta <= max(first, second) and first != second:
            return low + (high - low) * (delta - first) / (second - first)
    return min(points, key=lambda point: abs(point[2] - delta))[0]


def term_chart(market: Market, facts: Facts, tenors: Mapping[str, str], profile: Profile) -> ChartSpec | None:
    """The skew along its tenors ("60" → `skew_60d_pct`), now and a week ago, and the usual range of each tenor that has
    one; None without two tenors of now."""
    asset = facts.asset
    now = [
        (float(days), fact.value) for days, name in tenors.items() if (fact := facts.get(name)) is not None
    ]
    if len(now) < 2:
        return None
    before = [
        (float(days), value)
        for days, name in tenors.items()
        if (value := facts.value(f"{name}.before_7d")) is not None
    ]
    lines = [
        ChartSeries(label=words(market, profile, "now"), x=_first(now), y=_second(now)),
        *(
            [
                ChartSeries(
                    label=words(market, profile, "before.7d"), x=_first(before), y=_second(before), past=True
                )
            ]
            if len(before) > 1
            else []
        ),
    ]
    ranges = [
        Mark(label=words(market, profile, "usual"), x=float(days), y=end)
        for days, name in tenors.items()
        if (usual := usual_range(market, name, asset, profile)) is not None
        for end in usual
    ]
    heading = words(market, profile, "title.term", asset=asset)
    said = speech(market, profile)
    values = "; ".join(f"{days:.0f} d {_decimal(rate, said.decimal)}" for days, rate in now)
    last = facts.known[next(name for name in tenors.values() if facts.get(name) is not None)]
    return ChartSpec(
        kind="term",
        speech=said,
        title=heading,
        series=tuple(lines),
        unit="% of ATM IV",
        x_label=words(market, profile, "days"),
        caption=caption(market, profile, last.venues, facts.at),
        alt=words(market, profile, "alt.term", title=heading, values=values),
        band_label=words(market, profile, "usual") if ranges else "",
        marks=tuple(ranges),
    )


def volatility_chart(market: Market, history: History, facts: Facts, profile: Profile) -> ChartSpec | None:
    """What options expect and what came: DVOL beside the volatility of the thirty days before each day, of daily
    returns x √365; None without DVOL."""
    until, catalog = market.now(), market.playbook.catalog
    implied = stretch(history, "dvol", until - REALIZED, until, catalog)
    if not any(value is not None for value in implied.y):
        return None
    days = [until - timedelta(days=back) for back in range(int(REALIZED / timedelta(days=1)), -1, -1)]
    moved = [realized_day(history, at.timestamp() * 1000) for at in days]
    yearly = tuple(None if day is None else day * sqrt(DAYS_A_YEAR) for day in moved)
    came = ChartSeries(label=words(market, profile, "realized"), at=tuple(days), y=yearly)
    lines = [replace(implied, label=title(market, "dvol", profile))]
    if any(value is not None for value in yearly):
        lines.append(came)
    heading = words(market, profile, "title.volatility", asset=history.asset)
    said = speech(market, profile)
    values = "; ".join(
        f"{line.label} {_decimal(next(y for y in reversed(line.y) if y is not None), said.decimal)}"
        for line in lines
    )
    fact = facts.get("dvol") or facts.stale.get("dvol")
    return ChartSpec(
        kind="volatility",
        speech=said,
        title=heading,
        series=tuple(lines),
        unit="% a year",
        caption=caption(market, profile, fact.venues if fact else (), until),
        alt=words(market, profile, "alt.lines", title=heading, values=values),
    )


def move_chart(market: Market, history: History, facts: Facts, profile: Profile) -> ChartSpec | None:
    """How far options expect the price to go: spot x exp(±σ√T) at the tenors of at-the-money volatility, one and two
    standard deviations, beside the price of the days before. None without spot and one tenor."""
    spot = facts.value(SPOT)
    sigmas = {
        days: value / 100.0 * sqrt(days / DAYS_A_YEAR)
        for days in AHEAD
        if (value := facts.value(f"atm_iv_{days}d_pct")) is not None
    }
    if spot is None or not sigmas:
        return None
    path = price_path(history, facts.at - BEHIND, facts.at, market.playbook.catalog)
    cone = _cone(sigmas)
    lines = [
        ChartSeries(
            label=words(market, profile, f"sigma.{abs(count)}"),
            at=tuple(facts.at + timedelta(days=days) for days in cone),
            y=tuple(spot * exp(count * sigma) for sigma in cone.values()),
        )
        for count in (1, -1, 2, -2)
    ]
    marks = [
        Mark(label=f"{days}", at=facts.at + timedelta(days=days), y=spot * exp(way * sigma))
        for days, sigma in sigmas.items()
        for way in (1, -1)
    ]
    heading = words(market, profile, "title.move", asset=facts.asset)
    values = "; ".join(
        words(
            market,
            profile,
            "alt.move_at",
            days=str(days),
            low=_dollars(market, profile, spot * exp(-sigma)),
            high=_dollars(market, profile, spot * exp(sigma)),
        )
        for days, sigma in sigmas.items()
    )
    venues = facts.known[f"atm_iv_{next(iter(sigmas))}d_pct"].venues
    return ChartSpec(
        kind="move",
        speech=speech(market, profile),
        title=heading,
        series=tuple(lines),
        unit="USD",
        price=replace(path, label=words(market, profile, "price")) if path else None,
        marks=tuple(marks),
        caption=caption(market, profile, venues, facts.at),
        alt=words(market, profile, "alt.move", title=heading, values=values),
    )


def _cone(sigmas: Mapping[int, float]) -> Mapping[float, float]:
    """The standard deviation at many distances in days: variance grows straight between the tenors, and from nothing to
    the first one."""
    known = [(0.0, 0.0), *((float(days), sigma * sigma) for days, sigma in sorted(sigmas.items()))]
    found = {0.0: 0.0}
    for (start, low), (end, high) in pairwise(known):
        for step in range(1, CONE_STEPS + 1):
            share = step / CONE_STEPS
            found[start + (end - start) * share] = sqrt(low + (high - low) * share)
    return found


def gamma_chart(market: Market, chain: OptionChain, spot_usd: float, profile: Profile) -> ChartSpec | None:
    """By strike, how many dollars of the coin the open options gain or lose in delta when the price moves by 1%, calls and
    puts apart, all expiries; None where that is not known near the price."""
    rows = gamma_by_strike(chain, spot_usd, within=NEAR_SHARE, most=MOST_STRIKES)
    if not rows:
        return None
    strikes = tuple(row.strike_usd for row in rows)
    heading = words(market, profile, "title.gamma", asset=chain.asset)
    most = max(rows, key=lambda row: row.calls_usd + row.puts_usd)
    said = speech(market, profile)
    return ChartSpec(
        kind="gamma",
        speech=said,
        title=heading,
        series=(
            ChartSeries(
                label=words(market, profile, "calls"), x=strikes, y=tuple(row.calls_usd for row in rows)
            ),
            ChartSeries(
                label=words(market, profile, "puts"), x=strikes, y=tuple(row.puts_usd for row in rows)
            ),
        ),
        unit="USD",
        x_label=words(market, profile, "strike"),
        caption=caption(market, profile, [chain.venue], chain.observed_at),
        alt=words(
            market,
            profile,
            "alt.gamma",
            title=heading,
            strike=_dollars(market, profile, most.strike_usd),
            value=ticks.format_tick(most.calls_usd + most.puts_usd, "USD", None, said),
        ),
        marks=(Mark(label=words(market, profile, "spot"), x=spot_usd),),
        band_label=words(market, profile, "per_percent"),
    )


def expiries_chart(market: Market, chain: OptionChain, spot_usd: float, profile: Profile) -> ChartSpec | None:
    """What is open by expiry, in USD at spot, calls and puts apart, and the strike at which each would pay its holders
    least; None where that is not known."""
    rows = largest(open_by_expiry(chain, spot_usd), MOST_EXPIRIES)
    if not rows:
        return None
    heading = words(market, profile, "title.expiries", asset=chain.asset)
    days = tuple(datetime.fromtimestamp(row.expires_ms / 1000, UTC) for row in rows)
    most = max(rows, key=lambda row: row.calls_usd + row.puts_usd)
    said = speech(market, profile)
    return ChartSpec(
        kind="expiries",
        speech=said,
        title=heading,
        series=(
            ChartSeries(
                label=words(market, profile, "calls"), at=days, y=tuple(row.calls_usd for row in rows)
            ),
            ChartSeries(label=words(market, profile, "puts"), at=days, y=tuple(row.puts_usd for row in rows)),
            ChartSeries(
                label=title(market, "max_pain_usd", profile),
                at=days,
                y=tuple(row.max_pain_usd for row in rows),
            ),
        ),
        unit="USD",
        caption=caption(market, profile, [chain.venue], chain.observed_at),
        alt=words(
            market,
            profile,
            "alt.expiries",
            title=heading,
            day=short_day(market.bank(profile).words, days[rows.index(most)]),
            calls=ticks.format_tick(most.calls_usd, "USD", None, said),
            puts=ticks.format_tick(most.puts_usd, "USD", None, said),
            pain=_dollars(market, profile, most.max_pain_usd),
        ),
    )


def _first(rows: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(one for one, _ in rows)


def _second(rows: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(other for _, other in rows)


def _decimal(value: float, mark: str) -> str:
    return f"{value:.1f}".replace("-", "−").replace(".", mark)


def _dollars(market: Market, profile: Profile, value: float) -> str:
    """An amount as the answers write it."""
    fact = Fact(name=SPOT, value=value, at=market.now())
    return market.figure(SPOT, Facts(asset="", at=market.now(), known={SPOT: fact}), profile).text
