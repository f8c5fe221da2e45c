"""How editions of the rules from before the balance are judged: votes, a score, stances in rows.

Kept for what was said by them: a post is told again byte for byte by its own rules, and an operator's own older files
go on working. Nothing new is built on it."""

from bot.rules.score.evaluate import evaluate_by_score
from bot.rules.score.flips import flips_by_score
from bot.rules.score.run import run
from bot.rules.score.verdict import add_up

__all__ = ["add_up", "evaluate_by_score", "flips_by_score", "run"]
