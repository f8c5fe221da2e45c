"""The gate for one text: rules that it passes before anybody reads it. Each returns failures in words; none is
repaired here. What a whole post must be besides is `bot.commentary.storygate`."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from bot.commentary.formats import apply
from bot.commentary.names import Namer, SpokenMarket, age_days
from bot.commentary.path import LAST_POST
from bot.commentary.points import rank_of
from bot.commentary.shapes import NAMED_NEWS, news
from bot.commentary.storynames import alarm_unit_filter, alarm_value, hours_since
from bot.commentary.tag import A_DAY, DIRECTION_DAYS
from bot.commentary.terms import Recorder, truthful
from bot.commentary.titles import title_of
from bot.commentary.ways import read_on_the_way
from bot.commentary.words import has, several
from bot.domain.judgement import Verdict
from bot.domain.rulebook import Condition
from bot.domain.story import Memory, Origin, PhraseBank, Span, Text

Given = Mapping[str, Origin]

_UNFILLED = re.compile(r"[{}\ue000-\uf8ff]|\bnan\b|\bNone\b(?! of)|\binf\b")
_NUMERAL = re.compile(r"\d[\d.,]*")
_CLAUSE_END = re.compile(r"[.;:,]")
_SENTENCE_START = re.compile(r"(?<=[.!?] )[^\W\d_]")
_ARTICLE = re.compile(r"\b(an?) [$+±]?(\w[\w,.]*)", re.IGNORECASE)


def text_failures(
    text: Text,
    market: SpokenMarket,
    *,
    memory: Memory | None = None,
    given: Given | None = None,
    cells: bool = False,
) -> list[str]:
    """What is wrong with one text by itself: rules 1 to 4 and 7 to 9. `given` are the origins that a caller
    brought along; `cells`: it is no running text but a row of cells or tags, where only the numbers are read."""
    failures = [*_unfilled(text)]
    failures += _numerals(text)
    for span in text.spans:
        failures += _span(span, text, market, memory or Memory(), given or {}, cells=cells)
    if cells:
        return failures
    failures += _directions(text, market)
    failures += _typography(text, market.bank)
    failures += _fresh(text, market)
    failures += _advice(text, market.bank)
    return failures


# ── 1: nothing unfilled ─────────────────────────────────────────────────────────────────────────────────────


def _unfilled(text: Text) -> Iterator[str]:
    if found := _UNFILLED.search(text.text):
        yield f"1: unfilled slot {found.group()!r} in {text.text!r}"
    if not text.text.strip():
        yield f"1: empty {text.slot}"


# ── 2: every numeral has an origin ──────────────────────────────────────────────────────────────────────────


def _numerals(text: Text) -> Iterator[str]:
    covered = [False] * len(text.text)
    for span in text.spans:
        if text.text[span.start : span.end] != span.text:
            yield f"2: the span {span.text!r} is not where it was recorded"
        covered[span.start : span.end] = [True] * (span.end - span.start)
    for found in _NUMERAL.finditer(text.text):
        if not covered[found.start()]:
            yield f"2: the number {found.group()!r} has no origin"


def _span(
    span: Span, text: Text, market: SpokenMarket, memory: Memory, given: Given, *, cells: bool
) -> Iterator[str]:
    expected = _expected(span, market, memory, given)
    if expected is None:
        yield f"2: {span.text!r} claims to come from {span.origin.kind} {span.origin.ref}, which is not known"
        return
    if expected != span.origin.value:
        yield f"2: {span.text!r}: {span.origin.ref} is {expected!r}, not {span.origin.value!r}"
    shown = _shown(span, market)
    if shown is None:
        yield f"2: {span.text!r} is in no known format: {span.filter}"
        return
    if span.text not in (shown, shown[:1].upper() + shown[1:]):
        yield f"2: {span.text!r} should read {shown!r}"
    unit = _unit_filter(span.origin, market)
    written = _quantity(span.filter.partition(":")[2] or span.filter)
    if unit is not None and written and _quantity(unit) not in (written, None):
        yield f"2: {span.text!r}: {span.origin.ref} is counted in {_quantity(unit)}, not in {written}"
    if not cells:
        yield from _rounding(span, market)
        yield from _bound(span, text, market)


def _unit_filter(origin: Origin, market: SpokenMarket) -> str | None:
    """The format of the unit that a number is in, where its origin tells."""
    if origin.kind == "fact":
        name = origin.ref.partition("@")[0]
        return "pct" if name.endswith(".change_pct") else market.name_fact(name).unit_filter
    if origin.ref.startswith("alarm "):
        _, rule, what = origin.ref.split(" ")
        return (
            alarm_unit_filter(market.book.alarms[rule], what, market) if rule in market.book.alarms else None
        )
    return None


QUANTITIES = {
    "dollars": ("usd", "usd_size", "price", "brief", "level", "compact"),
    "coins": ("coins", "coins_size", "compact_coins"),
    "percent": ("pct", "size", "signed", "plusminus", "cost", "change"),
    "points": ("points", "points_size"),
}


_QUANTITY_OF = {name: quantity for quantity, names in QUANTITIES.items() for name in names}


def _quantity(name: str) -> str | None:
    """What a format writes numbers as; None where it writes them bare or as something else."""
    return _QUANTITY_OF.get(name)


def _shown(span: Span, market: SpokenMarket) -> str | None:
    """How the span's value is written; None where there is no such format, or it does not take such a value."""
    if span.filter == "title":
        return market.name_fact(span.origin.ref).title
    if span.filter == "tenor":
        return market.name_fact(span.origin.ref).tenor
    try:
        return apply(span.filter, span.origin.value, span.digits, market.bank.words)
    except (KeyError, ValueError):
        return None


