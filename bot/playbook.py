"""The playbook: rules, phrases and treasuries read from their texts, and the texts from a config folder. Who has
the texts of last year has last year's playbook."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from bot import commentary, metrics, rules
from bot.domain.catalog import Catalog
from bot.domain.files import read_tables
from bot.domain.playbook import Playbook
from bot.domain.rulebook import RuleBook
from bot.errors import ConfigError, Problem
from bot.given import Unreadable, read_given
from bot.metrics import CATALOG
from bot.rules.record import parse_manner

Parsed = TypeVar("Parsed")

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "bot" / "shipped"
"""What a wheel brings of config/; a clone has none."""


def config_folder(environment: Mapping[str, str], shipped: Path = SHIPPED) -> Path:
    """Where rules, words and settings are: config/ of a clone; of an installed wheel the folder that TIGHTROPE_CONFIG names,
    else ~/.config/tightrope."""
    if not shipped.is_dir():
        return ROOT / "config"
    named = environment.get("TIGHTROPE_CONFIG")
    return Path(named).resolve() if named else Path.home() / ".config" / "tightrope"


CONFIG = config_folder(os.environ)
LARGEST = 4 * 2**20
EQUIVALENT = "equivalent.toml"  # beside the rule cases: mutants that no case can tell apart


def parse_playbook(texts: Mapping[str, str], *, whole: bool = False) -> Playbook:
    """The playbook in some files, path → text: `rules/*.toml`, `phrases/<locale>/*.toml`, `treasuries.toml`,
    `events.toml`, `event-posts.toml`, `record.toml`. Its catalog holds the metrics that its English has words for: files of
    an earlier time know nothing of later ones. A `whole` one has words for all of them.

    Raises ConfigError with every problem of every file.
    """
    catalog = CATALOG if whole else _named(texts)
    problems: list[Problem] = []
    book = _read_rules(_within(texts, "rules"), problems)
    banks = {}
    for locale in sorted({path.split("/")[1] for path in texts if path.startswith("phrases/")}):
        try:
            banks[locale] = commentary.parse(_within(texts, f"phrases/{locale}"), locale, catalog, book)
        except ConfigError as error:
            problems += error.problems
    holdings = _parsed(texts, "treasuries.toml", metrics.parse_holdings, problems) or ()
    events = _parsed(texts, "events.toml", metrics.parse_events, problems) or ()
    event_rows = _parsed(texts, "event-posts.toml", metrics.parse_event_rows, problems) or ()
    _parsed(texts, "record.toml", parse_manner, problems)
    if "en" not in banks and not problems:
        problems.append(Problem(file="phrases", id="en", reason="the English phrases are missing"))
    if problems:
        raise ConfigError(problems)
    banks = {locale: commentary.fill_from_english(bank, banks["en"]) for locale, bank in banks.items()}
    hashes = [book.hash, *(banks[locale].hash for locale in sorted(banks))]
    return Playbook(
        catalog=catalog,
        rules=book,
        banks=banks,
        holdings=holdings,
        events=events,
        event_rows=event_rows,
        hash=hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:12],
        editions=rules.editions(book),
        texts=texts,
    )


def _parsed(
    texts: Mapping[str, str], name: str, parse: Callable[[str], Parsed], problems: list[Problem]
) -> Parsed | None:
    """What one file says; None where there is none, or where it has problems, which are noted."""
    if name not in texts:
        return None
    try:
        return parse(texts[name])
    except ConfigError as error:
        problems += error.problems
        return None


def _named(texts: Mapping[str, str]) -> Catalog:
    """The metrics that the English files have words for; all of them where the files cannot be read."""
    try:
        read = [read_tables(text, name) for name, text in _within(texts, "phrases/en").items()]
    except ConfigError:  # told where the phrases are read
        return CATALOG
    named = {name for file in read for name in file.get("metric", {})}
    return Catalog({name: metric for name, metric in CATALOG.metrics.items() if name in named})


def _within(texts: Mapping[str, str], folder: str) -> Mapping[str, str]:
    """The files of one folder, by their names in it."""
    return {
        path.removeprefix(f"{folder}/"): text
        for path, text in sorted(texts.items())
        if path.startswith(f"{folder}/")
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


def read_file(path: Path) -> str:
    """A file's text. Raises ConfigError that names the file, and the line where a byte is not UTF-8."""
    held = b""
    try:
        about = path.stat()
        if not (
            stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
        ):  # a pipe would be waited for, a device read without end
            raise ConfigError([Problem(file=str(path), id="", reason="cannot be read: not a file")])
        held = read_given(path, LARGEST)
        return held.decode("utf-8").replace("\r\n", "\n")
    except Unreadable as error:
        reason = f"cannot be read: {error.reason}"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        line = held.count(b"\n", 0, error.start) + 1
        reason = f"line {line} is not UTF-8: save the file in that encoding"
    raise ConfigError([Problem(file=str(path), id="", reason=reason)])


def read_texts(folder: Path, suffix: str = ".toml") -> Mapping[str, str]:
    """The texts of a folder's files by name, in alphabetical order. Files whose names begin with a dot are an
    editor's own, and passed over. Raises ConfigError with every file that cannot be read."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob(f"*{suffix}")):
        if path.name.startswith("."):
            continue
        try:
            texts[path.name] = read_file(path)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return texts


def locales_in(config: Path) -> tuple[str, ...]:
    """The languages that a config folder has phrases in, sorted; none where there is no such folder."""
    folder = config / "phrases"
    try:
        return tuple(sorted(one.name for one in folder.iterdir() if one.is_dir() and one.name[0] != "."))
    except OSError:
        return ()


def read_playbook(config: Path = CONFIG) -> Playbook:
    """Catalog, rules, phrases and treasuries of a config folder. Raises ConfigError with every problem of
    every file."""
    if not (config / "rules").is_dir() or not (config / "phrases").is_dir():
        reason = "no config folder: it holds bot.toml, rules/ and phrases/"
        raise ConfigError([Problem(file=str(config), id="", reason=reason)])
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for folder in ("rules", *(f"phrases/{locale}" for locale in locales_in(config))):
        try:
            texts |= {f"{folder}/{name}": text for name, text in read_texts(config / folder).items()}
        except ConfigError as error:
            problems += error.problems
    for name in ("treasuries.toml", "events.toml", "event-posts.toml", "record.toml"):
        try:
            texts |= {name: read_file(config / name)} if (config / name).exists() else {}
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return parse_playbook(texts, whole=True)
