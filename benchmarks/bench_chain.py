"""A 900-option reply's bytes → 30-day skew with all checks, and arrays → skew: beside the decode and the
normal distribution alone, ccxt, json + pandas and QuantLib.

Run: ./tightrope bench chain

The reply is made here, in the shape that Deribit documents and the size of a recorded one. The peers live in
an environment of their own, `.venv-peers/chain`, made on the first run; where that cannot be made their rows
are left out, with the reason."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.peers import python_with, run, why
from bot.domain.chain import OptionChain
from bot.metrics.smile import normal_cdf, smile_at
from bot.sources._http import Reply
from bot.sources.deribit import _OPTIONS, parse_options

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ccxt", "QuantLib", "pandas", "numpy", "pydantic", "msgspec")
"""The peers, and what our own formula stands on, which is run beside them (tests/test_benchmarks.py)."""
NOW = datetime(2026, 1, 23, 12, 30, tzinfo=UTC)
EXPIRIES = (1, 2, 3, 7, 14, 21, 35, 63, 91, 154, 245, 336)
STRIKES = 38
FORWARD_USD, DAYS = 89_000.0, 30.0
SAME_POINTS = 0.02


def reply() -> bytes:
    """Calls and puts of twelve expiries, a tilted smile, each row as `get_book_summary_by_currency` documents
    it."""
    chance = np.random.default_rng(1)
    at_ms = round(NOW.timestamp() * 1000)
    rows = []
    for days in EXPIRIES:
        expires = (NOW + timedelta(days=days)).replace(hour=8, minute=0)
        life = (expires - NOW) / timedelta(days=365)
        forward = FORWARD_USD * (1.0 + 0.045 * life)
        reach = 3.2 * 0.42 * math.sqrt(life)
        strikes = {round(forward * math.exp(x) / 500.0) * 500 for x in np.linspace(-reach, reach, STRIKES)}
        for strike in sorted(strikes):
            moneyness = math.log(strike / forward) / math.sqrt(life)
            iv = round(38.0 + 3.0 * life - 6.0 * moneyness + 4.0 * moneyness**2, 2)
            day = f"{expires.day}{expires:%b%y}".upper()
            rows += [
                _row(
                    f"BTC-{day}-{strike}-{right}", iv, forward, at_ms + int(chance.integers(-400, 0)), chance
                )
                for right in ("C", "P")
            ]
    envelope = {
        "jsonrpc": "2.0",
        "result": rows,
        "usIn": at_ms * 1000,
        "usOut": at_ms * 1000 + 900,
        "usDiff": 900,
    }
    return json.dumps({**envelope, "testnet": False}, separators=(",", ":")).encode()


def _row(name: str, iv: float, forward: float, at_ms: int, chance: np.random.Generator) -> dict[str, Any]:
    price = round(float(chance.uniform(0.0004, 0.2)), 4)
    return {
        "instrument_name": name,
        "base_currency": "BTC",
        "quote_currency": "BTC",
        "creation_timestamp": at_ms,
        "bid_price": price,
        "ask_price": round(price + 0.0005, 4),
        "mid_price": round(price + 0.00025, 5),
        "mark_price": round(price + 0.0002, 8),
        "mark_iv": iv,
        "last": price,
        "high": None,
        "low": None,
        "price_change": None,
        "open_interest": round(float(chance.uniform(0, 900)), 1),
        "volume": round(float(chance.uniform(0, 90)), 1),
        "volume_usd": round(float(chance.uniform(0, 1e5)), 2),
        "underlying_index": "SYN." + name.rsplit("-", 2)[0],
        "underlying_price": round(forward, 4),
        "estimated_delivery_price": FORWARD_USD,
        "interest_rate": 0.0,
    }


def best_ms(*runs: Callable[[], object], times: int = 300) -> list[float]:
    """The shortest of each, in milliseconds; they take turns, so that a busy machine is busy for all of
    them."""
    taken = [math.inf] * len(runs)
    for _ in range(times):
        for place, work in enumerate(runs):
            began = time.perf_counter()
            work()
            taken[place] = min(taken[place], time.perf_counter() - began)
    return [one * 1000.0 for one in taken]


def skew_points(options: OptionChain) -> float:
    """30-day skew in volatility points."""
    found = smile_at(options, options.observed_at.timestamp() * 1000.0, (DAYS,))[DAYS]
    return math.nan if found.put25 is None or found.call25 is None else found.put25 - found.call25


def chain_of(body: bytes) -> OptionChain:
    """The chain in a reply, with all checks."""
    heard = Reply(subject="deribit BTC options", body=body, heard_at=NOW, tolerance=timedelta(seconds=5))
    return next(one for one in parse_options(heard, "BTC") if isinstance(one, OptionChain))


def peers(body: bytes) -> dict[str, dict[str, float]] | str:
    """What the peers took and found, or why they could not be asked."""
    try:
        python = python_with("chain", PACKAGES, PACKAGES)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "reply.json"
            file.write_bytes(body)
            told = run(python, str(ROOT / "benchmarks" / "peer_chain.py"), str(file), PYTHONPATH=str(ROOT))
    except (OSError, subprocess.SubprocessError) as error:
        return why(error)
    found: dict[str, dict[str, float]] = json.loads(told.stdout)
    return found


def row(
    what: str,
    ours: float,
    peer: str,
    theirs: float,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> None:
    """A row of the table: `at_most` how often the peer's time ours may be, `at_least` how often ours the
    peer's must be."""
    held, goal = None, ""
    if at_most is not None:
        held, goal = ours <= at_most * theirs, f"≤ {at_most:g} x the peer"
    if at_least is not None:
        held, goal = theirs >= at_least * ours, f"peer ≥ {at_least:g} x ours"
    told = {"what": what, "value": round(ours, 4), "unit": "ms", "peer": peer, "peer_value": round(theirs, 4)}
    print("row:" + json.dumps({**told, "ratio": round(theirs / ours, 3), "goal": goal, "held": held}))


def main() -> int:
    """Measure, and print the rows."""
    body = reply()
    options = chain_of(body)
    spread = np.linspace(-3.0, 3.0, len(options))
    from_bytes, decode, from_arrays, normal = best_ms(
        lambda: skew_points(chain_of(body)),
        lambda: _OPTIONS.decode(body),
        lambda: skew_points(options),
        lambda: normal_cdf(spread),
    )
    plain = best_ms(lambda: msgspec.json.decode(body), times=60)[0]
    print(
        f"{len(options)} options, {len(body) / 1000:.0f} KB; json decode of every field, checks of none: {plain:.2f} ms"
    )
    bytes_row, arrays_row = "bytes → 30-day skew, all checks", "arrays → 30-day skew"
    row(bytes_row, from_bytes, "its own decode alone", decode, at_most=1.8)
    row(arrays_row, from_arrays, "the normal distribution alone", normal, at_most=2.0)
    told = peers(body)
    if isinstance(told, str):
        print(f"no peers: {told}")
        return 0
    ours = skew_points(options)
    for name, peer in told.items():
        goal = 50.0 if name.startswith("QuantLib") else 10.0
        row(
            arrays_row if goal == 50.0 else bytes_row,
            from_arrays if goal == 50.0 else from_bytes,
            name,
            peer["ms"],
            at_least=goal,
        )
    apart = {name: abs(peer["skew_points"] - ours) for name, peer in told.items()}
    print(
        f"skew {ours:.4f} points; the peers are within " + ", ".join(f"{one:.4f}" for one in apart.values())
    )
    return int(any(not one <= SAME_POINTS for one in apart.values()))


if __name__ == "__main__":
    sys.exit(main())
