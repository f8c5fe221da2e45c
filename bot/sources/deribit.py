"""Deribit: the option chain, dated futures, perpetual, index, DVOL and funding; liquidations while it
listens.

Docs: https://docs.deribit.com (JSON-RPC over GET, no key). Units: option open interest and volume in coins,
one side; inverse futures' open interest in USD, linear (`…_USDC-…`, for Bitcoin and Ether beside the inverse
ones) in coins, each on its own index; options in USDC are left out; `mark_iv` in percent a year;
funding a fraction over eight hours; DVOL in volatility points; bars in USD. Expiries are 08:00 UTC. Limits:
500 credits a request of 50,000, refilled at 10,000 a second: bursts of 100, 20 a second. Open interest has no
history.

Where the venue says nothing (null), or something that cannot be (a volatility or a forward of zero or less, a
forward twice or half the others'), the row stays and the column holds nan. A reply without a single option is
a gap. An unknown key set, a wrong type, a name that cannot be read or comes twice is SourceChanged."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.chain import Ints, OptionChain
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
from bot.domain.traded import FuturePrices, OptionTrades, TakerTrades
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._deribit_flow import hear_trades
from bot.sources._deribit_past import HISTORY_HOST, recall_futures, recall_options
from bot.sources._deribit_wire import (
    INVERSE,
    PASSING,
    USDC,
    DeribitSpelling,
    Rpc,
    read_option,
    read_result,
    read_rpc,
    spelling_in_usdc,
    spelling_of,
)
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import deribit_streams
from bot.sources._odd import OddRows, sound_rows
from bot.sources._options import (
    IV_LIMIT_PCT,
    ContractColumns,
    amounts,
    columns_of_contracts,
    contracts_by_name,
    drop_expired,
    expiry,
    forwards,
    median,
    times,
    volatilities,
)
from bot.sources._wire import (
    FUTURE,
    LARGEST,
    RATE_LIMIT,
    Ms,
    amount,
    ascending,
    column,
    funding,
    gather,
    observed_at,
    positive,
    quote,
    refusal_check,
    to_ms,
    unique,
    utc,
)
from bot.sources._ws import Collector, Stream

NAME = "deribit"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index", "dvol"})
HOST = "www.deribit.com"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHARE_S = 10
DAY_MS = 86_400_000
RECENT = timedelta(hours=48)
RECORDING = timedelta(minutes=10)
CHUNK = timedelta(days=30)  # get_funding_rate_history gives 744 rows at most, get_volatility_index_data 1,000
EIGHT_HOURS = timedelta(hours=8)
ONE_INDEX = 0.0002  # two indexes of one moment: at 30 days a quarter of a point of basis


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


class _DeribitIndex(msgspec.Struct, frozen=True, gc=False):
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


_REFUSAL = msgspec.json.Decoder(Rpc[msgspec.Raw])
_OPTIONS = msgspec.json.Decoder(Rpc[list[_OptionRow]])
_FUTURES = msgspec.json.Decoder(Rpc[list[_FutureRow]])
_DELIVERIES = msgspec.json.Decoder(Rpc[list[_DeliveryRow]])
_INDEX = msgspec.json.Decoder(Rpc[_DeribitIndex])
_BARS = msgspec.json.Decoder(Rpc[_Bars])
_DVOL = msgspec.json.Decoder(Rpc[_Volatility])
_FUNDING = msgspec.json.Decoder(Rpc[list[_FundingRow]])


class _Layout(Struct, frozen=True, kw_only=True, eq=False):
    """What the names of a reply say: which rows are the asset's (None: all), and these rows' expiry, strike
    and right."""

    keep: Ints | None
    columns: ContractColumns


class Deribit:
    """One poll of one asset is five requests, three of which bring the chain, the futures and the index."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        refused = refusal_check(_REFUSAL, lambda said: said.error.code if said.error else None, PASSING)
        http.allow(HOST, Budget(burst=100, per_s=20), passing=refused)
        http.allow(HISTORY_HOST, Budget(burst=40, per_s=16), passing=refused)

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring; liquidations while it listens."""
        return BRINGS | {"liquidations"} if self._collector.running else BRINGS

    async def start(self, assets: Sequence[str]) -> None:
        """Listen to liquidations until `stop`."""
        await self._collector.start(self.streams(assets))

    async def stop(self) -> None:
        """Stop listening."""
        await self._collector.stop()

    def streams(self, assets: Sequence[str]) -> Sequence[Stream]:
        """The sockets of these assets' liquidations."""
        currencies = sorted({spelling_of(asset).currency for asset in assets} | {USDC})
        return deribit_streams(currencies)

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Chain, futures, funding and index; for BTC and ETH also DVOL; bars of the last 48 hours.

        A request that failed is a gap. Futures stand on the index that their own rows name (or the one that was asked
        for, where that is the same): mark and index are of one moment. Raises SourceError where nothing at all was
        heard."""
        spelling = spelling_of(asset)
        asked = {
            "index": self._hear_index(spelling),
            "options": self._hear_options(spelling),
            "futures": self._hear_futures(spelling),
            "futures in USDC": self._hear_futures_in_usdc(spelling),
            "bars": self._hear_bars(spelling, at - RECENT, at, HOUR),
            "DVOL": self._hear_dvol(spelling, at - RECENT, at, HOUR),
        }
        outcomes = await asyncio.gather(*asked.values(), return_exceptions=True)
        parts = dict(zip(asked, outcomes, strict=True)) | {"liquidations": self._collector.tallies(asset)}
        return _on_one_index(gather(f"{NAME} {asset}", parts, ["futures"]))

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Hourly bars, DVOL (BTC and ETH) and funding; where the venue no longer has hours, days. Raises
        SourceError."""
        spelling = spelling_of(asset)
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

    async def recall_options(self, asset: str, since: datetime, until: datetime) -> OptionTrades:
        """The newest trades in the asset's options within two times. Raises SourceError."""
        return await recall_options(self._http, asset, since, until)

    async def hear_trades(self, asset: str, since: datetime, until: datetime) -> TakerTrades:
        """The trades in the asset's options within two times, with who took. Raises SourceError."""
        return await hear_trades(self._http, asset, since, until)

    async def recall_futures(self, asset: str, since: datetime, until: datetime) -> FuturePrices:
        """Trades of each day in the futures that were listed then. Raises SourceError."""
        return await recall_futures(self._http, asset, since, until)

    async def _hear_index(self, spelling: DeribitSpelling) -> list[Reading | Gap]:
        reply = await self._get("get_index_price", f"{spelling.asset} index", {"index_name": spelling.index})
        return parse_index(reply, spelling.asset)

    async def _hear_options(self, spelling: DeribitSpelling) -> list[Reading | Gap]:
        params = {"currency": spelling.currency, "kind": "option"}
        reply = await self._get("get_book_summary_by_currency", f"{spelling.asset} options", params)
        return parse_options(reply, spelling.asset)

    async def _hear_futures(self, spelling: DeribitSpelling) -> list[Reading | Gap]:
        params = {"currency": spelling.currency, "kind": "future"}
        reply = await self._get("get_book_summary_by_currency", f"{spelling.asset} futures", params)
        return parse_futures(reply, spelling.asset)

    async def _hear_futures_in_usdc(self, spelling: DeribitSpelling) -> list[Reading | Gap]:
        """The linear contracts of BTC and ETH, which other assets have alone; none where none is listed."""
        if not spelling.inverse:
            return []
        params = {"currency": USDC, "kind": "future"}
        reply = await self._get("get_book_summary_by_currency", "futures in USDC", params, SHARE_S)
        return parse_futures_in_usdc(reply, spelling.asset)

    async def _hear_bars(
        self, spelling: DeribitSpelling, start: datetime, end: datetime, interval: timedelta
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
        self, spelling: DeribitSpelling, start: datetime, end: datetime, interval: timedelta
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

    async def _hear_funding(
        self, spelling: DeribitSpelling, start: datetime, end: datetime
    ) -> list[Reading | Gap]:
        params: Params = {
            "instrument_name": spelling.perpetual,
            "start_timestamp": to_ms(start),
            "end_timestamp": to_ms(end),
        }
        reply = await self._get("get_funding_rate_history", f"{spelling.asset} funding", params)
        return parse_funding_history(reply, spelling.asset)

    async def _get(self, method: str, about: str, params: Params, share_s: float = 0) -> Reply:
        url = f"https://{HOST}/api/v2/public/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, share_s=share_s)


SOURCE = Deribit


def parse_options(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's whole option chain, or a gap where it lists none; one that counts the rows that were left out.
    Raises SourceError."""
    odd, subject = OddRows(reply.subject), reply.subject
    rows, server_at = read_result(_OPTIONS, reply, odd)
    try:
        chain = _chain(rows, asset, server_at, subject)
    except SourceError:
        chain = _chain(_sound_options(rows, asset, server_at, subject, odd), asset, server_at, subject)
    if chain is None:
        return [Gap(who=subject, reason=about(subject, reason("not_in_reply", what="option")))]
    return [*drop_expired(chain, subject), *odd.summary()]


def _sound_options(
    rows: Sequence[_OptionRow], asset: str, server_at: datetime, subject: str, odd: OddRows
) -> list[_OptionRow]:
    """The asset's rows without those whose name or time cannot be. Raises SourceError where these are too many."""
    own = [row for row in rows if row.instrument_name.startswith(spelling_of(asset).prefix)]
    usual_ms = median(np.array([row.creation_timestamp for row in own])) if own else 0.0

    def read(row: _OptionRow) -> None:
        if abs(row.creation_timestamp - usual_ms) > DAY_MS / 2:
            raise SourceChanged(about(subject, reason("days_differ")))
        _chain([row], asset, server_at, subject)

    return sound_rows(own, read, lambda row: row.instrument_name, odd)


def _chain(rows: Sequence[_OptionRow], asset: str, server_at: datetime, subject: str) -> OptionChain | None:
    """The asset's options as one chain; None where there is none. Raises SourceError."""
    layout = _layout(tuple([row.instrument_name for row in rows]), spelling_of(asset).prefix, subject)
    if len(layout.columns.strike_usd) == 0:
        return None
    kept = rows if layout.keep is None else [rows[i] for i in layout.keep]
    row_ms = times([row.creation_timestamp for row in kept])
    return OptionChain(
        source=NAME,
        venue=NAME,
        asset=asset,
        observed_at=_rows_at(row_ms, server_at, subject),
        expires_ms=layout.columns.expires_ms,
        strike_usd=layout.columns.strike_usd,
        is_call=layout.columns.is_call,
        forward_usd=forwards([row.underlying_price for row in kept]),
        mark_iv_pct=volatilities([row.mark_iv for row in kept]),
        open_interest_coin=amounts([row.open_interest for row in kept]),
        volume_24h_coin=amounts([row.volume for row in kept]),
        row_ms=row_ms,
    )


def parse_futures(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's dated futures and perpetual, and the perpetual's funding; a row without a mark or an index
    is a gap.

    `index_usd` is the index that the row itself names. Raises SourceError.
    """
    heard = _futures(reply, spelling_of(asset))
    return heard or [
        Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="future")))
    ]


def parse_futures_in_usdc(reply: Reply, asset: str) -> list[Reading | Gap]:
    """As `parse_futures`, of the asset's linear contracts in USDC, whose open interest is in coins and whose index is in
    USDC; nothing where none is listed. Raises SourceError."""
    return _futures(reply, spelling_in_usdc(asset))


def _futures(reply: Reply, spelling: DeribitSpelling) -> list[Reading | Gap]:
    odd = OddRows(reply.subject)
    rows, server_at = read_result(_FUTURES, reply, odd)
    rows = [row for row in rows if row.instrument_name.startswith(spelling.prefix)]
    unique((row.instrument_name for row in rows), reply.subject)
    heard: list[Reading | Gap] = [*odd.gaps(lambda name: name.startswith(spelling.prefix))]
    for row in rows:
        subject = f"{NAME} {row.instrument_name}"
        try:
            heard += _future(row, spelling, server_at, subject)
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    return heard


def parse_index(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The index. Raises SourceError."""
    result, server_at = read_result(_INDEX, reply)
    index_usd = positive(result.index_price, reply.subject)
    if index_usd is None:
        return [Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="index")))]
    return [SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=index_usd)]


