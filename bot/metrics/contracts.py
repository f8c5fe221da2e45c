"""Whether a venue told the contracts that it told before: a sum with a contract missing would look like a move.

Rule: what is open at a venue (futures and perpetuals; options) stands where its contracts are those of its last believed
poll, but for those that expired since and those newly listed, and where neither their sum nor a large one of them has
jumped as no other venue's sum did. Else the venue's sum is withheld, with the contract named. A first poll has nothing to
be compared with. What has stood for long enough (a jump or a large newcomer three polls, a missing contract or a count
that is absurd a day) is believed again; the venue's changes then begin anew (`KnownTellings.breaks`), so that no doubt of
then becomes a move of now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum, inf, log, nan
from statistics import median

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.tellings import KnownContracts
from bot.reasons import reason

STAND_POLLS = 3
"""In how many polls in a row something odd is told before it is believed."""
DELISTED = timedelta(days=1)
"""How long a contract is missing before the venue's other ones are its contracts."""
LARGE_SHARE = 0.05
"""What a new listing may hold of the venue's sum at most, a day after the last poll twice as much, and so on."""
SMALL_SHARE = 0.02
"""What it may hold to be one of the venue's changes; with more it was open before, and the changes begin anew."""
ALONE = timedelta(hours=2)
"""How old the last believed poll may be for a jump to be judged where no other venue can confirm it."""
JUMP = 0.18
"""The natural logarithm of a jump within an hour (a fifth up, a sixth down)."""
CONTRACT_JUMP = 0.4
"""The same of one contract (a half more, a third less)."""
TIMES_THREE, TIMES_EIGHT = log(3.0), log(8.0)
"""How far a sum, and a single contract, moves alone in no market: another unit, a count of another asset, nothing at all.
Such a one has to stand as long as a contract that is missing."""
CONTRACT_SHARE = 0.005
"""What it moved by, as a share of the venue's sum, for that to matter."""
SHARE_OF_ALL = {"futures": 0.001, "options": 0.01}
"""The same as a share of what all venues together told; a block trade in one option is no rarity."""
ROLLED = timedelta(days=3)
"""How long before its expiry a contract may empty or fill as it likes."""


class ToldContract(Struct, frozen=True, gc=False):
    """A contract as it was told now. `amount` in coins, of an inverse one in dollars; None: not told, or too old
    (`stale`). `index_usd` makes coins of dollars."""

    symbol: str
    expires_ms: int = 0
    amount: float | None = None
    inverse: bool = False
    index_usd: float = 1.0
    stale: timedelta | None = None


class JudgedContracts(Struct, frozen=True, kw_only=True):
    """How one venue's contracts were judged: why its sum is withheld (None: it stands), what is known of them from now
    on, and whether they begin anew with this poll."""

    withheld: str | None
    known: KnownContracts | None
    anew: bool = False
    jumped: bool = False


def judge_contracts(
    known: KnownContracts | None,
    told: Sequence[ToldContract],
    moves: Iterable[float],
    at: datetime,
    least_coins: float = 0.0,
    contract_moves: Iterable[float] = (),
) -> JudgedContracts:
    """One venue's contracts against those of its last believed poll.

    `moves` are the natural logarithms of how the sums of other venues moved over the same time (see `move_of`),
    `contract_moves` those of their single contracts, `least_coins` what a contract moves by at least for its own jump to
    matter."""
    at_ms = _ms(at)
    counted = {one.symbol: one for one in told if one.amount is not None and not 0 < one.expires_ms <= at_ms}
    now = KnownContracts(
        at=at,
        amounts={name: one.amount for name, one in counted.items() if one.amount is not None},
        expires_ms={name: one.expires_ms for name, one in counted.items() if one.expires_ms},
        inverse=tuple(sorted([name for name, one in counted.items() if one.inverse])),
    )
    if known is None:
        return JudgedContracts(
            withheld=None, known=now if now.amounts and len(counted) == len(told) else None
        )
    doubt = (
        _lacking(known, counted, told, at)
        or _newcomers(known, counted, LARGE_SHARE, at)
        or _jump(known, counted, (tuple(moves), tuple(contract_moves)), at, least_coins)
    )
    if doubt is None:
        small = _newcomers(known, counted, SMALL_SHARE, at)
        return JudgedContracts(withheld=None, known=now, anew=small is not None)
    doubted = _noted(known, sum_of(counted.values()), at)
    if doubt.patience is None:
        has_stood = doubted.polls >= STAND_POLLS
    else:
        has_stood = at - (doubted.doubted_since or at) >= doubt.patience
    if has_stood and counted:
        return JudgedContracts(withheld=None, known=now, anew=True)
    return JudgedContracts(withheld=doubt.why, known=doubted, jumped=doubt.jump)


