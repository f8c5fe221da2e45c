"""The messages of the stream: posts from the archive, answers from the commands, each with what its numbers
stand on."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count

from msgspec.structs import replace

from bot.commands import Command, Request, run
from bot.commands.evidence import facts_of
from bot.delivery.preview.draw import Entry
from bot.delivery.preview.provenance import CardBasis, VenueValue, by_name, own_of
from bot.delivery.preview.surface import CHANNEL
from bot.delivery.preview.typed import LONGEST_LINE, Typed, parse
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import Answer, Button, Figure, Post, Profile
from bot.errors import InputError
from bot.metrics import History

LOOKED_BACK = 400  # posts that the slider reaches
MOST_JUDGED = 200
_ASKED = count(1)  # answers of all languages, so that each has a name of its own


class Entries:
    """Makes messages out of the posts and answers."""

    def __init__(
        self, market: Market, cards: Cards, commands: Mapping[str, Command], profile: Profile
    ) -> None:
        self._market = market
        self._cards = cards
        self._commands = commands
        self.profile = profile
        self._judged: dict[str, CardBasis] = {}

    @property
    def words(self) -> Mapping[str, str]:
        """The small words of the page's language."""
        return self._market.bank(self.profile).words

    async def posts(self) -> Sequence[Post]:
        """The posts of this channel that went out, oldest first."""
        found = await self._market.archive.posts.find(limit=LOOKED_BACK, channel=CHANNEL)
        return [post for post in reversed(found) if post.sent_at is not None]

    async def of_post(self, post: Post) -> Entry:
        """A post as a message, with its picture's address and a button to ask why."""
        card = self._cards.of_post(post)
        chart = await self._cards.chart_of(post)
        if "why" in self._commands:
            why = Button(
                label=self.words.get("button.why", "/why"), command="why", arguments={"post": post.id}
            )
            card = replace(card, buttons=(*card.buttons, why))
        return Entry(
            key=f"post-{post.id}",
            at=post.sent_at or post.intended_at,
            card=card,
            basis=await self._evidence(post),
            catalog=self._market.playbook.catalog,
            asset=post.asset,
            reason=post.reason,
            late=post.late,
            picture=f"/picture/{post.id}.png" if chart else "",
            words=chart.alt if chart else "",
        )

    async def picture(self, post_id: str, *, light: bool = False) -> bytes | None:
        """The picture of a post of this channel, drawn now, on a dark or a light ground; None where it has none."""
        post = await self._market.archive.posts.get(post_id, (CHANNEL,))
        if post is None or not post.channel.startswith(CHANNEL):
            return None
        return await self._cards.draw_post(post, light=light)

    async def of_line(self, line: str) -> Entry:
        """The answer to a typed line as a message."""
        answer, basis = await self._answer(line)
        return Entry(
            key=f"answer-{next(_ASKED)}",
            at=self._market.now(),
            card=await self._cards.of_answer(answer),
            basis=basis,
            catalog=self._market.playbook.catalog,
            line=line[:LONGEST_LINE],
        )

    async def _answer(self, line: str) -> tuple[Answer, CardBasis]:
        try:
            typed = parse(line, self._commands)
        except InputError as error:
            return self._market.refuse(error, self.profile), CardBasis(at=self._market.now())
        request = Request(options=typed.options, profile=self.profile, surface="preview", channel=CHANNEL)
        answer = await run(self._market, typed.command, request)
        return answer, await self._basis(typed, answer)

    async def _basis(self, typed: Typed, answer: Answer) -> CardBasis:
        """What an answer of now stands on."""
        now = self._market.now()
        try:
            asset = self._market.asset(typed.options.get("asset"))
        except InputError:
            return CardBasis(at=now)
        spans = (
            *answer.title_spans,
            *answer.body_spans,
            *(span for one in _figures(answer) for span in one.spans),
        )
        history = await self._market.history(asset)
        own = {
            name: tuple(_last(history, name, venue) for venue in history.venues(name))
            for name in {span.origin.ref for span in spans if span.origin.kind == "fact"}
        }
        return CardBasis(at=now, facts=by_name(await self._market.facts(asset)), own=own)

    async def _evidence(self, post: Post) -> CardBasis:
        """What a post was judged on. It never changes, so it is read once."""
        if post.id not in self._judged:
            while len(self._judged) >= MOST_JUDGED:
                self._judged.pop(next(iter(self._judged)))
            evidence = await self._market.archive.posts.evidence(post.id, (post.channel,))
            facts = facts_of(post.asset, post.story.at, evidence)
            self._judged[post.id] = CardBasis(at=post.story.at, facts=by_name(facts), own=own_of(evidence))
        return self._judged[post.id]


def _figures(answer: Answer) -> Iterator[Figure]:
    """Every labeled value of an answer."""
    if answer.lead is not None:
        yield answer.lead
    yield from (one for table in answer.tables for row in table.rows for one in row.cells)
    yield from answer.notes
    yield from answer.figures


def _last(history: History, name: str, venue: str) -> VenueValue:
    column = history.column(name, venue)
    at = datetime.fromtimestamp(float(column.known_ms[-1]) / 1000, UTC)
    return VenueValue(venue=venue, value=float(column.value[-1]), at=at)


def up_to(posts: Sequence[Post], past: datetime | None) -> Sequence[Post]:
    """The posts that were there at a time; all of them where none is given."""
    return [post for post in posts if past is None or (post.sent_at or post.intended_at) <= past]
