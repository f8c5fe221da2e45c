"""A server's own usual range: it may move within a ladder's bounds, and the steps and words follow."""

from datetime import date

from bot.domain.rulebook import RuleBook, UsualRange
from bot.errors import InputError
from bot.reasons import reason

OWN = "this server"


def own_range(book: RuleBook, ladder: str, low: float, high: float) -> UsualRange:
    """A usual range as a server sets it, in the unit of the ladder's fact. Raises InputError that names what
    is possible."""
    movable = {name: one for name, one in book.ladders.items() if one.usual}
    if ladder not in movable:
        raise InputError(reason("unknown_range", typed=ladder, known=", ".join(sorted(movable))))
    bounds = movable[ladder].bounds
    for side, value in (("low", low), ("high", high)):
        least, most = bounds["low" if side == "low" else "high"]
        if not least <= value <= most:
            raise InputError(
                reason("range_end", ladder=ladder, side=side, least=least, most=most, typed=value)
            )
    return UsualRange(since=date.min, low=low, high=high, source=OWN)
