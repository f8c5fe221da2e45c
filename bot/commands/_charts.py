"""Charts of what the archive knows: by venue, by distance, by hour, a change in its parts. Pure builders.

Each gives a `ChartSpec`, or None where too little is known to draw: a chart never fills a hole. Its words are the bank's
(`chart.*`), its numbers are written like those of the answer beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from bot.commands._telling import title
from bot.desk import Desk
from bot.domain.catalog import Catalog
from bot.domain.chain import OptionChain
from bot.domain.facts import Fact, Facts
from bot.domain.posts import ChartSpec, Column, Mark, Post, Profile
from bot.domain.readings import FutureQuote
from bot.metrics import History
from bot.metrics.futures import curve
from bot.metrics.smile import DAY_MS, LEG_DELTA, Smile, deltas, legs

Rates = Mapping[str, Sequence[tuple[float, float]]]
"""For each venue its curve: days to expiry and rate in % a year, nearest first."""

WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
HOUR = timedelta(hours=1)
LEAST_GAP = timedelta(hours=3)  # hourly past with one hour missing is drawn through; more is a gap
LEAST_DELTA = 0.05  # the far wings of a smile are a venue's guess
HOUR_MS = 3_600_000


def words(desk: Desk, profile: Profile, key: str, **values: str) -> str:
    """The bank's words for a chart, filled."""
    return desk.bank(profile).words.get(f"chart.{key}", key).format(**values)


def caption(desk: Desk, profile: Profile, venues: Sequence[str], at: datetime) -> str:
    """Who told, and when: "6 Feb 2026, 14:00 UTC · Deribit, OKX"."""
    known = desk.bank(profile).words
    named = ", ".join(known.get(f"venue.{venue}", venue.capitalize()) for venue in dict.fromkeys(venues))
    when = f"{_short_day(known, at)}, {at:%H:%M} UTC"
    return words(desk, profile, "caption", sources=named or known["sources_none"], at=when)


def _short_day(known: Mapping[str, str], at: datetime) -> str:
    """6 Feb 2026, in the language of the words."""
    return f"{at.day} {known['months'].split('|')[at.month - 1][:3]} {at.year}"


def stretch(
    history: History, name: str, since: datetime, until: datetime, catalog: Catalog, venue: str | None = None
) -> Column:
    """The metric between two times: a value a row, None where nothing was heard for longer than the metric may be old, at the
    end too."""
    rows = history.column(name, venue)
    first = int(rows.known_ms.searchsorted(since.timestamp() * 1000))
    last = int(rows.known_ms.searchsorted(until.timestamp() * 1000, side="right"))
    widest = max(LEAST_GAP, 2 * catalog.metrics[name].max_age)
    at: list[datetime] = []
    y: list[float | None] = []
    heard_until = None
    for row in range(first, last):
        start, known = _time(rows.at_ms[row]), _time(rows.known_ms[row])
        if heard_until is not None and start - heard_until > widest:
            at.append(heard_until + (start - heard_until) / 2)
            y.append(None)
        at.append(known)
        y.append(float(rows.value[row]))
        heard_until = known
    if heard_until is not None and until - heard_until > widest:
        at.append(until)
        y.append(None)
    return Column(label=name, at=tuple(at), y=tuple(y))


def history_chart(
    desk: Desk, name: str, past: Column, facts: Facts, profile: Profile, *, heading: str, alt: str,
    marks: tuple[Mark, ...] = (),
) -> ChartSpec | None:  # fmt: skip
    """The past as a chart with the usual range of the ladder that judges the metric, if there is one; None without a past."""
    if not past.y:
        return None
    usual = usual_range(desk, name, profile)
    fact = facts.get(name) or facts.stale.get(name)
    return ChartSpec(
        kind="history",
        title=heading,
        series=(replace(past, label=title(desk, name, profile)),),
        unit=desk.playbook.catalog.metrics[name].unit,
        caption=caption(desk, profile, fact.venues if fact else (), desk.now()),
        alt=alt,
        band=usual,
        band_label=desk.bank(profile).words.get("chart.usual", "") if usual else "",
        marks=marks,
    )


