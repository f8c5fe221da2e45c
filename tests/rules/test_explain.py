"""Why a rule is on or not: every condition with what it met."""

from bot.rules import explain
from tests.rules.make import ARTICLE, NOON, book, facts


def test_a_step_tells_its_threshold_its_way_out_and_the_value() -> None:
    told = explain(book(), "basis-weak", facts(ARTICLE), NOON)
    (part,) = told.parts
    assert (told.rule, told.truth) == ("basis-weak", "true")
    assert (part.asks, part.above, part.threshold, part.clears, part.value) == (
        "basis_60d_pct",
        False,
        5.0,
        6.0,
        2.0,
    )


def test_a_combination_tells_the_state_of_its_parts() -> None:
    told = explain(book(), "rebound-unconfirmed", facts({**ARTICLE, "basis_60d_pct": 7.0}), NOON)
    assert told.truth == "false"
    assert [(part.asks, part.kind, part.wanted, part.truth) for part in told.parts] == [
        ("rebound", "rule", "on", "true"),
        ("basis-weak", "rule", "counting", "false"),
    ]


def test_what_is_not_known_says_why() -> None:
    told = explain(book(), "liquidation-storm", facts({}), NOON)
    assert (told.truth, told.parts[0].reason) == ("unknown", "not_reported()")
    bound = explain(
        book(),
        "liquidation-storm",
        facts({"liquidations_24h_usd": 1e8}, lower=["liquidations_24h_usd"]),
        NOON,
    )
    assert (bound.truth, bound.parts[0].reason) == ("unknown", "only a lower bound is known")