def sum_of(told: Iterable[ToldContract]) -> float:
    """What a venue's contracts hold together, in coins."""
    return fsum(
        [_coins(one, one.amount) if one.inverse else one.amount for one in told if one.amount is not None]
    )


def move_of(known: KnownContracts | None, told: Sequence[ToldContract], at: datetime) -> float | None:
    """The natural logarithm of how a venue's sum in coins moved since its last believed poll, over the contracts that
    are there at both ends; None where there are none."""
    if known is None:
        return None
    then = now = 0.0
    at_ms = _ms(at)
    amount_then = known.amounts.get
    for one in told:
        amount, before = one.amount, amount_then(one.symbol)
        if amount is not None and before is not None and not 0 < one.expires_ms <= at_ms:
            then += _coins(one, before) if one.inverse else before
            now += _coins(one, amount) if one.inverse else amount
    return _move(then, now)


def _move(then: float, now: float) -> float | None:
    """The natural logarithm of how a sum moved; None where it was or is nothing."""
    return log(now) - log(then) if 0.0 < then < inf and 0.0 < now < inf else None


def moves_of_each(known: KnownContracts, told: Iterable[ToldContract]) -> list[float]:
    """The natural logarithms of how each contract that is there at both ends moved, where something was open at both."""
    ends = [(known.amounts.get(one.symbol), one.amount) for one in told]
    return [log(now / then) for then, now in ends if now and then]


def is_shared(move: float, others: Iterable[float]) -> bool:
    """Whether another venue moved the same way, at least half as far."""
    return any(other * move > 0.0 and 2.0 * abs(other) >= abs(move) for other in others)


def widen(jump: float, apart: timedelta) -> float:
    """A jump within an hour as one of a longer time: it grows slowly, to twice as much in 64 hours."""
    hours = max(1.0, apart.total_seconds() / 3600.0)
    return jump * min(2.0, float(hours ** (1.0 / 6.0)))


class _Doubt(Struct, frozen=True, kw_only=True):
    """Why contracts are not believed, and how long that has to stand (None: a number of polls)."""

    why: str
    patience: timedelta | None = None
    jump: bool = False


def _lacking(
    known: KnownContracts, counted: Mapping[str, ToldContract], told: Sequence[ToldContract], at: datetime
) -> _Doubt | None:
    """Contracts in which something was open, that still run, and that were not counted now."""
    if known.amounts.keys() <= counted.keys():
        return None
    at_ms = _ms(at)
    lacking = [
        name
        for name, amount in known.amounts.items()
        if amount > 0.0 and name not in counted and known.expires_ms.get(name, inf) > at_ms
    ]
    if not lacking:
        return None
    largest = max(lacking, key=lambda name: (known.amounts[name], name))
    row = next((one for one in reversed(told) if one.symbol == largest), None)
    if row is not None and row.stale is not None:
        minutes = round(row.stale.total_seconds() / 60.0)
        why = reason("contract_old", symbol=largest, minutes=minutes)
    elif row is not None:
        why = reason("no_open_interest_for", symbol=largest)
    elif len(lacking) > 1:
        why = reason("contracts_missing", symbol=largest, more=len(lacking) - 1)
    else:
        why = reason("contract_missing", symbol=largest)
    return _Doubt(why=why, patience=DELISTED)


