"""Rule files: read as they are, refused with every problem at once."""

import re

import pytest

from bot.domain.rulebook import Condition, RuleIs, Threshold
from bot.errors import ConfigError
from bot.metrics import CATALOG
from bot.rules import parse
from tests.rules.make import book, files


def refused(**changed: str) -> list[str]:
    """The problems of the rule files with some of them changed; a name's "_" stands for "-"."""
    given = {f"{name.replace('_', '-')}.toml": text for name, text in changed.items()}
    with pytest.raises(ConfigError) as caught:
        parse({**files(), **given}, CATALOG)
    return [str(problem) for problem in caught.value.problems]


def edited(file: str, old: str, new: str) -> str:
    text = files()[f"{file}.toml"]
    assert old in text
    return text.replace(old, new, 1)


def test_the_rule_files_as_they_are_make_a_book() -> None:
    assert len(book().rules) >= 40
    assert sorted(book().order) == sorted(book().rules)
    weights = {family.id: family.weight for family in book().families.values()}
    assert weights == {
        "options": 3,
        "basis": 3,
        "leverage": 2,
        "liquidations": 2,
        "funding": 1,
        "price": 1,
        "cross-asset": 0.5,
        "volatility": 0,
    }


def test_every_rule_says_why_where_from_and_how_it_errs() -> None:
    assert [
        rule.id for rule in book().rules.values() if not (rule.why and rule.source and rule.mistakes)
    ] == []


def test_every_rule_says_how_much_of_interest_it_is() -> None:
    assert [rule.id for rule in book().rules.values() if rule.interest is None] == []


def test_a_step_is_a_rule_with_one_condition_and_its_ladders_reasons() -> None:
    weak = book().rules["basis-weak"]
    assert weak.ladder == "basis"
    assert weak.when == (
        Condition(
            fact="basis_60d_pct",
            below=Threshold(number=0, side="low"),
            clears=Threshold(number=1, side="low"),
        ),
    )
    assert weak.source.endswith("work1087.htm")


def test_a_combination_comes_after_the_rules_that_it_asks_for() -> None:
    order = book().order
    for rule in book().rules.values():
        for part in rule.when:
            if isinstance(part, RuleIs):
                assert order.index(part.rule) < order.index(rule.id)


