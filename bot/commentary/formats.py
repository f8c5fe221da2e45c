"""How numbers, dates and words are written: the one home of every format. Pure: (value, digits, words) →
text.

`digits` is None for the usual precision, more where rounding would tell a lie. `words` are the bank's small
words: the marks of decimals and thousands, the places of % and $ and the names of large units are each
language's own. What the docstrings show is English."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from bot.domain.kept import MadeOnce

Words = Mapping[str, str]
Value = float | str
Format = Callable[[Value, int | None, Words], str]

MINUS = "−"
SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
MAX_DIGITS = 9
MOST_WRITTEN = 4096
DIGITS = frozenset("123456789")
YEAR_DAYS = 365
END_RANK = 0.05
"""Of 90 days' hours (1,152 to 2,160 of them) the lowest ranks under this, and any other over it: half an hour's part
against one and a half."""


def _number(value: Value) -> float:
    return float(value)


def _fixed(value: float, places: int, words: Words, *, keep_zeros: bool = False) -> str:
    """The size of the value with at most `places` decimals."""
    text = f"{abs(value):,.{places}f}"
    text = text if keep_zeros or "." not in text else text.rstrip("0").rstrip(".")
    whole, point, decimals = text.partition(".")
    if len(whole.replace(",", "")) < int(words["grouped_from"]):
        whole = whole.replace(",", "")
    return whole.replace(",", words["thousands"]) + (words["decimal"] if point else "") + decimals


def _sign(value: float, shown: str) -> str:
    return MINUS if value < 0 and _has_size(shown) else ""


def percent(value: Value, digits: int | None, words: Words) -> str:
    """2 → 2%, 18.87 → 18.9%."""
    shown = _fixed(_number(value), 1 if digits is None else digits, words)
    return f"{_sign(_number(value), shown)}{words['percent'].format(shown)}"


def percent_of_cost(value: Value, digits: int | None, words: Words) -> str:
    """1.2449 → 1.24%: what something costs, where a tenth of a percent is much."""
    shown = _fixed(_number(value), 2 if digits is None else digits, words, keep_zeros=digits is None)
    return f"{_sign(_number(value), shown)}{words['percent'].format(shown)}"


def percent_size(value: Value, digits: int | None, words: Words) -> str:
    """-19.2 → 19.2%: where the words around it say which way."""
    return percent(abs(_number(value)), digits, words)


def format_signed(value: Value, digits: int | None, words: Words) -> str:
    """18.87 → +18.9%."""
    shown = percent(value, digits, words)
    return shown if shown.startswith(MINUS) or not _has_size(shown) else f"+{shown}"


def _has_size(shown: str) -> bool:
    return not DIGITS.isdisjoint(shown)


def bare(value: Value, digits: int | None, words: Words) -> str:
    """5 → 5: a number whose unit stands beside it."""
    shown = _fixed(_number(value), 1 if digits is None else digits, words)
    return f"{_sign(_number(value), shown)}{shown}"


def opposite(value: Value, digits: int | None, words: Words) -> str:
    """−12.8 → 12.8: a difference told the other way round."""
    return bare(-_number(value), digits, words)


def change(value: Value, digits: int | None, words: Words) -> str:
    """2.84 → +2.8: a change whose unit stands beside it."""
    shown = bare(value, digits, words)
    return shown if shown.startswith(MINUS) or not _has_size(shown) else f"+{shown}"


def plus_minus(value: Value, digits: int | None, words: Words) -> str:
    """6 → ±6%."""
    return f"±{percent_size(value, digits, words)}"


def _plural(value: float, shown: str, unit: str) -> str:
    return f"{_sign(value, shown)}{shown} {_of_number(shown, unit)}"


def _of_number(shown: str, unit: str) -> str:
    """The unit's word for so many: "point|points"; a word without a plural serves for all."""
    singular, _, plural = unit.partition("|")
    return singular if shown == "1" or not plural else plural


def points(value: Value, digits: int | None, words: Words) -> str:
    """3.39 → 3.4 points."""
    return _plural(
        _number(value), _fixed(_number(value), 1 if digits is None else digits, words), words["unit.points"]
    )


def points_size(value: Value, digits: int | None, words: Words) -> str:
    """-3.39 → 3.4 points."""
    return points(abs(_number(value)), digits, words)


