"""Binance: USD-M perpetuals in USDT and USDC, COIN-M perpetuals, COIN-M quarterly Bitcoin futures, funding, accounts long and short,
tokenized gold; liquidations while it listens.

Docs: https://developers.binance.com/docs/derivatives (GET, no key). A refusal is `{"code":…,"msg":…}` with
HTTP 4xx. Units: USD-M open interest in coins; COIN-M in CONTRACTS of 100 USD for Bitcoin and 10 USD for
others. Funding is a fraction of eight hours, unless a market's `fundingInfo` names other hours; where it names none,
the next payment must lie on the eight-hour grid. `longShortRatio` counts accounts. Bars of PAXG (a token of
one ounce of gold) are in USDT. Expiries are 08:00 UTC. Of a contract that does not trade (pending,
halted, settling, closed) the venue refuses to tell open interest (-4108, HTTP 400), which tells of its state in
a reply that is asked anyway. Only then is `exchangeInfo` asked (over a megabyte, weight 1, shared for a quarter
of an hour) for the word itself. Limits: weight 2,400 a minute and address for USD-M and COIN-M together, 6,000
for spot; going on after 429 is a ban (418). Some countries get HTTP 451. Marks serve all assets; open interest
is asked for contract by contract, so USD-M quarterlies and COIN-M quarterlies of other assets than Bitcoin,
which are small, are left out. History of open interest: 30 days."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum
from typing import ClassVar, TypeVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import AccountRatio, Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.domain.traded import FuturePrices
from bot.errors import SourceChanged, SourceError
from bot.reasons import about, reason
from bot.sources._binance_past import LONGEST, MOST_BARS, QUARTERS, WEIGHT, parse_quarters
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import binance_streams
from bot.sources._odd import OddRows, decode_rows
from bot.sources._options import expiry
from bot.sources._states import StateWords, words_told
from bot.sources._wire import (
    HOUR_MS,
    Figure,
    Ms,
    amount,
    column,
    decode,
    funding,
    funding_column,
    gather,
    known_at,
    number,
    observed_at,
    positive,
    quote,
    refusal_check,
    to_ms,
    unique,
)
from bot.sources._ws import Collector, Stream

NAME = "binance"
BRINGS: frozenset[Quantity] = frozenset({"futures", "perpetuals", "funding", "index", "long_short", "gold"})
LINEAR_HOST = "fapi.binance.com"
INVERSE_HOST = "dapi.binance.com"
SPOT_HOST = "api.binance.com"
POOL = "binance futures"
# unknown, disconnected, too many requests, unexpected reply, timeout, busy, shutting down
BUSY = {-1000, -1001, -1003, -1006, -1007, -1008, -1016}
SHARE_S = 10
SLOW_SHARE_S = 900
USUAL_FUNDING_HOURS = 8.0
CONTRACT_USD = {"BTC": 100.0}
OTHER_CONTRACT_USD = 10.0
QUARTERLIES = ("BTC",)
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
GOLD_BARS = 48
BARS_CHUNK = timedelta(hours=1000)
PAYMENTS = timedelta(hours=990)
OPEN_CHUNK = timedelta(hours=490)
OPEN_KEPT = timedelta(days=29)
STATES = StateWords(
    trading="TRADING",
    before=frozenset({"PENDING_TRADING"}),
    over=frozenset({"DELIVERED", "SETTLING", "CLOSE"}),
)

T = TypeVar("T")


class _Premium(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    mark_price: Figure
    index_price: Figure
    time: int
    last_funding_rate: Figure = None
    next_funding_time: int | None = None


class _FundingInfo(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    funding_interval_hours: float


class _BinanceOpenInterest(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    open_interest: Figure
    time: int


class _BinanceListed(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    status: str | None = None
    contract_status: str | None = None


class _ExchangeInfo(msgspec.Struct, frozen=True, gc=False):
    symbols: list[_BinanceListed]


class _Ratio(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    long_short_ratio: Figure
    timestamp: int


class _BinancePayment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    funding_time: Ms
    funding_rate: Figure


class _BinanceRefusal(msgspec.Struct, frozen=True, gc=False):
    code: int


class _OpenThen(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    sum_open_interest: Figure
    sum_open_interest_value: Figure
    timestamp: Ms


_REFUSAL = msgspec.json.Decoder(_BinanceRefusal)
_PREMIUMS = msgspec.json.Decoder(list[_Premium])
_FUNDING_INFO = msgspec.json.Decoder(list[_FundingInfo])
_OPEN = msgspec.json.Decoder(_BinanceOpenInterest)
_LISTED = msgspec.json.Decoder(_ExchangeInfo)
_RATIOS = msgspec.json.Decoder(list[_Ratio])
_PAYMENTS = msgspec.json.Decoder(list[_BinancePayment])
_OPEN_THEN = msgspec.json.Decoder(list[_OpenThen])
_BARS = msgspec.json.Decoder(list[list[str | float]])


class Binance:
    """One poll of BTC and ETH is twelve requests; four of them serve both."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        refused = refusal_check(_REFUSAL, lambda said: said.code, BUSY)
        for host in (LINEAR_HOST, INVERSE_HOST):
            http.allow(host, Budget(burst=2_400, per_s=40), pool=POOL, passing=refused)
        http.allow(SPOT_HOST, Budget(burst=6_000, per_s=100), passing=refused)

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
        del assets  # every symbol is pushed
        return binance_streams()

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding, index, account ratio, and gold. Raises SourceError where nothing
        was heard."""
        del at
        asked = {
            "USD-M": self._hear_linear(asset),
            "COIN-M": self._hear_inverse(asset),
            "accounts": self._hear_accounts(asset),
            "gold": self._hear_gold(asset),
        }
        outcomes = await asyncio.gather(*asked.values(), return_exceptions=True)
        parts = dict(zip(asked, outcomes, strict=True)) | {"liquidations": self._collector.tallies(asset)}
        return gather(f"{NAME} {asset}", parts, ["USD-M", "COIN-M"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding of the USD-M perpetual, gold by the hour, and open interest by the hour of the last 29
        days: the sum of the same contracts as in a poll, at the hours at which both markets tell theirs.
        Raises SourceError."""
        told = [
            await self._past_funding(asset, since, until),
            await self._past_gold(asset, since, until),
            *await self._past_open_interest(asset, since, until),
        ]
        return [one for one in told if isinstance(one, SeriesReading)]

    async def recall_futures(self, asset: str, since: datetime, until: datetime) -> FuturePrices:
        """The COIN-M quarterlies hour by hour, where something was traded, against their index. Raises SourceError."""
        pair: Params = {"pair": f"{asset}USD", "interval": "1h", "limit": MOST_BARS}
        futures: dict[str, list[Reply]] = {kind: [] for kind in QUARTERS}
        index: list[Reply] = []
        for start, end in _windows(since, until, LONGEST):
            asked: Params = {**pair, **_times(start, end - MILLISECOND)}
            about = f"{asset} past index"
            index.append(await self._inverse("dapi/v1/indexPriceKlines", about, asked, cost=WEIGHT))
            for kind, replies in futures.items():
                of_kind: Params = {**asked, "contractType": kind}
                about = f"{asset} past quarterlies"
                replies.append(await self._inverse("dapi/v1/continuousKlines", about, of_kind, cost=WEIGHT))
        return parse_quarters(futures, index, asset)

    async def _hear_linear(self, asset: str) -> list[Reading | Gap]:
        marks, intervals = await asyncio.gather(
            self._linear("fapi/v1/premiumIndex", "USD-M marks", {}, cost=10, share_s=SHARE_S),
            self._intervals(self._linear, "fapi/v1/fundingInfo", "funding intervals"),
        )
        symbols = [row.symbol for row in _wanted(marks, asset, inverse=False)]
        opens, states = await self._count(self._linear, "fapi/v1", symbols)
        return parse_contracts(marks, opens, asset, inverse=False, intervals=intervals, states=states)

    async def _count(
        self, ask: Callable[..., Awaitable[Reply]], path: str, symbols: Sequence[str]
    ) -> tuple[list[Reply], dict[str, str]]:
        """What is open in each contract; of those of which the venue does not tell it, its word for why they do not trade.
        Raises the refusal of one that trades."""
        asked = (ask(f"{path}/openInterest", f"{one} open interest", {"symbol": one}) for one in symbols)
        told = await asyncio.gather(*asked, return_exceptions=True)
        refused = {one: why for one, why in zip(symbols, told, strict=True) if isinstance(why, BaseException)}
        words: dict[str, str] = {}
        if any(isinstance(why, SourceChanged) for why in refused.values()):
            words = await self._states(ask, f"{path}/exchangeInfo")
        for symbol, why in refused.items():
            if words.get(symbol, STATES.trading) == STATES.trading:
                raise why
        return [one for one in told if isinstance(one, Reply)], {one: words[one] for one in refused}

    async def _states(self, ask: Callable[..., Awaitable[Reply]], path: str) -> dict[str, str]:
        """The venue's word for whether each contract of a market trades; none where that was not heard."""
        try:
            return parse_states(await ask(path, "states", {}, share_s=SLOW_SHARE_S))
        except SourceError:
            return {}

    async def _intervals(
        self, ask: Callable[..., Awaitable[Reply]], path: str, about: str
    ) -> dict[str, float] | None:
        """Hours between payments where they are not the usual ones; None where that was not heard, and no
        hours are known."""
        try:
            return parse_intervals(await ask(path, about, {}, share_s=SLOW_SHARE_S))
        except SourceError:
            return None  # each perpetual's funding then says that its interval is not known

    async def _hear_inverse(self, asset: str) -> list[Reading | Gap]:
        marks, intervals = await asyncio.gather(
            self._inverse("dapi/v1/premiumIndex", "COIN-M marks", {}, cost=10, share_s=SHARE_S),
            self._intervals(self._inverse, "dapi/v1/fundingInfo", "COIN-M funding intervals"),
        )
        symbols = [row.symbol for row in _wanted(marks, asset, inverse=True)]
        opens, states = await self._count(self._inverse, "dapi/v1", symbols)
        return parse_contracts(marks, opens, asset, inverse=True, intervals=intervals, states=states)

    async def _hear_accounts(self, asset: str) -> list[Reading | Gap]:
        params: Params = {"symbol": f"{asset}USDT", "period": "5m", "limit": 1}
        return parse_accounts(
            await self._linear("futures/data/globalLongShortAccountRatio", f"{asset} accounts", params), asset
        )

    async def _hear_gold(self, asset: str) -> list[Reading | Gap]:
        params: Params = {"symbol": "PAXGUSDT", "interval": "1h", "limit": GOLD_BARS}
        reply = await self._spot("gold", params, share_s=SLOW_SHARE_S)
        return [parse_gold([reply], asset), *parse_gold_now(reply)]

    async def _past_funding(self, asset: str, since: datetime, until: datetime) -> SeriesReading | Gap:
        rows: list[tuple[int, float | None]] = []
        server_at = until
        for start, end in _windows(since, until, PAYMENTS):
            params: Params = {"symbol": f"{asset}USDT", **_times(start, end), "limit": 1000}
            reply = await self._linear("fapi/v1/fundingRate", f"{asset} funding history", params)
            server_at = reply.server_at()
            paid = decode(_PAYMENTS, reply.body, reply.subject)
            # the venue pays a few milliseconds after the hour
            rows += [
                (_to_the_minute(row.funding_time), number(row.funding_rate, reply.subject)) for row in paid
            ]
        subject = f"{NAME} {asset} funding history"
        return funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)

    async def _past_gold(self, asset: str, since: datetime, until: datetime) -> SeriesReading | Gap:
        replies = [
            await self._spot(
                "gold",
                {"symbol": "PAXGUSDT", "interval": "1h", **_times(start, end), "limit": 1000},
                share_s=SLOW_SHARE_S,
            )
            for start, end in _windows(since, until, BARS_CHUNK)
        ]
        return parse_gold(replies, asset)

    async def _past_open_interest(
        self, asset: str, since: datetime, until: datetime
    ) -> list[SeriesReading | Gap]:
        since = max(since, self._http.now() - OPEN_KEPT)
        if since >= until:
            return []  # of older ones the venue keeps none, and refuses to be asked
        linear, in_usdc, inverse = [], [], []
        usdc = await self._lists_usdc(asset)
        kind = "ALL" if asset in QUARTERLIES else "PERPETUAL"
        for start, end in _windows(since, until, OPEN_CHUNK):
            hours: Params = {"period": "1h", "limit": 500, **_times(start, end)}
            about = f"{asset} open interest history"
            linear.append(
                await self._linear(
                    "futures/data/openInterestHist", about, {"symbol": f"{asset}USDT", **hours}
                )
            )
            if usdc:
                symbol: Params = {"symbol": f"{asset}USDC", **hours}
                in_usdc.append(await self._linear("futures/data/openInterestHist", about, symbol))
            pair: Params = {"pair": f"{asset}USD", "contractType": kind, **hours}
            inverse.append(await self._inverse("futures/data/openInterestHist", about, pair))
        return parse_open_interest_history(linear, inverse, asset, in_usdc)

    async def _lists_usdc(self, asset: str) -> bool:
        """Whether the asset has a perpetual in USDC. Raises SourceError."""
        marks = await self._linear("fapi/v1/premiumIndex", "USD-M marks", {}, cost=10, share_s=SHARE_S)
        return any(row.symbol == f"{asset}USDC" for row in _wanted(marks, asset, inverse=False))

    async def _linear(
        self, path: str, about: str, params: Params, cost: float = 1, share_s: float = 0
    ) -> Reply:
        url = f"https://{LINEAR_HOST}/{path}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, cost=cost, share_s=share_s)

    async def _inverse(
        self, path: str, about: str, params: Params, cost: float = 1, share_s: float = 0
    ) -> Reply:
        url = f"https://{INVERSE_HOST}/{path}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, cost=cost, share_s=share_s)

    async def _spot(self, about: str, params: Params, share_s: float) -> Reply:
        url = f"https://{SPOT_HOST}/api/v3/klines"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, cost=2, share_s=share_s)


