"""What would change the view: every sentence is tried, and none is longer than it must be."""

from collections.abc import Mapping

from hypothesis import given, settings
from msgspec.structs import replace

from bot.domain.judgement import Flip, Verdict
from bot.domain.rulebook import UsualRange
from bot.rules import evaluate, with_exits
from tests.rules.make import ARTICLE, CALM, NOON, STRONG, book, facts, few_or_many, markets, play, settled


def found(values: Mapping[str, float]) -> tuple[Verdict, tuple[Flip, ...]]:
    judgement = settled(values)
    return judgement.verdict, with_exits(book(), facts(values), judgement, settled=True).flips


def moved(values: Mapping[str, float], flip: Flip) -> dict[str, float]:
    return {**values, **{move.fact: move.end for move in flip.moves}}


def is_out(told: Verdict, then: Verdict) -> bool:
    """Whether the balance of a moved market is beyond the way out of the stance that was told."""
    table = book().balance
    assert table is not None
    assert then.balance is not None
    low, high = then.balance
    if told.stance == "bearish":
        return high > -table.leaves
    if told.stance == "bullish":
        return low < table.leaves or then.stance == "overheated"
    return then.stance != told.stance


def test_the_articles_market_ends_its_caution_by_no_reading_alone_and_by_pairs_that_lead_home() -> None:
    _, told = found(ARTICLE)
    of_stance = [flip for flip in told if flip.stance]
    assert {flip.stance for flip in of_stance} == {"unclear"}  # two families are not known
    assert all(len(flip.moves) == 2 for flip in of_stance)
    ends = {move.fact: move.end for move in of_stance[0].moves}
    assert ends["basis_60d_pct"] <= 5.0
    assert 6.0 <= ends["skew_60d_pct"] < 20.0


def test_every_rule_that_is_on_says_at_which_reading_it_clears() -> None:
    _, told = found(ARTICLE)
    clears = {move.rule: (move.fact, move.end) for flip in told if not flip.stance for move in flip.moves}
    assert clears["basis-weak"] == ("basis_60d_pct", 6.0)
    assert clears["skew-fear"] == ("skew_60d_pct", 10.5)
    assert clears["oi-value-shrinks-coins-hold"] == ("open_interest_usd.change_7d_pct", -7.0)


def test_a_calm_market_says_what_would_make_it_lean_either_way() -> None:
    _, told = found(CALM)
    assert {flip.stance for flip in told if flip.stance} == {"bearish", "overheated"}


def test_a_strong_market_says_what_would_end_it() -> None:
    _, told = found({**STRONG, "spot_usd.change_7d_pct": 0.0})
    assert [flip for flip in told if flip.stance and flip.stance != "bullish"]


def test_where_nothing_near_ends_a_stance_none_is_told() -> None:
    verdict, told = found(STRONG)
    assert verdict.stance == "bullish"
    assert [flip for flip in told if flip.stance] == []


def test_a_move_is_named_by_the_step_that_comes_to_count() -> None:
    _, told = found(CALM)
    (move,) = next(flip.moves for flip in told if flip.stance == "overheated")
    assert move.comes_on
    assert book().rules[move.rule].stance == "overheated"


def test_a_servers_own_range_moves_the_flips() -> None:
    own = {"basis": UsualRange(since=NOON.date(), low=3, high=9, source="the server")}
    judgement = evaluate(book(), facts(ARTICLE), {}, NOON, own, settled=True)
    told = with_exits(book(), facts(ARTICLE), judgement, own, settled=True).flips
    assert {move.rule: move.end for flip in told if not flip.stance for move in flip.moves}[
        "basis-weak"
    ] == 4.0


def test_a_rule_that_is_only_waiting_is_counted_as_settled() -> None:
    judgement = play([*[CALM] * 96, {**CALM, "skew_60d_pct": 20.0, "basis_60d_pct": 2.0}])[-1]
    assert judgement.verdict.stance == "neutral"
    market = facts({**CALM, "skew_60d_pct": 20.0, "basis_60d_pct": 2.0})
    told = with_exits(book(), market, judgement).flips
    assert [flip for flip in told if flip.stance] == []


@few_or_many
def test_every_flip_flips_and_none_of_its_moves_is_idle(examples: int) -> None:
    @settings(max_examples=max(15, examples // 10), deadline=None)
    @given(market=markets())
    def holds(market: dict[str, float]) -> None:
        verdict, told = found(market)
        before = settled(market).signals
        for flip in told:
            after = evaluate(book(), facts(moved(market, flip)), before, NOON, settled=True)
            if flip.stance is None:
                (move,) = flip.moves
                assert not after.signals[move.rule].votes
                assert not settled(moved(market, flip)).signals[move.rule].votes
                continue
            assert after.verdict.stance != verdict.stance
            assert is_out(verdict, after.verdict)
            for left_out in flip.moves:
                fewer = replace(flip, moves=tuple(move for move in flip.moves if move != left_out))
                idle = evaluate(book(), facts(moved(market, fewer)), before, NOON, settled=True)
                assert not is_out(verdict, idle.verdict)

    holds()
