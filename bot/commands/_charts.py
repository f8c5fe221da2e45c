"""Charts of what the archive knows: by venue, by distance, by hour, a change in its parts. Pure builders.

Each gives a `ChartSpec`, or None where too little is known to draw: a chart never fills a hole. Its words are
the bank's (`chart.*`), its numbers are written like those of the answer beside it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bot.charts import ticks
from bot.commands._lines import SPOT, merge_equal, price_path, stretch
from bot.commands._telling import title
from bot.commentary import venue_name
from bot.desk.market import Market
from bot.domain.catalog import Catalog
from bot.domain.facts import ESTIMATES, Fact, Facts
from bot.domain.kept import MadeOnce
from bot.domain.posts import ChartSeries, ChartSpec, ChartSpeech, Mark, Profile
from bot.domain.readings import FutureQuote
from bot.metrics import BALANCE, History, compare_estimates, readings_begin
from bot.metrics.futures import curve

Rates = Mapping[str, Sequence[tuple[float, float]]]
"""For each venue its curve: days to expiry and rate in % a year, nearest first."""

WINDOWS = {"24h": timedelta(hours=24), "5d": timedelta(days=5), "7d": timedelta(days=7)}
HOUR = timedelta(hours=1)
MOST_BEFORE = timedelta(days=30)  # a stance that began earlier is seen from there on
SAME_EXPIRY_D = 0.1
NOTHING = 0.0005  # of the whole: a part that is less is not told from nothing
HOUR_MS = 3_600_000


def words(market: Market, profile: Profile, key: str, **values: str) -> str:
    """The bank's words for a chart, filled."""
    return market.bank(profile).words.get(f"chart.{key}", key).format(**values)


UNIT = "chart.unit."


def speech(market: Market, profile: Profile) -> ChartSpeech:
    """How numbers and times are written in the reader's charts."""
    return _SPEECHES.get(market.bank(profile).words)


def _speech(known: Mapping[str, str]) -> ChartSpeech:
    return ChartSpeech(
        months=tuple(known["chart.months"].split("|")),
        decimal=known["decimal"],
        thousands=known["thousands"],
        scales=tuple(known["chart.scales"].split("|")),
        dollars=known["chart.dollar_sign"],
        percent=known["percent"],
        grouped_from=int(known.get("grouped_from", "4")),
        units=tuple(
            (key.removeprefix(UNIT), word) for key, word in sorted(known.items()) if key.startswith(UNIT)
        ),
    )


_SPEECHES: MadeOnce[Mapping[str, str], ChartSpeech] = MadeOnce(_speech)


def decimal(value: float, known: Mapping[str, str]) -> str:
    """A number with one decimal, in the language of the words."""
    return f"{value:.1f}".replace("-", "−").replace(".", known["decimal"])


def caption(market: Market, profile: Profile, venues: Sequence[str], at: datetime) -> str:
    """Who told, and when: "6 Feb 2026, 14:00 UTC · Deribit, OKX"."""
    known = market.bank(profile).words
    named = ", ".join(venue_name(venue, known) for venue in dict.fromkeys(venues))
    when = f"{short_day(known, at)}, {at:%H:%M} UTC"
    return words(market, profile, "caption", sources=named or known["sources_none"], at=when)


def short_day(known: Mapping[str, str], at: datetime) -> str:
    """6 Feb 2026, in the language of the words."""
    return f"{at.day} {known['chart.months'].split('|')[at.month - 1]} {at.year}"


