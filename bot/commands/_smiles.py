"""What the commands about the smile share: its five points at any distance, those of a day before, and how much of a change is
the price moving along the smile of before."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from bot.commands._expiries import date_origin, expiry_time, heard_ms, number_origin, young_chains
from bot.desk.market import Market
from bot.domain.chain import OptionChain, PastSmile
from bot.domain.facts import Facts
from bot.domain.posts import Profile
from bot.domain.story import Text
from bot.metrics.smile import DAY_MS
from bot.metrics.wings import (
    SplitChange,
    StrikeSmile,
    WideSmile,
    past_strike_smile,
    read_wide,
    split_change,
    strike_smiles,
    wide_at,
    wide_of_chain,
)

A_DAY = timedelta(days=1)
NEAR_A_DAY = timedelta(hours=8)  # smiles are remembered twice a day


class SmileDay(Struct, frozen=True, kw_only=True):
    """An expiry's change since a smile of the day before that is remembered: at `since`, in two parts by quantity."""

    expires: datetime
    since: datetime
    parts: dict[str, SplitChange]


def wide_now(market: Market, asset: str, days: float) -> tuple[OptionChain, WideSmile] | None:
    """The smile at a distance in days, of the venue with the most open interest that knows its risk reversal there; None
    where none does."""
    for chain in young_chains(market, asset):
        found = market.memory.of_poll(
            asset, f"wide {chain.venue} {days:g}", partial(wide_of_chain, chain, heard_ms(chain), days)
        )
        if found.skew_pct is not None:
            return chain, found
    return None


def listed_days(market: Market, asset: str) -> tuple[float, float] | None:
    """How far away the first and the last expiry with a smile are, in days; None where no young chain is known."""
    for chain in young_chains(market, asset):
        smiles = _now_by_strike(market, asset, chain)
        if smiles:
            ends = [(one.expires_ms - heard_ms(chain)) / DAY_MS for one in smiles]
            return ends[0], ends[-1]
    return None


async def wide_before(market: Market, asset: str, chain: OptionChain, days: float) -> WideSmile | None:
    """The smile at the same distance as it was a day before, where it is remembered. Raises ArchiveError."""
    past = await _remembered(market, asset, chain)
    read = [read_wide(smile) for one in past if (smile := past_strike_smile(one)) is not None]
    found = wide_at(read, days)
    return found if read and found.skew_pct is not None else None


async def smile_of_day(market: Market, asset: str, days: float) -> SmileDay | None:
    """The change since the day before of the expiry that is nearest to so many days and is remembered; None where none is.
    Raises ArchiveError."""
    for chain in young_chains(market, asset):
        known = {one.expires_ms: one for one in await _remembered(market, asset, chain)}
        smiles = [one for one in _now_by_strike(market, asset, chain) if one.expires_ms in known]
        for now in sorted(smiles, key=lambda one: abs(one.years * 365.0 - days)):
            past = known[now.expires_ms]
            before = past_strike_smile(past)
            parts = split_change(before, now) if before is not None else {}
            if "atm" in parts and "reversal25" in parts:
                return SmileDay(expires=expiry_time(now.expires_ms), since=past.at, parts=parts)
    return None


def tell_smile_day(market: Market, facts: Facts, profile: Profile, change: SmileDay | None) -> list[Text]:
    """What the smile did over the day: at the money and in its risk reversal, each in two parts; nothing where no smile of
    the day before is remembered."""
    if change is None:
        return []
    money, turn = change.parts["atm"], change.parts["reversal25"]
    names = {
        "last_at": date_origin("expiry", change.expires),
        "then": date_origin("smile remembered", change.since),
        "before": number_origin("at the money before, % a year", money.before),
        "after": number_origin("at the money now, % a year", money.now),
        "value": number_origin("of it along the smile of before, points", money.along),
        "other": number_origin("of it new, points", money.new),
        "low": number_origin("risk reversal before, points", turn.before),
        "high": number_origin("risk reversal now, points", turn.now),
        "base": number_origin("of it along the smile of before, points", turn.along),
        "total": number_origin("of it new, points", turn.new),
    }
    return [market.say("answer", "smile-day", facts, profile, names)]


def tell_outside(
    market: Market, facts: Facts, profile: Profile, days: float, listed: tuple[float, float]
) -> Text:
    """That no smile is known at a distance, and how far the listed expiries reach."""
    names = {
        "value": number_origin("distance, days", days),
        "low": number_origin("first expiry, days", listed[0]),
        "high": number_origin("last expiry, days", listed[1]),
    }
    return market.say("answer", "tenor-outside", facts, profile, names)


def _now_by_strike(market: Market, asset: str, chain: OptionChain) -> tuple[StrikeSmile, ...]:
    return market.memory.of_poll(
        asset, f"strikes {chain.venue}", partial(strike_smiles, chain, heard_ms(chain))
    )


async def _remembered(market: Market, asset: str, chain: OptionChain) -> Sequence[PastSmile]:
    """The chain's smiles of the day before, expiry by expiry."""
    found = []
    for now in _now_by_strike(market, asset, chain):
        past = await market.memory.smiles.find(
            asset, chain.venue, now.expires_ms, chain.observed_at - A_DAY, within=NEAR_A_DAY
        )
        if past is not None:
            found.append(past)
    return found
