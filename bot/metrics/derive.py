"""Facts that somebody states, completed by those that follow from them: what `bot judge` is given.

What follows: the way from an extreme (rebound, drawdown) from spot and the extreme; hours since an extreme
from its time; spot's change, before and percent change, and any other metric's, from two of the three; a
yearly funding rate from the 8-hour one and back; the change of open interest in coins from that in dollars and the
price's over the same window; a share of open interest from liquidations of the same scope, on both sides and on
each; a total from its two sides of one scope. One side alone is a lower bound of the total. What is stated together
is of one scope, unless a figure is named as another's (one venue's). A fact that is given as well wins if the two agree
within 0.1 (or a thousandth of it, for amounts)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import fsum, isfinite

from bot.domain.catalog import VIEWS, Catalog
from bot.domain.facts import Fact, Facts
from bot.errors import InputError
from bot.metrics.history import FUNDINGS_A_YEAR
from bot.reasons import reason

AGREES_WITHIN = 0.1
AMOUNT_SHARE = 0.001
SIDES = ("long", "short")
_SIDED = tuple(f"_{side}" for side in SIDES)

Known = Mapping[str, Fact]
Followed = tuple[str, float, bool, tuple[str, ...]]
"""A name, its value, whether that is a lower bound, and the names it follows from."""


def derive(
    asset: str,
    at: datetime,
    given: Mapping[str, float],
    times: Mapping[str, datetime],
    catalog: Catalog,
    scopes: Mapping[str, str] | None = None,
) -> Facts:
    """The facts given and those that follow from them, all observed at `at`; a time stands beside its fact. `scopes`
    says of a fact what it is a figure of ("Binance"), where that is not what the others are of.

    Raises InputError that names the fact: unknown, not a number, out of range, a time or a scope without its fact, a
    time after `at`, or given and derived but not the same."""
    stated = {name: _stated(name, value, at, times, catalog) for name, value in given.items()}
    for name in times:
        if name not in stated:
            raise InputError(f"times: {name} is not among the facts")
    for name in scopes or {}:
        if name not in stated:
            raise InputError(f"scope: {name} is not among the facts")
    of = _Scopes(scopes or {})
    known = dict(stated)
    for step in (_funding, of.totals, _changes, _coins, _from_extremes, of.shares):
        for name, value, lower_bound, parents in list(step(known, at)):
            if name in stated:
                _agree(stated[name], value, lower_bound, parents, catalog)
            elif name not in known and _plausible(name, value, catalog):
                known[name] = Fact(
                    name=name, value=value, at=at, lower_bound=lower_bound, extreme_at=_beside(known, parents)
                )
    names = (
        full for metric in catalog.metrics for full in (metric, *(f"{metric}.{suffix}" for suffix in VIEWS))
    )
    unknown = {name: reason("not_given") for name in names if name not in known and name in catalog}
    unknown |= {name: why for name, why in of.refused.items() if name in unknown}
    return Facts(asset=asset, at=at, known=known, unknown=unknown)


def _stated(name: str, value: float, at: datetime, times: Mapping[str, datetime], catalog: Catalog) -> Fact:
    when = times.get(name)
    if when is not None and when > at:
        raise InputError(f"times: {name} is dated {when.isoformat()}, after {at.isoformat()}")
    return Fact(name=name, value=catalog.check(name, value), at=at, extreme_at=when)


def _agree(stated: Fact, value: float, lower_bound: bool, parents: tuple[str, ...], catalog: Catalog) -> None:
    """Raises InputError where what is stated contradicts what follows from the rest."""
    amount = catalog.resolve(stated.name).unit in ("USD", "coins")
    slack = max(AGREES_WITHIN, AMOUNT_SHARE * abs(value)) if amount else AGREES_WITHIN
    differs = value - stated.value > slack if lower_bound else abs(value - stated.value) > slack
    if differs:
        least = "at least " if lower_bound else ""
        raise InputError(
            f"{stated.name}: {stated.value:g} is given, but {' and '.join(parents)} make it {least}{value:g}"
        )


def _plausible(name: str, value: float, catalog: Catalog) -> bool:
    """Whether the catalog has the name and takes the value: what does not fit is left unknown."""
    if name not in catalog or not isfinite(value):
        return False
    low, high = catalog.resolve(name).valid
    return low <= value <= high


def _beside(known: Known, parents: tuple[str, ...]) -> datetime | None:
    """The time that stands beside one of the facts that another follows from."""
    return next((known[name].extreme_at for name in parents if known[name].extreme_at is not None), None)


def _funding(known: Known, _: datetime) -> Iterator[Followed]:
    if "funding_8h_pct" in known:
        yield (
            "funding_annual_pct",
            known["funding_8h_pct"].value * FUNDINGS_A_YEAR,
            False,
            ("funding_8h_pct",),
        )
    elif "funding_annual_pct" in known:
        yield (
            "funding_8h_pct",
            known["funding_annual_pct"].value / FUNDINGS_A_YEAR,
            False,
            ("funding_annual_pct",),
        )


class _Scopes:
    """What follows only from figures of one scope: totals and shares. `refused` says which shares do not follow."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = {name: scope.strip().casefold() for name, scope in told.items()}
        self.refused: dict[str, str] = {}

    def totals(self, known: Known, _: datetime) -> Iterator[Followed]:
        """Both sides make a total of liquidations, one side its lower bound; coins at spot make dollars that
        nobody stated."""
        for window in ("1h", "24h", "5d"):
            names = [f"liquidations_{window}_{side}_usd" for side in SIDES]
            there = tuple(name for name in names if name in known)
            if there and len({self._of(name) for name in there}) == 1:
                self._told.setdefault(f"liquidations_{window}_usd", self._of(there[0]))
                total = fsum(known[name].value for name in there)
                yield f"liquidations_{window}_usd", total, len(there) < len(names), there
        stated = any(name.partition(".")[0] == "open_interest_usd" for name in known)
        if not stated and "open_interest_coin" in known and "spot_usd" in known:
            parents = ("open_interest_coin", "spot_usd")
            self._told.setdefault("open_interest_usd", self._of(parents[0]))
            yield "open_interest_usd", known[parents[0]].value * known[parents[1]].value, False, parents

    def shares(self, known: Known, _: datetime) -> Iterator[Followed]:
        """Liquidations as a share of the open interest of their scope; of a lower bound, a lower bound."""
        whole = known.get("open_interest_usd")
        if whole is None or not whole.value > 0.0:
            return
        for stem in (f"liquidations_{window}{side}" for window in ("24h", "5d") for side in ("", *_SIDED)):
            part, name = known.get(f"{stem}_usd"), f"{stem}_pct_of_oi"
            if part is None:
                continue
            if self._of(part.name) != self._of(whole.name):
                self.refused[name] = reason("scopes_differ", part=part.name, whole=whole.name)
                continue
            yield name, part.value / whole.value * 100.0, part.lower_bound, (part.name, whole.name)

    def _of(self, name: str) -> str:
        return self._told.get(name, "")


