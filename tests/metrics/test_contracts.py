"""A venue's contracts against those of its last believed poll."""

from datetime import timedelta
from math import log

import pytest

from bot.domain.tellings import KnownContracts
from bot.metrics.contracts import JudgedContracts, ToldContract, is_shared, judge_contracts, move_of, widen
from tests.metrics.market import DAY, HOUR, NOW, ms
from tests.said import english

MINUTES = timedelta(minutes=15)
DATED_MS = ms(NOW + DAY)


def told(**amounts: float | None) -> list[ToldContract]:
    """Contracts by name, in coins; `dated` expires a day after NOW."""
    return [
        ToldContract(symbol=name, amount=amount, expires_ms=DATED_MS if name.startswith("dated") else 0)
        for name, amount in amounts.items()
    ]


def known(**amounts: float) -> KnownContracts:
    """As they are known from a first poll at NOW."""
    first = judge_contracts(None, told(**amounts), (), NOW)
    assert first.withheld is None
    assert first.known is not None
    return first.known


def polls(
    past: KnownContracts, *rounds: list[ToldContract], moves: tuple[float, ...] = (0.0,)
) -> list[JudgedContracts]:
    """The polls that follow, a quarter of an hour apart."""
    judged: list[JudgedContracts] = []
    for number, contracts in enumerate(rounds, 1):
        judged.append(judge_contracts(past, contracts, moves, NOW + number * MINUTES))
        past = judged[-1].known or past
    return judged


def said(judged: JudgedContracts) -> str | None:
    return None if judged.withheld is None else english(judged.withheld)


def test_the_same_contracts_stand_and_are_known_by_their_amounts() -> None:
    [judged] = polls(known(perpetual=100.0, dated=5.0), told(perpetual=101.0, dated=5.5))
    assert (judged.withheld, judged.anew) == (None, False)
    assert judged.known is not None
    assert judged.known.amounts == {"perpetual": 101.0, "dated": 5.5}
    assert judged.known.expires_ms == {"dated": DATED_MS}


def test_a_missing_contract_is_named_and_the_last_believed_ones_stay_known() -> None:
    past = known(perpetual=100.0, dated=5.0)
    [judged] = polls(past, told(dated=5.0))
    assert said(judged) == "perpetual is missing"
    assert judged.known is not None
    assert judged.known.amounts == past.amounts
    [judged] = polls(known(perpetual=100.0, dated=5.0, other=1.0), told(other=1.0))
    assert said(judged) == "perpetual and 1 other contracts are missing"


def test_one_that_is_there_and_not_counted_or_long_ago_is_named_with_that() -> None:
    past = known(perpetual=100.0, dated=5.0)
    old = ToldContract(symbol="perpetual", stale=timedelta(minutes=50))
    assert said(polls(past, [*told(dated=5.0), old])[0]) == "what it tells of perpetual is 50 min old"
    assert said(polls(past, told(dated=5.0, perpetual=None))[0]) == "no open interest for perpetual"


def test_a_contract_that_expired_or_in_which_nothing_was_open_is_not_missed() -> None:
    past = known(perpetual=100.0, dated=40.0, idle=0.0)
    judged = judge_contracts(past, told(perpetual=100.0), (), NOW + DAY)
    assert judged.withheld is None
    early = judge_contracts(past, told(perpetual=100.0), (), NOW + DAY - timedelta(minutes=1))
    assert said(early) == "dated is missing"


def test_an_expired_contract_that_is_still_listed_is_not_counted() -> None:
    judged = judge_contracts(
        known(perpetual=100.0, dated=40.0), told(perpetual=100.0, dated=40.0), (), NOW + DAY
    )
    assert judged.known is not None
    assert judged.known.amounts == {"perpetual": 100.0}


def test_a_new_listing_stands_unless_it_is_large_and_then_after_three_polls_with_changes_anew() -> None:
    past = known(perpetual=100.0)
    assert [(one.withheld, one.anew) for one in polls(past, told(perpetual=100.0, new=1.0))] == [
        (None, False)
    ]
    assert [(one.withheld, one.anew) for one in polls(past, told(perpetual=100.0, new=4.0))] == [(None, True)]
    judged = polls(past, *[told(perpetual=100.0, new=40.0)] * 3)
    assert [said(one) for one in judged] == [
        "new appeared with 40 coins, too many for a new listing",
        "new appeared with 40 coins, too many for a new listing",
        None,
    ]
    assert [one.anew for one in judged] == [False, False, True]


def test_a_jump_that_no_other_venue_shares_is_told_with_both_values_until_it_has_stood_three_polls() -> None:
    past = known(perpetual=100.0, dated=10.0)
    judged = polls(past, *[told(perpetual=50.0, dated=10.0)] * 3, moves=(0.0, 0.01))
    assert said(judged[0]) == (
        "110 coins became 60, most of it in perpetual, and no other venue moved like it"
    )
    assert [one.withheld is None for one in judged] == [False, False, True]
    assert [one.jumped for one in judged] == [True, True, False]
    assert judged[-1].anew


