"""The balance as points of the archive: the whole, and each family's share in the place of a venue's value."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import fsum

from bot.domain.facts import Point

BALANCE = "balance"
"""The metric's name."""


def balance_points(
    asset: str, at: datetime, shares: Mapping[str, float], of_families: int, *, covers_s: int = 0
) -> tuple[Point, ...]:
    """The balance and each known family's share of it, in points of the balance, as points of a time. `covers_s`: the
    stretch before `at` that a replayed one speaks for. None where no family is known."""
    if not shares:
        return ()
    begun = at - timedelta(seconds=covers_s)
    families = tuple(sorted(shares))
    whole = Point(
        metric=BALANCE,
        asset=asset,
        at=begun,
        value=fsum(shares.values()),
        venues=families,
        of_venues=of_families,
        covers_s=covers_s,
    )
    return (
        whole,
        *(
            Point(
                metric=BALANCE,
                asset=asset,
                at=begun,
                value=shares[family],
                venue=family,
                venues=(family,),
                of_venues=1,
                covers_s=covers_s,
            )
            for family in families
        ),
    )
