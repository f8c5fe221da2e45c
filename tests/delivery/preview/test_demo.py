"""The demo's page as it ships, in a real browser, as a person would use it: every post has its picture, a reading of some
evening is found in a few taps, two moments are compared, a command is typed; on a phone and on a desk."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from rich.console import Console as Terminal

from bot.playbook import CONFIG, read_playbook
from bot.process.app import house, page
from bot.process.demo import play, read_tape
from bot.process.settings import load
from tests.delivery.preview import chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(chromium.found() is None, reason="no browser: Chromium is not installed"),
]

BROKEN = """
[...document.querySelectorAll("img")].filter((one) => !(one.complete && one.naturalWidth > 100)).map((one) => one.src)
"""
BARE = """
[...document.querySelectorAll("article[id^=post-]")]
  .filter((one) => !one.querySelector("img") && !/weekly|event/.test(one.querySelector(".reason").textContent))
  .map((one) => one.id)
"""
LOADED = """
[...document.querySelectorAll("img")].map((one) => { one.loading = "eager"; return one.complete; }).every(Boolean)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    """The page of the demo after its whole tape, with the surfaces that bot.toml names."""
    settings = load(CONFIG, {})
    terminal = Terminal(file=(said := io.StringIO()), width=200)
    tape = read_tape("february-2026")
    async with (
        house(settings, read_playbook(), terminal=terminal, tape=tape) as parts,
        page(parts, settings, terminal, port=0),
    ):
        await play(parts, settings, tape)
        yield next(word for word in said.getvalue().split() if word.startswith("http"))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
async def test_every_picture_of_the_demo_loads_and_fits(address: str, width: int, dark: bool) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=width, dark=dark)
        await tab.until(LOADED)
        assert await tab.say(BROKEN) == []
        assert await tab.say("document.querySelectorAll('article img').length") >= 20
        assert await tab.say(BARE) == []
        assert await tab.say("document.documentElement.scrollWidth") <= width
        assert tab.complaints == []


EVENING = datetime(2026, 2, 5, 21, tzinfo=UTC)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_skew_of_an_evening_and_its_venues_are_two_taps_away(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=390, height=844)
        at = tab.page.locator("#at")
        await at.evaluate(
            "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('change')); }",
            int(EVENING.timestamp()),
        )
        await tab.page.wait_for_selector(".past")
        await tab.page.locator("a.cell", has_text="60-day put-call skew").click()
        panel = tab.page.locator("#panel .reading")
        await panel.wait_for()
        told = await panel.inner_text()
        assert "18.7%" in told
        assert {"Deribit", "OKX", "Bybit"} <= set(told.replace("\t", "\n").split("\n"))
        assert "5 Feb 2026" in told
        await tab.until("document.querySelector('#panel figure[data-drawn] canvas')")
        assert await tab.say("document.documentElement.scrollWidth") <= 390
        assert await tab.barriers() == []
        assert tab.complaints == []


