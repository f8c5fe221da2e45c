"""What Discord is sent for each command, as golden files: for Bitcoin, for Ether with half of its past, and on a server
that has just begun.

`python -m tests.delivery.discord.payloads` writes them anew; `--pictures FOLDER` shows each in Chromium as wide as a
telephone (390 pixels), in every language, dark and light. A golden changes only with a look at what it shows."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.delivery.discord.buttons import view_of
from bot.delivery.discord.embed import pages
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.chain import OptionChain
from bot.domain.facts import Facts, Series
from bot.domain.judgement import Call, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.readings import Snapshot, SpotQuote
from bot.domain.traded import TakerTrades
from bot.playbook import read_playbook
from tests.archive.make import verdict as bearish
from tests.commands.conftest import AT, PAST, FixedClock, MemoryArchive, hourly
from tests.commands.tapes import tape_poll
from tests.desks import market_of
from tests.metrics.market import ms
from tests.metrics.test_flow import trades

FOLDER: Final = Path(__file__).parent / "golden"
WRITTEN_BY: Final = "python -m tests.delivery.discord.payloads"
GIVEN: Final[Mapping[str, Mapping[str, str]]] = {
    "compare": {"metric": "oi"},
    "history": {"metric": "oi"},
    "odds": {"level": "80000"},
    "explain": {"term": "basis"},
    "venues": {"metric": "funding"},
    "watch": {"metric": "25d", "side": "above", "value": "25"},
}
"""What a reader must give; the rest is left out."""

TOLD_ELSEWHERE: Final = ("brief",)
"""Its words are the rules' and the bank's: tests/golden has these."""

EDITION: Final = "a1b2c3d4"

BITCOIN: Final = (
    *PAST,
    hourly("skew_7d_pct", first=4.0, last=28.0),
    hourly("skew_90d_pct", first=5.0, last=14.0),
    hourly("basis_30d_pct", first=7.0, last=1.2),
    hourly("spot_usd", first=95_000.0, last=67_800.0, venue="deribit"),
    hourly("funding_8h_pct", first=0.009, last=0.0014),
    hourly("perp_premium_pct", first=0.02, last=-0.05),
    hourly("put_call_oi_ratio", first=0.55, last=0.71),
    hourly("put_call_volume_ratio", first=0.6, last=1.12),
    hourly("iv_term_slope_points", first=-2.0, last=11.0),
    hourly("option_open_interest_usd", first=40e9, last=31.2e9),
    hourly("next_expiry_notional_usd", first=10e9, last=8.4e9),
    hourly("max_pain_usd", first=95_000.0, last=82_000.0),
    hourly("open_interest_cme_usd", first=14e9, last=9.1e9),
    hourly("liquidations_24h_usd", first=0.1e9, last=1.82e9),
    hourly("liquidations_24h_long_usd", first=0.06e9, last=1.61e9),
    hourly("liquidations_24h_short_usd", first=0.04e9, last=0.21e9),
    hourly("liquidations_24h_pct_of_oi", first=0.2, last=5.1),
    hourly("treasury_cost_usd", first=54.2e9, last=54.26e9),
    hourly("treasury_unrealized_usd", first=13.5e9, last=-5.88e9),
    hourly("balance", first=12.0, last=-41.0),
)
ETHER: Final = (
    hourly("spot_usd", asset="ETH", first=3_300.0, last=1_980.0),
    hourly("skew_60d_pct", asset="ETH", first=6.0, last=17.5, until=AT - timedelta(hours=5)),
    hourly("funding_annual_pct", asset="ETH", first=9.0, last=-3.2),
    hourly("open_interest_usd", asset="ETH", first=30e9, last=18.4e9),
    hourly("dvol", asset="ETH", first=60.0, last=97.0, leave_out=range(24 * 66)),
)
TURNS: Final = (
    Call(at=AT - timedelta(days=60), stance="neutral", rules=EDITION),
    Call(at=AT - timedelta(days=30), stance="bullish", rules=EDITION),
    Call(at=AT - timedelta(days=12), stance="neutral", rules=EDITION),
    Call(at=AT - timedelta(days=3), stance="bearish", rules=EDITION),
)
STATES: Final[Mapping[str, tuple[str, Sequence[Series]]]] = {
    "btc": ("BTC", BITCOIN),
    "eth": ("ETH", (*BITCOIN, *ETHER)),
    "fresh": ("BTC", ()),
}


@cache
def playbook() -> Playbook:
    """The rules and words as they are, by a name that does not change with them."""
    read = read_playbook()
    return replace(read, hash=EDITION, rules=replace(read.rules, hash=EDITION))


class CalledMarket(Market):
    """A market on which the verdict is given: what the rules say of it is shown elsewhere."""

    async def verdict(self, asset: str, profile: Profile) -> tuple[Verdict, Facts]:
        """Bearish, on the facts of now."""
        return bearish(self.now()), await self.facts(asset)


def market(past: Sequence[Series]) -> Market:
    """A market over a small past, two minutes after its start; with the options and the option trades of the tape's
    afternoon where there is a past at all."""
    archive = MemoryArchive(past)
    archive.states.taken = list(TURNS) if past else []
    made = market_of(archive, FixedClock(), playbook(), made=CalledMarket if past else Market)
    made.started_at = AT - timedelta(minutes=2)
    for asset in made.assets if past else ():
        made.memory.keep_snapshot(tape_poll(asset))
        made.memory.keep_trades(replace(day_of_trades(tape_poll(asset)), asset=asset))
    return made


def day_of_trades(heard: Snapshot) -> TakerTrades:
    """Forty small trades at the nearest strike, a straddle as a block and a spread, in an asset's own prices."""
    (index,) = (one.index_usd for one in heard.readings if isinstance(one, SpotQuote))
    (chain,) = (one for one in heard.readings if isinstance(one, OptionChain))
    expires = sorted(set(chain.expires_ms.tolist()))[4]
    strikes = sorted(set(chain.strike_usd[chain.expires_ms == expires].tolist()))
    near = min(range(len(strikes)), key=lambda number: abs(strikes[number] - index))
    low, high = strikes[near], strikes[min(near + 2, len(strikes) - 1)]
    alike = {
        "expires_ms": expires,
        "strike_usd": low,
        "index_usd": index,
        "premium_usd": index * 0.06,
        "mark_usd": index * 0.06,
        "iv_pct": 70.0,
    }
    rows: list[Mapping[str, object]] = [
        {
            **alike,
            "coins": 1.0 + number % 11,
            "strike_usd": strikes[min(near + number % 4, len(strikes) - 1)],
            "at_ms": ms(AT) - 60_000 * number,
            "is_call": number % 3 > 0,
            "is_buy": number % 2 > 0,
        }
        for number in range(40)
    ]
    rows += [
        {**alike, "coins": 250.0, "package": "BLOCK-1", "is_block": True, "is_call": side, "at_ms": ms(AT)}
        for side in (True, False)
    ]
    rows += [
        {
            **alike,
            "coins": 90.0,
            "package": "7",
            "strike_usd": strike,
            "is_buy": strike == low,
            "at_ms": ms(AT),
        }
        for strike in (low, high)
    ]
    return replace(trades(*rows), since_ms=ms(AT) - 86_400_000, until_ms=ms(AT))


