"""Rule files → RuleBook. Everything that is wrong is found at once, with file, id and reason."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import ValidationError

from bot.domain.catalog import Catalog
from bot.domain.files import FileShape, problems_in, read_tables
from bot.domain.rulebook import (
    AlarmLine,
    AlarmRule,
    AssetRow,
    BalanceTable,
    Condition,
    ConfidenceTable,
    DirectionTable,
    Family,
    Ladder,
    Notify,
    PastTable,
    PathTable,
    Rule,
    RuleBook,
    RuleIs,
    ShippedPast,
    Stance,
    StanceRow,
    Threshold,
    UsualRange,
)
from bot.errors import ConfigError, Problem
from bot.rules.checks import fact_problems, order_of, problems_of
from bot.rules.shape import (
    AlarmShape,
    AssetShape,
    BalanceShape,
    ConditionShape,
    ConfidenceShape,
    DefaultsShape,
    DirectionShape,
    ExtremeShape,
    FamilyShape,
    LadderShape,
    NotifyShape,
    Number,
    OfAssets,
    PastTableShape,
    PathShape,
    RuleShape,
    ShippedPastShape,
    StanceShape,
    StepShape,
    UsualShape,
    read_span,
)

VERDICT_FILE = "verdict.toml"
VERDICT_TABLES: Mapping[str, type[FileShape]] = {
    "defaults": DefaultsShape,
    "confidence": ConfidenceShape,
    "notify": NotifyShape,
    "balance": BalanceShape,
    "own_past": PastTableShape,
    "direction": DirectionShape,
    "path": PathShape,
}
VERDICT_LISTS: Mapping[str, type[FileShape]] = {
    "family": FamilyShape,
    "stance": StanceShape,
    "asset": AssetShape,
}
RULE_LISTS: Mapping[str, type[FileShape]] = {
    "ladder": LadderShape,
    "rule": RuleShape,
    "alarm": AlarmShape,
    "past": ShippedPastShape,
}
ALWAYS = ("defaults", "confidence", "notify", "family")
BY_BALANCE = ("balance", "own_past", "direction", "asset")
BY_SCORE = ("stance",)
"""The tables without which there is no book: those of every edition, and those of the two ways to judge."""
STANCES: tuple[Stance, ...] = ("no-call", "bearish", "overheated", "bullish", "neutral", "unclear")

S = TypeVar("S", bound=FileShape)


class _Reader(Struct):
    """What has been read so far, and what was wrong with it."""

    problems: list[Problem] = field(default_factory=list)
    shapes: list[tuple[str, FileShape]] = field(default_factory=list)

    def add(self, file: str, about: str, reason: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(file=file, id=about, reason=reason))

    def take(self, file: str, about: str, model: type[FileShape], table: object) -> None:
        """Check one table's shape and keep it."""
        try:
            self.shapes.append((file, model.model_validate(table)))
        except ValidationError as error:
            self.problems += problems_in(error, file, about)

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
    problems = [
        *reader.problems,
        *(fact_problems(book, catalog) if misshapen else problems_of(book, catalog)),
    ]
    if problems:
        raise ConfigError(problems)
    return book


def parse_sound(files: Mapping[str, str]) -> RuleBook | None:
    """The rules whose shape is right, to check what speaks of them where others are broken; None without a
    frame for them."""
    reader = _read_all(files)
    return _book(reader, files) if _has_frame(reader) else None


def _read_all(files: Mapping[str, str]) -> _Reader:
    reader = _Reader()
    for file in sorted(files):
        _read(reader, file, files[file])
    for name in _missing_tables(reader):
        reader.add(VERDICT_FILE, name, "is missing")
    return reader


def _missing_tables(reader: _Reader) -> list[str]:
    models = {**VERDICT_TABLES, **VERDICT_LISTS}
    wanted = (*ALWAYS, *(BY_SCORE if _by_score(reader) else BY_BALANCE))
    return [name for name in wanted if not reader.of(models[name])]


def _by_score(reader: _Reader) -> bool:
    """Whether these files are of an edition from before the balance: it has rows of stances instead."""
    return bool(reader.of(StanceShape)) and not reader.of(BalanceShape)


def _has_frame(reader: _Reader) -> bool:
    """Whether there is every table without which there is no book at all."""
    return not _missing_tables(reader)