SOURCE = Binance


def parse_intervals(reply: Reply) -> dict[str, float]:
    """Hours between payments of the symbols whose hours are not the usual eight. Raises SourceError."""
    return {
        row.symbol: row.funding_interval_hours
        for row in decode_rows(_FUNDING_INFO, reply.body, reply.subject, OddRows(reply.subject))
    }


def parse_states(reply: Reply) -> dict[str, str]:
    """The venue's word for whether each contract of a market trades, by symbol. Raises SourceError."""
    listed = decode_rows(_LISTED, reply.body, reply.subject, OddRows(reply.subject)).symbols
    return words_told({row.symbol: row.status or row.contract_status for row in listed})


def parse_contracts(
    marks: Reply,
    opens: Sequence[Reply],
    asset: str,
    *,
    inverse: bool,
    intervals: dict[str, float] | None = None,
    states: Mapping[str, str] | None = None,
) -> list[Reading | Gap]:
    """The asset's contracts of one market with their open interest; of the perpetual the funding, and the
    index of the COIN-M one, which is in dollars. A contract without a reply about its open interest has none
    told; one that does not trade by the venue's word in `states` is a gap. Raises SourceError."""
    counted: dict[str, tuple[_BinanceOpenInterest, datetime]] = {}
    for reply in opens:
        row = decode(_OPEN, reply.body, reply.subject)
        counted[row.symbol] = row, observed_at(row.time, reply.server_at(), reply.subject)
    server_at = marks.server_at()
    odd = OddRows(marks.subject)
    wanted = _wanted(marks, asset, inverse=inverse, odd=odd)
    heard: list[Reading | Gap] = [*odd.gaps(_names(asset, inverse=inverse).fullmatch)]
    for premium in wanted:
        subject, word = f"{NAME} {premium.symbol}", (states or {}).get(premium.symbol)
        if STATES.leaves_out(word):
            continue
        try:
            hours = _usual_hours(premium, intervals)
            told = _contract(premium, counted.get(premium.symbol), asset, server_at, inverse, hours)
            halt = STATES.halt_of(subject, word)
            heard += told if halt is None or not told else [halt]
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    return heard or [
        Gap(who=f"{NAME} {asset}", reason=about(marks.subject, reason("not_in_reply", what=asset)))
    ]


