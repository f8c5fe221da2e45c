"""The color of each stance: one everywhere, on cards, charts, the page and Discord. It never stands alone: each surface
shows the stance's word or sign beside it."""

from typing import Final, NamedTuple


class StanceColor(NamedTuple):
    """As #rrggbb, for a dark ground and for a light one; both stand out from theirs by 4.5 to 1 at least."""

    dark: str
    light: str


STANCE_COLORS: Final = {
    "bearish": StanceColor("#f0883e", "#b3540a"),
    "overheated": StanceColor("#ff6b70", "#c4262e"),
    "neutral": StanceColor("#8fb0dc", "#3f6596"),
    "bullish": StanceColor("#2fbf91", "#0f7a55"),
    "unclear": StanceColor("#b39df0", "#6a4fc0"),
    "no-call": StanceColor("#a8adb5", "#5f656d"),
}
