"""Colors and sizes of every chart. One dark card that reads on Discord's dark and light alike; `LIGHT` says what each
ink becomes where the reader of the page has a light theme.

Series colors are Okabe and Ito's, which stay apart for every kind of color vision; each also has a marker and
a dash, so that no color has to be told from another. Sizes are pixels of a picture that is shown at 400
pixels on a phone."""

from bot.domain.colors import STANCE_COLORS

WIDTH, HEIGHT = 960, 600

GROUND = "#1e1f22"
GRID = "#3f4248"
AXIS = "#80848e"
MUTED = "#c4c9ce"
TEXT = "#f2f3f5"

SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#2fbf91"
YELLOW = "#f0e442"
VERMILION = "#f0713c"
PURPLE = "#d99bc0"
INKS = (SKY, ORANGE, GREEN, PURPLE, YELLOW, VERMILION, TEXT, MUTED)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = (
    "-",
    (0, (7, 2.5)),
    (0, (2, 2)),
    (0, (9, 2.5, 2, 2.5)),
    (0, (4, 2)),
    (0, (1, 1.5)),
    (0, (12, 3)),
    (0, (3, 3)),
)

STANCE_INKS = {stance: color.dark for stance, color in STANCE_COLORS.items()}
STANCE_MARKERS = {
    "bearish": "v",
    "overheated": "D",
    "neutral": "s",
    "bullish": "^",
    "unclear": "o",
    "no-call": "X",
}
BAND = MUTED  # a usual range is no good news and no bad: it has no color
BAND_STRENGTH = 0.2

LIGHT = {
    GROUND: "#ffffff",
    GRID: "#d5d9e0",
    AXIS: "#868d99",
    MUTED: "#565d68",
    TEXT: "#1b1f26",
    SKY: "#0072b2",
    ORANGE: "#a86200",
    YELLOW: "#857100",
    VERMILION: "#c03f0c",
    PURPLE: "#a0457e",
    **{color.dark: color.light for color in STANCE_COLORS.values()},
}

TITLE, BIG, LABEL, SMALL = 33, 52, 25, 23  # 14, 22, 10.5 and 9.5 px at 400 px wide
EDGE = 28
