"""What a rule book is refused for, once its shape is right: each problem with file, id and reason."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise, product

from bot.domain.catalog import Catalog
from bot.domain.rulebook import Condition, Ladder, Rule, RuleBook, RuleIs, StanceRow, Threshold, UsualRange
from bot.errors import InputError, Problem
from bot.rules.plan import family_of

FAMILIES = ("options", "basis", "leverage", "liquidations", "funding", "price", "cross-asset", "volatility")
MIRRORED_AT_LEAST = 0.8
VERDICT_FILE = "verdict.toml"


def order_of(rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """The rules in an order in which each comes after those that it asks for; rules in a loop are left
    out."""
    done: dict[str, None] = {}
    waiting = list(rules)
    while waiting:
        ready = [
            name
            for name in waiting
            if all(asked in done or asked not in rules for asked in _asked(rules[name]))
        ]
        if not ready:
            break
        done.update(dict.fromkeys(ready))
        waiting = [name for name in waiting if name not in done]
    return tuple(done)


def problems_of(book: RuleBook, catalog: Catalog) -> list[Problem]:
    """Everything for which the book must not be used."""
    return [
        *_families(book, catalog),
        *_stances(book),
        *_facts(book, catalog),
        *_references(book),
        *_ladders(book),
        *_ways_out(book),
        *_mirrors(book),
        *_loops(book),
        *_tables(book),
        *_alarms(book, catalog),
        *_shipped(book, catalog),
    ]


def fact_problems(book: RuleBook, catalog: Catalog) -> list[Problem]:
    """What is wrong with the facts asked for: all that can be said of a book of which parts could not be
    read."""
    return list(_facts(book, catalog))


def _problem(rule: Rule | Ladder, reason: str) -> Problem:
    return Problem(file=rule.file, id=rule.id, reason=reason)


def _asked(rule: Rule) -> list[str]:
    return [part.rule for part in rule.when if isinstance(part, RuleIs)]


def _families(book: RuleBook, catalog: Catalog) -> Iterator[Problem]:
    if sorted(book.families) != sorted(FAMILIES):
        yield Problem(file=VERDICT_FILE, id="family", reason=f"exactly these: {', '.join(FAMILIES)}")
    if not any(family.weight > 0 for family in book.families.values()):
        yield Problem(file=VERDICT_FILE, id="family", reason="none has a weight")
    for family in book.families.values():
        for fact in family.anchor:
            if reason := _unknown(catalog, fact):
                yield Problem(file=VERDICT_FILE, id=family.id, reason=reason)
            elif not fact.startswith(family.prefixes):
                yield Problem(
                    file=VERDICT_FILE, id=family.id, reason=f"its anchor {fact} belongs to another family"
                )
    for metric in catalog.metrics:
        owners = [family.id for family in book.families.values() if metric.startswith(family.prefixes)]
        if catalog.metrics[metric].judged or (not owners and book.balance is None):
            continue  # the verdict's own, or a metric that an earlier edition did not have
        if len(owners) != 1:
            told = " and ".join(owners) or "none"
            yield Problem(
                file=VERDICT_FILE,
                id=metric,
                reason=f"a metric belongs to exactly one family, this one to {told}",
            )
    for family in book.families.values():
        votes = [rule.vote for rule in book.rules.values() if rule.family == family.id]
        if family.weight > 0 and votes and (min(votes) >= 0 or max(votes) <= 0):
            yield Problem(
                file=VERDICT_FILE, id=family.id, reason="a family that votes has rules on both sides"
            )


def _stances(book: RuleBook) -> Iterator[Problem]:
    if book.balance is not None:
        return
    plain = [row for row in book.stances if row == StanceRow(id=row.id)]
    if len(plain) != 1 or book.stances[-1] != plain[0]:
        yield Problem(
            file=VERDICT_FILE, id="stance", reason="exactly one row has no condition, and it comes last"
        )
    for name, count in Counter(row.id for row in book.stances).items():
        if count > 1:
            yield Problem(file=VERDICT_FILE, id=name, reason="is there twice")


def _facts(book: RuleBook, catalog: Catalog) -> Iterator[Problem]:
    for rule in book.rules.values():
        if rule.family not in book.families:
            yield _problem(rule, f"unknown family {rule.family!r}")
        for fact in rule.facts:
            if reason := _unknown(catalog, fact):
                yield _problem(rule, reason)
            elif rule.ladder and family_of(book, fact) != rule.family:
                yield _problem(rule, f"a ladder's fact belongs to its own family; {fact} does not")


def _unknown(catalog: Catalog, fact: str) -> str:
    try:
        catalog.resolve(fact)
    except InputError as error:
        return str(error)
    return ""


def _references(book: RuleBook) -> Iterator[Problem]:
    for rule in book.rules.values():
        named = [("asks for", name) for name in _asked(rule)] + [("replaces", name) for name in rule.replaces]
        named += [("has as its mirror", rule.mirror)] if rule.mirror else []
        for how, name in named:
            if name not in book.rules:
                yield _problem(rule, f"{how} {name!r}, which is not there")
        for name in rule.replaces:
            # Another family's vote must not hang on this rule: the score would no longer be a range of less
            # data.
            if name in book.rules and book.rules[name].family != rule.family:
                yield _problem(rule, f"replaces {name}, which is of another family")


def _ladders(book: RuleBook) -> Iterator[Problem]:
    for ladder in book.ladders.values():
        steps = [book.rules[name] for name in ladder.steps]
        if not ladder.usual and any(_relative(step) for step in steps):
            yield _problem(ladder, "a step is relative to the usual range, and there is none")
            continue
        if ladder.usual and not ladder.bounds:
            yield _problem(ladder, "bounds are missing: how far a server may move its usual range")
            continue
        head = book.ladders.get(ladder.stands_in_for or ladder.id)
        if head is None or head.family != ladder.family or (head is not ladder and head.stands_in_for):
            yield _problem(
                ladder, f"stands in for {ladder.stands_in_for}, which is no such ladder of its family"
            )
        dates = [usual.since for usual in ladder.usual]
        if dates != sorted(set(dates)):
            yield _problem(ladder, "usual ranges stand in the order of their dates, one a date")
        for usual in _ranges(ladder):
            if usual is not None and usual.low >= usual.high:
                yield _problem(ladder, f"a usual range of {usual.low:g} to {usual.high:g} has no middle")
            elif reason := _out_of_order(steps, usual):
                yield _problem(ladder, reason)
                break


def _tables(book: RuleBook) -> Iterator[Problem]:
    """What the tables of an edition with a balance must hold to."""
    if book.balance is None or book.past is None:
        return
    wrong = {
        "balance": book.balance.leaves >= book.balance.enters and "leaves lies nearer to zero than enters",
        "own_past": any(low >= high or low < 0 for low, high in (book.past.agrees, book.past.extreme))
        and "agrees and extreme are each two ranks, the lower one first",
        "confidence": book.confidence.medium > book.confidence.high and "medium lies below high",
    }
    for name, reason in wrong.items():
        if reason:
            yield Problem(file=VERDICT_FILE, id=name, reason=reason)
    for row in book.assets.values():
        if row.borrowed is not None and (not row.book or not book.assets.get(row.borrowed, row).book):
            yield Problem(file=VERDICT_FILE, id=row.id, reason="borrows a book that is not there")


def _alarms(book: RuleBook, catalog: Catalog) -> Iterator[Problem]:
    for alarm in book.alarms.values():
        facts = [fact for fact in (alarm.fact, alarm.unit, alarm.level) if fact and fact != "balance"]
        problems = [reason for fact in facts if (reason := _unknown(catalog, fact))]
        sizes = [line.size for line in alarm.lines]
        if sizes != sorted(set(sizes)):
            problems.append("its lines stand in the order of their sizes")
        if alarm.turns is not None and alarm.turns not in sizes:
            problems.append("turns names the size of one of its lines")
        if alarm.family not in book.families:
            problems.append(f"unknown family {alarm.family!r}")
        if alarm.id in book.rules:
            problems.append("a rule has this id")
        if alarm.after is not None and (alarm.after == alarm.id or alarm.after not in book.alarms):
            problems.append(f"comes after {alarm.after}, which is no other alarm")
        other = book.alarms.get(alarm.mirror or "")
        if alarm.mirror and (other is None or other.mirror != alarm.id or other.falls == alarm.falls):
            problems.append(f"its mirror {alarm.mirror} is an alarm to the other side that names it")
        for reason in problems:
            yield Problem(file=alarm.file, id=alarm.id, reason=reason)


LONGEST_PAST_DAYS = 365


def _shipped(book: RuleBook, catalog: Catalog) -> Iterator[Problem]:
    for row in book.shipped:
        problems = [reason] if (reason := _unknown(catalog, row.fact)) else []
        if row.asset not in book.assets:
            problems.append(f"unknown asset {row.asset!r}")
        if not 0 <= (row.until - row.since).days < LONGEST_PAST_DAYS:
            problems.append(f"spans one to {LONGEST_PAST_DAYS} days")
        if list(row.quantiles) != sorted(row.quantiles):
            problems.append("quantiles stand from the lowest to the highest")
        for reason in problems:
            yield Problem(file=row.file, id=f"{row.asset} {row.fact}", reason=reason)


def _ranges(ladder: Ladder) -> list[UsualRange | None]:
    """Every dated range and the corners of what a server may choose."""
    if not ladder.usual:
        return [None]
    corners = [
        UsualRange(since=date.min, low=low, high=high, source="bounds")
        for low, high in product(ladder.bounds.get("low", ()), ladder.bounds.get("high", ()))
    ]
    return [*ladder.usual, *corners]


def _relative(step: Rule) -> bool:
    return any(
        threshold is not None and threshold.side is not None
        for part in step.when
        if isinstance(part, Condition)
        for threshold in (part.below, part.above, part.clears)
    )


def _out_of_order(steps: list[Rule], usual: UsualRange | None) -> str:
    below = [part.below.at(usual) for part in _conditions(steps) if part.below is not None]
    above = [part.above.at(usual) for part in _conditions(steps) if part.above is not None]
    first_above = [part.above is not None for part in _conditions(steps)]
    if first_above != sorted(first_above) or any(one >= two for one, two in pairwise([*below, *above])):
        told = f" at a usual range of {usual.low:g} to {usual.high:g}" if usual else ""
        return f"steps out of order{told}: below-steps from the most extreme up, then above-steps"
    return ""


def _conditions(steps: list[Rule]) -> list[Condition]:
    return [part for step in steps for part in step.when if isinstance(part, Condition)]


def _ways_out(book: RuleBook) -> Iterator[Problem]:
    for rule in book.rules.values():
        for part in rule.when:
            if not isinstance(part, Condition) or part.clears is None:
                continue
            ladder = book.ladder_of(rule, part)
            ranges = _ranges(ladder) if ladder else [None]
            relative = any(one and one.side for one in (part.below, part.above, part.clears))
            if relative and (ladder is None or not ladder.usual):
                yield _problem(rule, f"{part.fact}: no ladder over it has a usual range")
            elif any(_wrong_side(part, usual) for usual in ranges):
                yield _problem(rule, f"{part.fact}: the way out is on the wrong side of the way in")


def _wrong_side(part: Condition, usual: UsualRange | None) -> bool:
    def at(threshold: Threshold | None) -> float:
        return 0.0 if threshold is None else threshold.at(usual)

    if part.below is not None:
        return at(part.clears) < at(part.below)
    return at(part.clears) > at(part.above)


def _mirrors(book: RuleBook) -> Iterator[Problem]:
    directional = [rule for rule in book.rules.values() if rule.vote]
    mirrored = [rule for rule in directional if rule.mirror]
    for rule in book.rules.values():
        other = book.rules.get(rule.mirror or "")
        if other is None:
            continue
        if other.mirror != rule.id:
            yield _problem(rule, f"its mirror {other.id} does not name it")
        if other.family != rule.family or other.vote != -rule.vote:
            yield _problem(rule, f"its mirror {other.id} is of the same family and votes the opposite")
    if directional and len(mirrored) / len(directional) < MIRRORED_AT_LEAST:
        bare = ", ".join(rule.id for rule in directional if not rule.mirror)
        yield Problem(
            file=VERDICT_FILE,
            id="mirror",
            reason=f"fewer than 80% of the rules that vote name a mirror; without: {bare}",
        )


def _loops(book: RuleBook) -> Iterator[Problem]:
    for name, rule in book.rules.items():
        if name not in book.order and all(asked in book.rules for asked in _asked(rule)):
            yield _problem(rule, "asks for itself, directly or by way of " + ", ".join(_asked(rule)))
