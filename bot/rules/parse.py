"""Rule files → RuleBook. Everything that is wrong is found at once, with file, id and reason."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.domain.catalog import Catalog
from bot.domain.rulebook import (
    Condition,
    ConfidenceTable,
    Family,
    Ladder,
    Notify,
    Rule,
    RuleBook,
    RuleIs,
    StanceRow,
    Threshold,
    UsualRange,
)
from bot.errors import ConfigError, Problem
from bot.rules.checks import fact_problems, order_of, problems_of
from bot.rules.shape import (
    ConditionShape,
    ConfidenceShape,
    DefaultsShape,
    FamilyShape,
    LadderShape,
    NotifyShape,
    Number,
    RuleShape,
    Shape,
    StanceShape,
    StepShape,
    UsualShape,
)

VERDICT_FILE = "verdict.toml"
VERDICT_TABLES: Mapping[str, type[Shape]] = {
    "defaults": DefaultsShape,
    "confidence": ConfidenceShape,
    "notify": NotifyShape,
}
VERDICT_LISTS: Mapping[str, type[Shape]] = {"family": FamilyShape, "stance": StanceShape}
RULE_LISTS: Mapping[str, type[Shape]] = {"ladder": LadderShape, "rule": RuleShape}
UNITS = {"m": "minutes", "h": "hours", "d": "days"}

S = TypeVar("S", bound=Shape)


@dataclass(slots=True)
class _Reader:
    """What has been read so far, and what was wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    shapes: list[tuple[str, Shape]] = field(default_factory=list)

    def add(self, file: str, about: str, reason: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(file=file, id=about, reason=reason))

    def take(self, file: str, about: str, model: type[Shape], table: object) -> None:
        """Check one table's shape and keep it."""
        try:
            self.shapes.append((file, model.model_validate(table)))
        except ValidationError as error:
            for one in error.errors():
                where = ".".join(str(part) for part in one["loc"])
                self.add(file, about, f"{where}: {one['msg']}")

    def of(self, model: type[S]) -> list[tuple[str, S]]:
        """The tables of one shape, each with its file, in file order."""
        return [(file, shape) for file, shape in self.shapes if isinstance(shape, model)]


def parse(files: Mapping[str, str], catalog: Catalog) -> RuleBook:
    """The rule book of some files (name → TOML text). Raises ConfigError with every problem of every file."""
    reader = _read_all(files)
    if not _has_frame(reader):
        raise ConfigError(reader.problems)
    misshapen = bool(reader.problems)
    book = _book(reader, files)
    problems = [*reader.problems, *(fact_problems(book, catalog) if misshapen else problems_of(book, catalog))]
    if problems:
        raise ConfigError(problems)
    return book


def parse_sound(files: Mapping[str, str]) -> RuleBook | None:
    """The rules whose shape is right, to check what speaks of them where others are broken; None without a frame for them."""
    reader = _read_all(files)
    return _book(reader, files) if _has_frame(reader) else None


def _read_all(files: Mapping[str, str]) -> _Reader:
    reader = _Reader()
    for file in sorted(files):
        _read(reader, file, files[file])
    for name, model in (*VERDICT_TABLES.items(), *VERDICT_LISTS.items()):
        if not reader.of(model):
            reader.add(VERDICT_FILE, name, "is missing")
    return reader


def _has_frame(reader: _Reader) -> bool:
    """Whether there is every table without which there is no book at all."""
    return all(reader.of(model) for model in (*VERDICT_TABLES.values(), *VERDICT_LISTS.values()))


def _read(reader: _Reader, file: str, text: str) -> None:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reader.add(file, "", f"not TOML: {error}")
        return
    single = VERDICT_TABLES if file == VERDICT_FILE else {}
    lists = VERDICT_LISTS if file == VERDICT_FILE else RULE_LISTS
    for name, content in tables.items():
        if name in single:
            reader.take(file, name, single[name], _tupled(content))
        elif name in lists and isinstance(content, list):
            for number, entry in enumerate(content, 1):
                about = str(entry.get("id", f"{name} {number}")) if isinstance(entry, dict) else f"{name} {number}"
                reader.take(file, about, lists[name], _tupled(entry))
        else:
            reader.add(file, name, "unknown table; known here: " + ", ".join([*single, *lists]))


def _tupled(content: Any) -> Any:
    """TOML's lists as tuples, and whole numbers where a number may have decimals: strict shapes ask for both."""
    if isinstance(content, dict):
        return {name: _tupled(value) for name, value in content.items()}
    if isinstance(content, list):
        return tuple(_tupled(value) for value in content)
    return content


def _book(reader: _Reader, files: Mapping[str, str]) -> RuleBook:
    defaults = reader.of(DefaultsShape)[0][1]
    rules: dict[str, Rule] = {}
    ladders: dict[str, Ladder] = {}

    def keep(rule: Rule) -> None:
        if rule.id in rules:
            reader.add(rule.file, rule.id, f"is there twice, also in {rules[rule.id].file}")
        rules[rule.id] = rule

    for file, ladder in reader.of(LadderShape):
        if ladder.id in ladders:
            reader.add(file, ladder.id, f"is there twice, also in {ladders[ladder.id].file}")
        ladders[ladder.id] = _ladder(file, ladder)
        for step in ladder.steps:
            keep(_step(reader, file, ladder, step, defaults))
    for file, shape in reader.of(RuleShape):
        keep(_rule(reader, file, shape, defaults))
    confidence, notify = reader.of(ConfidenceShape)[0][1], reader.of(NotifyShape)[0][1]
    return RuleBook(
        rules=rules,
        ladders=ladders,
        families={
            family.id: Family(id=family.id, weight=family.weight, anchor=family.anchor, prefixes=family.facts)
            for _, family in reader.of(FamilyShape)
        },
        stances=tuple(_row(reader, file, stance) for file, stance in reader.of(StanceShape)),
        confidence=ConfidenceTable(**confidence.model_dump()),
        notify=Notify(
            cooldown=_span(notify.cooldown), repeat=_span(notify.repeat), per_hour=notify.per_hour,
            per_day=notify.per_day,
        ),
        hold=_span(defaults.hold),
        order=order_of(rules),
        hash=hashlib.sha256("\0".join(f"{name}\0{files[name]}" for name in sorted(files)).encode()).hexdigest()[:16],
    )  # fmt: skip


