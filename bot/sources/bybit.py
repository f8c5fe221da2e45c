"""Bybit: linear and inverse perpetuals and futures, funding, its option chain; liquidations while it listens.

Docs: https://bybit-exchange.github.io/docs/v5/market/tickers (GET, no key); a refusal comes with HTTP 200 and
`retCode` ≠ 0. Units: `openInterest` counts BOTH sides, `singleOpenInterest` one: the latter is used, else
half of the former. Linear contracts and options count coins, inverse ones dollars. `markIv` is a fraction of
1 a year ("0.4896"), funding a fraction of `fundingIntervalHour`. Numbers are text, "" is nothing. Rows have
no time: the envelope's `time` has it. Limits: 600 requests in 5 s and address; some countries get HTTP 403.
Linear and inverse replies serve all assets. `instruments-info` names, of linear and inverse contracts, those
alone that are `Trading` (its documented default): a ticker whose contract is not among them is halted, unless
it is in a phase before its listing. The list of one asset (`baseCoin`: linear and inverse contracts, whatever
`category` says) is some thirty rows and asked for in each poll, so that a new listing is on it at once. Open
interest has a history, but of one contract a request, not of the sum that is told here: it is not filled in."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

import msgspec
import numpy as np

from bot.domain.chain import Floats, OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import bybit_streams
from bot.sources._odd import OddRows, decode_rows, sound_rows
from bot.sources._options import amounts, columns_of_names, drop_expired, expiry, forwards, volatilities
from bot.sources._states import UNLISTED, HeardStates, StateWords
from bot.sources._wire import (
    Figure,
    amount,
    column,
    funding,
    funding_column,
    gather,
    known_at,
    number,
    numbers,
    positive,
    quote,
    refusal_check,
    to_ms,
    unique,
)
from bot.sources._ws import Collector, Stream

NAME = "bybit"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index"})
HOST = "api.bybit.com"
SHARE_S = 10
# timeout, too many visits, server error, too many of this address, too many of all
BUSY = {10000, 10006, 10016, 10018, 10429}
PAYMENTS = timedelta(hours=190)  # 200 rows a request, and funding may be paid every hour
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS_WANTED = timedelta(days=31)
OPEN_ROWS = 190
STATES = StateWords(trading="Trading", before=frozenset({"PreLaunch"}), over=frozenset({"Closed"}))
MOST_LISTED = 1000
_OPTION = re.compile(r"(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:\.\d+)?)-([CP])(?:-[A-Z]+)?", re.ASCII)

T = TypeVar("T")


class _BybitTicker(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    mark_price: Figure
    index_price: Figure
    open_interest: Figure
    single_open_interest: Figure = None
    funding_rate: Figure = None
    funding_interval_hour: Figure = None
    delivery_time: Figure = None
    cur_pre_listing_phase: str | None = None


class _BybitListed(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    status: str | None = None


class _Option(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    mark_iv: Figure
    underlying_price: Figure
    open_interest: Figure
    volume24h: Figure
    single_open_interest: Figure = None


class _BybitPayment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    funding_rate: Figure
    funding_rate_timestamp: Figure


class _BybitOpened(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    timestamp: Figure
    open_interest: Figure = None
    single_open_interest: Figure = None


class _List(msgspec.Struct, Generic[T], frozen=True, gc=False):
    category: str | None = None
    rows: list[T] | None = msgspec.field(default=None, name="list")


class _BybitAnswer(msgspec.Struct, Generic[T], frozen=True, gc=False, rename="camel"):
    ret_code: int
    ret_msg: str
    result: _List[T] | None = None
    time: int | None = None


_REFUSAL = msgspec.json.Decoder(_BybitAnswer[msgspec.Raw])
_TICKERS = msgspec.json.Decoder(_BybitAnswer[_BybitTicker])
_LISTED = msgspec.json.Decoder(_BybitAnswer[_BybitListed])
_OPTIONS = msgspec.json.Decoder(_BybitAnswer[_Option])
_PAYMENTS = msgspec.json.Decoder(_BybitAnswer[_BybitPayment])
_OPENED = msgspec.json.Decoder(_BybitAnswer[_BybitOpened])
_CANDLES = msgspec.json.Decoder(_BybitAnswer[list[str]])


class Bybit:
    """One poll is four requests, of which two serve all assets."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        refused = refusal_check(_REFUSAL, lambda said: said.ret_code, BUSY)
        http.allow(HOST, Budget(burst=600, per_s=120), passing=refused)

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
        return bybit_streams(assets)

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding, index and option chain. Raises SourceError where nothing was
        heard."""
        del at
        linear, inverse, options = await asyncio.gather(
            self._hear_contracts(asset, "linear"),
            self._hear_contracts(asset, "inverse"),
            self._hear_options(asset),
            return_exceptions=True,
        )
        liquidations = self._collector.tallies(asset)
        parts = {"linear": linear, "inverse": inverse, "options": options, "liquidations": liquidations}
        return gather(f"{NAME} {asset}", parts, ["linear", "inverse"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding of the linear perpetual in USDT; open interest by the hour of the last month, by the day before it.
        Raises SourceError."""
        told: list[SeriesReading | Gap] = [await self._past_funding(asset, since, until)]
        told += await self._past_open_interest(asset, since, until)
        return [one for one in told if isinstance(one, SeriesReading)]

    async def _past_funding(self, asset: str, since: datetime, until: datetime) -> SeriesReading | Gap:
        rows: list[tuple[int, float | None]] = []
        end, server_at = until, until
        while end > since:
            start = max(since, end - PAYMENTS)
            params: Params = {
                "category": "linear",
                "symbol": f"{asset}USDT",
                "startTime": to_ms(start),
                "endTime": to_ms(end),
                "limit": 200,
            }
            reply = await self._get("funding/history", f"{asset} funding history", params)
            paid, server_at = parse_payments(reply)
            rows += paid
            end = start
        subject = f"{NAME} {asset} funding history"
        return funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)

    async def _past_open_interest(
        self, asset: str, since: datetime, until: datetime
    ) -> list[SeriesReading | Gap]:
        """What was open in the contracts that are listed now: those that have expired since are not told any more. In
        coins and, at the index of the time, in dollars."""
        if since >= until:
            return []
        interval = HOUR if until > self._http.now() - HOURS_WANTED else DAY
        step, candle = ("1h", "60") if interval == HOUR else ("1d", "D")
        tickers = {
            category: await self._get("tickers", f"{category} tickers", {"category": category}, SHARE_S)
            for category in ("linear", "inverse")
        }
        listed = [
            (category, symbol)
            for category, reply in tickers.items()
            for symbol in listed_symbols(reply, asset, category)
        ]
        opened: dict[tuple[str, str], list[Reply]] = {one: [] for one in listed}
        prices: list[Reply] = []
        for start, end in _windows(since, until, interval * OPEN_ROWS):
            for category, symbol in listed:
                asked: Params = {"category": category, "symbol": symbol, "intervalTime": step}
                asked = {**asked, "startTime": to_ms(start), "endTime": to_ms(end), "limit": 200}
                opened[category, symbol].append(
                    await self._get("open-interest", f"{symbol} open interest", asked)
                )
            bars: Params = {"category": "linear", "symbol": f"{asset}USDT", "interval": candle, "limit": 1000}
            bars = {**bars, "start": to_ms(start - interval), "end": to_ms(end)}
            prices.append(await self._get("index-price-kline", f"{asset} index bars", bars))
        return parse_past_open_interest(opened, prices, asset, interval)

    async def _hear_contracts(self, asset: str, category: str) -> list[Reading | Gap]:
        reply, states = await asyncio.gather(
            self._get("tickers", f"{category} tickers", {"category": category}, SHARE_S), self._states(asset)
        )
        states.log_unheard(NAME)
        return parse_contracts(reply, asset, inverse=category == "inverse", states=states.words)

    async def _states(self, asset: str) -> HeardStates:
        """The venue's word for the asset's contracts that trade."""
        asked: Params = {"category": "linear", "baseCoin": asset, "limit": MOST_LISTED}
        try:
            reply = await self._get("instruments-info", f"{asset} states", asked, SHARE_S)
            return HeardStates(words=parse_states(reply))
        except SourceError as error:
            return HeardStates(words={}, unheard=str(error))

    async def _hear_options(self, asset: str) -> list[Reading | Gap]:
        reply = await self._get("tickers", f"{asset} options", {"category": "option", "baseCoin": asset})
        return parse_options(reply, asset)

    async def _get(self, method: str, about: str, params: Params, share_s: float = 0) -> Reply:
        url = f"https://{HOST}/v5/market/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, share_s=share_s)


