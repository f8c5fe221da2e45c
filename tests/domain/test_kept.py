"""What is made once of a value: by which value it is known, and for how many it is kept."""

import pytest

from bot.domain.kept import MOST, MadeOnce, forget_the_day, keep_for_a_day


def test_a_value_is_made_once_for_the_very_thing_that_it_is_made_of() -> None:
    asked: list[dict[str, str]] = []

    def count(words: dict[str, str]) -> int:
        asked.append(words)
        return len(words)

    kept, one, alike = MadeOnce(count), {"and": "y"}, {"and": "y"}
    assert [kept.get(one), kept.get(one)] == [1, 1]
    assert len(asked) == 1
    assert kept.get(alike) == 1
    assert len(asked) == 2, "what is equal now may not be equal tomorrow"


def test_only_the_last_things_are_kept() -> None:
    asked: list[int] = []
    kept, things = (
        MadeOnce[list[int], None](lambda thing: asked.append(thing[0])),
        [[n] for n in range(MOST + 1)],
    )
    for thing in [*things, *things[1:], things[0]]:
        kept.get(thing)
    assert asked == [*range(MOST + 1), 0]


def test_what_could_not_be_made_is_tried_again() -> None:
    kept = MadeOnce[list[float], float](lambda numbers: 1 / numbers[0])
    numbers = [0.0]
    with pytest.raises(ZeroDivisionError):
        kept.get(numbers)
    numbers[0] = 2.0
    assert kept.get(numbers) == 0.5


def test_what_is_kept_for_a_day_is_made_once_until_the_day_is_forgotten() -> None:
    asked: list[str] = []

    @keep_for_a_day(2)
    def read(name: str) -> int:
        asked.append(name)
        return len(name)

    assert [read("27MAR26"), read("27MAR26")] == [7, 7]
    assert asked == ["27MAR26"]
    forget_the_day()
    assert read("27MAR26") == 7
    assert asked == ["27MAR26", "27MAR26"]


def test_no_more_is_kept_for_a_day_than_there_is_room_for() -> None:
    asked: list[str] = []

    @keep_for_a_day(2)
    def read(name: str) -> int:
        asked.append(name)
        return len(name)

    for name in ("a", "b", "c", "a"):
        read(name)
    assert asked == ["a", "b", "c", "a"]