def usual_range(desk: Desk, name: str, profile: Profile) -> tuple[float, float] | None:
    """The usual range in force of the ladder that judges the metric, if there is one."""
    ladder = next((one for one in desk.playbook.rules.ladders.values() if one.fact == name), None)
    usual = (profile.ranges.get(ladder.id) or ladder.usual_on(desk.now().date())) if ladder else None
    return (usual.low, usual.high) if usual else None


def stance_changes(posts: Sequence[Post], desk: Desk, profile: Profile) -> tuple[Mark, ...]:
    """Where the posts' stance changed, oldest first, the first post included."""
    told = sorted(posts, key=lambda post: post.story.at)
    before = [None, *(post.story.stance for post in told)]
    known = desk.bank(profile).words
    return tuple(
        Mark(
            label=known.get(f"stance.{post.story.stance}", post.story.stance), at=post.story.at, kind=post.story.stance
        )
        for post, last in zip(told, before, strict=False)
        if post.story.stance != last
    )


def funding_chart(
    desk: Desk, history: History, profile: Profile, *, name: str = "funding_annual_pct", window: str = "7d"
) -> ChartSpec | None:
    """Each venue's own past of a metric; None where only one venue gives it."""
    until, catalog = desk.now(), desk.playbook.catalog
    found = {}
    for venue in history.venues(name):
        past = stretch(history, name, until - WINDOWS[window], until, catalog, venue)
        if any(value is not None for value in past.y):
            found[venue] = past
    if len(found) < 2:
        return None
    series = tuple(_named(desk, name, venue, past, profile) for venue, past in found.items())
    heading = words(desk, profile, "title.funding", asset=history.asset, window=_window(desk, window, profile))
    values = "; ".join(f"{column.label} {column.text}" for column in series)
    return ChartSpec(
        kind="funding", title=heading, series=series, unit=catalog.metrics[name].unit,
        caption=caption(desk, profile, list(found), until),
        alt=words(desk, profile, "alt.lines", title=heading, values=values),
    )  # fmt: skip


