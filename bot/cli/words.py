"""The command line's words: a story on stated facts, and how well the phrase banks are filled."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import to_builtins

from bot.cli.shared import print_json
from bot.cli.typed import read_text
from bot.commentary import ClaimedSentence, claims, groundless, rubric, stats
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.lab import questions as inquiry
from bot.playbook import CONFIG, read_playbook
from bot.process.archive_questions import story_text, told_on_tape
from bot.process.demo import read_tape
from bot.process.settings import load

commands = typer.Typer(add_completion=False)
phrases = typer.Typer(no_args_is_help=True, help="The phrase banks.")
commands.add_typer(phrases, name="phrases")

Length = Literal["short", "embed", "article"]
ConfigFolder = Annotated[
    Path, typer.Option("--config", help="The folder with bot.toml, rules/, phrases/, tapes/.")
]
Locale = Annotated[str, typer.Option(help="A folder of config/phrases/.")]
Json = Annotated[bool, typer.Option("--json", help="JSON alone on standard output.")]
THINNEST = 12


@commands.command()
def write(
    facts: Annotated[Path, typer.Option(help="A market as JSON for `judge`; - for standard input.")],
    length: Annotated[Length, typer.Option(help="How long.")] = "embed",
    locale: Locale = "en",
    config: ConfigFolder = CONFIG,
) -> None:
    """The story of stated facts. Where no article can be written, the embed and why. Exit code 1 for a plain
    card."""
    playbook = read_playbook(config)
    _known(locale, playbook)
    market = inquiry.state_facts(inquiry.read_market(read_text(str(facts)), datetime.now(UTC)), playbook)
    profile = Profile(locale=locale)
    verdict, stories = inquiry.settle(market, playbook, profile, (length,))
    story = stories.get(length)
    if story is None:
        print(f"tightrope: {inquiry.why_no_article(verdict, market, playbook, profile)}", file=sys.stderr)
        _, stories = inquiry.settle(market, playbook, profile, ("embed",))
        story = stories["embed"]
    elif story.length != length:
        print(f"tightrope: no {length} passed the gate; this is the {story.length}", file=sys.stderr)
    print(story_text(story))
    for failure in story.failures:
        print(f"tightrope: {failure}", file=sys.stderr)
    raise typer.Exit(1 if story.plain else 0)


@phrases.command("stats")
def phrases_stats(locale: Locale = "en", as_json: Json = False, config: ConfigFolder = CONFIG) -> None:
    """Phrases for each slot and subject, the windows they allow, the thinnest pools."""
    playbook = read_playbook(config)
    _known(locale, playbook)
    counted = stats(playbook.banks[locale])
    short = counted.short_of_window
    if as_json:
        print_json({**to_builtins(counted), "short_of_window": to_builtins(short)})
        return
    print(f"{counted.locale}: {counted.phrases} phrases in {len(counted.pools)} pools")
    for slot, count in counted.slots.items():
        print(f"{count:>6}  {slot}")
    for story, count in counted.frames.items():
        print(f"{count:>6}  frames of {story}")
    if counted.clauses:
        print(f"{counted.clauses:>6}  situations with clauses")
    windowed = [pool for pool in counted.pools if pool.wanted is not None]
    print(f"\nthe thinnest of {len(windowed)} pools with a window (phrases, window, wanted):")
    for pool in windowed[:THINNEST]:
        print(f"{pool.phrases:>6} {pool.window:>3} {pool.wanted:>3}  {pool.slot}: {pool.about}")
    print(f"\n{len(short)} pools are short of their window")


@phrases.command("rubric")
def phrases_rubric(
    tape: Annotated[str, typer.Option(help="A tape of config/tapes.")] = "february-2026",
    locale: Locale = "en",
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """What the posts of a tape are like, in counts beside their goals. Exit code 1 where a goal is missed."""
    playbook = read_playbook(config)
    _known(locale, playbook)
    settings = load(config, {})
    posts = asyncio.run(told_on_tape(settings, playbook, read_tape(tape, config), locale))
    counted = rubric(posts, playbook.rules, playbook.banks[locale])
    if as_json:
        print_json({"tape": tape, "posts": len(posts), "rows": to_builtins(counted)})
    else:
        print(f"{tape}, {locale}: {len(posts)} posts")
        for row in counted:
            value = "none" if row.value is None else f"{row.value:.0f}{'%' if '%' in row.goal else ''}"
            print(f"{value:>6}  {row.goal:<7} {'' if row.met else '!'} {row.count}")
    raise typer.Exit(0 if all(row.met for row in counted) else 1)


@phrases.command("claims")
def phrases_claims(
    at: Annotated[list[datetime], typer.Option(help="A time of a post (UTC); may be given again.")] = [],  # noqa: B006
    tape: Annotated[str, typer.Option(help="A tape of config/tapes.")] = "february-2026",
    locale: Locale = "en",
    as_json: Json = False,
    config: ConfigFolder = CONFIG,
) -> None:
    """Each sentence of a tape's posts with the readings that its figures come from. Exit code 1 where a figure leads to
    none."""
    playbook = read_playbook(config)
    _known(locale, playbook)
    wanted = {one if one.tzinfo else one.replace(tzinfo=UTC) for one in at}
    posts = asyncio.run(told_on_tape(load(config, {}), playbook, read_tape(tape, config), locale))
    told = [post for post in posts if not wanted or post.story.at in wanted]
    if missing := sorted(wanted - {post.story.at for post in told}):
        raise InputError(f"{tape} has no post of {', '.join(one.isoformat() for one in missing)}")
    if as_json:
        rows = {post.story.at.isoformat(): to_builtins(claims(post)) for post in told}
        print_json(rows)
    else:
        for post in told:
            print(f"{post.story.at:%Y-%m-%d %H:%M} {post.story.tag.text if post.story.tag else ''}")
            for claim in claims(post):
                print("\n".join(_claimed(claim)))
            print()
    raise typer.Exit(1 if any(any(groundless(post)) for post in told) else 0)


def _claimed(claim: ClaimedSentence) -> Iterator[str]:
    yield f"  {claim.sentence.replace(chr(9), '  ')}"
    for figure in claim.figures:
        when = f", {figure.at:%Y-%m-%d %H:%M}" if figure.at is not None else ""
        who = f", {', '.join(figure.venues)}" if figure.venues else ""
        yield f"      {figure.text:<18} {figure.kind} {figure.ref} = {figure.value}{when}{who}"


def _known(locale: str, playbook: Playbook) -> None:
    if locale not in playbook.banks:
        raise InputError(f"no phrases for {locale!r}; there are {', '.join(sorted(playbook.banks))}")
