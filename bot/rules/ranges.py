"""A server's own usual range: it may move within a ladder's bounds, and the steps and words follow."""

from datetime import date

from bot.domain.rulebook import RuleBook, UsualRange
from bot.errors import InputError

OWN = "this server"


def own_range(book: RuleBook, ladder: str, low: float, high: float) -> UsualRange:
    """A usual range as a server sets it, in the unit of the ladder's fact. Raises InputError that names what is possible."""
    movable = {name: one for name, one in book.ladders.items() if one.usual}
    if ladder not in movable:
        raise InputError(f"unknown usual range {ladder!r}: one of {', '.join(sorted(movable))}")
    bounds = movable[ladder].bounds
    for side, value in (("low", low), ("high", high)):
        least, most = bounds["low" if side == "low" else "high"]
        if not least <= value <= most:
            raise InputError(f"{ladder}: the {side} end may lie between {least:g} and {most:g}, not at {value:g}")
    return UsualRange(since=date.min, low=low, high=high, source=OWN)