def ratio(value: Value, digits: int | None, words: Words) -> str:
    """0.5361 → 0.54."""
    return _fixed(_number(value), 2 if digits is None else digits, words, keep_zeros=digits is None)


def times(value: Value, digits: int | None, words: Words) -> str:
    """3.312 → 3.3: how many times an ordinary one something is."""
    return _fixed(_number(value), 1 if digits is None else digits, words)


def price(value: Value, digits: int | None, words: Words) -> str:
    """71500 → $71,500. Prices under a hundred dollars get cents."""
    number = _number(value)
    usual = 0 if abs(number) >= 100 else 2 if abs(number) >= 1 else 4
    shown = _fixed(number, usual if digits is None else digits, words, keep_zeros=digits is None)
    return f"{_sign(number, shown)}{_of_number(shown, words['money']).format(shown)}"


def brief_price(value: Value, digits: int | None, words: Words) -> str:
    """71500 → $71.5K, for headlines. Under ten thousand dollars, or where the language has no such short
    form, it is written out."""
    number = _number(value)
    if abs(number) < 10_000 or not words["money_brief"]:
        return price(value, digits, words)
    shown = _fixed(number / 1000, 1 if digits is None else digits, words)
    return f"{_sign(number, shown)}{words['money_brief'].format(shown)}"


def level(value: Value, digits: int | None, words: Words) -> str:
    """70211 → $70,200: three significant digits of a price, for a level that was worked out and not traded."""
    number = _number(value)
    return price(float(f"{number:.2e}"), digits, words)


def amount(value: Value, digits: int | None, words: Words) -> str:
    """35.8e9 → $35.8 billion: three significant digits with their unit; a unit without a word in the language
    is passed over."""
    number = _number(value)
    figures = 3 if digits is None else digits
    rounded = float(f"{abs(number):.{max(figures - 1, 0)}e}")
    for scale, name in SCALES:
        unit = words[f"unit.{name}"]
        if rounded >= scale and unit:
            shown = _significant(rounded / scale, figures, words)
            return (
                f"{_sign(number, shown)}{words['money_scaled'].format(shown, unit=_of_number(shown, unit))}"
            )
    shown = _fixed(rounded, 0, words)
    return f"{_sign(number, shown)}{_of_number(shown, words['money']).format(shown)}"


def compact(value: Value, digits: int | None, words: Words) -> str:
    """35.8e9 → $35.8B: for the narrow columns of a table."""
    number = _number(value)
    figures = 3 if digits is None else digits
    rounded = float(f"{abs(number):.{max(figures - 1, 0)}e}")
    for scale, name in SCALES[1:]:
        if rounded >= scale:
            shown = _significant(rounded / scale, figures, words)
            return f"{_sign(number, shown)}{words[f'compact.{name}'].format(shown)}"
    return amount(value, digits, words)


def compact_coins(value: Value, digits: int | None, words: Words) -> str:
    """527850 → 528K: for the narrow columns of a table."""
    number = _number(value)
    if abs(number) < 10_000:
        return coins(value, digits, words)
    shown = _significant(abs(number) / 1000, 3 if digits is None else digits, words)
    return f"{_sign(number, shown)}{words['compact.thousand'].format(shown)}"


def amount_size(value: Value, digits: int | None, words: Words) -> str:
    """-8.5e9 → $8.5 billion."""
    return amount(abs(_number(value)), digits, words)


def _significant(value: float, figures: int, words: Words) -> str:
    whole = len(str(int(value)))
    return _fixed(value, max(figures - whole, 0), words)


def coins(value: Value, digits: int | None, words: Words) -> str:
    """527850 → 527,850."""
    number = _number(value)
    shown = _fixed(number, (0 if abs(number) >= 100 else 2) if digits is None else digits, words)
    return f"{_sign(number, shown)}{shown}"


def coins_size(value: Value, digits: int | None, words: Words) -> str:
    """-1200 → 1,200."""
    return coins(abs(_number(value)), digits, words)


def span_of_time(value: Value, digits: int | None, words: Words) -> str:
    """26.2 (hours) → 26 hours; two days and more are told in days."""
    hours = _number(value)
    if abs(hours) >= 48:
        return _plural(hours, _fixed(hours / 24, digits or 0, words), words["unit.days"])
    return _plural(hours, _fixed(hours, digits or 0, words), words["unit.hours"])


