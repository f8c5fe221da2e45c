"""`bot check --watch`: at each save of a rule, a phrase, a case or a golden market, what is different from
the start: cases that fail, sentences of the golden posts, verdicts and alerts of the past."""

import difflib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.times import iso
from bot.errors import ConfigError, InputError
from bot.lab.backtest import BacktestRun, WouldBeAlert, run
from bot.lab.check import check
from bot.lab.golden import page, parse_golden
from bot.playbook import EQUIVALENT, read_playbook, read_texts

EVERY_S = 0.3
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9$±+−])|\n+")

Stamps = Mapping[Path, tuple[int, int]]
"""When each file was last written, in nanoseconds, and its size."""


class Folders(Struct, frozen=True, kw_only=True):
    """The folders that are watched."""

    config: Path
    cases: Path
    golden: Path

    def files(self) -> Sequence[Path]:
        """Every file that is read, as they are now."""
        own = [*self.config.glob("*.toml"), *(self.config / "rules").glob("*.toml")]
        return [
            *own,
            *(self.config / "phrases").glob("*/*.toml"),
            *self.cases.glob("*.toml"),
            *self.golden.glob("*.toml"),
        ]

    def stamps(self) -> Stamps:
        """Which state the files are in. A file that goes away between the list and the look is left out."""
        found = {}
        for path in self.files():
            try:
                told = path.stat()
            except FileNotFoundError:
                continue
            found[path] = (told.st_mtime_ns, told.st_size)
        return found


class Stretch(Struct, frozen=True, kw_only=True):
    """A past that edits are tried on, and where it is from."""

    asset: str
    since: datetime
    until: datetime
    series: Sequence[Series]
    origin: str


class Sight(Struct, frozen=True, kw_only=True):
    """What the files say as they stand: cases that fail, the page of each golden market, the past judged."""

    failures: tuple[str, ...]
    pages: Mapping[str, str]
    judged: BacktestRun
    rules: str


class FilesRead(Struct, frozen=True, kw_only=True):
    """The files as they stood at a moment, and their stamps of just before: what is saved meanwhile differs from
    them."""

    stamps: Stamps
    playbook: Playbook
    cases: Mapping[str, str]
    golden: Mapping[str, str]


def read(files: Folders) -> FilesRead:
    """Every file, as it stands now. Raises ConfigError."""
    stamps = files.stamps()
    return FilesRead(
        stamps=stamps,
        playbook=read_playbook(files.config),
        cases=read_texts(files.cases) if files.cases.is_dir() else {},
        golden=read_texts(files.golden) if files.golden.is_dir() else {},
    )


def look(
    files: Folders, stretch: Stretch, before: Sight | None = None, found: FilesRead | None = None
) -> Sight:
    """Everything judged anew, as it was `found` or else as it stands now; the past only where the rules are others than
    `before`. Raises ConfigError."""
    found = found or read(files)
    playbook = found.playbook
    report = check(playbook, {name: text for name, text in found.cases.items() if name != EQUIVALENT})
    same = before is not None and before.rules == playbook.rules.hash
    return Sight(
        failures=report.failures,
        pages=_pages(files, found),
        judged=before.judged if before is not None and same else judge(playbook, stretch),
        rules=playbook.rules.hash,
    )


def judge(playbook: Playbook, stretch: Stretch) -> BacktestRun:
    """A past by the rules of a playbook, hour by hour."""
    return run(playbook.rules, stretch.series, stretch.asset, playbook.catalog, stretch.since, stretch.until)


def differences(before: Sight, after: Sight, stretch: Stretch) -> list[str]:
    """What an edit changed, in lines. Empty where nothing did."""
    return [*_cases(before, after), *_sentences(before, after), *_past(before, after, stretch)]


def _pages(files: Folders, found: FilesRead) -> dict[str, str]:
    """The page of each golden market: in English, and in each language that has a page of it."""
    told: dict[str, str] = {}
    playbook = found.playbook
    for file, text in found.golden.items():
        name = file.removesuffix(".toml")
        market = parse_golden(name, text, playbook.catalog)
        told[name] = page(market, playbook)
        others = [one for one in playbook.banks if (files.golden / one / f"{name}.md").is_file()]
        told |= {f"{locale}/{name}": page(market, playbook, locale) for locale in others}
    return told


def _cases(before: Sight, after: Sight) -> Iterator[str]:
    yield from (f"FAIL  {line}" for line in after.failures if line not in before.failures)
    yield from (f"ok    no longer: {line}" for line in before.failures if line not in after.failures)


def _sentences(before: Sight, after: Sight) -> Iterator[str]:
    for name in sorted({*before.pages, *after.pages}):
        old, new = (SENTENCE.split(sight.pages.get(name, "")) for sight in (before, after))
        changed = [line for line in difflib.ndiff(old, new) if line[:2] in ("- ", "+ ") and line[2:].strip()]
        if changed:
            yield f"golden {name}"
            yield from (f"  {line}" for line in changed)


def _past(before: Sight, after: Sight, stretch: Stretch) -> Iterator[str]:
    if before.rules == after.rules:
        return
    old, new = before.judged, after.judged
    yield (
        f"{stretch.asset}, {iso(stretch.since)[:10]} to {iso(stretch.until)[:10]} ({stretch.origin}, {len(new.moments)} hours with"
        f" a poll): {len(old.calls)} → {len(new.calls)} verdicts in turn, {len(old.alerts)} → {len(new.alerts)} alerts,"
        f" {_otherwise(old, new)} hours in another stance"
    )
    yield from _gone_and_new("verdict", [_call(one) for one in old.calls], [_call(one) for one in new.calls])
    yield from _gone_and_new(
        "alert", [_alert(one) for one in old.alerts], [_alert(one) for one in new.alerts]
    )


def _otherwise(old: BacktestRun, new: BacktestRun) -> int:
    return sum(one.stance != two.stance for one, two in zip(old.moments, new.moments, strict=True))


def _call(one: Call) -> str:
    return f"{iso(one.at)}  {one.stance}"


def _alert(one: WouldBeAlert) -> str:
    return f"{iso(one.at)}  {one.stance} ({one.reason})"


def _gone_and_new(what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    yield from (f"  gone  {what} {line}" for line in old if line not in new)
    yield from (f"  new   {what} {line}" for line in new if line not in old)


def follow(
    files: Folders,
    stretch: Stretch,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
    *,
    baseline: FilesRead | None = None,
) -> NoReturn:
    """Look again at each save, and say what is different from the start, until interrupted. A broken file is
    said, and the looking goes on. The start is the `baseline`, or what the files are now.

    Raises ConfigError where the files are broken at the start."""
    baseline = baseline or read(files)
    seen = baseline.stamps
    first = last = look(files, stretch, found=baseline)
    say(f"watching {len(seen)} files; {_well(first)}. Save a rule or a phrase; Ctrl-C ends.")
    while True:
        sleep(EVERY_S)
        stamps = files.stamps()
        if stamps == seen:
            continue
        saved = sorted(path.name for path in {*stamps, *seen} if stamps.get(path) != seen.get(path))
        seen = stamps
        say(f"\n── {', '.join(saved)}")
        try:
            last = look(files, stretch, last)
        except ConfigError as error:
            say("\n".join(f"BROKEN  {problem}" for problem in error.problems))
            continue
        except (OSError, InputError) as error:
            say(f"BROKEN  {error}")
            continue
        lines = differences(first, last, stretch)
        say("\n".join([*lines, _well(last)] if lines else ["as it was at the start"]))


def _well(sight: Sight) -> str:
    return f"{len(sight.failures)} cases fail" if sight.failures else "all cases pass"
