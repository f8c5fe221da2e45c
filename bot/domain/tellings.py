"""What is remembered of each venue's telling as it was when it was last believed, so that a reply that tells of another
market, or of another time, is noticed."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field


class KnownContracts(Struct, frozen=True, kw_only=True):
    """The contracts of one venue and kind, as they were last believed.

    `amounts`: what is open in each, by its name, in the unit that it is counted in (dollars for those in `inverse`,
    coins else). `expires_ms`: of those that expire, milliseconds since 1970 UTC. The rest is about what was told since
    and not believed: `doubted_since` when that began, `told` the sum in coins that was told, `polls` how often in a row,
    the last time at `doubted_at`."""

    at: datetime
    amounts: Mapping[str, float]
    expires_ms: Mapping[str, int] = field(default_factory=dict)
    inverse: tuple[str, ...] = ()
    doubted_since: datetime | None = None
    doubted_at: datetime | None = None
    told: float = 0.0
    polls: int = 0


class KnownFigure(Struct, frozen=True, kw_only=True):
    """One figure of a telling as it was last believed (None: never), and what was told since and not believed: in how many
    polls in a row, from `doubted_since` to `doubted_at`."""

    value: float | None = None
    at: datetime | None = None
    told: float | None = None
    polls: int = 0
    doubted_at: datetime | None = None
    doubted_since: datetime | None = None


class KnownTellings(Struct, frozen=True, kw_only=True):
    """All that is remembered of the tellings of one asset.

    `contracts` by venue and kind ("deribit options"), `figures` by what they are of ("okx BTC-USD-SWAP funding").
    `breaks`: when a venue's sum began to stand on other contracts than before, by venue and kind, oldest first: no
    change is told of that venue across such a time."""

    contracts: Mapping[str, KnownContracts] = field(default_factory=dict)
    figures: Mapping[str, KnownFigure] = field(default_factory=dict)
    breaks: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)


class TellingsOfAsset(Struct, frozen=True, kw_only=True):
    """The tellings of one asset, as they are stored."""

    asset: str
    tellings: KnownTellings
