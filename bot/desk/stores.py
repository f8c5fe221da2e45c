"""What the desk, and whoever is given the desk, asks of the archive. Every method raises ArchiveError."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from bot.domain.chain import PastSmiles
from bot.domain.facts import PastsOfDay, Point, Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import DailyNote, Decision, Post, PostInputs, Profile, State, Watch
from bot.domain.readings import Snapshot
from bot.domain.tellings import KnownTellings


class PastStore(Protocol):
    """Every number's past."""

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        """Every metric's past of one asset between two times, as known at the later one, hourly where rolled
        up, aggregate and per venue."""
        ...

    async def past(
        self,
        metric: str,
        asset: str,
        since: datetime,
        until: datetime | None = None,
        venue: str | None = None,
    ) -> Series:
        """One metric's past between two times; empty columns where nothing is stored."""
        ...


class HeardStore(Protocol):
    """Where numbers that were heard go."""

    async def add(self, heard: Sequence[Point], heard_at: datetime | None = None) -> None:
        """Store points; one that is there already (same metric, asset, venue, time) is replaced. With
        `heard_at` what was known of a stretch until then is kept."""
        ...


class StateStore(Protocol):
    """What was judged, and what is remembered of it."""

    async def load(self, asset: str, profile: Profile) -> State:
        """What decide() remembered last, routes of the profile's subscriptions included; an empty State at
        first."""
        ...

    async def load_all(self, asset: str, profiles: Sequence[Profile]) -> Callable[[Profile], State]:
        """What `load` tells of each of these profiles, read at once. Asking for one raises ArchiveError where it was stored
        in a shape that is not read."""
        ...

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        """Each change of stance, or of the rules that judge, oldest first; the first row is the stance at the
        beginning."""
        ...


class PostStore(Protocol):
    """Posts looked back on."""

    async def find(
        self,
        *,
        asset: str | None = None,
        limit: int = 50,
        before: datetime | None = None,
        channel: str | None = None,
    ) -> Sequence[Post]:
        """Posts, newest first; of one asset, of one channel."""
        ...

    async def get(self, post_id: str, channels: Sequence[str] = ()) -> Post | None:
        """One post by its short id; where several channels have it, that of one of these `channels`."""
        ...

    async def evidence(self, post_id: str, channels: Sequence[str] = ()) -> Mapping[str, object]:
        """What a post was judged on: facts with times and venues, readings and gaps, as plain JSON-ready
        values."""
        ...

    async def inputs(self, post_id: str, channels: Sequence[str] = ()) -> PostInputs | None:
        """What a post stood on, for telling it again; None where it is not known any more."""
        ...


class DoubtStore(Protocol):
    """Posts that may have gone out."""

    async def find_uncertain(self, surface: str) -> Sequence[Post]:
        """Posts of one surface of which nobody can tell whether they went out, oldest first."""
        ...


class SendingStore(Protocol):
    """Posts that are to be sent."""

    async def take_unsent(self, surface: str) -> Sequence[Post]:
        """The posts of one surface that are to be sent now, by us, oldest first."""
        ...

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        """Posts are tried from now on; those that were before keep their time."""
        ...

    async def clear_attempts(self, untried: Sequence[Post]) -> None:
        """It is certain that nothing of these posts went out."""
        ...

    async def give_up(self, worthless: Sequence[Post]) -> None:
        """These posts are not sent any more."""
        ...

    async def mark_sent(
        self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None
    ) -> None:
        """The post went out."""
        ...


class PlaybookStore(Protocol):
    """The files that judged."""

    async def keep(self, playbook: Playbook, at: datetime) -> None:
        """Keep the files of an edition, so that what it said can be said again."""
        ...


class ProfileStore(Protocol):
    """Who is judged for."""

    async def profiles(self, asset: str) -> Sequence[Profile]:
        """The profiles that some subscription of the asset uses; the default one at least, first."""
        ...


