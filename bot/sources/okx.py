"""OKX: perpetual swaps, dated futures, indices, funding and the option summary; liquidations while it listens.

Docs: https://www.okx.com/docs-v5/en/#public-data (GET, no key); a refusal comes with HTTP 200 and `code` ≠ "0".
Units: all numbers are text, "" is nothing. Open interest is told in contracts, coins (`oiCcy`) and dollars (`oiUsd`): coins are
taken for linear contracts and options, dollars for inverse ones. Funding is a fraction of the time from `fundingTime` to
`nextFundingTime`; `markVol` a fraction of 1 a year. Expiries are 08:00 UTC. The envelope has no time, each row has.
Limits: 20 requests in 2 s and address for each method, 10 for funding; here 10 a second for all. Swap, futures, index and funding
replies serve all assets. Contracts in USDC are left out: they stand on an index of their own, one more request for little.
Option volume is not part of the summary: it stays unknown.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Generic, TypeVar

import msgspec
import numpy as np

from bot.domain.chain import OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import okx_streams
from bot.sources._options import amounts, expiry, forwards, median, volatilities
from bot.sources._wire import (
    HOUR_MS,
    Figure,
    amount,
    decode,
    funding,
    funding_column,
    gather,
    number,
    numbers,
    observed,
    positive,
    quote,
    to_ms,
    unique,
    utc,
)
from bot.sources._ws import Collector

NAME = "okx"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index"})
HOST = "www.okx.com"
SHARE_S = 10
BUSY = {"50001", "50004", "50011", "50013", "50026"}  # unavailable, timeout, too many requests, busy, system error
PAYMENTS = timedelta(hours=95)  # 100 rows a request, and funding may be paid every hour
_CONTRACT = re.compile(r"([A-Z0-9]+)-(USD|USDT)-(SWAP|\d{6})", re.ASCII)
_OPTION = re.compile(r"([A-Z0-9]+)-USD-(\d{6})-(\d+(?:\.\d+)?)-([CP])", re.ASCII)

T = TypeVar("T")


class _Answer(msgspec.Struct, Generic[T], frozen=True, gc=False):
    code: str
    msg: str = ""
    data: list[T] | None = None


class _Mark(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    mark_px: Figure
    ts: Figure


class _Open(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    oi_ccy: Figure
    ts: Figure
    oi_usd: Figure = None


class _Index(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    idx_px: Figure
    ts: Figure


class _Funding(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    funding_rate: Figure
    funding_time: Figure
    next_funding_time: Figure
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


_SIZES = msgspec.json.Decoder(_Answer[_Size])
_MARKS = msgspec.json.Decoder(_Answer[_Mark])
_OPENS = msgspec.json.Decoder(_Answer[_Open])
_INDICES = msgspec.json.Decoder(_Answer[_Index])
_FUNDINGS = msgspec.json.Decoder(_Answer[_Funding])
_SUMMARIES = msgspec.json.Decoder(_Answer[_Summary])
_PAYMENTS = msgspec.json.Decoder(_Answer[_Paid])


class Okx:
    """One poll of one asset is nine requests; seven of them serve all assets."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        self._sizes: dict[str, tuple[float, bool]] = {}
        http.allow(HOST, Budget(burst=20, per_s=10))

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring; liquidations while it listens."""
        return BRINGS | {"liquidations"} if self._collector.running else BRINGS

    async def start(self, assets: Sequence[str]) -> None:
        """Listen to liquidations until `stop`."""
        del assets  # every symbol is pushed
        await self._collector.start(okx_streams(self._learn_sizes, self._sizes))

    async def stop(self) -> None:
        """Stop listening."""
        await self._collector.stop()

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding, index and option chain. Raises SourceError where nothing was heard."""
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
        """Funding of the swap in USDT, as far as the venue keeps it (three months). Raises SourceError."""
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
        told = funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)
        return [told] if isinstance(told, SeriesReading) else []

    async def _learn_sizes(self) -> None:
        """What one contract of each swap is, for the liquidations. Raises SourceError."""
        self._sizes.update(parse_sizes(await self._get("public/instruments", "swaps", {"instType": "SWAP"})))

    async def _hear_index(self, asset: str, currency: str) -> list[Reading | Gap]:
        reply = await self._get("market/index-tickers", f"indices in {currency}", {"quoteCcy": currency}, SHARE_S)
        return parse_index(reply, asset, currency)

    async def _index_usd(self, asset: str, currency: str) -> float | None:
        """The index that contracts in a currency stand on; None where it was not heard: they are gaps then."""
        try:
            heard = await self._hear_index(asset, currency)
        except SourceError:
            return None
        return next((one.index_usd for one in heard if isinstance(one, SpotQuote)), None)

    async def _hear_contracts(self, asset: str, kind: str) -> list[Reading | Gap]:
        marks, opens, in_usd, in_usdt = await asyncio.gather(
            self._get("public/mark-price", f"{kind} marks", {"instType": kind}, SHARE_S),
            self._get("public/open-interest", f"{kind} open interest", {"instType": kind}, SHARE_S),
            self._index_usd(asset, "USD"),
            self._index_usd(asset, "USDT"),
        )
        return parse_contracts(marks, opens, asset, {"USD": in_usd, "USDT": in_usdt})

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
    rows = _rows(_INDICES, reply)
    server_at = reply.server_at()
    for row in rows:
        if row.inst_id == f"{asset}-{currency}" and (index_usd := positive(row.idx_px, reply.subject)) is not None:
            at = _observed(row.ts, server_at, reply.subject)
            return [SpotQuote(source=NAME, observed_at=at, venue=NAME, asset=asset, index_usd=index_usd)]
    return [Gap(who=f"{NAME} {asset} index", reason=f"{reply.subject}: no {asset}-{currency} in the reply")]


