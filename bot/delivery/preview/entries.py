"""The messages of the stream: posts from the archive, answers from the commands, each with what its numbers stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.commands import Command, Request, run
from bot.commands.evidence import facts_of
from bot.delivery.preview.draw import Entry
from bot.delivery.preview.grounds import by_name
from bot.delivery.preview.typed import LONGEST_LINE, Typed, parse
from bot.desk import Desk
from bot.domain.facts import Fact
from bot.domain.posts import Answer, Button, Post, Profile
from bot.errors import InputError

CHANNEL = "preview:"
LOOKED_BACK = 400  # posts of all channels, among them those of this page
MOST_JUDGED = 200


class Entries:
    """Makes messages out of the desk's posts and answers."""

    def __init__(self, desk: Desk, commands: Mapping[str, Command]) -> None:
        self._desk = desk
        self._commands = commands
        self._profile = Profile()
        self._asked = 0
        self._judged: dict[str, Mapping[str, Fact]] = {}

    @property
    def words(self) -> Mapping[str, str]:
        """The small words of the page's language."""
        return self._desk.bank(self._profile).words

    async def posts(self) -> Sequence[Post]:
        """The posts of this channel that went out, oldest first."""
        found = await self._desk.archive.posts(limit=LOOKED_BACK)
        return [post for post in reversed(found) if post.channel.startswith(CHANNEL) and post.sent_at is not None]

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
            facts=await self._evidence(post),
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
        answer, facts = await self._answer(line)
        self._asked += 1
        return Entry(
            key=f"answer-{self._asked}",
            at=self._desk.now(),
            card=await self._desk.answer_card(answer),
            facts=facts,
            catalog=self._desk.playbook.catalog,
            line=line[:LONGEST_LINE],
        )

    async def _answer(self, line: str) -> tuple[Answer, Mapping[str, Fact]]:
        try:
            typed = parse(line, self._commands)
        except InputError as error:
            return self._desk.refuse(error, self._profile), {}
        request = Request(options=typed.options, profile=self._profile, surface="preview", channel=CHANNEL)
        return await run(self._desk, typed.command, request), await self._facts(typed)

    async def _facts(self, typed: Typed) -> Mapping[str, Fact]:
        """The facts that an answer of now stands on."""
        try:
            asset = self._desk.asset(typed.options.get("asset"))
        except InputError:
            return {}
        return by_name(await self._desk.facts(asset))

    async def _evidence(self, post: Post) -> Mapping[str, Fact]:
        """The facts that a post was judged on. They never change, so they are read once."""
        if post.id not in self._judged:
            while len(self._judged) >= MOST_JUDGED:
                self._judged.pop(next(iter(self._judged)))
            evidence = await self._desk.archive.evidence(post.id)
            self._judged[post.id] = by_name(facts_of(post.asset, post.story.at, evidence))
        return self._judged[post.id]


def up_to(posts: Sequence[Post], past: datetime | None) -> Sequence[Post]:
    """The posts that were there at a time; all of them where none is given."""
    return [post for post in posts if past is None or (post.sent_at or post.intended_at) <= past]