async def payloads(state: str, locale: str = "en") -> Mapping[str, Any]:
    """For each command as it is typed, the messages that answer it and what its picture shows."""
    asset, past = STATES[state]
    told: dict[str, Any] = {}
    asked = market(past)
    for name, command in discover().items():
        given = dict(GIVEN.get(name, {}))
        if asset != "BTC" and any(option.name == "asset" for option in command.options):
            given["asset"] = asset
        request = Request(
            options=given,
            profile=Profile(locale=locale),
            surface="discord",
            channel="discord:1",
            user_id="2",
            direct="discord:dm:2",
        )
        answer = await run(asked, command, request)
        card = await Cards(asked, Pictures()).of_answer(answer)
        view = view_of(card.buttons)
        told[" ".join([f"/{name}", *(f"{key}:{value}" for key, value in given.items())])] = {
            "private": command.private or card.private,
            "messages": [
                [
                    _form(dict(embed.to_dict())) if name in TOLD_ELSEWHERE else embed.to_dict()
                    for embed in page.embeds
                ]
                for page in pages(card)
            ],
            "components": view.to_components() if view else [],
            "picture": answer.chart.kind if answer.chart else None,
        }
    return told


def _form(embed: dict[str, Any]) -> dict[str, Any]:
    """An embed without its prose: its table, and what kinds of parts it has."""
    tables = re.findall(r"```.*?```", embed.get("description", ""), re.DOTALL)
    kept = {"title": "…", "description": "\n".join(["…", *tables]), "footer": {"text": "…"}}
    return {key: kept.get(key, value) for key, value in embed.items() if key != "fields"}


def written(told: Mapping[str, Any]) -> str:
    """As it stands in the golden file."""
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True, default=_in_words) + "\n"


def _in_words(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value))


def main(arguments: Sequence[str]) -> None:
    """Write the golden files, and pictures where they are wanted."""
    FOLDER.mkdir(exist_ok=True)
    for state in STATES:
        told = asyncio.run(payloads(state))
        (FOLDER / f"{state}.json").write_text(written(told), encoding="utf-8")
        if arguments[:1] == ["--pictures"]:
            from tests.delivery.discord.looks import draw

            Path(arguments[1]).mkdir(parents=True, exist_ok=True)
            for locale in playbook().banks:
                shown = json.loads(written(asyncio.run(payloads(state, locale))))
                asyncio.run(draw(shown, Path(arguments[1]), f"{state}-{locale}"))


if __name__ == "__main__":
    main(sys.argv[1:])
