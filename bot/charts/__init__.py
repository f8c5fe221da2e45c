"""Numbers to PNG: one file a kind of chart, drawn with matplotlib off the event loop, kept by content.

What each kind expects of a `ChartSpec` stands in the docstring of its file. A None is a gap and stays one.
"""

from bot.charts.draw import render
from bot.charts.painter import PngPainter

__all__ = ["PngPainter", "render"]
