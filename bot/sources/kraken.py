"""Kraken Futures: its two perpetuals' mark, index, open interest and funding.

Docs: https://docs.kraken.com/api/docs/futures-api/trading/get-tickers (GET, no key). Units: PI_ (inverse)
open interest in contracts of 1 USD, PF_ (linear) in coins. `fundingRate` is absolute: USD a coin and hour for
PF_, hence divided by the index; coins a dollar for PI_, whose interval the reply does not tell, hence left
out. Limits: 500 cost units in 10 s for public requests; this one is counted as 1. One request serves all
assets. Dated contracts are left out: they expire at 16:00 in London, which the reply does not tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Reply
from bot.sources._odd import OddRows, decode_rows
from bot.sources._wire import Figure, amount, funding, gather, number, positive, quote, unique

NAME = "kraken"
HOST = "futures.kraken.com"
SPELLINGS = {"BTC": "XBT"}
SHARE_S = 10


class _KrakenTicker(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    markPrice: Figure = None  # noqa: N815  the venue's spelling, here and below
    indexPrice: Figure = None  # noqa: N815
    openInterest: Figure = None  # noqa: N815
    fundingRate: Figure = None  # noqa: N815
    suspended: bool = False


class _KrakenAnswer(msgspec.Struct, frozen=True, gc=False):
    result: str
    tickers: list[_KrakenTicker] | None = None
    error: str | None = None
    serverTime: datetime | None = None  # noqa: N815


_ANSWER = msgspec.json.Decoder(_KrakenAnswer)


class Kraken:
    """One poll of any number of assets is one request."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"perpetuals", "funding", "index"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        http.allow(HOST, Budget(burst=50, per_s=5))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's perpetuals, funding and index. Raises SourceError where nothing was heard."""
        del at
        url = f"https://{HOST}/derivatives/api/v3/tickers"
        reply = await self._http.get(url, subject=f"{NAME} tickers", share_s=SHARE_S)
        return gather(f"{NAME} {asset}", {"perpetuals": parse_tickers(reply, asset)}, ["perpetuals"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Nothing: no history is kept of what is asked for here."""
        del asset, since, until
        return ()


SOURCE = Kraken


def parse_tickers(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's perpetuals, funding and index; a gap where none is listed. Raises SourceError."""
    odd = OddRows(reply.subject)
    answer = decode_rows(_ANSWER, reply.body, reply.subject, odd)
    if answer.result != "success" or answer.tickers is None:
        raise SourceUnavailable(
            about(reply.subject, reason("venue_said", said=answer.error or answer.result[:40]))
        )
    server_at = reply.server_at(answer.serverTime if answer.serverTime and answer.serverTime.tzinfo else None)
    pair = f"{SPELLINGS.get(asset, asset)}USD"
    names = {f"PI_{pair}", f"PF_{pair}"}
    own = [ticker for ticker in answer.tickers if ticker.symbol in names]
    unique((ticker.symbol for ticker in own), reply.subject)
    heard: list[Reading | Gap] = [*odd.gaps(names.__contains__)]
    for ticker in own:
        try:
            heard += _perpetual(ticker, asset, server_at)
        except SourceError as error:
            heard.append(Gap(who=f"{NAME} {ticker.symbol}", reason=str(error)))
    return heard or [Gap(who=f"{NAME} {asset}", reason=about(f"{NAME} {asset}", reason("not_listed")))]


def _perpetual(ticker: _KrakenTicker, asset: str, server_at: datetime) -> list[Reading | Gap]:
    subject = f"{NAME} {ticker.symbol}"
    if ticker.suspended:
        return [Gap(who=subject, reason=about(subject, reason("suspended")))]
    inverse = ticker.symbol.startswith("PI_")
    instrument = Instrument(venue=NAME, symbol=ticker.symbol, asset=asset, kind="perpetual", inverse=inverse)
    index_usd = positive(ticker.indexPrice, subject)
    heard: list[Reading | Gap] = [
        quote(
            source=NAME,
            observed_at=server_at,
            instrument=instrument,
            mark_usd=positive(ticker.markPrice, subject),
            index_usd=index_usd,
            open_interest=amount(ticker.openInterest, subject),
        )
    ]
    if not inverse and index_usd is not None:
        usd_an_hour = number(ticker.fundingRate, subject)
        rate = None if usd_an_hour is None else usd_an_hour / index_usd
        heard.append(
            funding(source=NAME, observed_at=server_at, instrument=instrument, rate=rate, interval_hours=1)
        )
        heard.append(
            SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=index_usd)
        )
    return heard
