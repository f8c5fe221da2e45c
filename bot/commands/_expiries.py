"""What the commands about one expiry share: the young chains, their fitted smiles, which expiry is meant, and how
dates and prices of them are written."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import fsum, isnan

from bot.commands import CommandOption
from bot.commentary import NO_VALUE
from bot.commentary.cards import short_words
from bot.commentary.formats import BY_UNIT, apply
from bot.commentary.titles import unit_of
from bot.desk.market import Market
from bot.domain.chain import OptionChain
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Figure, Profile, Table, TableRow
from bot.domain.story import Origin
from bot.errors import InputError
from bot.metrics import options
from bot.metrics.density import ExpirySmile, fit_expiries
from bot.metrics.smile import DAY_MS
from bot.reasons import reason

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def young_chains(market: Market, asset: str) -> tuple[OptionChain, ...]:
    """The option chains that the last poll of this process heard, while they are young; that with the most open
    interest first."""
    heard = market.last_snapshot(asset)
    chains = [
        reading
        for reading in (heard.readings if heard else ())
        if isinstance(reading, OptionChain) and market.now() - reading.observed_at <= options.MAX_AGE
    ]
    return tuple(sorted(chains, key=lambda chain: -_open_interest(chain)))


def _open_interest(chain: OptionChain) -> float:
    """What the venue told of it, in coins."""
    return fsum(coins for coins in chain.open_interest_coin.tolist() if not isnan(coins))


def fitted_near(market: Market, asset: str, distances: Sequence[float]) -> tuple[ExpirySmile, ...]:
    """The fitted smiles that are nearest to some distances in days, each once, nearest first, of the venue with the most open
    interest that has any; empty where none was heard. Each is fitted once a poll, whoever asks."""
    for chain in young_chains(market, asset):
        at_ms = heard_ms(chain)
        found: dict[int, ExpirySmile] = {}
        for days in distances:
            away = sorted(listed_ms(chain), key=lambda one: abs((one - at_ms) / DAY_MS - days))
            fitted = (fitted_at(market, chain, expires_ms) for expires_ms in away)
            near = next((one for one in fitted if one is not None), None)
            if near is not None:
                found[near.expires_ms] = near
        if found:
            return tuple(found[expires_ms] for expires_ms in sorted(found))
    return ()


def fitted_at(market: Market, chain: OptionChain, expires_ms: int) -> ExpirySmile | None:
    """The fitted smile of one expiry of a chain, fitted once a poll; None where it has none."""
    return market.memory.of_poll(
        chain.asset,
        f"smile {chain.venue} {expires_ms}",
        lambda: next(iter(fit_expiries(chain, heard_ms(chain), (expires_ms,))), None),
    )


def listed_ms(chain: OptionChain) -> tuple[int, ...]:
    """The expiries of a chain that are a day and more away, in milliseconds since 1970 UTC, nearest first."""
    return tuple(sorted({one for one in chain.expires_ms.tolist() if one >= heard_ms(chain) + DAY_MS}))


def heard_ms(chain: OptionChain) -> float:
    """When a chain was heard, in milliseconds since 1970 UTC."""
    return chain.observed_at.timestamp() * 1000


def table(
    columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, whole: bool = False
) -> tuple[Table, ...]:
    """A small table of what is written out already: its columns' words, and a label and a text a column for each row;
    nothing without rows. A column in which nothing is known is left out, unless the table is to be shown `whole`."""
    known = [
        number
        for number in range(len(columns))
        if whole or number == 0 or any(cells[number] != NO_VALUE for _, cells in rows)
    ]
    columns = [columns[number] for number in known]
    rows = [(label, [cells[number] for number in known]) for label, cells in rows]
    made = tuple(
        TableRow(
            label=label,
            cells=tuple(
                Figure(label=f"{label} {column}".strip(), text=text)
                for column, text in zip(columns, cells, strict=True)
            ),
        )
        for label, cells in rows
    )
    return (Table(rows=made, columns=tuple(columns)),) if made else ()


def expiry_time(expires_ms: float) -> datetime:
    """An expiry as a time, UTC."""
    return datetime.fromtimestamp(expires_ms / 1000, UTC)


def spell_expiry(at: datetime) -> str:
    """An expiry as a trader types it: 27mar26."""
    return f"{at.day}{MONTHS[at.month - 1]}{at:%y}"


def expiry_named(typed: str, known: Sequence[datetime], now: datetime) -> datetime:
    """The expiry that is meant by "27mar", "27 March 2026", "2026-03-27" or a distance in days ("45", "30d": the
    nearest). Raises InputError that lists those that there are."""
    plain = typed.strip().lower()
    if known and (days := re.fullmatch(r"(\d{1,4})\s*d?(?:ays?)?", plain)):
        return min(known, key=lambda at: abs((at - now).total_seconds() / 86_400 - int(days[1])))
    for at in known:
        if plain in _spellings(at):
            return at
    listed = ", ".join(spell_expiry(at) for at in known)
    raise InputError(reason("unknown_expiry", typed=typed, known=listed))


def _spellings(at: datetime) -> set[str]:
    month = MONTHS[at.month - 1]
    days = {str(at.day), f"{at.day:02}"}
    return {f"{at:%Y-%m-%d}", f"{at:%B}".lower()} | {
        f"{day}{gap}{name}{year}"
        for day in days
        for gap in ("", " ", "-")
        for name in (month, f"{at:%B}".lower())
        for year in ("", f"{at:%y}", f"{at:%Y}", f" {at:%Y}", f"-{at:%Y}")
    }


def suggest_expiries(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """The expiries of every asset as they are typed, nearest first, of which one begins with what was typed."""
    found = {
        expires
        for asset in market.assets
        for chain in young_chains(market, asset)
        for expires in chain.expires_ms.tolist()
    }
    spelled = [spell_expiry(expiry_time(expires)) for expires in sorted(found)]
    return [one for one in dict.fromkeys(spelled) if one.startswith(typed.strip().lower())][:25]


EXPIRY = CommandOption(name="expiry", suggest=suggest_expiries)


def number_origin(ref: str, value: float) -> Origin:
    """A number that was worked out for this answer from readings; `ref` says what it is."""
    return Origin(kind="count", ref=ref, value=value)


def date_origin(ref: str, at: datetime) -> Origin:
    """A date of an answer."""
    return Origin(kind="date", ref=ref, value=at.isoformat())


def write_number(market: Market, profile: Profile, style: str, value: float, *, few: bool = False) -> str:
    """A number in a format's name ("price", "pct", "coins"), as the reader's language writes it; `few`: in few letters,
    for a table."""
    bank = market.bank(profile)
    return apply(style, value, None, short_words(bank) if few else bank.words)


def write_metric(market: Market, profile: Profile, name: str, value: float) -> str:
    """A metric's value in its unit, in few letters."""
    bank = market.bank(profile)
    return apply(BY_UNIT.get(unit_of(name, bank), "text"), value, None, short_words(bank)).strip()