SOURCE = Bybit


def parse_states(reply: Reply) -> dict[str, str]:
    """The venue's word for the contracts that trade, by symbol. Raises SourceError."""
    rows, _ = _rows(_LISTED, reply, "linear", OddRows(reply.subject))
    return {row.symbol: row.status or STATES.trading for row in rows}


def parse_contracts(
    reply: Reply, asset: str, *, inverse: bool, states: Mapping[str, str] | None = None
) -> list[Reading | Gap]:
    """The asset's perpetuals and futures of one kind, with funding; of the inverse perpetual the index too.
    Nothing where none is listed. One that is not among those that trade (`states`) is a gap. Raises SourceError."""
    odd = OddRows(reply.subject)
    rows, server_at = _rows(_TICKERS, reply, "inverse" if inverse else "linear", odd)
    if not rows:  # all assets' contracts are asked for: an empty list is no market without any
        raise SourceUnavailable(about(reply.subject, reason("not_in_reply", what="contract")))
    names = _names(asset, inverse=inverse)
    own = [row for row in rows if names.fullmatch(row.symbol)]
    unique((row.symbol for row in own), reply.subject)
    heard: list[Reading | Gap] = [*odd.gaps(names.fullmatch)]
    of_kind = {symbol: word for symbol, word in (states or {}).items() if names.fullmatch(symbol)}
    for row in own:
        try:
            heard += _contract(row, asset, server_at, _word(row, of_kind), inverse=inverse)
        except SourceError as error:
            heard.append(Gap(who=f"{NAME} {row.symbol}", reason=str(error)))
    return heard


