"""Series notation of rule cases: "20x3 _x9 14x4" is three samples of 20, nine missing, four of 14; "30+1x3"
counts up."""

import re

_PIECE = re.compile(
    r"(?P<start>_|[+-]?\d+(?:\.\d+)?(?:e\d+)?)(?P<step>[+-]\d+(?:\.\d+)?(?:e\d+)?)?(?:x(?P<count>\d+))?"
)


def samples(text: str) -> list[float | None]:
    """The samples of a series, None where one is missing. Raises ValueError that names the piece that cannot
    be read."""
    found: list[float | None] = []
    for piece in text.split():
        read = _PIECE.fullmatch(piece)
        if read is None or (read["start"] == "_" and read["step"]):
            raise ValueError(f"{piece!r} is no samples: write 20, 20x3, _x9 or 30+1x3")
        count = int(read["count"] or 1)
        if read["start"] == "_":
            found += [None] * count
        else:
            start, step = float(read["start"]), float(read["step"] or 0)
            found += [start + step * number for number in range(count)]
    return found
