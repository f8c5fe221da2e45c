"""Deribit: the option chain, dated futures, perpetual, index, DVOL and funding; liquidations while it listens.

Docs: https://docs.deribit.com (JSON-RPC over GET, no key).
Units: option open interest and volume in coins, one side; inverse futures' open interest in USD, linear (`…_USDC-…`) in coins;
`mark_iv` in percent a year; funding a fraction over eight hours; DVOL in volatility points; bars in USD. Expiries are 08:00 UTC.
Limits: 500 credits a request of 50,000, refilled at 10,000 a second: bursts of 100, 20 a second. Open interest has no history.

Where the venue says nothing (null), or something that cannot be (a volatility or a forward of zero or less, a forward twice or
half the others'), the row stays and the column holds nan. A reply without a single option is a gap. An unknown key set, a
wrong type, a name that cannot be read or comes twice is SourceChanged.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Generic, TypeVar

import msgspec
import numpy as np

from bot.domain.chain import Bools, Floats, Ints, OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import (
    FutureQuote,
    Gap,
    Heard,
    Quantity,
    Reading,
    SeriesReading,
    Snapshot,
    SpotQuote,
    VolatilityQuote,
)
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import deribit_streams
from bot.sources._options import IV_LIMIT_PCT, amounts, expiry, forwards, median, times, volatilities
from bot.sources._wire import (
    FUTURE,
    LARGEST,
    RATE_LIMIT,
    Ms,
    amount,
    ascending,
    column,
    decode,
    funding,
    gather,
    observed,
    positive,
    quote,
    to_ms,
    told_at,
    unique,
    utc,
)
from bot.sources._ws import Collector

NAME = "deribit"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index", "dvol"})
HOST = "www.deribit.com"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RECENT = timedelta(hours=48)
RECORDING = timedelta(minutes=10)
CHUNK = timedelta(days=30)  # get_funding_rate_history gives 744 rows at most, get_volatility_index_data 1,000
EIGHT_HOURS = timedelta(hours=8)
TOO_MANY_REQUESTS = 10028
INVERSE = ("BTC", "ETH")

_OPTION = re.compile(r"(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:d\d+)?)-([CP])", re.ASCII)

T = TypeVar("T")


class _Trouble(msgspec.Struct, frozen=True, gc=False):
    code: int
    message: str = ""


class _Rpc(msgspec.Struct, Generic[T], frozen=True, gc=False):
    result: T | None = None
    error: _Trouble | None = None
    usOut: int | None = None  # noqa: N815  the venue's spelling


class _OptionRow(msgspec.Struct, frozen=True, gc=False):
    instrument_name: str
    creation_timestamp: Ms
    mark_iv: float | None
    underlying_price: float | None
    open_interest: float | None
    volume: float | None


class _FutureRow(msgspec.Struct, frozen=True, gc=False):
    instrument_name: str
    creation_timestamp: Ms
    mark_price: float | None
    open_interest: float | None
    estimated_delivery_price: float | None
    funding_8h: float | None = None


class _DeliveryRow(msgspec.Struct, frozen=True, gc=False):
    estimated_delivery_price: float | None


class _Index(msgspec.Struct, frozen=True, gc=False):
    index_price: float | None


class _Bars(msgspec.Struct, frozen=True, gc=False):
    status: str
    ticks: list[Ms] = []
    high: list[float | None] = []
    low: list[float | None] = []
    close: list[float | None] = []


class _Volatility(msgspec.Struct, frozen=True, gc=False):
    data: list[tuple[Ms, float | None, float | None, float | None, float | None]]
    continuation: int | None


class _FundingRow(msgspec.Struct, frozen=True, gc=False):
    timestamp: Ms
    interest_8h: float | None


_OPTIONS = msgspec.json.Decoder(_Rpc[list[_OptionRow]])
_FUTURES = msgspec.json.Decoder(_Rpc[list[_FutureRow]])
_DELIVERIES = msgspec.json.Decoder(_Rpc[list[_DeliveryRow]])
_INDEX = msgspec.json.Decoder(_Rpc[_Index])
_BARS = msgspec.json.Decoder(_Rpc[_Bars])
_DVOL = msgspec.json.Decoder(_Rpc[_Volatility])
_FUNDING = msgspec.json.Decoder(_Rpc[list[_FundingRow]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spelling:
    """How Deribit spells an asset: BTC and ETH have inverse contracts of their own currency, others linear ones in USDC."""

    asset: str
    currency: str
    prefix: str
    index: str
    inverse: bool

    @property
    def perpetual(self) -> str:
        return f"{self.prefix}PERPETUAL"


def _spelling(asset: str) -> _Spelling:
    if asset in INVERSE:
        return _Spelling(asset=asset, currency=asset, prefix=f"{asset}-", index=f"{asset.lower()}_usd", inverse=True)
    return _Spelling(
        asset=asset, currency="USDC", prefix=f"{asset}_USDC-", index=f"{asset.lower()}_usdc", inverse=False
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layout:
    """What the names of a reply say: which rows are the asset's (None: all), and these rows' expiry, strike and right."""

    keep: Ints | None
    expires_ms: Ints
    strike_usd: Floats
    is_call: Bools


class Deribit:
    """One poll of one asset is five requests, three of which bring the chain, the futures and the index."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        http.allow(HOST, Budget(burst=100, per_s=20))

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring; liquidations while it listens."""
        return BRINGS | {"liquidations"} if self._collector.running else BRINGS

    async def start(self, assets: Sequence[str]) -> None:
        """Listen to liquidations until `stop`."""
        currencies = sorted({_spelling(asset).currency for asset in assets})
        await self._collector.start(deribit_streams(currencies))

    async def stop(self) -> None:
        """Stop listening."""
        await self._collector.stop()

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Chain, futures, funding and index; for BTC and ETH also DVOL; bars of the last 48 hours.

        A request that failed is a gap; without the index request, futures stand on the index that their own rows name.
        Raises SourceError where nothing at all was heard.
        """
        spelling = _spelling(asset)
        asked = {
            "index": self._hear_index(spelling),
            "options": self._hear_options(spelling),
            "futures": self._hear_futures(spelling),
            "bars": self._hear_bars(spelling, at - RECENT, at, HOUR),
            "DVOL": self._hear_dvol(spelling, at - RECENT, at, HOUR),
        }
        outcomes = await asyncio.gather(*asked.values(), return_exceptions=True)
        parts = dict(zip(asked, outcomes, strict=True)) | {"liquidations": self._collector.tallies(asset)}
        return _on_one_index(gather(f"{NAME} {asset}", parts, ["futures"]))

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Hourly bars, DVOL (BTC and ETH) and funding; where the venue no longer has hours, days. Raises SourceError."""
        spelling = _spelling(asset)
        series: list[SeriesReading] = []
        start = since
        while start < until:
            end = min(start + CHUNK, until)
            for hear in (self._hear_bars, self._hear_dvol):
                hours = _series(await hear(spelling, start, end, HOUR))
                first = min((utc(one.at_ms[0]) for one in hours), default=end)
                days = await hear(spelling, start, first, DAY) if first - start > DAY else []
                series += [*_series(days), *hours]
            series += _series(await self._hear_funding(spelling, start, end))
            start = end
        return series

    async def _hear_index(self, spelling: _Spelling) -> list[Reading | Gap]:
        reply = await self._get("get_index_price", f"{spelling.asset} index", {"index_name": spelling.index})
        return parse_index(reply, spelling.asset)

    async def _hear_options(self, spelling: _Spelling) -> list[Reading | Gap]:
        params = {"currency": spelling.currency, "kind": "option"}
        reply = await self._get("get_book_summary_by_currency", f"{spelling.asset} options", params)
        return parse_options(reply, spelling.asset)

    async def _hear_futures(self, spelling: _Spelling) -> list[Reading | Gap]:
        params = {"currency": spelling.currency, "kind": "future"}
        reply = await self._get("get_book_summary_by_currency", f"{spelling.asset} futures", params)
        return parse_futures(reply, spelling.asset)

    async def _hear_bars(
        self, spelling: _Spelling, start: datetime, end: datetime, interval: timedelta
    ) -> list[Reading | Gap]:
        params: Params = {
            "instrument_name": spelling.perpetual,
            "start_timestamp": to_ms(start),
            "end_timestamp": to_ms(end),
            "resolution": "1D" if interval == DAY else "60",
        }
        reply = await self._get("get_tradingview_chart_data", f"{spelling.asset} bars", params)
        return parse_bars(reply, spelling.asset, interval, end)

    async def _hear_dvol(
        self, spelling: _Spelling, start: datetime, end: datetime, interval: timedelta
    ) -> list[Reading | Gap]:
        if not spelling.inverse:
            return []  # there is an index of BTC's and of ETH's volatility only
        params: Params = {
            "currency": spelling.currency,
            "start_timestamp": to_ms(start),
            "end_timestamp": to_ms(end),
            "resolution": "1D" if interval == DAY else "3600",
        }
        reply = await self._get("get_volatility_index_data", f"{spelling.asset} DVOL", params)
        return parse_dvol(reply, spelling.asset, interval, end)

    async def _hear_funding(self, spelling: _Spelling, start: datetime, end: datetime) -> list[Reading | Gap]:
        params: Params = {
            "instrument_name": spelling.perpetual,
            "start_timestamp": to_ms(start),
            "end_timestamp": to_ms(end),
        }
        reply = await self._get("get_funding_rate_history", f"{spelling.asset} funding", params)
        return parse_funding_history(reply, spelling.asset)

    async def _get(self, method: str, about: str, params: Params) -> Reply:
        return await self._http.get(f"https://{HOST}/api/v2/public/{method}", subject=f"{NAME} {about}", params=params)


SOURCE = Deribit


def parse_options(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's whole option chain, or a gap where it lists none. Raises SourceError."""
    rows, server_at = _result(_OPTIONS, reply)
    layout = _layout(tuple([row.instrument_name for row in rows]), _spelling(asset).prefix, reply.subject)
    if len(layout.strike_usd) == 0:
        return [Gap(who=reply.subject, reason=f"{reply.subject}: no option in the reply")]
    kept = rows if layout.keep is None else [rows[i] for i in layout.keep]
    row_ms = times([row.creation_timestamp for row in kept])
    return [
        OptionChain(
            source=NAME,
            venue=NAME,
            asset=asset,
            observed_at=_rows_at(row_ms, server_at, reply.subject),
            expires_ms=layout.expires_ms,
            strike_usd=layout.strike_usd,
            is_call=layout.is_call,
            forward_usd=forwards([row.underlying_price for row in kept]),
            mark_iv_pct=volatilities([row.mark_iv for row in kept]),
            open_interest_coin=amounts([row.open_interest for row in kept]),
            volume_24h_coin=amounts([row.volume for row in kept]),
            row_ms=row_ms,
        )
    ]