def write_day(market: Market, profile: Profile, day: date) -> str:
    """27 March 2026, in the reader's language."""
    return apply("date", day.isoformat(), None, market.bank(profile).words)


def day_of(market: Market, profile: Profile, at: datetime) -> str:
    """27 Mar, in the reader's language."""
    months = market.bank(profile).words["months"].split("|")
    return f"{at.day} {months[at.month - 1][:3]}"


def without_chain(market: Market, profile: Profile, asset: str, heading: str) -> Answer:
    """What is answered while no young chain of options is known."""
    facts = Facts(asset=asset, at=market.now(), known={})
    said = market.say("answer", "chain-none", facts, profile)
    return Answer(
        title=heading, body=said.text, body_spans=said.spans, footer=market.footer(facts, profile, ())
    )


def heading_of(market: Market, profile: Profile, asset: str, about: str) -> str:
    """BTC: expected moves."""
    return f"{asset}: {market.bank(profile).words.get(f'title.{about}', about)}"


def footer_of(
    market: Market, profile: Profile, asset: str, chains: Sequence[OptionChain | ExpirySmile]
) -> str:
    """The line under an answer that stands on the chains of some venues."""
    venues = tuple(sorted({chain.venue for chain in chains}))
    heard = [chain.observed_at for chain in young_chains(market, asset) if chain.venue in venues]
    at = min(heard, default=market.now())
    stood_on = Fact(name="option_open_interest_coin", value=0.0, at=at, venues=venues, of_venues=len(venues))
    return market.footer(Facts(asset=asset, at=market.now(), known={stood_on.name: stood_on}), profile)
