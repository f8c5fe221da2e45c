"""Numbers from what was heard: each metric, its past, and how unusual it is. Pure: no clock, no I/O, no
opinion.

`CATALOG` holds every metric of the family modules; `observe` measures a snapshot, `facts_at` reads the
archive's past alone, `by_hour` all its hours at once (`polled`: which of them brought news), `derive`
completes facts that somebody else states."""

from bot.metrics.calibration import Calibration, compare_estimates, readings_begin
from bot.metrics.derive import derive
from bot.metrics.discovery import discover
from bot.metrics.estimates import ESTIMATED_METRICS, basis_estimates, block_estimates, option_estimates
from bot.metrics.events import parse_event_rows, parse_events
from bot.metrics.history import History
from bot.metrics.holdings import parse_holdings
from bot.metrics.observe import Observed, facts_at, observe, with_balance
from bot.metrics.pasts import DailyPasts, PastReader, day_of, own_pasts
from bot.metrics.replay import HourlyFacts, by_hour, first_polled, hours_polled
from bot.metrics.series import points_from_series
from bot.metrics.shares import BALANCE, balance_points

CATALOG = discover()

__all__ = [
    "BALANCE",
    "CATALOG",
    "ESTIMATED_METRICS",
    "Calibration",
    "DailyPasts",
    "History",
    "HourlyFacts",
    "Observed",
    "PastReader",
    "balance_points",
    "basis_estimates",
    "block_estimates",
    "by_hour",
    "compare_estimates",
    "day_of",
    "derive",
    "discover",
    "facts_at",
    "first_polled",
    "hours_polled",
    "observe",
    "option_estimates",
    "own_pasts",
    "parse_event_rows",
    "parse_events",
    "parse_holdings",
    "points_from_series",
    "readings_begin",
    "with_balance",
]