def parse_futures(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's dated futures and perpetual, and the perpetual's funding; a row without a mark or an index is a gap.

    `index_usd` is the index that the row itself names. Raises SourceError.
    """
    rows, server_at = _result(_FUTURES, reply)
    spelling = _spelling(asset)
    rows = [row for row in rows if row.instrument_name.startswith(spelling.prefix)]
    unique((row.instrument_name for row in rows), reply.subject)
    if not rows:
        return [Gap(who=reply.subject, reason=f"{reply.subject}: no future in the reply")]
    heard: list[Reading | Gap] = []
    for row in rows:
        subject = f"{NAME} {row.instrument_name}"
        try:
            heard += _future(row, spelling, server_at, subject)
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    return heard


def parse_index(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The index. Raises SourceError."""
    result, server_at = _result(_INDEX, reply)
    index_usd = positive(result.index_price, reply.subject)
    if index_usd is None:
        return [Gap(who=reply.subject, reason=f"{reply.subject}: no index in the reply")]
    return [SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=index_usd)]


def parse_bars(reply: Reply, asset: str, interval: timedelta, until: datetime) -> list[Reading | Gap]:
    """The perpetual's bars as three series: highs and lows at the start of their bar, closes at its end (a close is known
    no sooner). The bar under way has a high and a low so far, and no close. Bars that start at `until` or later are left
    out, and so is a bar whose low, close and high are missing or not in this order. Raises SourceError."""
    bars, server_at = _result(_BARS, reply)
    if not len(bars.ticks) == len(bars.high) == len(bars.low) == len(bars.close):
        raise SourceChanged(f"{reply.subject}: columns of different length")
    ascending(bars.ticks, reply.subject)
    step_ms = interval // timedelta(milliseconds=1)
    highs: list[tuple[int, float]] = []
    lows: list[tuple[int, float]] = []
    closes: list[tuple[int, float]] = []
    for at_ms, high, low, close in zip(bars.ticks, bars.high, bars.low, bars.close, strict=True):
        if high is None or low is None or close is None or not 0 < low <= close <= high < LARGEST:
            continue
        if utc(at_ms) >= until:
            continue
        highs.append((at_ms, high))
        lows.append((at_ms, low))
        if utc(at_ms + step_ms) <= server_at:
            closes.append((at_ms + step_ms, close))
    columns = {"spot_high_usd": highs, "spot_low_usd": lows, "spot_usd": closes}
    return [
        column(
            source=NAME,
            subject=reply.subject,
            asset=asset,
            metric=metric,
            interval=interval,
            rows=rows,
            server_at=server_at,
        )
        for metric, rows in columns.items()
    ]


