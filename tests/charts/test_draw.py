"""Every kind of chart: small, the same each time, its words apart from each other, its gaps open."""

import io
import struct
from datetime import timedelta
from functools import cache
from itertools import combinations, pairwise
from typing import Any, get_args

import numpy as np
import pytest
from msgspec import Struct
from msgspec.structs import replace
from PIL import Image

from bot.charts import frame, theme, ticks
from bot.charts.draw import KINDS, lay_out, render
from bot.charts.sheet import Box, Sheet
from bot.domain.posts import ChartSeries, ChartSpeech, Mark
from bot.domain.rulebook import Stance
from tests.charts.samples import ALL, AT, SPANISH, hours

LARGEST = 45_000


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return Sheet()


def lines(sheet: Sheet) -> list[Any]:
    return [artist for artist in sheet._figure.get_children() if hasattr(artist, "get_markersize")]


def sizes(sheet: Sheet) -> list[float]:
    return [
        artist.get_fontsize() for artist in sheet._figure.get_children() if hasattr(artist, "get_fontsize")
    ]


def said(sheet: Sheet) -> list[str]:
    return [word.text for word in sheet.words]


class SampleDrawn(Struct, frozen=True, kw_only=True):
    """A sample's picture on a sheet of its own, the words on it and the sizes of its letters."""

    picture: bytes
    words: tuple[Box, ...]
    sizes: tuple[float, ...]


@cache
def sample_of(kind: str) -> SampleDrawn:
    """What a kind's sample comes to, drawn once for all that look at it."""
    own = Sheet()
    picture = render(ALL[kind](), own)
    return SampleDrawn(picture=picture, words=tuple(own.words), sizes=tuple(sizes(own)))


def test_every_kind_has_a_file_that_draws_it_and_a_sample() -> None:
    assert set(KINDS) == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_a_chart_is_a_small_png_of_the_size_that_phones_show(kind: str) -> None:
    picture = sample_of(kind).picture
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (theme.WIDTH, theme.HEIGHT)
    assert len(picture) <= LARGEST


@pytest.mark.parametrize("kind", ALL)
def test_the_same_spec_gives_the_same_bytes_on_any_sheet(kind: str, sheet: Sheet) -> None:
    assert render(ALL[kind](), sheet) == sample_of(kind).picture


@pytest.mark.parametrize("kind", ALL)
def test_no_words_lie_on_each_other_or_leave_the_picture(kind: str) -> None:
    words = sample_of(kind).words
    # Letters hang below their line by a pixel or two; boxes are of whole lines.
    touching = [(a.text, b.text) for a, b in combinations(words, 2) if a.meets(b, -3)]
    assert touching == []
    assert [
        w.text for w in words if w.left < 0 or w.right > theme.WIDTH or w.low < 0 or w.high > theme.HEIGHT
    ] == []


@pytest.mark.parametrize("kind", ALL)
def test_the_picture_says_what_it_shows_of_whom_and_when(kind: str) -> None:
    spec, told = ALL[kind](), [word.text for word in sample_of(kind).words]
    assert spec.title in told
    assert spec.caption in " ".join(told)


@pytest.mark.parametrize("kind", ALL)
def test_no_word_is_smaller_than_nine_pixels_on_a_phone(kind: str) -> None:
    assert min(sample_of(kind).sizes) * 400 / theme.WIDTH >= 9


def test_a_title_that_is_too_long_is_cut_with_an_ellipsis(sheet: Sheet) -> None:
    render(replace(ALL["history"](), title="BTC: " + "a very long name of a metric " * 9), sheet)
    assert sheet.words[0].text.endswith("…")
    assert sheet.words[0].right <= theme.WIDTH - theme.EDGE + 1


def test_a_gap_is_not_drawn_through(sheet: Sheet) -> None:
    spec = ALL["history"]()
    missing = sum(value is None for value in spec.series[0].y)
    render(spec, sheet)
    drawn = [line for line in lines(sheet) if line.get_color() == theme.SKY]
    longest = max(drawn, key=lambda line: len(line.get_xdata()))
    assert missing > 0
    assert int(np.isnan(np.asarray(longest.get_ydata(), float)).sum()) == missing


