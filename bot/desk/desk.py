"""The desk of a process: its market, poller, filler, cards and sender, built on one memory."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from bot.charts.pictures import Pictures
from bot.desk.cards import Cards
from bot.desk.filler import PastFiller
from bot.desk.market import Market
from bot.desk.poller import Agenda, Poller, PollSettings
from bot.desk.sender import Sender
from bot.desk.stores import DeskArchive
from bot.desk.worth import PostWorth
from bot.notices.notices import Notices
from bot.ports import Source, Surface


class DeskSettings(Struct, frozen=True, kw_only=True):
    """The desk's numbers, from bot.toml: the poll's, how many posts of a surface go out side by side, and how
    long one is worth sending."""

    poll: PollSettings
    concurrency: int
    worth: PostWorth = field(default_factory=PostWorth)


class Desk(Struct, frozen=True, kw_only=True):
    """What a running bot's parts are made of; each part is given just those that it needs."""

    market: Market
    poller: Poller
    filler: PastFiller
    cards: Cards
    sender: Sender


def build_desk(
    *,
    market: Market,
    archive: DeskArchive,
    sources: Sequence[Source],
    surfaces: Mapping[str, Surface],
    settings: DeskSettings,
    agenda: Agenda,
    pictures: Pictures | None = None,
    notices: Notices | None = None,
) -> Desk:
    """All parts around one market."""
    cards = Cards(market, pictures or Pictures())
    return Desk(
        market=market,
        poller=Poller(
            market=market,
            archive=archive,
            sources=sources,
            settings=settings.poll,
            agenda=agenda,
            notices=notices,
        ),
        filler=PastFiller(market=market, archive=archive, sources=sources),
        cards=cards,
        sender=Sender(
            market=market,
            archive=archive,
            cards=cards,
            surfaces=surfaces,
            concurrency=settings.concurrency,
            worth=settings.worth,
            notices=notices,
        ),
    )
