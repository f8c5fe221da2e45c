"""The tables of the answers: a number beside its own past, several numbers beside each other, and the small print
under them. Pure builders over facts.

Words are `row.*`, `column.*` and `note.*` of config/phrases/<locale>/tables.toml; a row's word has at most 13 letters."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from bot import reasons
from bot.commentary import NO_VALUE, cell, date_line, range_cell, word_text
from bot.desk.market import Market
from bot.domain.catalog import RANK, VIEWS, ranked_instead
from bot.domain.facts import Facts
from bot.domain.posts import Figure, Profile, Table, TableRow
from bot.domain.story import Origin, Span

BETWEEN = " · "
PAST = ("", "before_24h", "before_7d", "usual", RANK)
"""The rows of a number's own table: views, "" for itself, and its usual range."""


def lead_of(market: Market, name: str, facts: Facts, profile: Profile) -> Figure | None:
    """The number that was asked for; None where there is no reading at all."""
    if name not in facts.known and name not in facts.stale:
        return None
    return cell(name, facts, market.playbook.catalog, market.bank(profile))


def lead_in_words(
    market: Market, word: str, profile: Profile, names: Mapping[str, tuple[Origin, str]]
) -> Figure:
    """The number that was asked for, worked out for this answer: a word ("lead.move") around it, each name with the format
    that it is written in."""
    said = word_text(word, market.bank(profile), names)
    return Figure(label="", text=said.text, spans=said.spans)


def past_table(
    market: Market, name: str, facts: Facts, profile: Profile, rows: Sequence[str] = PAST
) -> tuple[Table, ...]:
    """A number now, a day and a week ago, its usual range, its rank: a line each. Empty without any reading of it."""
    if name not in facts.known and name not in facts.stale:
        return ()
    words = market.bank(profile).words
    made = [
        TableRow(label=words[f"row.{row or 'now'}"], cells=(one,))
        for row in rows
        if (one := _past_cell(market, name, row, facts, profile)) is not None
    ]
    other = ranked_instead(name, facts) if RANK in rows else None
    if other is not None:
        made.append(_rank_of_another(market, other, facts, profile))
    return (Table(rows=tuple(made)),)


def side_by_side(
    market: Market,
    names: Iterable[str],
    facts: Facts,
    profile: Profile,
    columns: Sequence[str] = ("", "before_24h"),
) -> tuple[Table, ...]:
    """Several numbers, a line each, with a view a column ("" is the number itself). Those of which nothing is known are
    left out; empty where that is all."""
    return grid(
        market,
        [(name, [f"{name}.{view}" if view else name for view in columns]) for name in names],
        facts,
        profile,
        columns,
    )


def grid(
    market: Market,
    rows: Iterable[tuple[str, Sequence[str]]],
    facts: Facts,
    profile: Profile,
    columns: Sequence[str],
) -> tuple[Table, ...]:
    """Lines of facts: each its word (`row.<word>`) and the fact of every column (`column.<word>`)."""
    words, catalog = market.bank(profile).words, market.playbook.catalog
    made = [
        TableRow(
            label=words.get(f"row.{label}", label),
            cells=tuple(cell(name, facts, catalog, market.bank(profile)) for name in names),
        )
        for label, names in rows
        if all(name in catalog for name in names)
    ]
    known = tuple(row for row in made if any(one.text != NO_VALUE for one in row.cells))
    return (
        (Table(rows=known, columns=tuple(words[f"column.{one or 'now'}"] for one in columns)),)
        if known
        else ()
    )


def missing_note(market: Market, names: Iterable[str], facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """Which of these are not known, by a word for just that (`missing.*`) or by their words in a table; nothing where all
    are."""
    bank, catalog = market.bank(profile), market.playbook.catalog
    titles = [
        bank.words.get(f"missing.{name}")
        or bank.words.get(f"row.{name}")
        or bank.words.get(f"row.{name.partition('.')[0]}")
        or market.figure(name, facts, profile).label
        for name in dict.fromkeys(names)
        if name in catalog and name not in facts.known and name not in facts.stale
    ]
    return (
        (Figure(label=bank.words["answer.missing"], text=", ".join(dict.fromkeys(titles))),) if titles else ()
    )


def old_note(market: Market, names: Iterable[str], facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """What the star behind a number means, with the time of the oldest such reading; nothing where all are fresh."""
    old = [facts.stale[name] for name in names if name in facts.stale and name not in facts.known]
    if not old:
        return ()
    return (date_line("note.old", min(fact.at for fact in old), market.bank(profile)),)


def shown_by(tables: Iterable[Table]) -> list[str]:
    """The facts that the cells of the tables show."""
    return [
        span.origin.ref
        for table in tables
        for row in table.rows
        for one in row.cells
        for span in one.spans
        if span.origin.kind == "fact"
    ]


def _past_cell(market: Market, name: str, row: str, facts: Facts, profile: Profile) -> Figure | None:
    bank, catalog = market.bank(profile), market.playbook.catalog
    if row == "usual":
        return _usual_cell(market, name, facts, profile)
    fact = f"{name}.{row}" if row else name
    if fact not in catalog:
        return None
    one = cell(fact, facts, catalog, bank)
    if one.text == NO_VALUE and row in VIEWS:
        return _warming(market, fact, facts, profile)
    return one


def _usual_cell(market: Market, name: str, facts: Facts, profile: Profile) -> Figure | None:
    book = market.playbook.rules
    ladder = next((one for one in book.ladders.values() if one.fact == name), None)
    if ladder is None:
        return None
    usual = book.usual(ladder, market.now().date(), profile.ranges, facts.asset, facts.pasts or {})
    if usual is None:
        return None
    return range_cell(ladder.id, usual.low, usual.high, name, market.bank(profile))


def _rank_of_another(market: Market, name: str, facts: Facts, profile: Profile) -> TableRow:
    """Basis 90 d: rank 72%."""
    words = market.bank(profile).words
    one = cell(f"{name}.{RANK}", facts, market.playbook.catalog, market.bank(profile))
    return TableRow(label=words[f"row.{name}"], cells=(within_words(words["cell.rank"], one),))


def within_words(pattern: str, one: Figure) -> Figure:
    """A cell with words around it ("rank {}"), its spans at their new places."""
    head = len(pattern.partition("{}")[0])
    spans = tuple(span.shift(head) for span in one.spans)
    return replace(one, text=pattern.format(one.text), spans=spans)


def _warming(market: Market, fact: str, facts: Facts, profile: Profile) -> Figure | None:
    """How far it has come (day 5 of 30) where it only lacks a past; nothing for what is not known for another reason."""
    why = reasons.read(facts.why_unknown(fact))
    if why is None or why.code != "past_days":
        return None
    words = market.bank(profile).words
    text = words["row.warming"].format(day=why.arguments["days"], needed=why.arguments["needed"])
    return Figure(label=market.figure(fact, facts, profile).label, text=text)


def line_of(label: str, figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """Several labeled values as one line of small print; nothing where there are none."""
    if not figures:
        return ()
    text, spans = "", list[Span]()
    for one in figures:
        head = f"{text}{BETWEEN if text else ''}{one.label} "
        spans += [span.shift(len(head)) for span in one.spans]
        text = head + one.text
    return (Figure(label=label, text=text, spans=tuple(spans)),)