def test_what_was_estimated_is_thinner_and_ends_at_a_line_where_readings_begin(sheet: Sheet) -> None:
    read = ChartSeries(label="a", at=hours(4), y=(1.0, 2.0, 3.0, 3.5))
    before = tuple(at - timedelta(hours=4) for at in hours(4))
    guessed = ChartSeries(label="a", at=before, y=(2.0, 2.5, 2.0, 1.5))
    spec = replace(ALL["history"](), series=(read,), band=None, marks=(), price=None)
    render(replace(spec, estimated=guessed), sheet)
    drawn = [line for line in lines(sheet) if line.get_color() == theme.SKY and len(line.get_xdata()) == 4]
    thin, thick = sorted(drawn, key=lambda line: line.get_linewidth())
    assert thin.get_linewidth() < thick.get_linewidth() / 2
    assert max(thin.get_xdata()) < min(thick.get_xdata())
    [upright] = [
        line
        for line in lines(sheet)
        if line.get_color() == theme.MUTED
        and len(set(line.get_xdata())) == 1
        and len(line.get_xdata()) == 2
        and line.get_xdata()[0] == thick.get_xdata()[0]
    ]
    low, high = upright.get_ydata()
    assert high - low > 100


def test_a_value_alone_between_two_gaps_is_a_dot(sheet: Sheet) -> None:
    column = ChartSeries(label="a", at=hours(7), y=(1.0, 2.0, None, 9.0, None, 2.0, 1.0))
    render(replace(ALL["history"](), series=(column,), band=None, marks=()), sheet)
    dotted = [line for line in lines(sheet) if line.get_marker() == "o" and line.get_markersize() == 9]
    assert [len(line.get_xdata()) for line in dotted] == [1]


def test_the_last_value_that_is_known_is_labeled_even_where_a_gap_follows(sheet: Sheet) -> None:
    column = ChartSeries(label="a", at=hours(4), y=(1.0, 2.0, 3.5, None))
    render(replace(ALL["history"](), series=(column,), band=None, marks=()), sheet)
    assert "3.5%" in said(sheet)


def test_a_series_own_words_stand_for_its_last_value(sheet: Sheet) -> None:
    column = ChartSeries(label="a", at=hours(3), y=(1.0, 2.0, 3.0), text="three percent")
    render(replace(ALL["history"](), series=(column,)), sheet)
    assert "three percent" in said(sheet)


def test_an_hour_that_nobody_tallied_is_said_in_the_key_and_a_whole_day_is_not(sheet: Sheet) -> None:
    spec = ALL["liquidations"]()
    render(spec, sheet)
    assert "not heard" in said(sheet)
    whole = tuple(replace(column, y=tuple(value or 1.0 for value in column.y)) for column in spec.series)
    render(replace(spec, series=whole), sheet)
    assert "not heard" not in said(sheet)


def test_changes_of_the_verdict_outside_the_picture_are_left_out(sheet: Sheet) -> None:
    marks = (
        Mark(label="bullish", at=AT - timedelta(days=300), kind="bullish"),
        Mark(label="caution", at=AT - timedelta(days=200), kind="bearish"),
    )
    render(replace(ALL["history"](), marks=marks), sheet)
    assert "bullish" not in said(sheet)
    assert "caution" in said(sheet)


def boxes(sheet: Sheet, ink: str) -> list[Any]:
    """The filled shapes in an ink."""
    wanted = tuple(int(ink[at : at + 2], 16) / 255 for at in (1, 3, 5))
    shapes: list[Any] = [artist for artist in sheet._figure.get_children() if hasattr(artist, "get_paths")]
    return [
        path
        for shape in shapes
        if np.allclose(shape.get_facecolor()[0][:3], wanted)
        for path in shape.get_paths()
    ]


def test_a_stance_stands_in_its_color_from_where_it_began_to_the_next_one(sheet: Sheet) -> None:
    marks = (
        Mark(label="neutral", at=AT - timedelta(days=60), kind="neutral"),
        Mark(label="caution", at=AT - timedelta(days=10), kind="bearish"),
    )
    render(replace(ALL["history"](), marks=marks), sheet)
    (calm,), (fear,) = (boxes(sheet, theme.STANCE_INKS[kind]) for kind in ("neutral", "bearish"))
    ends = [(path.get_extents().x0, path.get_extents().x1) for path in (calm, fear)]
    whole = ends[1][1] - ends[0][0]
    assert (ends[0][1] - ends[0][0]) / whole == pytest.approx(20 / 30, abs=0.02)
    assert {"neutral", "caution"} <= set(said(sheet))


