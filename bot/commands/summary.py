"""A post at a glance: the price, the stance with its age and direction, the balance in its year, and three of the
readings that the post is about, each with its last week."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import quantiles

from async_lru import alru_cache
from msgspec.structs import replace

from bot.charts import ticks
from bot.commands._charts import caption, speech, usual_range, words
from bot.commands._lines import SPOT, stretch
from bot.commands._telling import title
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict, day_number
from bot.domain.posts import ChartSeries, ChartSpec, Mark, Post, Profile
from bot.domain.story import Span, Story
from bot.metrics import BALANCE, History

SPARK = timedelta(days=7)
READINGS = 3
LEAST = 2  # a card with one number says no more than its headline
YEAR = timedelta(days=365)
LEAST_DAYS = 30
DAY_MS = 86_400_000
OPEN = frozenset({"unclear", "no-call"})  # are not more or less sure
OWN_PLACE = frozenset(
    {
        *(SPOT, BALANCE, "high_30d_usd", "low_30d_usd", "spot_high_usd", "spot_low_usd"),
        *("rebound_pct", "drawdown_pct", "hours_since_low", "hours_since_high"),
    }
)
"""The price and what is counted from it, and the balance: not among the readings of a card."""
ELSEWHERE = "vs_"
KEPT = 200
CALLED = "called."
NO_VERDICT = frozenset(
    {"outage", "back", "watch", "event"}
)  # about sources, one reader's number, or one event: not a verdict


class Summaries:
    """What the picture of a post shows. Posts that tell the same story to many channels share one."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._made = alru_cache(maxsize=KEPT)(self._make)

    async def __call__(self, post: Post) -> ChartSpec | None:
        """The picture of a post; None where it has none, or what it stood on is not kept any more. Raises
        ArchiveError."""
        return None if post.reason in NO_VERDICT else await self._made(_SameStory(post))

    async def _make(self, told: "_SameStory") -> ChartSpec | None:
        return await _of_post(self._market, told.post)


class _SameStory:
    """A post that equals every other one that tells the same story."""

    def __init__(self, post: Post) -> None:
        story = post.story
        self.post = post
        self._key = (story.asset, story.at, story.locale, story.stance, story.body)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SameStory) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


async def _of_post(market: Market, post: Post) -> ChartSpec | None:
    occasion = await market.archive.posts.inputs(post.id, (post.channel,))
    if occasion is None:
        return None
    return summary_chart(
        market, post.story, occasion.verdict, await market.history(post.asset), occasion.facts
    )


def summary_chart(
    market: Market, story: Story, verdict: Verdict, history: History, facts: Facts
) -> ChartSpec | None:
    """The price with its change, the stance with its age and direction, the balance beside its year, and the first three
    readings of the post that are known; None where it could show none of them."""
    profile = Profile(locale=story.locale)
    known = market.bank(profile).words
    stance = known.get(f"stance.{story.stance}", story.stance)
    heading = known.get(f"asset.{story.asset}", story.asset)
    names = [name for name in leading(market, story, verdict) if facts.get(name) is not None][:READINGS]
    price, balance = _price(market, facts, profile), _balance(market, verdict, history, facts, profile)
    if not names or len(names) + (price is not None) + (balance is not None) < LEAST:
        return None
    readings = tuple(_reading(market, name, story.at, history, facts, profile) for name in names)
    venues = [venue for name in names for venue in facts.known[name].venues]
    values = "; ".join(
        f"{column.label} {column.text}" for column in (*((balance,) if balance else ()), *readings)
    )
    return ChartSpec(
        kind="summary",
        speech=speech(market, profile),
        title=heading,
        series=(*((balance,) if balance else ()), *readings),
        price=price,
        unit="",
        caption=caption(market, profile, venues, story.at),
        alt=words(
            market,
            profile,
            "alt.summary",
            title=heading,
            price=f"{price.text}, {price.note}" if price and price.note else price.text if price else "",
            stance=", ".join((stance, *_beside(market, verdict, story.at, profile))),
            values=values,
        ).replace(" :", ":"),
        marks=(
            Mark(label=stance, kind=story.stance),
            *(Mark(label=said) for said in _beside(market, verdict, story.at, profile)),
        ),
    )


def _beside(market: Market, verdict: Verdict, at: datetime, profile: Profile) -> Sequence[str]:
    """The stance's age, where it goes, and how sure it is, as far as these are known."""
    confidence = market.bank(profile).words.get(f"confidence.{verdict.confidence}", verdict.confidence)
    return [
        *([words(market, profile, "day", n=str(day_number(verdict.since, at)))] if verdict.since else []),
        *([words(market, profile, f"direction.{verdict.direction}")] if verdict.direction else []),
        *(
            [words(market, profile, "confidence", confidence=confidence)]
            if verdict.stance not in OPEN
            else []
        ),
    ]


