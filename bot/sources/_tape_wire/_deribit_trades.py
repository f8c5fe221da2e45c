"""How Deribit's history host would tell the tape's past trades: those in options of a currency, and those in one dated
future, expired ones too.

Docs: https://docs.deribit.com. Units: options in coins, futures in USD; `iv` in percent a year. A block names its
`block_trade_id`; of other trades the key is absent."""

import re
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from bot.domain.kept import keep_for_a_day
from bot.sources._tape_market import HOUR_MS, future_expiries
from bot.sources._tape_scene import Scene
from bot.sources._tape_wire._parts import MONTHS
from bot.sources._wire import to_ms, utc

MOST_TRADES = 10_000
USUAL_TRADES = 10
FUTURE_TRADE_MS = HOUR_MS // 2
FUTURE_USD = 1000.0

_FUTURE = re.compile(r"([A-Z]+)-(\d{1,2}[A-Z]{3}\d{2})", re.ASCII)


class DeribitRefusal(Exception):
    """Parameters that the venue would not take."""

    def __init__(self, param: str, reason: str = "wrong format") -> None:
        self.data = {"param": param, "reason": reason}
        super().__init__(param)


@keep_for_a_day(1024)
def day_name(expires_at: datetime) -> str:
    """An expiry as the venue writes it: `6FEB26`."""
    return f"{expires_at.day}{MONTHS[expires_at.month - 1]}{expires_at:%y}"


def of_options(scene: Scene, params: Mapping[str, str]) -> dict[str, object]:
    """The newest trades in the options of a currency within two times, newest first unless asked otherwise."""
    asset = params.get("currency", "")
    if asset not in scene.markets:
        raise DeribitRefusal("currency", "not on the tape")
    if params.get("kind") != "option":
        raise DeribitRefusal("kind", "the tape keeps trades in options alone")
    since_ms, until_ms, count = _page(scene, params)
    told = scene.courses[asset].trades(since_ms, until_ms, count + 1)
    names: dict[int, str] = {
        expires: f"{asset}-{day_name(utc(expires))}" for expires in np.unique(told.expires_ms).tolist()
    }
    columns = zip(
        told.number.tolist(),
        told.at_ms.tolist(),
        told.expires_ms.tolist(),
        told.strike_usd.tolist(),
        told.is_call.tolist(),
        told.iv_pct.tolist(),
        told.mark_coin.tolist(),
        told.index_usd.tolist(),
        told.coins.tolist(),
        told.is_block.tolist(),
        strict=True,
    )
    rows: list[dict[str, object]] = []
    for number, at_ms, expires, strike, is_call, iv, mark, index, coins, is_block in columns:
        row: dict[str, object] = {
            "trade_seq": number % 10_000,
            "trade_id": str(number),
            "timestamp": at_ms,
            "tick_direction": number % 4,
            "price": round(mark, 4),
            "mark_price": mark,
            "iv": iv,
            "instrument_name": f"{names[expires]}-{strike:.0f}-{'C' if is_call else 'P'}",
            "index_price": index,
            "direction": "buy" if number % 2 else "sell",
            "contracts": coins,
            "amount": coins,
        }
        if is_block:
            row |= {"block_trade_id": f"BLOCK-{number}", "block_trade_leg_count": 1}
        rows.append(row)
    return _newest(rows, params, count)


def of_future(scene: Scene, params: Mapping[str, str]) -> dict[str, object]:
    """The newest trades in a dated future within two times."""
    named = _FUTURE.fullmatch(params.get("instrument_name", ""))
    asset, day = (named[1], named[2]) if named else ("", "")
    if asset not in scene.markets:
        raise DeribitRefusal("instrument_name", "not on the tape")
    since_ms, until_ms, count = _page(scene, params)
    first, last = -(-since_ms // FUTURE_TRADE_MS), until_ms // FUTURE_TRADE_MS
    numbers = np.arange(max(first, last - count), last + 1, dtype=np.int64)
    listed = {day_name(expiry): expiry for at in {since_ms, until_ms} for expiry in future_expiries(utc(at))}
    if day not in listed:
        return {"trades": [], "has_more": False}
    expires_ms = to_ms(listed[day])
    numbers = numbers[numbers * FUTURE_TRADE_MS < expires_ms]
    times = numbers.astype(np.float64) * FUTURE_TRADE_MS
    course = scene.courses[asset]
    marks, index = course.future_usd(times, np.full(len(times), float(expires_ms))), course.index_usd(times)
    rows: list[dict[str, object]] = [
        {
            "trade_seq": int(number % 10_000),
            "trade_id": str(number),
            "timestamp": int(number * FUTURE_TRADE_MS),
            "tick_direction": int(number % 4),
            "price": price,
            "mark_price": price,
            "instrument_name": params["instrument_name"],
            "index_price": round(spot, 2),
            "direction": "buy" if number % 2 else "sell",
            "contracts": FUTURE_USD / 10,
            "amount": FUTURE_USD,
        }
        for number, price, spot in zip(numbers.tolist(), marks.tolist(), index.tolist(), strict=True)
    ]
    return _newest(rows, params, count)


def _page(scene: Scene, params: Mapping[str, str]) -> tuple[int, int, int]:
    for name in ("start_timestamp", "end_timestamp"):
        if not params.get(name, "").isdecimal():
            raise DeribitRefusal(name)
    count = int(params.get("count") or USUAL_TRADES)
    if not 1 <= count <= MOST_TRADES:
        raise DeribitRefusal("count", f"must be between 1 and {MOST_TRADES}")
    now_ms = to_ms(scene.moment.at)
    began_ms = int(next(iter(scene.courses.values())).at_ms[0])
    since_ms = max(int(params["start_timestamp"]), began_ms)
    return since_ms, min(int(params["end_timestamp"]), now_ms), count


def _newest(rows: list[dict[str, object]], params: Mapping[str, str], count: int) -> dict[str, object]:
    told = rows[-count:]
    if params.get("sorting") != "asc":
        told = told[::-1]
    return {"trades": told, "has_more": len(rows) > count}