def tenor_rates(history: History, desk: Desk, tenors: Mapping[str, str]) -> Rates:
    """Each venue's fresh rates at the fixed tenors ("60" → `basis_60d_pct`)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for days, name in tenors.items():
        for venue in history.venues(name):
            fact = _last(history, name, venue)
            if desk.playbook.catalog.fresh(fact, desk.now()):
                found.setdefault(venue, []).append((float(days), fact.value))
    return found


def expiry_rates(quotes: Sequence[FutureQuote]) -> Rates:
    """Each venue's rates at the expiries that trade, from one poll's readings."""
    venues = sorted({quote.instrument.venue for quote in quotes})
    found = {venue: curve(quote for quote in quotes if quote.instrument.venue == venue) for venue in venues}
    return {venue: points for venue, points in found.items() if points}


def curve_chart(
    desk: Desk, asset: str, rates: Rates, profile: Profile, *, judged: str = "basis_60d_pct"
) -> ChartSpec | None:
    """The rates by distance, a line a venue, with the usual range of the ladder that judges; None without two points."""
    if max((len(points) for points in rates.values()), default=0) < 2:
        return None
    known = desk.bank(profile).words
    usual = usual_range(desk, judged, profile)
    series = tuple(
        Column(
            label=known.get(f"venue.{venue}", venue.capitalize()), x=tuple(days for days, _ in points),
            y=tuple(rate for _, rate in points),
        )
        for venue, points in rates.items()
    )  # fmt: skip
    heading = words(desk, profile, "title.curve", asset=asset)
    values = "; ".join(
        f"{column.label} {', '.join(f'{rate:.1f} ({days:.0f} d)' for days, rate in zip(column.x, column.y, strict=True))}"
        for column in series
    )
    return ChartSpec(
        kind="curve", title=heading, series=series, unit="% a year", x_label=words(desk, profile, "days"),
        caption=caption(desk, profile, list(rates), desk.now()),
        alt=words(desk, profile, "alt.curve", title=heading, values=values),
        band=usual, band_label=known.get("chart.usual", "") if usual else "",
    )  # fmt: skip


def split_chart(
    desk: Desk, history: History, facts: Facts, profile: Profile, *, window: str = "7d"
) -> ChartSpec | None:
    """Open interest then and now, and what price and positions made of it. The parts are like for like (venues that are there
    at both ends); what they leave of the whole change came and went with venues, and gets a bar of its own."""
    infix = "" if window == "24h" else f"_{window}"
    names = (
        f"open_interest_usd.before_{window}", f"open_interest_price_effect{infix}_usd",
        f"open_interest_position_effect{infix}_usd", "open_interest_usd",
    )  # fmt: skip
    found = [facts.get(name) for name in names]
    known = [fact for fact in found if fact is not None]
    if len(known) < len(found):
        return None
    before, price, positions, now = (fact.value for fact in known)
    rest = now - before - price - positions
    parts = [
        Column(label=words(desk, profile, f"before.{window}"), y=(before,)),
        Column(label=words(desk, profile, "price"), y=(price,)),
        Column(label=words(desk, profile, "positions"), y=(positions,)),
        *([Column(label=words(desk, profile, "others"), y=(rest,))] if abs(rest) > 0.001 * abs(now) else []),
        Column(label=words(desk, profile, "now"), y=(now,)),
    ]
    since, catalog = facts.at - WINDOWS[window], desk.playbook.catalog
    lines = [
        replace(stretch(history, name, since, facts.at, catalog), label=words(desk, profile, label))
        for name, label in (("open_interest_usd", "dollars"), ("open_interest_coin", "coins"))
    ]
    heading = words(desk, profile, "title.split", asset=facts.asset, window=_window(desk, window, profile))
    texts = [desk.figure(name, facts, profile).text for name in names]
    return ChartSpec(
        kind="split", title=heading, series=(*parts, *(column for column in lines if len(column.y) > 1)), unit="USD",
        caption=caption(desk, profile, known[-1].venues, known[-1].at),
        alt=words(
            desk, profile, "alt.split", title=heading, before=texts[0], price=texts[1], positions=texts[2], now=texts[3]
        ),
    )  # fmt: skip


def liquidations_chart(desk: Desk, history: History, profile: Profile, *, window: str = "24h") -> ChartSpec | None:
    """The hours of the window: shorts and longs, None for an hour that nobody tallied; None where no hour is known."""
    last = desk.now().replace(minute=0, second=0, microsecond=0)
    starts = [last - HOUR * back for back in range(int(WINDOWS[window] / HOUR), 0, -1)]
    sides = {side: _by_hour(history, f"liquidations_1h_{side}_usd", starts) for side in ("short", "long")}
    if not any(value is not None for values in sides.values() for value in values):
        return None
    series = tuple(
        Column(label=words(desk, profile, f"{side}s"), at=tuple(starts), y=values) for side, values in sides.items()
    )
    most = {side: max((value for value in values if value is not None), default=None) for side, values in sides.items()}
    gaps = sum(short is None and long is None for short, long in zip(*sides.values(), strict=True))
    heading = words(desk, profile, "title.liquidations", asset=history.asset, window=_window(desk, window, profile))
    venues = {venue for side in sides for venue in history.venues(f"liquidations_1h_{side}_usd")}
    said = caption(desk, profile, sorted(venues), desk.now())
    columns = [history.column(f"liquidations_1h_{side}_usd") for side in sides]
    least = any(bool(one.at_least[one.known_ms > starts[0].timestamp() * 1000].any()) for one in columns)
    shown = {side: _written(desk, f"liquidations_1h_{side}_usd", value, profile) for side, value in most.items()}
    return ChartSpec(
        kind="liquidations", title=heading, series=series, unit="USD",
        caption=f"{said} · {words(desk, profile, 'at_least')}" if least else said,
        band_label=words(desk, profile, "not_heard"),
        alt=words(
            desk, profile, "alt.liquidations", title=heading, shorts=shown["short"], longs=shown["long"], gaps=str(gaps)
        ),
    )  # fmt: skip


def smile_chart(desk: Desk, chain: OptionChain, days: float, profile: Profile) -> ChartSpec | None:
    """The smile of the expiry that is nearest to so many days, of puts below and calls above the forward, with its 25-delta
    and at-the-money volatility; None where these are not known."""
    at_ms = chain.observed_at.timestamp() * 1000
    smiles = legs(chain, at_ms)
    if not smiles:
        return None
    smile = min(smiles, key=lambda one: abs(one.days - days))
    expires_ms = min(set(chain.expires_ms.tolist()), key=lambda expiry: abs((expiry - at_ms) / DAY_MS - smile.days))
    delta = deltas(chain)
    points = sorted(
        (float(strike), float(iv), float(one))
        for strike, iv, one, call, forward, expiry in zip(
            chain.strike_usd, chain.mark_iv_pct, delta, chain.is_call, chain.forward_usd, chain.expires_ms, strict=True
        )
        if expiry == expires_ms and abs(one) >= LEAST_DELTA and bool(call) == bool(strike >= forward)
    )
    forward = next(float(one) for one, at in zip(chain.forward_usd, chain.expires_ms, strict=True) if at == expires_ms)
    marks = _smile_marks(desk, points, smile, forward, profile)
    if not marks:
        return None
    expiry = datetime.fromtimestamp(expires_ms / 1000, UTC)
    label = _short_day(desk.bank(profile).words, expiry)
    heading = words(desk, profile, "title.smile", asset=chain.asset, expiry=label)
    return ChartSpec(
        kind="smile", title=heading, unit="% a year", x_label=words(desk, profile, "strike"),
        series=(Column(label=label, x=tuple(x for x, _, _ in points), y=tuple(y for _, y, _ in points)),),
        caption=caption(desk, profile, [chain.venue], chain.observed_at),
        alt=words(desk, profile, "alt.smile", title=heading, values="; ".join(mark.label for mark in marks)),
        marks=(*marks, Mark(label=words(desk, profile, "forward"), x=forward)),
    )  # fmt: skip


def _smile_marks(
    desk: Desk, points: Sequence[tuple[float, float, float]], smile: Smile, forward: float, profile: Profile
) -> tuple[Mark, ...]:
    """The 25-delta put, the money, the 25-delta call, each at the strike where it is reached; nothing if one is missing."""
    puts, calls = [one for one in points if one[2] < 0], [one for one in points if one[2] > 0]
    levels = {"put25": smile.put25, "atm": smile.atm, "call25": smile.call25}
    known = {key: iv for key, iv in levels.items() if iv is not None}
    if not puts or not calls or len(known) < len(levels):
        return ()
    strikes = {"put25": _strike_at(puts, -LEG_DELTA), "atm": forward, "call25": _strike_at(calls, LEG_DELTA)}
    return tuple(
        Mark(label=words(desk, profile, key, iv=f"{iv:.1f}%"), x=strikes[key], y=iv) for key, iv in known.items()
    )


def _strike_at(points: Sequence[tuple[float, float, float]], delta: float) -> float:
    """The strike at a delta, linear between the two strikes around it, the nearest one's where there are no two."""
    for (low, _, first), (high, _, second) in pairwise(points):
        if min(first, second) <= delta <= max(first, second) and first != second:
            return low + (high - low) * (delta - first) / (second - first)
    return min(points, key=lambda point: abs(point[2] - delta))[0]


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, UTC)


