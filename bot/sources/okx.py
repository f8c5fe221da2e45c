"""OKX: perpetual swaps, dated futures, indices, funding and the option summary; liquidations while it
listens.

Docs: https://www.okx.com/docs-v5/en/#public-data (GET, no key); a refusal comes with HTTP 200 and `code` ≠
"0". Units: all numbers are text, "" is nothing. Open interest is told in contracts, coins (`oiCcy`) and
dollars (`oiUsd`): coins are taken for linear contracts and options, dollars for inverse ones. Funding is a
fraction of the time from `prevFundingTime` to `fundingTime` (1, 2, 4, 6 and 8 hours occur); `markVol` a
fraction of 1 a year. Expiries are 08:00 UTC. The envelope has no time, each row has. Limits: 20 requests in 2
s and address for each method, 10 for funding; here 10 a second for all. Swap, futures, index and funding
replies serve all assets. Margined in coins are `BTC-USD-…` (inverse, dollars), in USDT `BTC-USDT-…`, in USDC
`BTC-USDC-…`, in dollars and their stablecoins `BTC-USD_UM-…` and, as futures that pay funding,
`BTC-USD_UM_XPERP-…`: all of these but the first count coins, and each stands on the index of its currency.
Option volume is not part of the summary: it stays unknown. Whether a contract trades is its `state` among the
instruments (live, suspend, rebase; preopen and test are not listed yet): two replies of 300 and of 60 kB that
serve all assets and are asked again after a quarter of an hour (a contract that halts keeps its figures: late
is not wrong). Past open interest is told of one contract a request
(https://www.okx.com/docs-v5/en/#trading-statistics-rest-api-get-contract-open-interest-history): rows of
start, contracts, coins, dollars, newest first, 100 a request and 1,440 in all; `begin` and `end` bound the starts and are
not among them; days of UTC are `1Dutc`. A row speaks for the end of its time."""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import fsum
from typing import ClassVar, Generic, TypeVar

import msgspec
import numpy as np

from bot.domain.chain import OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import FundingRate, Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import okx_streams
from bot.sources._odd import OddRows, decode_rows, sound_rows
from bot.sources._options import (
    amounts,
    columns_of_names,
    drop_expired,
    expiry,
    forwards,
    median,
    volatilities,
)
from bot.sources._states import HeardStates, StateWords, words_told
from bot.sources._wire import (
    FUNDING,
    FUNDING_HOURS,
    HOUR_MS,
    Figure,
    amount,
    column,
    funding,
    funding_column,
    gather,
    number,
    numbers,
    observed_at,
    positive,
    quote,
    refusal_check,
    to_ms,
    unique,
    utc,
)
from bot.sources._ws import Collector, Stream

NAME = "okx"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index"})
HOST = "www.okx.com"
SHARE_S = 10
SLOW_SHARE_S = 900
BUSY = {
    "50001",
    "50004",
    "50011",
    "50013",
    "50026",
}  # unavailable, timeout, too many requests, busy, system error
PAYMENTS = timedelta(hours=95)  # 100 rows a request, and funding may be paid every hour
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS_WANTED = timedelta(days=31)
OPEN_ROWS = 95
APART = 0.1  # contracts of one time whose dollars a coin lie farther apart than this are not of one time, or not of one unit
# margined in coins, in USDT, in USDC, or in dollars and their stablecoins: the last also as a perpetual with a far expiry
_CONTRACT = re.compile(r"([A-Z0-9]+)-(USD|USDT|USDC|USD_UM)(_XPERP)?-(SWAP|\d{6})", re.ASCII)
INVERSE = "USD"
_OPTION = re.compile(r"([A-Z0-9]+)-USD-(\d{6})-(\d+(?:\.\d+)?)-([CP])", re.ASCII)

COUNT_AGE = timedelta(minutes=30)
STATES = StateWords(trading="live", before=frozenset({"preopen", "test"}), over=frozenset({"expired"}))

T = TypeVar("T")


class _OkxAnswer(msgspec.Struct, Generic[T], frozen=True, gc=False):
    code: str
    msg: str = ""
    data: list[T] | None = None


