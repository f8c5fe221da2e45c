"""Every kind of chart: small, the same each time, its words apart from each other, its gaps open."""

import struct
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from bot.charts import frame, theme
from bot.charts.draw import KINDS, render
from bot.charts.sheet import Sheet
from bot.domain.posts import Column, Mark
from tests.charts.samples import ALL, AT, hours

LARGEST = 45_000


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return Sheet()


def lines(sheet: Sheet) -> list[Any]:
    return [artist for artist in sheet._figure.get_children() if hasattr(artist, "get_markersize")]


def sizes(sheet: Sheet) -> list[float]:
    return [artist.get_fontsize() for artist in sheet._figure.get_children() if hasattr(artist, "get_fontsize")]


def said(sheet: Sheet) -> list[str]:
    return [word.text for word in sheet.words]


def test_every_kind_has_a_file_that_draws_it_and_a_sample() -> None:
    assert set(KINDS) == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_a_chart_is_a_small_png_of_the_size_that_phones_show(kind: str, sheet: Sheet) -> None:
    picture = render(ALL[kind](), sheet)
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (theme.WIDTH, theme.HEIGHT)
    assert len(picture) <= LARGEST


@pytest.mark.parametrize("kind", ALL)
def test_the_same_spec_gives_the_same_bytes_on_any_sheet(kind: str, sheet: Sheet) -> None:
    assert render(ALL[kind](), sheet) == render(ALL[kind](), Sheet())


@pytest.mark.parametrize("kind", ALL)
def test_no_words_lie_on_each_other_or_leave_the_picture(kind: str, sheet: Sheet) -> None:
    render(ALL[kind](), sheet)
    # Letters hang below their line by a pixel or two; boxes are of whole lines.
    touching = [(a.text, b.text) for a, b in combinations(sheet.words, 2) if a.meets(b, -3)]
    assert touching == []
    assert [
        w.text for w in sheet.words if w.left < 0 or w.right > theme.WIDTH or w.low < 0 or w.high > theme.HEIGHT
    ] == []


@pytest.mark.parametrize("kind", ALL)
def test_the_picture_says_what_it_shows_of_whom_and_when(kind: str, sheet: Sheet) -> None:
    spec = ALL[kind]()
    render(spec, sheet)
    assert spec.title in said(sheet)
    assert spec.caption in " ".join(said(sheet))


@pytest.mark.parametrize("kind", ALL)
def test_no_word_is_smaller_than_nine_pixels_on_a_phone(kind: str, sheet: Sheet) -> None:
    render(ALL[kind](), sheet)
    assert min(sizes(sheet)) * 400 / theme.WIDTH >= 9


def test_a_title_that_is_too_long_is_cut_with_an_ellipsis(sheet: Sheet) -> None:
    render(replace(ALL["history"](), title="BTC: " + "a very long name of a metric " * 9), sheet)
    assert sheet.words[0].text.endswith("…")
    assert sheet.words[0].right <= theme.WIDTH - theme.EDGE + 1


def test_a_gap_is_not_drawn_through(sheet: Sheet) -> None:
    spec = ALL["history"]()
    missing = sum(value is None for value in spec.series[0].y)
    render(spec, sheet)
    longest = max(lines(sheet), key=lambda line: len(line.get_xdata()))
    assert missing > 0
    assert int(np.isnan(np.asarray(longest.get_ydata(), float)).sum()) == missing


def test_a_value_alone_between_two_gaps_is_a_dot(sheet: Sheet) -> None:
    column = Column(label="a", at=hours(7), y=(1.0, 2.0, None, 9.0, None, 2.0, 1.0))
    render(replace(ALL["history"](), series=(column,), band=None, marks=()), sheet)
    dotted = [line for line in lines(sheet) if line.get_marker() == "o" and line.get_markersize() == 9]
    assert [len(line.get_xdata()) for line in dotted] == [1]


def test_the_last_value_that_is_known_is_labeled_even_where_a_gap_follows(sheet: Sheet) -> None:
    column = Column(label="a", at=hours(4), y=(1.0, 2.0, 3.5, None))
    render(replace(ALL["history"](), series=(column,), band=None, marks=()), sheet)
    assert "3.5%" in said(sheet)


def test_a_series_own_words_stand_for_its_last_value(sheet: Sheet) -> None:
    column = Column(label="a", at=hours(3), y=(1.0, 2.0, 3.0), text="three percent")
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
    early = Mark(label="bullish", at=AT - timedelta(days=300), kind="bullish")
    render(replace(ALL["history"](), marks=(early,)), sheet)
    assert "bullish" not in said(sheet)


def test_every_verdict_change_has_its_stances_sign_where_its_word_has_no_room(sheet: Sheet) -> None:
    marks = tuple(Mark(label="caution", at=AT - timedelta(hours=hour), kind="bearish") for hour in range(100, 105))
    render(replace(ALL["history"](), marks=marks), sheet)
    assert said(sheet).count("caution") < len(marks)
    assert sum(line.get_marker() == theme.STANCE_MARKERS["bearish"] for line in lines(sheet)) == len(marks)


def test_lines_of_several_venues_differ_by_marker_and_dash_not_by_color_alone(sheet: Sheet) -> None:
    assert len(set(theme.INKS)) == len(theme.INKS) == len(set(theme.MARKERS)) == len(set(theme.DASHES))
    spec = ALL["funding"]()
    render(spec, sheet)
    assert all(any(word.startswith(f"{column.label} ") for word in said(sheet)) for column in spec.series)


def test_seven_venues_close_together_still_have_their_own_labels(sheet: Sheet) -> None:
    series = tuple(Column(label=f"Venue{n}", at=hours(9), y=tuple(2.0 + n / 100 for _ in range(9))) for n in range(7))
    render(replace(ALL["funding"](), series=series), sheet)
    ends = [word for word in sheet.words if word.text.startswith("Venue") and word.text.endswith("%")]
    assert len(ends) == 7
    assert not any(a.meets(b, -3) for a, b in combinations(ends, 2))


def test_labels_are_spread_apart_and_stay_inside() -> None:
    found = frame.spread([100.0, 101.0, 102.0, 300.0], 30, 50, 310)
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


def test_a_summary_says_its_stance_in_a_word_and_its_numbers_in_the_posts_words(sheet: Sheet) -> None:
    render(ALL["summary"](), sheet)
    assert {"caution", "high confidence", "20%", "2%", "$35.8 billion", "$67,800"} <= set(said(sheet))


def test_a_long_list_of_venues_takes_a_second_line_and_hides_no_time(sheet: Sheet) -> None:
    caption = "8 Feb 2026, 18:00 UTC · Binance, BitMEX, Bybit, Deribit, Hyperliquid, Kraken, OKX, Coinalyze"
    render(replace(ALL["liquidations"](), caption=caption), sheet)
    shown = [word for word in sheet.words if word.text and word.text in caption and len(word.text) > 12]
    assert " ".join(word.text for word in shown) == caption
    assert [(a.text, b.text) for a, b in combinations(sheet.words, 2) if a.meets(b, -3)] == []
