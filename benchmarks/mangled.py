"""What becomes of mangled replies: each endpoint's reply of one poll made wrong, read, and held against the sound poll.

Run: python benchmarks/mangled.py [--count N] [--seed N] [--page FILE]

A mangled reply counts as `gap` where something is missing that was told, as `wrong` where a public figure (a metric or
its change) is off by more than half in silence: with no gap about the source; as `small` where a figure is off by less, else
as `unchanged`."""

import argparse
import asyncio
import hashlib
import json
import pickle
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from mangle import KINDS, Told, mangle  # noqa: E402

from bot.domain.catalog import VIEWS  # noqa: E402
from bot.domain.readings import Gap, Heard, Quantity, Snapshot  # noqa: E402
from bot.errors import SourceError  # noqa: E402
from bot.metrics import CATALOG, History, observe  # noqa: E402
from bot.metrics.observe import Observed  # noqa: E402
from bot.sources import available  # noqa: E402
from bot.sources._http import Http, Patience  # noqa: E402
from bot.sources._tape import ON_THE_TAPE, TapeTransport, parse  # noqa: E402

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
BEFORE_MINUTES = (7 * 1440, 1500, 1440, 60)
OLD = timedelta(minutes=45)
LONG_BYTES = 50_000
NEAR = (56_000, 84_000)
HALF = 0.5
LEAST = {"%": 1.0, "% a year": 1.0, "% of ATM IV": 1.0, "points": 1.0, "vol points": 1.0, "ratio": 0.05}
"""What a figure is off by at least to be wrong, by unit; a figure about 0 has no half."""
SMALL = {"funding_8h_pct": 0.02, "perp_premium_pct": 0.05}
EFFECT_SHARE = 0.005
"""The same for what prices and positions did to open interest: of open interest."""
LEAST_SHARE = 0.01
"""The same for money and coins: of the metric itself, for its changes."""
Question = tuple[str, str, str]
Came = tuple[str, tuple[str, ...], tuple[str, ...]]
"""How a poll came out, the figures that are wrong, and the gaps."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What one mangled reply came to."""

    kind: str
    endpoint: str
    came: str
    figures: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class Sound:
    """A poll in which every reply is as it should be, the history before it, and what could come instead of each reply."""

    def __init__(self, asset: str = "BTC") -> None:
        self.asset = asset
        folder = ROOT / "config/tapes/february-2026"
        self.tape = parse({path.name: path.read_text("utf-8") for path in folder.iterdir()})
        self.sources = [name for name in available() if name in ON_THE_TAPE]
        self.asked = self._asked()
        self.history = History.empty(self.asset)
        old: list[dict[Question, bytes]] = []
        for minutes in BEFORE_MINUTES:
            at = AT - timedelta(minutes=minutes)
            heards, bodies = self._recorded(at, self.asset)
            seen = observe(self.snapshot(heards, at), self.history, CATALOG)
            assert seen.history is not None
            self.history = seen.history
            old.append({_plain(question): body for question, body in bodies.items()})
        self.heards, self.bodies = self._recorded(AT, self.asset)
        self.observed = observe(self.snapshot(self.heards, AT), self.history, CATALOG)
        self.figures = figures_of(self.observed)
        self.owners = self._owners()
        self._came: dict[tuple[str, bytes], Came] = {}
        ether = {_plain(key): body for key, body in self._recorded(AT, "ETH")[1].items()}
        self.told = {question: self._told(question, old, ether) for question in self.bodies}

    def _told(
        self, question: Question, old: list[dict[Question, bytes]], ether: dict[Question, bytes]
    ) -> Told:
        host = httpx.URL(question[1]).host
        body = self.bodies[question]
        other = [ether.get(_plain(_other_asset(question)))]
        same_host = [b for q, b in self.bodies.items() if httpx.URL(q[1]).host == host and q != question]
        return Told(
            body=body,
            before=tuple(then[_plain(question)] for then in old if _plain(question) in then),
            other_assets=tuple(b for b in other if b is not None and b != body),
            other_questions=tuple(same_host),
            elsewhere=tuple(b for q, b in self.bodies.items() if httpx.URL(q[1]).host != host),
        )

    def snapshot(self, heards: dict[str, Heard], at: datetime) -> Snapshot:
        return Snapshot(
            asset=self.asset,
            taken_at=at,
            readings=tuple(one for heard in heards.values() for one in heard.readings),
            gaps=tuple(gap for heard in heards.values() for gap in heard.gaps),
            asked=self.asked,
        )

    def with_reply(self, question: Question, body: bytes) -> Came:
        """What becomes of the poll with one reply another; where a source hears the same as once before, it is not worked
        out again."""
        source = self.owners[question]
        heard = _at_once(_poll(source, self.asset, _Replies(self.bodies | {question: body}), AT))
        key = source, hashlib.sha256(pickle.dumps(heard)).digest()
        if key not in self._came:
            self._came[key] = self._with_heard(source, heard)
        return self._came[key]

    def _with_heard(self, source: str, heard: Heard) -> Came:
        snapshot = self.snapshot({**self.heards, source: heard}, AT)
        observed = observe(snapshot, self.history, CATALOG)
        gaps = sorted({f"{gap.who}: {gap.reason}" for gap in (*snapshot.gaps, *observed.gaps)})
        now = figures_of(observed)
        wrong, changed = off(self.figures, now)
        if wrong:
            came = "wrong beside a gap" if gaps else "wrong"
        elif gaps or self.figures.keys() - now.keys():
            came = "gap"
        else:
            came = "small" if changed else "unchanged"
        return came, tuple(wrong), tuple(gaps)

    def _recorded(self, at: datetime, asset: str) -> tuple[dict[str, Heard], dict[Question, bytes]]:
        recorder = _Recorder(_Thinner(TapeTransport(self.tape, lambda: at, venues=tuple(available()))))

        async def every() -> dict[str, Heard]:
            return {name: await _poll(name, asset, recorder, at) for name in self.sources}

        return asyncio.run(every()), recorder.bodies

    def _owners(self) -> dict[Question, str]:
        found: dict[Question, str] = {}
        for name in self.sources:
            recorder = _Recorder(_Replies(self.bodies))
            asyncio.run(_poll(name, self.asset, recorder, AT))
            found |= dict.fromkeys(recorder.bodies, name)
        return found

    def _asked(self) -> dict[Quantity, tuple[str, ...]]:
        found: dict[Quantity, list[str]] = defaultdict(list)
        silent = httpx.MockTransport(lambda _: httpx.Response(500))

        async def brings() -> None:
            async with Http(now=lambda: AT, transport=silent) as http:
                for name in self.sources:
                    for quantity in available()[name](http, key="key").brings:
                        found[quantity].append(name)

        asyncio.run(brings())
        return {quantity: tuple(names) for quantity, names in sorted(found.items())}


