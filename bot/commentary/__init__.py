"""Verdict → words, pure: plan, phrases, realize, gate. What is said was measured, and the gate has read it
first."""

from bot.commentary.bank import fill_from_english, parse
from bot.commentary.because import in_words, reason_words
from bot.commentary.cards import (
    NO_VALUE,
    answer_card,
    card,
    cell,
    command_words,
    date_line,
    exact,
    figure,
    footer,
    in_columns,
    number,
    range_cell,
    reads_alike,
    reads_beyond,
    rows,
    word_text,
)
from bot.commentary.claims import ClaimedFigure, ClaimedSentence, claims, groundless
from bot.commentary.factcheck import factcheck
from bot.commentary.joining import list_in_words
from bot.commentary.lengths import Refusal, no_article
from bot.commentary.memory import forget_venues, remember
from bot.commentary.names import SpokenMarket
from bot.commentary.path import given_way
from bot.commentary.points import FEW_PUTS, are_puts_few_and_dear
from bot.commentary.rubric import RubricRow, ToldPost, rubric
from bot.commentary.speak import speak, spoken_together
from bot.commentary.stats import stats
from bot.commentary.storygate import gate
from bot.commentary.under import OF_NOTICE, answer_footer, notice_footer
from bot.commentary.ways import ordinary_move
from bot.commentary.week import week_story
from bot.commentary.words import venue_name
from bot.commentary.write import write, write_plainly

__all__ = [
    "FEW_PUTS",
    "NO_VALUE",
    "OF_NOTICE",
    "ClaimedFigure",
    "ClaimedSentence",
    "Refusal",
    "RubricRow",
    "SpokenMarket",
    "ToldPost",
    "answer_card",
    "answer_footer",
    "are_puts_few_and_dear",
    "card",
    "cell",
    "claims",
    "command_words",
    "date_line",
    "exact",
    "factcheck",
    "figure",
    "fill_from_english",
    "footer",
    "forget_venues",
    "gate",
    "given_way",
    "groundless",
    "in_columns",
    "in_words",
    "list_in_words",
    "no_article",
    "notice_footer",
    "number",
    "ordinary_move",
    "parse",
    "range_cell",
    "reads_alike",
    "reads_beyond",
    "reason_words",
    "remember",
    "rows",
    "rubric",
    "speak",
    "spoken_together",
    "stats",
    "venue_name",
    "week_story",
    "word_text",
    "write",
    "write_plainly",
]
