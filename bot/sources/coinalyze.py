"""Coinalyze (a vendor, with a key): Binance's liquidations by the hour and side.

Docs: https://api.coinalyze.net/v1/doc/ (the key goes in the header api_key); bare arrays. Units: USD where
`convert_to_usd` is "true"; times in SECONDS. `BTCUSDT_PERP.A` is Binance's BTCUSDT. Limits: 40 calls a
minute, and each symbol of a request is a call; hours are kept for about two months, days for good. Only the
documented spelling of Binance's perpetuals is asked for; what is told is Binance's and counted as such, so
that it is never added to what Binance itself pushes. It counts what the venue pushes: a lower bound."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import fsum
from typing import Annotated, ClassVar

import msgspec

from bot.domain.readings import Gap, Heard, LiquidationTally, Quantity, Reading, SeriesReading
from bot.errors import ConfigError, Problem
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._wire import Figure, amount, ascending, decode, gather, to_ms, unique, utc

NAME = "coinalyze"
HOST = "api.coinalyze.net"
VENUE = "binance"
HOUR = timedelta(hours=1)
RECENT = timedelta(hours=48)


class _CoinalyzeHour(msgspec.Struct, frozen=True, gc=False):
    t: Annotated[int, msgspec.Meta(gt=0, lt=32_503_680_000)]
    l: Figure = None  # noqa: E741  the vendor's spelling
    s: Figure = None


class _Market(msgspec.Struct, frozen=True, gc=False):
    symbol: str
    history: list[_CoinalyzeHour]


_MARKETS = msgspec.json.Decoder(list[_Market])


class Coinalyze:
    """One poll of one asset is one request of two calls."""

    NEEDS_KEY: ClassVar[bool] = True
    name = NAME
    brings: frozenset[Quantity] = frozenset({"liquidations"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        if not key:
            raise ConfigError([Problem(file=".env", id="COINALYZE_KEY", reason="this vendor needs a key")])
        self._http = http
        self._headers = {"api_key": key}
        http.allow(HOST, Budget(burst=40, per_s=40 / 60))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Liquidations of each of the last 48 hours. Raises SourceError."""
        symbols = _symbols(asset)
        params: Params = {
            "symbols": ",".join(symbols),
            "interval": "1hour",
            "from": to_ms(at - RECENT) // 1000,
            "to": to_ms(at) // 1000,
            "convert_to_usd": "true",
        }
        reply = await self._http.get(
            f"https://{HOST}/v1/liquidation-history",
            subject=f"{NAME} {asset} liquidations",
            params=params,
            headers=self._headers,
            cost=len(symbols),
        )
        return gather(f"{NAME} {asset}", {"liquidations": parse_liquidations(reply, asset)})

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Nothing: a lower bound of one venue does not make the history of a market."""
        del asset, since, until
        return ()


SOURCE = Coinalyze


def parse_liquidations(reply: Reply, asset: str) -> list[Reading | Gap]:
    """Tallies of Binance by the hour, over its two perpetuals; hours without a liquidation are not told and
    stay unknown, and so does the hour under way. Raises SourceError."""
    server_at = reply.server_at()
    markets = [one for one in decode(_MARKETS, reply.body, reply.subject) if one.symbol in _symbols(asset)]
    unique((one.symbol for one in markets), reply.subject)
    hours: dict[int, list[_CoinalyzeHour]] = {}
    for market in markets:
        ascending([hour.t for hour in market.history], reply.subject)
        for hour in market.history:
            hours.setdefault(hour.t, []).append(hour)
    heard: list[Reading | Gap] = []
    for since_s, parts in sorted(hours.items()):
        since_at = utc(since_s * 1000)
        if since_at + HOUR > server_at:
            continue
        longs = _sum([amount(part.l, reply.subject) for part in parts])
        shorts = _sum([amount(part.s, reply.subject) for part in parts])
        if longs is None and shorts is None:
            continue
        heard.append(
            LiquidationTally(
                source=NAME,
                observed_at=since_at + HOUR,
                venue=VENUE,
                asset=asset,
                since_at=since_at,
                until_at=since_at + HOUR,
                longs_usd=longs,
                shorts_usd=shorts,
                complete=False,
            )
        )
    return heard or [Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="hour")))]


def _symbols(asset: str) -> tuple[str, str]:
    return (f"{asset}USDT_PERP.A", f"{asset}USD_PERP.A")


def _sum(parts: Sequence[float | None]) -> float | None:
    """The sum of what was told; None where nothing was."""
    told = [part for part in parts if part is not None]
    return fsum(told) if told else None