def lasting(value: Value, digits: int | None, words: Words) -> str:
    """45 (minutes) → 45 minutes; from two hours on it is told in hours, from two days on in days."""
    minutes = _number(value)
    if abs(minutes) >= 120:
        return span_of_time(minutes / 60, digits, words)
    return _plural(minutes, _fixed(minutes, digits or 0, words), words["unit.minutes"])


def days(value: Value, digits: int | None, words: Words) -> str:
    """88.2 → 88 days."""
    return _plural(_number(value), _fixed(_number(value), digits or 0, words), words["unit.days"])


def record_span(value: Value, digits: int | None, words: Words) -> str:
    """64.4 → 64 days, rounded down: for so long nothing was as far out; a year and more → a year."""
    whole = int(_number(value))
    return (
        str(words["unit.year"])
        if whole >= YEAR_DAYS
        else _plural(whole, _fixed(whole, 0, words), words["unit.days"])
    )


def share(value: Value, digits: int | None, words: Words) -> str:
    """97.8 (a rank) → 97%, rounded down: more than so much of its past lies below."""
    return words["percent"].format(Decimal(str(_number(value))).to_integral_value(rounding=ROUND_FLOOR))


def share_above(value: Value, digits: int | None, words: Words) -> str:
    """2.4 (a rank) → 97%, rounded down: so much of its past lies above."""
    return share(100 - _number(value), digits, words)


def place(value: Value, digits: int | None, words: Words) -> str:
    """97.8 (a rank) → higher than 97% of; 0.4 → lower than 99% of; at the ends → the lowest of, the highest of. What it
    stood among follows: "its last 90 days"."""
    return _place(_number(value), words, ("lowest", "lower", "higher", "highest"))


def amount_place(value: Value, digits: int | None, words: Words) -> str:
    """97.8 (a rank) → more than in 97% of; at the ends → the least in, the most in."""
    return _place(_number(value), words, ("least", "less", "more", "most"))


def _place(rank: float, words: Words, names: tuple[str, str, str, str]) -> str:
    least, less, more, most = (words[f"rank.{name}"] for name in names)
    if rank < END_RANK:
        return least
    if rank > 100 - END_RANK:
        return most
    return less.format(share_above(rank, None, words)) if rank < 1 else more.format(share(rank, None, words))


def count(value: Value, digits: int | None, words: Words) -> str:
    """7 → 7."""
    return _fixed(int(_number(value)), 0, words)


def rank_above(value: Value, digits: int | None, words: Words) -> str:
    """13.1 → 86: the rank of what is told the other way round."""
    return count(100.0 - _number(value), digits, words)


def _moment(value: Value) -> datetime:
    return datetime.fromisoformat(str(value))


def date(value: Value, digits: int | None, words: Words) -> str:
    """2026-02-06T00:00:00+00:00 → 6 February 2026."""
    moment = _moment(value)
    return words["date"].format(day=moment.day, month=_month(value, words), year=moment.year)


def day(value: Value, digits: int | None, words: Words) -> str:
    """2026-02-06T00:00:00+00:00 → 6 February: for what lies within the past month."""
    return words["day"].format(day=_moment(value).day, month=_month(value, words))


def _month(value: Value, words: Words) -> str:
    return words["months"].split("|")[_moment(value).month - 1]


def day_and_time(value: Value, digits: int | None, words: Words) -> str:
    """… → 6 February, 14:00 UTC."""
    return words["moment"].format(date=day(value, digits, words), time=clock(value, digits, words))


def moment(value: Value, digits: int | None, words: Words) -> str:
    """… → 6 February 2026, 14:00 UTC."""
    return words["moment"].format(date=date(value, digits, words), time=clock(value, digits, words))


def clock(value: Value, digits: int | None, words: Words) -> str:
    """… → 14:00 UTC."""
    return f"{_moment(value):%H:%M} UTC"


def text(value: Value, digits: int | None, words: Words) -> str:
    """As it is."""
    return str(value)


FORMATS: Mapping[str, Format] = {
    "pct": percent,
    "cost": percent_of_cost,
    "size": percent_size,
    "signed": format_signed,
    "bare": bare,
    "opposite": opposite,
    "change": change,
    "plusminus": plus_minus,
    "points": points,
    "points_size": points_size,
    "ratio": ratio,
    "times": times,
    "price": price,
    "brief": brief_price,
    "level": level,
    "usd": amount,
    "usd_size": amount_size,
    "compact": compact,
    "compact_coins": compact_coins,
    "coins": coins,
    "coins_size": coins_size,
    "span": span_of_time,
    "lasting": lasting,
    "days": days,
    "record_span": record_span,
    "share": share,
    "share_above": share_above,
    "place": place,
    "amount_place": amount_place,
    "count": count,
    "rank_above": rank_above,
    "date": date,
    "moment": moment,
    "day": day,
    "daytime": day_and_time,
    "clock": clock,
    "text": text,
}

