"""Which lengths can be written: those that a language has phrases for; an article, where the market says
enough for one."""

from collections.abc import Mapping

from bot.commentary.words import several
from bot.domain.judgement import Verdict
from bot.domain.story import Length, Origin, PhraseBank

ARTICLE_FAMILIES, ARTICLE_FINDINGS = 4, 2

Refusal = tuple[str, Mapping[str, Origin]]
"""What an answer is about that says why, and the terms that its phrase may ask for."""


def has_length(words: Mapping[str, str], length: Length) -> bool:
    """Whether the language's word list says that posts of this length are written in it."""
    return length in several(words, "lengths")


def no_article(verdict: Verdict, bank: PhraseBank) -> Refusal | None:
    """None where an article can be written of the verdict in the bank's language, else why it cannot."""
    if not has_length(bank.words, "article"):
        return "article-language", {}
    if len(verdict.families) < ARTICLE_FAMILIES:
        return "article-families", _numbers("families", ARTICLE_FAMILIES, len(verdict.families))
    if len(verdict.findings) < ARTICLE_FINDINGS:
        return "article-findings", _numbers("findings", ARTICLE_FINDINGS, len(verdict.findings))
    return None


def _numbers(of: str, needed: int, found: int) -> Mapping[str, Origin]:
    return {
        "low": Origin(kind="count", ref=f"{of} needed", value=float(needed)),
        "value": Origin(kind="count", ref=f"{of} found", value=float(found)),
    }
