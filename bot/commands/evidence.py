"""What a post was judged on, read back from the archive as facts."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.facts import Fact, Facts


def facts_of(asset: str, at: datetime, evidence: Mapping[str, object]) -> Facts:
    """The facts of a post's evidence. What is of another shape is left out: it explains nothing."""
    reasons = evidence.get("unknown")
    return Facts(
        asset=asset,
        at=at,
        known=_group(evidence.get("facts")),
        stale=_group(evidence.get("stale")),
        unknown={str(name): str(why) for name, why in reasons.items()} if isinstance(reasons, dict) else {},
    )


def _group(told: object) -> Mapping[str, Fact]:
    if not isinstance(told, dict):
        return {}
    return {name: fact for name, values in told.items() if (fact := _fact(name, values)) is not None}


def _fact(name: str, values: object) -> Fact | None:
    if not isinstance(values, dict) or not isinstance(values.get("value"), int | float):
        return None
    at, extreme_at = _time(values.get("at")), _time(values.get("extreme_at"))
    if at is None:
        return None
    return Fact(
        name=name,
        value=float(values["value"]),
        at=at,
        venues=tuple(values.get("venues", ())),
        of_venues=int(values.get("of_venues", 0)),
        lower_bound=values.get("lower_bound") is True,
        extreme_at=extreme_at,
    )


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
