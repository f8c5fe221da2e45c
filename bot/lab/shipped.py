"""Rows of a first history (`[[past]]` of the rule files), worked out from a recorded past."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.facts import OwnPast, Series
from bot.domain.rulebook import RuleBook
from bot.errors import InputError
from bot.metrics import History, PastReader

DIGITS = 3
LONGEST_DAYS = 365
DAY = timedelta(days=1)


def past_rows(
    book: RuleBook, past: Sequence[Series], catalog: Catalog, asset: str, since: date, until: date
) -> tuple[OwnPast, ...]:
    """What each fact that is judged by its own past was over the days from `since` to `until`, both included; those of
    which nothing is told are left out. Raises InputError: the stretch is longer than a year, or the rules have no such
    pasts."""
    days = (until - since) / DAY + 1
    if not 1 <= days <= LONGEST_DAYS:
        raise InputError(f"{since} to {until}: a row spans one to {LONGEST_DAYS} days")
    if book.past is None:
        raise InputError("these rules judge nothing by its own past")
    table = replace(book.past, days=int(days), lag=timedelta(0))
    history = History.of(asset, past)
    reader = PastReader(history, catalog, replace(book, past=table, shipped=()), asset)
    end = datetime.combine(until + DAY, time(), UTC)
    return tuple(found for found in reader.on(end).values() if found.days)


def rows_text(rows: Iterable[OwnPast], asset: str, since: date, until: date, source: str) -> str:
    """The rows as they stand in a rule file."""
    return "\n".join(line for row in rows for line in _lines(row, asset, since, until, source))


def _lines(row: OwnPast, asset: str, since: date, until: date, source: str) -> Iterator[str]:
    yield "[[past]]"
    yield f'asset     = "{asset}"'
    yield f'fact      = "{row.fact}"'
    yield f"from      = {since}"
    yield f"to        = {until}"
    yield f"quantiles = [{', '.join(f'{mark:.{DIGITS}g}' for mark in row.quantiles)}]"
    yield f"n         = {row.days}"
    yield f'source    = "{source}"'
    yield ""
