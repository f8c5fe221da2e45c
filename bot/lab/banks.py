"""What a phrase bank may lack without being wrong: a translation, where English stands in for it."""

import re
from collections.abc import Iterator, Mapping

from bot.domain.playbook import Playbook
from bot.domain.story import PhraseBank

ENGLISH = frozenset(("the", "and", "with", "than", "which", "this", "that", "from", "are", "of", "is"))
"""Words without which English says little, and which other languages of posts do not have."""

LISTS = ("forbidden", "number_words")
LEAST_ENGLISH = 2
OWN_NAME = "panel.language."
WORD = re.compile(r"[^\W\d_]+")


def bank_warnings(playbook: Playbook) -> tuple[str, ...]:
    """Each in a sentence, with file or language and what to do."""
    told: list[str] = []
    for locale, bank in sorted(playbook.banks.items()):
        told += [
            f"{locale}: word {name}: what a language calls itself: add it to config/phrases/{locale}/panel.toml"
            for other in sorted(playbook.banks)
            if (name := f"{OWN_NAME}{other}") not in bank.words
        ]
        if locale != "en":
            told += _english_in(bank)
    return tuple(told)


def _english_in(bank: PhraseBank) -> Iterator[str]:
    for phrase in bank.phrases:
        if _is_english(phrase.text):
            yield f"{bank.locale}/{phrase.file}: {phrase.id}: reads as English: translate it"
    for key, text in _sentences(bank).items():
        if _is_english(text):
            yield f"{bank.locale}: word {key}: English stands in for it: add it to config/phrases/{bank.locale}/"


def _sentences(bank: PhraseBank) -> Mapping[str, str]:
    """The bank's words that are said; lists by which texts are read are none."""
    return {key: text for key, text in bank.words.items() if "|" not in text and key not in LISTS}


def _is_english(text: str) -> bool:
    bare = re.sub(r"{{.*?}}|{\w+}|`.*?`", " ", text)
    return len({word.lower() for word in WORD.findall(bare)} & ENGLISH) >= LEAST_ENGLISH
