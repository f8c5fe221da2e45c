"""What goes out: posts, answers, cards and charts; and the profiles and routes that say to whom and how."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct, field

from bot.domain.facts import Facts, Point
from bot.domain.judgement import Course, Signal, Verdict
from bot.domain.rulebook import Ranges, Severity
from bot.domain.story import Length, Memory, Span, Story, Text

Reason = Literal[
    "scheduled",
    "first",
    "escalated",
    "changed stance",
    "all clear",
    "repeat",
    "move",
    "outage",
    "back",
    "correction",
    "watch",
    "weekly",
    "digest",
    "event",
]


class Profile(Struct, frozen=True, kw_only=True):
    """How one group of servers wants to be spoken to. States are kept per set of ranges, phrase memory per
    profile."""

    ranges: Ranges = field(default_factory=dict)
    locale: str = "en"
    length: Length = "embed"

    @property
    def id(self) -> str:
        """A short name: equal profiles have equal ids. The default one is "default"."""
        ranges = ",".join(
            f"{name}:{usual.low:g}-{usual.high:g}" for name, usual in sorted(self.ranges.items())
        )
        return (
            "default"
            if not ranges and self.locale == "en" and self.length == "embed"
            else f"{self.locale}/{self.length}/{ranges}"
        )


class Route(Struct, frozen=True, kw_only=True):
    """One channel that follows one asset: what it wants and what it was last told.

    `channel` is "surface:place" ("console:", "preview:", "discord:123"). `due_at` is the slot of a scheduled
    post that is due in this evaluation, None otherwise, and `late` that the slot has long passed. The rest is
    the alert memory of the channel: `subjects` says what each of `alerted_at` was about (an alert's stance,
    then the alarms that the post told), `waiting` what is being suppressed, `held_until` how long a change is
    held back that came with a venue's dropping out, `muted_moves` the alarms that do not alert here."""

    channel: str
    alerts: bool = True
    due_at: datetime | None = None
    last_stance: str | None = None
    last_severity: str | None = None
    alerted_at: tuple[datetime, ...] = ()
    snoozed_until: datetime | None = None
    quiet: tuple[int, int] | None = None
    zone: str = "UTC"
    suppressed: int = 0
    late: bool = False
    subjects: tuple[str, ...] = ()
    waiting: str | None = None
    held_until: datetime | None = None
    severity: Severity = "info"
    muted_moves: tuple[str, ...] = ()


class Post(Struct, frozen=True, kw_only=True):
    """One story for one channel. `id` is its short name, printed in the footer and taken by `/why`; `nonce`
    lets Discord refuse it twice. `message_id` is the surface's own name for it, once sent; `attempted_at`
    when it was first tried, if it ever was; `corrections` say what was restated since it was made, oldest
    first; `severity` is how grave what an alert tells is."""

    id: str
    channel: str
    asset: str
    reason: Reason
    story: Story
    nonce: str
    intended_at: datetime
    sent_at: datetime | None = None
    message_id: str | None = None
    late: bool = False
    attempted_at: datetime | None = None
    corrections: tuple[Text, ...] = ()
    severity: Severity | None = None


class State(Struct, frozen=True, kw_only=True):
    """What decide() remembers of one asset and profile between two evaluations; stored in one transaction
    with what it led to. `editions` names the edition of each rule that the signals are of; `course` is what is
    remembered of the balance (None before the first evaluation that has one)."""

    signals: Mapping[str, Signal] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    routes: tuple[Route, ...] = ()
    stance: str | None = None
    stance_since: datetime | None = None
    venues: tuple[str, ...] = ()
    editions: Mapping[str, str] = field(default_factory=dict)
    course: Course | None = None


class Watch(Struct, frozen=True, kw_only=True):
    """One reader's wish to be told by direct message when a fact is `above` or `below` a line, in the fact's
    unit.

    It is told once, and armed again when the fact has come back to `clears`. `reader` and `channel` are
    "surface:person" and the place of their direct messages; `blocked_at` is since when those are refused.
    `id` is 0 until it is stored."""

    reader: str
    channel: str
    asset: str
    fact: str
    side: Literal["above", "below"]
    line: float
    clears: float
    created_at: datetime
    locale: str = "en"
    armed: bool = True
    told_at: datetime | None = None
    blocked_at: datetime | None = None
    id: int = 0


