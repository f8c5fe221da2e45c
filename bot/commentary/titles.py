"""What a fact is called in words, its unit, its tenor."""

import re

from bot.domain.catalog import VIEWS
from bot.domain.story import PhraseBank

WINDOWED = ("liquidations_", "option_blocks_")
"""How the names of metrics begin that are sums over a window in their name."""


def unit_of(name: str, bank: PhraseBank) -> str:
    """The unit that a fact's value has; a change of a percentage is in points."""
    stem, _, suffix = name.partition(".")
    words = bank.metrics.get(stem)
    if words is None:
        return ""
    view = VIEWS.get(suffix)
    if view is None:
        return "price" if _is_price(stem) else words.unit
    if view.unit is not None:
        return view.unit
    if suffix.startswith("change_") and words.unit.startswith("%"):
        return "points"
    return "price" if _is_price(stem) else words.unit


def _is_price(stem: str) -> bool:
    return stem.endswith("_usd") and stem.startswith(("spot_", "low_", "high_", "max_pain", "gold_"))


def title_of(name: str, bank: PhraseBank) -> str:
    """The fact's name for a reader."""
    stem, _, suffix = name.partition(".")
    words = bank.metrics.get(stem)
    if words is None:
        return name
    pattern = bank.words.get(f"view.{suffix}", "{}") if suffix else "{}"
    return pattern.format(words.title)


def tenor_of(name: str, bank: PhraseBank) -> str:
    """The window of a view, else the tenor or window in a metric's own name, in words; "" if there is
    none."""
    stem, _, suffix = name.partition(".")
    if found := re.search(r"_(\d+[hd])(_|$)", suffix):
        return bank.words.get(f"window.{found.group(1)}", "")
    if found := re.search(r"_(\d+[hd])_", stem) if stem.startswith(WINDOWED) else None:
        return bank.words.get(f"window.{found.group(1)}", "")
    if found := re.search(r"_(\d+)d(_|$)", stem):
        return bank.words["tenor"].format(found.group(1))
    return ""
