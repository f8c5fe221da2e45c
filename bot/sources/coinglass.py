"""CoinGlass (a vendor, with a key): the whole market's liquidations by side, and its long history of these and of funding.

Docs: https://docs.coinglass.com (v4; the key goes in the header CG-API-KEY). A refusal comes with HTTP 200 and `code` other than
the text "0".
Units: liquidations in USD; funding in PERCENT for eight hours (0.0078 is 0.0078%). Of aggregated open interest the total and the
coin-margined part are in USD and the stablecoin part is in COINS.
Limits: 30 requests a minute and bars of four hours or longer on the smallest plan, which is what is asked for; 1,000 rows a
request. Open interest is told here as the whole market's (`market_…`): added to that of venues it would count them twice.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Generic, TypeVar

import msgspec

from bot.domain.readings import Gap, Heard, LiquidationTally, Quantity, Reading, SeriesReading
from bot.errors import ConfigError, Problem, SourceChanged, SourceUnavailable
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._wire import Figure, Ms, amount, column, decode, gather, number, to_ms, utc

NAME = "coinglass"
HOST = "open-api-v4.coinglass.com"
ALL = "All"
FOUR_HOURS = timedelta(hours=4)
DAY = timedelta(days=1)
INTERVALS = {FOUR_HOURS: "4h", DAY: "1d"}
RANGES = {"1h": timedelta(hours=1), "24h": timedelta(hours=24)}
RECENT = timedelta(days=6)
FINE = timedelta(days=160)  # 1,000 bars of four hours
PERCENT_LIMIT = 100.0
WAIT_CODES = {"429", "500"}

T = TypeVar("T")
Rows = list[tuple[int, float]]


class _Answer(msgspec.Struct, Generic[T], frozen=True, gc=False):
    code: str
    msg: str = ""
    data: list[T] | None = None


class _Venue(msgspec.Struct, frozen=True, gc=False):
    exchange: str
    longLiquidation_usd: Figure = None  # noqa: N815  the vendor's spelling, here and below
    shortLiquidation_usd: Figure = None  # noqa: N815


class _Forced(msgspec.Struct, frozen=True, gc=False):
    time: Ms
    aggregated_long_liquidation_usd: Figure
    aggregated_short_liquidation_usd: Figure


class _Bar(msgspec.Struct, frozen=True, gc=False):
    time: Ms
    close: Figure


_VENUES = msgspec.json.Decoder(_Answer[_Venue])
_FORCED = msgspec.json.Decoder(_Answer[_Forced])
_BARS = msgspec.json.Decoder(_Answer[_Bar])


class Coinglass:
    """One poll of one asset is three requests."""

    NEEDS_KEY: ClassVar[bool] = True
    name = NAME
    brings: frozenset[Quantity] = frozenset({"liquidations"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        if not key:
            raise ConfigError([Problem(file=".env", id="COINGLASS_KEY", reason="this vendor needs a key")])
        self._http = http
        self._headers = {"CG-API-KEY": key}
        http.allow(HOST, Budget(burst=30, per_s=0.5))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Liquidations of the last hour, the last 24 hours, and by four hours of the last six days. Raises SourceError."""
        asked = {
            **{f"liquidations of {name}": self._window(asset, name) for name in RANGES},
            "liquidations": self._forced(asset, at - RECENT, at, FOUR_HOURS),
        }
        outcomes = await asyncio.gather(*asked.values(), return_exceptions=True)
        return gather(f"{NAME} {asset}", dict(zip(asked, outcomes, strict=True)))

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Liquidations, funding and the market's open interest, by four hours where they fit into one reply, else by the day.
        Raises SourceError."""
        interval = FOUR_HOURS if until - since <= FINE else DAY
        told: list[Reading | Gap] = await self._forced(asset, since, until, interval)
        for path, metric, extra in (
            ("funding-rate/oi-weight-history", "funding_8h_pct", {}),
            ("open-interest/aggregated-history", "market_open_interest_usd", {"unit": "usd"}),
            ("open-interest/aggregated-stablecoin-history", "market_open_interest_linear_coin", {"exchange_list": ALL}),
            (
                "open-interest/aggregated-coin-margin-history",
                "market_open_interest_inverse_usd",
                {"exchange_list": ALL},
            ),
        ):
            reply = await self._get(path, f"{asset} {metric}", {**_times(asset, since, until, interval), **extra})
            told.append(parse_bars(reply, asset, metric, interval))
        return [one for one in told if isinstance(one, SeriesReading)]

    async def _window(self, asset: str, name: str) -> list[Reading | Gap]:
        reply = await self._get("liquidation/exchange-list", f"{asset} liquidations", {"symbol": asset, "range": name})
        return parse_window(reply, asset, RANGES[name])

    async def _forced(self, asset: str, since: datetime, until: datetime, interval: timedelta) -> list[Reading | Gap]:
        params: Params = {**_times(asset, since, until, interval), "exchange_list": ALL}
        return parse_forced(
            await self._get("liquidation/aggregated-history", f"{asset} liquidations", params), asset, interval
        )

    async def _get(self, path: str, about: str, params: Params) -> Reply:
        url = f"https://{HOST}/api/futures/{path}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, headers=self._headers)


SOURCE = Coinglass


def parse_window(reply: Reply, asset: str, window: timedelta) -> list[Reading | Gap]:
    """The whole market's liquidations of a window that ends now. Raises SourceError."""
    until_at = reply.server_at()
    rows = [row for row in _rows(_VENUES, reply) if row.exchange == ALL]
    longs = amount(rows[0].longLiquidation_usd, reply.subject) if len(rows) == 1 else None
    shorts = amount(rows[0].shortLiquidation_usd, reply.subject) if len(rows) == 1 else None
    if longs is None and shorts is None:
        return [Gap(who=reply.subject, reason=f"{reply.subject}: the sum of all venues is not in the reply")]
    return [
        LiquidationTally(
            source=NAME,
            observed_at=until_at,
            venue=NAME,
            asset=asset,
            since_at=until_at - window,
            until_at=until_at,
            longs_usd=longs,
            shorts_usd=shorts,
            complete=True,
        )
    ]


