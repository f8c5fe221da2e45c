"""`/record`: how the stances taken live did afterwards, beside what the price did anyway; and, apart from
these, what the rules of now would have said of the past before."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.commands import Command, Request
from bot.commands._backfilled import Backfilled, record_backfilled
from bot.commands._charts import caption, speech
from bot.commands._telling import ASSET, join_texts
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, ChartSeries, ChartSpec, Figure, Mark, Profile
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.reasons import reason
from bot.rules.record import Prices, RecordRow, RecordSettings, changes, parse_manner, record

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILE = "record.toml"
PRICE = "spot_usd"


async def answer(market: Market, request: Request) -> Answer:
    """Hit rates by stance and horizon under the rules of now, with their base rates; older rules have lines
    of their own. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    manner = _manner(market)
    calls = await market.archive.states.calls(asset, BEGINNING, profile=profile)
    facts = Facts(asset=asset, at=market.now(), known={})
    rows: Sequence[RecordRow] = ()
    if calls:
        spot = await market.archive.points.past(PRICE, asset, calls[0].at, market.now())
        rows = record(calls, Prices.of(spot, manner.price_max_age), manner, market.now())
    told = [row for row in rows if row.calls]
    said = caption(market, profile, (await market.history(asset)).venues(PRICE), market.now())
    words = market.bank(profile).words
    first = calls[0].at if calls else None
    lead = _lead(market, len(changes(calls)), first, facts, profile)
    before = await record_backfilled(market, asset, first, manner)
    body, spans = join_texts(lead, *_beside(market, before, facts, profile))
    title = f"{asset}: {words.get('title.record', 'record')}"
    return Answer(
        title=title,
        body=body,
        body_spans=spans,
        figures=(
            *(_figure(market, row, facts, profile) for row in told),
            *(_figure(market, row, facts, profile, backfilled=True) for row in before.rows),
        ),
        chart=_chart(market, told, manner, profile, title=title, alt=lead.text, said=said),
        footer=market.footer(await market.facts(asset), profile, [PRICE]),
    )


def _manner(market: Market) -> RecordSettings:
    text = market.playbook.texts.get(FILE)
    if text is None:
        raise InputError(reason("no_record_taken", file=FILE))
    return parse_manner(text)


def _lead(market: Market, count: int, since: datetime | None, facts: Facts, profile: Profile) -> Text:
    if not count or since is None:
        return market.say("answer", "record-none", facts, profile)
    names = {
        "total": Origin(kind="count", ref="calls", value=float(count)),
        "last_at": Origin(kind="date", ref="first call", value=since.isoformat()),
        "text": Origin(kind="identifier", ref="edition", value=market.playbook.rules.hash[:8]),
    }
    return market.say("answer", "record", facts, profile, names)


def _beside(market: Market, before: Backfilled, facts: Facts, profile: Profile) -> Sequence[Text]:
    """That there is a backfilled record too, and that it is another thing."""
    if not before.rows or before.since is None:
        return ()
    names = {
        "total": Origin(kind="count", ref="backfilled changes", value=float(before.turns)),
        "last_at": Origin(kind="date", ref="first backfilled", value=before.since.isoformat()),
    }
    return (market.say("answer", "record-backfilled", facts, profile, names),)


def _figure(
    market: Market, row: RecordRow, facts: Facts, profile: Profile, *, backfilled: bool = False
) -> Figure:
    words = market.bank(profile).words
    names = {"total": Origin(kind="count", ref="windows", value=float(row.n))}
    if row.base_pct is not None:
        names["base"] = Origin(kind="count", ref="base rate", value=row.base_pct)
    if row.hit_pct is not None and row.low_pct is not None and row.high_pct is not None:
        names["hits"] = Origin(kind="count", ref="hit rate", value=row.hit_pct)
        names["low"] = Origin(kind="count", ref="hit rate, low", value=row.low_pct)
        names["high"] = Origin(kind="count", ref="hit rate, high", value=row.high_pct)
    said = market.say("answer", "record-few" if row.hit_pct is None else "record-rate", facts, profile, names)
    days = words.get("record.days", "{days} d").format(days=row.days)
    older = "" if backfilled or row.rules == market.playbook.rules.hash else f" ({row.rules[:8]})"
    label = f"{words.get(f'stance.{row.stance}', row.stance)}, {days}{older}"
    if backfilled:
        label = words.get("record.backfilled", "{}").format(label)
    return Figure(label=label, text=said.text, spans=said.spans)


def _chart(
    market: Market,
    rows: Sequence[RecordRow],
    manner: RecordSettings,
    profile: Profile,
    *,
    title: str,
    alt: str,
    said: str,
) -> ChartSpec | None:
    """The middle horizon under the rules of now, a row a stance; none where nothing can be said yet."""
    words = market.bank(profile).words
    days = manner.horizons_days[len(manner.horizons_days) // 2]
    shown = [row for row in rows if row.days == days and row.rules == market.playbook.rules.hash]
    if not any(row.hit_pct is not None for row in shown):
        return None
    few = words.get("record.few", "")
    return ChartSpec(
        kind="record",
        speech=speech(market, profile),
        title=f"{title}, {words.get('record.days', '{days} d').format(days=days)}",
        series=(
            ChartSeries(label=words.get("record.rate", ""), y=tuple(row.hit_pct for row in shown)),
            ChartSeries(label="low", y=tuple(row.low_pct for row in shown)),
            ChartSeries(label="high", y=tuple(row.high_pct for row in shown)),
            ChartSeries(label=words.get("record.base", ""), y=tuple(row.base_pct for row in shown)),
        ),
        unit="%",
        caption=said,
        alt=alt,
        marks=tuple(
            Mark(
                label=f"{words.get(f'stance.{row.stance}', row.stance)} · n = {row.n}"
                + ("" if row.hit_pct is not None else f" · {few}"),
                kind=row.stance,
            )
            for row in shown
        ),
    )


COMMAND = Command(name="record", options=(ASSET,), answer=answer)
