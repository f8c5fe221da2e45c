"""A small spec of every kind, made up, in the shape that the builders give."""

from datetime import UTC, datetime, timedelta
from math import cos, sin

from bot.domain.posts import ChartSpec, Column, Mark

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
CAPTION = "6 Feb 2026, 14:00 UTC · Deribit, OKX, Bybit"


def hours(count: int) -> tuple[datetime, ...]:
    return tuple(AT - timedelta(hours=count - 1 - hour) for hour in range(count))


def wave(count: int, low: float, high: float, turns: float = 3.0, gap: range = range(0)) -> tuple[float | None, ...]:
    """Values that swing and climb from `low` to `high`, with a gap."""
    return tuple(
        None
        if place in gap
        else low + (high - low) * place / count + (high - low) * 0.12 * sin(turns * 6.28 * place / count)
        for place in range(count)
    )


def history() -> ChartSpec:
    return ChartSpec(
        kind="history", title="BTC: 60-day put-call skew, 30 days", unit="% of ATM IV", caption=CAPTION,
        series=(Column(label="60-day put-call skew", at=hours(720), y=wave(720, 3.0, 20.0, gap=range(300, 340))),),
        alt="BTC: 60-day put-call skew over 30 days: 20% at the end, usual range 0% to 6%, one gap.",
        band=(0.0, 6.0), band_label="usual range",
        marks=(
            Mark(label="neutral", at=AT - timedelta(days=29), kind="neutral"),
            Mark(label="caution", at=AT - timedelta(days=7), kind="bearish"),
            Mark(label="no call", at=AT - timedelta(days=5), kind="no-call"),
            Mark(label="caution", at=AT - timedelta(days=4, hours=12), kind="bearish"),
        ),
    )  # fmt: skip


def smile() -> ChartSpec:
    strikes = tuple(44_000.0 + 2_000.0 * step for step in range(25))
    forward = 68_200.0
    iv = tuple(52 + 330 * (strike / forward - 1.08) ** 2 for strike in strikes)
    return ChartSpec(
        kind="smile", title="BTC: volatility smile, 27 March 2026", unit="% a year", caption=CAPTION,
        series=(Column(label="27 Mar 2026, 49 days", x=strikes, y=iv),), x_label="strike",
        alt="BTC: implied volatility by strike for 27 March 2026.",
        marks=(
            Mark(label="25Δ put 71.6%", x=57_000.0, y=71.6), Mark(label="ATM 54.1%", x=68_200.0, y=54.1),
            Mark(label="25Δ call 53.8%", x=79_000.0, y=53.8), Mark(label="forward", x=forward),
        ),
    )  # fmt: skip


def curve() -> ChartSpec:
    days = (7.0, 21.0, 49.0, 140.0, 231.0)
    return ChartSpec(
        kind="curve", title="BTC: basis by expiry and venue", unit="% a year", caption=CAPTION, x_label="days to expiry",
        series=(
            Column(label="Deribit", x=days, y=(1.1, 1.6, 2.0, 2.9, 3.4)),
            Column(label="OKX", x=days, y=(0.7, 1.3, None, 2.6, 3.2)),
            Column(label="Binance", x=(49.0, 140.0), y=(2.4, 3.3)),
        ),
        alt="BTC: basis by expiry at three venues, from 0.7% to 3.4% a year.", band=(5.0, 10.0), band_label="usual range",
    )  # fmt: skip


def split() -> ChartSpec:
    dollars = tuple(44.3e9 - 8.5e9 * (hour / 168) ** 1.5 for hour in range(168))
    coins = tuple(527_850.0 + 900 * cos(hour / 12) for hour in range(168))
    return ChartSpec(
        kind="split", title="BTC: open interest, 7 days", unit="USD", caption=CAPTION,
        series=(
            Column(label="7 days ago", y=(44.3e9,), text="$44.3B"), Column(label="price", y=(-8.3e9,)),
            Column(label="positions", y=(-0.2e9,)), Column(label="now", y=(35.8e9,)),
            Column(label="in dollars", at=hours(168), y=dollars), Column(label="in coins", at=hours(168), y=coins),
        ),
        alt="BTC: open interest fell from $44.3 billion to $35.8 billion; price took $8.3 billion, positions $0.2 billion.",
    )  # fmt: skip