def _price(market: Market, facts: Facts, profile: Profile) -> ChartSeries | None:
    """The price and how far it went in a day, or in a week where that alone is known."""
    if facts.get(SPOT) is None:
        return None
    changes = {window: f"{SPOT}.change_{window}_pct" for window in ("24h", "7d")}
    window = next((window for window, name in changes.items() if facts.get(name) is not None), None)
    note = ""
    if window:
        change = market.figure(changes[window], facts, profile).text
        signed = (
            f"+{change}" if (facts.value(changes[window]) or 0.0) > 0 and change[:1].isdigit() else change
        )
        note = words(market, profile, f"in.{window}", change=signed)
    return ChartSeries(
        label=words(market, profile, "price"), y=(), text=market.figure(SPOT, facts, profile).text, note=note
    )


def _balance(
    market: Market, verdict: Verdict, history: History, facts: Facts, profile: Profile
) -> ChartSeries | None:
    """The balance now, both ends where something is unknown, and where it stood in its year; None where the rules of the
    time had none."""
    if verdict.balance is None:
        return None
    low, high = (_whole(end) for end in verdict.balance)
    text = low if low == high else f"{low}…{high}"
    year = _year(history, facts)
    note = words(market, profile, "balance_year", low=_whole(year[0]), high=_whole(year[1])) if year else ""
    return ChartSeries(
        label=words(market, profile, "balance"),
        x=(0.0, 1.0),
        y=verdict.balance,
        text=text,
        note=note,
        band=year,
    )


def _year(history: History, facts: Facts) -> tuple[float, float] | None:
    """From 5% to 95% of what the balance was in its year; None where less than a month is known."""
    past = (facts.pasts or {}).get(BALANCE)
    if past is not None and past.days >= LEAST_DAYS:
        return past.quantiles[0], past.quantiles[-1]
    column = history.at(facts.at).column(BALANCE)
    rows = column.known_ms >= (facts.at - YEAR).timestamp() * 1000.0
    days = len({int(known // DAY_MS) for known in column.known_ms[rows]})
    if days < LEAST_DAYS:
        return None
    ends = quantiles((float(value) for value in column.value[rows]), n=20, method="inclusive")
    return ends[0], ends[-1]


def _whole(value: float) -> str:
    """A balance in words: −55, +12, 0."""
    rounded = round(value)
    return f"−{-rounded}" if rounded < 0 else f"+{rounded}" if rounded > 0 else "0"


def _reading(
    market: Market, name: str, at: datetime, history: History, facts: Facts, profile: Profile
) -> ChartSeries:
    """One metric with its week and its usual range."""
    usual = usual_range(market, name, facts.asset, profile)
    said = speech(market, profile)
    unit = market.playbook.catalog.metrics[name].unit
    note = (
        words(
            market,
            profile,
            "usual_from",
            low=ticks.format_tick(usual[0], unit, None, said),
            high=ticks.format_tick(usual[1], unit, None, said),
        )
        if usual
        else ""
    )
    return replace(
        stretch(history, name, at - SPARK, at, market.playbook.catalog),
        label=title(market, name, profile),
        text=market.figure(name, facts, profile).text,
        band=usual,
        note=note,
        unit=unit,
    )


def leading(market: Market, story: Story, verdict: Verdict) -> Sequence[str]:
    """The metrics that a post is about: those that its headline tells, those that its text tells or names, each family's
    first finding, what the rules found further (of gold and stocks last), those that a usual range judges. What would end
    the verdict is no part of what a post is about. A change or a rank of a metric stands for the metric; the price and
    the balance have their own place on the card."""
    families = {finding.family: finding for finding in reversed(verdict.findings)}
    first = [families[family] for family in dict.fromkeys(finding.family for finding in verdict.findings)]
    found = [finding.facts[0] for finding in first if finding.facts]
    more = [finding.facts[0] for finding in verdict.findings if finding.facts]
    headline = _told(story.headline.spans if story.headline else ())
    body = _told([span for text in story.paragraphs if text.slot != "watch" for span in text.spans])
    others = sorted((*found, *more), key=lambda name: name.startswith(ELSEWHERE))
    judged = [ladder.fact for ladder in market.playbook.rules.ladders.values()]
    return _metrics(market, (*headline, *body, *others, *judged))


def _told(spans: Sequence[Span]) -> Sequence[str]:
    """The facts that spans write as figures, and those that they call by name."""
    return [
        span.origin.ref.removeprefix(CALLED)
        for span in spans
        if span.origin.kind == "fact" or (span.origin.kind == "name" and span.origin.ref.startswith(CALLED))
    ]


def _metrics(market: Market, names: Iterable[str]) -> Sequence[str]:
    metrics = dict.fromkeys(name.partition(".")[0] for name in names)
    return [name for name in metrics if name in market.playbook.catalog.metrics and name not in OWN_PLACE]
