"""The file of corporate holders."""

from datetime import date

import pytest

from bot.domain.playbook import Holding
from bot.errors import ConfigError
from bot.metrics import parse_holdings
from tests.said import english

GOOD = """
[[holding]]
holder = "Example Corp."
asset = "BTC"
coins = 1000
average_cost_usd = 76_000
as_of = 2026-02-01
source = "https://example.com/filing"
"""


def test_the_file_names_holder_date_and_source() -> None:
    assert parse_holdings(GOOD) == (
        Holding(
            holder="Example Corp.",
            asset="BTC",
            coins=1_000.0,
            average_cost_usd=76_000.0,
            as_of=date(2026, 2, 1),
            source="https://example.com/filing",
        ),
    )
    assert parse_holdings("") == ()


def test_all_that_is_wrong_with_the_file_is_told_at_once() -> None:
    bad = (
        GOOD.replace("coins = 1000", "coins = true").replace("as_of = 2026-02-01", 'as_of = "soon"')
        + "\nlot = 3\n"
    )
    with pytest.raises(ConfigError) as raised:
        parse_holdings(bad)
    told = english(raised.value)
    assert all(word in told for word in ("Example Corp.", "coins", "as_of", "lot: unknown key"))


@pytest.mark.parametrize("text", ["holding = 3", "[[holding]", "other = 1"])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"treasuries\.toml"):
        parse_holdings(text)