async def history_chart(
    market: Market,
    asset: str,
    name: str,
    since: datetime,
    profile: Profile,
    *,
    heading: str,
    alt: str,
    until: datetime | None = None,
) -> ChartSpec | None:
    """A metric's past up to now, or `until` then, as a chart, below the price and the stances of that time, with the usual
    range of the ladder that judges the metric, if there is one; None without a past."""
    until = until or market.now()
    history, catalog = await market.history(asset), market.playbook.catalog
    price = price_path(history, since, until, catalog)
    past = price if name == SPOT else stretch(history, name, since, until, catalog)
    if past is None or not any(value is not None for value in past.y):
        return None
    facts = await market.facts(asset)
    usual = usual_range(market, name, asset, profile)
    fact = facts.get(name) or facts.stale.get(name)
    guessed = before_readings(history, name, past, since, until, catalog)
    told = caption(market, profile, fact.venues if fact and name != BALANCE else (), until)
    return ChartSpec(
        kind="balance" if name == BALANCE else "history",
        speech=speech(market, profile),
        title=heading,
        series=(replace(past, label=title(market, name, profile)),),
        unit=market.playbook.catalog.metrics[name].unit,
        caption=" · ".join(
            [
                told,
                *([estimate_words(market, history, name, profile)] if guessed else []),
                *_from_same_venues(market, history, name, past, since, profile),
            ]
        ),
        alt=alt,
        estimated=guessed,
        band=usual,
        band_label=market.bank(profile).words.get("chart.usual", "") if usual else "",
        marks=await stances(market, asset, since, profile, until),
        price=None if name == SPOT or price is None else _priced(market, price, profile),
    )


def _first_heard(past: ChartSeries) -> datetime:
    return next(at for at, value in zip(past.at, past.y, strict=True) if value is not None)


def _from_same_venues(
    market: Market, history: History, name: str, past: ChartSeries, since: datetime, profile: Profile
) -> list[str]:
    """From when on a sum is drawn, where before that time it was known of other venues than now."""
    rows, begin = history.column(name).known_ms, _first_heard(past)
    first = int(rows.searchsorted(since.timestamp() * 1000))
    if market.playbook.catalog.metrics[name].combine != "sum" or begin.timestamp() * 1000 - rows[first] < 1.0:
        return []
    return [words(market, profile, "same_venues", day=short_day(market.bank(profile).words, begin))]


def before_readings(
    history: History, name: str, past: ChartSeries, since: datetime, until: datetime, catalog: Catalog
) -> ChartSeries | None:
    """What was estimated of a metric between two times before its first reading in them; None where nothing was."""
    first = _first_heard(past)
    guessed = stretch(history, name, since, min(first, until), catalog, ESTIMATES)
    known = [(at, value) for at, value in zip(guessed.at, guessed.y, strict=True) if value is not None]
    if not known:
        return None
    return ChartSeries(label=name, at=tuple(at for at, _ in known), y=tuple(value for _, value in known))


def estimate_words(market: Market, history: History, name: str, profile: Profile) -> str:
    """That a thin line is estimated, until when, and by how much it steps at the splice where that was measured: "thin:
    estimated until 29 Jan 2026, 0.4 points above readings"."""
    known = market.bank(profile).words
    begins, found = readings_begin(history, name), compare_estimates(history, name)
    told = words(market, profile, "estimated", day="" if begins is None else short_day(known, begins))
    if found is None:
        return f"{told}, {words(market, profile, 'step_unknown')}"
    step = _written(market, f"{name}.change_24h", abs(found.bias), profile).lstrip("+")
    return f"{told}, {words(market, profile, 'step_above' if found.bias >= 0 else 'step_below', step=step)}"


def _priced(market: Market, price: ChartSeries, profile: Profile) -> ChartSeries:
    return replace(price, label=words(market, profile, "price"), unit="USD")


def usual_range(market: Market, name: str, asset: str, profile: Profile) -> tuple[float, float] | None:
    """The usual range in force of the ladder that judges the metric of an asset, if there is one."""
    book = market.playbook.rules
    ladder = next((one for one in book.ladders.values() if one.fact == name), None)
    if ladder is None:
        return None
    known = None if book.has_published_ranges(asset) else market.memory.pasts(asset)
    usual = book.usual(ladder, market.now().date(), profile.ranges, asset, known.by_fact if known else {})
    return (usual.low, usual.high) if usual else None