class WatchStore(Protocol):
    """Personal watches."""

    async def find(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        """Personal watches, in the order in which they were set."""
        ...

    async def add(self, wish: Watch, *, most: int) -> None:
        """Set a watch; one on the same line begins anew. Raises InputError where the reader has `most`
        others."""
        ...

    async def remove(self, reader: str, number: int | None = None) -> int:
        """Remove one watch of a reader by its id, or all: how many there were."""
        ...


class PastsStore(Protocol):
    """Where the day's pasts of an asset are remembered."""

    async def load(self, asset: str) -> PastsOfDay | None:
        """The pasts as they were last worked out; None before the first day."""
        ...

    async def keep(self, pasts: PastsOfDay) -> None:
        """Remember them in place of those of the day before."""
        ...


class NoPastsStore:
    """Remembers nothing: pasts are worked out again after a restart."""

    async def load(self, asset: str) -> PastsOfDay | None:
        """Nothing."""
        return None

    async def keep(self, pasts: PastsOfDay) -> None:
        """Nothing."""


class TellingsStore(Protocol):
    """Where it is remembered what each venue told when it was last believed."""

    async def load(self, asset: str) -> KnownTellings:
        """What is remembered; nothing before the first poll."""
        ...

    async def keep(self, asset: str, tellings: KnownTellings) -> None:
        """Remember them in place of those of the poll before."""
        ...


class NoTellingsStore:
    """Remembers nothing: after a restart the first poll is compared with none."""

    async def load(self, asset: str) -> KnownTellings:
        """Nothing."""
        return KnownTellings()

    async def keep(self, asset: str, tellings: KnownTellings) -> None:
        """Nothing."""


class SmilesStore(Protocol):
    """Where an asset's smiles of the last days are remembered."""

    async def load(self, asset: str) -> PastSmiles:
        """The smiles that are remembered; none before the first day."""
        ...

    async def keep(self, smiles: PastSmiles) -> None:
        """Remember them in place of those before."""
        ...


class DailyNoteStore(Protocol):
    """Daily notes, one a reader."""

    async def find(self, *, reader: str | None = None) -> Sequence[DailyNote]:
        """Daily notes, by reader."""
        ...

    async def put(self, note: DailyNote) -> None:
        """Keep a reader's note in place of the one before."""
        ...

    async def remove(self, reader: str) -> int:
        """End a reader's note: how many there were."""
        ...


class MarketArchive(Protocol):
    """The repositories that a market, and whoever is given it, reads."""

    @property
    def points(self) -> PastStore:
        """Every number's past."""
        ...

    @property
    def states(self) -> StateStore:
        """What was judged, and what is remembered of it."""
        ...

    @property
    def posts(self) -> PostStore:
        """Posts looked back on."""
        ...

    @property
    def outbox(self) -> DoubtStore:
        """Posts that may have gone out."""
        ...

    @property
    def watches(self) -> WatchStore:
        """Personal watches."""
        ...

    @property
    def digests(self) -> DailyNoteStore:
        """Daily notes, one a reader."""
        ...


class PollerArchive(Protocol):
    """The repositories that a poll works with."""

    @property
    def states(self) -> StateStore:
        """What was judged, and what is remembered of it."""
        ...

    @property
    def playbooks(self) -> PlaybookStore:
        """The files that judged."""
        ...

    @property
    def subscriptions(self) -> ProfileStore:
        """Who is judged for."""
        ...

    @property
    def watches(self) -> WatchStore:
        """Personal watches."""
        ...

    async def commit_all(
        self, asset: str, decided: Sequence[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> None:
        """Points, states, verdicts and posts (as unsent outbox rows) of a poll's evaluations, in one transaction."""
        ...


class SenderArchive(Protocol):
    """The repository that is sent from."""

    @property
    def outbox(self) -> SendingStore:
        """Posts that are to be sent."""
        ...


class FillerArchive(Protocol):
    """The repository that the venues' own past goes to."""

    @property
    def points(self) -> HeardStore:
        """Where numbers that were heard go."""
        ...


class PointStore(PastStore, HeardStore, Protocol):
    """Every number's past, and where what was heard goes."""


class OutboxStore(DoubtStore, SendingStore, Protocol):
    """Posts that are to be sent, and those that may have gone out."""


class DeskArchive(MarketArchive, PollerArchive, SenderArchive, FillerArchive, Protocol):
    """The repositories that a whole desk works with."""

    @property
    def points(self) -> PointStore:
        """Every number's past."""
        ...

    @property
    def outbox(self) -> OutboxStore:
        """Posts to send, and those that may have gone out."""
        ...


class MarketStores(Struct, frozen=True, kw_only=True):
    """Where a market remembers over a restart what it worked out and what it believed."""

    pasts: PastsStore = field(default_factory=NoPastsStore)
    tellings: TellingsStore = field(default_factory=NoTellingsStore)