def _newcomers(
    known: KnownContracts, counted: Mapping[str, ToldContract], share: float, at: datetime
) -> _Doubt | None:
    """Contracts that were not there before, with too much open to be new: more than a share of what was, by which the
    sum grew, too. What was in contracts that expired since may have gone on in them."""
    if counted.keys() <= known.amounts.keys():
        return None
    new = {name: _coins(one, one.amount) for name, one in counted.items() if name not in known.amounts}
    index_usd = next(one.index_usd for one in counted.values())
    before = fsum(
        amount / index_usd if name in known.inverse else amount for name, amount in known.amounts.items()
    )
    grown = sum_of(counted.values()) - before
    most = share * (1.0 + (at - known.at) / DELISTED) * before
    if not (fsum(new.values()) > most and grown > most):
        return None
    largest = max(new, key=lambda name: (new[name], name))
    return _Doubt(why=reason("contract_appeared", symbol=largest, coins=_rounded(new[largest])))


def _jump(
    known: KnownContracts,
    counted: Mapping[str, ToldContract],
    others: tuple[Sequence[float], Sequence[float]],
    at: datetime,
    least_coins: float,
) -> _Doubt | None:
    """A sum that moved as no other venue's did, or one contract that did, which the sum hides."""
    amounts = known.amounts
    there = [(name, one, amounts[name]) for name, one in counted.items() if name in amounts]
    before = [_coins(one, amount) if one.inverse else amount for _, one, amount in there]
    after = [
        _coins(one, one.amount) if one.inverse or one.amount is None else one.amount for _, one, _ in there
    ]
    was_all, now_all = fsum(before), fsum(after)
    move = _move(was_all, now_all)
    if move is None:
        return _Doubt(why=reason("open_interest_gone"), patience=DELISTED) if was_all > 0.0 else None
    (moves, contract_moves), apart = others, at - known.at
    if not moves and apart > ALONE and not known.polls:
        return None
    moved = [abs(now - was) for was, now in zip(before, after, strict=True)]
    farthest = max(moved)
    largest, place = max((there[place][0], place) for place, by in enumerate(moved) if by == farthest)
    if not _is_usual(move, moves, widen(JUMP, apart)):
        told = reason("open_interest_jumped", symbol=largest, was=_rounded(was_all), now=_rounded(now_all))
        return _Doubt(why=told, jump=True, patience=DELISTED if abs(move) > TIMES_THREE else None)
    was, now = before[place], after[place]
    expires_ms = there[place][1].expires_ms
    rolls = expires_ms and expires_ms <= _ms(at + ROLLED)
    if rolls or abs(now - was) <= max(least_coins, CONTRACT_SHARE * was_all):
        return None
    move = log(now / was) if now > 0.0 and was > 0.0 else inf if now > was else -inf
    if is_shared(move, contract_moves) or _is_usual(move, moves, widen(CONTRACT_JUMP, apart)):
        return None
    told = reason("contract_jumped", symbol=largest, was=_rounded(was), now=_rounded(now))
    return _Doubt(why=told, jump=True, patience=DELISTED if abs(move) > TIMES_EIGHT else None)


def _is_usual(move: float, moves: Sequence[float], usual: float) -> bool:
    """Whether a move is no larger than usual, or another venue's is like it."""
    if abs(move) <= usual or is_shared(move, moves):
        return True
    return bool(moves) and abs(move - median(moves)) <= usual


def _noted(known: KnownContracts, total: float, at: datetime) -> KnownContracts:
    """What is known, and that something else was told now."""
    if known.doubted_at is not None and at <= known.doubted_at:
        return known
    same = known.polls > 0 and abs(log(max(total, 1e-9) / max(known.told, 1e-9))) <= JUMP
    return replace(
        known,
        doubted_since=known.doubted_since or at,
        doubted_at=at,
        told=known.told if same else total,
        polls=known.polls + 1 if same else 1,
    )


def _ms(at: datetime) -> float:
    """A time as contracts tell when they expire: milliseconds since 1970 UTC. One without an expiry (0) never does."""
    return at.timestamp() * 1000.0


def _coins(one: ToldContract, amount: float | None) -> float:
    """What an amount of a contract comes to in coins at its index of now; nan where it is not told."""
    if amount is None:
        return nan
    return amount / one.index_usd if one.inverse and 0.0 < one.index_usd < inf else amount


def _rounded(coins: float) -> float:
    return float(f"{coins:.6g}")
