"""`/balance`: where all readings together stand, where that goes, how old the verdict is, and the log of its turns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.commands import Command, Request
from bot.commands._charts import history_chart
from bot.commands._expiries import date_origin, day_of, number_origin
from bot.commands._tables import lead_of, old_note, past_table
from bot.commands._telling import ASSET, go_on, join_texts, tell_fact
from bot.commentary.formats import apply
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.judgement import Call, Verdict
from bot.domain.posts import Answer, Figure, Profile, Table, TableRow
from bot.domain.story import Origin, Span, Text
from bot.metrics import BALANCE
from bot.rules.record import changes

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
WINDOW = timedelta(days=30)
MOST_TURNS = 5
PAST = ("", "before_24h", "before_7d")
ANYWHERE = (-100.0, 100.0)


async def answer(market: Market, request: Request) -> Answer:
    """The balance now, a day and a week ago, its median of three days and its furthest point, with the last turns of
    the verdict, newest first. Raises InputError, ArchiveError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    facts, bank = await market.facts(asset), market.bank(profile)
    verdict, _ = await market.verdict(asset, profile)
    calls = await market.calls(asset, BEGINNING, profile)
    said = tell_fact(market, "balance", BALANCE, facts, profile)
    body, spans = join_texts(said, *_age(market, verdict, facts, profile))
    heading = f"{asset}: {bank.words['title.balance']}"
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=lead_of(market, BALANCE, facts, profile),
        tables=(*_course(market, verdict, facts, profile), *_turns(market, calls, profile)),
        notes=old_note(market, [BALANCE], facts, profile),
        chart=await history_chart(
            market,
            asset,
            BALANCE,
            market.now() - WINDOW,
            profile,
            heading=heading,
            alt=f"{heading}. {said.text}",
        ),
        buttons=(
            go_on(bank.words["button.record"], "record", {"asset": asset}),
            go_on(bank.words["button.explain"], "explain", {"term": BALANCE}),
        ),
        footer=market.footer(facts, profile, [BALANCE]),
        stance=verdict.stance,
        stance_word=f"{asset} · {bank.words[f'stance.{verdict.stance}']}",
        at=facts.at,
    )


def _age(market: Market, verdict: Verdict, facts: Facts, profile: Profile) -> Sequence[Text]:
    """Since when the verdict stands, and where it goes; nothing where it has no beginning yet."""
    words = market.bank(profile).words
    if verdict.since is None:
        return ()
    names = {
        "stance": Origin(kind="name", ref="stance", value=words[f"stance.{verdict.stance}"]),
        "last_at": date_origin("since", verdict.since),
    }
    direction = words.get(f"direction.{verdict.direction}")
    if direction is None:
        return (market.say("answer", "balance-age", facts, profile, names),)
    going = {"text": Origin(kind="input", ref="direction", value=direction)}
    return (market.say("answer", "balance-goes", facts, profile, names | going),)


def _course(market: Market, verdict: Verdict, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    """Now and before; then between what it may stand where a family is not known, its median of three days, and the
    furthest point of this stance. That it may stand anywhere is not told: no family is known then."""
    words = market.bank(profile).words
    known = past_table(market, BALANCE, facts, profile, PAST)
    rows = [*(known[0].rows if known else ())]
    for label, ends in (
        ("balance_range", verdict.balance if verdict.balance and len(set(verdict.balance)) > 1 else None),
        ("balance_middle", verdict.middle),
        ("balance_peak", (verdict.peak, verdict.peak) if verdict.peak is not None else None),
    ):
        if ends is not None and ends != ANYWHERE:
            rows.append(TableRow(label=words[f"row.{label}"], cells=(_between(label, ends, words),)))
    return (Table(rows=tuple(rows)),) if rows else ()


def _between(label: str, ends: tuple[float, float], words: Mapping[str, str]) -> Figure:
    """One number where both ends read the same, else the two."""
    low, high = (apply("bare", end, None, words) for end in ends)
    text = low if low == high else words["short.range"].format(low=low, high=high)
    spans = [Span(start=0, end=len(low), text=low, origin=number_origin(label, ends[0]), filter="bare")]
    if low != high:
        start = text.rindex(high)
        spans.append(
            Span(
                start=start,
                end=start + len(high),
                text=high,
                origin=number_origin(label, ends[1]),
                filter="bare",
            )
        )
    return Figure(label=words[f"row.{label}"], text=text, spans=tuple(spans))


def _turns(market: Market, calls: Sequence[Call], profile: Profile) -> tuple[Table, ...]:
    """The last turns of the verdict: the day, and what it turned to."""
    words = market.bank(profile).words
    turned = list(reversed(changes(calls)))[:MOST_TURNS]
    rows = tuple(
        TableRow(
            label=day_of(market, profile, call.at),
            cells=(
                Figure(label=words["column.turns"], text=words.get(f"stance.{call.stance}", call.stance)),
            ),
        )
        for call in turned
    )
    return (Table(rows=rows, columns=(words["column.turns"],)),) if rows else ()


COMMAND = Command(name="balance", options=(ASSET,), answer=answer)
