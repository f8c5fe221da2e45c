"""The table under a post: readings that earned no sentence, as name, value now, value a day ago, rank in their own year,
and usual range. On narrow screens the first four columns make thirty characters."""

from collections.abc import Iterator

from bot.commentary.fewer import stands_otherwise
from bot.commentary.formats import BY_UNIT, Words, apply
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.points import FEW_PUTS, TOPICS, are_puts_few_and_dear, rank_of
from bot.commentary.terms import Recorder, Term
from bot.commentary.titles import unit_of
from bot.domain.catalog import RANKED_BY
from bot.domain.story import Memory, Origin, Story, Text

MOST_ROWS, ENOUGH_ROWS = 6, 3
"""Beside so many readings of derivatives gold and stocks are left out."""
ELSEWHERE = "vs_"
FACTS = (
    *(name for topic in TOPICS[:3] for name in topic.facts[:1]),
    *("open_interest_coin", "liquidations_24h_usd", "dvol", "iv_term_slope_points", "protection_30d_pct"),
    *("put_call_volume_ratio", "vs_gold_30d_pct", "vs_nasdaq_30d_pct"),
)
TURNED = ("iv_term_slope_points",)
"""Differences that a table writes the other way round, as the sentences tell them: one-week over one-month."""
NOT_KNOWN = "–"
COMPACT = {"usd": "compact", "coins": "compact_coins", "price": "price", "points": "bare"}


A_DAY_AGO, A_WEEK_AGO = "before_24h", "before_7d"
"""The view in the column after the one of now."""


def table(story: Story, market: SpokenMarket, memory: Memory, past: str = A_DAY_AGO) -> tuple[Text, ...]:
    """The rows for what the story's prose did not tell, at most six, each beside its value of a `past` time: first what the
    headline alone told. Under one whose rank is not known stands the row of the metric that is ranked in its place."""
    told = {stem for text in story.paragraphs if text.slot != "watch" for stem in _stems(text)}
    headed = set(_stems(story.headline)) if story.headline is not None else set()
    families = {stem: _family(stem) for stem in told}
    rows: list[Text] = []
    unexplained = {FEW_PUTS} if are_puts_few_and_dear(market) else set()
    for name in sorted(FACTS, key=lambda name: name not in headed):
        if name in told | unexplained or (
            name.startswith(("liquidations_", "open_interest_")) and _family(name) in families.values()
        ):
            continue
        if name.startswith(ELSEWHERE) and len(rows) >= ENOUGH_ROWS:
            continue
        row = _row(name, market, memory, past)
        if row is not None:
            rows.append(row)
        other = told_rank_of(name, market)
        if row is not None and other is not None and other not in told:
            rows += [stand_in] if (stand_in := _row(other, market, memory, past)) is not None else []
    return tuple(rows[:MOST_ROWS])


def _stems(text: Text) -> Iterator[str]:
    for span in text.spans:
        yield span.origin.ref.partition("@")[0].partition(".")[0]


def told_rank_of(name: str, market: SpokenMarket) -> str | None:
    """The metric whose rank is told where that of a known one is not; None where its own is, or neither."""
    fact, other = market.fact(name), RANKED_BY.get(name)
    known = market.fact(other) if other is not None else None
    if fact is None or known is None or rank_of(name, fact.value, market) is not None:
        return None
    return None if rank_of(known.name, known.value, market) is None else other


def _family(stem: str) -> str:
    return stem.partition("_")[0]


def _row(name: str, market: SpokenMarket, memory: Memory, past: str) -> Text | None:
    words = market.bank.words
    label, fact = words.get(f"short.{name}"), market.fact(name)
    if label is None or fact is None:
        return None
    recorder = Recorder(words)
    namer = Namer(market=market, recorder=recorder)
    unit = BY_UNIT.get(unit_of(name, market.bank), "text")
    shape = "opposite" if name in TURNED else COMPACT.get(unit, unit)
    titled = recorder.mark(label, Origin(kind="name", ref=f"short.{name}", value=label), "text")
    now, then = namer.fact(name), namer.fact(f"{name}.{past}")
    if now is None:
        return None
    band = namer.band_of_fact(name)
    rank = rank_of(name, fact.value, market)
    less = words.get("fewer_mark", "") if stands_otherwise(name, market, memory) else ""
    cells = (
        titled,
        f"{_plainly(now, shape)}{less}",
        _plainly(then, shape) if then is not None and then.origin.value != "" else NOT_KNOWN,
        NOT_KNOWN if rank is None else _rank(name, rank, recorder, words),
        str(band) if band is not None else NOT_KNOWN,
    )
    text, spans = recorder.resolve("\t".join(cells))
    return Text(slot="evidence", about="row", text=text, spans=spans)


def _plainly(term: Term, shape: str) -> str:
    """A value without the words around it ("at least"): a table has no room for them; a mark stands for them."""
    words, value = term.recorder.words, term.origin.value
    digits = next((some for some in (None, 2, 3) if _is_seen(value, apply(shape, value, some, words))), None)
    shown = term.recorder.mark(apply(shape, value, digits, words), term.origin, shape, digits)
    return f"{words['at_least_mark']}{shown}" if term.lower_bound else shown


def _is_seen(value: float | str, shown: str) -> bool:
    """Whether a value is written as one that it could be: what is not zero does not read as zero."""
    return not value or any(digit in shown for digit in "123456789")


def _rank(name: str, rank: float, recorder: Recorder, words: Words) -> str:
    """Where it stands in its own year; at the ends it is known to be as far out or farther."""
    origin = Origin(kind="count", ref=f"rank of {name}", value=rank)
    shape = "rank_above" if name in TURNED else "count"
    shown = recorder.mark(apply(shape, rank, None, words), origin, shape)
    rank = 100.0 - rank if name in TURNED else rank
    if rank >= 95:
        return f"≥{shown}"
    return f"≤{shown}" if rank <= 5 else shown
