"""Corporate holders, marked to market. A statement of fact, never advice.

Formula: coins held x average cost, and coins held x (spot - average cost), summed over the holders that
`config/treasuries.toml` names with a date and a source; of a holder's rows the last one published by then
counts. Where that one is outdated, the sums are unknown: a sum without the holder would be a move that did not happen."""

from __future__ import annotations

from datetime import timedelta
from math import fsum

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.playbook import Holding
from bot.metrics.history import History
from bot.metrics.moment import MetricInputs
from bot.reasons import reason

MAX_AGE = timedelta(minutes=30)


def _held(moment: MetricInputs) -> tuple[Holding, ...] | Unknown:
    """What each holder had last published by this moment."""
    if moment.holdings is None:
        return Unknown(reason=reason("unheard"))
    held: dict[str, Holding] = {}
    for holding in sorted(moment.holdings, key=lambda one: one.as_of):
        if holding.as_of <= moment.at.date():
            held[holding.holder] = holding
    for holding in held.values():
        if holding.is_outdated(moment.at.date()):
            return Unknown(
                reason=reason("statement_outdated", holder=holding.holder, as_of=holding.as_of.isoformat())
            )
    return tuple(held.values()) or Unknown(reason=reason("no_holder", asset=moment.asset))


def _cost(moment: MetricInputs, _: History) -> Measured | Unknown:
    held = _held(moment)
    if isinstance(held, Unknown):
        return held
    cost = fsum(holding.coins * holding.average_cost_usd for holding in held)
    return Measured(value=cost, observed_at=moment.at)


def _unrealized(moment: MetricInputs, _: History) -> Measured | Unknown:
    held = _held(moment)
    if isinstance(held, Unknown):
        return held
    spot = moment.measure("spot_usd")
    if isinstance(spot, Unknown):
        return spot
    value = fsum(holding.coins * (spot.value - holding.average_cost_usd) for holding in held)
    return Measured(
        value=value,
        observed_at=spot.observed_at,
        venues=spot.venues,
        of_venues=spot.of_venues,
        missing=spot.missing,
    )


METRICS = (
    Metric(
        name="treasury_cost_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_cost,
        formula="coins held x average cost, summed over the configured holders",
        amount=True,
    ),
    Metric(
        name="treasury_unrealized_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(-1e13, 1e13),
        compute=_unrealized,
        formula="coins held x (spot - average cost), summed over the configured holders",
    ),
)
