"""How long a post is worth sending: a scheduled one until the next is due, news for some hours."""

from datetime import datetime, timedelta

from msgspec import Struct

from bot.desk.market import Upcoming
from bot.domain.posts import Post

SLOTTED = frozenset({"scheduled", "weekly", "digest"})


class PostWorth(Struct, frozen=True, kw_only=True):
    """From bot.toml: how old news may be, and a scheduled post where no other is due."""

    news: timedelta = timedelta(hours=6)
    scheduled: timedelta = timedelta(hours=24)


async def why_worthless(post: Post, now: datetime, worth: PostWorth, upcoming: Upcoming) -> str | None:
    """Why nobody should read the post any more; None where it is still news. One that lies ahead, of a clock
    that was put back since, is. Raises ArchiveError."""
    age = now - post.intended_at
    if post.reason not in SLOTTED:
        return f"news of {age.total_seconds() / 3600:.0f} hours ago" if age > worth.news else None
    if age > worth.scheduled:
        return f"due {age.total_seconds() / 3600:.0f} hours ago"
    if post.reason != "scheduled" or age <= timedelta(0):
        return None
    following = await upcoming(post.channel, post.intended_at)
    return "the next one is due" if following is not None and following <= now else None
