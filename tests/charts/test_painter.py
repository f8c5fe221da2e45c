"""The painter: off the event loop, once for each content, never more than it may keep."""

import asyncio
import os
import subprocess
import sys
import threading

import pytest
from msgspec.structs import replace

from bot.charts import PngPainter, painter, render
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec
from tests.charts.samples import ALL


@pytest.fixture
def own_painter():
    made = PngPainter(kept=2)
    yield made
    made.close()


@pytest.fixture
def drawn(monkeypatch) -> list[tuple[str, threading.Thread]]:
    """What is painted and in which thread, as it happens."""
    seen: list[tuple[str, threading.Thread]] = []

    def paint(spec: ChartSpec, sheet: Sheet, *, light: bool) -> bytes:
        seen.append((spec.title, threading.current_thread()))
        return render(spec, sheet, light=light)

    monkeypatch.setattr(painter, "render", paint)
    return seen


async def test_equal_specs_get_the_same_picture_drawn_once_however_many_ask(own_painter, drawn) -> None:
    pictures = await asyncio.gather(*(own_painter.draw(ALL["record"]()) for _ in range(5)))
    assert all(picture is pictures[0] for picture in pictures)
    assert [title for title, _ in drawn] == [ALL["record"]().title]
    assert drawn[0][1] is not threading.main_thread()


async def test_another_content_is_another_picture(own_painter) -> None:
    spec = ALL["record"]()
    assert await own_painter.draw(spec) != await own_painter.draw(replace(spec, title="BTC: another title"))


async def test_only_the_last_pictures_are_kept(own_painter, drawn) -> None:
    one, two, three = (replace(ALL["record"](), title=title) for title in "123")
    for spec in (one, two, three, one):
        await own_painter.draw(spec)
    assert [title for title, _ in drawn] == ["1", "2", "3", "1"]


async def test_a_failure_is_told_and_not_kept(own_painter, monkeypatch) -> None:
    def fail(spec: object, sheet: object, *, light: bool) -> bytes:
        raise ValueError("no room")

    spec = ALL["record"]()
    with monkeypatch.context() as broken:
        broken.setattr(painter, "render", fail)
        with pytest.raises(ValueError, match="no room"):
            await own_painter.draw(spec)
    assert (await own_painter.draw(spec)).startswith(b"\x89PNG")


async def test_who_stops_waiting_does_not_stop_the_drawing_for_others(own_painter) -> None:
    spec = ALL["record"]()
    impatient = asyncio.ensure_future(own_painter.draw(spec))
    patient = asyncio.ensure_future(own_painter.draw(spec))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).startswith(b"\x89PNG")


async def test_a_warm_painter_has_its_sheet_before_anybody_asks(own_painter, drawn) -> None:
    own_painter.warm()
    async with asyncio.timeout(30):
        while (ready := own_painter._sheet) is None:  # noqa: ASYNC110  (made in the painter's thread)
            await asyncio.sleep(0.01)
    assert drawn == []
    assert await own_painter.draw(ALL["record"]()) == render(ALL["record"]())
    assert own_painter._sheet is ready


async def test_a_light_picture_is_another_one(own_painter) -> None:
    dark, light = await own_painter.draw(ALL["record"]()), await own_painter.draw(ALL["record"](), light=True)
    assert dark != light
    assert light == render(ALL["record"](), light=True)


DRAWS_WHERE_NOTHING_CAN_BE_WRITTEN = """
import asyncio, resource, sys
from pathlib import Path
from bot.charts import PngPainter
from tests.charts.samples import ALL

async def main():
    painter = PngPainter()
    sys.stdout.buffer.write(await painter.draw(ALL["summary"]()))
    painter.close()

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # every write into a file fails, as on a full disk
try:
    Path("here").write_text("a")
except OSError:
    asyncio.run(main())
"""


def test_a_full_disk_is_no_reason_not_to_draw(tmp_path, root) -> None:
    """matplotlib keeps its list of fonts in a file, where it can."""
    where = {
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(root),
        "PATH": os.environ["PATH"],
    }
    drawn = subprocess.run(
        [sys.executable, "-c", DRAWS_WHERE_NOTHING_CAN_BE_WRITTEN],
        cwd=tmp_path,
        env=where,
        capture_output=True,
        check=True,
    )
    assert drawn.stdout == render(ALL["summary"](), Sheet()), drawn.stderr.decode()
    assert not (tmp_path / "here").read_bytes()
