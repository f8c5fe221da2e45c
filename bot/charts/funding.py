"""Funding by venue: one series a venue with `at` and `y`, zero always in sight: above it longs pay shorts."""

from msgspec.structs import replace

from bot.charts import history
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """A line a venue with its name and last value at its end."""
    history.draw(sheet, spec if spec.band else replace(spec, band=(0.0, 0.0), band_label=""))
