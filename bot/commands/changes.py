"""`/changes`: every reading that moved by more than its own usual day, the one that went farthest first: then, in between,
now."""

import re
from datetime import UTC, datetime, timedelta

from bot.commands import Command, CommandOption, Request
from bot.commands._expiries import date_origin, heading_of, number_origin, table, write_metric
from bot.commands._smiles import smile_of_day, tell_smile_day
from bot.commands._telling import ASSET, join_texts, title
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Table
from bot.errors import InputError
from bot.metrics.pairs import ValuePair, pair_of
from bot.reasons import reason

MOST = 10
MOST_WITH_SMILE = 6  # what is left of a telephone under the sentence on the smile
LEAST_SIZE = 1.001
USUAL = "24h"
SMILE_DAYS = 30.0
LONGEST = timedelta(days=366)
TWICE_TOLD = (
    "open_interest_price_",
    "open_interest_position_",
    "open_interest_inverse_",
    "hours_since_",
    "treasury_",
)
"""What follows from other readings alone, or moves with the clock."""
COLUMNS = {"before": "changes.before", "extreme": "changes.between", "after": "column.now"}


async def answer(market: Market, request: Request) -> Answer:
    """Pairs of what moved since a time, by how far it went at most against the metric's own usual day; over a day the smile
    of about a month too, with what of its change is new. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    since = _since(request.options.get("since"), market.now())
    history, facts = await market.history(asset), await market.facts(asset)
    ends = [at.timestamp() * 1000 for at in (since, market.now())]
    days = max((ends[1] - ends[0]) / 86_400_000, 1.0)
    found, compared = [], 0
    for name, metric in market.playbook.catalog.metrics.items():
        if name.startswith(TWICE_TOLD) or name not in facts.known:
            continue
        pair = pair_of(history, metric, ends[0], ends[1])
        compared += pair is not None
        if pair is not None and pair.size is not None:
            went_far = pair.extreme is not None or abs(pair.size) > LEAST_SIZE * days**0.5
            found += [pair] if went_far else []
    found.sort(key=lambda pair: -pair.farthest_size)
    nothing = Facts(asset=asset, at=market.now(), known={})
    names = {
        "last_at": date_origin("since", since),
        "total": number_origin("readings that moved", float(len(found))),
    }
    about = "changes" if found else "changes-none" if compared else "changes-unheard"
    said = market.say("answer", about, nothing, profile, names)
    of_day = await smile_of_day(market, asset, SMILE_DAYS) if days == 1.0 else None
    most = MOST if of_day is None else MOST_WITH_SMILE
    shown = _apart(market, profile, found)[:most]
    body, spans = join_texts(said, *tell_smile_day(market, nothing, profile, of_day), between="\n")
    return Answer(
        title=heading_of(market, profile, asset, "changes"),
        body=body,
        body_spans=spans,
        tables=_table(market, profile, shown),
        footer=market.footer(facts, profile, [pair.metric for pair in shown]),
    )


def _apart(market: Market, profile: Profile, found: list[ValuePair]) -> list[ValuePair]:
    """Those whose two ends read differently, or that went elsewhere in between: a move that rounds to nothing is none for a
    reader."""
    return [
        pair
        for pair in found
        if pair.extreme is not None
        or _shown(market, profile, pair, "before") != _shown(market, profile, pair, "after")
    ]


def _shown(market: Market, profile: Profile, pair: ValuePair, end: str) -> str:
    return write_metric(market, profile, pair.metric, getattr(pair, end))


def _table(market: Market, profile: Profile, pairs: list[ValuePair]) -> tuple[Table, ...]:
    """Skew 60 d: 8.4%, 20%; where readings went beyond both ends in between, how far: DVOL 57.3, 82.6, 65.8."""
    words = market.bank(profile).words
    rows = [
        (
            words.get(f"row.{pair.metric}") or title(market, pair.metric, profile),
            [
                NO_VALUE if getattr(pair, end) is None else _shown(market, profile, pair, end)
                for end in COLUMNS
            ],
        )
        for pair in pairs
    ]
    return table([words[word] for word in COLUMNS.values()], rows)


def _since(typed: str | None, now: datetime) -> datetime:
    """The time meant by "24h", "7d" or a date. Raises InputError."""
    plain = (typed or USUAL).strip().lower()
    if span := re.fullmatch(r"(\d{1,3})\s*([hd])", plain):
        back = timedelta(hours=int(span[1])) if span[2] == "h" else timedelta(days=int(span[1]))
        since = now - back
    else:
        try:
            since = datetime.fromisoformat(plain)
        except ValueError:
            raise InputError(reason("unknown_since", typed=typed or "")) from None
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
    if not timedelta(0) < now - since <= LONGEST:
        raise InputError(reason("unknown_since", typed=typed or ""))
    return since


COMMAND = Command(name="changes", options=(ASSET, CommandOption(name="since")), answer=answer, shared=True)