async def stances(
    market: Market, asset: str, since: datetime, profile: Profile, until: datetime | None = None
) -> tuple[Mark, ...]:
    """From when on which stance stood, oldest first; the first one is the stance at `since`, or the first that was
    taken after it."""
    calls = await market.calls(asset, since - MOST_BEFORE, profile, until or market.now())
    known = market.bank(profile).words
    before = [None, *(call.stance for call in calls)]
    marks = [
        Mark(label=known.get(f"stance.{call.stance}", call.stance), at=call.at, kind=call.stance)
        for call, last in zip(calls, before, strict=False)
        if call.stance != last
    ]
    earlier = [place for place, mark in enumerate(marks) if mark.at is not None and mark.at <= since]
    return tuple(marks[earlier[-1] :] if earlier else marks)


def funding_chart(
    market: Market,
    history: History,
    profile: Profile,
    *,
    name: str = "funding_annual_pct",
    window: str = "7d",
) -> ChartSpec | None:
    """Each venue's own past of a metric; None where only one venue gives it."""
    until, catalog = market.now(), market.playbook.catalog
    found = {}
    for venue in history.venues(name):
        past = stretch(history, name, until - WINDOWS[window], until, catalog, venue)
        if any(value is not None for value in past.y):
            found[venue] = past
    if len(found) < 2:
        return None
    series = tuple(_named(market, name, venue, past, profile) for venue, past in found.items())
    heading = words(
        market, profile, "title.funding", asset=history.asset, window=_window(market, window, profile)
    )
    values = "; ".join(f"{column.label} {column.text}" for column in series)
    price = price_path(history, until - WINDOWS[window], until, catalog)
    return ChartSpec(
        kind="funding",
        speech=speech(market, profile),
        title=heading,
        series=merge_equal(series, words(market, profile, "venues", n="{n}")),
        price=price and _priced(market, price, profile),
        band=usual_range(market, name, history.asset, profile),
        band_label=market.bank(profile).words.get("chart.usual", ""),
        unit=catalog.metrics[name].unit,
        caption=caption(market, profile, list(found), until),
        alt=words(market, profile, "alt.lines", title=heading, values=values),
    )


