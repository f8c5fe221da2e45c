"""What the rules make of everything, kept as a metric so that its past can be looked at like any other.

Formula: balance = 100 x the sum over families of weight x steps / (2 x the sum of the weights); a family that is not
known stands in the middle, and is missing among the venues. The families take the venues' places: so a change is like
for like, over the families known at both ends. Values that were replayed from an earlier past, by the rules of now,
speak for an hour each; those that were judged live are instants."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown
from bot.metrics.history import History
from bot.metrics.moment import MetricInputs
from bot.metrics.shares import BALANCE
from bot.reasons import reason

MAX_AGE = timedelta(hours=1)


def _not_yet(_: MetricInputs, __: History) -> Measured | Unknown:
    return Unknown(reason=reason("unjudged"))


METRICS = (
    Metric(
        name=BALANCE,
        unit="points",
        max_age=MAX_AGE,
        valid=(-100.0, 100.0),
        compute=_not_yet,
        formula="100 x the sum over families of weight x steps / (2 x the sum of the weights)",
        combine="sum",
        judged=True,
    ),
)
