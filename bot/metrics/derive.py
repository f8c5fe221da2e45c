"""Facts that somebody states, completed by those that follow from them."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.catalog import Catalog
from bot.domain.facts import Facts


def derive(
    asset: str, at: datetime, given: Mapping[str, float], times: Mapping[str, datetime], catalog: Catalog
) -> Facts:
    """The facts given and those that follow. Raises InputError."""
    raise NotImplementedError