class DailyNote(Struct, frozen=True, kw_only=True):
    """One reader's wish for a note by direct message every day: at which time of day ("08:00") in which zone, on which
    assets and metrics.

    `reader` and `channel` are "surface:person" and the place of their direct messages; `last_slot_at` is the last hour
    that was served, `blocked_at` since when direct messages are refused."""

    reader: str
    channel: str
    assets: tuple[str, ...]
    metrics: tuple[str, ...]
    post_at: str
    zone: str
    created_at: datetime
    locale: str = "en"
    last_slot_at: datetime | None = None
    blocked_at: datetime | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """All that one evaluation leads to: what to store, what to say. `facts` is what it was judged on, `told_by` the
    memory that its posts were told by (None: that of the state before), `watches` those that stand otherwise after it."""

    points: tuple[Point, ...]
    facts: Facts
    state: State
    verdict: Verdict
    posts: tuple[Post, ...]
    playbook_hash: str = ""
    watches: tuple[Watch, ...] = ()
    told_by: Memory | None = None


class PostInputs(Struct, frozen=True, kw_only=True):
    """What one posted evaluation stood on, for telling it again: the facts, what was remembered before
    (without routes), for whom, the verdict of the time, and which edition of the playbook judged."""

    facts: Facts
    state: State
    profile: Profile
    verdict: Verdict
    playbook_hash: str


class Figure(Struct, frozen=True, kw_only=True):
    """One labeled value of an answer, as words, with its spans."""

    label: str
    text: str
    spans: tuple[Span, ...] = ()


class TableRow(Struct, frozen=True, kw_only=True):
    """One line of a table: what it is of, in a word or two, and a cell a column. A cell's `label` says in full what it
    holds, for who cannot see where it stands; one that is not known has the text "–"."""

    label: str
    cells: tuple[Figure, ...]


class Table(Struct, frozen=True, kw_only=True):
    """A small table, at most 30 columns of letters wide where letters have one width. `columns` are the words over its
    cells; empty where a row's label says all."""

    rows: tuple[TableRow, ...]
    columns: tuple[str, ...] = ()


class Button(Struct, frozen=True, kw_only=True):
    """A command that a reader may go on with: `command` and its arguments are its whole state (at most 100
    characters in all)."""

    label: str
    command: str
    arguments: Mapping[str, str] = field(default_factory=dict)


class ChartSeries(Struct, frozen=True, kw_only=True):
    """One line of a chart: times (None for a chart over something else, then `x` holds numbers), values, None
    for a gap. `text` is its last value in words, where the words of the answer should be those of the
    picture. `band` is the usual range of this line alone, `note` what is said beside its value, `unit` its unit where
    that is not the chart's; `past`: it is of an earlier time, and drawn behind the others."""

    label: str
    y: tuple[float | None, ...]
    at: tuple[datetime, ...] = ()
    x: tuple[float, ...] = ()
    text: str = ""
    band: tuple[float, float] | None = None
    note: str = ""
    unit: str = ""
    past: bool = False


class ChartSpeech(Struct, frozen=True, kw_only=True):
    """How numbers and times are written inside a chart, in the reader's language. `scales` are the signs for a
    thousand, a million, a thousand million and a million million, an empty one where a language does not count in it;
    `dollars` and `percent` show where those signs stand; whole numbers are grouped from `grouped_from` digits on; `units`
    are units as readers call them."""

    months: tuple[str, ...] = (
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "May",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Oct",
        "Nov",
        "Dec",
    )
    decimal: str = "."
    thousands: str = ","
    scales: tuple[str, ...] = ("K", "M", "B", "T")
    dollars: str = "${}"
    percent: str = "{}%"
    grouped_from: int = 4
    units: tuple[tuple[str, str], ...] = ()

    def unit(self, name: str) -> str:
        """A unit as readers call it."""
        return dict(self.units).get(name, name)


class Mark(Struct, frozen=True, kw_only=True):
    """Something marked on a chart: a verdict's change, a 25-delta point, an expiry. `kind` is a stance's id
    where the mark stands for one."""

    label: str
    at: datetime | None = None
    x: float | None = None
    y: float | None = None
    kind: str = ""


