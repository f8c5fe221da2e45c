"""What of a poll is believed: the one place where each venue's replies are held against what it told before, and against
what the others tell.

A reading that is not believed is left out, a sum that cannot stand is withheld; both are gaps that name venue and
contract. What is remembered for the next poll goes with the history (`History.tellings`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import fsum, inf

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.chain import OptionChain
from bot.domain.kept import keep_for_a_day
from bot.domain.readings import FundingRate, FutureQuote, Gap, Reading, SeriesReading, Snapshot, SpotQuote
from bot.domain.tellings import KnownContracts, KnownFigure, KnownTellings
from bot.metrics.agreement import drop_disbelieved, drop_odd_forwards
from bot.metrics.contracts import (
    SHARE_OF_ALL,
    JudgedContracts,
    ToldContract,
    judge_contracts,
    move_of,
    moves_of_each,
    sum_of,
)
from bot.metrics.drift import ALIKE, Kind, ToldFigure, figures_of, judge_figure, say_figure
from bot.metrics.history import History
from bot.metrics.moment import is_of_one_moment
from bot.metrics.retold import drop_retold
from bot.reasons import about, reason

MAX_AGE = timedelta(minutes=30)
"""How old a count may be to be summed."""
SLOW_AGE = timedelta(hours=2)
"""How old a figure that changes slowly may be."""
NOTHING_OPEN = 0.0
BREAKS_KEPT = timedelta(days=10)
"""The longest look-back, and some."""
LIKE = timedelta(minutes=10)
"""How far apart the last believed polls of two venues may be for their moves to be compared; or a tenth of the time."""


class BelievedPoll(Struct, frozen=True, kw_only=True):
    """What of a snapshot is believed, the gaps of what is not, and what is remembered from now on."""

    snapshot: Snapshot
    gaps: tuple[Gap, ...]
    tellings: KnownTellings


def believe(snapshot: Snapshot, history: History, catalog: Catalog) -> BelievedPoll:
    """A poll held against what is remembered of its tellings, and against what was measured before."""
    tellings = history.tellings
    snapshot, gaps = drop_disbelieved(snapshot, catalog)
    retold = drop_retold(snapshot, history)
    snapshot, gaps = retold.snapshot, gaps + retold.gaps
    snapshot, odd = drop_odd_forwards(snapshot)
    gaps += odd
    late = tuple(_late(snapshot))
    snapshot, gaps = replace(snapshot, gaps=snapshot.gaps + late), gaps + late
    told = _contracts_told(snapshot)
    snapshot, drifts, figures, withheld = _drop_drifting(snapshot, tellings)
    withheld |= retold.withheld
    gaps += drifts
    known, anew, doubted = dict(tellings.contracts), [], dict[str, str]()
    moves = _moves(told, tellings.contracts, snapshot.taken_at)
    least = {
        kind: share * fsum(sum_of(its) for telling, its in told.items() if telling.endswith(f" {kind}"))
        for kind, share in SHARE_OF_ALL.items()
    }
    for telling in told:
        if telling in withheld:
            continue
        judged = _judged(telling, told, moves, tellings.contracts, snapshot.taken_at, least)
        if judged.known is not None:
            known[telling] = judged.known
        if judged.withheld is not None:
            withheld[telling] = doubted[telling] = judged.withheld
        if judged.anew:
            anew.append(telling)
    heard_of = {gap.who for gap in snapshot.gaps}
    doubts = tuple(
        gap
        for telling, why in sorted(doubted.items())
        if (gap := _gap(telling, why, snapshot.asset)).who not in heard_of
    )
    kept = replace(
        snapshot,
        readings=tuple(_weighing_as_before(one, withheld, tellings.contracts) for one in snapshot.readings),
        gaps=snapshot.gaps + doubts,
        withheld={**snapshot.withheld, **withheld},
    )
    after = replace(
        tellings, contracts=known, figures=figures, breaks=_breaks(tellings.breaks, anew, snapshot.taken_at)
    )
    return BelievedPoll(snapshot=kept, gaps=gaps + doubts, tellings=after)


def _late(snapshot: Snapshot) -> Iterable[Gap]:
    """A gap for each quote that is too old to be measured, and for each mark whose index is of another time."""
    at, found = snapshot.taken_at, set[str]()
    for one in snapshot.readings:
        if not isinstance(one, FutureQuote | FundingRate | SpotQuote | OptionChain):
            continue
        of = one.instrument.asset if isinstance(one, FutureQuote | FundingRate) else one.asset
        if of != snapshot.asset:
            continue
        who, age = _name_of(one), at - one.observed_at
        if age > MAX_AGE:
            why = reason(
                "contract_old", symbol=who.partition(" ")[2], minutes=round(age.total_seconds() / 60.0)
            )
        elif isinstance(one, FutureQuote) and one.index_at is not None and not is_of_one_moment(one):
            apart = abs(one.observed_at - one.index_at).total_seconds()
            who, why = f"{who} basis", reason("times_apart", minutes=round(apart / 60.0))
        else:
            continue
        if who not in found:
            found.add(who)
            yield Gap(who=who, reason=about(who, why))


def _name_of(reading: FutureQuote | FundingRate | SpotQuote | OptionChain) -> str:
    if isinstance(reading, FutureQuote):
        return f"{reading.instrument.venue} {reading.instrument.symbol}"
    if isinstance(reading, FundingRate):
        return f"{reading.instrument.venue} {reading.instrument.symbol} funding"
    return f"{reading.venue} {reading.asset} {'options' if isinstance(reading, OptionChain) else 'index'}"


def _drop_drifting(
    snapshot: Snapshot, tellings: KnownTellings
) -> tuple[Snapshot, tuple[Gap, ...], Mapping[str, KnownFigure], dict[str, str]]:
    """The snapshot without the readings of which a figure is in doubt; a gap for each figure; what is known of figures from
    now on; and the sums that are withheld with such a reading."""
    asset, at = snapshot.asset, snapshot.taken_at
    told = [
        (reading, figures_of(reading, asset) if _is_young(reading, at) else ())
        for reading in snapshot.readings
    ]
    every = _by_kind(figure for _, figures in told for figure in figures)
    known, withheld = dict(tellings.figures), dict[str, str]()
    gaps: dict[str, Gap] = {}
    kept: list[Reading] = []
    for reading, figures in told:
        doubted = False
        for figure in figures:
            past = tellings.figures.get(figure.of)
            judged = judge_figure(
                past, figure, _peers(figure, every[figure.kind], tellings.figures, past), at
            )
            known[figure.of] = judged.known
            if not judged.believed:
                doubted = True
                gap = gaps[figure.of] = _doubt_of(figure, judged.was)
                if isinstance(reading, FutureQuote):
                    withheld.setdefault(f"{figure.venue} futures", gap.reason)
                if isinstance(reading, OptionChain):
                    withheld.setdefault(f"{figure.venue} options", gap.reason)
        if not doubted:
            kept.append(reading)
    lost = {(one.source, one.metric) for one, _ in told if isinstance(one, SeriesReading)} - {
        (one.source, one.metric) for one in kept if isinstance(one, SeriesReading)
    }
    if any(metric == "spot_usd" for _, metric in lost):
        bars = {source for source, metric in lost if metric == "spot_usd"}
        kept = [
            one
            for one in kept
            if not (isinstance(one, SeriesReading) and one.source in bars and one.metric.startswith("spot_"))
        ]
    told_gaps = tuple(gaps.values())
    less = replace(snapshot, readings=tuple(kept), gaps=snapshot.gaps + told_gaps)
    return less, told_gaps, known, withheld


def _by_kind(figures: Iterable[ToldFigure]) -> Mapping[Kind, Sequence[ToldFigure]]:
    """The figures that may tell the same thing as one of a kind, in their order."""
    every = tuple(figures)
    kinds = {figure.kind for figure in every}
    alike = {kind: {kind}.union(*(both for both in ALIKE if kind in both)) for kind in kinds}
    return {kind: [figure for figure in every if figure.kind in alike[kind]] for kind in kinds}


def _is_young(reading: Reading, at: datetime) -> bool:
    """Whether a reading is young enough to be held against others."""
    brief = isinstance(reading, FutureQuote | FundingRate | SpotQuote | OptionChain)
    return at - reading.observed_at <= (MAX_AGE if brief else SLOW_AGE)


def _peers(
    figure: ToldFigure,
    others: Iterable[ToldFigure],
    known: Mapping[str, KnownFigure],
    past: KnownFigure | None,
) -> list[tuple[float | None, float]]:
    """Others' figures that tell the same thing: the last believed one, where it is of about the same time, and now's."""
    found: dict[tuple[str, Kind], tuple[float | None, float]] = {}
    for other in others:
        name = other.venue, other.kind
        if name in found or other.of == figure.of or not figure.is_alike(other):
            continue
        its = known.get(other.of)
        same_time = (
            past is not None
            and past.at is not None
            and its is not None
            and its.at is not None
            and abs(its.at - past.at) <= LIKE
        )
        found[name] = (its.value if its and same_time else None, other.value)
    return list(found.values())


def _doubt_of(figure: ToldFigure, was: float | None) -> Gap:
    now = say_figure(figure.kind, figure.value)
    if was is None:
        return Gap(who=figure.of, reason=about(figure.of, reason("figure_apart", now=now)))
    why = reason("figure_jumped", was=say_figure(figure.kind, was), now=now)
    return Gap(who=figure.of, reason=about(figure.of, why))


def _moves(
    told: Mapping[str, tuple[ToldContract, ...]], known: Mapping[str, KnownContracts], at: datetime
) -> dict[str, float]:
    """How the sum of each telling moved (see `move_of`); of one that lacks a contract it is not told."""
    found: dict[str, float] = {}
    for telling, contracts in told.items():
        past = known.get(telling)
        if past is not None and not _lacks_one(past, contracts, at):
            move = move_of(past, contracts, at)
            if move is not None:
                found[telling] = move
    return found


def _judged(
    telling: str,
    told: Mapping[str, tuple[ToldContract, ...]],
    moves: Mapping[str, float],
    known: Mapping[str, KnownContracts],
    at: datetime,
    least_coins: Mapping[str, float],
) -> JudgedContracts:
    """One telling against its own past and the moves of the others of its kind since then."""
    own, kind = known.get(telling), telling.partition(" ")[2]
    others = [
        other
        for other in moves
        if own is not None
        and other != telling
        and other.endswith(f" {kind}")
        and abs(known[other].at - own.at) <= max(LIKE, (at - own.at) / 10)
    ]
    of_sums = [moves[other] for other in others]
    of_each = (
        [move for other in others for move in moves_of_each(known[other], told[other])]
        if kind == "futures"
        else ()
    )
    return judge_contracts(own, told[telling], of_sums, at, least_coins[kind], of_each)


def _lacks_one(known: KnownContracts, told: Iterable[ToldContract], at: datetime) -> bool:
    """Whether a contract that is known and still runs was not counted now."""
    now_ms = at.timestamp() * 1000.0
    counted = {one.symbol for one in told if one.amount is not None}
    return any(known.expires_ms.get(name, inf) > now_ms for name in known.amounts.keys() - counted)


def _contracts_told(snapshot: Snapshot) -> dict[str, tuple[ToldContract, ...]]:
    """The contracts that each venue told, by venue and kind; of two tellings of one contract the younger."""
    at = snapshot.taken_at
    futures: dict[tuple[str, str], FutureQuote] = {}
    chains: dict[str, OptionChain] = {}
    for one in snapshot.readings:
        if isinstance(one, FutureQuote) and one.instrument.asset == snapshot.asset:
            key = (one.instrument.venue, one.instrument.symbol)
            if key not in futures or futures[key].observed_at < one.observed_at:
                futures[key] = one
        elif isinstance(one, OptionChain) and one.asset == snapshot.asset and at - one.observed_at <= MAX_AGE:
            chains[one.venue] = one
    told: dict[str, list[ToldContract]] = {}
    for (venue, _), quote in futures.items():
        told.setdefault(f"{venue} futures", []).append(_of_quote(quote, at))
    for venue, chain in chains.items():
        told[f"{venue} options"] = _of_chain(chain)
    return {telling: tuple(contracts) for telling, contracts in told.items()}


def _of_quote(quote: FutureQuote, at: datetime) -> ToldContract:
    amount = quote.open_interest_coin if quote.open_interest_coin is not None else quote.open_interest_usd
    age = at - min(quote.observed_at, quote.open_interest_at or quote.observed_at)
    expires_at = quote.instrument.expires_at
    return ToldContract(
        symbol=quote.instrument.symbol,
        expires_ms=0 if expires_at is None else round(expires_at.timestamp() * 1000.0),
        amount=amount if amount is not None and 0.0 <= amount < inf and age <= MAX_AGE else None,
        inverse=quote.open_interest_coin is None,
        index_usd=quote.index_usd,
        stale=age if age > MAX_AGE else None,
    )


def _of_chain(chain: OptionChain) -> list[ToldContract]:
    amounts = chain.open_interest_coin.tolist()
    return [
        ToldContract(name, expires_ms, amount if 0.0 <= amount < inf else None)
        for name, expires_ms, amount in zip(_names(chain), chain.expires_ms.tolist(), amounts, strict=True)
    ]


def _names(chain: OptionChain) -> tuple[str, ...]:
    """What each option of a chain is called."""
    return _names_of(chain.expires_ms.tobytes(), chain.strike_usd.tobytes(), chain.is_call.tobytes())


@lru_cache(maxsize=64)
def _names_of(expires_ms: bytes, strike_usd: bytes, is_call: bytes) -> tuple[str, ...]:
    """The same by a chain's columns: a venue lists the same options from one poll to the next."""
    columns = (
        np.frombuffer(expires_ms, np.int64),
        np.frombuffer(strike_usd),
        np.frombuffer(is_call, np.bool_),
    )
    return tuple(
        option_name(expires_ms, strike_usd, is_call=is_call)
        for expires_ms, strike_usd, is_call in zip(*(column.tolist() for column in columns), strict=True)
    )