def liquidations() -> ChartSpec:
    longs = tuple(
        None if 5 <= hour < 8 else 2e6 + (180e6 if hour == 34 else 60e6 if hour in (33, 35) else 0) + 3e6 * (hour % 5)
        for hour in range(48)
    )
    shorts = tuple(
        None if 5 <= hour < 8 else 1e6 + 2e6 * (hour % 7) + (70e6 if hour == 42 else 0) for hour in range(48)
    )
    return ChartSpec(
        kind="liquidations", title="BTC: liquidations by hour, 48 hours", unit="USD", caption=f"{CAPTION} · at least",
        series=(Column(label="shorts", at=hours(48), y=shorts), Column(label="longs", at=hours(48), y=longs)),
        alt="BTC: liquidations by hour: longs $180 million in the worst hour.", band_label="not heard",
    )  # fmt: skip


def funding() -> ChartSpec:
    return ChartSpec(
        kind="funding", title="BTC: funding by venue, 7 days", unit="% a year", caption=CAPTION,
        series=(
            Column(label="Deribit", at=hours(168), y=wave(168, 9.0, 1.0)),
            Column(label="OKX", at=hours(168), y=wave(168, 10.5, -1.5, 5.0, gap=range(60, 80))),
            Column(label="Bybit", at=hours(168), y=wave(168, 8.0, 1.2, 4.0)),
            Column(label="Binance", at=hours(168), y=wave(168, 8.5, 2.2, 2.0)),
        ),
        alt="BTC: funding by venue over 7 days: it fell from about 9% to about 1% a year.",
    )  # fmt: skip


def record() -> ChartSpec:
    return ChartSpec(
        kind="record", title="BTC: how past verdicts did, 7 days on", unit="%", caption=CAPTION,
        series=(
            Column(label="hit rate", x=(0.0, 1.0, 2.0), y=(64.0, 55.0, None)),
            Column(label="low", x=(0.0, 1.0, 2.0), y=(48.0, 41.0, None)),
            Column(label="high", x=(0.0, 1.0, 2.0), y=(78.0, 68.0, None)),
            Column(label="base rate", x=(0.0, 1.0, 2.0), y=(46.0, 52.0, 30.0)),
        ),
        alt="BTC: caution was right 64% of 42 times, base rate 46%; overheated was said too few times to say.",
        marks=(Mark(label="caution · n = 42"), Mark(label="bullish · n = 51"), Mark(label="overheated · n = 3 · too few to say")),
    )  # fmt: skip


def summary() -> ChartSpec:
    return ChartSpec(
        kind="summary", title="BTC", unit="", caption=CAPTION,
        series=(
            Column(label="60-day put-call skew", at=hours(168), y=wave(168, 3.0, 20.0), text="20%"),
            Column(label="60-day basis", at=hours(168), y=wave(168, 7.0, 2.0, gap=range(80, 100)), text="2%"),
            Column(label="Open interest", at=hours(168), y=wave(168, 44.3e9, 35.8e9), text="$35.8 billion"),
            Column(label="Spot", at=hours(168), y=wave(168, 84_000, 67_800), text="$67,800"),
        ),
        alt="BTC: caution, high confidence. Skew 20%, basis 2%, open interest $35.8 billion, spot $67,800.",
        marks=(Mark(label="caution", kind="bearish"), Mark(label="high confidence")),
    )  # fmt: skip


ALL = {made.__name__: made for made in (history, smile, curve, split, liquidations, funding, record, summary)}
