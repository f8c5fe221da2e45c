"""The bench judges moved facts by looking again only at the rules that these can reach: it must come to what all rules
together come to."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.rulebook import UsualRange
from bot.rules.balance import add_up
from bot.rules.bench import Bench, _find_reach, _reach
from bot.rules.evaluate import plan_for
from bot.rules.plan import plan
from bot.rules.run import run
from bot.rules.states import cells_of
from bot.rules.truth import values_of
from tests.rules.make import NOON, book, facts, few_or_many, markets, settled, turning_points


def moves() -> st.SearchStrategy[dict[str, float]]:
    """One to three facts, each at one of its turning points."""
    some = {fact: values for fact, values in turning_points().items() if values}
    one = st.sampled_from(sorted(some)).flatmap(
        lambda fact: st.tuples(st.just(fact), st.sampled_from(sorted(some[fact])))
    )
    return st.lists(one, min_size=1, max_size=3).map(dict)


@few_or_many
def test_a_moved_market_is_what_all_rules_make_of_it(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(market=markets(), moved=moves())
    def holds(market: dict[str, float], moved: dict[str, float]) -> None:
        moved = {fact: value for fact, value in moved.items() if fact in market}
        known = facts(market)
        ready = plan_for(book(), known, NOON, {})
        values, bounds = values_of(known, ready.asked)
        bench = Bench(
            ready, cells_of(settled(market).signals, ready.by_rule), values, bounds, NOON.timestamp()
        )
        plain = {name: cell.copy() for name, cell in bench.now.cells.items()}
        ran = run(ready, plain, {**values, **moved}, bounds - moved.keys(), NOON.timestamp(), settled=True)
        for _ in range(2):  # the second time it is remembered
            found = bench.judge_moved(moved)
            assert found.total == add_up(ready, plain, ran)
            assert {name: cell.phase for name, cell in found.cells.items()} == {
                name: cell.phase for name, cell in plain.items()
            }

    holds()


def test_which_rules_a_fact_reaches_is_looked_for_once_for_all_ranges_days_and_assets() -> None:
    own = UsualRange(since=NOON.date(), low=-9.0, high=9.0, source="a server")
    plans = [
        plan(book(), day.date(), ranges, asset)
        for asset in ("BTC", "ETH")
        for day in (NOON, NOON + timedelta(days=400))
        for ranges in ({}, {"skew-60d": own})
    ]
    for fact in plans[0].asked:
        told = [_find_reach(ready, fact) for ready in plans]
        assert told == [told[0]] * len(plans)
        assert _reach(plans[0], fact) == told[0]
    assert all(ready.reach is plans[0].reach for ready in plans)
    assert plans[0].reach.keys() >= set(plans[0].asked)
