"""One color a stance: readable on its ground, and the same on every surface."""

import re
from pathlib import Path
from typing import get_args

import pytest

from bot.charts import theme
from bot.delivery.discord.embed import COLORS
from bot.domain.colors import STANCE_COLORS
from bot.domain.rulebook import Stance


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_stance_has_a_color() -> None:
    assert set(STANCE_COLORS) == set(get_args(Stance))


@pytest.mark.parametrize("stance", STANCE_COLORS)
def test_a_stance_stands_out_on_both_grounds(stance: str) -> None:
    assert contrast(STANCE_COLORS[stance].dark, theme.GROUND) >= 4.5
    assert contrast(STANCE_COLORS[stance].light, "#ffffff") >= 4.5


@pytest.mark.parametrize("stance", STANCE_COLORS)
def test_charts_embeds_and_the_page_show_the_same_color(stance: str, root: Path) -> None:
    page = (root / "bot/delivery/preview/static/page.css").read_text(encoding="utf-8")
    assert theme.STANCE_INKS[stance] == STANCE_COLORS[stance].dark
    assert COLORS[stance] == int(STANCE_COLORS[stance].dark[1:], 16)
    light, *dark = re.findall(rf"--{stance}: (#[0-9a-f]{{6}});", page)
    assert light == STANCE_COLORS[stance].light
    assert set(dark) == {STANCE_COLORS[stance].dark}  # of the system's choice, and of the reader's