class _Recorder(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.bodies: dict[Question, bytes] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        self.bodies[_question(request)] = response.content
        return response


class _Thinner(httpx.AsyncBaseTransport):
    """Leaves far strikes out of the lists of options: of a long list nothing else goes wrong than of a short one."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if len(response.content) < LONG_BYTES:
            return response
        tree = json.loads(response.content)
        for holder in (tree, tree.get("result"), tree.get("data")):
            for key in ("result", "list", "data"):
                if isinstance(holder, dict) and isinstance(holder.get(key), list):
                    holder[key] = [row for row in holder[key] if _is_kept(row)]
        return httpx.Response(response.status_code, json=tree, request=request)


def _is_kept(row: dict[str, object]) -> bool:
    name = next(str(row[key]) for key in ("symbol", "instId", "instrument_name") if key in row)
    strike = re.search(r"-(\d+)-[CP](?:-|$)", name)
    return strike is None or NEAR[0] <= int(strike[1]) <= NEAR[1]


class _Replies(httpx.AsyncBaseTransport):
    def __init__(self, bodies: dict[Question, bytes]) -> None:
        self._bodies = bodies

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = self._bodies.get(_question(request))
        if body is None:
            raise httpx.ConnectError("nobody asked this", request=request)
        headers = {"date": format_datetime(AT, usegmt=True)}
        return httpx.Response(200, headers=headers, content=body, request=request)


async def _poll(name: str, asset: str, transport: httpx.AsyncBaseTransport, at: datetime) -> Heard:
    async with Http(now=lambda: at, transport=transport, patience=Patience(attempts=1)) as http:
        try:
            return await available()[name](http, key="key").poll(asset, at)
        except SourceError as error:
            return Heard(readings=(), gaps=(Gap(who=name, reason=str(error)),))


def _at_once(poll: Coroutine[Any, Any, Heard]) -> Heard:
    """What a poll brings; `asyncio.run` spells out the whole task for its signal handler each time."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(poll)
    finally:
        loop.close()


def _question(request: httpx.Request) -> Question:
    return request.method, str(request.url), request.content.decode() if request.content else ""


def _plain(question: Question) -> Question:
    """A question without its times, which are others at every poll."""
    return question[0], re.sub(r"\d{10,}|\d{4}-\d\d-\d\d", "T", question[1]), question[2]


def _other_asset(question: Question) -> Question:
    return question[0], question[1].replace("BTC", "ETH").replace("btc", "eth"), question[2]


class Figure(Struct, frozen=True, kw_only=True):
    """A public figure and the venues that it says it stands on."""

    value: float
    at: datetime
    venues: tuple[str, ...]


def figures_of(observed: Observed) -> dict[str, Figure]:
    """The public figures: metrics as they are told now, and their changes."""
    found, changes = {}, [view for view in VIEWS if view.startswith("change_")]
    for metric, kept in CATALOG.metrics.items():
        for name in (metric, *(f"{metric}.{view}" for view in changes)):
            fact = observed.facts.get(name)
            if fact is not None and (fact.at >= AT - OLD or kept.max_age > OLD):
                found[name] = Figure(value=fact.value, at=fact.at, venues=fact.venues)
    return found


def _least(name: str, sound: dict[str, Figure]) -> float:
    metric, _, view = name.partition(".")
    if metric.endswith(("_effect_usd", "_effect_7d_usd")):
        return EFFECT_SHARE * sound["open_interest_usd"].value
    if metric in SMALL:
        return SMALL[metric]
    unit = "%" if view.endswith("_pct") else CATALOG.metrics[metric].unit
    return LEAST.get(unit, 0.0) or LEAST_SHARE * abs(sound[metric].value)


def off(sound: dict[str, Figure], now: dict[str, Figure]) -> tuple[list[str], bool]:
    """The figures that are off by more than half, and whether any is off at all. One that says itself that it stands on
    fewer venues, or is of an earlier time, is missing something and not off."""
    wrong, changed = [], False
    for name, figure in sorted(now.items()):
        was = sound.get(name)
        if was is None or figure.at < was.at or set(figure.venues) < set(was.venues):
            continue
        apart = abs(figure.value - was.value)
        changed = changed or apart > 1e-6 * max(abs(was.value), 1e-9)
        if not apart <= max(HALF * abs(was.value), _least(name, sound)):
            wrong.append(f"{name} {was.value:.5g} → {figure.value:.5g}")
    return wrong, changed


def tried(sound: Sound, question: Question, kind: str, body: bytes) -> Outcome:
    """What one mangled reply comes to."""
    came, wrong, gaps = sound.with_reply(question, body)
    return Outcome(kind=kind, endpoint=_short(question), came=came, figures=wrong, gaps=gaps)


def _short(question: Question) -> str:
    url = httpx.URL(_plain(question)[1])
    told = [f"{name}={value}" for name, value in url.params.items() if value != "T"]
    return f"{url.host}{url.path} {' '.join(told)}"


def mangled(sound: Sound, count: int, seed: int) -> Iterator[tuple[Question, str, bytes]]:
    """So many mangled replies: endpoints and kinds in turn, so that each has its share."""
    chance = random.Random(seed)
    made, misses = 0, 0
    questions = sorted(sound.told)
    while made < count and misses < 100 * count:
        question, kind = chance.choice(questions), chance.choice(list(KINDS))
        body = mangle(sound.told[question], kind, chance)
        if body is None:
            misses += 1
            continue
        made += 1
        yield question, kind, body


CAME = ("gap", "unchanged", "small", "wrong beside a gap", "wrong")


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Rows of a page: by kind, how many came to what."""
    counted = Counter((one.kind, one.came) for one in outcomes)
    lines = [f"| kind | replies | {' | '.join(CAME)} |", f"|---|{'---|' * (len(CAME) + 1)}"]
    for kind in KINDS:
        counts = [counted[kind, came] for came in CAME]
        lines.append(f"| {kind} | {sum(counts)} | {' | '.join(map(str, counts))} |")
    counts = [sum(counted[kind, came] for kind in KINDS) for came in CAME]
    return [*lines, f"| all | {sum(counts)} | {' | '.join(map(str, counts))} |"]


def main() -> None:
    """Try them, and print the table and each that is wrong."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=17)
    asked.add_argument("--minutes", type=float, default=60.0, help="end then, with what was tried by then")
    told = asked.parse_args()
    sound = Sound()
    outcomes: list[Outcome] = []
    until_s = time.monotonic() + 60.0 * told.minutes
    for number, (question, kind, body) in enumerate(mangled(sound, told.count, told.seed)):
        if time.monotonic() > until_s:
            break
        try:
            outcomes.append(tried(sound, question, kind, body))
        except Exception as error:  # noqa: BLE001
            print(f"CRASH {number} {kind} {_short(question)}: {type(error).__name__} {error}", flush=True)
            continue
        one = outcomes[-1]
        if one.came.startswith("wrong"):
            print(
                f"{number} {one.came}: {one.kind}: {one.endpoint}: {'; '.join(one.figures[:4])} ({len(one.figures)}) {one.gaps[:2]}",
                flush=True,
            )
    print("\n".join(table(outcomes)))


if __name__ == "__main__":
    main()
