"""Binance's past of its COIN-M quarterly futures: hourly bars of the current and the next quarter, and of the index.

Docs: https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data (`continuousKlines`,
`indexPriceKlines`). Units: USD; volume in contracts. A contract expires on the last Friday of its quarter, 08:00 UTC, and
the next one takes its name. A bar without volume repeats an old trade: it is left out, and so is the bar within which the
name went over. Limits: 200 days and 1,500 rows a request, of which the newest are told; weight by rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np

from bot.domain.traded import FuturePrices
from bot.errors import SourceChanged
from bot.reasons import about, reason
from bot.sources._deribit_past import month_ends
from bot.sources._http import Reply
from bot.sources._wire import FUTURE, HOUR_MS, Ms, amount, ascending, decode, known_at, positive, to_ms, utc

NAME = "binance"
QUARTERS = ("CURRENT_QUARTER", "NEXT_QUARTER")
MOST_BARS = 1_500
LONGEST = timedelta(hours=MOST_BARS - 1)
WEIGHT = 10.0  # of a request of more than a thousand rows; half of that for fewer, which is not worth the reckoning
HOUR = timedelta(hours=1)

_BARS = msgspec.json.Decoder(list[tuple[Ms, str, str, str, str, str, Ms, str, int, str, str, str]])


def parse_quarters(
    futures: Mapping[str, Sequence[Reply]], index: Sequence[Reply], asset: str
) -> FuturePrices:
    """What the current and the next quarterly future cost at the end of each hour with a trade, and the index at the
    same end. Raises SourceError."""
    spot = _closes(index, traded_only=False)
    rows: list[tuple[int, int, float, float]] = []
    for kind, replies in futures.items():
        for end_ms, price in _closes(replies, traded_only=True).items():
            began, expires = utc(end_ms - HOUR_MS), _quarter(utc(end_ms), QUARTERS.index(kind))
            if end_ms in spot and _quarter(began, QUARTERS.index(kind)) == expires:
                rows.append((end_ms, to_ms(expires), price, spot[end_ms]))
    columns = list(zip(*sorted(rows), strict=True)) or [()] * 4
    return FuturePrices(
        source=NAME,
        observed_at=index[-1].heard_at,
        venue=NAME,
        asset=asset,
        at_ms=np.array(columns[0], np.int64),
        expires_ms=np.array(columns[1], np.int64),
        price_usd=np.array(columns[2], np.float64),
        index_usd=np.array(columns[3], np.float64),
    )


def _closes(replies: Sequence[Reply], *, traded_only: bool) -> dict[int, float]:
    """Closes by the end of their hour; a bar that is under way is left out."""
    closes: dict[int, float] = {}
    for reply in replies:
        server_at = reply.server_at()
        bars = decode(_BARS, reply.body, reply.subject)
        ascending([bar[0] for bar in bars], reply.subject)
        for bar in bars:
            end_ms = bar[6] + 1
            if end_ms - bar[0] != HOUR_MS:
                raise SourceChanged(
                    about(reply.subject, reason("other_interval", hours=(end_ms - bar[0]) / HOUR_MS))
                )
            ends_at = known_at(end_ms, reply.subject)
            if ends_at is None or ends_at > server_at + FUTURE:
                continue
            close, volume = positive(bar[4], reply.subject), amount(bar[5], reply.subject)
            if close is not None and (volume or not traded_only):
                closes[end_ms] = close
    return closes


def _quarter(at: datetime, number: int) -> datetime:
    """When the current (0) or the next (1) quarterly future of a time expires; at its expiry a contract is over."""
    return [one for one in month_ends(at) if one.month % 3 == 0 and one > at][number]