def parse_bars(reply: Reply, asset: str, interval: timedelta, until: datetime) -> list[Reading | Gap]:
    """The perpetual's bars as three series: highs and lows at the start of their bar, closes at its end (a
    close is known no sooner). The bar under way has a high and a low so far, and no close. Bars that start at
    `until` or later are left out, and so is a bar whose low, close and high are missing or not in this order.
    Raises SourceError."""
    bars, server_at = read_result(_BARS, reply)
    if not len(bars.ticks) == len(bars.high) == len(bars.low) == len(bars.close):
        raise SourceChanged(about(reply.subject, reason("columns_differ")))
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
    """DVOL now (the last bar's close) and as a series of closes, each at the end of its bar. Raises
    SourceError."""
    result, server_at = read_result(_DVOL, reply)
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
        heard.append(
            VolatilityQuote(source=NAME, observed_at=ends_at, venue=NAME, asset=asset, dvol=closes[-1][1])
        )
    return heard


def parse_funding_history(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The perpetual's funding for eight hours, in percent, as told each hour. Raises SourceError."""
    result, server_at = read_result(_FUNDING, reply)
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

    `book_summary_[btc_]option.json` is needed; without `index_price.json` the index is the median
    `estimated_delivery_price` of the option rows. What else cannot be read (`book_summary_[btc_]future.json`,
    the index) is a gap; an empty list of futures is one too. The time is the median `creation_timestamp` of
    the option rows. Raises SourceError."""
    options = _recorded(folder, asset, "option")
    rows = read_rpc(_OPTIONS, options, f"{NAME} {asset} options").result or []
    if not rows:
        raise SourceUnavailable(about(f"{NAME} {asset} options", reason("recording_empty")))
    times_ms = np.array([row.creation_timestamp for row in rows])
    taken_at = utc(int(median(times_ms)))
    # A recording has no clock to compare with, and may have taken minutes: its end is when all of it was
    # heard.
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
    # Its rows were taken one by one over minutes; the reference figures that it is compared with stand on one index.
    heard = _on_one_index(gather(f"{NAME} {asset}", parts, ["futures"]), within=float("inf"))
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
    raise SourceUnavailable(about(f"{NAME} {asset}", reason("recording_lacks", files=" | ".join(names))))


def _median_delivery(reply: Reply, asset: str) -> list[Reading | Gap]:
    rows = read_rpc(_DELIVERIES, reply.body, reply.subject).result or []
    prices = [
        price for row in rows if (price := positive(row.estimated_delivery_price, reply.subject)) is not None
    ]
    if not prices:
        return [
            Gap(
                who=f"{NAME} {asset} index", reason=about(f"{NAME} {asset} index", reason("no_row_names_one"))
            )
        ]
    index_usd = median(np.array(prices))
    return [SpotQuote(source=NAME, observed_at=reply.heard_at, venue=NAME, asset=asset, index_usd=index_usd)]


@lru_cache(maxsize=16)
def _layout(names: tuple[str, ...], prefix: str, subject: str) -> _Layout:
    """The columns that the names hold; the same names come with every poll, so they are read once.
    SourceChanged for a name that cannot be read."""
    unique(names, subject)
    keep = [i for i, name in enumerate(names) if name.startswith(prefix)]
    own = names if len(keep) == len(names) else [names[i] for i in keep]
    contract = contracts_by_name(prefix, subject, _option)
    return _Layout(
        keep=None if own is names else np.array(keep, dtype=np.int64),
        columns=columns_of_contracts([contract[name] for name in own]),
    )


def _option(name: str, prefix: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call."""
    return read_option(name.removeprefix(prefix), subject)


def _future(
    row: _FutureRow, spelling: DeribitSpelling, server_at: datetime, subject: str
) -> list[Reading | Gap]:
    at = observed_at(row.creation_timestamp, server_at, subject)
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
    if instrument.is_over(server_at):
        return []
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
        heard.append(
            funding(source=NAME, observed_at=at, instrument=instrument, rate=row.funding_8h, interval_hours=8)
        )
    return heard


def _on_one_index(heard: Heard, within: float = ONE_INDEX) -> Heard:
    """The same readings, every future on the one index that was asked for where that is its row's own (no further apart
    than `within`, a fraction: then both are of one moment); else on its row's own."""
    spot = next((one for one in heard.readings if isinstance(one, SpotQuote)), None)
    if spot is None:
        return heard
    moved = (
        replace(one, index_usd=spot.index_usd)
        if isinstance(one, FutureQuote)
        and one.instrument.inverse
        == (one.instrument.asset in INVERSE)  # those in USDC have an index of their own
        and abs(one.index_usd / spot.index_usd - 1.0) <= within
        else one
        for one in heard.readings
    )
    return Heard(readings=tuple(moved), gaps=heard.gaps)


def _rows_at(row_ms: Ints, server_at: datetime, subject: str) -> datetime:
    """The median of the rows' times. Raises SourceError where a row is from the future or the rows are a day
    apart."""
    if utc(int(row_ms.max())) > server_at + FUTURE:
        raise SourceUnavailable(about(subject, reason("future_row")))
    if int(row_ms.max() - row_ms.min()) > DAY // timedelta(milliseconds=1):
        raise SourceChanged(about(subject, reason("days_differ")))
    return observed_at(int(median(row_ms)), server_at, subject)


def _series(heard: Iterable[Reading | Gap]) -> list[SeriesReading]:
    return [one for one in heard if isinstance(one, SeriesReading)]
