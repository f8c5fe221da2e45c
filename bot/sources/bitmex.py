"""BitMEX: perpetuals and dated futures: mark, index, open interest and funding.

Docs: https://www.bitmex.com/api/explorer/ (GET /instrument/active, no key).
Units: inverse contracts are 1 USD each; linear ones (settled in USDT) are counted in parts of a coin, `underlyingToPositionMultiplier`
to the coin; funding a fraction of `fundingInterval`, a time of day on 1 January 2000. Quanto contracts are left out: their size
is neither in dollars nor in coins of the asset. Bitcoin is spelled XBT. Each row has a time of its own.
Limits: 30 requests a minute without a key. One request serves all assets.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceError
from bot.sources._hosts import Budget
from bot.sources._http import Http, Reply
from bot.sources._wire import Figure, amount, decode, funding, gather, number, observed, positive, quote, to_ms, unique

NAME = "bitmex"
HOST = "www.bitmex.com"
SPELLINGS = {"BTC": "XBT"}
PERPETUAL = "FFWCSX"
FUTURE = "FFCCSX"
SHARE_S = 10
_MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)


class _Row(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    typ: str
    state: str
    underlying: str
    quoteCurrency: str  # noqa: N815  the venue's spelling, here and below
    isInverse: bool  # noqa: N815
    isQuanto: bool  # noqa: N815
    timestamp: datetime
    expiry: datetime | None = None
    markPrice: Figure = None  # noqa: N815
    indicativeSettlePrice: Figure = None  # noqa: N815
    openInterest: Figure = None  # noqa: N815
    underlyingToPositionMultiplier: Figure = None  # noqa: N815
    fundingRate: Figure = None  # noqa: N815
    fundingInterval: datetime | None = None  # noqa: N815


_ROWS = msgspec.json.Decoder(list[_Row])


class Bitmex:
    """One poll of any number of assets is one request."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"futures", "perpetuals", "funding", "index"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        http.allow(HOST, Budget(burst=30, per_s=0.5))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's perpetuals, futures, funding and index. Raises SourceError where nothing was heard."""
        del at
        url = f"https://{HOST}/api/v1/instrument/active"
        reply = await self._http.get(url, subject=f"{NAME} instruments", share_s=SHARE_S)
        return gather(f"{NAME} {asset}", {"contracts": parse_instruments(reply, asset)}, ["contracts"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Nothing: no history is kept of what is asked for here."""
        del asset, since, until
        return ()


SOURCE = Bitmex


def parse_instruments(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's contracts, funding and index; a gap where none is listed. Raises SourceError."""
    rows = decode(_ROWS, reply.body, reply.subject)
    server_at = reply.server_at()
    unique((row.symbol for row in rows), reply.subject)
    heard: list[Reading | Gap] = []
    for row in rows:
        if not _wanted(row, asset):
            continue
        subject = f"{NAME} {row.symbol}"
        try:
            heard += _contract(row, asset, server_at, subject)
        except SourceError as error:
            heard.append(Gap(who=subject, reason=str(error)))
    return heard or [Gap(who=f"{NAME} {asset}", reason=f"{NAME} {asset}: not listed")]


def _wanted(row: _Row, asset: str) -> bool:
    """Open contracts on the asset in dollars: inverse ones in USD, linear ones in USDT."""
    quoted_in = "USD" if row.isInverse else "USDT"
    return (
        row.underlying == SPELLINGS.get(asset, asset)
        and row.quoteCurrency == quoted_in
        and row.typ in {PERPETUAL, FUTURE}
        and row.state == "Open"
        and not row.isQuanto
    )


def _contract(row: _Row, asset: str, server_at: datetime, subject: str) -> list[Reading | Gap]:
    at = observed(to_ms(row.timestamp), server_at, subject)
    perpetual = row.typ == PERPETUAL
    if not perpetual and row.expiry is None:
        return [Gap(who=subject, reason=f"{subject}: no expiry in the reply")]
    instrument = Instrument(
        venue=NAME,
        symbol=row.symbol,
        asset=asset,
        kind="perpetual" if perpetual else "future",
        expires_at=None if perpetual else row.expiry,
        inverse=row.isInverse,
    )
    index_usd = positive(row.indicativeSettlePrice, subject)
    heard: list[Reading | Gap] = [
        quote(
            source=NAME,
            observed_at=at,
            instrument=instrument,
            mark_usd=positive(row.markPrice, subject),
            index_usd=index_usd,
            open_interest=_open_interest(row, subject),
        )
    ]
    if perpetual:
        hours = None if row.fundingInterval is None else (row.fundingInterval - _MIDNIGHT).total_seconds() / 3600
        rate = number(row.fundingRate, subject)
        heard.append(funding(source=NAME, observed_at=at, instrument=instrument, rate=rate, interval_hours=hours))
    if perpetual and row.isInverse and index_usd is not None:
        heard.append(SpotQuote(source=NAME, observed_at=at, venue=NAME, asset=asset, index_usd=index_usd))
    return heard


def _open_interest(row: _Row, subject: str) -> float | None:
    """Dollars of an inverse contract, coins of a linear one."""
    contracts = amount(row.openInterest, subject)
    if row.isInverse or contracts is None:
        return contracts
    to_the_coin = positive(row.underlyingToPositionMultiplier, subject)
    return None if to_the_coin is None else contracts / to_the_coin
