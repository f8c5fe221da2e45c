"""`/digest`: a reader's own daily note by direct message: when, on which assets, with which readings."""

import re
from collections.abc import Sequence

from bot.commands import Command, CommandOption, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._telling import go_on, join_texts
from bot.commands.typed import SPELLED_OFF, is_off, read_times
from bot.commands.watch import nowhere, reader_of
from bot.commands.zones import Zones, label_zone
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, DailyNote, Figure, Profile, Table, TableRow
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.notices.digests import HEADS, MOST_ASSETS, MOST_METRICS, note_table
from bot.reasons import reason

USUAL_AT = "08:00"
USUAL_METRICS = (
    "spot_usd",
    "skew_60d_pct",
    "basis_60d_pct",
    "funding_annual_pct",
    "open_interest_usd",
    "dvol",
)
SETTING = ("at", "zone", "assets", "metrics")


async def answer(market: Market, request: Request) -> Answer:
    """The note as it is set, changed first by what was typed, with what it would show now. Raises InputError,
    ArchiveError."""
    profile = request.profile
    if request.direct is None or request.user_id is None:
        return nowhere(market, profile, "title.digest")
    reader, store = reader_of(request), market.archive.digests
    known = next(iter(await store.find(reader=reader)), None)
    if is_off(request.options.get("at", "")):
        await store.remove(reader)
        return _said(market, profile, None, _say(market, profile, "digest-off"))
    changed = any(request.options.get(name) for name in SETTING)
    if known is None and not changed:
        return _said(market, profile, None, _say(market, profile, "digest-none"))
    note = _changed(market, request, known) if changed or known is None else known
    if changed:
        await store.put(note)
    names = {
        "text": Origin(kind="setting", ref="at", value=note.post_at),
        "source": Origin(kind="setting", ref="zone", value=label_zone(note.zone, market.now())),
        "sources": Origin(kind="setting", ref="assets", value=", ".join(note.assets)),
    }
    said = market.say("answer", "digest-set", _nothing(market), profile, names)
    blocked = _say(market, profile, "digest-blocked") if note.blocked_at else None
    told = {asset: await market.facts(asset) for asset in note.assets}
    tables = _as_table(note_table(note, told, market.playbook, market.bank(profile)), market, profile)
    made = _said(market, profile, note, said, blocked)
    return Answer(
        title=made.title,
        body=made.body,
        body_spans=made.body_spans,
        tables=tables,
        buttons=made.buttons,
        footer=market.footer(next(iter(told.values())), profile, note.metrics),
        private=True,
        direct=said.text if changed else "",
    )


def _changed(market: Market, request: Request, known: DailyNote | None) -> DailyNote:
    """The note with what was typed; what was not stays as it was. Raises InputError."""
    typed, now = request.options, market.now()
    before = known or DailyNote(
        reader=reader_of(request),
        channel=request.direct or "",
        assets=market.assets[:1],
        metrics=USUAL_METRICS,
        post_at=USUAL_AT,
        zone="UTC",
        created_at=now,
    )
    times = read_times(typed["at"]) if typed.get("at") else (before.post_at,)
    if len(times) != 1:
        raise InputError(reason("no_times", typed=typed["at"], off=SPELLED_OFF))
    zones = Zones(bank.words for bank in market.playbook.banks.values())
    return DailyNote(
        reader=before.reader,
        channel=request.direct or before.channel,
        assets=_assets(market, typed.get("assets")) or before.assets,
        metrics=_metrics(market, typed.get("metrics"), request.profile) or before.metrics,
        post_at=times[0],
        zone=zones.name_of(typed["zone"], now) if typed.get("zone") else before.zone,
        created_at=now,  # an hour that had passed by then is not made up for
        locale=market.bank(request.profile).locale,
    )


def _assets(market: Market, typed: str | None) -> tuple[str, ...]:
    named = [market.asset(one) for one in re.split(r"[\s,;]+", typed or "") if one]
    return tuple(asset for asset in market.assets if asset in named)[:MOST_ASSETS]


def _metrics(market: Market, typed: str | None, profile: Profile) -> tuple[str, ...]:
    named = [
        metric_named(market, one.strip(), profile) for one in re.split(r"[,;]", typed or "") if one.strip()
    ]
    return tuple(dict.fromkeys(named))[:MOST_METRICS]


def _as_table(rows: Sequence[Text], market: Market, profile: Profile) -> tuple[Table, ...]:
    """The note's own lines."""
    words = market.bank(profile).words
    heads = tuple(words[f"column.{name}"] for name in HEADS)
    made = tuple(
        TableRow(
            label=cells[0],
            cells=tuple(Figure(label=head, text=text) for head, text in zip(heads, cells[1:], strict=True)),
        )
        for row in rows
        if (cells := row.text.split("\t"))
    )
    return (Table(rows=made, columns=heads),) if made else ()


def _said(market: Market, profile: Profile, note: DailyNote | None, *texts: Text | None) -> Answer:
    words = market.bank(profile).words
    body, spans = join_texts(*(text for text in texts if text is not None))
    stop = go_on(words["button.digest_off"], "digest", {"at": SPELLED_OFF})
    begin = go_on(words["button.digest_on"], "digest", {"at": USUAL_AT})
    return Answer(
        title=words["title.digest"],
        body=body,
        body_spans=spans,
        buttons=(stop if note else begin,),
        private=True,
    )


def _say(market: Market, profile: Profile, about: str) -> Text:
    return market.say("answer", about, _nothing(market), profile)


def _nothing(market: Market) -> Facts:
    return Facts(asset=market.assets[0], at=market.now(), known={})


COMMAND = Command(
    name="digest",
    options=(
        CommandOption(name="at"),
        CommandOption(
            name="zone",
            suggest=lambda market, profile, typed: Zones(
                bank.words for bank in market.playbook.banks.values()
            ).find(typed, market.now()),
        ),
        CommandOption(name="assets"),
        CommandOption(name="metrics", suggest=suggest_metrics, max_length=200),
    ),
    answer=answer,
    private=True,
)
