"""The daily note of a reader: the verdict of each asset that they chose, and their readings as a table.

It is made in the poll of the last of its assets, from what each of them came to, and sent by direct message once a
day, at the reader's own hour."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.commentary import NO_VALUE, cell, notice_footer, speak
from bot.decide import digest_of
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import DailyNote, Decision, Figure, Post, Profile
from bot.domain.story import Origin, PhraseBank, Span, Story, Text

WIDTH = 30
HEADS = ("now", "before")
MOST_METRICS = 8
MOST_ASSETS = 5

DueNotes = Callable[[datetime], Awaitable[Sequence[tuple[DailyNote, datetime]]]]
"""The notes whose hour has come by a time, and the hour."""

Judged = tuple[Verdict, Facts]
JudgeAsset = Callable[[str, Profile], Awaitable[Judged]]
"""The verdict of an asset now, and the facts that it was judged on. Raises ArchiveError."""


class DailyNotes(Struct, frozen=True, kw_only=True):
    """Makes the notes whose hour has come. `assets` are those that are followed, in the order of their polls;
    `late_after` is when a post counts as late."""

    due: DueNotes
    judge: JudgeAsset
    assets: tuple[str, ...]
    late_after: timedelta

    async def posts(self, decision: Decision, profile: Profile, playbook: Playbook) -> Sequence[Post]:
        """The notes that end with this decision's asset. Raises ArchiveError."""
        if profile != Profile():  # they are made once a poll, with the decision that is always there
            return ()
        at, asset = decision.facts.at, decision.facts.asset
        made: list[Post] = []
        for note, slot in await self.due(at):
            mine = [one for one in self.assets if one in note.assets]
            if not mine or mine[-1] != asset:
                continue
            told = {one: await self.judge(one, Profile(locale=note.locale)) for one in mine[:-1]}
            told[asset] = decision.verdict, decision.facts
            made.append(note_post(note, slot, told, playbook, late=at - slot > self.late_after))
        return made


def note_post(
    note: DailyNote, slot: datetime, told: Mapping[str, Judged], playbook: Playbook, *, late: bool = False
) -> Post:
    """The note of one hour as a post; the same for the same reader and hour."""
    name = digest_of("digest", note.reader, slot.isoformat())[:8]
    story = note_story(note, told, playbook)
    return Post(
        id=name,
        channel=note.channel,
        asset=story.asset,
        reason="digest",
        story=story,
        nonce=digest_of("nonce", name, note.channel)[:24],
        intended_at=slot,
        late=late,
    )


def note_story(note: DailyNote, told: Mapping[str, Judged], playbook: Playbook) -> Story:
    """The note in words: a sentence an asset, then its readings. Pure."""
    bank = playbook.banks.get(note.locale, playbook.banks["en"])
    verdict, facts = list(told.values())[-1]
    return Story(
        asset=facts.asset,
        at=facts.at,
        length="embed",
        locale=bank.locale,
        stance=verdict.stance,
        headline=Text(slot="headline", about="digest", text=bank.words["title.digest"]),
        paragraphs=tuple(_line(*one, playbook, bank) for one in told.values()),
        footer=notice_footer(facts.at, bank, facts.of_those(note.metrics).sources()),
        table=note_table(note, {asset: facts for asset, (_, facts) in told.items()}, playbook, bank),
    )


def note_table(
    note: DailyNote, told: Mapping[str, Facts], playbook: Playbook, bank: PhraseBank
) -> tuple[Text, ...]:
    """A line a reading: its name, now, a day ago, within the width of a telephone; of several assets each has a line of
    its own above its readings. What is not known has none."""
    found = {
        asset: [
            (_word(name, bank), cells)
            for name in note.metrics
            if (cells := _cells(name, facts, playbook, bank))[0].text != NO_VALUE
        ]
        for asset, facts in told.items()
    }
    every = [cells for lines in found.values() for _, cells in lines]
    widths = [
        max(len(bank.words[f"column.{head}"]), *(len(cells[place].text) for cells in every))
        for place, head in enumerate(HEADS)
        if every
    ]
    room = WIDTH - sum(width + 1 for width in widths)
    nothing = [Figure(label="", text="") for _ in HEADS]
    return tuple(
        _row(label if len(label) <= room else f"{label[: room - 1].rstrip()}…", cells)
        for asset, lines in found.items()
        if lines
        for label, cells in ((asset, nothing), *lines)[0 if len(told) > 1 else 1 :]
    )


def _cells(name: str, facts: Facts, playbook: Playbook, bank: PhraseBank) -> list[Figure]:
    return [cell(one, facts, playbook.catalog, bank) for one in (name, f"{name}.before_24h")]


def _row(label: str, cells: Sequence[Figure]) -> Text:
    """The cells of a line, parted by tabs, with their spans."""
    text, spans = label, list[Span]()
    for one in cells:
        start = len(text) + 1
        spans += [span.shift(start) for span in one.spans]
        text = f"{text}\t{one.text}"
    return Text(slot="evidence", about="row", text=text, spans=tuple(spans))


def _word(name: str, bank: PhraseBank) -> str:
    titled = bank.metrics[name].title if name in bank.metrics else name
    return bank.words.get(f"short.{name}") or bank.words.get(f"row.{name}") or titled


def _line(verdict: Verdict, facts: Facts, playbook: Playbook, bank: PhraseBank) -> Text:
    shown = "mixed" if verdict.mixed else verdict.stance
    stance = Origin(kind="name", ref="stance", value=bank.words[f"stance.{shown}"])
    return _say("digest", facts, playbook, bank, stance=stance)


def _say(about: str, facts: Facts, playbook: Playbook, bank: PhraseBank, **names: Origin) -> Text:
    return speak(
        slot="answer",
        about=about,
        facts=facts,
        catalog=playbook.catalog,
        book=playbook.rules,
        bank=bank,
        at=facts.at,
        names=names,
    )
