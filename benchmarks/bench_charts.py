"""A chart: warm time and size beside pyplot's picture of the same data, and the event loop's lag while ten
are drawn."""

import asyncio
import io
import json
import sys
import time
import warnings
from pathlib import Path
from statistics import median

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.charts import PngPainter, render
from bot.charts.sheet import Sheet
from bot.charts.theme import HEIGHT, WIDTH
from tests.charts.samples import ALL

ROUNDS = 9
TICK_S = 0.002


def by_pyplot() -> bytes:
    """The peer: the same 720 hours with their band and words, as a first script would draw them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    spec = ALL["history"]()
    figure, axes = plt.subplots(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    axes.axhspan(*(spec.band or (0.0, 1.0)), color="green", alpha=0.25, label=spec.band_label)
    axes.plot(
        spec.series[0].at,
        [float("nan") if y is None else y for y in spec.series[0].y],
        label=spec.series[0].label,
    )
    for mark in spec.marks:
        axes.axvline(mark.at, linestyle="--")
    axes.set_title(spec.title)
    axes.set_ylabel(spec.unit)
    axes.grid(visible=True)
    axes.legend()
    figure.autofmt_xdate()
    figure.tight_layout()
    stream = io.BytesIO()
    figure.savefig(stream)
    plt.close(figure)
    return stream.getvalue()


def timed() -> tuple[float, float, int, int]:
    """Median seconds and bytes of ours and of the peer's, taken in turn so that a busy machine hurts both
    alike."""
    sheet, spec = Sheet(), ALL["history"]()
    ours, theirs = [], []
    mine, other = render(spec, sheet), by_pyplot()
    for _ in range(ROUNDS):
        start = time.perf_counter()
        mine = render(spec, sheet)
        between = time.perf_counter()
        other = by_pyplot()
        theirs.append(time.perf_counter() - between)
        ours.append(between - start)
    return median(ours), median(theirs), len(mine), len(other)


async def lag(inline: bool) -> tuple[float, float]:
    """99th percentile and most of the loop's lag in seconds while ten different charts are drawn."""
    painter, sheet = PngPainter(), Sheet()
    await painter.draw(ALL["history"]())
    specs = [replace(spec(), title=f"{name} {n}") for n in range(2) for name, spec in ALL.items()][:10]
    lags: list[float] = []

    async def watch() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(TICK_S)
            lags.append(time.perf_counter() - start - TICK_S)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.02)
    if inline:
        for spec in specs:
            render(spec, sheet)
        await asyncio.sleep(0.02)
    else:
        await asyncio.gather(*(painter.draw(spec) for spec in specs))
    watching.cancel()
    painter.close()
    lags.sort()
    return lags[int(len(lags) * 0.99)], lags[-1]


def row(what: str, unit: str, mine: float, peer: str, theirs: float, goal: str, *, held: bool) -> str:
    """A row of the table that `./tightrope bench` makes."""
    told = {
        "what": what,
        "value": round(mine, 2),
        "unit": unit,
        "peer": peer,
        "peer_value": round(theirs, 2),
        "ratio": theirs / mine if mine else None,
        "goal": goal,
        "held": held,
    }
    return f"row: {json.dumps(told, ensure_ascii=False)}"


def main() -> None:
    """Print each figure beside its peer's and its goal."""
    warnings.simplefilter("ignore")
    ours_s, theirs_s, mine, other = timed()
    sizes = {name: len(render(spec())) / 1e3 for name, spec in ALL.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    apart_s, most_s = asyncio.run(lag(inline=False))
    _, blocked_s = asyncio.run(lag(inline=True))
    print(
        f"largest of {len(sizes)} kinds: {largest}; the loop's lag at most {most_s * 1e3:.1f} ms while ten are drawn"
    )
    half = f"≤ half of pyplot's ({theirs_s * 500:.0f} ms)"
    print(
        row("a chart, warm", "ms", ours_s * 1e3, "pyplot", theirs_s * 1e3, half, held=ours_s <= theirs_s / 2)
    )
    print(row("a chart's bytes", "KB", mine / 1e3, "pyplot", other / 1e3, "≤ 45 KB", held=mine <= 45e3))
    print(
        row(
            "the largest kind's bytes",
            "KB",
            sizes[largest],
            "pyplot",
            other / 1e3,
            "≤ 45 KB",
            held=sizes[largest] <= 45,
        )
    )
    print(
        row(
            "loop lag at p99 while ten are drawn",
            "ms",
            apart_s * 1e3,
            "drawn on the loop",
            blocked_s * 1e3,
            "≤ 20 ms",
            held=apart_s <= 0.02,
        )
    )


if __name__ == "__main__":
    main()
