"""The playbook: rules, phrases and treasuries read from their texts. Pure: who has the texts of last year has last year's playbook."""

import hashlib
from collections.abc import Mapping

from bot import commentary, metrics, rules
from bot.domain.playbook import Holding, Playbook
from bot.domain.rulebook import RuleBook
from bot.errors import ConfigError, Problem
from bot.metrics import CATALOG
from bot.record import parse_manner


def parse_playbook(texts: Mapping[str, str]) -> Playbook:
    """The playbook in some files, path → text: `rules/*.toml`, `phrases/<locale>/*.toml`, `treasuries.toml`, `record.toml`.

    Raises ConfigError with every problem of every file.
    """
    problems: list[Problem] = []
    book = _read_rules(_within(texts, "rules"), problems)
    banks = {}
    for locale in sorted({path.split("/")[1] for path in texts if path.startswith("phrases/")}):
        try:
            banks[locale] = commentary.parse(_within(texts, f"phrases/{locale}"), locale, CATALOG, book)
        except ConfigError as error:
            problems += error.problems
    holdings: tuple[Holding, ...] = ()
    if "treasuries.toml" in texts:
        try:
            holdings = metrics.parse_holdings(texts["treasuries.toml"])
        except ConfigError as error:
            problems += error.problems
    if "record.toml" in texts:
        try:
            parse_manner(texts["record.toml"])
        except ConfigError as error:
            problems += error.problems
    if "en" not in banks and not problems:
        problems.append(Problem(file="phrases", id="en", reason="the English phrases are missing"))
    if problems:
        raise ConfigError(problems)
    banks = {locale: commentary.completed(bank, banks["en"]) for locale, bank in banks.items()}
    hashes = [book.hash, *(banks[locale].hash for locale in sorted(banks))]
    return Playbook(
        catalog=CATALOG, rules=book, banks=banks, holdings=holdings,
        hash=hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:12],
        editions=rules.editions(book), texts=texts,
    )  # fmt: skip


def _within(texts: Mapping[str, str], folder: str) -> Mapping[str, str]:
    """The files of one folder, by their names in it."""
    return {
        path.removeprefix(f"{folder}/"): text for path, text in sorted(texts.items()) if path.startswith(f"{folder}/")
    }


def _read_rules(files: Mapping[str, str], problems: list[Problem]) -> RuleBook:
    """The rule book; where it has problems, its sound part, so that the phrases can be checked as well."""
    try:
        return rules.parse(files, CATALOG)
    except ConfigError as error:
        sound = rules.parse_sound(files)
        if sound is None:
            raise
        problems += error.problems
        return sound
