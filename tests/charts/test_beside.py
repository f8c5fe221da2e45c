"""Labels of points: each beside its own, on no line, bar or word that is drawn, whatever the shape of the line."""

from itertools import combinations, pairwise
from math import hypot, isnan
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from bot.charts import beside, theme
from bot.charts.beside import Label
from bot.charts.draw import lay_out, render
from bot.charts.sheet import DATA, Box, Sheet
from bot.domain.posts import ENGLISH, ChartSeries, ChartSpec
from tests.charts.samples import ALL, SPANISH, hours

FIELD = Box(text="", left=0, low=0, right=theme.WIDTH, high=theme.HEIGHT)
SPEECHES = {"en": ENGLISH, "es": SPANISH}
COUNT = 240


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return Sheet()


def lies_on(box: Box, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a part of a line is inside a box: what is left of it when it is cut at each of the box's edges."""
    since, until = 0.0, 1.0
    for axis, low, high in ((0, box.left, box.right), (1, box.low, box.high)):
        step = end[axis] - start[axis]
        if step == 0.0:
            if not low < start[axis] < high:
                return False
            continue
        first, last = sorted(((low - start[axis]) / step, (high - start[axis]) / step))
        since, until = max(since, first), min(until, last)
    return since < until


def written_over(sheet: Sheet) -> list[str]:
    """The words that lie on a line of the data, or across an edge of one of its bars, as the figure has them."""
    found = []
    for artist in sheet._figure.get_children():
        drawn: Any = artist
        if drawn.get_zorder() < DATA:
            continue
        if hasattr(drawn, "get_markersize") and drawn.get_linestyle() != "None":
            points = list(zip(map(float, drawn.get_xdata()), map(float, drawn.get_ydata()), strict=True))
            found += [
                word.text
                for word in sheet.words
                if any(lies_on(word, a, b) for a, b in pairwise(points) if not isnan(a[1] + b[1]))
            ]
        elif hasattr(drawn, "get_paths"):
            for path in drawn.get_paths():
                edges = path.get_extents()
                bar = Box(text="", left=edges.x0, low=edges.y0, right=edges.x1, high=edges.y1)
                found += [word.text for word in sheet.words if bar.meets(word) and not bar.holds(word)]
    return found


def touching(sheet: Sheet) -> list[tuple[str, str]]:
    return [(a.text, b.text) for a, b in combinations(sheet.words, 2) if a.meets(b, -3)]


@pytest.mark.parametrize("language", SPEECHES)
@pytest.mark.parametrize("kind", ALL)
def test_no_words_lie_on_what_is_drawn(kind: str, language: str, sheet: Sheet) -> None:
    lay_out(replace(ALL[kind](), speech=SPEECHES[language]), sheet)
    assert (written_over(sheet), touching(sheet)) == ([], [])


def test_words_stand_at_the_same_places_on_either_ground(sheet: Sheet) -> None:
    spec = ALL["history"]()
    dark = render(spec, sheet)
    places = list(sheet.words)
    assert render(spec, sheet, light=True) != dark
    assert sheet.words == places


def wander(seed: int, pull: float) -> tuple[float, ...]:
    """A line that wanders; with `pull` it comes back to where it was."""
    random, value, found = Random(seed), 0.0, []
    for _ in range(COUNT):
        value += random.gauss(0.0, 1.0) - pull * value
        found.append(value)
    return tuple(found)


def spike(place: int, size: float) -> tuple[float, ...]:
    """A line that is all but flat with one spike."""
    return tuple(size if hour == place else 0.02 * (hour % 7) for hour in range(COUNT))


SHAPES = {
    **{f"walk {seed}": wander(seed, 0.0) for seed in range(6)},
    **{f"noise {seed}": wander(seed, 0.6) for seed in range(4)},
    **{f"peak at {place}": spike(place, 9.0) for place in (1, 6, 120, 233, 238)},
    **{f"hole at {place}": spike(place, -9.0) for place in (1, 6, 120, 233, 238)},
    "valley": tuple((hour - 120.0) ** 2 for hour in range(COUNT)),
    "teeth": tuple(float(hour % 12) + hour / 1000 for hour in range(COUNT)),
}


def drawn_as(kind: str, shape: tuple[float, ...], *, floors: bool) -> ChartSpec:
    """A kind's sample over another line, its price too; without `floors` no price and no stances above it."""
    spec = ALL[kind]()
    low, high = min(shape), max(shape)
    prices = tuple(60_150 + 23_850 * (value - low) / (high - low) for value in shape)
    past = ChartSeries(label="price", at=hours(COUNT), y=prices, unit="USD")
    scaled = tuple(-100.0 + 200.0 * (value - low) / (high - low) for value in shape)
    first = replace(spec.series[0], at=hours(COUNT), y=scaled if kind == "balance" else shape)
    series = (first, *(spec.series[1:] if kind == "volatility" else ()))
    above = {"price": past, "marks": spec.marks} if floors else {"price": None, "marks": ()}
    return replace(spec, series=series, band=None, **above)


@pytest.mark.parametrize("language", SPEECHES)
@pytest.mark.parametrize(
    ("kind", "floors"),
    [("history", True), ("history", False), ("balance", True), ("funding", True), ("volatility", False)],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_extremes_are_told_beside_any_line(
    shape: str, kind: str, floors: bool, language: str, sheet: Sheet
) -> None:
    spec = drawn_as(kind, SHAPES[shape], floors=floors)
    lay_out(replace(spec, speech=SPEECHES[language]), sheet)
    assert (written_over(sheet), touching(sheet)) == ([], [])
    for box, x, y in extremes_of(sheet):
        assert hypot(gap(box.left, box.right, x), gap(box.low, box.high, y)) <= beside.GAP + beside.REACH


def gap(low: float, high: float, at: float) -> float:
    return max(low - at, at - high, 0.0)


def extremes_of(sheet: Sheet) -> list[tuple[Box, float, float]]:
    """The nearest small words to each marked extreme, with its place."""
    dots: list[Any] = [
        one
        for one in sheet._figure.get_children()
        if hasattr(one, "get_markersize") and one.get_markersize() == 10
    ]
    found = []
    for dot in dots:
        x, y = float(dot.get_xdata()[0]), float(dot.get_ydata()[0])
        near = min(
            sheet.words, key=lambda word: hypot(gap(word.left, word.right, x), gap(word.low, word.high, y))
        )
        found.append((near, x, y))
    return found


def test_both_extremes_of_a_line_are_marked(sheet: Sheet) -> None:
    lay_out(drawn_as("history", SHAPES["noise 1"], floors=True), sheet)
    told = {box.text for box, _, _ in extremes_of(sheet)}
    assert len(told) == 4


def label(x: float = 400.0, y: float = 300.0, **more: Any) -> Label:
    return Label(text="60,150", x=x, y=y, ink=theme.TEXT, **more)


@pytest.mark.parametrize(("up", "above"), [(True, True), (False, False)])
def test_a_label_alone_stands_over_its_point_or_under_it(up: bool, above: bool, sheet: Sheet) -> None:
    sheet.wipe()
    box = beside.put(sheet, label(up=up), FIELD)
    assert box is not None
    assert (box.left + box.right) / 2 == pytest.approx(400.0, abs=1)
    assert (box.low - 300.0 if above else 300.0 - box.high) == pytest.approx(beside.GAP, abs=1)


def test_a_label_keeps_off_a_line_a_bar_a_marker_and_a_word(sheet: Sheet) -> None:
    for blocked in ("line", "bar", "marker", "word"):
        sheet.wipe()
        if blocked == "line":
            sheet.line([300, 500], [315, 315], theme.SKY)
        elif blocked == "bar":
            sheet.bars([(300, 312, 500, 318)], theme.SKY)
        elif blocked == "marker":
            sheet.dots([400], [316], theme.SKY)
        else:
            sheet.text(400, 310, "84,000", across="center")
        before = len(sheet.words)
        box = beside.put(sheet, label(), FIELD)
        assert box is not None
        assert sheet.clear(box, beside.LINES_APART)
        assert not any(box.meets(word) for word in sheet.words[:before])


def test_a_label_goes_a_little_further_to_keep_off_a_grid_line(sheet: Sheet) -> None:
    sheet.wipe()
    sheet.line([0, theme.WIDTH], [309, 309], theme.GRID, over=1)
    box = beside.put(sheet, label(), FIELD)
    assert box is not None
    assert box.low > 309
    sheet.wipe()
    for y in range(200, 400, 5):
        sheet.line([0, theme.WIDTH], [y, y], theme.GRID, over=1)
    assert beside.put(sheet, label(), FIELD) is not None


def test_where_everything_is_taken_a_label_is_left_out_unless_it_must_stand(sheet: Sheet) -> None:
    sheet.wipe()
    for y in range(150, 450, 8):
        sheet.line([200, 600], [y, y], theme.SKY)
    assert beside.put(sheet, label(), FIELD) is None
    assert sheet.words == []
    assert beside.put(sheet, label(), FIELD, must=True) is not None


def test_a_label_stays_inside_its_field(sheet: Sheet) -> None:
    for x, y in ((101.0, 300.0), (899.0, 300.0), (500.0, 499.0), (500.0, 101.0)):
        sheet.wipe()
        field = Box(text="", left=100, low=100, right=900, high=500)
        box = beside.put(sheet, label(x, y), field)
        assert box is not None
        assert field.holds(box)


def test_a_line_is_met_only_where_it_runs(sheet: Sheet) -> None:
    sheet.wipe()
    sheet.line([100, 300, float("nan"), 500, 700], [100, 300, float("nan"), 300, 100], theme.SKY, width=2)
    on, beyond, in_the_gap = (
        Box(text="", left=x - 10, low=y - 10, right=x + 10, high=y + 10)
        for x, y in ((200, 200), (200, 260), (400, 300))
    )
    assert [sheet.clear(box) for box in (on, beyond, in_the_gap)] == [False, True, True]
    assert not sheet.clear(beyond, room=30)
    assert sheet.clear(on, ground=True)
