"""A chart: warm time and size beside pyplot's picture of the same data, and the event loop's lag while ten are drawn."""

import asyncio
import io
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import median

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
        spec.series[0].at, [float("nan") if y is None else y for y in spec.series[0].y], label=spec.series[0].label
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
    """Median seconds and bytes of ours and of the peer's, taken in turn so that a busy machine hurts both alike."""
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


def main() -> None:
    """Print each figure beside its goal."""
    warnings.simplefilter("ignore")
    ours, theirs, mine, other = timed()
    sizes = {name: len(render(spec())) for name, spec in ALL.items()}
    apart, most = asyncio.run(lag(inline=False))
    _, blocked = asyncio.run(lag(inline=True))
    print(
        f"chart, warm     {ours * 1e3:6.1f} ms   pyplot {theirs * 1e3:6.1f} ms   ratio {ours / theirs:.2f} (goal ≤ 0.50)"
    )
    largest = max(sizes.values())
    print(
        f"chart, bytes    {mine / 1e3:6.1f} KB   pyplot {other / 1e3:6.1f} KB   largest {largest / 1e3:.1f} KB (goal ≤ 45)"
    )
    print(
        f"loop lag, ten   {apart * 1e3:6.1f} ms p99, {most * 1e3:.1f} ms at most   inline {blocked * 1e3:.0f} ms (goal p99 < 20)"
    )


if __name__ == "__main__":
    main()
