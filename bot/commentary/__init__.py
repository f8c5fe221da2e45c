"""Verdict → words, pure: plan, phrases, realize, gate. What is said was measured, and the gate has read it first."""

from bot.commentary.bank import parse
from bot.commentary.cards import answer_card, card, command_words, figure, footer, number
from bot.commentary.factcheck import factcheck
from bot.commentary.gate import gate
from bot.commentary.memory import remember
from bot.commentary.stats import stats
from bot.commentary.write import article_possible, speak, write

__all__ = [
    "answer_card", "article_possible", "card", "command_words", "factcheck", "figure", "footer", "gate", "number", "parse",
    "remember", "speak", "stats", "write",
]  # fmt: skip
