"""`/oi`: open interest in coins and in dollars, and what of its change is price and what is positions."""

from msgspec.structs import replace

from bot.commands import Command, Request
from bot.commands._charts import split_chart
from bot.commands._tables import grid, line_of, missing_note
from bot.commands._telling import ASSET, about_metric
from bot.commentary import cell
from bot.desk.market import Market
from bot.domain.catalog import RANK
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table

LEAD = "open_interest_usd"
COINS = "open_interest_coin"
PAST = ("", "before_24h", "before_7d", RANK)
CHANGES = (
    ("dollars", (f"{LEAD}.change_24h_pct", f"{LEAD}.change_7d_pct")),
    ("coins", (f"{COINS}.change_24h_pct", f"{COINS}.change_7d_pct")),
    ("by_price", ("open_interest_price_effect_usd", "open_interest_price_effect_7d_usd")),
    ("by_positions", ("open_interest_position_effect_usd", "open_interest_position_effect_7d_usd")),
    ("by_inverse", ("open_interest_inverse_effect_usd", "open_interest_inverse_effect_7d_usd")),
)
ELSEWHERE = ("open_interest_cme_usd", "open_interest_market_usd")


async def answer(market: Market, request: Request) -> Answer:
    """Open interest as last stored, its change split into price and positions. Raises InputError."""
    asset = market.asset(request.options.get("asset"))
    said = await about_metric(
        market, request, about="oi", lead=LEAD, past=PAST, more_tables=_changes, notes=_elsewhere
    )
    return replace(
        said,
        chart=split_chart(market, await market.history(asset), await market.facts(asset), request.profile),
    )


def _changes(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    return grid(market, CHANGES, facts, profile, ("24h", "7d"))


def _elsewhere(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """What a vendor tells of venues that we do not add up, and what is not known of the split."""
    bank, catalog = market.bank(profile), market.playbook.catalog
    known = [
        replace(cell(name, facts, catalog, bank), label=bank.words[f"row.{name}"])
        for name in ELSEWHERE
        if name in facts.known or name in facts.stale
    ]
    split = [name for _, names in CHANGES for name in names]
    return (*line_of(bank.words["note.vendor"], known), *missing_note(market, split, facts, profile))


COMMAND = Command(name="oi", options=(ASSET,), answer=answer, shared=True)
