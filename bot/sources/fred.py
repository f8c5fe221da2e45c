"""FRED: the daily close of the Nasdaq 100; with a key, when consumer prices are released.

Docs: https://fred.stlouisfed.org/series/NASDAQ100 (CSV, no key): a header `observation_date,NASDAQ100`, a row
a business day. Units: index points. A holiday is an empty cell or, in older files, ".". The close of a day is
told at 21:00 UTC of that day, when New York has closed in summer and in winter. Limits: none is documented;
it changes once a day and is asked for every six hours.

Docs of the dates: https://fred.stlouisfed.org/docs/api/fred/releases_dates.html (`fred/releases/dates`, with an api_key): rows of
release_id, release_name, date (no time of day); release 10 is the Consumer Price Index, told at 8:30 a.m. in Washington.
Dates ahead come with include_release_dates_with_no_data. Limits: 120 requests a minute; it is asked once a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.playbook import DatedEvent
from bot.domain.readings import Gap, Heard, Quantity, SeriesReading
from bot.errors import SourceChanged
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._wire import column, decode, gather, other_shape, positive, to_ms

NAME = "fred"
HOST = "fred.stlouisfed.org"
SERIES = "NASDAQ100"
HEADER = f"observation_date,{SERIES}"
SHARE_S = 21_600
CLOSE = time(21, tzinfo=UTC)
DAY = timedelta(days=1)
RECENT = timedelta(days=45)
NOTHING = {"", "."}
API_HOST = "api.stlouisfed.org"
PRICES_ID = 10
TOLD_AT = time(8, 30, tzinfo=ZoneInfo("America/New_York"))
MOST_DATES = 1000


class _ReleaseDate(msgspec.Struct):
    release_id: int
    day: date = msgspec.field(name="date")


class _ReleaseDates(msgspec.Struct):
    release_dates: list[_ReleaseDate]


_DATES = msgspec.json.Decoder(_ReleaseDates)


class Fred:
    """One request serves all assets."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"nasdaq"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        self._http = http
        self._key = key  # of the release dates; the CSV is public
        http.allow(HOST, Budget(burst=10, per_s=0.2))
        if key is not None:
            http.allow(API_HOST, Budget(burst=10, per_s=0.2))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The closes of the last 45 days. Raises SourceError."""
        return gather(NAME, {SERIES: [await self._closes(asset, at - RECENT, at)]})

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """The closes between two times. Raises SourceError."""
        told = await self._closes(asset, since, until)
        return [told] if isinstance(told, SeriesReading) else []

    async def hear_dates(self, since: datetime, until: datetime) -> Sequence[DatedEvent]:
        """When consumer prices are released between two times; nothing without a key. Raises SourceError."""
        if self._key is None:
            return ()
        params: Params = {
            "api_key": self._key,
            "file_type": "json",
            "realtime_start": since.date().isoformat(),
            "realtime_end": until.date().isoformat(),
            "include_release_dates_with_no_data": "true",
            "sort_order": "asc",
            "limit": MOST_DATES,
        }
        subject = f"{NAME} release dates"
        reply = await self._http.get(
            f"https://{API_HOST}/fred/releases/dates", subject=subject, params=params, share_s=SHARE_S
        )
        return tuple(one for one in parse_dates(reply) if since <= one.at <= until)

    async def _closes(self, asset: str, since: datetime, until: datetime) -> SeriesReading | Gap:
        params: Params = {"id": SERIES, "cosd": since.date().isoformat(), "coed": until.date().isoformat()}
        url = f"https://{HOST}/graph/fredgraph.csv"
        reply = await self._http.get(url, subject=f"{NAME} {SERIES}", params=params, share_s=SHARE_S)
        return parse_closes(reply, asset)


SOURCE = Fred


def parse_closes(reply: Reply, asset: str) -> SeriesReading | Gap:
    """The closes as a series; days without one are left out. Raises SourceError."""
    try:
        lines = reply.body.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise SourceChanged(about(reply.subject, other_shape(error))) from error
    if not lines or lines[0] != HEADER:
        raise SourceChanged(about(reply.subject, reason("no_header", expected=HEADER)))
    closes = []
    for line in lines[1:]:
        day, comma, cell = line.partition(",")
        if not comma:
            raise SourceChanged(about(reply.subject, reason("no_row", said=line[:40])))
        points = None if cell in NOTHING else positive(cell, reply.subject)
        if points is not None:
            closes.append((_closed_ms(day, reply.subject), points))
    return column(
        source=NAME,
        subject=reply.subject,
        asset=asset,
        metric="nasdaq_points",
        interval=DAY,
        rows=closes,
        server_at=reply.server_at(),
    )


def parse_dates(reply: Reply) -> tuple[DatedEvent, ...]:
    """The release dates of consumer prices, in the order of time, each once. Raises SourceError."""
    told = decode(_DATES, reply.body, reply.subject)
    days = sorted({row.day for row in told.release_dates if row.release_id == PRICES_ID})
    return tuple(
        DatedEvent(
            kind="cpi",
            at=datetime.combine(day, TOLD_AT).astimezone(UTC),
            source="FRED, fred/releases/dates, release 10",
            read=reply.heard_at.date(),
        )
        for day in days
    )


def _closed_ms(day: str, subject: str) -> int:
    try:
        return to_ms(datetime.combine(date.fromisoformat(day), CLOSE))
    except ValueError as error:
        raise SourceChanged(about(subject, reason("no_day", said=day[:20]))) from error