def test_a_contract_that_jumped_alone_is_named_though_the_sum_hides_it() -> None:
    past = known(perpetual=100.0, quarterly=5.0)
    halved = told(perpetual=100.0, quarterly=2.5)
    assert said(polls(past, halved)[0]) == (
        "quarterly went from 5 coins to 2.5, and neither the venue's other contracts nor another venue moved like it"
    )
    assert [one.withheld is None for one in polls(past, *[halved] * 3)] == [False, False, True]
    gone = told(perpetual=100.0, quarterly=0.0)
    assert said(polls(past, gone)[0]) is not None
    assert said(polls(past, told(perpetual=100.0, quarterly=5.5))[0]) is None


def test_a_contract_may_move_as_it_likes_where_it_is_small_expires_soon_or_another_venues_moved_so() -> None:
    past, halved = known(perpetual=100.0, quarterly=5.0), told(perpetual=100.0, quarterly=2.5)
    at = NOW + MINUTES
    assert judge_contracts(past, halved, (0.0,), at, least_coins=2.0).withheld is not None
    assert judge_contracts(past, halved, (0.0,), at, least_coins=3.0).withheld is None
    assert judge_contracts(past, halved, (0.0,), at, contract_moves=(0.0, -0.5)).withheld is None
    assert judge_contracts(past, halved, (0.0,), at, contract_moves=(0.0, 0.5)).withheld is not None
    soon = known(perpetual=100.0, dated=5.0)
    assert judge_contracts(soon, told(perpetual=100.0, dated=2.5), (0.0,), at).withheld is None


def test_a_jump_that_does_not_stand_still_begins_to_count_again() -> None:
    rounds = [told(perpetual=amount) for amount in (50.0, 35.0, 35.0, 35.0)]
    judged = polls(known(perpetual=100.0), *rounds)
    assert [one.withheld is None for one in judged] == [False, False, False, True]


@pytest.mark.parametrize("factor", [1000.0, 0.01, 0.0])
def test_a_count_that_no_market_makes_has_to_stand_for_a_day(factor: float) -> None:
    past, believed, at = known(perpetual=100.0), [], NOW
    for _ in range(27):
        at += timedelta(hours=1)
        judged = judge_contracts(past, told(perpetual=100.0 * factor), (0.0,), at)
        assert judged.known is not None
        past = judged.known
        believed.append(judged.withheld is None)
    assert believed.index(True) == 24


def test_a_jump_that_another_venue_shares_is_believed() -> None:
    past = known(perpetual=100.0)
    assert polls(past, told(perpetual=60.0), moves=(0.0, log(0.7)))[0].withheld is None
    assert polls(past, told(perpetual=60.0), moves=(0.0, log(1.4)))[0].withheld is not None


def test_where_no_other_venue_is_there_only_a_jump_within_two_hours_is_judged() -> None:
    past = known(perpetual=100.0)
    assert judge_contracts(past, told(perpetual=50.0), (), NOW + HOUR).withheld is not None
    assert judge_contracts(past, told(perpetual=50.0), (), NOW + 3 * HOUR).withheld is None


def test_a_contract_that_is_missing_for_a_day_is_delisted_and_changes_begin_anew() -> None:
    past = known(perpetual=100.0, dated=5.0, second=30.0)
    contracts = told(perpetual=100.0)
    first = judge_contracts(past, [*contracts, *told(dated=5.0)], (), NOW + HOUR)
    assert first.known is not None
    later = judge_contracts(first.known, contracts, (), NOW + 24 * HOUR)
    assert later.withheld is not None
    assert later.known is not None
    done = judge_contracts(later.known, contracts, (), NOW + 25 * HOUR)
    assert (done.withheld, done.anew) == (None, True)


def test_a_second_look_at_the_same_moment_is_no_second_poll() -> None:
    past, contracts = known(perpetual=100.0), told(perpetual=50.0)
    for _ in range(5):
        judged = judge_contracts(past, contracts, (), NOW + HOUR)
        assert judged.withheld is not None
        assert judged.known is not None
        past = judged.known
    assert past.polls == 1


def test_a_first_poll_in_which_a_contract_was_not_counted_is_nothing_to_compare_with() -> None:
    assert judge_contracts(None, told(perpetual=100.0, dated=None), (), NOW).known is None


def test_inverse_contracts_move_by_their_dollars_not_by_the_price() -> None:
    past = KnownContracts(at=NOW, amounts={"inverse": 1_000_000.0}, inverse=("inverse",))
    now = ToldContract(symbol="inverse", amount=1_000_000.0, inverse=True, index_usd=50_000.0)
    assert move_of(past, [now], NOW + HOUR) == 0.0
    assert judge_contracts(past, [now], (0.0,), NOW + HOUR).withheld is None


def test_moves_are_compared_by_way_and_size() -> None:
    assert is_shared(-0.4, [0.1, -0.2])
    assert not is_shared(-0.4, [0.5, -0.19])
    assert not is_shared(-0.4, [])
    assert [widen(1.0, span) for span in (MINUTES, HOUR, 64 * HOUR, 30 * DAY)] == pytest.approx([1, 1, 2, 2])
