"""What a change of the rules would have posted."""

from bot.metrics import CATALOG
from bot.rules import impact, parse
from tests.rules.make import book, facts, files
from tests.tapes import volatile

MARKET = volatile(5, days=6)
HISTORY = [facts(sample, at) for at, sample in zip(MARKET.times, MARKET.samples, strict=True)]


def test_the_same_rules_change_nothing() -> None:
    told = impact(book(), book(), HISTORY)
    assert (told.gone, told.new, told.other_stance, told.hours) == ((), (), 0, 6 * 24)


def test_a_calmer_rule_book_tells_less_and_says_what_is_gone() -> None:
    verdict = files()["verdict.toml"].replace("value = -0.15", "value = -0.9").replace("value = 0.15", "value = 0.9")
    calmer = parse({**files(), "verdict.toml": verdict}, CATALOG)
    told = impact(book(), calmer, HISTORY)
    assert told.other_stance > 0
    assert told.gone
    assert len(told.after) < len(told.before)
