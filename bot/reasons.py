"""Why something is not known or cannot be taken, as a code with arguments: `no_expiry_near(days=60, leg='put')`.

Spelled where it comes up, stored and logged as it is spelled, worded by each language's bank (`[reason]` tables of
config/phrases). An argument may be a reason itself; positional ones are the parts of an `each`."""

import ast
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Union

from msgspec import Struct

Argument = str | int | float


class SpelledReason(Struct, frozen=True, kw_only=True):
    """A reason taken apart: its spelling, its code, its named arguments, and the `parts` of one that holds
    several."""

    spelling: str
    code: str
    arguments: Mapping[str, Union[Argument, "SpelledReason"]]
    parts: tuple[str, ...] = ()


def reason(code: str, /, **arguments: Argument) -> str:
    """The spelling of a code with its arguments, in the order given."""
    return f"{code}({', '.join(f'{name}={_spell(value)}' for name, value in arguments.items())})"


def each(reasons: Iterable[str]) -> str:
    """Several reasons as one; one alone stays as it is."""
    found = tuple(as_reason(one) for one in reasons)
    return found[0] if len(found) == 1 else f"each({', '.join(found)})"


def about(who: str, why: str) -> str:
    """A reason, and whom or what it is about: a venue, a metric."""
    return reason("about", of=who, why=as_reason(why))


def as_reason(text: str) -> str:
    """The text as a reason: itself where it is one, else somebody's own words."""
    return text if read(text) is not None else reason("words", text=text)


def without_subject(text: str) -> str:
    """What a reason says, without whom it says it about."""
    told = read(text)
    why = told.arguments.get("why") if told is not None and told.code == "about" else None
    return why.spelling if isinstance(why, SpelledReason) else as_reason(text)


def _spell(value: Argument) -> str:
    return value if isinstance(value, str) and read(value) is not None else repr(value)


@lru_cache(maxsize=4096)
def read(text: str) -> SpelledReason | None:
    """A spelled reason taken apart; None for a text that is none."""
    if not text.endswith(")") or not text.partition("(")[0].isidentifier():
        return None
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    return _taken_apart(call, text) if isinstance(call, ast.Call) else None


def _taken_apart(call: ast.Call, text: str) -> SpelledReason | None:
    if not isinstance(call.func, ast.Name) or not all(isinstance(one, ast.Call) for one in call.args):
        return None
    arguments: dict[str, Argument | SpelledReason] = {}
    for one in call.keywords:
        value = _value(one.value, text)
        if one.arg is None or value is None:
            return None
        arguments[one.arg] = value
    return SpelledReason(
        spelling=ast.get_source_segment(text, call) or text,
        code=call.func.id,
        arguments=arguments,
        parts=tuple(ast.get_source_segment(text, one) or "" for one in call.args),
    )


def _value(node: ast.expr, text: str) -> Argument | SpelledReason | None:
    """A constant's value, or the reason within the reason; None for anything else."""
    if isinstance(node, ast.Call):
        return _taken_apart(node, text)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        size = _value(node.operand, text)
        return -size if isinstance(size, int | float) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    return None
