"""Hyperliquid: its perpetuals' mark, oracle price, open interest and hourly funding; the oracle price of
tokenized gold.

Docs: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint (POST /info,
metaAndAssetCtxs). Units: open interest in coins; funding a fraction of ONE hour; prices in USD. The reply
holds no time: the Date header has it. Limits: weight 1,200 a minute and address, this request weighs 20. One
request serves all assets."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Reply
from bot.sources._wire import (
    FUNDING,
    Figure,
    amount,
    decode,
    funding,
    gather,
    number,
    positive,
    quote,
    unique,
)

NAME = "hyperliquid"
HOST = "api.hyperliquid.xyz"
QUESTION = b'{"type":"metaAndAssetCtxs"}'
WEIGHT = 20
SHARE_S = 10
GOLD = "PAXG"


class _Asset(msgspec.Struct, frozen=True, gc=False):
    name: str
    isDelisted: bool | None = None  # noqa: N815  the venue's spelling, here and below


class _Meta(msgspec.Struct, frozen=True, gc=False):
    universe: list[_Asset]


class _Context(msgspec.Struct, frozen=True, gc=False):
    funding: Figure
    openInterest: Figure  # noqa: N815
    markPx: Figure  # noqa: N815
    oraclePx: Figure  # noqa: N815


_ANSWER = msgspec.json.Decoder(tuple[_Meta, list[msgspec.Raw]])
_CONTEXT = msgspec.json.Decoder(_Context)


class Hyperliquid:
    """One poll of any number of assets is one request."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"perpetuals", "funding", "index", "gold"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        http.allow(HOST, Budget(burst=1_200, per_s=20))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's perpetual, its funding and its oracle price. Raises SourceError where nothing was
        heard."""
        del at
        reply = await self._http.post(
            f"https://{HOST}/info", subject=f"{NAME} contexts", body=QUESTION, cost=WEIGHT, share_s=SHARE_S
        )
        return gather(f"{NAME} {asset}", {"perpetual": parse_contexts(reply, asset)}, ["perpetual"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Nothing: its history is of funding alone, an hour a row and 500 rows a request."""
        del asset, since, until
        return ()


SOURCE = Hyperliquid


def parse_contexts(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's perpetual, funding and oracle price; a gap where it is not listed. Raises SourceError."""
    meta, contexts = decode(_ANSWER, reply.body, reply.subject)
    if len(meta.universe) != len(contexts):
        raise SourceChanged(
            about(reply.subject, reason("names_differ", names=len(meta.universe), contexts=len(contexts)))
        )
    unique((listed.name for listed in meta.universe), reply.subject)
    server_at = reply.server_at()
    live = {one.name: told for one, told in zip(meta.universe, contexts, strict=True) if not one.isDelisted}
    if asset not in live:
        return [Gap(who=f"{NAME} {asset}", reason=about(f"{NAME} {asset}", reason("not_listed")))]
    return _perpetual(_context(live[asset], asset), asset, server_at) + _gold(live.get(GOLD), server_at)


def _context(row: msgspec.Raw, asset: str) -> _Context:
    """One asset's row: what another's looks like is no matter. Raises SourceChanged."""
    return decode(_CONTEXT, bytes(row), f"{NAME} {asset}")


def _gold(row: msgspec.Raw | None, server_at: datetime) -> list[Reading | Gap]:
    """The price of gold, where it is listed and its row can be read."""
    if row is None:
        return []
    try:
        return _oracle(_context(row, GOLD), GOLD, server_at)
    except SourceError as error:
        return [Gap(who=f"{NAME} {GOLD} {FUNDING}", reason=str(error))]  # of gold alone: no contract is lost


def _perpetual(context: _Context, asset: str, server_at: datetime) -> list[Reading | Gap]:
    subject = f"{NAME} {asset}"
    instrument = Instrument(venue=NAME, symbol=asset, asset=asset, kind="perpetual")
    heard: list[Reading | Gap] = [
        quote(
            source=NAME,
            observed_at=server_at,
            instrument=instrument,
            mark_usd=positive(context.markPx, subject),
            index_usd=positive(context.oraclePx, subject),
            open_interest=amount(context.openInterest, subject),
        ),
        funding(
            source=NAME,
            observed_at=server_at,
            instrument=instrument,
            rate=number(context.funding, subject),
            interval_hours=1,
        ),
    ]
    return heard + _oracle(context, asset, server_at)


def _oracle(context: _Context, asset: str, server_at: datetime) -> list[Reading | Gap]:
    index_usd = positive(context.oraclePx, f"{NAME} {asset}")
    if index_usd is None:
        return []
    return [SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=index_usd)]
