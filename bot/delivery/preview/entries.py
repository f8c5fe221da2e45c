"""The messages of the stream: posts from the archive, answers from the commands, each with what its numbers stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.commands import Command, Request, run
from bot.commands.evidence import facts_of
from bot.delivery.preview.draw import Entry
from bot.delivery.preview.grounds import Basis, Own, by_name, own_of
from bot.delivery.preview.typed import LONGEST_LINE, Typed, parse
from bot.desk import Desk
from bot.domain.posts import Answer, Button, Post, Profile
from bot.errors import InputError
from bot.metrics import History

CHANNEL = "preview:"
LOOKED_BACK = 400  # posts that the slider reaches
MOST_JUDGED = 200


class Entries:
    """Makes messages out of the desk's posts and answers."""

    def __init__(self, desk: Desk, commands: Mapping[str, Command], profile: Profile) -> None:
        self._desk = desk
        self._commands = commands
        self._profile = profile
        self._asked = 0
        self._judged: dict[str, Basis] = {}

    @property
    def words(self) -> Mapping[str, str]:
        """The small words of the page's language."""
        return self._desk.bank(self._profile).words

    async def posts(self) -> Sequence[Post]:
        """The posts of this channel that went out, oldest first."""
        found = await self._desk.archive.posts(limit=LOOKED_BACK, channel=CHANNEL)
        return [post for post in reversed(found) if post.sent_at is not None]

    async def of_post(self, post: Post) -> Entry:
        """A post as a message, with its picture's address and a button to ask why."""
        card = self._desk.card(post)
        chart = await self._desk.pictures.chart(post)
        if "why" in self._commands:
            why = Button(label=self.words.get("button.why", "/why"), command="why", arguments={"post": post.id})
            card = replace(card, buttons=(*card.buttons, why))
        return Entry(
            key=f"post-{post.id}",
            at=post.sent_at or post.intended_at,
            card=card,
            basis=await self._evidence(post),
            catalog=self._desk.playbook.catalog,
            asset=post.asset,
            reason=post.reason,
            late=post.late,
            picture=f"/picture/{post.id}.png" if chart else "",
            words=chart.alt if chart else "",
        )

    async def picture(self, post_id: str) -> bytes | None:
        """The picture of a post of this channel, drawn now; None where it has none."""
        post = await self._desk.archive.post(post_id)
        if post is None or not post.channel.startswith(CHANNEL):
            return None
        chart = await self._desk.pictures.chart(post)
        return await self._desk.pictures.draw(chart) if chart else None

    async def of_line(self, line: str) -> Entry:
        """The answer to a typed line as a message."""
        answer, basis = await self._answer(line)
        self._asked += 1
        return Entry(
            key=f"answer-{self._asked}",
            at=self._desk.now(),
            card=await self._desk.answer_card(answer),
            basis=basis,
            catalog=self._desk.playbook.catalog,
            line=line[:LONGEST_LINE],
        )

    async def _answer(self, line: str) -> tuple[Answer, Basis]:
        try:
            typed = parse(line, self._commands)
        except InputError as error:
            return self._desk.refuse(error, self._profile), Basis(at=self._desk.now())
        request = Request(options=typed.options, profile=self._profile, surface="preview", channel=CHANNEL)
        answer = await run(self._desk, typed.command, request)
        return answer, await self._basis(typed, answer)

    async def _basis(self, typed: Typed, answer: Answer) -> Basis:
        """What an answer of now stands on."""
        now = self._desk.now()
        try:
            asset = self._desk.asset(typed.options.get("asset"))
        except InputError:
            return Basis(at=now)
        spans = (*answer.title_spans, *answer.body_spans, *(span for one in answer.figures for span in one.spans))
        history = await self._desk.history(asset)
        own = {
            name: tuple(_last(history, name, venue) for venue in history.venues(name))
            for name in {span.origin.ref for span in spans if span.origin.kind == "fact"}
        }
        return Basis(at=now, facts=by_name(await self._desk.facts(asset)), own=own)

    async def _evidence(self, post: Post) -> Basis:
        """What a post was judged on. It never changes, so it is read once."""
        if post.id not in self._judged:
            while len(self._judged) >= MOST_JUDGED:
                self._judged.pop(next(iter(self._judged)))
            evidence = await self._desk.archive.evidence(post.id)
            facts = facts_of(post.asset, post.story.at, evidence)
            self._judged[post.id] = Basis(at=post.story.at, facts=by_name(facts), own=own_of(evidence))
        return self._judged[post.id]


def _last(history: History, name: str, venue: str) -> Own:
    column = history.column(name, venue)
    at = datetime.fromtimestamp(float(column.known_ms[-1]) / 1000, UTC)
    return Own(venue=venue, value=float(column.value[-1]), at=at)


def up_to(posts: Sequence[Post], past: datetime | None) -> Sequence[Post]:
    """The posts that were there at a time; all of them where none is given."""
    return [post for post in posts if past is None or (post.sent_at or post.intended_at) <= past]