def _ladder(file: str, shape: LadderShape) -> Ladder:
    bounds = shape.bounds
    return Ladder(
        id=shape.id,
        family=shape.family,
        fact=shape.fact,
        steps=tuple(step.id for step in shape.steps),
        usual=tuple(_usual(usual) for usual in shape.usual),
        bounds={} if bounds is None else {"low": bounds.low, "high": bounds.high},
        file=file,
    )


def _usual(shape: UsualShape) -> UsualRange:
    return UsualRange(since=shape.since, low=shape.low, high=shape.high, source=shape.source)


def _step(reader: _Reader, file: str, ladder: LadderShape, step: StepShape, defaults: DefaultsShape) -> Rule:
    condition = ConditionShape(
        fact=ladder.fact, below=step.below, above=step.above, clear_above=step.clear_above, clear_below=step.clear_below
    )
    return Rule(
        id=step.id,
        family=ladder.family,
        when=_parts(reader, file, step.id, (condition,)),
        vote=step.vote,
        severity=step.severity,
        why=step.why or ladder.why,
        source=step.source or ladder.source,
        mistakes=step.mistakes or ladder.mistakes,
        file=file,
        ladder=ladder.id,
        mirror=step.mirror,
        stance=step.stance,
        replaces=step.replaces,
        wait=_span(step.wait or defaults.wait),
        keep=_span(step.keep or defaults.keep),
        interest=step.interest or ladder.interest,
    )


def _rule(reader: _Reader, file: str, shape: RuleShape, defaults: DefaultsShape) -> Rule:
    return Rule(
        id=shape.id,
        family=shape.family,
        when=_parts(reader, file, shape.id, shape.when),
        vote=shape.vote,
        severity=shape.severity,
        why=shape.why,
        source=shape.source,
        mistakes=shape.mistakes,
        file=file,
        mirror=shape.mirror,
        stance=shape.stance,
        replaces=shape.replaces,
        wait=_span(shape.wait or defaults.wait),
        keep=_span(shape.keep or defaults.keep),
        interest=shape.interest,
    )


def _parts(reader: _Reader, file: str, rule: str, shapes: tuple[ConditionShape, ...]) -> tuple[Condition | RuleIs, ...]:
    parts: list[Condition | RuleIs] = []
    for shape in shapes:
        asks_fact = shape.fact is not None
        numbers = [shape.below, shape.above, shape.clear_above, shape.clear_below]
        if asks_fact == (shape.rule is not None) or (not asks_fact and any(one is not None for one in numbers)):
            reader.add(file, rule, "a condition asks either for a fact with its threshold or for a rule's state")
        elif shape.rule is not None:
            if shape.is_ is None:
                reader.add(file, rule, f'{shape.rule}: write is = "on" or is = "off"')
            parts.append(RuleIs(rule=shape.rule, on=shape.is_ == "on"))
        elif shape.fact is not None:
            _check_sides(reader, file, rule, shape)
            clears = shape.clear_above if shape.below is not None else shape.clear_below
            parts.append(
                Condition(
                    fact=shape.fact,
                    below=_threshold(shape.below),
                    above=_threshold(shape.above),
                    clears=_threshold(clears),
                )
            )
    return tuple(parts)


def _check_sides(reader: _Reader, file: str, rule: str, shape: ConditionShape) -> None:
    if (shape.below is None) == (shape.above is None):
        reader.add(file, rule, f"{shape.fact}: exactly one of below and above")
    if shape.below is None and shape.clear_above is not None:
        reader.add(file, rule, f"{shape.fact}: clear_above goes with below")
    if shape.above is None and shape.clear_below is not None:
        reader.add(file, rule, f"{shape.fact}: clear_below goes with above")
    if shape.is_ is not None:
        reader.add(file, rule, f"{shape.fact}: `is` goes with a rule")


def _threshold(number: Number | None) -> Threshold | None:
    if number is None:
        return None
    if isinstance(number, float | int):
        return Threshold(number=float(number))
    return Threshold(number=number.plus, side=number.usual)


def _row(reader: _Reader, file: str, shape: StanceShape) -> StanceRow:
    if not shape.when:
        return StanceRow(id=shape.id)
    row = shape.when[0]
    if [row.score, row.coverage, row.rule_stance].count(None) != 2 or (row.value is None) != (
        row.rule_stance is not None
    ):
        reader.add(file, shape.id, "a stance asks for a score or a coverage with its value, or for rule_stance")
    return StanceRow(
        id=shape.id,
        coverage_below=row.value if row.coverage else None,
        score_at_most=row.value if row.score == "at_most" else None,
        score_at_least=row.value if row.score == "at_least" else None,
        rule_stance=row.rule_stance,
    )


def _span(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})