def _read(reader: _Reader, file: str, text: str) -> None:
    try:
        tables = read_tables(text, file)
    except ConfigError as error:
        reader.problems += error.problems
        return
    single = VERDICT_TABLES if file == VERDICT_FILE else {}
    lists = VERDICT_LISTS if file == VERDICT_FILE else RULE_LISTS
    for name, content in tables.items():
        if name in single:
            reader.take(file, name, single[name], _tupled(content))
        elif name in lists and isinstance(content, list):
            for number, entry in enumerate(content, 1):
                about = (
                    str(entry.get("id", f"{name} {number}"))
                    if isinstance(entry, dict)
                    else f"{name} {number}"
                )
                reader.take(file, about, lists[name], _tupled(entry))
        else:
            reader.add(file, name, "unknown table; known here: " + ", ".join([*single, *lists]))


def _tupled(content: Any) -> Any:
    """TOML's lists as tuples, and whole numbers where a number may have decimals: strict shapes ask for
    both."""
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
        if ladder.extremes is not None and reader.of(PastTableShape):
            past = reader.of(PastTableShape)[0][1]
            keep(_extreme(file, ladder, ladder.extremes.low, 100.0 - past.extreme[0], defaults, low=True))
            keep(_extreme(file, ladder, ladder.extremes.high, past.extreme[0], defaults, low=False))
    for file, shape in reader.of(RuleShape):
        keep(_rule(reader, file, shape, defaults))
    confidence, notify = reader.of(ConfidenceShape)[0][1], reader.of(NotifyShape)[0][1]
    by_score = _by_score(reader)
    rows = (
        [_row(reader, file, stance) for file, stance in reader.of(StanceShape)]
        if by_score
        else [StanceRow(id=stance) for stance in STANCES]
    )
    return RuleBook(
        rules=rules,
        ladders=ladders,
        families={
            family.id: Family(
                id=family.id,
                weight=family.weight,
                anchor=family.anchor,
                prefixes=family.facts,
                needs=family.needs,
            )
            for _, family in reader.of(FamilyShape)
        },
        stances=tuple(rows),
        balance=None if by_score else BalanceTable(**reader.of(BalanceShape)[0][1].model_dump()),
        past=None if by_score else _past_table(reader.of(PastTableShape)[0][1]),
        direction=None if by_score else _direction(reader.of(DirectionShape)[0][1]),
        path=next((PathTable(**path.model_dump()) for _, path in reader.of(PathShape)), None),
        alarms={alarm.id: _alarm(file, alarm) for file, alarm in reader.of(AlarmShape)},
        assets={row.id: AssetRow(**row.model_dump()) for _, row in reader.of(AssetShape)},
        shipped=tuple(
            ShippedPast(
                asset=row.asset,
                fact=row.fact,
                since=row.since,
                until=row.until,
                quantiles=row.quantiles,
                days=row.n,
                source=row.source,
                file=file,
            )
            for file, row in reader.of(ShippedPastShape)
        ),
        confidence=ConfidenceTable(**confidence.model_dump()),
        notify=Notify(
            cooldown=read_span(notify.cooldown),
            repeat=read_span(notify.repeat),
            per_hour=notify.per_hour,
            per_day=notify.per_day,
        ),
        hold=read_span(defaults.hold),
        order=order_of(rules),
        hash=hashlib.sha256(
            "\0".join(f"{name}\0{files[name]}" for name in sorted(files)).encode()
        ).hexdigest()[:16],
    )


def _past_table(shape: PastTableShape) -> PastTable:
    told = shape.model_dump() | {"lag": read_span(shape.lag), "background": read_span(shape.background)}
    return PastTable(**told)


def _direction(shape: DirectionShape) -> DirectionTable:
    return DirectionTable(window=read_span(shape.window), step=shape.step, back=shape.back)


def _alarm(file: str, shape: AlarmShape) -> AlarmRule:
    return AlarmRule(
        id=shape.id,
        family=shape.family,
        fact=shape.fact,
        falls=shape.falls,
        lines=tuple(
            AlarmLine(size=line.size, severity=line.severity, no_later=tuple(line.no_later.items()))
            for line in shape.lines
        ),
        unit=shape.unit,
        level=shape.level,
        after=shape.after,
        within=read_span(shape.within),
        retraced=shape.retraced,
        lasts=read_span(shape.lasts),
        why=shape.why,
        source=shape.source,
        mistakes=shape.mistakes,
        file=file,
        mirror=shape.mirror,
        turns=shape.turns,
    )


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
        interest=shape.interest or 1.0,
        past=shape.past or shape.extremes is not None,
        extremes=() if shape.extremes is None else (shape.extremes.low.id, shape.extremes.high.id),
        stands_in_for=shape.stands_in_for,
    )


