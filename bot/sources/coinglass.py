"""CoinGlass (a vendor, with a key): the whole market's liquidations by side, what is open at all venues and at
CME, and its long history of these and of funding.

Docs: https://docs.coinglass.com (v4; the key goes in the header CG-API-KEY). A refusal comes with HTTP 200
and `code` other than the text "0". Units: liquidations in USD; funding in PERCENT for eight hours (0.0078 is
0.0078%). Of aggregated open interest the total and the coin-margined part are in USD and the stablecoin part
is in COINS. Limits: 30 requests a minute and bars of four hours or longer on the smallest plan, which is what
is asked for; 1,000 rows a request. Open interest is the vendor's own sum (`open_interest_market_usd`), in
which CME stands as a venue among others (`open_interest_cme_usd`): neither is added to what venues tell
themselves, which would count them twice, and the sum counts by the vendor's rule (Gate's and Bitget's with both
sides: 56,245 and 43,105 BTC on 12 October 2025). Its rows have no time; they must make up its sum."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum, inf
from typing import ClassVar, Generic, TypeVar

import msgspec
from msgspec import Struct

from bot.domain.readings import (
    Gap,
    Heard,
    LiquidationTally,
    Quantity,
    Reading,
    SeriesReading,
    VendorOpenInterest,
)
from bot.errors import ConfigError, Problem, SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._wire import Figure, Ms, amount, column, decode, gather, number, to_ms, unique, utc

NAME = "coinglass"
HOST = "open-api-v4.coinglass.com"
ALL = "All"
CME = "CME"
APART = 0.001  # a total and its sides come in one row
BARS_APART = 1.1  # bars and a window's total are counted by the same vendor, and not at the same moment
ROUNDING = 0.02  # the vendor's rows and its sum are of moments seconds apart
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
Part = list[Reading | Gap] | SourceError


class _CoinglassAnswer(msgspec.Struct, Generic[T], frozen=True, gc=False):
    code: str
    msg: str = ""
    data: list[T] | None = None


class _Venue(msgspec.Struct, frozen=True, gc=False):
    exchange: str
    liquidation_usd: Figure = None
    long_liquidation_usd: Figure = None
    short_liquidation_usd: Figure = None
    longLiquidation_usd: Figure = None  # noqa: N815  the vendor's other spelling, here and below
    shortLiquidation_usd: Figure = None  # noqa: N815

    def sides(self, subject: str) -> tuple[float | None, float | None]:
        """Longs and shorts in USD, by either spelling. Raises SourceChanged."""
        longs = amount(self.long_liquidation_usd, subject)
        shorts = amount(self.short_liquidation_usd, subject)
        return (
            amount(self.longLiquidation_usd, subject) if longs is None else longs,
            amount(self.shortLiquidation_usd, subject) if shorts is None else shorts,
        )


class _OpenAt(msgspec.Struct, frozen=True, gc=False):
    exchange: str
    symbol: str
    open_interest_usd: Figure


class _Forced(msgspec.Struct, frozen=True, gc=False):
    time: Ms
    aggregated_long_liquidation_usd: Figure
    aggregated_short_liquidation_usd: Figure


class _Bar(msgspec.Struct, frozen=True, gc=False):
    time: Ms
    close: Figure


_VENUES = msgspec.json.Decoder(_CoinglassAnswer[_Venue])
_OPEN_AT = msgspec.json.Decoder(_CoinglassAnswer[_OpenAt])
_FORCED = msgspec.json.Decoder(_CoinglassAnswer[_Forced])
_BARS = msgspec.json.Decoder(_CoinglassAnswer[_Bar])


class Coinglass:
    """One poll of one asset is four requests."""

    NEEDS_KEY: ClassVar[bool] = True
    name = NAME
    brings: frozenset[Quantity] = frozenset({"liquidations", "market_total"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        if not key:
            raise ConfigError([Problem(file=".env", id="COINGLASS_KEY", reason="this vendor needs a key")])
        self._http = http
        self._headers = {"CG-API-KEY": key}
        http.allow(HOST, Budget(burst=30, per_s=0.5))

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Liquidations of the last hour, the last 24 hours, and by four hours of the last six days; what is
        open at all venues together, and at CME. Raises SourceError."""
        windows = {f"liquidations of {name}": name for name in RANGES}
        params: Params = {**_times(asset, at - RECENT, at, FOUR_HOURS), "exchange_list": ALL}
        bars, opened, heard = await asyncio.gather(
            _outcome(self._get("liquidation/aggregated-history", f"{asset} liquidations", params)),
            _outcome(self._open(asset)),
            asyncio.gather(*(_outcome(self._window(asset, name)) for name in windows.values())),
        )
        tallies = dict(zip(windows, heard, strict=True))
        return gather(f"{NAME} {asset}", {"open interest": opened, **_with_bars(tallies, bars, asset)})

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Liquidations, funding and the market's open interest, by four hours where they fit into one reply,
        else by the day. Raises SourceError."""
        interval = FOUR_HOURS if until - since <= FINE else DAY
        told: list[Reading | Gap] = await self._forced(asset, since, until, interval)
        for path, metric, extra in (
            ("funding-rate/oi-weight-history", "funding_8h_pct", {}),
            ("open-interest/aggregated-history", "open_interest_market_usd", {"unit": "usd"}),
            (
                "open-interest/aggregated-stablecoin-history",
                "market_open_interest_linear_coin",
                {"exchange_list": ALL},
            ),
            (
                "open-interest/aggregated-coin-margin-history",
                "market_open_interest_inverse_usd",
                {"exchange_list": ALL},
            ),
        ):
            reply = await self._get(
                path, f"{asset} {metric}", {**_times(asset, since, until, interval), **extra}
            )
            told.append(parse_bars(reply, asset, metric, interval))
        return [one for one in told if isinstance(one, SeriesReading)]

    async def _open(self, asset: str) -> list[Reading | Gap]:
        reply = await self._get("open-interest/exchange-list", f"{asset} open interest", {"symbol": asset})
        return parse_open(reply, asset)

    async def _window(self, asset: str, name: str) -> list[Reading | Gap]:
        reply = await self._get(
            "liquidation/exchange-list", f"{asset} liquidations", {"symbol": asset, "range": name}
        )
        return parse_window(reply, asset, RANGES[name])

    async def _forced(
        self, asset: str, since: datetime, until: datetime, interval: timedelta
    ) -> list[Reading | Gap]:
        params: Params = {**_times(asset, since, until, interval), "exchange_list": ALL}
        return parse_forced(
            await self._get("liquidation/aggregated-history", f"{asset} liquidations", params),
            asset,
            interval,
        )

    async def _get(self, path: str, about: str, params: Params) -> Reply:
        url = f"https://{HOST}/api/futures/{path}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, headers=self._headers)


SOURCE = Coinglass


def parse_open(reply: Reply, asset: str) -> list[Reading | Gap]:
    """What the vendor counts as open at all venues together, and at CME where it lists that; a gap where its
    rows do not make up its sum. Raises SourceError."""
    rows = _rows(_OPEN_AT, reply)
    unique((row.exchange for row in rows), reply.subject)
    if any(row.symbol != asset for row in rows):
        raise SourceChanged(about(reply.subject, reason("other_asset")))
    told = {row.exchange: amount(row.open_interest_usd, reply.subject) for row in rows}
    total = told.pop(ALL, None)
    if total is None:
        return [Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="sum")))]
    rest = fsum(usd for usd in told.values() if usd is not None)
    if abs(rest - total) > ROUNDING * total:
        said = reason("sums_differ", venues=f"{rest:.4g}", total=f"{total:.4g}")
        return [Gap(who=reply.subject, reason=about(reply.subject, said))]
    cme = told.get(CME)
    return [
        VendorOpenInterest(
            source=NAME, observed_at=reply.server_at(), venue=venue, asset=asset, open_interest_usd=usd
        )
        for venue, usd in ((NAME, total), (CME.lower(), cme))
        if usd is not None
    ]


def parse_window(reply: Reply, asset: str, window: timedelta) -> list[Reading | Gap]:
    """The whole market's liquidations of a window that ends now; a gap where its sides do not add up to its own
    total. Raises SourceError."""
    until_at = reply.server_at()
    rows = [row for row in _rows(_VENUES, reply) if row.exchange == ALL]
    longs, shorts = rows[0].sides(reply.subject) if len(rows) == 1 else (None, None)
    total = amount(rows[0].liquidation_usd, reply.subject) if len(rows) == 1 else None
    if longs is None or shorts is None or total is None:
        return [Gap(who=reply.subject, reason=about(reply.subject, reason("not_in_reply", what="sum")))]
    if abs(longs + shorts - total) > APART * max(total, longs + shorts):
        said = reason("sides_differ", sides=f"{longs + shorts:.4g}", total=f"{total:.4g}")
        return [Gap(who=reply.subject, reason=about(reply.subject, said))]
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
    """The whole market's liquidations by interval, each side as a series; the interval under way is left out, and
    so is one in which nobody was closed on either side: the vendor has told that of a market that lost millions.
    Raises SourceError."""
    server_at = reply.server_at()
    rows = [
        row
        for row in _rows(_FORCED, reply)
        if utc(row.time) + interval <= server_at
        and (
            amount(row.aggregated_long_liquidation_usd, reply.subject)
            or amount(row.aggregated_short_liquidation_usd, reply.subject)
        )
    ]
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


async def _outcome(asked: Awaitable[T]) -> T | SourceError:
    """What came of a request: a failure is an answer too."""
    try:
        return await asked
    except SourceError as error:
        return error


def _with_bars(windows: Mapping[str, Part], bars: Reply | SourceError, asset: str) -> dict[str, Part]:
    """The windows without those that the bars contradict, and the recent bars."""
    if isinstance(bars, SourceError):
        return {**windows, "liquidations": bars}
    try:
        found: dict[str, Part] = {
            name: heard if isinstance(heard, SourceError) else [against_bars(one, bars) for one in heard]
            for name, heard in windows.items()
        }
        return {**found, "liquidations": parse_forced(bars, asset, FOUR_HOURS)}
    except SourceError as error:
        return {**windows, "liquidations": error}


def against_bars(told: Reading | Gap, reply: Reply) -> Reading | Gap:
    """A tally of a window, or a gap where the vendor's own bars of four hours contradict it on either side: what those
    that lie in the window make is the least that it can be, what those that touch it make the most. Raises
    SourceError."""
    if not isinstance(told, LiquidationTally) or told.longs_usd is None or told.shorts_usd is None:
        return told
    longs, shorts = _sums_of_bars(reply, told.since_at, told.until_at)
    if longs.agrees(told.longs_usd) and shorts.agrees(told.shorts_usd):
        return told
    is_long = not longs.agrees(told.longs_usd)
    bars, usd = (longs, told.longs_usd) if is_long else (shorts, told.shorts_usd)
    said = reason(
        "bars_differ_long" if is_long else "bars_differ_short",
        told=f"{usd:.4g}",
        least=f"{bars.least:.4g}",
        most=f"{bars.most:.4g}",
    )
    return Gap(who=reply.subject, reason=about(reply.subject, said))


class _SideOfBars(Struct, frozen=True, kw_only=True):
    """What one side of a window can be, in USD, by the bars."""

    least: float
    most: float

    def agrees(self, usd: float) -> bool:
        return self.least / BARS_APART <= usd <= self.most * BARS_APART


def _sums_of_bars(reply: Reply, since: datetime, until: datetime) -> tuple[_SideOfBars, _SideOfBars]:
    """What the bars in a stretch of time make of longs and of shorts, and what those that touch it do; no bound from above
    where one of these is not told, or tells that nobody was closed. Raises SourceError."""
    inside, touching, covered = [0.0, 0.0], [0.0, 0.0], since
    for row in _rows(_FORCED, reply):
        starts = utc(row.time)
        ends = min(starts + FOUR_HOURS, until) if starts < until else starts + FOUR_HOURS
        if ends <= since or starts >= until:
            continue
        figures = (row.aggregated_long_liquidation_usd, row.aggregated_short_liquidation_usd)
        sides = [amount(figure, reply.subject) for figure in figures]
        if None not in sides and any(sides) and starts <= covered:
            covered = ends
        for number_of, usd in enumerate(sides):
            touching[number_of] += usd or 0.0
            inside[number_of] += usd or 0.0 if since <= starts and ends <= until else 0.0
    most = touching if covered >= until else [inf, inf]
    return _SideOfBars(least=inside[0], most=most[0]), _SideOfBars(least=inside[1], most=most[1])


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


def _rows(decoder: "msgspec.json.Decoder[_CoinglassAnswer[T]]", reply: Reply) -> list[T]:
    answer = decode(decoder, reply.body, reply.subject)
    if answer.code != "0":
        said = about(reply.subject, reason("venue_error", code=answer.code[:20], said=answer.msg[:120]))
        raise SourceUnavailable(said) if answer.code in WAIT_CODES else SourceChanged(said)
    if answer.data is None:
        raise SourceChanged(about(reply.subject, reason("not_in_reply", what="data")))
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