@pytest.mark.asyncio(loop_scope="module")
async def test_then_stands_beside_now(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(f"{address}?at={int(EVENING.timestamp())}", width=1280)
        cell = await tab.page.locator("a.cell", has_text="DVOL").inner_text()
        pinned = await tab.page.locator("#pin").inner_text()
        assert "$63,750" in pinned
        assert "now $" in pinned
        assert "now " in cell
        shown = await tab.say(
            "[...document.querySelectorAll('#stream header time, .pair section:first-child header time')]"
            ".map((one) => one.dateTime)"
        )
        assert shown
        assert max(shown) <= "2026-02-05T21:00:00Z"
        then, now = [await one.inner_text() for one in await tab.page.locator(".pair > section").all()]
        assert "5 Feb 2026" in then
        assert "5 Feb 2026" not in now.split("\n")[1]
        left, right = [await one.bounding_box() for one in await tab.page.locator(".pair > section").all()]
        assert left
        assert right
        assert (left["y"], left["x"] < right["x"]) == (right["y"], True)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_hedge_is_asked_for_by_keyboard(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=390, height=844)
        await tab.press("Control+k")
        await tab.page.locator("#line").fill("/hedge 10")
        await tab.press("Enter")
        await tab.page.wait_for_selector("#stream .message:first-child .typed")
        assert await tab.page.locator("#stream .message:first-child .typed code").inner_text() == "/hedge 10"
        assert "$" in await tab.page.locator("#stream .message:first-child .embed").inner_text()
        assert await tab.say("document.documentElement.scrollWidth") <= 390
        assert tab.complaints == []


COPIED_SIZE = """
navigator.clipboard.read()
  .then(([copied]) => copied.getType("image/png"))
  .then((picture) => createImageBitmap(picture))
  .then((drawn) => [drawn.width, drawn.height])
"""


@pytest.mark.asyncio(loop_scope="module")
async def test_a_post_is_copied_as_a_picture_and_as_text(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=1280)
        await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        post = tab.page.locator("article[id^=post-]:has(button[data-picture])").first
        picture, text = (
            post.locator("button[data-picture]"),
            post.locator("button.copy:not([data-picture])").first,
        )
        await picture.click()
        await post.get_by_role("button", name="Copied").wait_for()
        width, height = await tab.say(COPIED_SIZE)
        assert width >= 800
        assert height >= 400
        await post.get_by_role("button", name="Copied").wait_for(state="detached")
        await text.click()
        await post.get_by_role("button", name="Copied").wait_for()
        copied = await tab.say("navigator.clipboard.readText()")
        assert (await post.locator(".embed h2, .embed .title").first.inner_text()).strip() in copied
        assert "Copy" not in copied
        assert tab.complaints == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_price_chart_tells_the_moment_that_the_pointer_rests_on(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=1280)
        await tab.until("document.querySelector('figure.price[data-drawn] canvas')")
        before = await tab.page.locator("figure.price figcaption").inner_text()
        await tab.page.locator("figure.price .u-over").hover(position={"x": 60, "y": 60})
        after = await tab.page.locator("figure.price figcaption").inner_text()
        assert before != after
        assert "$" in after


@pytest.mark.asyncio(loop_scope="module")
async def test_without_scripts_the_desk_is_read_and_a_reading_is_a_page(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=390, script=False)
        assert await tab.page.locator("a.cell strong").first.is_visible()
        assert await tab.page.locator("figure.price img").count() == 1
        await tab.page.locator("a.cell", has_text="60-day put-call skew").click()
        assert "Deribit" in await tab.page.locator("article.reading table").inner_text()
        assert await tab.page.locator("article.reading img").is_visible()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing_serious_on_the_demos_page(address: str, width: int, dark: bool) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(address, width=width, dark=dark)
        await tab.until("document.querySelector('figure.price[data-drawn]')")
        assert await tab.barriers() == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("dark", [False, True])
async def test_the_operators_side_is_read_on_a_phone_and_keeps_nobody_out(address: str, dark: bool) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open(f"{address}admin", width=390, dark=dark)
        assert "DISCORD_TOKEN" in await tab.page.locator("main").inner_text()
        assert await tab.say("document.documentElement.scrollWidth") <= 390
        assert await tab.barriers() == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_first_answer_is_light_and_charts_come_after_it(address: str) -> None:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as tab:
        await tab.open("about:blank", width=390, height=844)
        told = await tab.page.context.new_cdp_session(tab.page)
        await told.send("Network.enable")
        sent: list[float] = []
        told.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
        await tab.page.goto(address)
        await tab.until("document.querySelector('figure.price[data-drawn]')")
        assert 20_000 < sum(sent) < 150_000
        order = [url.rpartition("/")[2] for url in tab.asked]
        assert order.index("uPlot.iife.min.js") > order.index("page.js")