class _Mark(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    mark_px: Figure
    ts: Figure


class _OkxOpenInterest(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    oi_ccy: Figure
    ts: Figure
    oi_usd: Figure = None


class _OkxIndex(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    idx_px: Figure
    ts: Figure


class _Funding(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    funding_rate: Figure
    funding_time: Figure
    next_funding_time: Figure
    prev_funding_time: Figure = None
    ts: Figure = None


class _Summary(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    mark_vol: Figure
    fwd_px: Figure
    ts: Figure


class _Paid(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    funding_time: Figure
    realized_rate: Figure


class _Size(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    ct_val: Figure
    ct_mult: Figure
    ct_type: str


class _OkxListed(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    state: str | None = None


_REFUSAL = msgspec.json.Decoder(_OkxAnswer[msgspec.Raw])
_SIZES = msgspec.json.Decoder(_OkxAnswer[_Size])
_LISTED = msgspec.json.Decoder(_OkxAnswer[_OkxListed])
_MARKS = msgspec.json.Decoder(_OkxAnswer[_Mark])
_OPENS = msgspec.json.Decoder(_OkxAnswer[_OkxOpenInterest])
_INDICES = msgspec.json.Decoder(_OkxAnswer[_OkxIndex])
_FUNDINGS = msgspec.json.Decoder(_OkxAnswer[_Funding])
_SUMMARIES = msgspec.json.Decoder(_OkxAnswer[_Summary])
_PAYMENTS = msgspec.json.Decoder(_OkxAnswer[_Paid])
_OPENED = msgspec.json.Decoder(_OkxAnswer[tuple[str, str, str, str]])


class Okx:
    """One poll of one asset is eleven requests; nine of them serve all assets."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        self._sizes: dict[str, tuple[float, bool]] = {}
        refused = refusal_check(_REFUSAL, lambda said: said.code, BUSY)
        http.allow(HOST, Budget(burst=20, per_s=10), passing=refused)

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
        return okx_streams(self._learn_sizes, self._sizes)

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding, index and option chain. Raises SourceError where nothing was
        heard."""
        del at
        asked = {
            "index": self._hear_index(asset, "USD"),
            "swaps": self._hear_contracts(asset, "SWAP"),
            "futures": self._hear_contracts(asset, "FUTURES"),
            "funding": self._hear_funding(asset),
            "options": self._hear_options(asset),
        }
        outcomes = await asyncio.gather(*asked.values(), return_exceptions=True)
        parts = dict(zip(asked, outcomes, strict=True)) | {"liquidations": self._collector.tallies(asset)}
        return gather(f"{NAME} {asset}", parts, ["swaps", "futures"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding of the swap in USDT, as far as the venue keeps it (three months); open interest by the hour of the last
        month, by the day before it. Raises SourceError."""
        told = [
            await self._past_funding(asset, since, until),
            *await self._past_open_interest(asset, since, until),
        ]
        return [one for one in told if isinstance(one, SeriesReading)]

    async def _past_funding(self, asset: str, since: datetime, until: datetime) -> SeriesReading | Gap:
        rows: list[tuple[int, float | None]] = []
        end, server_at = until, until
        while end > since:
            start = max(since, end - PAYMENTS)
            params: Params = {
                "instId": f"{asset}-USDT-SWAP",
                "before": to_ms(start) - 1,
                "after": to_ms(end) + 1,
                "limit": 100,
            }
            reply = await self._get("public/funding-rate-history", f"{asset} funding history", params)
            rows += parse_payments(reply)
            server_at = reply.server_at()
            end = start
        subject = f"{NAME} {asset} funding history"
        return funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)

    async def _past_open_interest(
        self, asset: str, since: datetime, until: datetime
    ) -> list[SeriesReading | Gap]:
        """What was open in the contracts that are listed now: those that have expired since are not told any more."""
        cut = min(max(self._http.now() - HOURS_WANTED, since), until)
        wanted = [(DAY, since, cut), (HOUR, cut, until)]
        if since >= until:
            return []
        listed = [
            name
            for kind in ("SWAP", "FUTURES")
            for name in listed_contracts(
                await self._get("public/open-interest", f"{kind} open interest", {"instType": kind}, SHARE_S),
                asset,
            )
        ]
        told: list[SeriesReading | Gap] = []
        for interval, first, last in wanted:
            opened: dict[str, list[Reply]] = {name: [] for name in listed}
            start = first
            while start < last:
                end = min(start + interval * OPEN_ROWS, last)
                for name in listed:
                    opened[name].append(await self._opened(name, interval, start - interval, end))
                start = end
            if first < last:
                told += parse_past_open_interest(opened, asset, interval, last)
        return told

    async def _opened(self, name: str, interval: timedelta, since: datetime, until: datetime) -> Reply:
        """A contract's rows that begin between two times."""
        params: Params = {
            "instId": name,
            "period": "1H" if interval == HOUR else "1Dutc",
            "begin": to_ms(since) - 1,
            "end": to_ms(until),
            "limit": 100,
        }
        return await self._get(
            "rubik/stat/contracts/open-interest-history", f"{name} open interest history", params
        )

    async def _learn_sizes(self) -> None:
        """What one contract of each swap is, for the liquidations. Raises SourceError."""
        self._sizes.update(parse_sizes(await self._get("public/instruments", "swaps", {"instType": "SWAP"})))

    async def _hear_index(self, asset: str, currency: str) -> list[Reading | Gap]:
        reply = await self._get(
            "market/index-tickers", f"indices in {currency}", {"quoteCcy": currency}, SHARE_S
        )
        return parse_index(reply, asset, currency)

    async def _index(self, asset: str, currency: str) -> SpotQuote | None:
        """The index that contracts in a currency stand on; None where it was not heard: they are gaps
        then."""
        try:
            heard = await self._hear_index(asset, currency)
        except SourceError:
            return None
        return next((one for one in heard if isinstance(one, SpotQuote)), None)

    async def _hear_contracts(self, asset: str, kind: str) -> list[Reading | Gap]:
        marks, opens, in_usd, in_usdt, states = await asyncio.gather(
            self._get("public/mark-price", f"{kind} marks", {"instType": kind}, SHARE_S),
            self._get("public/open-interest", f"{kind} open interest", {"instType": kind}, SHARE_S),
            self._index(asset, "USD"),
            self._index(asset, "USDT"),
            self._states(kind),
        )
        heard = {"USD": in_usd, "USDT": in_usdt}
        if f'"{asset}-USDC-'.encode() in marks.body:  # where none is listed, its index is not asked for
            heard["USDC"] = await self._index(asset, "USDC")
        indices = {currency: None if one is None else one.index_usd for currency, one in heard.items()}
        times = {currency: one.observed_at for currency, one in heard.items() if one is not None}
        states.log_unheard(NAME)
        return parse_contracts(marks, opens, asset, indices, times, states.words)

    async def _states(self, kind: str) -> HeardStates:
        """The venue's word for whether each contract trades."""
        try:
            reply = await self._get("public/instruments", f"{kind} states", {"instType": kind}, SLOW_SHARE_S)
            return HeardStates(words=parse_states(reply))
        except SourceError as error:
            return HeardStates(words={}, unheard=str(error))

    async def _hear_funding(self, asset: str) -> list[Reading | Gap]:
        reply = await self._get("public/funding-rate", "funding", {"instId": "ANY"}, SHARE_S)
        return parse_funding(reply, asset)

    async def _hear_options(self, asset: str) -> list[Reading | Gap]:
        summary, opens = await asyncio.gather(
            self._get("public/opt-summary", f"{asset} options", {"instFamily": f"{asset}-USD"}),
            self._get(
                "public/open-interest",
                f"{asset} options' open interest",
                {"instType": "OPTION", "instFamily": f"{asset}-USD"},
            ),
        )
        return parse_options(summary, opens, asset)

    async def _get(self, method: str, about: str, params: Params, share_s: float = 0) -> Reply:
        url = f"https://{HOST}/api/v5/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, share_s=share_s)


SOURCE = Okx


def parse_index(reply: Reply, asset: str, currency: str) -> list[Reading | Gap]:
    """The asset's index in a currency. Raises SourceError."""
    rows = _rows(_INDICES, reply, OddRows(reply.subject))
    server_at = reply.server_at()
    for row in rows:
        if (
            row.inst_id == f"{asset}-{currency}"
            and (index_usd := positive(row.idx_px, reply.subject)) is not None
        ):
            at = _observed(row.ts, server_at, reply.subject)
            return [SpotQuote(source=NAME, observed_at=at, venue=NAME, asset=asset, index_usd=index_usd)]
    return [
        Gap(
            who=f"{NAME} {asset} index",
            reason=about(reply.subject, reason("not_in_reply", what=f"{asset}-{currency}")),
        )
    ]


def parse_contracts(
    marks: Reply,
    opens: Reply,
    asset: str,
    indices: Mapping[str, float | None],
    index_times: Mapping[str, datetime] | None = None,
    states: Mapping[str, str] | None = None,
) -> list[Reading | Gap]:
    """The asset's contracts of one kind, in each currency of margin, each with the times of its mark, its index (by currency, as
    the index itself) and its count. A contract that is marked and not counted has no open interest told; one that is
    counted and not marked is a gap, and so is one that does not trade by the venue's word in `states`. Raises
    SourceError."""
    odd_marks, odd_counts = OddRows(marks.subject), OddRows(opens.subject)
    marked = _by_name(_rows(_MARKS, marks, odd_marks), asset, marks.subject)
    counted = _by_name(_rows(_OPENS, opens, odd_counts), asset, opens.subject)
    server_at, counted_at = marks.server_at(), opens.server_at()
    heard: list[Reading | Gap] = []
    for name in sorted(marked.keys() | counted.keys()):
        found = _CONTRACT.fullmatch(name)
        if found is None or found[1] != asset:
            continue
        mark, counts, subject = marked.get(name), counted.get(name), f"{NAME} {name}"
        word = (states or {}).get(name)
        if STATES.leaves_out(word):
            continue
        if mark is None:
            heard.append(Gap(who=subject, reason=about(subject, reason("not_in_reply", what="mark"))))
            continue
        try:
            instrument = _instrument(found, subject)
            currency = found[2].partition("_")[0]
            if instrument.is_over(server_at):
                continue
            if (halt := STATES.halt_of(subject, word)) is not None:
                heard.append(halt)
                continue
            inverse = instrument.inverse
            told = None if counts is None else amount(counts.oi_usd if inverse else counts.oi_ccy, subject)
            heard.append(
                quote(
                    source=NAME,
                    observed_at=_observed(mark.ts, server_at, subject),
                    instrument=instrument,
                    mark_usd=positive(mark.mark_px, subject),
                    index_usd=indices.get(currency),
                    index_at=(index_times or {}).get(currency),
                    open_interest=told,
                    open_interest_at=None if counts is None else _observed(counts.ts, counted_at, subject),
                )
            )
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    odd = (
        *odd_marks.gaps(partial(_is_contract, asset=asset)),
        *odd_counts.gaps(partial(_is_contract, asset=asset)),
    )
    return [*heard, *odd]


def parse_funding(reply: Reply, asset: str) -> list[Reading | Gap]:
    """Funding of the asset's perpetuals. Raises SourceError."""
    odd = OddRows(reply.subject)
    rows = _by_name(_rows(_FUNDINGS, reply, odd), asset, reply.subject)
    server_at = reply.server_at()
    heard: list[Reading | Gap] = []
    for name in sorted(rows):
        found = _CONTRACT.fullmatch(name)
        if found is None or found[1] != asset:
            continue
        try:
            heard.append(_funding(rows[name], _instrument(found, f"{NAME} {name}"), server_at))
        except SourceError as error:
            heard.append(Gap(who=f"{NAME} {name} {FUNDING}", reason=str(error)))
    return heard or [
        Gap(
            who=f"{NAME} {asset} funding",
            reason=about(f"{NAME} {asset} funding", reason("not_in_reply", what="swap")),
        )
    ]


def _funding(row: _Funding, instrument: Instrument, server_at: datetime) -> FundingRate | Gap:
    subject = f"{NAME} {row.inst_id}"
    return funding(
        source=NAME,
        observed_at=_observed(row.ts, server_at, subject),
        instrument=instrument,
        rate=number(row.funding_rate, subject),
        interval_hours=_interval_hours(row, subject),
    )


def _interval_hours(row: _Funding, subject: str) -> float | None:
    """The hours that the running rate is for: from the payment before to the next one. A reply that does not name
    the one before is read by the time from the next one to the one after it, where that is usual."""
    paid_ms, due_ms = positive(row.prev_funding_time, subject), positive(row.funding_time, subject)
    after_ms = positive(row.next_funding_time, subject)
    if due_ms is None:
        return None
    since_ms = due_ms - paid_ms if paid_ms is not None else None if after_ms is None else after_ms - due_ms
    hours = None if since_ms is None else since_ms / HOUR_MS
    return hours if hours in FUNDING_HOURS else None


def parse_options(summary: Reply, opens: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's option chain, or a gap where it lists none; one that counts the rows that were left out. Raises
    SourceError."""
    subject, odd = summary.subject, OddRows(summary.subject)
    rows = list(_by_name(_rows(_SUMMARIES, summary, odd), asset, subject).values())
    counted = _by_name(_rows(_OPENS, opens, OddRows(opens.subject)), asset, opens.subject)
    server_at = summary.server_at()
    if not rows:
        return [Gap(who=subject, reason=about(subject, reason("not_in_reply", what="option")))]

    def read(row: _Summary) -> None:
        _chain([row], counted, asset, server_at, subject)

    try:
        chain = _chain(rows, counted, asset, server_at, subject)
    except SourceError:
        rows = sound_rows(rows, read, lambda row: row.inst_id, odd)
        chain = _chain(rows, counted, asset, server_at, subject)
    return [*drop_expired(chain, subject), *odd.summary()]


def _chain(
    rows: Sequence[_Summary],
    counted: Mapping[str, _OkxOpenInterest],
    asset: str,
    server_at: datetime,
    subject: str,
) -> OptionChain:
    contracts = columns_of_names(tuple([row.inst_id for row in rows]), asset, subject, _option)
    times_ms = {ts: to_ms(_observed(ts, server_at, subject)) for ts in {row.ts for row in rows}}
    row_ms = np.array([times_ms[row.ts] for row in rows], dtype=np.int64)
    shares = numbers([row.mark_vol for row in rows], subject)
    counts = [counted.get(row.inst_id) for row in rows]
    count_times = dict.fromkeys(one.ts for one in counts if one is not None)
    young = {ts: _is_young(ts, server_at, subject) for ts in count_times}
    told = [one.oi_ccy if one is not None and young[one.ts] else None for one in counts]
    open_interest = numbers(told, subject)
    return OptionChain(
        source=NAME,
        venue=NAME,
        asset=asset,
        observed_at=utc(int(median(row_ms))),
        expires_ms=contracts.expires_ms,
        strike_usd=contracts.strike_usd,
        is_call=contracts.is_call,
        forward_usd=forwards(numbers([row.fwd_px for row in rows], subject)),
        mark_iv_pct=volatilities([None if share is None else share * 100 for share in shares]),
        open_interest_coin=amounts(open_interest),
        volume_24h_coin=np.full(len(rows), np.nan),
        row_ms=row_ms,
    )


def parse_sizes(reply: Reply) -> dict[str, tuple[float, bool]]:
    """Each contract's size, ctVal × ctMult, and whether it is inverse (then in USD, else in coins). Raises
    SourceError."""
    sizes: dict[str, tuple[float, bool]] = {}
    for row in _rows(_SIZES, reply):
        value, times = positive(row.ct_val, reply.subject), positive(row.ct_mult, reply.subject)
        if value is not None and times is not None and row.ct_type in {"linear", "inverse"}:
            sizes[row.inst_id] = (value * times, row.ct_type == "inverse")
    return sizes


def parse_states(reply: Reply) -> dict[str, str]:
    """The venue's word for whether each contract trades, by name. Raises SourceError."""
    return words_told({row.inst_id: row.state for row in _rows(_LISTED, reply, OddRows(reply.subject))})


def parse_payments(reply: Reply) -> list[tuple[int, float | None]]:
    """Funding that was paid: milliseconds and fraction. Raises SourceError."""
    paid = []
    for row in _rows(_PAYMENTS, reply):
        at_ms = number(row.funding_time, reply.subject)
        if at_ms is not None:
            paid.append((int(at_ms), number(row.realized_rate, reply.subject)))
    return paid


def listed_contracts(reply: Reply, asset: str) -> list[str]:
    """The asset's contracts in a count of open interest. Raises SourceError."""
    return sorted(
        name
        for name in _by_name(_rows(_OPENS, reply, OddRows(reply.subject)), asset, reply.subject)
        if _is_contract(name, asset)
    )


def parse_past_open_interest(
    opened: Mapping[str, Sequence[Reply]], asset: str, interval: timedelta, until: datetime
) -> list[SeriesReading | Gap]:
    """Open interest of all contracts together, by name, in coins and in dollars, at the times at which the swaps in
    USDT and in coins tell their own; any other contract counts from its first row on. Rows whose time has not ended are left out,
    and times at which the contracts' dollars a coin lie apart. Raises SourceError."""
    step_ms = interval // timedelta(milliseconds=1)
    told: dict[int, dict[str, tuple[float, float]]] = {}
    server_at = until
    swaps: set[str] = set()
    for name, replies in opened.items():
        for reply in replies:
            server_at = reply.heard_at
            for start, _, coins, dollars in _rows(_OPENED, reply):
                at, coin, usd = (
                    number(start, reply.subject),
                    amount(coins, reply.subject),
                    amount(dollars, reply.subject),
                )
                if (
                    at is None
                    or coin is None
                    or usd is None
                    or int(at) + step_ms > to_ms(min(until, server_at))
                ):
                    continue
                told.setdefault(int(at) + step_ms, {})[name] = (coin, usd)
                swaps |= {name} & {f"{asset}-USDT-SWAP", f"{asset}-USD-SWAP"}
    whole = [at for at in sorted(told) if swaps <= told[at].keys() and _is_of_one_price(told[at].values())]
    subject = f"{NAME} {asset} open interest history"
    return [
        column(
            source=NAME,
            subject=subject,
            asset=asset,
            metric=metric,
            interval=interval,
            rows=[(at, fsum(one[part] for one in told[at].values())) for at in whole],
            server_at=server_at,
        )
        for part, metric in enumerate(("open_interest_coin", "open_interest_usd"))
    ]


def _is_of_one_price(opened: Collection[tuple[float, float]]) -> bool:
    """Whether the dollars a coin of some contracts lie together."""
    prices = [usd / coins for coins, usd in opened if coins > 0.0]
    return bool(prices) and max(prices) <= min(prices) * (1.0 + APART)


def _rows(
    decoder: "msgspec.json.Decoder[_OkxAnswer[T]]", reply: Reply, odd: OddRows | None = None
) -> list[T]:
    """The rows; those of another shape are left out where `odd` takes them. Raises SourceError."""
    answer = decode_rows(decoder, reply.body, reply.subject, odd)
    if answer.code != "0":
        said = about(reply.subject, reason("venue_error", code=answer.code[:20], said=answer.msg[:120]))
        raise SourceUnavailable(said) if answer.code in BUSY else SourceChanged(said)
    if answer.data is None:
        raise SourceChanged(about(reply.subject, reason("not_in_reply", what="data")))
    return answer.data


Named = TypeVar("Named", _Mark, _OkxOpenInterest, _Funding, _Summary)


def _by_name(rows: Sequence[Named], asset: str, subject: str) -> dict[str, Named]:
    """The rows of the asset's instruments. Raises SourceChanged where one of these comes twice."""
    own = [row for row in rows if row.inst_id.startswith(f"{asset}-")]
    unique((row.inst_id for row in own), subject)
    return {row.inst_id: row for row in own}


def _is_contract(name: str, asset: str) -> bool:
    found = _CONTRACT.fullmatch(name)
    return found is not None and found[1] == asset


def _observed(ts: Figure, server_at: datetime, subject: str) -> datetime:
    at_ms = number(ts, subject)
    return observed_at(None if at_ms is None else int(at_ms), server_at, subject)


def _is_young(ts: Figure, server_at: datetime, subject: str) -> bool:
    """Whether a count is young enough to stand beside a summary of now."""
    return server_at - _observed(ts, server_at, subject) <= COUNT_AGE


def _instrument(found: re.Match[str], subject: str) -> Instrument:
    """The contract of a name taken apart. One that is called a perpetual pays funding, whatever day it names."""
    _, currency, perpetual_by_name, day = found.groups()
    perpetual = day == "SWAP" or perpetual_by_name is not None
    return Instrument(
        venue=NAME,
        symbol=found[0],
        asset=found[1],
        kind="perpetual" if perpetual else "future",
        expires_at=None if perpetual else expiry(day, subject),
        inverse=currency == INVERSE,
    )


def _option(name: str, asset: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `BTC-USD-260327-100000-C`."""
    found = _OPTION.fullmatch(name)
    if found is None or found[1] != asset:
        raise SourceChanged(about(subject, reason("no_option_name", said=name[:40])))
    strike_usd = float(found[3])
    if not strike_usd > 0:
        raise SourceChanged(about(subject, reason("no_strike", said=name[:40])))
    return to_ms(expiry(found[2], subject)), strike_usd, found[4] == "C"