def parse_accounts(reply: Reply, asset: str) -> list[Reading | Gap]:
    """Accounts long over accounts short on the USD-M perpetual. Raises SourceError."""
    rows = decode(_RATIOS, reply.body, reply.subject)
    server_at = reply.server_at()
    ratio = positive(rows[-1].long_short_ratio, reply.subject) if rows else None
    if ratio is None:
        return [Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="ratio")))]
    at = observed_at(rows[-1].timestamp, server_at, reply.subject)
    return [AccountRatio(source=NAME, observed_at=at, venue=NAME, asset=asset, long_short_ratio=ratio)]


def parse_gold(replies: Sequence[Reply], asset: str) -> SeriesReading | Gap:
    """Closes of PAXG, each at the end of its hour. Raises SourceError."""
    closes: dict[int, float] = {}
    server_at = replies[0].heard_at
    for reply in replies:
        server_at = reply.server_at()
        for bar in decode(_BARS, reply.body, reply.subject):
            starts_ms = number(bar[0], reply.subject) if len(bar) > 4 else None
            close = positive(bar[4], reply.subject) if len(bar) > 4 else None
            at = known_at(None if starts_ms is None else int(starts_ms), reply.subject)
            if at is not None and close is not None and at + HOUR <= server_at:
                closes[to_ms(at + HOUR)] = close
    return column(
        source=NAME,
        subject=f"{NAME} gold",
        asset=asset,
        metric="gold_usd",
        interval=HOUR,
        rows=sorted(closes.items()),
        server_at=server_at,
    )