def listed_symbols(reply: Reply, asset: str, category: str) -> list[str]:
    """The asset's contracts of a category. Raises SourceError."""
    rows, _ = _rows(_TICKERS, reply, category, OddRows(reply.subject))
    names = _names(asset, inverse=category == "inverse")
    return [row.symbol for row in rows if names.fullmatch(row.symbol)]


def parse_past_open_interest(
    opened: Mapping[tuple[str, str], Sequence[Reply]],
    prices: Sequence[Reply],
    asset: str,
    interval: timedelta,
) -> list[SeriesReading | Gap]:
    """Open interest of all contracts together, by category and symbol, at the times at which each perpetual tells its own
    and the index is known; a dated future counts from its first row on. In coins and in dollars. Raises SourceError."""
    step_ms = interval // timedelta(milliseconds=1)
    spot: dict[int, float] = {}
    server_at = prices[-1].heard_at
    for reply in prices:
        bars, server_at = _rows(_CANDLES, reply)
        for bar in bars:
            start, close = number(bar[0], reply.subject), positive(bar[4], reply.subject)
            if start is not None and close is not None:
                spot[int(start) + step_ms] = close
    coins: dict[int, float] = {}
    told: list[set[int]] = []
    for (category, symbol), replies in opened.items():
        own: dict[int, float] = {}
        for reply in replies:
            rows, server_at = _rows(_OPENED, reply)
            for row in rows:
                at, held = (
                    number(row.timestamp, reply.subject),
                    _one_side(row.single_open_interest, row.open_interest, reply.subject),
                )
                if at is not None and held is not None and int(at) in spot:
                    own[int(at)] = held / spot[int(at)] if category == "inverse" else held
        for at_ms, held in own.items():
            coins[at_ms] = coins[at_ms] + held if at_ms in coins else held
        if symbol in (f"{asset}USDT", f"{asset}USD"):
            told.append(set(own))
    whole = sorted(set.intersection(*told)) if told else []
    subject = f"{NAME} {asset} open interest history"
    return [
        column(
            source=NAME,
            subject=subject,
            asset=asset,
            metric=metric,
            interval=interval,
            rows=rows,
            server_at=server_at,
        )
        for metric, rows in (
            ("open_interest_coin", [(at, coins[at]) for at in whole]),
            ("open_interest_usd", [(at, coins[at] * spot[at]) for at in whole]),
        )
    ]


