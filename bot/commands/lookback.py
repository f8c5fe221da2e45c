"""What a page asks beside the commands: the chart of a metric up to a time, and the stance that stood then."""

from datetime import datetime, timedelta

from bot.commands._charts import history_chart, stances, usual_range
from bot.commands._telling import meaning, title
from bot.desk.market import Market
from bot.domain.posts import ChartSpec, Mark, Profile

__all__ = ["chart_of_metric", "is_first_stance", "meaning", "stance_at", "title", "usual_range"]

BEFORE = timedelta(days=90)  # a stance that began earlier is as old as that at least


async def chart_of_metric(
    market: Market, asset: str, name: str, profile: Profile, *, window: timedelta, until: datetime
) -> ChartSpec | None:
    """A metric's past up to a time, the same that `/history` draws; None without a past. Raises ArchiveError."""
    heading = f"{asset}: {title(market, name, profile)}"
    return await history_chart(
        market, asset, name, until - window, profile, heading=heading, alt=heading, until=until
    )


async def stance_at(market: Market, asset: str, at: datetime, profile: Profile) -> Mark | None:
    """The stance that stood at a time, and since when; None where none was taken. Raises ArchiveError."""
    found = await stances(market, asset, at - BEFORE, profile, at)
    return found[-1] if found else None


async def is_first_stance(market: Market, asset: str, stance: Mark, profile: Profile) -> bool:
    """Whether no other stance was taken before. Raises ArchiveError."""
    if stance.at is None:
        return True
    found = await stances(market, asset, stance.at - BEFORE, profile, stance.at)
    return len(found) < 2