def parse_gold_now(reply: Reply) -> list[Reading | Gap]:
    """What PAXG cost last. Raises SourceError."""
    bars = decode(_BARS, reply.body, reply.subject)
    starts_ms = number(bars[-1][0], reply.subject) if bars and len(bars[-1]) > 4 else None
    close = positive(bars[-1][4], reply.subject) if starts_ms is not None else None
    if starts_ms is None or close is None:
        return []
    server_at = reply.server_at()
    at = min(observed_at(int(starts_ms), server_at, reply.subject) + HOUR, server_at)
    return [SpotQuote(source=NAME, observed_at=at, venue=NAME, asset="PAXG", index_usd=close)]


def parse_open_interest_history(
    linear: Sequence[Reply], inverse: Sequence[Reply], asset: str, in_usdc: Sequence[Reply] = ()
) -> list[SeriesReading | Gap]:
    """Open interest of all contracts together by the hour, in coins and in dollars, at the hours at which all of them
    are told. USD-M tells coins and their value in dollars, COIN-M contracts and their value in coins. Raises
    SourceError."""
    contract_usd = CONTRACT_USD.get(asset, OTHER_CONTRACT_USD)
    of_inverse = _history(inverse)
    parts = [_history(linear), *([_history(in_usdc)] if in_usdc else [])]
    coins, dollars = [], []
    for at_ms in sorted(set(of_inverse).intersection(*parts)):
        contracts, inverse_coins = of_inverse[at_ms]
        coins.append((at_ms, fsum(part[at_ms][0] for part in parts) + inverse_coins))
        dollars.append((at_ms, fsum(part[at_ms][1] for part in parts) + contracts * contract_usd))
    subject = f"{NAME} {asset} open interest history"
    server_at = linear[-1].heard_at
    return [
        column(
            source=NAME,
            subject=subject,
            asset=asset,
            metric=metric,
            interval=HOUR,
            rows=rows,
            server_at=server_at,
        )
        for metric, rows in (("open_interest_coin", coins), ("open_interest_usd", dollars))
    ]