def _usual(shape: UsualShape) -> UsualRange:
    return UsualRange(since=shape.since, low=shape.low, high=shape.high, source=shape.source)


def _step(reader: _Reader, file: str, ladder: LadderShape, step: StepShape, defaults: DefaultsShape) -> Rule:
    condition = ConditionShape(
        fact=ladder.fact,
        below=step.below,
        above=step.above,
        clear_above=step.clear_above,
        clear_below=step.clear_below,
    )
    rule = _rule_of_ladder(file, ladder, step, _parts(reader, file, step.id, (condition,)), defaults)
    return replace(rule, stance=step.stance, absolute=step.absolute, turns=step.turns)


EXTREME_BAND = 5.0
"""How far, in ranks, the way out of an extreme lies from the way in."""


def _extreme(
    file: str, ladder: LadderShape, extreme: ExtremeShape, rank: float, defaults: DefaultsShape, *, low: bool
) -> Rule:
    entry = Threshold(number=rank)
    condition = Condition(
        fact=ladder.fact,
        below=entry if low else None,
        above=None if low else entry,
        clears=Threshold(number=rank + EXTREME_BAND if low else rank - EXTREME_BAND),
        ranked=True,
    )
    return _rule_of_ladder(file, ladder, extreme, (condition,), defaults)


def _rule_of_ladder(
    file: str,
    ladder: LadderShape,
    own: StepShape | ExtremeShape,
    when: tuple[Condition | RuleIs, ...],
    defaults: DefaultsShape,
) -> Rule:
    """The rule of one rung of a ladder, which says for it what it does not say itself."""
    return Rule(
        id=own.id,
        family=ladder.family,
        when=when,
        vote=own.vote,
        severity=own.severity,
        why=own.why or ladder.why,
        source=own.source or ladder.source,
        mistakes=own.mistakes or ladder.mistakes,
        file=file,
        ladder=ladder.id,
        mirror=own.mirror,
        replaces=own.replaces,
        wait=read_span(own.wait or defaults.wait),
        keep=read_span(own.keep or defaults.keep),
        interest=own.interest or ladder.interest,
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
        wait=read_span(shape.wait or defaults.wait),
        keep=read_span(shape.keep or defaults.keep),
        interest=shape.interest,
        turns=shape.turns,
    )


def _parts(
    reader: _Reader, file: str, rule: str, shapes: tuple[ConditionShape, ...]
) -> tuple[Condition | RuleIs, ...]:
    parts: list[Condition | RuleIs] = []
    for shape in shapes:
        asks_fact = shape.fact is not None
        numbers = [shape.below, shape.above, shape.clear_above, shape.clear_below]
        if asks_fact == (shape.rule is not None) or (
            not asks_fact and any(one is not None for one in numbers)
        ):
            reader.add(
                file, rule, "a condition asks either for a fact with its threshold or for a rule's state"
            )
        elif shape.rule is not None:
            if shape.is_ is None:
                reader.add(file, rule, f'{shape.rule}: write is = "on", is = "off" or is = "counting"')
            parts.append(RuleIs(rule=shape.rule, on=shape.is_ != "off", counting=shape.is_ == "counting"))
        elif shape.fact is not None:
            _check_sides(reader, file, rule, shape)
            clears = shape.clear_above if shape.below is not None else shape.clear_below
            parts.append(
                Condition(
                    fact=shape.fact,
                    below=_threshold(shape.below),
                    above=_threshold(shape.above),
                    clears=_threshold(clears),
                    beyond=shape.beyond,
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
    if isinstance(number, OfAssets):
        return Threshold(number=number.each, of_asset=tuple(number.of.items()))
    return Threshold(number=number.plus, side=number.usual)


def _row(reader: _Reader, file: str, shape: StanceShape) -> StanceRow:
    if not shape.when:
        return StanceRow(id=shape.id)
    row = shape.when[0]
    if [row.score, row.coverage, row.rule_stance].count(None) != 2 or (row.value is None) != (
        row.rule_stance is not None
    ):
        reader.add(
            file, shape.id, "a stance asks for a score or a coverage with its value, or for rule_stance"
        )
    return StanceRow(
        id=shape.id,
        coverage_below=row.value if row.coverage else None,
        score_at_most=row.value if row.score == "at_most" else None,
        score_at_least=row.value if row.score == "at_least" else None,
        rule_stance=row.rule_stance,
    )
