"""`/record`: how the stances taken live did afterwards, beside what the price did anyway: one horizon and one edition of
the rules at a time; and, apart from these, what the rules of now would have said of the past before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._backfilled import record_backfilled
from bot.commands._charts import caption, speech
from bot.commands._expiries import date_origin, number_origin, table, write_number
from bot.commands._tables import line_of
from bot.commands._telling import ASSET, go_on
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.judgement import Call
from bot.domain.posts import Answer, Button, ChartSeries, ChartSpec, Figure, Mark, Profile, Table
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.reasons import reason
from bot.rules.record import Prices, RecordRow, RecordSettings, changes, parse_manner, record

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILE = "record.toml"
PRICE = "spot_usd"
BACKFILLED = "backfilled"
EDITION_LETTERS = 8


class Taken(Struct, frozen=True, kw_only=True):
    """One part of the record: `rows` of one edition of the rules, and how many changes of `stance` they stand on since
    when. `earlier` is the edition before."""

    rules: str
    rows: Sequence[RecordRow] = ()
    turns: int = 0
    since: datetime | None = None
    is_live: bool = True
    earlier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What an answer is about, and whose words it is in."""

    market: Market
    profile: Profile
    asset: str
    taken: Taken
    manner: RecordSettings
    days: int
    words: Mapping[str, str] = field(repr=False)

    @property
    def shown(self) -> Sequence[RecordRow]:
        """The rows of the horizon that have a call."""
        return [row for row in self.taken.rows if row.days == self.days and row.calls]

    def say(self, about: str, names: Mapping[str, Origin] | None = None) -> Text:
        """A phrase of the answer."""
        facts = Facts(asset=self.asset, at=self.market.now(), known={})
        return self.market.say("answer", about, facts, self.profile, dict(names or {}))

    def stance(self, row: RecordRow) -> str:
        """The stance as readers call it."""
        return self.words.get(f"stance.{row.stance}", row.stance)

    def horizon(self, days: int) -> str:
        """7 d on."""
        return self.words["record.days"].format(days=days)

    def share(self, value: float | None) -> str:
        """61%, a dash where it is not known."""
        return NO_VALUE if value is None else write_number(self.market, self.profile, "pct", round(value))