def _changes(known: Known, _: datetime) -> Iterator[Followed]:
    """Of a metric's value, its earlier value, their difference and percent, what follows from the value and
    one more."""
    for name in [name for name in known if "." not in name]:
        value = known[name].value
        for label in ("1h", "24h", "7d"):
            before, change, percent = (
                f"{name}.before_{label}",
                f"{name}.change_{label}",
                f"{name}.change_{label}_pct",
            )
            parent = next((one for one in (before, change, percent) if one in known), None)
            if parent is None or (parent == percent and known[percent].value <= -100.0):
                continue
            told = known[parent].value
            ratio = 1.0 + told / 100.0
            earlier = told if parent == before else (value - told if parent == change else value / ratio)
            parents = (parent, name)
            yield before, earlier, False, parents
            yield change, value - earlier, False, parents
            if earlier > 0.0:
                yield percent, (value / earlier - 1.0) * 100.0, False, parents


def _coins(known: Known, _: datetime) -> Iterator[Followed]:
    """What positions in coins did, where dollars and the price are told over the same window: dollars that fell by as
    much as the price are the price."""
    for label in ("24h", "7d"):
        parents = (f"open_interest_usd.change_{label}_pct", f"spot_usd.change_{label}_pct")
        name = f"open_interest_coin.change_{label}_pct"
        if name in known or any(parent not in known for parent in parents):
            continue
        dollars, price = (1.0 + known[parent].value / 100.0 for parent in parents)
        if price > 0.0:
            yield name, (dollars / price - 1.0) * 100.0, False, parents


def _from_extremes(known: Known, at: datetime) -> Iterator[Followed]:
    """The way from an extreme, and the hours since; a spot beyond its own extreme says nothing."""
    for extreme, way, hours in (
        ("low_30d_usd", "rebound_pct", "hours_since_low"),
        ("high_30d_usd", "drawdown_pct", "hours_since_high"),
    ):
        if extreme not in known:
            continue
        when = known[extreme].extreme_at
        if "spot_usd" in known:
            yield (
                way,
                (known["spot_usd"].value / known[extreme].value - 1.0) * 100.0,
                False,
                (extreme, "spot_usd"),
            )
        if when is not None:
            yield hours, (at - when).total_seconds() / 3600.0, False, (extreme,)