def tenor_rates(history: History, market: Market, tenors: Mapping[str, str]) -> Rates:
    """Each venue's fresh rates at the fixed tenors ("60" → `basis_60d_pct`)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for days, name in tenors.items():
        for venue in history.venues(name):
            fact = _last(history, name, venue)
            if market.playbook.catalog.fresh(fact, market.now()):
                found.setdefault(venue, []).append((float(days), fact.value))
    return found


def expiry_rates(quotes: Sequence[FutureQuote]) -> Rates:
    """Each venue's rates at the expiries that trade, from one poll's readings; of several contracts of one expiry their
    mean."""
    venues = sorted({quote.instrument.venue for quote in quotes})
    found = {venue: curve(quote for quote in quotes if quote.instrument.venue == venue) for venue in venues}
    return {venue: _one_an_expiry(points) for venue, points in found.items() if points}


def _one_an_expiry(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    groups: list[list[tuple[float, float]]] = []
    for point in points:
        if groups and point[0] - groups[-1][0][0] < SAME_EXPIRY_D:
            groups[-1].append(point)
        else:
            groups.append([point])
    return [(group[0][0], sum(rate for _, rate in group) / len(group)) for group in groups]


def curve_chart(
    market: Market, asset: str, rates: Rates, profile: Profile, *, judged: str = "basis_60d_pct"
) -> ChartSpec | None:
    """The rates by distance, a line a venue, with the usual range of the ladder that judges; None without two
    points."""
    if max((len(points) for points in rates.values()), default=0) < 2:
        return None
    known = market.bank(profile).words
    usual = usual_range(market, judged, asset, profile)
    series = tuple(
        ChartSeries(
            label=venue_name(venue, known),
            x=tuple(days for days, _ in points),
            y=tuple(rate for _, rate in points),
        )
        for venue, points in rates.items()
    )
    heading = words(market, profile, "title.curve", asset=asset)
    values = "; ".join(
        f"{venue_name(venue, known)} {', '.join(f'{decimal(rate, known)} ({days:.0f} d)' for days, rate in points)}"
        for venue, points in rates.items()
    )
    return ChartSpec(
        kind="curve",
        speech=speech(market, profile),
        title=heading,
        series=merge_equal(series, words(market, profile, "venues", n="{n}")),
        unit="% a year",
        x_label=words(market, profile, "days"),
        caption=caption(market, profile, list(rates), market.now()),
        alt=words(market, profile, "alt.curve", title=heading, values=values),
        band=usual,
        band_label=known.get("chart.usual", "") if usual else "",
    )


def split_chart(
    market: Market, history: History, facts: Facts, profile: Profile, *, window: str = "7d"
) -> ChartSpec | None:
    """Open interest then and now, and what price and coins made of it. The parts are like for like
    (venues that are there at both ends); what they leave of the whole change came and went with venues, and
    gets a bar of its own. What inverse contracts alone made of the coins' part is told beside them."""
    infix = "" if window == "24h" else f"_{window}"
    names = (
        f"open_interest_usd.before_{window}",
        f"open_interest_price_effect{infix}_usd",
        f"open_interest_position_effect{infix}_usd",
        "open_interest_usd",
    )
    found = [facts.get(name) for name in names]
    known = [fact for fact in found if fact is not None]
    if len(known) < len(found):
        return None
    before, price, coins, now = (fact.value for fact in known)
    rest = now - before - price - coins
    texts = [market.figure(name, facts, profile).text for name in names]
    parts = [
        ChartSeries(label=words(market, profile, f"before.{window}"), y=(before,)),
        _part(market, "price", price, now, profile),
        _part(market, "positions", coins, now, profile),
        *(
            [ChartSeries(label=words(market, profile, "others"), y=(rest,))]
            if abs(rest) > NOTHING * abs(now)
            else []
        ),
        ChartSeries(label=words(market, profile, "now"), y=(now,)),
    ]
    since, catalog = facts.at - WINDOWS[window], market.playbook.catalog
    lines = [
        _since_before(
            replace(stretch(history, name, since, facts.at, catalog), label=words(market, profile, label)),
            facts.value(f"{name}.before_{window}"),
            since,
        )
        for name, label in (("open_interest_usd", "dollars"), ("open_interest_coin", "coins"))
    ]
    heading = words(
        market, profile, "title.split", asset=facts.asset, window=_window(market, window, profile)
    )
    inverse = facts.value(f"open_interest_inverse_effect{infix}_usd")
    told = ticks.format_tick(inverse, "USD", None, speech(market, profile)) if inverse else ""
    beside = (Mark(label=words(market, profile, "inverse", value=told)),) if told else ()
    alt = words(
        market,
        profile,
        "alt.split",
        title=heading,
        before=texts[0],
        price=texts[1],
        positions=texts[2],
        now=texts[3],
    )
    return ChartSpec(
        kind="split",
        speech=speech(market, profile),
        title=heading,
        series=(*parts, *(column for column in lines if len(column.y) > 1)),
        unit="USD",
        caption=caption(market, profile, known[-1].venues, known[-1].at),
        alt=" ".join((alt, *(f"{mark.label}." for mark in beside))),
        marks=beside,
    )


def _part(market: Market, key: str, value: float, whole: float, profile: Profile) -> ChartSeries:
    """A part of a change; one that is nothing beside the whole says so."""
    nothing = f"≈ {speech(market, profile).dollars.format('0')}" if abs(value) < NOTHING * abs(whole) else ""
    return ChartSeries(label=words(market, profile, key), y=(value,), text=nothing)