def parse_contracts(marks: Reply, opens: Reply, asset: str, indices: Mapping[str, float | None]) -> list[Reading | Gap]:
    """The asset's contracts of one kind, in USD and USDT. A contract that is marked and not counted has no open interest
    told; one that is counted and not marked is a gap. Raises SourceError."""
    marked = _by_name(_rows(_MARKS, marks), marks.subject)
    counted = _by_name(_rows(_OPENS, opens), opens.subject)
    server_at = marks.server_at()
    opens.server_at()
    heard: list[Reading | Gap] = []
    for name in sorted(marked.keys() | counted.keys()):
        found = _CONTRACT.fullmatch(name)
        if found is None or found[1] != asset:
            continue
        mark, counts, subject = marked.get(name), counted.get(name), f"{NAME} {name}"
        if mark is None:
            heard.append(Gap(who=subject, reason=f"{subject}: no mark in the reply"))
            continue
        try:
            instrument = _instrument(name, asset, inverse=found[2] == "USD", day=found[3], subject=subject)
            inverse = instrument.inverse
            told = None if counts is None else amount(counts.oi_usd if inverse else counts.oi_ccy, subject)
            heard.append(
                quote(
                    source=NAME,
                    observed_at=_observed(mark.ts, server_at, subject),
                    instrument=instrument,
                    mark_usd=positive(mark.mark_px, subject),
                    index_usd=indices.get(found[2]),
                    open_interest=told,
                )
            )
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    return heard


def parse_funding(reply: Reply, asset: str) -> list[Reading | Gap]:
    """Funding of the asset's swaps in USD and USDT. Raises SourceError."""
    rows = _by_name(_rows(_FUNDINGS, reply), reply.subject)
    server_at = reply.server_at()
    heard: list[Reading | Gap] = []
    for currency in ("USD", "USDT"):
        name = f"{asset}-{currency}-SWAP"
        if (row := rows.get(name)) is None:
            continue
        subject = f"{NAME} {name}"
        starts_ms, ends_ms = number(row.funding_time, subject), number(row.next_funding_time, subject)
        heard.append(
            funding(
                source=NAME,
                observed_at=_observed(row.ts, server_at, subject),
                instrument=_instrument(name, asset, inverse=currency == "USD", day="SWAP", subject=subject),
                rate=number(row.funding_rate, subject),
                interval_hours=None if starts_ms is None or ends_ms is None else (ends_ms - starts_ms) / HOUR_MS,
            )
        )
    return heard or [Gap(who=f"{NAME} {asset} funding", reason=f"{NAME} {asset} funding: no swap in the reply")]