def test_the_hash_names_the_content() -> None:
    other = parse({**files(), "price.toml": edited("price", "interest = 3", "interest = 4")}, CATALOG)
    assert other.hash != book().hash
    assert parse(dict(files()), CATALOG).hash == book().hash


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "basis",
            'id       = "basis-fading"',
            'id       = "basis-fading"\ncolour = "red"',
            r"basis-fading: colour: unknown key",
        ),
        ("basis", "vote     = -1", 'vote     = "-1"', r"basis-fading: vote: .*valid integer"),
        (
            "basis",
            "basis_60d_pct.change_7d",
            "basis_60d_pc.change_7d",
            r"unknown fact .* mean 'basis_60d_pct'",
        ),
        ("basis", "basis_60d_pct.change_7d", "basis_60d_pct.change_7", r"basis-fading: unknown view"),
        (
            "basis",
            "below = -2, clear_above = -1, ",
            "below = -2, clear_above = -3, ",
            r"basis-fading: .*way out is on the wrong side",
        ),
        (
            "basis",
            "below = -2, clear_above = -1, ",
            "below = -2, clear_below = -1, ",
            r"basis-fading: .*clear_below goes with above",
        ),
        (
            "basis",
            "below = 0, clear_above = 0.5, ",
            "below = 6.5, clear_above = 7, ",
            r"basis: steps out of order at a usual range",
        ),
        ("basis", "bounds   = { low = [2, 6], high = [7, 20] }\n", "", r"basis: bounds are missing"),
        (
            "basis",
            'mirror   = "basis-recovering"',
            'mirror   = "basis-weak"',
            r"its mirror basis-weak does not name it",
        ),
        (
            "basis",
            'mirror   = "basis-recovering"',
            'mirror   = "nobody"',
            r"mirror 'nobody', which is not there",
        ),
        ("basis", 'family   = "basis"', 'family   = "bases"', r"unknown family 'bases'"),
        (
            "basis",
            'fact     = "basis_60d_pct"',
            'fact     = "skew_60d_pct"',
            r"a ladder's fact belongs to its own family",
        ),
        (
            "price",
            'rule = "basis-weak"',
            'rule = "basis-feeble"',
            r"asks for 'basis-feeble', which is not there",
        ),
        (
            "price",
            '{ rule = "rebound",    is = "on" }',
            '{ rule = "rebound", above = 3 }',
            r"for a fact .* or for a rule's state",
        ),
        (
            "price",
            '{ rule = "rebound",    is = "on" }',
            '{ rule = "rebound" }',
            r'rebound: write is = "on", is = "off" or is = "counting"',
        ),
        (
            "price",
            '{ rule = "rebound",    is = "on" }',
            '{ rule = "rebound-unconfirmed", is = "on" }',
            r"asks for itself",
        ),
        (
            "price",
            'replaces = ["rebound"]',
            'replaces = ["basis-weak"]',
            r"replaces basis-weak, which is of another family",
        ),
        ("price", 'id       = "setback"', 'id       = "rebound"', r"rebound: is there twice"),
        ("verdict", "leaves = 10", "leaves = 30", r"balance: leaves lies nearer to zero than enters"),
        (
            "verdict",
            "agrees = [40, 60]",
            "agrees = [60, 40]",
            r"own_past: agrees and extreme are each two ranks",
        ),
        ("verdict", "medium = 25", "medium = 45", r"confidence: medium lies below high"),
        ("verdict", 'borrowed = "BTC"', 'borrowed = "SOL"', r"ETH: borrows a book that is not there"),
        ("price", 'mirror   = "price-jumps"', 'mirror   = "new-low"', r"price-falls: its mirror new-low"),
        ("price", "turns    = 4.5", "turns    = 5", r"price-falls: turns names the size of one of its lines"),
        ("price", 'after    = "new-low"', 'after    = "new-lo"', r"back-from-the-low: comes after new-lo"),
        ("pasts", "[4.3, 8.9", "[14.3, 8.9", r"BTC skew_7d_pct: quantiles stand from the lowest"),
        (
            "pasts",
            "to        = 2026-08-22",
            "to        = 2027-08-22",
            r"BTC skew_7d_pct: spans one to 365 days",
        ),
        ("verdict", "weight = 0.5", "weight = -1", r"cross-asset: weight: Input should be greater"),
        ("verdict", 'id = "cross-asset"', 'id = "crossasset"', r"exactly these: options, basis"),
        (
            "verdict",
            'anchor = ["dvol"]',
            'anchor = ["spot_usd"]',
            r"its anchor spot_usd belongs to another family",
        ),
        (
            "verdict",
            'facts = ["dvol", "realized_"',
            'facts = ["dvol", "basis_", "realized_"',
            r"belongs to exactly one family, this one to",
        ),
        ("verdict", "[confidence]", "[confidences]", r"verdict.toml: confidences: unknown table"),
        ("verdict", 'cooldown = "24h"', 'cooldown = "a day"', r"notify: cooldown: String should match"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(file: str, old: str, new: str, said: str) -> None:
    problems = refused(**{file.replace("-", "_"): edited(file, old, new)})
    assert [line for line in problems if re.search(said, line)], problems


def test_all_problems_are_told_at_once() -> None:
    problems = refused(
        basis=edited("basis", "basis_60d_pct.change_7d", "basis_60_pct.change_7d"),
        price=edited("price", 'mirror   = "setback"', 'mirror   = "nobody"'),
    )
    assert any(line.startswith("basis.toml: basis-fading:") for line in problems)
    assert any(line.startswith("price.toml: rebound:") for line in problems)


@pytest.mark.parametrize(
    "row",
    [
        'score = "at_most"',
        "value = -4",
        'score = "at_most", coverage = "below", value = -4',
        'rule_stance = "overheated", value = 1',
        "",
    ],
)
def test_a_row_of_an_old_table_of_stances_asks_for_one_thing(row: str) -> None:
    text = re.sub(r"(?s)\[balance\].*?(?=\[own_past\])", "", files()["verdict.toml"])
    assert any(
        "bearish: a stance asks for a score or a coverage with its value, or for rule_stance" in line
        for line in refused(verdict=f'{text}\n[[stance]]\nid = "bearish"\nwhen = [{{ {row} }}]\n')
    )


def test_a_file_that_is_not_toml_is_named() -> None:
    assert refused(basis="= 3")[0].startswith("basis.toml: not TOML")


def test_most_rules_that_vote_name_a_mirror() -> None:
    bare = {name: re.sub(r"(?m)^mirror +=.*$", "", text) for name, text in files().items()}
    with pytest.raises(ConfigError, match=r"fewer than 80%.*; without: .*skew-rising"):
        parse(bare, CATALOG)


def test_a_family_that_votes_has_rules_on_both_sides() -> None:
    one_sided = re.sub(r"vote = 1,", "vote = -1,", files()["cross-asset.toml"])
    assert [line for line in refused(cross_asset=one_sided) if "rules on both sides" in line]


@pytest.mark.parametrize("key", ["why", "source", "mistakes"])
def test_every_threshold_says_why_on_whose_word_and_where_it_errs(key: str) -> None:
    said = {rule.id: getattr(rule, key) for rule in book().rules.values()}
    assert [rule for rule, text in said.items() if len(text) < 12] == []
    bare = {name: text for name, text in files().items() if name != "price.toml"}
    lines = [line for line in files()["price.toml"].splitlines() if not line.startswith(f"{key} ")]
    with pytest.raises(ConfigError) as caught:
        parse({**bare, "price.toml": "\n".join(lines)}, CATALOG)
    assert {problem.id for problem in caught.value.problems if key in problem.reason} >= {
        "rebound",
        "setback",
    }


def test_every_usual_range_is_dated_and_has_a_source() -> None:
    for ladder in book().ladders.values():
        days = [usual.since for usual in ladder.usual]
        assert days == sorted(set(days))
        assert all(len(usual.source) > 12 for usual in ladder.usual)
