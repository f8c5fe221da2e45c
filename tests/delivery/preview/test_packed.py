"""What goes over the line small."""

import gzip
from pathlib import Path

import pytest

from bot.delivery.preview.packed import PackedFiles
from tests.delivery.preview.test_page import text_of

STATIC = Path("bot/delivery/preview/static")
FILES = {path.relative_to(STATIC).as_posix(): path.read_bytes() for path in STATIC.rglob("*.*")}
PLAIN = {"Accept-Encoding": "identity"}


async def test_a_page_goes_out_packed_to_who_takes_it(page) -> None:
    async with page.get("/", headers=PLAIN) as reply:
        assert "Content-Encoding" not in reply.headers
        plain = await reply.read()
    async with page.get("/", headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        packed = await reply.read()
    assert len(packed) < len(plain) / 2
    assert gzip.decompress(packed)[:15] == plain[:15] == b"<!doctype html>"


async def test_a_short_text_goes_out_as_it_is(page) -> None:
    async with page.get("/suggest?line=/", headers={"Accept-Encoding": "gzip"}) as reply:
        assert "Content-Encoding" not in reply.headers


@pytest.mark.parametrize("name", ["page.js", "page.css", "charts.js", "icon.svg", "uplot/uPlot.iife.min.js"])
async def test_a_file_is_packed_once_and_asked_for_by_its_tag(page, name: str) -> None:
    whole = FILES[name]
    async with page.get(
        f"/static/{name}", headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as reply:
        assert gzip.decompress(await reply.read()) == whole
        tag = reply.headers["ETag"]
    async with page.get(f"/static/{name}", headers=PLAIN) as reply:
        assert await reply.read() == whole
        assert reply.headers["ETag"] == tag
    assert (await page.get(f"/static/{name}", headers={"If-None-Match": tag})).status == 304
    assert (await page.get(f"/static/{name}", headers={"If-None-Match": '"another"'})).status == 200


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.py", "%2e%2e/page.py", "uplot", ""])
async def test_what_is_no_file_of_the_folder_is_not_found(page, name: str) -> None:
    assert (await page.get(f"/static/{name}")).status == 404


def test_only_files_of_the_folder_are_known(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    (tmp_path / "out.txt").write_text("out")
    assert set(PackedFiles(tmp_path / "in")._paths) == {"a.txt"}


async def test_the_first_answer_asks_for_no_library_of_charts(page) -> None:
    assert "uPlot" not in await text_of(page)


@pytest.mark.parametrize("part", ["bytes=99999999-", "bytes=5-1", "bytes=0-0", "nonsense"])
async def test_whoever_asks_for_a_part_gets_the_whole(page, part: str) -> None:
    async with page.get("/static/page.css", headers={"Range": part, **PLAIN}) as reply:
        assert (reply.status, await reply.read()) == (200, FILES["page.css"])
