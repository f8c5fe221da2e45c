"""Markets, verdicts and the real word bank for the tests of the commentary."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from bot import commentary, metrics, rules
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import RuleBook
from bot.domain.story import Length, Memory, PhraseBank, Story

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 7, tzinfo=UTC)

ARTICLE: Mapping[str, float] = {
    "spot_usd": 71_500,
    "low_30d_usd": 60_150,
    "hours_since_low": 24,
    "skew_60d_pct": 20,
    "basis_60d_pct": 2,
    "open_interest_usd": 35.8e9,
    "open_interest_usd.before_7d": 44.3e9,
    "open_interest_coin": 527_850,
    "open_interest_coin.change_7d_pct": 0,
    "liquidations_5d_long_usd": 1.8e9,
    "liquidations_max_day_1y_usd": 4.65e9,
}
ARTICLE_TIMES = {
    "liquidations_max_day_1y_usd": datetime(2025, 10, 10, tzinfo=UTC),
    "low_30d_usd": datetime(2026, 2, 6, tzinfo=UTC),
}
CALM: Mapping[str, float] = {
    "spot_usd": 89_000,
    "spot_usd.before_7d": 89_500,
    "skew_60d_pct": 3,
    "skew_30d_pct": 2.5,
    "basis_60d_pct": 7,
    "open_interest_usd": 46e9,
    "open_interest_usd.before_7d": 46.2e9,
    "open_interest_coin": 517_000,
    "open_interest_coin.before_7d": 516_500,
    "funding_annual_pct": 8,
    "liquidations_24h_usd": 5e7,
    "liquidations_24h_long_usd": 3e7,
    "drawdown_pct": -2,
    "rebound_pct": 4,
    "dvol": 38,
}


def texts(folder: str) -> dict[str, str]:
    """The TOML files of a config folder by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).glob("*.toml"))}


@cache
def book() -> RuleBook:
    """The real rules."""
    return rules.parse(texts("config/rules"), metrics.CATALOG)


@cache
def bank(locale: str = "en") -> PhraseBank:
    """The real words."""
    return commentary.parse(texts(f"config/phrases/{locale}"), locale, metrics.CATALOG, book())


def facts(
    given: Mapping[str, float],
    times: Mapping[str, datetime] | None = None,
    *,
    at: datetime = NOW,
    asset: str = "BTC",
) -> Facts:
    """Stated figures as facts, derived ones included."""
    return metrics.derive(asset, at, given, times or {}, metrics.CATALOG)


def article() -> Facts:
    """The market that the article of 7 February 2026 speaks of."""
    return facts(ARTICLE, ARTICLE_TIMES)


def judged(market: Facts) -> Verdict:
    """The verdict on a market as if every value had held long enough, with what would change it."""
    judgement = rules.evaluate(book(), market, {}, market.at, {}, settled=True)
    return rules.with_exits(book(), market, judgement, settled=True)


def told(
    market: Facts, length: Length = "embed", memory: Memory | None = None, words: PhraseBank | None = None
) -> Story:
    """The market's story."""
    return commentary.write(
        verdict=judged(market),
        facts=market,
        book=book(),
        bank=words or bank(),
        memory=memory or Memory(),
        length=length,
        at=market.at,
    )


def refused(
    story: Story, market: Facts, memory: Memory | None = None, words: PhraseBank | None = None
) -> list[str]:
    """What the gate says of a story."""
    return commentary.gate(
        story,
        verdict=judged(market),
        facts=market,
        book=book(),
        bank=words or bank(),
        memory=memory or Memory(),
    )


def days(market: Mapping[str, float], count: int, *, length: Length = "embed") -> list[Story]:
    """The same market told on `count` days running, each post with the memory of those before."""
    memory, stories = Memory(), []
    for day in range(count):
        now = facts(market, at=NOW + timedelta(days=day))
        story = told(now, length, memory)
        memory = commentary.remember(memory, story, judged(now), now)
        stories.append(story)
    return stories


def known(name: str, value: float, **more: object) -> Facts:
    """A market of a single fact."""
    fact = Fact(name=name, value=value, at=NOW, **more)  # type: ignore[arg-type]
    return Facts(asset="BTC", at=NOW, known={name: fact})