def _since_before(column: ChartSeries, before: float | None, since: datetime) -> ChartSeries:
    """The line with the value at its window's beginning in front, so that its change is the one that is told."""
    if before is None or (column.at and column.at[0] <= since):
        return column
    return replace(column, at=(since, *column.at), y=(before, *column.y))


def liquidations_chart(
    market: Market, history: History, profile: Profile, *, window: str = "24h"
) -> ChartSpec | None:
    """The hours of the window: shorts and longs, None for an hour that nobody tallied; None where no hour is
    known."""
    last = market.now().replace(minute=0, second=0, microsecond=0)
    starts = [last - HOUR * back for back in range(int(WINDOWS[window] / HOUR), 0, -1)]
    sides = {side: _by_hour(history, f"liquidations_1h_{side}_usd", starts) for side in ("short", "long")}
    if not any(value is not None for values in sides.values() for value in values):
        return None
    series = tuple(
        ChartSeries(label=words(market, profile, f"{side}s"), at=tuple(starts), y=values)
        for side, values in sides.items()
    )
    most = {
        side: max((value for value in values if value is not None), default=None)
        for side, values in sides.items()
    }
    gaps = sum(short is None and long is None for short, long in zip(*sides.values(), strict=True))
    heading = words(
        market, profile, "title.liquidations", asset=history.asset, window=_window(market, window, profile)
    )
    venues = {venue for side in sides for venue in history.venues(f"liquidations_1h_{side}_usd")}
    said = caption(market, profile, sorted(venues), market.now())
    columns = [history.column(f"liquidations_1h_{side}_usd") for side in sides]
    least = any(bool(one.at_least[one.known_ms > starts[0].timestamp() * 1000].any()) for one in columns)
    shown = {
        side: _written(market, f"liquidations_1h_{side}_usd", value, profile) for side, value in most.items()
    }
    price = price_path(history, starts[0], market.now(), market.playbook.catalog)
    return ChartSpec(
        kind="liquidations",
        speech=speech(market, profile),
        title=heading,
        series=series,
        price=price and _priced(market, price, profile),
        unit="USD",
        caption=f"{said} · {words(market, profile, 'at_least')}" if least else said,
        band_label=words(market, profile, "not_heard"),
        alt=words(
            market,
            profile,
            "alt.liquidations",
            title=heading,
            shorts=shown["short"],
            longs=shown["long"],
            gaps=str(gaps),
        ),
    )


def _time(ms: float) -> datetime:
    return datetime.fromtimestamp(float(ms) / 1000, UTC)


def _last(history: History, name: str, venue: str | None) -> Fact:
    column = history.column(name, venue)
    return Fact(
        name=name,
        value=float(column.value[-1]),
        at=_time(column.known_ms[-1]),
        venues=(venue,) if venue else (),
        of_venues=1,
    )


def _written(market: Market, name: str, value: float | None, profile: Profile) -> str:
    """A value as the answers write it; "–" for one that is not known."""
    if value is None:
        return "–"
    fact = Fact(name=name, value=value, at=market.now())
    return market.figure(name, Facts(asset="", at=market.now(), known={name: fact}), profile).text


def _named(market: Market, name: str, venue: str, past: ChartSeries, profile: Profile) -> ChartSeries:
    last = next(value for value in reversed(past.y) if value is not None)
    label = venue_name(venue, market.bank(profile).words)
    return replace(past, label=label, text=_written(market, name, last, profile))


def _window(market: Market, window: str, profile: Profile) -> str:
    return market.bank(profile).words.get(f"window.{window}", window)


def _by_hour(history: History, name: str, starts: Sequence[datetime]) -> tuple[float | None, ...]:
    """For each hour the last value that was known by its end and not before its start, None where none
    was."""
    column = history.column(name)
    hours = {
        int((known - 1) // HOUR_MS): float(value)
        for known, value in zip(column.known_ms, column.value, strict=True)
    }
    return tuple(hours.get(int(start.timestamp()) // 3600) for start in starts)
