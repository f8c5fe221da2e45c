"""What is made once of a value: by which value it is known, and for how many it is kept."""

import pytest

from bot.domain.kept import MOST, MadeOnce


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
