"""Verdict → words, pure: plan, phrases, realize, gate. What is said was measured, and the gate has read it first."""

from bot.commentary.bank import completed, parse
from bot.commentary.cards import (
    answer_card,
    card,
    command_words,
    exact,
    figure,
    footer,
    number,
    reads_alike,
    reads_beyond,
)
from bot.commentary.factcheck import factcheck
from bot.commentary.gate import gate
from bot.commentary.lengths import Refusal, no_article
from bot.commentary.memory import remember
from bot.commentary.realize import listed
from bot.commentary.said import in_words
from bot.commentary.stats import stats
from bot.commentary.write import speak, spoken_together, write

__all__ = [
    "Refusal", "answer_card", "card", "command_words", "completed", "exact", "factcheck", "figure", "footer", "gate", "in_words",
    "listed", "no_article", "number", "parse", "reads_alike", "reads_beyond", "remember", "speak", "spoken_together", "stats", "write",
]  # fmt: skip