def _history(replies: Iterable[Reply]) -> dict[int, tuple[float, float]]:
    told: dict[int, tuple[float, float]] = {}
    for reply in replies:
        reply.server_at()
        for row in decode(_OPEN_THEN, reply.body, reply.subject):
            count = amount(row.sum_open_interest, reply.subject)
            value = amount(row.sum_open_interest_value, reply.subject)
            if count is not None and value is not None:
                told[row.timestamp] = (count, value)
    return told


def _wanted(marks: Reply, asset: str, *, inverse: bool, odd: OddRows | None = None) -> list[_Premium]:
    """The rows of the asset's contracts; `odd` takes those of any that cannot be read. Raises SourceError."""
    names = _names(asset, inverse=inverse)
    rows = decode_rows(_PREMIUMS, marks.body, marks.subject, OddRows(marks.subject) if odd is None else odd)
    own = [row for row in rows if names.fullmatch(row.symbol)]
    unique((row.symbol for row in own), marks.subject)
    return own


def _names(asset: str, *, inverse: bool) -> re.Pattern[str]:
    """How the asset's contracts of one market are spelled."""
    if not inverse:
        return re.compile(rf"{asset}(USDT|USDC)", re.ASCII)
    dated = r"\d{6}|" if asset in QUARTERLIES else ""
    return re.compile(rf"{asset}USD_({dated}PERP)", re.ASCII)