def parse_forced(reply: Reply, asset: str, interval: timedelta) -> list[Reading | Gap]:
    """The whole market's liquidations by interval, each side as a series; the interval under way is left out.
    Raises SourceError."""
    server_at = reply.server_at()
    rows = [row for row in _rows(_FORCED, reply) if utc(row.time) + interval <= server_at]
    sides: dict[str, Callable[[_Forced], Figure]] = {
        "long": lambda row: row.aggregated_long_liquidation_usd,
        "short": lambda row: row.aggregated_short_liquidation_usd,
    }
    return [
        _series(
            reply,
            asset,
            f"liquidations_tally_{side}_usd",
            interval,
            [(row.time, usd) for row in rows if (usd := amount(told(row), reply.subject)) is not None],
        )
        for side, told in sides.items()
    ]


def parse_bars(reply: Reply, asset: str, metric: str, interval: timedelta) -> SeriesReading | Gap:
    """Closes, each at the end of its bar; the bar under way is left out. Raises SourceError."""
    server_at = reply.server_at()
    closes: Rows = []
    for bar in _rows(_BARS, reply):
        close = number(bar.close, reply.subject)
        if metric == "funding_8h_pct":
            close = close if close is not None and abs(close) < PERCENT_LIMIT else None
        else:
            close = close if close is not None and close >= 0 else None
        if close is not None and utc(bar.time) + interval <= server_at:
            closes.append((to_ms(utc(bar.time) + interval), close))
    return _series(reply, asset, metric, interval, closes)


def _rows(decoder: "msgspec.json.Decoder[_Answer[T]]", reply: Reply) -> list[T]:
    answer = decode(decoder, reply.body, reply.subject)
    if answer.code != "0":
        said = f"{reply.subject}: error {answer.code[:20]} {answer.msg[:120]}".rstrip()
        raise SourceUnavailable(said) if answer.code in WAIT_CODES else SourceChanged(said)
    if answer.data is None:
        raise SourceChanged(f"{reply.subject}: no data in the reply")
    return answer.data


def _series(reply: Reply, asset: str, metric: str, interval: timedelta, rows: Rows) -> SeriesReading | Gap:
    return column(
        source=NAME,
        subject=reply.subject,
        asset=asset,
        metric=metric,
        interval=interval,
        rows=rows,
        server_at=reply.server_at(),
    )


def _times(asset: str, since: datetime, until: datetime, interval: timedelta) -> dict[str, str | int]:
    return {
        "symbol": asset,
        "interval": INTERVALS[interval],
        "start_time": to_ms(since),
        "end_time": to_ms(until),
        "limit": 1000,
    }