def _expected(span: Span, market: SpokenMarket, memory: Memory, given: Given) -> float | str | None:
    """What the origin's value is by now, from the same place; None where there is no such place."""
    kind, ref = span.origin.kind, span.origin.ref
    if span.origin in given.values():
        return span.origin.value
    if kind == "fact":
        return _fact_value(ref, market, memory)
    if kind == "date":
        return _date_value(ref, market, memory)
    if kind == "name":
        return _name_value(span, market)
    if kind == "usual":
        ladder, _, end = ref.partition(":")
        usual = market.usual(ladder)
        return None if usual is None else usual.low if end == "low" else usual.high
    if kind == "threshold":
        return _threshold_value(ref, market, span.origin.value)
    if kind == "count" and market.verdict is not None:
        return _count_value(ref, market, market.verdict, memory)
    return None


def _count_value(ref: str, market: SpokenMarket, verdict: Verdict, memory: Memory) -> float | None:
    if ref in ("news", "gone"):
        return float(len(news(verdict, memory)[ref == "gone"]) - NAMED_NEWS)
    if ref in COUNTED:
        return COUNTED[ref](market, verdict, memory)
    if ref.startswith("alarm "):
        _, rule, what = ref.split(" ")
        alarm = next((one for one in verdict.alarms if one.rule == rule and one.new), None)
        return alarm_value(alarm, what) if alarm else None
    if ref.startswith("rank of "):
        name = ref.removeprefix("rank of ")
        fact = market.fact(name)
        return rank_of(name, fact.value, market) if fact else None
    return None


def _direction_days(market: SpokenMarket) -> float | None:
    table = market.book.direction
    return table.window / A_DAY if table is not None else None


COUNTED: Mapping[str, Callable[[SpokenMarket, Verdict, Memory], float | None]] = {
    "coverage": lambda market, verdict, memory: verdict.coverage * 100,
    "age": lambda market, verdict, memory: age_days(market),
    "hours since last post": lambda market, verdict, memory: (
        hours_since(memory.compared.at, market.at) if memory.compared else None
    ),
    DIRECTION_DAYS: lambda market, verdict, memory: _direction_days(market),
    "days that an exit is held": lambda market, verdict, memory: next(
        (float(math.ceil(way.held_days)) for way in verdict.exits if way.held_days), None
    ),
}
"""What a count may be of beside news, alarms and ranks, and where it is worked out anew."""


def _fact_value(ref: str, market: SpokenMarket, memory: Memory) -> float | None:
    name, _, when = ref.partition("@")
    if when and name == "spot_usd.change_pct":
        return _since_last_post("spot_usd", market, memory)
    if when and when != LAST_POST:
        point = read_on_the_way(ref, market)
        return None if point is None else point.value
    if when:
        return memory.compared.figures.get(name) if memory.compared else None
    fact = market.facts.known.get(name) or market.facts.stale.get(name)
    return None if fact is None else fact.value


def _since_last_post(name: str, market: SpokenMarket, memory: Memory) -> float | None:
    """A fact's move in percent since the last post."""
    now, then = market.fact(name), memory.compared.figures.get(name) if memory.compared else None
    return (now.value / then - 1) * 100 if now and then else None


