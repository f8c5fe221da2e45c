"""What the commands about a metric share: its sentence, its figures, the buttons to go on with."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bot.commands import CommandOption, Request
from bot.commands._tables import PAST, lead_of, line_of, old_note, past_table, shown_by
from bot.commentary import cell, in_words, venue_name
from bot.desk.market import Market
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Button, Figure, Profile, Table
from bot.domain.story import Origin, Span, Text
from bot.errors import InputError
from bot.metrics import History
from bot.reasons import reason, without_subject

NOTHING_HEARD = reason("unheard")
LONGEST_LABEL = 80  # Discord's limit for a button's label
LONGEST_LINE = 90  # two rows of small print on a phone

Tables = Callable[[Market, Facts, Profile], tuple[Table, ...]]
"""What stands beside the asked number."""

Notes = Callable[[Market, Facts, Profile], tuple[Figure, ...]]
"""The small print under the tables."""


def no_tables(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    """Nothing stands beside it."""
    return ()


def no_notes(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """There is no small print."""
    return ()


def suggest_assets(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """The followed assets that begin with what was typed."""
    return [asset for asset in market.assets if asset.startswith(typed.strip().upper())]


ASSET = CommandOption(name="asset", suggest=suggest_assets)


def tell_fact(market: Market, about: str, name: str, facts: Facts, profile: Profile) -> Text:
    """The sentence on a fact: as it is now; the last reading with its age; or why it is not known."""
    fact = facts.get(name) or facts.stale.get(name)
    names = {"it": Origin(kind="fact", ref=name, value=fact.value if fact else "")}
    if fact is not None and name not in facts.known:
        names["last_at"] = Origin(kind="date", ref=name, value=fact.at.isoformat())
    if fact is None:
        reason = in_words(_plainly(facts.why_unknown(name)), market.bank(profile).words)
        names["metric"] = Origin(kind="name", ref=name, value=title(market, name, profile))
        names["reason"] = Origin(kind="input", ref="reason", value=reason)
    return market.say("answer", about, facts, profile, names)


def _plainly(why: str) -> str:
    """Why a number is not known; of a part of it that nothing was heard of, as if of itself."""
    return bare if (bare := without_subject(why)) == NOTHING_HEARD else why


def title(market: Market, name: str, profile: Profile) -> str:
    """A metric's name for a reader; its own name where the language has no words for it."""
    words = market.bank(profile).metrics.get(name)
    return words.title if words else name


def meaning(market: Market, name: str, profile: Profile) -> str:
    """What the metric means, in one sentence; nothing where the language has no words for it."""
    words = market.bank(profile).metrics.get(name)
    return words.meaning if words else ""


def join_texts(*texts: Text | str, between: str = "\n\n") -> tuple[str, tuple[Span, ...]]:
    """The texts that are there as one, and their spans at their new places."""
    body = ""
    spans: list[Span] = []
    for part in texts:
        text, own = (part, ()) if isinstance(part, str) else (part.text, part.spans)
        if text:
            start = len(body) + len(between) if body else 0
            body = f"{body}{between}{text}" if body else text
            spans += [span.shift(start) for span in own]
    return body, tuple(spans)


async def venues_of(market: Market, asset: str, name: str, profile: Profile) -> tuple[Figure, ...]:
    """Each venue's own last value of a metric, in few letters, a star behind one that is old; nothing where only one
    venue gives it."""
    history, words = await market.history(asset), market.bank(profile).words
    found = tuple(
        replace(cell_of_venue(market, history, name, venue, profile), label=venue_name(venue, words))
        for venue in history.venues(name)
    )
    return found if len(found) > 1 else ()


def cell_of_venue(
    market: Market, history: History, name: str, venue: str, profile: Profile, ago: timedelta = timedelta(0)
) -> Figure:
    """One venue's last value of a metric as a cell, as of some time ago: a star behind what was too old to judge by then,
    a dash where there was none."""
    column, at = history.column(name, venue), market.now() - ago
    rows = int(column.known_ms.searchsorted(at.timestamp() * 1000, side="right"))
    known, stale = dict[str, Fact](), dict[str, Fact]()
    if rows:
        heard_at = datetime.fromtimestamp(float(column.known_ms[rows - 1]) / 1000, UTC)
        fact = Fact(name=name, value=float(column.value[rows - 1]), at=heard_at, venues=(venue,), of_venues=1)
        (known if market.playbook.catalog.fresh(fact, at) else stale)[name] = fact
    alone = Facts(asset=history.asset, at=at, known=known, stale=stale if not ago else {})
    return cell(name, alone, market.playbook.catalog, market.bank(profile))


async def about_metric(
    market: Market,
    request: Request,
    *,
    about: str,
    lead: str,
    more_tables: Tables = no_tables,
    notes: Notes = no_notes,
    past: Sequence[str] = PAST,
    buttons: tuple[Button, ...] = (),
) -> Answer:
    """An answer on one leading metric: the number, its sentence, its own past as a table, what stands `beside` it,
    small print. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    facts, words = await market.facts(asset), market.bank(profile).words
    said = tell_fact(market, about, lead, _without_views(facts), profile)
    tables = (*past_table(market, lead, facts, profile, past), *more_tables(market, facts, profile))
    shown, venues = [lead, *shown_by(tables)], await venues_of(market, asset, lead, profile)
    line = line_of(words["note.venues"], venues)
    explained = go_on(words["button.explain"], "explain", {"term": lead})
    by_venue = go_on(words["button.venues"], "venues", {"metric": lead, "asset": asset})
    fits = sum(len(one.text) for one in line) <= LONGEST_LINE
    return await with_verdict(
        market,
        asset,
        profile,
        Answer(
            title=f"{asset}: {words.get(f'title.{about}') or title(market, lead, profile)}",
            body=said.text,
            body_spans=said.spans,
            lead=lead_of(market, lead, facts, profile),
            tables=tables,
            notes=(
                *(line if fits else ()),
                *(notes(market, facts, profile) if tables else ()),
                *old_note(market, shown, facts, profile),
            ),
            buttons=(*buttons, *(() if fits else (by_venue,)), explained),
            footer=market.footer(facts, profile, shown),
        ),
    )


def pick_chart(typed: str | None, known: Sequence[str]) -> str:
    """The chart that was typed, the first one if none was. Raises InputError that lists the charts."""
    wanted = (typed or known[0]).strip().lower()
    if wanted not in known:
        raise InputError(reason("unknown_chart", typed=typed or "", known=", ".join(known)))
    return wanted


async def with_verdict(market: Market, asset: str, profile: Profile, said: Answer) -> Answer:
    """The answer with the asset's verdict of now, by which it is colored and which it names. Raises ArchiveError."""
    verdict, facts = await market.verdict(asset, profile)
    word = market.bank(profile).words[f"stance.{verdict.stance}"]
    return replace(said, stance=verdict.stance, stance_word=f"{asset} · {word}", at=facts.at)


def _without_views(facts: Facts) -> Facts:
    """The facts for a sentence beside a table that tells how they moved."""
    return replace(facts, known=facts.of_metrics())


def add_note(said: Answer, note: Text) -> Answer:
    """The answer with one more paragraph at its end."""
    body, spans = join_texts(Text(slot="answer", about="", text=said.body, spans=said.body_spans), note)
    return replace(said, body=body, body_spans=spans)


def go_on(label: str, command: str, arguments: Mapping[str, str]) -> Button:
    """A button that goes on with a command."""
    return Button(label=label[:LONGEST_LABEL], command=command, arguments=arguments)