def _names(asset: str, *, inverse: bool) -> "re.Pattern[str]":
    return re.compile(
        rf"{asset}USD([HMUZ]\d{{2}})?" if inverse else rf"{asset}(USDT|PERP)?(-\d{{1,2}}[A-Z]{{3}}\d{{2}})?",
        re.ASCII,
    )


def _windows(since: datetime, until: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    starts = []
    while since < until:
        starts.append((since, min(since + longest, until)))
        since += longest
    return starts


def parse_options(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's option chain, or a gap where it lists none; one that counts the rows that were left out. Raises
    SourceError."""
    subject, odd = reply.subject, OddRows(reply.subject)
    rows, server_at = _rows(_OPTIONS, reply, "option", odd)
    unique((row.symbol for row in rows), subject)
    if not rows:
        return [Gap(who=subject, reason=about(subject, reason("not_in_reply", what="option")))]
    try:
        chain = _chain(rows, asset, server_at, subject)
    except SourceError:
        rows = sound_rows(
            rows, lambda row: _chain([row], asset, server_at, subject), lambda row: row.symbol, odd
        )
        chain = _chain(rows, asset, server_at, subject)
    return [*drop_expired(chain, subject), *odd.summary()]


def _chain(rows: Sequence[_Option], asset: str, server_at: datetime, subject: str) -> OptionChain:
    contracts = columns_of_names(tuple([row.symbol for row in rows]), asset, subject, _option)
    shares = numbers([row.mark_iv for row in rows], subject)
    return OptionChain(
        source=NAME,
        venue=NAME,
        asset=asset,
        observed_at=server_at,
        expires_ms=contracts.expires_ms,
        strike_usd=contracts.strike_usd,
        is_call=contracts.is_call,
        forward_usd=forwards(numbers([row.underlying_price for row in rows], subject)),
        mark_iv_pct=volatilities([None if share is None else share * 100 for share in shares]),
        open_interest_coin=_one_sides(rows, subject),
        volume_24h_coin=amounts(numbers([row.volume24h for row in rows], subject)),
        row_ms=np.full(len(rows), to_ms(server_at), dtype=np.int64),
    )


def parse_payments(reply: Reply) -> tuple[list[tuple[int, float | None]], datetime]:
    """Funding that was paid: milliseconds and fraction, and the server's time. Raises SourceError."""
    rows, server_at = _rows(_PAYMENTS, reply)
    paid = []
    for row in rows:
        at_ms = number(row.funding_rate_timestamp, reply.subject)
        if at_ms is not None:
            paid.append((int(at_ms), number(row.funding_rate, reply.subject)))
    return paid, server_at


def _rows(
    decoder: "msgspec.json.Decoder[_BybitAnswer[T]]",
    reply: Reply,
    category: str | None = None,
    odd: OddRows | None = None,
) -> tuple[list[T], datetime]:
    """The rows and the server's time. Raises SourceError; for a list of another category than was asked for, too.
    Rows of another shape are left out where `odd` takes them."""
    answer = decode_rows(decoder, reply.body, reply.subject, odd)
    if answer.ret_code != 0:
        said = about(reply.subject, reason("venue_error", code=str(answer.ret_code), said=answer.ret_msg))
        raise SourceUnavailable(said) if answer.ret_code in BUSY else SourceChanged(said)
    if answer.result is None or answer.result.rows is None:
        raise SourceChanged(about(reply.subject, reason("not_in_reply", what="list")))
    if category and answer.result.category and answer.result.category != category:
        raise SourceUnavailable(about(reply.subject, reason("other_list", said=answer.result.category[:20])))
    return answer.result.rows, reply.server_at(known_at(answer.time, reply.subject))


def _word(row: _BybitTicker, states: Mapping[str, str]) -> str | None:
    """The venue's word for a contract: that of the list; of one that is not on it that it is not, where it is no new one;
    None where there is no list of such contracts."""
    if not states or row.symbol in states:
        return states.get(row.symbol)
    return "PreLaunch" if row.cur_pre_listing_phase else UNLISTED


def _contract(
    row: _BybitTicker, asset: str, server_at: datetime, word: str | None, *, inverse: bool
) -> list[Reading | Gap]:
    subject = f"{NAME} {row.symbol}"
    delivery_ms = number(row.delivery_time, subject)
    expires_at = known_at(None if delivery_ms is None else int(delivery_ms), subject)
    instrument = Instrument(
        venue=NAME,
        symbol=row.symbol,
        asset=asset,
        kind="perpetual" if expires_at is None else "future",
        expires_at=expires_at,
        inverse=inverse,
    )
    if instrument.is_over(server_at) or STATES.leaves_out(word):
        return []
    if (halt := STATES.halt_of(subject, word)) is not None:
        return [halt]
    told = quote(
        source=NAME,
        observed_at=server_at,
        instrument=instrument,
        mark_usd=positive(row.mark_price, subject),
        index_usd=positive(row.index_price, subject),
        open_interest=_one_side(row.single_open_interest, row.open_interest, subject),
    )
    heard: list[Reading | Gap] = [told]
    if expires_at is None:
        rate, hours = number(row.funding_rate, subject), number(row.funding_interval_hour, subject)
        heard.append(
            funding(
                source=NAME, observed_at=server_at, instrument=instrument, rate=rate, interval_hours=hours
            )
        )
    if expires_at is None and inverse and isinstance(told, FutureQuote):
        heard.append(
            SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=told.index_usd)
        )
    return heard


def _one_side(single: Figure, both: Figure, subject: str) -> float | None:
    """One side's open interest: as told, else half of what counts both sides."""
    told = amount(single, subject)
    if told is not None:
        return told
    doubled = amount(both, subject)
    return None if doubled is None else doubled / 2


def _one_sides(rows: Sequence[_Option], subject: str) -> Floats:
    """As `_one_side`, of each row; nan for none."""
    single = amounts(numbers([row.single_open_interest for row in rows], subject))
    lacking = np.isnan(single)
    both = [row.open_interest if lacks else None for row, lacks in zip(rows, lacking.tolist(), strict=True)]
    return np.where(lacking, amounts(numbers(both, subject)) / 2, single)


def _option(symbol: str, asset: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `BTC-27JUN25-100000-C-USDT`."""
    found = _OPTION.fullmatch(symbol.removeprefix(f"{asset}-")) if symbol.startswith(f"{asset}-") else None
    if found is None:
        raise SourceChanged(about(subject, reason("no_option_name", said=symbol[:40])))
    strike_usd = float(found[2])
    if not strike_usd > 0:
        raise SourceChanged(about(subject, reason("no_strike", said=symbol[:40])))
    return to_ms(expiry(found[1], subject)), strike_usd, found[3] == "C"
