"""Mutants: the rule book with one number moved, one comparison turned or one condition dropped. A good set of
cases notices each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.files import read_tables
from bot.domain.rulebook import Condition, Rule, RuleBook, RuleIs, Threshold, UsualRange
from bot.errors import ConfigError, Problem
from bot.rules.cases import Case, differences, watch
from bot.rules.checks import problems_of
from bot.rules.plan import stands_on

Fate = Literal["killed", "refused", "survived"]
BAND_SHARE = 0.5
"""A threshold is moved by half the distance between its condition's way in and way out (a tenth of it where
there is none)."""


class Mutant(Struct, frozen=True, kw_only=True):
    """One change to one rule. `id` names it for good: "basis-weak/basis_60d_pct.below+"."""

    id: str
    rule: str
    book: RuleBook


class MutantFate(Struct, frozen=True, kw_only=True):
    """What became of a mutant; `by` names the case that killed it, or why it was refused."""

    mutant: str
    fate: Fate
    by: str = ""


def mutants(book: RuleBook) -> Iterator[Mutant]:
    """Every mutant of every rule, in file order."""
    for rule in book.rules.values():
        for number, part in enumerate(rule.when):
            for name, changed in _changes(part, rule, book):
                when = [*rule.when[:number], *([changed] if changed else []), *rule.when[number + 1 :]]
                if when:
                    mutated = replace(rule, when=tuple(when))
                    rules = {**book.rules, rule.id: mutated}
                    yield Mutant(id=f"{rule.id}/{name}", rule=rule.id, book=replace(book, rules=rules))


def put_to_the_test(mutant: Mutant, cases: Sequence[Case], catalog: Catalog) -> MutantFate:
    """Judge the cases that tell a fact of the mutant's rule, those that name it first, until one is not as
    expected."""
    problems = problems_of(mutant.book, catalog)
    if problems:
        return MutantFate(mutant=mutant.id, fate="refused", by=problems[0].reason)
    about = set(stands_on(mutant.book, mutant.rule))
    for case in sorted(cases, key=lambda one: mutant.rule not in one.names):
        if about & case.facts and any(differences(seen) for seen in watch(case, mutant.book)):
            return MutantFate(mutant=mutant.id, fate="killed", by=case.id)
    return MutantFate(mutant=mutant.id, fate="survived")


def share_killed(outcomes: Sequence[MutantFate], equivalent: Mapping[str, str]) -> tuple[float, float]:
    """The share of killed mutants among those that load and are not known to be equivalent, and the share
    refused."""
    loaded = [one for one in outcomes if one.fate != "refused" and one.mutant not in equivalent]
    killed = sum(one.fate == "killed" for one in loaded)
    return killed / max(len(loaded), 1), (len(outcomes) - len(loaded)) / max(len(outcomes), 1)


def _changes(
    part: Condition | RuleIs, rule: Rule, book: RuleBook
) -> Iterator[tuple[str, Condition | RuleIs | None]]:
    if isinstance(part, RuleIs):
        other = replace(part, counting=False) if part.counting else replace(part, on=not part.on)
        yield f"{part.rule}.is", other
        yield f"{part.rule}.dropped", None
        return
    side = "above" if part.above else "below"
    for asset in _assets(part):
        step = _step(part, rule, book, asset)
        of = f".{asset}" if asset else ""
        for sign, mark in ((1, "+"), (-1, "-")):
            above = _moved(part.above, sign * step, asset) if part.above else None
            below = _moved(part.below, sign * step, asset) if part.below else None
            yield f"{part.fact}{of}.{side}{mark}", replace(part, above=above, below=below)
            if part.clears:
                clears = _moved(part.clears, sign * step, asset)
                yield f"{part.fact}{of}.clears{mark}", replace(part, clears=clears)
    yield f"{part.fact}.turned", _turned(part, rule, book)
    if len(rule.when) > 1:
        yield f"{part.fact}.{side}.dropped", None


def _assets(part: Condition) -> tuple[str, ...]:
    """The assets whose number is moved: the first one that has its own, "" where one number is everybody's. The numbers
    of the others follow the same form, and no case needs to tell each."""
    entry = part.above or part.below
    return (entry.of_asset[0][0],) if entry is not None and entry.of_asset else ("",)


def _step(part: Condition, rule: Rule, book: RuleBook, asset: str) -> float:
    usual = _usual(rule, book)
    entry = (part.above or part.below or Threshold(number=0)).at(usual, asset)
    band = abs(entry - part.clears.at(usual, asset)) if part.clears else 0.0
    return BAND_SHARE * band or abs(entry) / 10 or 1.0


def _turned(part: Condition, rule: Rule, book: RuleBook) -> Condition:
    """The other comparison at the same threshold, its way out on the other side."""
    usual = _usual(rule, book)
    entry = part.above or part.below or Threshold(number=0)
    clears = None
    if part.clears:
        asset = _assets(part)[0]
        band = entry.at(usual, asset) - part.clears.at(usual, asset)
        clears = Threshold(number=entry.at(usual, asset) + band) if asset else _moved(entry, band)
    return replace(part, above=part.below, below=part.above, clears=clears)


def _usual(rule: Rule, book: RuleBook) -> UsualRange | None:
    return book.ladders[rule.ladder].usual[-1] if rule.ladder and book.ladders[rule.ladder].usual else None


def _moved(threshold: Threshold, by: float, asset: str = "") -> Threshold:
    if asset:
        own = tuple((name, number + by if name == asset else number) for name, number in threshold.of_asset)
        return replace(threshold, of_asset=own)
    return replace(threshold, number=threshold.number + by)


def read_equivalent(text: str, file: str) -> Mapping[str, str]:
    """The mutants that no case can kill, and why, from TOML: a table `[equivalent]` of id → reason. Raises
    ConfigError."""
    tables = read_tables(text, file)
    known = tables.get("equivalent", {})
    if set(tables) - {"equivalent"} or not all(
        isinstance(reason, str) and reason for reason in known.values()
    ):
        raise ConfigError([Problem(file=file, id="equivalent", reason="one table of mutant = reason")])
    return dict(known)
