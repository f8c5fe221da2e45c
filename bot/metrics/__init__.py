"""Numbers from what was heard: each metric, its past, and how unusual it is. Pure: no clock, no I/O, no opinion.

`CATALOG` holds every metric of the family modules; `observe` measures a snapshot, `facts_at` reads the archive's past alone,
`by_hour` all its hours at once (`polled`: which of them brought news), `derive` completes facts that somebody else states.
"""

from bot.metrics.derive import derive
from bot.metrics.discovery import discover
from bot.metrics.history import History
from bot.metrics.holdings import parse_holdings
from bot.metrics.observe import Observed, facts_at, observe
from bot.metrics.replay import Hours, by_hour, polled
from bot.metrics.told import told

CATALOG = discover()

__all__ = [
    "CATALOG",
    "History",
    "Hours",
    "Observed",
    "by_hour",
    "derive",
    "discover",
    "facts_at",
    "observe",
    "parse_holdings",
    "polled",
    "told",
]
