"""A small spec of every kind, made up, in the shape that the builders give."""

from datetime import UTC, datetime, timedelta
from math import cos, exp, sin, sqrt

from bot.domain.posts import ChartSeries, ChartSpec, ChartSpeech, Mark

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
SPANISH = ChartSpeech(
    months=("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    decimal=",",
    thousands="\u00a0",
    scales=("\u00a0mil", "\u00a0M", "", "\u00a0bill."),
    dollars="{}\u00a0$",
    percent="{}\u00a0%",
    grouped_from=5,
    units=(("% of ATM IV", "% de la volatilidad ATM"),),
)
"""As the Spanish bank has it: longer words than English ones."""
CAPTION = "6 Feb 2026, 14:00 UTC · Deribit, OKX, Bybit"


def hours(count: int) -> tuple[datetime, ...]:
    return tuple(AT - timedelta(hours=count - 1 - hour) for hour in range(count))


def wave(
    count: int, low: float, high: float, turns: float = 3.0, gap: range = range(0)
) -> tuple[float | None, ...]:
    """Values that swing and climb from `low` to `high`, with a gap."""
    return tuple(
        None
        if place in gap
        else low + (high - low) * place / count + (high - low) * 0.12 * sin(turns * 6.28 * place / count)
        for place in range(count)
    )


def price(count: int) -> ChartSeries:
    """A price that falls to $60,150 and comes back."""
    fall = tuple(84_000 - 16_200 * (hour / count) ** 2 for hour in range(count))
    y = tuple(60_150.0 if hour == count - 14 else value for hour, value in enumerate(fall))
    return ChartSeries(label="price", at=hours(count), y=y, unit="USD")


def history() -> ChartSpec:
    return ChartSpec(
        kind="history",
        title="BTC: 60-day put-call skew, 30 days",
        unit="% of ATM IV",
        caption=CAPTION,
        series=(
            ChartSeries(
                label="60-day put-call skew", at=hours(720), y=wave(720, 3.0, 20.0, gap=range(300, 340))
            ),
        ),
        alt="BTC: 60-day put-call skew over 30 days: 20% at the end, usual range 0% to 6%, one gap.",
        band=(0.0, 6.0),
        band_label="usual range",
        price=price(720),
        marks=(
            Mark(label="neutral", at=AT - timedelta(days=29), kind="neutral"),
            Mark(label="caution", at=AT - timedelta(days=7), kind="bearish"),
            Mark(label="no call", at=AT - timedelta(days=5), kind="no-call"),
            Mark(label="caution", at=AT - timedelta(days=4, hours=12), kind="bearish"),
        ),
    )


def smile() -> ChartSpec:
    strikes = tuple(44_000.0 + 2_000.0 * step for step in range(25))
    forward = 68_200.0
    iv = tuple(52 + 330 * (strike / forward - 1.08) ** 2 for strike in strikes)
    return ChartSpec(
        kind="smile",
        title="BTC: volatility smile, 27 March 2026",
        unit="% a year",
        caption=CAPTION,
        series=(ChartSeries(label="27 Mar 2026, 49 days", x=strikes, y=iv),),
        x_label="strike",
        alt="BTC: implied volatility by strike for 27 March 2026.",
        marks=(
            Mark(label="25Δ put 71.6%", x=57_000.0, y=71.6),
            Mark(label="ATM 54.1%", x=68_200.0, y=54.1),
            Mark(label="25Δ call 53.8%", x=79_000.0, y=53.8),
            Mark(label="forward", x=forward),
        ),
    )


def curve() -> ChartSpec:
    days = (7.0, 21.0, 49.0, 140.0, 231.0)
    return ChartSpec(
        kind="curve",
        title="BTC: basis by expiry and venue",
        unit="% a year",
        caption=CAPTION,
        x_label="days to expiry",
        series=(
            ChartSeries(label="Deribit", x=days, y=(1.1, 1.6, 2.0, 2.9, 3.4)),
            ChartSeries(label="OKX", x=days, y=(0.7, 1.3, None, 2.6, 3.2)),
            ChartSeries(label="Binance", x=(49.0, 140.0), y=(2.4, 3.3)),
        ),
        alt="BTC: basis by expiry at three venues, from 0.7% to 3.4% a year.",
        band=(5.0, 10.0),
        band_label="usual range",
    )


def split() -> ChartSpec:
    dollars = tuple(44.3e9 - 8.5e9 * (hour / 168) ** 1.5 for hour in range(168))
    coins = tuple(527_850.0 + 900 * cos(hour / 12) for hour in range(168))
    return ChartSpec(
        kind="split",
        title="BTC: open interest, 7 days",
        unit="USD",
        caption=CAPTION,
        series=(
            ChartSeries(label="7 days ago", y=(44.3e9,), text="$44.3B"),
            ChartSeries(label="price", y=(-8.3e9,)),
            ChartSeries(label="positions", y=(-0.2e9,)),
            ChartSeries(label="now", y=(35.8e9,)),
            ChartSeries(label="in dollars", at=hours(168), y=dollars),
            ChartSeries(label="in coins", at=hours(168), y=coins),
        ),
        marks=(Mark(label="Of the coins, inverse contracts gained $2.24 billion with nothing traded"),),
        alt="BTC: open interest fell from $44.3 billion to $35.8 billion; price took $8.3 billion, positions $0.2 billion.",
    )


def liquidations() -> ChartSpec:
    longs = tuple(
        None
        if 5 <= hour < 8
        else 2e6 + (180e6 if hour == 34 else 60e6 if hour in (33, 35) else 0) + 3e6 * (hour % 5)
        for hour in range(48)
    )
    shorts = tuple(
        None if 5 <= hour < 8 else 1e6 + 2e6 * (hour % 7) + (70e6 if hour == 42 else 0) for hour in range(48)
    )
    return ChartSpec(
        kind="liquidations",
        title="BTC: liquidations by hour, 48 hours",
        unit="USD",
        caption=f"{CAPTION} · at least",
        series=(
            ChartSeries(label="shorts", at=hours(48), y=shorts),
            ChartSeries(label="longs", at=hours(48), y=longs),
        ),
        alt="BTC: liquidations by hour: longs $180 million in the worst hour.",
        price=price(48),
        band_label="not heard",
    )


def funding() -> ChartSpec:
    return ChartSpec(
        kind="funding",
        title="BTC: funding by venue, 7 days",
        unit="% a year",
        caption=CAPTION,
        series=(
            ChartSeries(label="Deribit", at=hours(168), y=wave(168, 9.0, 1.0)),
            ChartSeries(label="OKX", at=hours(168), y=wave(168, 10.5, -1.5, 5.0, gap=range(60, 80))),
            ChartSeries(label="Bybit", at=hours(168), y=wave(168, 8.0, 1.2, 4.0)),
            ChartSeries(label="Binance", at=hours(168), y=wave(168, 8.5, 2.2, 2.0)),
        ),
        alt="BTC: funding by venue over 7 days: it fell from about 9% to about 1% a year.",
    )


def record() -> ChartSpec:
    return ChartSpec(
        kind="record",
        title="BTC: how past verdicts did, 7 days on",
        unit="%",
        caption=CAPTION,
        series=(
            ChartSeries(label="hit rate", x=(0.0, 1.0, 2.0), y=(64.0, 55.0, None)),
            ChartSeries(label="likely range", x=(0.0, 1.0, 2.0), y=(48.0, 41.0, None)),
            ChartSeries(label="likely range", x=(0.0, 1.0, 2.0), y=(78.0, 68.0, None)),
            ChartSeries(label="base rate", x=(0.0, 1.0, 2.0), y=(46.0, 52.0, 30.0)),
        ),
        alt="BTC: caution was right 64% of 42 times, base rate 46%; overheated was said too few times to say.",
        marks=(
            Mark(label="caution · n = 42"),
            Mark(label="bullish · n = 51"),
            Mark(label="overheated · n = 3 · too few to say"),
        ),
    )


def balance() -> ChartSpec:
    return ChartSpec(
        kind="balance",
        title="BTC: balance, 30 days",
        unit="points",
        caption=CAPTION,
        series=(ChartSeries(label="balance", at=hours(720), y=wave(720, 12.0, -58.0, gap=range(300, 340))),),
        alt="BTC: balance over 30 days: −58 at the end.",
        price=price(720),
        marks=(
            Mark(label="neutral", at=AT - timedelta(days=40), kind="neutral"),
            Mark(label="unclear", at=AT - timedelta(days=17), kind="unclear"),
            Mark(label="caution", at=AT - timedelta(days=16), kind="bearish"),
        ),
    )


def term() -> ChartSpec:
    days = (7.0, 30.0, 60.0, 90.0)
    return ChartSpec(
        kind="term",
        title="BTC: put-call skew by tenor",
        unit="% of ATM IV",
        x_label="days to expiry",
        caption=CAPTION,
        series=(
            ChartSeries(label="now", x=days, y=(30.2, 23.6, 20.0, 18.2)),
            ChartSeries(label="week ago", x=days, y=(10.0, 8.9, 8.4, 8.0), past=True),
        ),
        alt="BTC: skew by tenor: 30.2% at 7 days, 18.2% at 90.",
        band_label="usual range",
        marks=(
            Mark(label="usual range", x=30.0, y=-6.0),
            Mark(label="usual range", x=30.0, y=6.0),
            Mark(label="usual range", x=60.0, y=-6.0),
            Mark(label="usual range", x=60.0, y=6.0),
        ),
    )


def volatility() -> ChartSpec:
    daily = tuple(AT - timedelta(days=day) for day in range(90, -1, -1))
    came = tuple(None if day < 20 else 28.0 + 14.0 * (day / 91) ** 2 for day in range(91))
    return ChartSpec(
        kind="volatility",
        title="BTC: implied against realized volatility",
        unit="% a year",
        caption=CAPTION,
        series=(
            ChartSeries(label="DVOL", at=hours(90 * 24), y=wave(90 * 24, 42.0, 64.0)),
            ChartSeries(label="30-day realized", at=daily, y=came),
        ),
        alt="BTC: DVOL 64, realized 42.",
    )


def move() -> ChartSpec:
    days = (0, 7, 30, 60, 90)
    at = tuple(AT + timedelta(days=day) for day in days)

    def edge(count: float) -> tuple[float, ...]:
        return tuple(67_820.0 * exp(count * 0.55 * sqrt(day / 365)) for day in days)

    return ChartSpec(
        kind="move",
        title="BTC: how far options expect the price to go",
        unit="USD",
        caption=CAPTION,
        price=price(720),
        series=tuple(
            ChartSeries(label="one standard deviation" if abs(count) == 1 else "two", at=at, y=edge(count))
            for count in (1, -1, 2, -2)
        ),
        marks=tuple(
            Mark(label=str(day), at=AT + timedelta(days=day), y=67_820.0 * exp(way * 0.55 * sqrt(day / 365)))
            for day in days[1:]
            for way in (1, -1)
        ),
        alt="BTC: one standard deviation in 30 days: $57,900 to $79,400.",
    )


def gamma() -> ChartSpec:
    strikes = tuple(50_000.0 + 2_000.0 * step for step in range(20))
    calls = tuple(24e6 / (1 + ((strike - 70_000) / 6_000) ** 2) for strike in strikes)
    puts = tuple(15e6 / (1 + ((strike - 64_000) / 6_000) ** 2) for strike in strikes)
    return ChartSpec(
        kind="gamma",
        title="BTC: gamma by strike, all expiries",
        unit="USD",
        x_label="strike",
        caption=CAPTION,
        band_label="delta for 1% of price",
        series=(ChartSeries(label="calls", x=strikes, y=calls), ChartSeries(label="puts", x=strikes, y=puts)),
        marks=(Mark(label="spot", x=67_820.0),),
        alt="BTC: gamma by strike: most at $70,000.",
    )


def expiries() -> ChartSpec:
    at = tuple(AT + timedelta(days=day) for day in (7, 14, 21, 49, 77, 140, 231, 322))
    return ChartSpec(
        kind="expiries",
        title="BTC: open options by expiry",
        unit="USD",
        caption=CAPTION,
        series=(
            ChartSeries(label="calls", at=at, y=tuple(0.4e9 + 0.3e9 * place for place in range(8))),
            ChartSeries(label="puts", at=at, y=tuple(0.3e9 + 0.12e9 * place for place in range(8))),
            ChartSeries(label="max pain", at=at, y=tuple(65_000.0 + 1_000.0 * place for place in range(8))),
        ),
        alt="BTC: open options by expiry: most on 25 December 2026.",
    )


def summary() -> ChartSpec:
    return ChartSpec(
        kind="summary",
        title="Bitcoin",
        unit="",
        caption=CAPTION,
        price=ChartSeries(label="price", y=(), text="$67,820", note="−2.6% in 24 hours"),
        series=(
            ChartSeries(
                label="balance",
                x=(0.0, 1.0),
                y=(-67.0, -43.0),
                text="−67…−43",
                band=(-62.0, 21.0),
                note="its year: −62 to +21",
            ),
            ChartSeries(
                label="60-day put-call skew",
                at=hours(168),
                y=wave(168, 3.0, 20.0),
                text="20%",
                band=(-6.0, 6.0),
                note="usual −6% to 6%",
            ),
            ChartSeries(
                label="60-day basis",
                at=hours(168),
                y=wave(168, 7.0, 2.0, gap=range(80, 100)),
                text="2%",
                band=(5.0, 10.0),
                note="usual 5% to 10%",
            ),
            ChartSeries(
                label="open interest in dollars",
                at=hours(168),
                y=wave(168, 44.3e9, 35.8e9),
                text="$35.8 billion",
            ),
        ),
        alt="Bitcoin $67,820: caution, day 8, easing, high confidence. Balance −67…−43; skew 20%; basis 2%.",
        marks=(
            Mark(label="caution", kind="bearish"),
            Mark(label="day 8"),
            Mark(label="easing"),
            Mark(label="high confidence"),
        ),
    )


ALL = {
    made.__name__: made
    for made in (
        history,
        balance,
        smile,
        curve,
        split,
        liquidations,
        funding,
        record,
        summary,
        term,
        volatility,
        move,
        gamma,
        expiries,
    )
}
