"""How far what was stored lay from the venues' own history."""

from datetime import datetime

from msgspec import Struct


class AuditRow(Struct, frozen=True, kw_only=True):
    """One metric of one venue. Of the history's values `compared` had a stored one beside them, `missing` had
    none. `mean` and `largest` are sizes of differences, `bias` their mean with its sign (+: stored above
    told); None where nothing was compared. `beyond` counts those larger than `tolerance`, all in `unit`."""

    asset: str
    metric: str
    venue: str
    unit: str
    tolerance: float
    compared: int
    missing: int
    beyond: int
    mean: float | None = None
    bias: float | None = None
    largest: float | None = None
    largest_at: datetime | None = None


class AuditReport(Struct, frozen=True, kw_only=True):
    """An audit: when it was made, of what stretch, each row, what was stored and has no history to be held
    against ("BTC open_interest_coin okx"), and why a venue's history could not be had."""

    at: datetime
    since: datetime
    rows: tuple[AuditRow, ...] = ()
    without_history: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def compared(self) -> int:
        """Values held against a history, over all rows."""
        return sum(row.compared for row in self.rows)

    @property
    def beyond(self) -> int:
        """Those that lay beyond tolerance."""
        return sum(row.beyond for row in self.rows)