ENGLISH: Final = ChartSpeech()

ChartKind = Literal[
    "history",
    "balance",
    "smile",
    "curve",
    "split",
    "liquidations",
    "funding",
    "record",
    "summary",
    "term",
    "volatility",
    "move",
    "gamma",
    "expiries",
]


class ChartSpec(Struct, frozen=True, kw_only=True):
    """What a chart shows, before anybody draws it. `alt` says in words what a reader who cannot see it would
    miss; `x_label` what a chart that is not over time counts along its foot. `price` is the price over the same
    time, drawn above the rest or over it. `marks` with a stance as `kind` and a time say from when on it stood.
    `estimated` is what was only estimated of the one series before it was measured: drawn thinner, up to a line where
    the readings begin."""

    kind: ChartKind
    title: str
    series: tuple[ChartSeries, ...]
    unit: str
    caption: str
    alt: str
    band: tuple[float, float] | None = None
    band_label: str = ""
    marks: tuple[Mark, ...] = ()
    x_label: str = ""
    price: ChartSeries | None = None
    estimated: ChartSeries | None = None
    speech: ChartSpeech = ENGLISH


class Answer(Struct, frozen=True, kw_only=True):
    """A command's answer, before a surface shows it. `private` ones are errors and settings: only the asker
    sees them. `direct` is also written to the asker by direct message: a surface that cannot says so.

    `lead` is the number that was asked for, shown large and first; `tables` hold what stands beside it, `notes` the small
    print under them (each venue's own value, what is not known). `stance` is the asset's verdict of `at`, `stance_word`
    what readers call it."""

    title: str
    body: str
    lead: Figure | None = None
    tables: tuple[Table, ...] = ()
    notes: tuple[Figure, ...] = ()
    figures: tuple[Figure, ...] = ()
    chart: ChartSpec | None = None
    buttons: tuple[Button, ...] = ()
    private: bool = False
    title_spans: tuple[Span, ...] = ()
    body_spans: tuple[Span, ...] = ()
    footer: str = ""
    direct: str = ""
    stance: str | None = None
    stance_word: str = ""
    at: datetime | None = None


class Card(Struct, frozen=True, kw_only=True):
    """What every surface renders, post or answer alike: title, running text, labeled fields, a footer, a
    picture, buttons.

    `stance` colors it, never alone: `stance_word` is what readers call it. `spans` maps each part ("title",
    "body", "fields.0", "table.0") to its spans. `lead`, `tables`, `notes` and `direct` are an answer's. `table` has a
    post's further readings as rows of cells, its head first: on a screen without room the last column (the usual range) is
    left out."""

    title: str
    body: str
    lead: Figure | None = None
    tables: tuple[Table, ...] = ()
    notes: tuple[Figure, ...] = ()
    fields: tuple[Figure, ...] = ()
    footer: str = ""
    image: bytes | None = None
    alt: str = ""
    buttons: tuple[Button, ...] = ()
    stance: str | None = None
    at: datetime | None = None
    post_id: str | None = None
    private: bool = False
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    stance_word: str = ""
    direct: str = ""
    table: tuple[tuple[str, ...], ...] = ()


class Subscription(Struct, frozen=True, kw_only=True):
    """One channel's wish to follow one asset: how it wants to be spoken to and when.

    `post_at` holds the times of day ("12:00") of scheduled posts in `zone`; `quiet` the hours (from, to)
    without alerts; `severity` is from which one on a change is alerted, `muted_moves` names the moves (alarms) that are not, `weekly`
    says whether the week is reviewed; `created_at` is when these settings began to hold, `last_slot_at` the last scheduled slot that
    was served. A paused route (the surface refused us) is neither posted to nor alerted. `guild_id` is the
    server that it belongs to, if any."""

    channel: str
    asset: str
    created_at: datetime
    profile: Profile = field(default_factory=Profile)
    post_at: tuple[str, ...] = ("12:00",)
    zone: str = "UTC"
    alerts: bool = True
    quiet: tuple[int, int] | None = None
    guild_id: str | None = None
    snoozed_until: datetime | None = None
    last_slot_at: datetime | None = None
    paused_at: datetime | None = None
    severity: Severity = "info"
    weekly: bool = True
    muted_moves: tuple[str, ...] = ()