def _last(history: History, name: str, venue: str | None) -> Fact:
    column = history.column(name, venue)
    return Fact(
        name=name, value=float(column.value[-1]), at=_time(column.known_ms[-1]), venues=(venue,) if venue else (), of_venues=1
    )  # fmt: skip


def _written(desk: Desk, name: str, value: float | None, profile: Profile) -> str:
    """A value as the answers write it; "–" for one that is not known."""
    if value is None:
        return "–"
    fact = Fact(name=name, value=value, at=desk.now())
    return desk.figure(name, Facts(asset="", at=desk.now(), known={name: fact}), profile).text


def _named(desk: Desk, name: str, venue: str, past: Column, profile: Profile) -> Column:
    last = next(value for value in reversed(past.y) if value is not None)
    label = desk.bank(profile).words.get(f"venue.{venue}", venue.capitalize())
    return replace(past, label=label, text=_written(desk, name, last, profile))


def _window(desk: Desk, window: str, profile: Profile) -> str:
    return desk.bank(profile).words.get(f"window.{window}", window)


def _by_hour(history: History, name: str, starts: Sequence[datetime]) -> tuple[float | None, ...]:
    """For each hour the last value that was known by its end and not before its start, None where none was."""
    column = history.column(name)
    hours = {
        int((known - 1) // HOUR_MS): float(value) for known, value in zip(column.known_ms, column.value, strict=True)
    }
    return tuple(hours.get(int(start.timestamp()) // 3600) for start in starts)
