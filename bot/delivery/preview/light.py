"""One light for all sources: how many were heard, and how old the oldest of them is."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from bot.delivery.preview.times import age
from bot.desk.memory import SourceState

OLD = timedelta(minutes=30)


class Light(Struct, frozen=True, kw_only=True):
    """What the light says: `live` where all are heard and young, `partial` where one is missing or has gaps, `stale`
    where none is young."""

    state: Literal["live", "partial", "stale", "dark"]
    words: str


def light_of(hearings: Sequence[SourceState], now: datetime, words: Mapping[str, str]) -> Light:
    """The light of the sources, in the reader's words."""
    heard = [state.heard_at for state in hearings if state.heard_at is not None]
    if not heard:
        return Light(state="dark", words=words["page.heard_none"])
    ages = [now - at for at in heard]
    said = words["page.heard"].format(heard=len(heard), all=len(hearings), age=age(max(ages)))
    if min(ages) > OLD:
        return Light(state="stale", words=said)
    whole = len(heard) == len(hearings) and max(ages) <= OLD and not any(state.gaps for state in hearings)
    return Light(state="live" if whole else "partial", words=said)