BY_UNIT: Mapping[str, str] = {
    "USD": "usd",
    "price": "price",
    "coins": "coins",
    "%": "pct",
    "% a year": "pct",
    "% of ATM IV": "pct",
    "points": "points",
    "vol points": "points",
    "ratio": "ratio",
    "h": "span",
    "days": "days",
    "rank": "share",
    "sigma": "ratio",
}

DATES = frozenset({"date", "day", "daytime", "moment", "clock"})
NAMES = frozenset({"title", "tenor", "text"})

# Filters whose text is a direction and the size of a move: "down 19.2%". Each has its words in the bank under
# "move.<name>".
MOVES = ("moved", "rose", "risen", "swing", "gained", "higher", "dearer", "paid", "above")


def move(name: str, value: Value, digits: int | None, words: Words, shape: str) -> str:
    """The words for a change's sign, with its size in them; a change that rounds to nothing has words of its
    own.

    `shape` is the format of the size. The words are "up {}|down {}|flat".
    """
    up, down, flat = words[f"move.{name}"].split("|")
    number = _number(value)
    size = FORMATS[shape](abs(number), digits, words)
    if not _has_size(size):
        return flat
    return (up if number > 0 else down).format(size)


class Written:
    """What was written and read in one language's words: a post asks for each number again and again, at each length, and
    so does whoever checks it."""

    __slots__ = ("numbers", "texts")

    def __init__(self, words: Words) -> None:
        self.texts: dict[tuple[str, Value, int | None, type], str] = {}
        self.numbers: dict[str, float | None] = {}


_WRITTEN: MadeOnce[Words, Written] = MadeOnce(Written)


def apply(name: str, value: Value, digits: int | None, words: Words) -> str:
    """The format called `name` (a move's is "moved:size") applied to a value. Raises KeyError for a name that
    is unknown."""
    if not value or name == "text":  # nothing to work out; and 0.0 has the key of −0.0
        return _write(name, value, digits, words)
    kept, key = _WRITTEN.get(words).texts, (name, value, digits, value.__class__)
    if key in kept:
        return kept[key]
    if len(kept) >= MOST_WRITTEN:
        kept.clear()
    written = kept[key] = _write(name, value, digits, words)
    return written


def _write(name: str, value: Value, digits: int | None, words: Words) -> str:
    head, _, shape = name.partition(":")
    if shape:
        return move(head, value, digits, words, shape)
    return FORMATS[name](value, digits, words)


def read(shown: str, words: Words) -> float | None:
    """The number that a reader takes from a text such as "$35.8 billion", "−3%" or "down 19.2%" (its size);
    None if there is none."""
    kept = _WRITTEN.get(words).numbers
    if shown in kept:
        return kept[shown]
    if len(kept) >= MOST_WRITTEN:
        kept.clear()
    number = kept[shown] = _read(shown, words)
    return number


def _read(shown: str, words: Words) -> float | None:
    found = _pattern(words["thousands"], words["decimal"]).search(shown)
    if found is None:
        return None
    plain = found.group(2).replace(words["thousands"], "").replace(words["decimal"], ".")
    number = float(plain) * _scale(shown[found.end() :].lstrip(), words)
    return -number if found.group(1) else number


@lru_cache(maxsize=16)
def _pattern(thousands: str, decimal: str) -> re.Pattern[str]:
    whole = rf"\d+(?:{re.escape(thousands)}\d{{3}})*"
    return re.compile(rf"({MINUS})?[$±+]?({whole}(?:{re.escape(decimal)}\d+)?)")


def _scale(rest: str, words: Words) -> float:
    """What the word behind a number multiplies it by."""
    for scale, name in SCALES:
        unit = words[f"unit.{name}"]
        if unit and rest.startswith(tuple(unit.split("|"))):
            return scale
    short = words["money_brief"].partition("{}")[2]
    return 1e3 if short and rest.startswith(short) else 1