def test_a_stance_too_short_for_its_word_is_named_in_the_key(sheet: Sheet) -> None:
    marks = (
        Mark(label="neutral", at=AT - timedelta(days=29), kind="neutral"),
        Mark(label="overheated", at=AT - timedelta(hours=9), kind="overheated"),
        Mark(label="caution", at=AT - timedelta(hours=5), kind="bearish"),
    )
    render(replace(ALL["history"](), marks=marks), sheet)
    named = {word.text: word.low for word in sheet.words if word.text in ("overheated", "caution", "neutral")}
    assert named["overheated"] > frame.PLOT_HIGH
    assert named["caution"] > frame.PLOT_HIGH
    assert named["neutral"] < frame.PLOT_HIGH


def test_every_stance_has_a_color_and_a_sign_of_its_own() -> None:
    assert set(theme.STANCE_INKS) == set(theme.STANCE_MARKERS) == set(get_args(Stance))
    assert (
        len(set(theme.STANCE_INKS.values()))
        == len(set(theme.STANCE_MARKERS.values()))
        == len(theme.STANCE_INKS)
    )


def test_the_low_of_the_price_is_reached_and_told_in_full(sheet: Sheet) -> None:
    render(ALL["history"](), sheet)
    assert "$60,150" in said(sheet)
    drawn = max(
        (line for line in lines(sheet) if line.get_color() == theme.TEXT),
        key=lambda line: len(line.get_xdata()),
    )
    heights = np.asarray(drawn.get_ydata(), float)
    dots = [line for line in lines(sheet) if line.get_color() == theme.TEXT and line.get_markersize() == 10]
    assert min(float(dot.get_ydata()[0]) for dot in dots) == pytest.approx(np.nanmin(heights))


def test_numbers_and_days_are_the_readers_own(sheet: Sheet) -> None:
    spanish = replace(
        SPANISH, thousands=".", scales=(" mil", " M", " mil M", " bill."), dollars="{} $", percent="{} %"
    )
    render(replace(ALL["history"](), speech=spanish), sheet)
    assert "% de la volatilidad ATM" in said(sheet)
    assert "% of ATM IV" not in said(sheet)
    assert "60.150 $" in said(sheet)
    assert any(word.endswith(" ene") for word in said(sheet))
    assert not any("%" in word and " %" not in word for word in said(sheet) if word[0].isdigit())
    render(replace(ALL["split"](), speech=spanish), sheet)
    assert "−8,3 mil M $" in said(sheet)


@pytest.mark.parametrize(("grouped_from", "shown"), [(4, "1,234"), (5, "1234")])
def test_whole_numbers_are_grouped_from_as_many_digits_as_the_language_does(
    grouped_from: int, shown: str
) -> None:
    speech = ChartSpeech(grouped_from=grouped_from, scales=("", "", "", ""))
    assert ticks.format_tick(1234.0, "coins", 1.0, speech) == shown
    assert ticks.format_tick(12_345.0, "coins", 1.0, speech) == "12,345"


def test_a_value_too_wide_for_its_cell_is_written_shorter_and_not_cut(sheet: Sheet) -> None:
    spec = ALL["summary"]()
    wide = replace(
        spec.series[-1], text="306 millones de dólares", unit="USD", y=(*spec.series[-1].y[:-1], 306e6)
    )
    render(replace(spec, series=(*spec.series[:-1], wide)), sheet)
    assert "$306M" in said(sheet)
    assert not any("millon" in word for word in said(sheet))
    least = replace(wide, text="at least $306 million of positions")
    render(replace(spec, series=(*spec.series[:-1], least)), sheet)
    assert any(word.startswith("at least") for word in said(sheet))


@pytest.mark.parametrize("kind", ALL)
def test_on_a_light_ground_the_same_picture_has_other_colors(kind: str, sheet: Sheet) -> None:
    dark, light = sample_of(kind).picture, render(ALL[kind](), sheet, light=True)
    assert len(dark) == len(light)
    pixels = [np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in (dark, light)]
    corner = [tuple(int(part) for part in one[2, -2]) for one in pixels]
    assert corner == [(30, 31, 34), (255, 255, 255)]


def test_liquidations_stand_below_the_price_of_their_time(sheet: Sheet) -> None:
    render(ALL["liquidations"](), sheet)
    assert "$60,150" in said(sheet)
    without = replace(ALL["liquidations"](), price=None)
    render(without, sheet)
    assert not any(word.startswith("$60") for word in said(sheet))


