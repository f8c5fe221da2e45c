"""Numerals of a text that has no spans, matched to facts by the words around them: which of them have nothing
behind them."""

import re
from collections.abc import Iterator

from msgspec import Struct

from bot.commentary.formats import BY_UNIT
from bot.commentary.titles import tenor_of, unit_of
from bot.commentary.words import has, several
from bot.domain.catalog import Catalog
from bot.domain.facts import Facts
from bot.domain.rulebook import RuleBook
from bot.domain.story import PhraseBank

_NUMERAL = re.compile(
    r"(?<![\w.,])(?P<dollar>\$)?(?P<number>\d[\d,]*(?:\.\d+)?)(?P<scale>\s?(?:trillion|billion|million|thousand)\b|[KMBT]\b)?(?P<pct>\s?%|\s?percent\b)?"
)
_SCALES = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "million": 1e6,
    "b": 1e9,
    "billion": 1e9,
    "t": 1e12,
    "trillion": 1e12,
}


class _Numeral(Struct, frozen=True, kw_only=True):
    text: str
    value: float
    step: float
    kind: str
    around: str
    start: int


def factcheck(
    text: str, facts: Facts, catalog: Catalog, bank: PhraseBank, book: RuleBook | None = None
) -> list[str]:
    """The numerals of a text that no fact, usual range (of `book`) or date stands behind, each once, in
    reading order.

    A numeral is matched by its value at the precision in which it is written, its kind (dollars, percent,
    plain) and the words of its own and the previous sentence, which must be about the same metric."""
    dates = [*_dates(text, facts, bank), *_tenors(text, facts, bank)]
    wrong = [
        numeral.text
        for numeral in _numerals(text)
        if not any(start <= numeral.start < end for start, end in dates)
        and not _backed(numeral, facts, catalog, bank, book)
    ]
    return list(dict.fromkeys(wrong))


def _numerals(text: str) -> Iterator[_Numeral]:
    bounds = [0, *(found.end() for found in re.finditer(r"(?<=[a-z\d)%])[.!?]\s+|\n+", text)), len(text)]
    for found in _NUMERAL.finditer(text):
        number = found["number"].rstrip(",")
        scale = _SCALES.get((found["scale"] or "").strip().lower(), 1.0)
        decimals = len(number.partition(".")[2])
        here = max(index for index, bound in enumerate(bounds) if bound <= found.start())
        yield _Numeral(
            text=found.group().rstrip(", "),
            value=float(number.replace(",", "")) * scale,
            step=scale * 10.0**-decimals,
            kind="$" if found["dollar"] else "%" if found["pct"] else "",
            around=text[bounds[max(here - 1, 0)] : bounds[min(here + 1, len(bounds) - 1)]],
            start=found.start(),
        )


def _backed(
    numeral: _Numeral, facts: Facts, catalog: Catalog, bank: PhraseBank, book: RuleBook | None
) -> bool:
    for name, fact in facts.known.items():
        if (
            name in catalog
            and _same(numeral, fact.value, unit_of(name, bank))
            and _speaks_of(numeral.around, name, bank)
        ):
            return True
    return any(
        _same(numeral, end, unit_of(fact, bank)) and _speaks_of(numeral.around, fact, bank)
        for fact, end in _usual(facts, book)
    )


def _usual(facts: Facts, book: RuleBook | None) -> Iterator[tuple[str, float]]:
    for ladder in book.ladders.values() if book else ():
        usual = book.usual(ladder, facts.at.date(), {}, facts.asset, facts.pasts or {}) if book else None
        if usual is not None:
            yield ladder.fact, usual.low
            yield ladder.fact, usual.high


def _same(numeral: _Numeral, value: float, unit: str) -> bool:
    kind = {"usd": "$", "price": "$", "pct": "%", "share": "%"}.get(BY_UNIT.get(unit, ""), "")
    if kind != numeral.kind and not (kind == "%" and numeral.kind == ""):
        return False
    return abs(numeral.value - abs(value)) <= numeral.step / 2 * (1 + 1e-9)


def _speaks_of(around: str, name: str, bank: PhraseBank) -> bool:
    words = bank.metrics.get(name.partition(".")[0])
    return words is None or has(around, words.cues) is not None


def _tenors(text: str, facts: Facts, bank: PhraseBank) -> list[tuple[int, int]]:
    """Where the text names the tenor of a metric that is known: "60-day"."""
    known = {tenor for name in facts.known if (tenor := tenor_of(name, bank))}
    return [hit.span() for tenor in known for hit in re.finditer(re.escape(tenor), text)]


def _dates(text: str, facts: Facts, bank: PhraseBank) -> list[tuple[int, int]]:
    """Where the text writes the day of the facts or of one of their extremes."""
    months = several(bank.words, "months")
    moments = {facts.at.date(), *(fact.extreme_at.date() for fact in facts.known.values() if fact.extreme_at)}
    moments |= {fact.at.date() for fact in facts.known.values()}
    found: list[tuple[int, int]] = []
    for day in moments:
        month = months[day.month - 1]
        for pattern in (
            rf"{month} {day.day}, {day.year}",
            rf"{day.day} {month} {day.year}",
            rf"{day.day} {month}",
            f"{day:%Y-%m-%d}",
        ):
            found += [hit.span() for hit in re.finditer(pattern, text)]
    return found
