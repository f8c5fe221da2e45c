"""Answers kept for a moment."""

import asyncio

import pytest

from bot.delivery.discord.shelf import MOST, Shelf
from bot.domain.posts import Card


class Making:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.made = 0
        self.error: Exception | None = None

    def now(self) -> float:
        return self.now_s

    async def make(self) -> Card:
        self.made += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return Card(title=str(self.made), body="")


async def test_many_who_ask_at_once_get_the_same() -> None:
    making = Making()
    shelf = Shelf(now=making.now)
    cards = await asyncio.gather(*(shelf.get("skew", making.make) for _ in range(50)))
    assert {card.title for card in cards} == {"1"}
    assert (await shelf.get("basis", making.make)).title == "2"


async def test_an_old_answer_is_made_anew() -> None:
    making = Making()
    shelf = Shelf(2.0, now=making.now)
    await shelf.get("skew", making.make)
    making.now_s = 1.9
    assert (await shelf.get("skew", making.make)).title == "1"
    making.now_s = 2.1
    assert (await shelf.get("skew", making.make)).title == "2"


async def test_what_fails_is_not_kept() -> None:
    making = Making()
    making.error = KeyError("mark_iv")
    shelf = Shelf(now=making.now)
    with pytest.raises(KeyError):
        await shelf.get("skew", making.make)
    making.error = None
    assert (await shelf.get("skew", making.make)).title == "2"


async def test_one_who_gives_up_does_not_take_the_others_answer_away() -> None:
    making = Making()
    shelf = Shelf(now=making.now)
    first = asyncio.create_task(shelf.get("skew", making.make))
    second = asyncio.create_task(shelf.get("skew", making.make))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).title == "1"


async def test_the_shelf_has_an_end() -> None:
    making = Making()
    shelf = Shelf(now=making.now)
    for number in range(MOST * 2):
        await shelf.get(number, making.make)
    assert len(shelf._cards) <= MOST
