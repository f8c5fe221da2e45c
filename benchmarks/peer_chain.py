"""The peers of bench_chain.py, run by it in an environment of their own: a reply's bytes to skew with ccxt
and with json + pandas, arrays to skew with QuantLib. Prints one JSON object: for each peer its milliseconds
and the skew that it found.

Run: PYTHONPATH=. .venv-peers/chain/bin/python benchmarks/peer_chain.py FILE_OF_THE_REPLY
"""

import json
import math
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist
from typing import Any

import ccxt
import numpy as np
import pandas as pd
import QuantLib as ql  # noqa: N813  as its own documents spell it

from bot.domain.chain import OptionChain
from bot.metrics.smile import DAY_MS, YEAR_MS, smile_at

DAYS, RUNS = 30.0, 15


def best(run: Callable[[], float], times: int = RUNS) -> dict[str, float]:
    """The shortest of some runs, and what it found."""
    taken, found = [], math.nan
    for _ in range(times):
        began = time.perf_counter()
        found = run()
        taken.append(time.perf_counter() - began)
    return {"ms": min(taken) * 1000.0, "skew_points": found}


def chain(
    rows: list[dict[str, Any]], expires: list[int], strikes: list[float], calls: list[bool]
) -> OptionChain:
    """The columns of rows as the venue spells them."""
    row_ms = np.array([row["creation_timestamp"] for row in rows], np.int64)
    return OptionChain(
        source="peer",
        venue="deribit",
        asset="BTC",
        observed_at=datetime.fromtimestamp(float(np.median(row_ms)) / 1000.0, UTC),
        expires_ms=np.array(expires, np.int64),
        strike_usd=np.array(strikes),
        is_call=np.array(calls),
        forward_usd=np.array([row["underlying_price"] for row in rows]),
        mark_iv_pct=np.array([row["mark_iv"] for row in rows]),
        open_interest_coin=np.array([row["open_interest"] for row in rows]),
        volume_24h_coin=np.array([row["volume"] for row in rows]),
        row_ms=row_ms,
    )


def skew(options: OptionChain) -> float:
    """Skew in volatility points by our own smile."""
    found = smile_at(options, options.observed_at.timestamp() * 1000.0, (DAYS,))[DAYS]
    return math.nan if found.put25 is None or found.call25 is None else found.put25 - found.call25


def markets(exchange: Any, body: bytes) -> None:
    """Give ccxt the markets of the reply, as after its load_markets, so that it need not make them up while
    it is timed."""
    names = [row["instrument_name"] for row in json.loads(body)["result"]]
    exchange.set_markets([exchange.create_expired_option_market(name) for name in names])


def with_ccxt(exchange: Any, body: bytes) -> OptionChain:
    """The chain by ccxt's own parse."""
    told = exchange.parse_option_chain(
        exchange.parse_json(body.decode())["result"], "base_currency", "instrument_name"
    )
    found = [exchange.markets[symbol] for symbol in told]
    return chain(
        [option["info"] for option in told.values()],
        [market["expiry"] for market in found],
        [market["strike"] for market in found],
        [market["optionType"] == "call" for market in found],
    )


def with_pandas(body: bytes) -> float:
    """Skew as most bots write it: a frame, names read by strptime, delta row by row, a loop over expiries."""
    frame = pd.DataFrame(json.loads(body)["result"])
    parts = frame["instrument_name"].str.split("-", expand=True)
    frame["expiry"] = parts[1].map(
        lambda day: datetime.strptime(f"{day} 08", "%d%b%y %H").replace(tzinfo=UTC)
    )
    frame["strike"], frame["call"] = parts[2].astype(float), parts[3] == "C"
    now = pd.to_datetime(frame["creation_timestamp"].median(), unit="ms", utc=True)
    frame["days"] = (frame["expiry"] - now).dt.total_seconds() / 86_400.0
    frame = frame[frame["days"] > 1.0].copy()
    normal = NormalDist()

    def delta(row: Any) -> float:
        spread = row["mark_iv"] / 100.0 * math.sqrt(row["days"] / 365.0)
        d1 = math.log(row["underlying_price"] / row["strike"]) / spread + spread / 2.0
        return normal.cdf(d1) - (0.0 if row["call"] else 1.0)

    frame["delta"] = frame.apply(delta, axis=1)
    legs = []
    for days, one in frame.groupby("days"):
        put, call = one[~one["call"]].sort_values("delta"), one[one["call"]].sort_values("delta")
        legs.append(
            (
                days,
                np.interp(-0.25, put["delta"], put["mark_iv"]),
                np.interp(0.25, call["delta"], call["mark_iv"]),
            )
        )
    terms = np.array(legs)
    total = [np.interp(DAYS, terms[:, 0], terms[:, leg] ** 2 * terms[:, 0]) for leg in (1, 2)]
    return math.sqrt(total[0] / DAYS) - math.sqrt(total[1] / DAYS)


def with_quantlib(options: OptionChain) -> float:
    """Skew with QuantLib's delta for each row, then a leg between its two strikes and total variance between
    expiries."""
    at_ms = options.observed_at.timestamp() * 1000.0
    terms: dict[int, list[tuple[float, float, bool]]] = {}
    rows = zip(
        options.expires_ms.tolist(),
        options.strike_usd.tolist(),
        options.is_call.tolist(),
        options.forward_usd.tolist(),
        options.mark_iv_pct.tolist(),
        options.row_ms.tolist(),
        strict=True,
    )
    for expires, strike, call, forward, iv, row_ms in rows:
        if expires - at_ms >= DAY_MS:
            spread = iv / 100.0 * math.sqrt((expires - row_ms) / YEAR_MS)
            right = ql.Option.Call if call else ql.Option.Put
            delta = ql.BlackCalculator(ql.PlainVanillaPayoff(right, strike), forward, spread).deltaForward()
            terms.setdefault(expires, []).append((delta, iv, call))
    days = sorted(terms)
    legs = []
    for want, side in ((-0.25, False), (0.25, True)):
        variance = []
        for expires in days:
            pairs = sorted((delta, iv) for delta, iv, call in terms[expires] if call is side)
            iv = float(np.interp(want, [delta for delta, _ in pairs], [iv for _, iv in pairs]))
            variance.append(iv**2 * (expires - at_ms))
        target = DAYS * DAY_MS
        legs.append(math.sqrt(float(np.interp(target, [one - at_ms for one in days], variance)) / target))
    return legs[0] - legs[1]


def main() -> None:
    """Time the three and print what they found."""
    body = Path(sys.argv[1]).read_bytes()
    exchange = ccxt.deribit()
    markets(exchange, body)
    options = with_ccxt(exchange, body)
    told = {
        f"ccxt {ccxt.__version__}": best(lambda: skew(with_ccxt(exchange, body))),
        f"json + pandas {pd.__version__}": best(lambda: with_pandas(body), 5),
        f"QuantLib {ql.__version__}": best(lambda: with_quantlib(options)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
