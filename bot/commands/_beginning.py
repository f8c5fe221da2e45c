"""What a server hears while nothing was heard yet: since when the bot runs, when the first readings are due, and how many
days it takes until a number can be ranked."""

from datetime import timedelta

from msgspec.structs import replace

from bot.commentary import word_text
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile
from bot.domain.story import Origin, Text
from bot.metrics.views import MIN_DAYS

MINUTE = timedelta(minutes=1)
BETWEEN = "\n\n"


def tell_beginning(market: Market, facts: Facts, profile: Profile) -> tuple[Text, ...]:
    """One text where nothing at all is known of the asset; none where anything is."""
    if facts.of_metrics() or facts.stale:
        return ()
    minutes = float((market.now() - market.started_at) // MINUTE)
    names = {
        "ago": (Origin(kind="count", ref="minutes since the start", value=minutes), "lasting"),
        "when": (Origin(kind="date", ref="next poll", value=market.next_poll_at().isoformat()), "clock"),
        "day": (Origin(kind="count", ref="day", value=1.0), "count"),
        "needed": (Origin(kind="count", ref="days needed", value=float(MIN_DAYS)), "count"),
    }
    return (word_text("fresh.first", market.bank(profile), names),)


async def add_beginning(market: Market, asset: str, profile: Profile, said: Answer) -> Answer:
    """An answer about an asset, with when its first readings are due while there are none. Raises ArchiveError."""
    begun = tell_beginning(market, await market.facts(asset), profile)
    if not begun:
        return said
    (text,), start = begun, len(said.body) + len(BETWEEN)
    spans = (span.shift(start) for span in text.spans)
    return replace(said, body=f"{said.body}{BETWEEN}{text.text}", body_spans=(*said.body_spans, *spans))