def parse_options(summary: Reply, opens: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's option chain, or a gap where it lists none. Raises SourceError."""
    subject = summary.subject
    rows = list(_by_name(_rows(_SUMMARIES, summary), subject).values())
    counted = _by_name(_rows(_OPENS, opens), opens.subject)
    server_at = summary.server_at()
    if not rows:
        return [Gap(who=subject, reason=f"{subject}: no option in the reply")]
    contracts = [_option(row.inst_id, asset, subject) for row in rows]
    times_ms = {ts: to_ms(_observed(ts, server_at, subject)) for ts in {row.ts for row in rows}}
    row_ms = np.array([times_ms[row.ts] for row in rows], dtype=np.int64)
    shares = numbers([row.mark_vol for row in rows], subject)
    counts = [counted.get(row.inst_id) for row in rows]
    open_interest = numbers([None if one is None else one.oi_ccy for one in counts], opens.subject)
    return [
        OptionChain(
            source=NAME,
            venue=NAME,
            asset=asset,
            observed_at=utc(int(median(row_ms))),
            expires_ms=np.array([expires_ms for expires_ms, _, _ in contracts], dtype=np.int64),
            strike_usd=np.array([strike_usd for _, strike_usd, _ in contracts], dtype=np.float64),
            is_call=np.array([is_call for _, _, is_call in contracts], dtype=np.bool_),
            forward_usd=forwards(numbers([row.fwd_px for row in rows], subject)),
            mark_iv_pct=volatilities([None if share is None else share * 100 for share in shares]),
            open_interest_coin=amounts(open_interest),
            volume_24h_coin=np.full(len(rows), np.nan),
            row_ms=row_ms,
        )
    ]


def parse_sizes(reply: Reply) -> dict[str, tuple[float, bool]]:
    """Each contract's size, ctVal × ctMult, and whether it is inverse (then in USD, else in coins). Raises SourceError."""
    sizes: dict[str, tuple[float, bool]] = {}
    for row in _rows(_SIZES, reply):
        value, times = positive(row.ct_val, reply.subject), positive(row.ct_mult, reply.subject)
        if value is not None and times is not None and row.ct_type in {"linear", "inverse"}:
            sizes[row.inst_id] = (value * times, row.ct_type == "inverse")
    return sizes


def parse_payments(reply: Reply) -> list[tuple[int, float | None]]:
    """Funding that was paid: milliseconds and fraction. Raises SourceError."""
    paid = []
    for row in _rows(_PAYMENTS, reply):
        at_ms = number(row.funding_time, reply.subject)
        if at_ms is not None:
            paid.append((int(at_ms), number(row.realized_rate, reply.subject)))
    return paid


def _rows(decoder: "msgspec.json.Decoder[_Answer[T]]", reply: Reply) -> list[T]:
    answer = decode(decoder, reply.body, reply.subject)
    if answer.code != "0":
        said = f"{reply.subject}: error {answer.code[:20]} {answer.msg[:120]}".rstrip()
        raise SourceUnavailable(said) if answer.code in BUSY else SourceChanged(said)
    if answer.data is None:
        raise SourceChanged(f"{reply.subject}: no data in the reply")
    return answer.data


Named = TypeVar("Named", _Mark, _Open, _Funding, _Summary)


def _by_name(rows: Sequence[Named], subject: str) -> dict[str, Named]:
    unique((row.inst_id for row in rows), subject)
    return {row.inst_id: row for row in rows}


def _observed(ts: Figure, server_at: datetime, subject: str) -> datetime:
    at_ms = number(ts, subject)
    return observed(None if at_ms is None else int(at_ms), server_at, subject)


def _instrument(name: str, asset: str, *, inverse: bool, day: str, subject: str) -> Instrument:
    perpetual = day == "SWAP"
    return Instrument(
        venue=NAME,
        symbol=name,
        asset=asset,
        kind="perpetual" if perpetual else "future",
        expires_at=None if perpetual else expiry(day, subject),
        inverse=inverse,
    )


@lru_cache(maxsize=8192)
def _option(name: str, asset: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `BTC-USD-260327-100000-C`."""
    found = _OPTION.fullmatch(name)
    if found is None or found[1] != asset:
        raise SourceChanged(f"{subject}: {name[:40]!r} is no option's name")
    strike_usd = float(found[3])
    if not strike_usd > 0:
        raise SourceChanged(f"{subject}: {name[:40]!r} has no strike")
    return to_ms(expiry(found[2], subject)), strike_usd, found[4] == "C"