def _contract(
    row: _Premium,
    counts: tuple[_BinanceOpenInterest, datetime] | None,
    asset: str,
    server_at: datetime,
    inverse: bool,
    hours: float | None,
) -> list[Reading | Gap]:
    subject = f"{NAME} {row.symbol}"
    at = observed_at(row.time, server_at, subject)
    day = row.symbol.partition("_")[2] if inverse else "PERP"
    perpetual = day == "PERP"
    instrument = Instrument(
        venue=NAME,
        symbol=row.symbol,
        asset=asset,
        kind="perpetual" if perpetual else "future",
        expires_at=None if perpetual else expiry(day, subject),
        inverse=inverse,
    )
    if instrument.is_over(at):
        return []
    counted = None if counts is None else amount(counts[0].open_interest, subject)
    if counted is not None and inverse:
        counted *= CONTRACT_USD.get(asset, OTHER_CONTRACT_USD)
    index_usd = positive(row.index_price, subject)
    heard: list[Reading | Gap] = [
        quote(
            source=NAME,
            observed_at=at,
            instrument=instrument,
            mark_usd=positive(row.mark_price, subject),
            index_usd=index_usd,
            open_interest=counted,
            open_interest_at=None if counts is None else counts[1],
        )
    ]
    if perpetual:
        rate = number(row.last_funding_rate, subject)
        heard.append(
            funding(source=NAME, observed_at=at, instrument=instrument, rate=rate, interval_hours=hours)
        )
    if perpetual and inverse and index_usd is not None:
        heard.append(SpotQuote(source=NAME, observed_at=at, venue=NAME, asset=asset, index_usd=index_usd))
    return heard


def _usual_hours(row: _Premium, intervals: dict[str, float] | None) -> float | None:
    """The hours that the venue names; else eight, where the next payment is at 0, 8 or 16 o'clock or is not told; else
    they are not known."""
    if intervals is None or row.symbol in intervals:
        return None if intervals is None else intervals[row.symbol]
    next_ms = row.next_funding_time or 0
    return USUAL_FUNDING_HOURS if next_ms % int(USUAL_FUNDING_HOURS * HOUR_MS) == 0 else None


def _to_the_minute(at_ms: int) -> int:
    return round(at_ms / 60_000) * 60_000


def _windows(since: datetime, until: datetime, longest: timedelta) -> list[tuple[datetime, datetime]]:
    starts = []
    while since < until:
        starts.append((since, min(since + longest, until)))
        since += longest
    return starts


def _times(start: datetime, end: datetime) -> dict[str, int]:
    return {"startTime": to_ms(start), "endTime": to_ms(end)}
