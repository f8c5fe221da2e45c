"""One evaluation by score."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.facts import Facts
from bot.domain.judgement import Signal
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.judgement import Judgement, changes
from bot.rules.plan import plan
from bot.rules.score.run import run
from bot.rules.score.verdict import add_up, put_in_words
from bot.rules.states import cell_of, signal_of
from bot.rules.truth import values_of


def evaluate_by_score(
    book: RuleBook,
    facts: Facts,
    signals: Mapping[str, Signal],
    at: datetime,
    ranges: Ranges,
    *,
    settled: bool,
) -> Judgement:
    """Judge the facts at a time by the score, as `bot.rules.evaluate` does by the balance."""
    ready = plan(book, at.date(), ranges, facts.asset)
    cells = {name: cell_of(signals.get(name)) for name in book.order}
    values, bounds = values_of(facts, ready.asked)
    ran = run(ready, cells, values, bounds, at.timestamp(), settled=settled)
    total = add_up(ready, cells, values, ran.shaky)
    after = {name: signal_of(name, cell) for name, cell in cells.items()}
    verdict = put_in_words(ready, total, facts, after, at)
    return Judgement(
        signals=after,
        verdict=verdict,
        changed=changes(ran, cells),
        counts=total.counts,
        counting=total.counts,
    )
