"""The pictures of the documents: one of every kind of chart, into docs/images/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.charts import render
from bot.charts.sheet import Sheet
from tests.charts.samples import ALL

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"


def charts(folder: Path = IMAGES) -> list[Path]:
    """Draw the sample of every kind of chart; the files, in alphabetical order."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet = Sheet()
    written = []
    for kind, spec in sorted(ALL.items()):
        path = folder / f"chart-{kind}.png"
        path.write_bytes(render(spec(), sheet))
        written.append(path)
    return written


if __name__ == "__main__":
    for picture in charts():
        print(picture.relative_to(ROOT))
