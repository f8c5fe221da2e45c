"""What Discord is sent for each command stays as somebody has looked at it: for Bitcoin, for Ether with half of its past,
on a server that has just begun. And it fits a telephone: at most 16 rows before the line under it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.delivery.discord.embed import pages
from bot.delivery.discord.tables import CUT, WIDTH
from bot.desk.cards import Cards
from bot.domain.posts import Profile
from tests.delivery.discord.looks import MOST_ROWS, rows_of_embed
from tests.delivery.discord.payloads import (
    FOLDER,
    STATES,
    TOLD_ELSEWHERE,
    WRITTEN_BY,
    market,
    payloads,
    written,
)

OF_NO_MARKET = ("explain", "help", "digest", "watch", "watches", "why")
GOLDEN: Mapping[str, Mapping[str, Any]] = {
    state: json.loads((FOLDER / f"{state}.json").read_text(encoding="utf-8")) for state in STATES
}
ANSWERS = [(state, line) for state, told in GOLDEN.items() for line in told]


@pytest.mark.parametrize("state", STATES)
async def test_each_command_is_answered_as_it_was_looked_at(state: str) -> None:
    told = await payloads(state)
    kept = (FOLDER / f"{state}.json").read_text(encoding="utf-8")
    assert written(told) == kept, f"write them anew, and look: {WRITTEN_BY}"


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("state", STATES)
async def test_every_answer_fits_a_telephone(state: str, locale: str) -> None:
    told = GOLDEN[state] if locale == "en" else json.loads(written(await payloads(state, locale)))
    for line, answer in told.items():
        ((embed,),) = answer["messages"]
        assert rows_of_embed(embed) <= MOST_ROWS, line
        block = [part for number, part in enumerate(embed["description"].split("```")) if number % 2]
        assert all(len(row) <= WIDTH for part in block for row in part.splitlines()), line


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("state", ["btc", "fresh"])
async def test_every_metric_is_explained_on_one_screen(state: str, locale: str) -> None:
    asked = market(STATES[state][1])
    for name in asked.playbook.catalog.metrics:
        given = Request(options={"term": name}, profile=Profile(locale=locale), surface="discord")
        card = await Cards(asked, Pictures()).of_answer(await run(asked, discover()["explain"], given))
        ((embed,),) = [page.embeds for page in pages(card)]
        assert rows_of_embed(dict(embed.to_dict())) <= MOST_ROWS, name


@pytest.mark.parametrize(("state", "line"), ANSWERS)
def test_what_is_about_the_bot_or_the_asker_is_the_askers_alone(state: str, line: str) -> None:
    name = line.split()[0][1:]
    assert GOLDEN[state][line]["private"] == (name in ("why", "status", "help", "watch", "watches", "digest"))


PUBLISHED = ("treasuries", "odds")  # what holders published; the level that was asked for


@pytest.mark.parametrize("line", [one for one in GOLDEN["fresh"] if one.split()[0][1:] not in PUBLISHED])
def test_a_fresh_server_gets_no_number_of_the_market(line: str) -> None:
    said = json.dumps(GOLDEN["fresh"][line]["messages"])
    assert not re.search(r"\$|\dbn\b", said)
    if line.split()[0][1:] not in (*OF_NO_MARKET, *TOLD_ELSEWHERE):
        assert "Started 2 minutes ago; the first readings are due at 14:03 UTC" in said


def test_every_command_is_there() -> None:
    assert {line.split()[0][1:] for line in GOLDEN["btc"]} == set(discover()) > set(TOLD_ELSEWHERE)


@pytest.mark.parametrize(("state", "line"), ANSWERS)
def test_what_stands_alone_begins_with_a_capital_letter(state: str, line: str) -> None:
    ((embed,),) = GOLDEN[state][line]["messages"]
    labels = [button["label"] for row in GOLDEN[state][line]["components"] for button in row["components"]]
    large = [
        text[2:] for text in embed["description"].splitlines()[:1] if text.startswith("# ")
    ]  # what was asked for
    alone = [embed["title"], *large, *(field["name"] for field in embed.get("fields", ())), *labels]
    assert [text for text in alone if text[:1].islower()] == []


@pytest.mark.parametrize("state", STATES)
async def test_no_table_cuts_a_word(state: str) -> None:
    for locale in ("en", "es"):
        for line, answer in json.loads(written(await payloads(state, locale))).items():
            ((embed,),) = answer["messages"]
            block = "".join(
                part for number, part in enumerate(embed["description"].split("```")) if number % 2
            )
            assert CUT not in block, line


OF_NO_ONE_NUMBER = ("changes", "compare")  # each is a table of several


@pytest.mark.parametrize("line", GOLDEN["btc"])
def test_what_was_asked_for_stands_first_and_large(line: str) -> None:
    name = line.split()[0][1:]
    ((embed,),) = GOLDEN["btc"][line]["messages"]
    is_number = name not in (*OF_NO_MARKET, *TOLD_ELSEWHERE, *OF_NO_ONE_NUMBER, "status")
    assert embed["description"].startswith("# ") is is_number


COLUMNS = re.compile(r"(?<=\s)(−?[\d,]*\d(?:\.\d+)?)(?=\s|$)")


@pytest.mark.parametrize("state", ["btc", "eth"])
def test_a_table_of_whole_coins_has_no_parts_of_one(state: str) -> None:
    (told,) = [answer for line, answer in GOLDEN[state].items() if line.startswith("/gamma")]
    ((embed,),) = told["messages"]
    block = embed["description"].split("```")[1]
    assert len(COLUMNS.findall(block)) >= 6
    assert "." not in "".join(COLUMNS.findall(block))
    assert "K" not in block


ENGLISH = frozenset({"the", "of", "and", "is", "not", "at", "year", "week", "usual", "february", "form"})


@pytest.mark.parametrize("state", STATES)
async def test_a_spanish_answer_has_no_english_in_it(state: str) -> None:
    for line, answer in json.loads(written(await payloads(state, "es"))).items():
        ((embed,),) = answer["messages"]
        texts = [embed["title"], embed["description"], embed.get("footer", {}).get("text", "")]
        texts += [field[part] for field in embed.get("fields", ()) for part in ("name", "value")]
        kept = [text for text in "\n".join(texts).splitlines() if "en inglés" not in text]  # a formula
        assert not ENGLISH & set(re.findall(r"[a-z]+", " ".join(kept).lower())), line


@pytest.mark.parametrize("state", STATES)
async def test_a_number_and_its_unit_are_not_parted_at_the_end_of_a_line(state: str) -> None:
    for line, answer in json.loads(written(await payloads(state, "es"))).items():
        ((embed,),) = answer["messages"]
        assert not re.search(r"\d (?:M?\$|%)", embed["description"]), line


MOST_WORDS_OF_A_FOOTER = 25


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("state", STATES)
async def test_every_footer_is_one_short_line(state: str, locale: str) -> None:
    for line, answer in json.loads(written(await payloads(state, locale))).items():
        ((embed,),) = answer["messages"]
        words = embed.get("footer", {}).get("text", "").replace("·", "").split()
        assert len(words) <= MOST_WORDS_OF_A_FOOTER, line


@pytest.mark.parametrize("line", GOLDEN["fresh"])
def test_a_fresh_server_is_told_of_no_readings_that_an_answer_stands_on(line: str) -> None:
    ((embed,),) = GOLDEN["fresh"][line]["messages"]
    said = embed.get("footer", {"text": ""})["text"]
    assert said in ("", "…", "6 February 2026, 14:00 UTC · not advice")


@pytest.mark.parametrize(("state", "line"), ANSWERS)
def test_an_answer_names_its_asset_and_its_day(state: str, line: str) -> None:
    name = line.split()[0][1:]
    ((embed,),) = GOLDEN[state][line]["messages"]
    if name in (*OF_NO_MARKET, *TOLD_ELSEWHERE, "status", "compare"):
        return
    assert embed["title"].startswith(f"{STATES[state][0]}: ")
    assert "6 February 2026" in embed["footer"]["text"]


@pytest.mark.parametrize(("state", "line"), ANSWERS)
def test_a_footer_tells_of_an_old_reading_where_one_is_shown(state: str, line: str) -> None:
    ((embed,),) = GOLDEN[state][line]["messages"]
    told, text = embed.get("footer", {}).get("text", ""), embed["description"]
    if line.split()[0][1:] in TOLD_ELSEWHERE:
        return
    assert ("oldest reading" in told) is ("*\n" in text or "too old to judge by" in text)