def parse_dvol(reply: Reply, asset: str, interval: timedelta, until: datetime) -> list[Reading | Gap]:
    """DVOL now (the last bar's close) and as a series of closes, each at the end of its bar. Raises SourceError."""
    result, server_at = _result(_DVOL, reply)
    step_ms = interval // timedelta(milliseconds=1)
    rows = [(at_ms + step_ms, bar[-1]) for at_ms, *bar in result.data if utc(at_ms) < until]
    ascending([at_ms for at_ms, _ in rows], reply.subject)
    closes = [(at_ms, close) for at_ms, close in rows if close is not None and 0 < close < IV_LIMIT_PCT]
    past = [(at_ms, close) for at_ms, close in closes if utc(at_ms) <= server_at]
    heard: list[Reading | Gap] = [
        column(
            source=NAME,
            subject=reply.subject,
            asset=asset,
            metric="dvol",
            interval=interval,
            rows=past,
            server_at=server_at,
        )
    ]
    if closes:
        ends_at = min(utc(closes[-1][0]), server_at)
        heard.append(VolatilityQuote(source=NAME, observed_at=ends_at, venue=NAME, asset=asset, dvol=closes[-1][1]))
    return heard


def parse_funding_history(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The perpetual's funding for eight hours, in percent, as told each hour. Raises SourceError."""
    result, server_at = _result(_FUNDING, reply)
    times = [row.timestamp for row in result]
    ascending(times, reply.subject)
    apart = min((later - earlier for earlier, later in pairwise(times)), default=0)
    interval = min(timedelta(milliseconds=apart), EIGHT_HOURS) or HOUR
    rows = [
        (row.timestamp, row.interest_8h * 100)
        for row in result
        if row.interest_8h is not None and abs(row.interest_8h) < RATE_LIMIT
    ]
    return [
        column(
            source=NAME,
            subject=reply.subject,
            asset=asset,
            metric="funding_8h_pct",
            interval=interval,
            rows=rows,
            server_at=server_at,
        )
    ]


def read_recording(folder: Mapping[str, bytes], asset: str) -> Snapshot:
    """A folder of recorded replies by file name, as one snapshot of this source alone.

    `book_summary_[btc_]option.json` is needed; without `index_price.json` the index is the median `estimated_delivery_price`
    of the option rows. What else cannot be read (`book_summary_[btc_]future.json`, the index) is a gap; an empty list of
    futures is one too. The time is the median `creation_timestamp` of the option rows. Raises SourceError.
    """
    options = _recorded(folder, asset, "option")
    rows = _rpc(_OPTIONS, options, f"{NAME} {asset} options").result or []
    if not rows:
        raise SourceUnavailable(f"{NAME} {asset} options: no option in the recording, hence no time")
    times_ms = np.array([row.creation_timestamp for row in rows])
    taken_at = utc(int(median(times_ms)))
    # A recording has no clock to compare with, and may have taken minutes: its end is when all of it was heard.
    heard_at = utc(int(times_ms.max())) + RECORDING

    def reply(about: str, body: bytes) -> Reply:
        return Reply(subject=f"{NAME} {asset} {about}", body=body, heard_at=heard_at, tolerance=timedelta.max)

    def index() -> list[Reading | Gap]:
        if "index_price.json" in folder:
            heard = parse_index(reply("index", folder["index_price.json"]), asset)
        else:
            heard = _median_delivery(reply("options", options), asset)
        return [replace(one, observed_at=taken_at) if isinstance(one, SpotQuote) else one for one in heard]

    parts = {
        "index": _tried(index),
        "options": parse_options(reply("options", options), asset),
        "futures": _tried(lambda: parse_futures(reply("futures", _recorded(folder, asset, "future")), asset)),
    }
    heard = _on_one_index(gather(f"{NAME} {asset}", parts, ["futures"]))
    asked: tuple[Quantity, ...] = ("options", "futures", "perpetuals", "funding", "index")
    return Snapshot(
        asset=asset,
        taken_at=taken_at,
        readings=heard.readings,
        gaps=heard.gaps,
        asked=dict.fromkeys(asked, (NAME,)),
    )


def _tried(read: Callable[[], list[Reading | Gap]]) -> list[Reading | Gap] | SourceError:
    try:
        return read()
    except SourceError as error:
        return error


def _recorded(folder: Mapping[str, bytes], asset: str, kind: str) -> bytes:
    names = (f"book_summary_{kind}.json", f"book_summary_{asset.lower()}_{kind}.json")
    for name in names:
        if name in folder:
            return folder[name]
    raise SourceUnavailable(f"{NAME} {asset}: the recording has no {' or '.join(names)}")


def _median_delivery(reply: Reply, asset: str) -> list[Reading | Gap]:
    rows = _rpc(_DELIVERIES, reply.body, reply.subject).result or []
    prices = [price for row in rows if (price := positive(row.estimated_delivery_price, reply.subject)) is not None]
    if not prices:
        return [Gap(who=f"{NAME} {asset} index", reason=f"{NAME} {asset} index: no row names one")]
    index_usd = median(np.array(prices))
    return [SpotQuote(source=NAME, observed_at=reply.heard_at, venue=NAME, asset=asset, index_usd=index_usd)]


def _rpc(decoder: "msgspec.json.Decoder[_Rpc[T]]", body: bytes, subject: str) -> _Rpc[T]:
    envelope = decode(decoder, body, subject)
    if envelope.error is not None:
        said = f"{subject}: error {envelope.error.code} {envelope.error.message}".rstrip()
        raise SourceUnavailable(said) if envelope.error.code == TOO_MANY_REQUESTS else SourceChanged(said)
    return envelope


def _result(decoder: "msgspec.json.Decoder[_Rpc[T]]", reply: Reply) -> tuple[T, datetime]:
    """The result and the server's time."""
    envelope = _rpc(decoder, reply.body, reply.subject)
    if envelope.result is None:
        raise SourceChanged(f"{reply.subject}: neither result nor error")
    told = told_at(envelope.usOut // 1000 if envelope.usOut else None, reply.subject)
    return envelope.result, reply.server_at(told)


@lru_cache(maxsize=16)
def _layout(names: tuple[str, ...], prefix: str, subject: str) -> _Layout:
    """The columns that the names hold; the same names come with every poll, so they are read once. SourceChanged for a name
    that cannot be read."""
    unique(names, subject)
    keep = [i for i, name in enumerate(names) if name.startswith(prefix)]
    contracts = [_option(names[i].removeprefix(prefix), subject) for i in keep]
    columns = list(zip(*contracts, strict=True)) or [(), (), ()]
    layout = _Layout(
        keep=None if len(keep) == len(names) else np.array(keep, dtype=np.int64),
        expires_ms=np.array(columns[0], dtype=np.int64),
        strike_usd=np.array(columns[1], dtype=np.float64),
        is_call=np.array(columns[2], dtype=np.bool_),
    )
    for told in (layout.expires_ms, layout.strike_usd, layout.is_call):
        told.setflags(write=False)
    return layout


@lru_cache(maxsize=4096)
def _option(name: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `23JAN26-90000-P` (a `d` is a decimal point)."""
    found = _OPTION.fullmatch(name)
    if found is None:
        raise SourceChanged(f"{subject}: {name[:40]!r} is no option's name")
    day, strike, right = found.groups()
    strike_usd = float(strike.replace("d", "."))
    if not strike_usd > 0:
        raise SourceChanged(f"{subject}: {name[:40]!r} has no strike")
    return to_ms(expiry(day, subject)), strike_usd, right == "C"


def _future(row: _FutureRow, spelling: _Spelling, server_at: datetime, subject: str) -> list[Reading | Gap]:
    at = observed(row.creation_timestamp, server_at, subject)
    day = row.instrument_name.removeprefix(spelling.prefix)
    perpetual = day == "PERPETUAL"
    instrument = Instrument(
        venue=NAME,
        symbol=row.instrument_name,
        asset=spelling.asset,
        kind="perpetual" if perpetual else "future",
        expires_at=None if perpetual else expiry(day, subject),
        inverse=spelling.inverse,
    )
    heard: list[Reading | Gap] = [
        quote(
            source=NAME,
            observed_at=at,
            instrument=instrument,
            mark_usd=positive(row.mark_price, subject),
            index_usd=positive(row.estimated_delivery_price, subject),
            open_interest=amount(row.open_interest, subject),
        )
    ]
    if perpetual:
        heard.append(funding(source=NAME, observed_at=at, instrument=instrument, rate=row.funding_8h, interval_hours=8))
    return heard


def _on_one_index(heard: Heard) -> Heard:
    """The same readings, every future on the one index that was asked for, if it was heard."""
    spot = next((one for one in heard.readings if isinstance(one, SpotQuote)), None)
    if spot is None:
        return heard
    moved = (replace(one, index_usd=spot.index_usd) if isinstance(one, FutureQuote) else one for one in heard.readings)
    return Heard(readings=tuple(moved), gaps=heard.gaps)


def _rows_at(row_ms: Ints, server_at: datetime, subject: str) -> datetime:
    """The median of the rows' times. Raises SourceError where a row is from the future or the rows are a day apart."""
    if utc(int(row_ms.max())) > server_at + FUTURE:
        raise SourceUnavailable(f"{subject}: a row's time lies in the future")
    if int(row_ms.max() - row_ms.min()) > DAY // timedelta(milliseconds=1):
        raise SourceChanged(f"{subject}: rows of different days")
    return observed(int(median(row_ms)), server_at, subject)


def _series(heard: Iterable[Reading | Gap]) -> list[SeriesReading]:
    return [one for one in heard if isinstance(one, SeriesReading)]
