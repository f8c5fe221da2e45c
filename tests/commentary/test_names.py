"""What the texts of a market look up once is what a market that was never asked says of it."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.commentary.formats import BY_UNIT
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.terms import Recorder
from bot.commentary.titles import tenor_of, title_of, unit_of
from bot.rules import evaluate
from tests.commentary.make import NOW, article, bank, book

VALUES = st.floats(-50, 150, allow_nan=False)
NAMES = sorted(
    {ladder.fact for ladder in book().ladders.values()}
    | {"skew_60d_pct.change_7d", "open_interest_usd.before_7d", "liquidations_24h_usd", "spot_usd"}
)


def spoken() -> SpokenMarket:
    """The article's market, judged."""
    facts = article()
    verdict = evaluate(book(), facts, {}, NOW, settled=True).verdict
    return SpokenMarket(
        facts=facts, book=book(), bank=bank(), at=NOW, findings=verdict.findings, verdict=verdict
    )


ASKED = spoken()


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), values=st.lists(VALUES, min_size=1, max_size=5))
def test_a_fact_is_called_and_checked_the_same_however_often_it_is_asked_for(
    name: str, values: list[float]
) -> None:
    called = ASKED.name_fact(name)
    assert called.unit_filter == BY_UNIT.get(unit_of(name, bank()), "text")
    assert (called.title, called.tenor) == (title_of(name, bank()), tenor_of(name, bank()))
    plain = [ladder.id for ladder in book().ladders.values() if ladder.fact == name]
    assert list(ASKED.ladders_over(name)) == plain
    for ladder in plain:
        usual = book().usual(book().ladders[ladder], NOW.date(), {}, "BTC", {})
        assert ASKED.usual(ladder) == usual
    fresh = spoken()

    def sides(checks: tuple[Callable[[float], bool], ...]) -> list[list[bool]]:
        return [[check(value) for check in checks] for value in values]

    assert sides(ASKED.checks(name)) == sides(fresh.checks(name))


def test_another_market_looks_up_its_own() -> None:
    ASKED.usual("basis")
    own = replace(book().ladders["basis"].usual[-1], low=1.0, high=2.0)
    other = replace(ASKED, ranges={"basis": own})
    assert other.usual("basis") == own
    assert ASKED.usual("basis") != own


def test_names_that_are_asked_for_alone_are_what_they_are_among_all() -> None:
    namer = Namer(market=ASKED, recorder=Recorder(bank().words))
    whole = namer.common()
    assert set(whole) == {"asset", "coin", "at", "stance", "confidence"}
    for name, term in whole.items():
        assert namer.common({name, "unknown"}) == {name: term}
