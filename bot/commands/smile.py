"""`/smile`: what both wings of the smile cost at any distance, 10 delta beside 25, and what of a day's change is new."""

from bot.commands import Command, CommandOption, Request
from bot.commands._expiries import (
    footer_of,
    heading_of,
    number_origin,
    table,
    without_chain,
    write_number,
    young_chains,
)
from bot.commands._heard import smile_now
from bot.commands._smiles import (
    listed_days,
    smile_of_day,
    tell_outside,
    tell_smile_day,
    wide_before,
    wide_now,
)
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, go_on, join_texts, title
from bot.commands._tenors import days_typed, suggest_distances, tenors
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table
from bot.domain.story import Text
from bot.metrics.wings import FAR_DELTA, QUANTITIES, WideSmile

USUAL_DAYS = "30"


async def answer(market: Market, request: Request) -> Answer:
    """The smile at a distance of now and of a day before, and the day's change of the nearest expiry in two parts. Raises
    InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    heading = heading_of(market, profile, asset, "smile")
    days = days_typed(market, asset, request.options.get("tenor") or USUAL_DAYS)
    chains = young_chains(market, asset)
    listed = listed_days(market, asset)
    if not chains or listed is None:
        return without_chain(market, profile, asset, heading)
    nothing = Facts(asset=asset, at=market.now(), known={})
    found = wide_now(market, asset, days)
    if found is None:
        said = tell_outside(market, nothing, profile, days, listed)
        return Answer(
            title=heading,
            body=said.text,
            body_spans=said.spans,
            footer=footer_of(market, profile, asset, chains),
        )
    chain, smile = found
    body, spans = join_texts(
        _told(market, nothing, profile, smile),
        *tell_smile_day(market, nothing, profile, await smile_of_day(market, asset, days)),
        between="\n",
    )
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=_lead(market, profile, smile),
        tables=_table(market, profile, smile, await wide_before(market, asset, chain, days)),
        chart=await smile_now(market, asset, days, profile),
        buttons=tuple(
            go_on(title(market, name, profile), "skew", {"asset": asset, "tenor": tenor})
            for tenor, name in tenors(market, "skew").items()
            if float(tenor) == days
        ),
        footer=footer_of(market, profile, asset, (chain,)),
    )


def _lead(market: Market, profile: Profile, smile: WideSmile) -> Figure | None:
    """RR 25Δ 14.1; None where it is not known."""
    if smile.reversal25 is None:
        return None
    origin = number_origin("25-delta risk reversal, points", smile.reversal25)
    return lead_in_words(market, "lead.smile", profile, {"value": (origin, "bare")})


def _told(market: Market, facts: Facts, profile: Profile, smile: WideSmile) -> Text:
    is_wide = smile.reversal10 is not None and smile.butterfly10 is not None
    names = {
        "window": number_origin("distance, days", smile.days),
        "low": number_origin("far delta, %", FAR_DELTA * 100.0),
    }
    return market.say("answer", "smile" if is_wide else "smile-near", facts, profile, names)


def _table(market: Market, profile: Profile, smile: WideSmile, before: WideSmile | None) -> tuple[Table, ...]:
    """RR 25Δ: 3.4, 3.1."""
    words = market.bank(profile).words

    def row(name: str) -> tuple[str, list[str]]:
        cells = [_cell(market, profile, smile, name)]
        return words[f"smile.{name}"], cells + (
            [] if before is None else [_cell(market, profile, before, name)]
        )

    columns = [words["column.now"], *([] if before is None else [words["column.before_24h"]])]
    return table(columns, [row(name) for name in QUANTITIES])


def _cell(market: Market, profile: Profile, smile: WideSmile, name: str) -> str:
    value = getattr(smile, name)
    return NO_VALUE if value is None else write_number(market, profile, "bare", value)


COMMAND = Command(
    name="smile",
    options=(ASSET, CommandOption(name="tenor", suggest=suggest_distances)),
    answer=answer,
    shared=True,
)
