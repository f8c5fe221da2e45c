"""`/compare`: the same reading across assets, each with its rank in its own past."""

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._tables import line_of, old_note
from bot.commands._telling import title
from bot.commentary import cell
from bot.desk.market import Market
from bot.domain.catalog import RANK, ranked_instead
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table, TableRow
from bot.domain.story import Origin

RANKS = ("percentile_1y", RANK)


async def answer(market: Market, request: Request) -> Answer:
    """The metric of each asset that is followed, or of those that were typed. Raises InputError."""
    profile = request.profile
    name = metric_named(market, request.options["metric"], profile)
    typed = [one for one in re.split(r"[\s,]+", request.options.get("assets", "")) if one]
    assets: Sequence[str] = [market.asset(one) for one in typed] or market.assets
    told = {asset: await market.facts(asset) for asset in dict.fromkeys(assets)}
    first = next(iter(told.values()))
    names = {"metric": Origin(kind="name", ref=name, value=title(market, name, profile))}
    nothing = Facts(asset=first.asset, at=first.at, known={})
    is_known = any(name in facts.known or name in facts.stale for facts in told.values())
    said = market.say("answer", "compare" if is_known else "compare-none", nothing, profile, names)
    heard = max(told.values(), key=lambda facts: name in facts.known)
    return Answer(
        title=title(market, name, profile),
        body=said.text,
        body_spans=said.spans,
        tables=(_table(market, profile, name, told, _columns(name, told)),) if is_known else (),
        notes=(*_ranked_instead(market, profile, name, told), *old_note(market, [name], heard, profile)),
        footer=market.footer(heard, profile, [name]),
    )


def _table(
    market: Market, profile: Profile, name: str, told: Mapping[str, Facts], columns: Sequence[str]
) -> Table:
    """BTC: 20%, 19.8%, 98%."""
    words, catalog, bank = market.bank(profile).words, market.playbook.catalog, market.bank(profile)
    rows = tuple(
        TableRow(
            label=asset,
            cells=tuple(cell(f"{name}.{view}" if view else name, facts, catalog, bank) for view in columns),
        )
        for asset, facts in told.items()
    )
    return Table(rows=rows, columns=tuple(words[f"column.{view or 'now'}"] for view in columns))


def _ranked_instead(
    market: Market, profile: Profile, name: str, told: Mapping[str, Facts]
) -> tuple[Figure, ...]:
    """Rank of basis 90 d: ETH 72%. Of the assets of which the rank that was asked for is not known."""
    bank, catalog = market.bank(profile), market.playbook.catalog
    others = {
        asset: other for asset, facts in told.items() if (other := ranked_instead(name, facts)) is not None
    }
    figures = [
        replace(cell(f"{other}.{RANK}", told[asset], catalog, bank), label=asset)
        for asset, other in others.items()
    ]
    named = next((bank.words[f"row.{other}"] for other in others.values()), "")
    return line_of(bank.words["note.rank_of"].format(named), figures)


def _columns(name: str, told: Mapping[str, Facts]) -> Sequence[str]:
    """The value, the one of a day before, and the rank in the longest past that any asset has."""
    rank = next(
        (view for view in RANKS if any(f"{name}.{view}" in facts.known for facts in told.values())), RANKS[-1]
    )
    return ("", "before_24h", rank)


COMMAND = Command(
    name="compare",
    options=(
        CommandOption(name="metric", required=True, suggest=suggest_metrics),
        CommandOption(name="assets"),
    ),
    answer=answer,
    shared=True,
)
