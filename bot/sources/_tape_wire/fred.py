"""How FRED would tell a moment of the tape: the Nasdaq 100 as CSV, by day.

Docs: https://fred.stlouisfed.org. Units: index points. Limits: business days only, the newest a day old; a
holiday is an empty cell."""

from datetime import date, timedelta

from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._wire import to_ms

VENUE = "fred"
HOSTS = ("fred.stlouisfed.org",)
SERIES = {"NASDAQ100": "nasdaq_100"}
SATURDAY = 5
HOLIDAYS = (date(2025, 11, 27), date(2025, 12, 25), date(2026, 1, 1), date(2026, 1, 19))


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request, as the bytes of a CSV file."""
    series = asked.params.get("id", "")
    if asked.path != "/graph/fredgraph.csv" or series not in SERIES:
        return 404, b"Not Found"
    first, last = scene.tape.lead_in[0].day, asked.now.date() - timedelta(days=1)
    since = date.fromisoformat(asked.params.get("cosd", first.isoformat()))
    until = date.fromisoformat(asked.params.get("coed", last.isoformat()))
    day, lines = max(first, since), [f"observation_date,{series}"]
    while day <= min(last, until):
        if day.weekday() < SATURDAY:
            lines.append(f"{day},{'' if day in HOLIDAYS else _close(scene, series, day)}")
        day += timedelta(days=1)
    return 200, ("\n".join(lines) + "\n").encode()


def _close(scene: Scene, series: str, day: date) -> str:
    midnight = scene.moment.at.replace(year=day.year, month=day.month, day=day.day, hour=0)
    return f"{scene.value_beside(SERIES[series], to_ms(midnight)):.2f}"
