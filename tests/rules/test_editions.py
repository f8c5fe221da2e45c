"""Editions: what makes a rule another one, and what does not."""

from msgspec.structs import replace

from bot.playbook import read_playbook
from bot.rules import editions


def test_only_a_rule_that_judges_otherwise_is_of_another_edition() -> None:
    book = read_playbook().rules
    before = editions(book)
    name = next(rule.id for rule in book.rules.values() if rule.ladder is None)
    told = {**book.rules, name: replace(book.rules[name], why="another reason", source="elsewhere")}
    assert editions(replace(book, rules=told)) == before
    judged = {**book.rules, name: replace(book.rules[name], vote=-book.rules[name].vote or 1)}
    after = editions(replace(book, rules=judged))
    assert {rule for rule in after if after[rule] != before[rule]} == {name}


def test_a_moved_usual_range_is_another_edition_of_every_step_of_its_ladder() -> None:
    book = read_playbook().rules
    before = editions(book)
    ladder = next(one for one in book.ladders.values() if one.usual)
    moved = replace(ladder, usual=tuple(replace(one, high=one.high + 1) for one in ladder.usual))
    after = editions(replace(book, ladders={**book.ladders, ladder.id: moved}))
    assert {rule for rule in after if after[rule] != before[rule]} == {*ladder.steps, *ladder.extremes}