def _date_value(ref: str, market: SpokenMarket, memory: Memory) -> str | None:
    if ref == "at":
        return market.at.isoformat()
    if ref == "last post":
        return memory.compared.at.isoformat() if memory.compared else None
    if ref.startswith("since "):
        found = [one for one in market.findings if one.rule == ref.removeprefix("since ")]
        return found[0].since.isoformat() if found else None
    if "@" in ref:
        point = read_on_the_way(ref, market)
        return None if point is None else point.at.isoformat()
    fact = market.facts.known.get(ref) or market.facts.stale.get(ref)
    return None if fact is None else (fact.extreme_at or fact.at).isoformat()


def _name_value(span: Span, market: SpokenMarket) -> float | str | None:
    if span.filter in ("title", "tenor"):
        return span.origin.value
    if span.origin.ref.startswith(("short.", "called.")):
        stem = span.origin.ref.partition(".")[2]
        return market.bank.words.get(span.origin.ref) or title_of(stem, market.bank)
    if span.origin.ref.startswith(("rule.", "family.")):
        return market.bank.words.get(span.origin.ref, span.origin.ref.partition(".")[2])
    if span.origin.ref == "asset":
        asset = market.facts.asset
        known = (asset, market.bank.words.get(f"asset.{asset}", asset))
        return span.origin.value if span.origin.value in known else asset
    return span.origin.value


def _threshold_value(ref: str, market: SpokenMarket, said: float | str) -> float | None:
    rule_id, _, rest = ref.partition(":")
    fact, _, side = rest.rpartition(" ")
    verdict = market.verdict
    if side == "end" and verdict is not None:
        moves = [move for way in (*verdict.exits, *verdict.deepeners) for move in way.moves]
        moves += [move for flip in verdict.flips for move in flip.moves]
        ends = [move.end for move in moves if move.rule == rule_id and move.fact == fact]
        return float(said) if said in ends else next(iter(ends), None)
    rule = market.book.rules.get(rule_id)
    if rule is None:
        return None
    part = next((part for part in rule.when if isinstance(part, Condition) and part.fact == fact), None)
    term = (
        Namer(market=market, recorder=Recorder(market.bank.words)).threshold(rule, part, side)
        if part
        else None
    )
    return None if term is None else float(term.origin.value)


# ── 3: rounding keeps the truth ─────────────────────────────────────────────────────────────────────────────


def _rounding(span: Span, market: SpokenMarket) -> Iterator[str]:
    if span.origin.kind != "fact" or isinstance(span.origin.value, str):
        return
    words = market.bank.words
    if not truthful(span.filter, span.origin.value, span.digits, words, market.checks(span.origin.ref)):
        yield f"3: {span.text!r} for {span.origin.ref} = {span.origin.value:g} is on the other side of a threshold"


def _bound(span: Span, text: Text, market: SpokenMarket) -> Iterator[str]:
    fact = market.facts.known.get(span.origin.ref) if span.origin.kind == "fact" else None
    said = text.text[: span.start].rstrip().lower().endswith(market.bank.words["at_least"])
    if fact is not None and fact.lower_bound and not said:
        yield f"2: {span.text!r} is a lower bound and does not say so"


# ── 4: direction words agree with the sign ──────────────────────────────────────────────────────────────────


def _directions(text: Text, market: SpokenMarket) -> Iterator[str]:
    for span in text.spans:
        value = span.origin.value
        if span.origin.kind != "fact" or isinstance(value, str) or ".change_" not in span.origin.ref:
            continue
        for word, way in _ways_near(text.text, span.start, span.end, market.bank):
            if value * way < 0:
                yield f"4: {word!r} stands beside {span.text!r}, which went the other way"
    yield from _pairs(text, market)


def _pairs(text: Text, market: SpokenMarket) -> Iterator[str]:
    """A value and what it is compared with in one text: a direction word between the two must fit."""
    for before in text.spans:
        stem, mark, _ = before.origin.ref.partition("@" if "@" in before.origin.ref else ".before_")
        now = next(
            (span for span in text.spans if span.origin.ref == stem and span.origin.kind == "fact"), None
        )
        if (
            not mark
            or now is None
            or isinstance(now.origin.value, str)
            or isinstance(before.origin.value, str)
        ):
            continue
        low, high = sorted((now, before), key=lambda span: span.start)
        for word, way in _ways(text.text[low.end : high.start], market.bank):
            if way * (now.origin.value - before.origin.value) < 0:
                yield f"4: {word!r} stands between {before.text!r} and {now.text!r}"


def _ways_near(text: str, start: int, end: int, bank: PhraseBank) -> list[tuple[str, int]]:
    before = _CLAUSE_END.split(text[:start])[-1].split()[-2:]
    after = _CLAUSE_END.split(text[end:])[0].split()[:1]
    return _ways(" ".join([*before, *after]), bank)