def test_a_week_ago_is_drawn_behind_now(sheet: Sheet) -> None:
    render(ALL["term"](), sheet)
    assert {"30.2%", "10%", "week ago", "now", "usual range"} <= set(said(sheet))
    inks = {
        line.get_color()
        for line in lines(sheet)
        if len(line.get_xdata()) == 4 and line.get_marker() in ("None", None, "")
    }
    assert {theme.SKY, theme.MUTED} <= inks


def test_realized_above_implied_has_another_color_than_below(sheet: Sheet) -> None:
    spec = ALL["volatility"]()

    def shades() -> set[tuple[float, ...]]:
        shapes: list[Any] = [
            artist for artist in sheet._figure.get_children() if hasattr(artist, "get_paths")
        ]
        return {tuple(round(float(part), 2) for part in shape.get_facecolor()[0][:3]) for shape in shapes}

    render(spec, sheet)
    below = shades()
    implied, came = spec.series
    above = replace(came, y=tuple(None if y is None else y + 60.0 for y in came.y))
    render(replace(spec, series=(implied, above)), sheet)
    assert below.isdisjoint(shades())


def test_a_card_says_price_stance_age_direction_balance_and_three_readings_with_their_ranges(
    sheet: Sheet,
) -> None:
    render(ALL["summary"](), sheet)
    told = set(said(sheet))
    assert {"$67,820", "−2.6% in 24 hours", "caution", "day 8 · easing · high confidence"} <= told
    assert {"balance −67…−43", "its year: −62 to +21"} <= told
    assert {"usual −6% to 6%", "usual 5% to 10%", "20%", "2%", "$35.8 billion"} <= told
    assert [word.text for word in sheet.words].count("6 Feb") == 3


def test_a_card_of_a_time_without_balance_has_none(sheet: Sheet) -> None:
    spec = ALL["summary"]()
    render(replace(spec, series=spec.series[1:], marks=spec.marks[:1]), sheet)
    assert not any("balance" in word for word in said(sheet))
    assert "caution" in said(sheet)


def test_lines_of_several_venues_differ_by_marker_and_dash_not_by_color_alone(sheet: Sheet) -> None:
    assert len(set(theme.INKS)) == len(theme.INKS) == len(set(theme.MARKERS)) == len(set(theme.DASHES))
    spec = ALL["funding"]()
    render(spec, sheet)
    assert all(any(word.startswith(f"{column.label} ") for word in said(sheet)) for column in spec.series)


def test_seven_venues_close_together_still_have_their_own_labels(sheet: Sheet) -> None:
    series = tuple(
        ChartSeries(label=f"Venue{n}", at=hours(9), y=tuple(2.0 + n / 100 for _ in range(9)))
        for n in range(7)
    )
    render(replace(ALL["funding"](), series=series), sheet)
    ends = [word for word in sheet.words if word.text.startswith("Venue") and word.text.endswith("%")]
    assert len(ends) == 7
    assert not any(a.meets(b, -3) for a, b in combinations(ends, 2))


def test_labels_are_spread_apart_and_stay_inside() -> None:
    found = frame.spread_labels([100.0, 101.0, 102.0, 300.0], 30, 50, 310)
    assert found == sorted(found)
    assert all(second - first >= 30 for first, second in pairwise(found))
    assert max(found) <= 310


def test_the_parts_of_a_change_are_written_with_their_sign(sheet: Sheet) -> None:
    render(ALL["split"](), sheet)
    assert {"$44.3B", "−$8.3B", "−$200M", "$35.8B"} <= set(said(sheet))


def test_a_row_with_too_few_verdicts_shows_no_rate(sheet: Sheet) -> None:
    spec = ALL["record"]()
    render(spec, sheet)
    rates = [word for word in said(sheet) if word in ("64%", "55%")]
    assert sorted(rates) == ["55%", "64%"]
    assert "overheated · n = 3 · too few to say" in said(sheet)


def test_the_key_of_a_record_names_the_rate_its_interval_and_the_base(sheet: Sheet) -> None:
    lay_out(ALL["record"](), sheet)
    assert {"●", "hit rate", "likely range", "base rate"} <= set(said(sheet))


def test_two_rows_of_a_record_stand_together(sheet: Sheet) -> None:
    spec = ALL["record"]()
    few = tuple(replace(column, x=column.x[:2], y=column.y[:2]) for column in spec.series)
    lay_out(replace(spec, marks=spec.marks[:2], series=few), sheet)
    places = {word.text: word.low for word in sheet.words}
    assert 60 < places["caution · n = 42"] - places["bullish · n = 51"] <= 130
    assert 0 < places["bullish · n = 51"] - places["50%"] <= 140


