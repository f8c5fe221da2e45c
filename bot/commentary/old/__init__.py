"""How posts were written before the stories: pools of phrases for each finding.

Kept for what was said by them: a post is told again byte for byte by its own words, and an operator's own older phrase
files go on working. Nothing new is built on it."""

from bot.commentary.old.write import write_by_pools

__all__ = ["write_by_pools"]
