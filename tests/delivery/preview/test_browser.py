"""The page in a real browser: it streams, answers, can be reached by keyboard, and asks nobody else."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.delivery.preview import serve
from bot.desk.memory import SourceState
from bot.domain.story import Text
from bot.metrics import History
from tests.delivery.preview import chromium
from tests.delivery.preview.conftest import StandInPainter
from tests.delivery.preview.test_desk import past
from tests.delivery.preview.test_page import glance

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(chromium.found() is None, reason="no browser: Chromium is not installed"),
]

CONTRAST = """
(() => {
  const light = (channel) => channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  const luminance = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => light(Number(part) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(color) && color !== "transparent") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const node of document.querySelectorAll("p, h1, h2, b, strong, code, dt, dd, time, summary, button, label, li, a, span")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const pair = [luminance(getComputedStyle(node).color), luminance(behind(node))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.push(`${node.tagName} ${node.className} ${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
  }
  return poor;
})()
"""

UNNAMED = """
[...document.querySelectorAll("input, button, a, img, select, output")]
  .filter((node) => node.type !== "hidden" && !(node.labels?.length || node.textContent.trim() || node.alt || node.ariaLabel))
  .map((node) => node.outerHTML)
"""


@pytest.fixture
async def tab() -> AsyncIterator[chromium.Tab]:
    path = chromium.found()
    assert path
    async with chromium.browser(path) as opened:
        yield opened


@pytest.fixture
async def address(market, preview, commands, monkeypatch, a_post) -> AsyncIterator[str]:
    monkeypatch.setattr("bot.delivery.preview.page.discover", lambda: commands)
    start = a_post("x").intended_at
    market.archive.posts.kept = [
        a_post(name, at=start - timedelta(hours=hour)) for hour, name in enumerate(["cccc", "bbbb", "aaaa"])
    ]
    async with serve(market, market.cards, preview, port=0) as served:
        yield served


async def test_posts_stream_in_and_typed_lines_are_answered(tab, address, market, preview, a_post):
    await tab.open(address)
    await preview.show(a_post("dddd"), market.cards.of_post(a_post("dddd")))
    await tab.until("document.getElementById('post-dddd')")
    await tab.say("document.getElementById('line').focus()")
    await tab.type("/skew ETH")
    await tab.press("Enter")
    await tab.until(
        "document.querySelector('#stream .message:first-child h2').textContent.trim() === 'ETH: skew'"
    )
    assert await tab.say("document.getElementById('line').value") == ""
    await tab.say("document.querySelector('#stream .message:first-child .buttons .ask button').click()")
    await tab.until(
        "document.querySelector('#stream .message:first-child .typed code').textContent === '/skew asset:ETH tenor:90'"
    )
    assert tab.complaints == []


async def test_a_corrected_post_takes_the_place_of_the_one_before(tab, address, market, preview, a_post):
    await tab.open(address)
    await preview.show(a_post("dddd"), market.cards.of_post(a_post("dddd")))
    await tab.until("document.getElementById('post-dddd')")  # from now on it listens
    await tab.say("document.getElementById('post-bbbb').dataset.old = 'yes'")
    corrected = replace(
        a_post("bbbb"), corrections=(Text(slot="correction", about="restated", text="Restated."),)
    )
    await preview.edit(corrected, market.cards.of_post(corrected))
    await tab.until("!document.getElementById('post-bbbb').dataset.old")
    order = await tab.say("[...document.querySelectorAll('.message')].map((one) => one.id)")
    assert order == ["post-dddd", "post-cccc", "post-bbbb", "post-aaaa"]


async def test_a_line_is_completed_by_keyboard(tab, address):
    await tab.open(address)
    await tab.say("document.getElementById('line').focus()")
    await tab.type("/skew BTC 6")
    await tab.until("document.querySelectorAll('#offers li').length === 1")
    assert await tab.say("document.getElementById('line').ariaExpanded") == "true"
    await tab.press("ArrowDown")
    await tab.press("Enter")
    assert await tab.say("document.getElementById('line').value") == "/skew BTC 60 "
    await tab.press("Enter")
    await tab.until(
        "document.querySelector('#stream .message:first-child h2').textContent.trim() === 'BTC: skew'"
    )
    await tab.press("ArrowUp")
    assert await tab.say("document.getElementById('line').value") == "/skew BTC 60"


FIGURE = """
document.getElementById("board").insertAdjacentHTML("afterend",
  '<figure class="chart" data-chart="/chart/skew_60d_pct.json?asset=BTC&amp;window=7d" data-at=""></figure>');
deskCharts.drawAll(document);
"""
TOLD = "document.querySelector('figure.chart[data-drawn] figcaption')?.textContent"


async def test_a_chart_grows_while_the_page_is_open(tab, address, market):
    market.past = History.of("BTC", [past("skew_60d_pct", first=2.0, last=18.25)])
    await tab.open(address)
    await tab.say(FIGURE)
    await tab.until(f"{TOLD}?.includes('18.25')")
    await tab.say("deskCharts.renewMs = 0")
    market.past = History.of("BTC", [past("skew_60d_pct", first=2.0, last=19.75)])
    market.direction = "easing"
    await tab.until(f"{TOLD}?.includes('19.75')")
    assert tab.complaints == []


async def test_it_asks_no_other_host(tab, address):
    await tab.open(address)
    assert tab.asked
    assert all(url.startswith(address) for url in tab.asked)


async def test_times_are_the_readers_own(tab, address):
    await tab.open(address)
    assert await tab.say("document.querySelector('#post-cccc header time').title") == "6 Feb 2026, 14:00 UTC"
    assert (
        await tab.say("document.querySelector('#post-cccc header time').textContent")
        == "6 Feb 2026, 15:00 CET"
    )


async def test_a_number_opens_what_it_stands_on(tab, address):
    await tab.open(address)
    await tab.say("document.querySelector('#post-cccc a.figure').click()")
    assert await tab.say("document.getElementById('panel').open")
    assert "skew_60d_pct" in await tab.say("document.activeElement.textContent")
    await tab.until("document.querySelector('#panel .reading')")
    assert "put less call over the middle" in await tab.say(
        "document.querySelector('#panel .reading').textContent"
    )
    await tab.press("Escape")
    assert not await tab.say("document.getElementById('panel').open")


async def test_a_number_tells_what_it_stands_on_to_a_pointer_and_to_the_keyboard(tab, address):
    await tab.open(address)
    figure = tab.page.locator("#post-cccc a.figure")
    told = tab.page.locator("#told")
    await figure.hover()
    assert "1 of 2 venues: deribit: put less call over the middle" in (await told.text_content() or "")
    assert await told.is_visible()
    await tab.page.mouse.move(2, 2)
    assert await told.is_hidden()
    await figure.focus()
    assert await told.is_visible()
    assert await figure.get_attribute("aria-describedby") == "told"
    await tab.press("Escape")
    assert await told.is_hidden()
    await tab.press("Enter")
    assert await tab.say("document.getElementById('panel').open")
    assert "5 min old" in await tab.say("document.activeElement.textContent")


async def test_ctrl_k_begins_a_command_with_the_channels_suggestions(tab, address):
    await tab.open(address)
    await tab.press("Control+k")
    await tab.until("document.querySelectorAll('#offers li').length === 3")
    assert await tab.say("document.activeElement.id") == "line"
    assert await tab.say("document.getElementById('line').value") == "/"


async def test_the_look_is_chosen_once_and_stays(tab, address):
    await tab.open(address, dark=False)
    await tab.say("document.querySelector('.look').open = true")
    await tab.page.select_option("select[name=theme]", "dark")
    await tab.page.select_option("select[name=zone]", "utc")
    await tab.page.click(".look button")
    await tab.until("document.documentElement.dataset.theme === 'dark'")
    await tab.page.reload()
    assert await tab.say("getComputedStyle(document.body).backgroundColor") == "rgb(38, 39, 44)"
    assert "UTC" in await tab.say("document.querySelector('#post-cccc header time').textContent")


async def test_everything_can_be_reached_by_keyboard(tab, address):
    await tab.open(address)
    await tab.say("document.activeElement.blur()")
    reached = set()
    for _ in range(40):
        await tab.press("Tab")
        reached.add(
            await tab.say(
                "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
            )
        )
    assert {"skip", "at", "figure", "line", "SUMMARY", "BUTTON"} <= reached


async def test_without_scripts_it_can_be_read_and_answers(tab, address):
    await tab.open(address, script=False)
    html = await tab.say("document.documentElement.outerHTML")
    assert 'id="post-cccc"' in html
    assert "6 Feb 2026, 14:00 UTC" in html
    assert 'action="/command"' in html


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1200])
async def test_it_is_legible_and_fits_in_both_themes(tab, address, width, dark):
    await tab.open(address, width=width, dark=dark)
    assert await tab.say("document.documentElement.scrollWidth") <= width
    assert await tab.say(CONTRAST) == []


async def test_every_control_has_a_name(tab, address):
    await tab.open(address)
    assert await tab.say(UNNAMED) == []
    assert await tab.say("document.documentElement.lang") == "en"
    assert await tab.say("document.querySelectorAll('h1').length") == 1


async def test_the_slider_looks_back(tab, address):
    await tab.open(address)
    await tab.say(
        "at.value = at.min; at.dispatchEvent(new Event('input')); at.dispatchEvent(new Event('change')); 1"
    )
    await tab.until("document.querySelector('.past')")
    assert await tab.say("document.querySelectorAll('.pair section:first-child .message').length") == 1
    assert await tab.say("document.querySelectorAll('#stream .message').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1200])
async def test_axe_finds_nothing_that_keeps_a_reader_out(tab, address, market, a_gap, width, dark):
    market.cards.pictures = Pictures(StandInPainter(), of_post=glance)
    market.heard = [
        SourceState(source="deribit", heard_at=market.now(), gaps=(a_gap,)),
        SourceState(source="okx"),
    ]
    await tab.open(address, width=width, dark=dark)
    assert await tab.barriers() == []
    await tab.say("document.querySelector('#post-cccc a.figure').click()")
    await tab.until("document.querySelector('#panel .reading')")
    assert await tab.barriers() == []
    await tab.press("Escape")
    await tab.say("for (const one of document.querySelectorAll('#bar, #bar details, .look')) one.open = true")
    await tab.say("document.getElementById('line').focus()")
    await tab.type("/skew BTC")
    await tab.press("Enter")
    await tab.until("document.querySelector('#stream .message:first-child .typed')")
    await tab.say("document.getElementById('line').focus()")
    await tab.type("/skew BTC ")
    await tab.until("!document.getElementById('offers').hidden")
    await tab.press("ArrowDown")
    assert await tab.barriers() == []
    await tab.open(f"{address}?at=1770375600", width=width, dark=dark)
    assert await tab.say("document.querySelectorAll('.past').length") == 1
    assert await tab.barriers() == []


async def test_axe_finds_a_barrier_where_there_is_one(tab, address):
    await tab.open(address)
    await tab.say(
        "document.querySelector('#line').removeAttribute('placeholder'), document.querySelector('label[for=line]').remove()"
    )
    assert [found.split(":")[0] for found in await tab.barriers()] == ["critical label"]
