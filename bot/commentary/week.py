"""What stands under a review of the week: the table of what its sentences did not tell, and the footer of a post."""

from msgspec.structs import replace

from bot.commentary.names import SpokenMarket
from bot.commentary.path import say_path
from bot.commentary.table import A_WEEK_AGO, table
from bot.commentary.under import story_footer
from bot.domain.facts import Facts
from bot.domain.rulebook import Ranges, RuleBook
from bot.domain.story import WEEK, Memory, PhraseBank, Story


def week_story(
    story: Story, *, facts: Facts, book: RuleBook, bank: PhraseBank, ranges: Ranges | None = None
) -> Story:
    """A review as a story of the week, with its table (none under a short one) and its footer."""
    market = SpokenMarket(facts=facts, book=book, bank=bank, at=story.at, ranges=ranges or {})
    made = replace(
        story,
        kind=WEEK,
        table=(),
        headline=say_path(story.headline, market, Memory()) if story.headline else None,
        paragraphs=tuple(say_path(text, market, Memory()) for text in story.paragraphs),
    )
    if story.length != "short":
        made = replace(made, table=table(made, market, Memory(), A_WEEK_AGO))
    return replace(made, footer=story_footer(made, market, Memory()))
