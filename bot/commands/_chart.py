"""A metric's past as a chart: what a painter needs to know, gaps left open."""

from datetime import UTC, datetime, timedelta

from bot.commands._telling import title
from bot.desk import Desk
from bot.domain.catalog import Catalog
from bot.domain.posts import ChartSpec, Column, Profile
from bot.metrics import History

LEAST_GAP = timedelta(hours=3)  # hourly past with one hour missing is drawn through; more is a gap


def stretch(history: History, name: str, since: datetime, until: datetime, catalog: Catalog) -> Column:
    """The metric between two times: a value a row, None where nothing was heard for longer than the metric may be old."""
    rows = history.column(name)
    widest = max(LEAST_GAP, 2 * catalog.metrics[name].max_age)
    at: list[datetime] = []
    y: list[float | None] = []
    heard_until = None
    for start_ms, known_ms, value in zip(rows.at_ms, rows.known_ms, rows.value, strict=True):
        known = _time(known_ms)
        if not since <= known <= until:
            continue
        if heard_until is not None and _time(start_ms) - heard_until > widest:
            at.append(heard_until + (_time(start_ms) - heard_until) / 2)
            y.append(None)
        at.append(known)
        y.append(float(value))
        heard_until = known
    return Column(label=name, at=tuple(at), y=tuple(y))


def history_chart(desk: Desk, name: str, past: Column, profile: Profile, *, heading: str, alt: str) -> ChartSpec:
    """The past as a chart with the usual range of the ladder that judges the metric, if there is one."""
    rules = desk.playbook.rules
    ladder = next((ladder for ladder in rules.ladders.values() if ladder.fact == name), None)
    usual = (profile.ranges.get(ladder.id) or ladder.usual_on(desk.now().date())) if ladder else None
    return ChartSpec(
        kind="history",
        title=heading,
        series=(Column(label=title(desk, name, profile), at=past.at, y=past.y),),
        unit=desk.playbook.catalog.metrics[name].unit,
        caption=f"{desk.now():%Y-%m-%d %H:%M} UTC",
        alt=alt,
        band=(usual.low, usual.high) if usual else None,
        band_label=desk.bank(profile).words.get("chart.usual", ""),
    )


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, UTC)