@keep_for_a_day(32768)
def option_name(expires_ms: int, strike_usd: float, *, is_call: bool) -> str:
    """What an option is called here: `27MAR26-90000-C`."""
    day = datetime.fromtimestamp(expires_ms / 1000.0, UTC)
    return f"{day.day}{day:%b%y}-{strike_usd:g}-{'C' if is_call else 'P'}".upper()


def _weighing_as_before(
    reading: Reading, withheld: Mapping[str, str], known: Mapping[str, KnownContracts]
) -> Reading:
    """A reading whose venue's sum is withheld weighs what it weighed when it was last believed."""
    if isinstance(reading, FutureQuote):
        telling = f"{reading.instrument.venue} futures"
    elif isinstance(reading, OptionChain):
        telling = f"{reading.venue} options"
    else:
        return reading
    past = known.get(telling)
    if past is None or telling not in withheld:
        return reading
    if isinstance(reading, OptionChain):
        amounts = [_amount_then(past, name) for name in _names(reading)]
        return replace(reading, open_interest_coin=np.array(amounts, dtype=np.float64))
    symbol = reading.instrument.symbol
    amount, inverse = _amount_then(past, symbol), symbol in past.inverse
    coins, dollars = (None, amount) if inverse else (amount, None)
    return replace(reading, open_interest_coin=coins, open_interest_usd=dollars)


def _amount_then(past: KnownContracts, symbol: str) -> float:
    """What was open in a contract when its venue was last believed; of one that is not among them nothing was."""
    return past.amounts.get(symbol, NOTHING_OPEN)


def _gap(telling: str, why: str, asset: str) -> Gap:
    venue, _, kind = telling.partition(" ")
    who = f"{venue} {asset} {'open interest' if kind == 'futures' else 'options open interest'}"
    return Gap(who=who, reason=about(who, why))


def _breaks(
    known: Mapping[str, tuple[datetime, ...]], anew: Iterable[str], at: datetime
) -> Mapping[str, tuple[datetime, ...]]:
    """The times at which tellings began anew, as far back as a change looks."""
    if not known and not anew:
        return known
    fresh = set(anew)
    together = {
        telling: (
            *(one for one in known.get(telling, ()) if at - one <= BREAKS_KEPT),
            *((at,) if telling in fresh else ()),
        )
        for telling in sorted(known.keys() | fresh)
    }
    return {telling: times for telling, times in together.items() if times}