def _ways(text: str, bank: PhraseBank) -> list[tuple[str, int]]:
    up, down = several(bank.words, "direction_up"), several(bank.words, "direction_down")
    if has(text, up + down) is None:
        return []
    found = [(word, 1) for word in up if has(text, (word,))]
    return found + [(word, -1) for word in down if has(text, (word,))]


def typed_part(text: Text) -> str:
    """The text without what its spans wrote."""
    parts, position = [], 0
    for span in sorted(text.spans, key=lambda span: span.start):
        parts.append(text.text[position : span.start])
        position = span.end
    return " ".join([*parts, text.text[position:]])


# ── 7: typography ───────────────────────────────────────────────────────────────────────────────────────────

_FLAWS = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\b(\w+) \1\b", "a doubled word"),
        (r" {2,}|\t", "two spaces"),
        (r" [,.;:!?)](?!\.\.)", "a space before a mark"),
        (r"[,;:](?=[^\W\d_])", "no space after a mark"),
        (r"[,.;:!?]{2,}", "two marks"),
        (r"\( ", "a space after a bracket"),
        (r"…|\.\.\.", "an ellipsis"),
        (r"--", "two hyphens"),
    )
)


def _typography(text: Text, bank: PhraseBank) -> Iterator[str]:
    running = _without_inputs(text)
    for pattern, name in _FLAWS:
        if found := pattern.search(running):
            yield f"7: {name} at {found.group()!r} in {text.text!r}"
    first = next((char for char in text.text if char.isalpha() or char.isdigit()), "A")
    if first.isalpha() and not first.isupper():
        yield f"7: {text.slot} begins with a small letter: {text.text[:30]!r}"
    if (
        text.slot not in ("headline", "error")
        and text.text.rstrip()[-1:] not in (".", "!", "?", ")")
        and not text.about.startswith("title")
    ):
        yield f"7: {text.slot} does not end in a mark: {text.text[-30:]!r}"
    for found in _SENTENCE_START.finditer(running):
        if found.group().islower():
            yield f"7: a sentence begins with a small letter: {running[found.start() : found.start() + 20]!r}"
    if text.text.count("(") != text.text.count(")"):
        yield f"7: a bracket is left open in {text.text!r}"
    yield from _articles(running, bank)


def _without_inputs(text: Text) -> str:
    """The text with what readers or venues typed taken out: their spelling is their own."""
    parts, position = [], 0
    for span in sorted(text.spans, key=lambda span: span.start):
        if span.origin.kind in ("input", "setting"):
            parts += [text.text[position : span.start], "X"]
            position = span.end
    return "".join([*parts, text.text[position:]])


def _articles(running: str, bank: PhraseBank) -> Iterator[str]:
    if "an_words" not in bank.words:
        return
    vowel_words, other_words = several(bank.words, "an_words"), several(bank.words, "a_words")
    for found in _ARTICLE.finditer(running):
        article, word = found.group(1).lower(), found.group(2)
        if (
            article == "a"
            and found.group(1) == "A"
            and found.start()
            and running[found.start() - 1] not in " ("
        ):
            continue
        vowel = _spoken_with_vowel(word, vowel_words, other_words)
        if vowel != (article == "an"):
            yield f"7: {found.group()!r} has the wrong article"


def _spoken_with_vowel(word: str, vowel_words: Iterable[str], other_words: Iterable[str]) -> bool:
    if word[0].isdigit():
        whole = re.split(r"[,.]", word)
        return word[0] == "8" or (len(whole[0]) == 2 and whole[0] in ("11", "18"))
    low = f"{word.lower().rstrip(',.')} "  # an entry that ends in a space is a whole word
    if any(low.startswith(entry) for entry in vowel_words):
        return True
    return low[0] in "aeiou" and not any(low.startswith(entry) for entry in other_words)


# ── 8: fresh, or its age is said ────────────────────────────────────────────────────────────────────────────


def _fresh(text: Text, market: SpokenMarket) -> Iterator[str]:
    dated = {span.origin.ref for span in text.spans if span.origin.kind == "date"}
    for span in text.spans:
        ref = span.origin.ref
        if (
            span.origin.kind == "fact"
            and "@" not in ref
            and ref not in market.facts.known
            and ref not in dated
        ):
            yield f"8: {span.text!r} ({ref}) is not fresh, and its age is not said"


# ── 9: no advice, no forecast ───────────────────────────────────────────────────────────────────────────────


def _advice(text: Text, bank: PhraseBank) -> Iterator[str]:
    if word := has(typed_part(text), several(bank.words, "forbidden")):
        yield f"9: {word!r} is advice or a forecast"