def test_a_long_list_of_venues_takes_a_second_line_and_hides_no_time(sheet: Sheet) -> None:
    caption = "8 Feb 2026, 18:00 UTC · Binance, BitMEX, Bybit, Deribit, Hyperliquid, Kraken, OKX, Coinalyze"
    render(replace(ALL["liquidations"](), caption=caption), sheet)
    shown = [word for word in sheet.words if word.text and word.text in caption and len(word.text) > 12]
    assert " ".join(word.text for word in shown) == caption
    assert [(a.text, b.text) for a, b in combinations(sheet.words, 2) if a.meets(b, -3)] == []


def test_an_expirys_bar_is_as_high_as_the_sum_that_stands_above_it(
    sheet: Sheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[tuple[float, float, float, float]]] = []
    bars = Sheet.bars

    def keep(self: Sheet, corners: list[tuple[float, float, float, float]], ink: str, **more: Any) -> None:
        drawn.append(list(corners))
        bars(self, corners, ink, **more)

    monkeypatch.setattr(Sheet, "bars", keep)
    spec = ALL["expiries"]()
    render(spec, sheet)
    calls, puts = drawn[:2]
    assert len(calls) == len(puts) == len(spec.series[0].y)
    per_dollar = (calls[0][3] - calls[0][1]) / (spec.series[0].y[0] or 1.0)
    for number, (lower, upper) in enumerate(zip(calls, puts, strict=True)):
        assert upper[1] == pytest.approx(lower[3])
        total = (spec.series[0].y[number] or 0.0) + (spec.series[1].y[number] or 0.0)
        assert upper[3] - lower[1] == pytest.approx(per_dollar * total)


@pytest.mark.parametrize("kind", ["expiries", "split"])
def test_the_words_of_neighboring_bars_stand_apart_in_the_longer_language(kind: str, sheet: Sheet) -> None:
    spec = ALL[kind]()
    if kind == "expiries":
        level = tuple(2.5e9 for _ in spec.series[0].y)  # all bars are of one height
        spec = replace(spec, series=(*(replace(one, y=level) for one in spec.series[:2]), spec.series[2]))
    lay_out(replace(spec, speech=SPANISH), sheet)
    amounts = [word for word in sheet.words if any(sign in word.text for sign in ("mil", "M", "$"))]
    assert len(amounts) > 3
    assert [(a.text, b.text) for a, b in combinations(amounts, 2) if a.meets(b, 7.0)] == []


def test_a_rows_amounts_have_their_sign_where_it_fits_and_all_lose_it_where_it_does_not(sheet: Sheet) -> None:
    spec = ALL["expiries"]()
    lay_out(spec, sheet)
    assert {"$65K", "$72K", "$1.54B"} <= set(said(sheet))
    lay_out(replace(spec, speech=SPANISH), sheet)
    assert {"65\u00a0mil", "72\u00a0mil", "1540\u00a0M"} <= set(said(sheet))
    few = tuple(replace(one, at=one.at[:4], y=one.y[:4]) for one in spec.series)
    lay_out(replace(spec, series=few, speech=SPANISH), sheet)
    assert {"65\u00a0mil\u00a0$", "1540\u00a0M\u00a0$"} <= set(said(sheet))


def test_the_nearest_tenor_has_its_figure_although_it_stands_at_the_edge(sheet: Sheet) -> None:
    spec = ALL["term"]()
    days, skew = (7.0, 30.0, 60.0, 90.0, 180.0), (30.2, 23.6, 20.0, 18.2, 16.1)
    render(replace(spec, series=(replace(spec.series[0], x=days, y=skew),)), sheet)
    assert "30.2%" in said(sheet)


@pytest.mark.parametrize("light", [False, True])
def test_words_at_a_point_are_read_over_a_line_that_crosses_them(light: bool, sheet: Sheet) -> None:
    """Last week's smile runs through the words below today's: around them it is broken off."""

    def crossed(rim: bool) -> int:
        sheet.wipe()
        sheet.line([100, 800], [300, 300], theme.MUTED, width=3)
        box = sheet.text(450, 292, "25Δ put 60.9%", across="center", bold=True, rim=rim)
        pixels = np.asarray(Image.open(io.BytesIO(sheet.png(light=light))).convert("L")).astype(int)
        row = pixels[theme.HEIGHT - 301, int(box.left) - 8 : int(box.right) + 8]
        return int((abs(row - pixels[0, 0]) < 8).sum())  # as the ground is

    assert crossed(True) > crossed(False) + 20