async def answer(market: Market, request: Request) -> Answer:
    """Hit rates by stance with their base rates, at one horizon under one edition of the rules. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    manner = _manner(market)
    taken = await _take(market, asset, manner, profile, request.options.get("rules"))
    asked = _Asked(
        market=market,
        profile=profile,
        asset=asset,
        taken=taken,
        manner=manner,
        days=_days(request.options.get("days"), manner, taken),
        words=market.bank(profile).words,
    )
    said, lead = _said(asked)
    title = f"{asset}: {asked.words['title.record']}"
    return Answer(
        title=title,
        body=said.text,
        body_spans=said.spans,
        lead=lead,
        tables=_table(asked),
        notes=(*_likely(asked), *_stood_on(asked)),
        chart=_chart(asked, title, said.text, (await market.history(asset)).venues(PRICE)),
        buttons=_others(asked),
        footer=market.footer(await market.facts(asset), profile, [PRICE]),
    )


def _manner(market: Market) -> RecordSettings:
    text = market.playbook.texts.get(FILE)
    if text is None:
        raise InputError(reason("no_record_taken", file=FILE))
    return parse_manner(text)


async def _take(
    market: Market, asset: str, manner: RecordSettings, profile: Profile, wanted: str | None
) -> Taken:
    """The part of the record that is meant: the rules of now, an edition by its first letters, or what is backfilled.
    Raises InputError."""
    calls = await market.calls(asset, BEGINNING, profile)
    now = market.playbook.rules.hash
    if (wanted or "").strip().lower() == BACKFILLED:
        before = await record_backfilled(market, asset, calls[0].at if calls else None, manner)
        return Taken(rules=now, rows=before.rows, turns=before.turns, since=before.since, is_live=False)
    editions = list(dict.fromkeys(call.rules for call in calls))
    rules = _edition(wanted, editions, now)
    own = [call for call in calls if call.rules == rules]
    place = editions.index(rules) if rules in editions else len(editions)
    return Taken(
        rules=rules,
        rows=[row for row in await _rows(market, asset, calls, manner) if row.rules == rules],
        turns=len([call for call in changes(calls) if call.rules == rules]),
        since=own[0].at if own else None,
        earlier=editions[place - 1] if place else None,
    )


async def _rows(
    market: Market, asset: str, calls: Sequence[Call], manner: RecordSettings
) -> Sequence[RecordRow]:
    if not calls:
        return ()
    spot = await market.archive.points.past(PRICE, asset, calls[0].at, market.now())
    return record(calls, Prices.of(spot, manner.price_max_age), manner, market.now())


def _edition(wanted: str | None, editions: Sequence[str], now: str) -> str:
    typed = (wanted or "").strip().lower()
    if not typed:
        return now
    found = [rules for rules in dict.fromkeys((now, *editions)) if rules.startswith(typed)]
    if len(found) != 1:
        known = [one[:EDITION_LETTERS] for one in dict.fromkeys((now, *editions))]
        raise InputError(reason("unknown_edition", typed=wanted or "", known=", ".join((*known, BACKFILLED))))
    return found[0]


def _days(typed: str | None, manner: RecordSettings, taken: Taken) -> int:
    """The horizon that was typed ("7", "7d"); else the middle one, or the shortest while no call is as old as that. Raises
    InputError."""
    known = manner.horizons_days
    if typed:
        days = next(
            (one for one in known if typed.strip().lower() in (f"{one}", f"{one}d", f"{one} d")), None
        )
        if days is None:
            raise InputError(
                reason("unknown_horizon", typed=typed, known=", ".join(f"{one}" for one in known))
            )
        return days
    middle = known[len(known) // 2]
    return middle if any(row.calls for row in taken.rows if row.days == middle) else known[0]


def _said(asked: _Asked) -> tuple[Text, Figure | None]:
    """What the stance that was taken most often comes to, and its hit rate."""
    taken, shown = asked.taken, asked.shown
    if not taken.turns:
        return asked.say("record-none" if taken.is_live else "record-unjudged"), None
    names = {"window": number_origin("horizon, days", float(asked.days))}
    if not shown:
        return asked.say("record-young", names), None
    row = max(shown, key=lambda one: (one.hit_pct is not None, one.n))
    names["stance"] = Origin(kind="name", ref="stance", value=asked.stance(row))
    names["total"] = number_origin("windows", float(row.n))
    if row.base_pct is not None:
        names["base"] = number_origin("base rate", row.base_pct)
    if row.hit_pct is None or row.low_pct is None or row.high_pct is None:
        said = asked.say("record-few", names)
        return said, Figure(label=asked.words["record.rate"], text=asked.words["lead.record_few"])
    names |= {
        "hits": number_origin("hit rate", row.hit_pct),
        "low": number_origin("hit rate, low", row.low_pct),
        "high": number_origin("hit rate, high", row.high_pct),
    }
    said = asked.say("record-rate", names)
    shown_as = next(span for span in said.spans if span.origin == names["hits"])
    spans = (replace(shown_as, start=0, end=len(shown_as.text)),)
    return said, Figure(label=asked.words["record.rate"], text=shown_as.text, spans=spans)


def _table(asked: _Asked) -> tuple[Table, ...]:
    """caution: 61%, 52%, 40."""
    words = asked.words
    rows = [
        (asked.stance(row), [asked.share(row.hit_pct), asked.share(row.base_pct), f"{row.n}"])
        for row in asked.shown
    ]
    return table(
        [words["record.column.hit"], words["record.column.base"], words["record.column.n"]], rows, whole=True
    )


def _likely(asked: _Asked) -> Sequence[Figure]:
    """Between what each hit rate likely lies; what the dash means where there is one."""
    words = asked.words
    known = [
        Figure(
            label=asked.stance(row),
            text=words["short.range"].format(low=asked.share(row.low_pct), high=asked.share(row.high_pct)),
        )
        for row in asked.shown
        if row.low_pct is not None and row.high_pct is not None
    ]
    few = any(row.hit_pct is None for row in asked.shown)
    least = words["record.least"].format(least=asked.manner.least)
    return (*line_of(words["record.likely"], known), *((Figure(label="", text=least),) if few else ()))


def _stood_on(asked: _Asked) -> Sequence[Figure]:
    """How many changes of stance since when, and under which rules."""
    taken = asked.taken
    if not taken.turns or taken.since is None:
        return ()
    names = {
        "total": number_origin("changes of stance", float(taken.turns)),
        "last_at": date_origin("first call", taken.since),
        "text": Origin(kind="identifier", ref="edition", value=taken.rules[:EDITION_LETTERS]),
    }
    said = asked.say("record" if taken.is_live else "record-backfilled", names)
    return (Figure(label="", text=said.text, spans=said.spans),)


def _others(asked: _Asked) -> tuple[Button, ...]:
    """The other horizons of the same rules; the rules before; what is backfilled."""
    words, taken = asked.words, asked.taken
    now = asked.market.playbook.rules.hash
    kept = {"asset": asked.asset}
    here = {} if taken.is_live and taken.rules == now else {"rules": taken.rules[:EDITION_LETTERS]}
    if not taken.is_live:
        here = {"rules": BACKFILLED}
    made = [
        go_on(asked.horizon(days), "record", {**kept, **here, "days": f"{days}"})
        for days in asked.manner.horizons_days
        if days != asked.days and taken.turns
    ]
    if taken.earlier:
        rules = taken.earlier[:EDITION_LETTERS]
        made.append(go_on(words["record.earlier"], "record", {**kept, "rules": rules}))
    other = {} if not taken.is_live else {"rules": BACKFILLED}
    label = words["record.backfilled" if taken.is_live else "record.live"]
    return (*made, go_on(label, "record", {**kept, **other}))


def _chart(asked: _Asked, title: str, alt: str, venues: Sequence[str]) -> ChartSpec | None:
    """The horizon that is shown, a row a stance; none where nothing can be said yet."""
    words, shown = asked.words, [row for row in asked.taken.rows if row.days == asked.days]
    if not any(row.hit_pct is not None for row in shown):
        return None
    market, profile = asked.market, asked.profile
    return ChartSpec(
        kind="record",
        speech=speech(market, profile),
        title=f"{title}, {asked.horizon(asked.days)}",
        series=(
            ChartSeries(label=words["record.rate"], y=tuple(row.hit_pct for row in shown)),
            ChartSeries(label=words["chart.likely"], y=tuple(row.low_pct for row in shown)),
            ChartSeries(label=words["chart.likely"], y=tuple(row.high_pct for row in shown)),
            ChartSeries(label=words["record.base"], y=tuple(row.base_pct for row in shown)),
        ),
        unit="%",
        caption=caption(market, profile, venues, market.now()),
        alt=alt,
        marks=tuple(
            Mark(
                label=f"{asked.stance(row)} · n = {row.n}"
                + ("" if row.hit_pct is not None else f" · {words['record.few']}"),
                kind=row.stance,
            )
            for row in shown
        ),
    )


def suggest_rules(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """What is typed for the rules of now, and for what was never said live."""
    known = (market.playbook.rules.hash[:EDITION_LETTERS], BACKFILLED)
    return [one for one in known if one.startswith(typed.strip().lower())]


def suggest_days(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """The horizons of config/record.toml."""
    if FILE not in market.playbook.texts:
        return ()
    return [f"{days}" for days in _manner(market).horizons_days if f"{days}".startswith(typed.strip())]


COMMAND = Command(
    name="record",
    options=(
        ASSET,
        CommandOption(name="days", suggest=suggest_days),
        CommandOption(name="rules", suggest=suggest_rules),
    ),
    answer=answer,
)
