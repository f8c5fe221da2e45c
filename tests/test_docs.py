"""The guides: what CONTRIBUTING promises is there, and the glossary explains every word that posts and names
of metrics use."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.domain.judgement import Phase
from bot.domain.rulebook import Confidence, Severity, Stance
from bot.metrics import CATALOG

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")


def families() -> list[dict[str, Any]]:
    """The families of config/rules/verdict.toml."""
    told: list[dict[str, Any]] = tomllib.loads(
        (ROOT / "config" / "rules" / "verdict.toml").read_text("utf-8")
    )["family"]
    return told


def added() -> list[list[str]]:
    """The rows of "I want to add …"."""
    rows = [line.strip("|").split("|") for line in GUIDE.splitlines() if line.startswith("| a")]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.mark.parametrize("row", added(), ids=lambda row: row[0])
def test_each_row_of_what_to_add_names_paths_that_exist_and_has_its_steps(row: list[str]) -> None:
    what, where, steps = row
    paths = re.findall(r"`([^`]+)`", where)
    assert paths, what
    assert [path for path in paths if not any(ROOT.glob(re.sub(r"<\w+>", "*", path)))] == []
    anchor = re.findall(r"\(#([\w-]+)\)", steps)[0]
    assert f"## {anchor.replace('-', ' ')}" in GUIDE.lower()


def test_what_one_may_want_to_add_is_in_the_table() -> None:
    told = " ".join(row[0] for row in added())
    assert [
        what
        for what in ("phrase", "rule", "venue", "metric", "command", "chart", "language", "surface")
        if what not in told
    ] == []


def test_every_tool_that_the_guide_names_is_one_of_the_front_doors() -> None:
    door = (ROOT / "tightrope").read_text(encoding="utf-8")
    cli = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot" / "cli").glob("*.py"))
    named = set(re.findall(r"\./tightrope ([a-z-]+)", GUIDE))
    assert {"check", "lint", "lock", "bench", "screenshots"} <= named
    assert [
        name
        for name in named
        if f'"{name}"' not in door and f"def {name}(" not in cli and f'"{name}"' not in cli
    ] == []


@pytest.mark.parametrize("family", families(), ids=lambda family: family["id"])
def test_the_glossary_has_each_family_and_each_stem_of_its_facts(family: dict[str, Any]) -> None:
    assert f"(`{family['id']}`)" in GLOSSARY
    assert [stem for stem in family["facts"] if f"`{stem}`" not in GLOSSARY] == []


def test_every_metric_begins_with_a_stem_of_the_glossary() -> None:
    stems = tuple(re.findall(r"`([a-z0-9_]+)`", GLOSSARY))
    assert [name for name in CATALOG.metrics if not name.startswith(stems)] == []


def test_the_glossary_names_every_stance_phase_confidence_and_severity() -> None:
    words = [*get_args(Phase), *get_args(Confidence), *get_args(Severity)]
    assert [word for word in words if f"*{word}*" not in GLOSSARY] == []
    assert [stance for stance in get_args(Stance) if stance not in GLOSSARY.lower()] == []


@pytest.mark.parametrize(
    "word",
    [
        "skew",
        "basis",
        "funding",
        "open interest",
        "at the money",
        "percentile",
        "coverage",
        "confidence",
        "family",
        "stance",
    ],
)
def test_a_word_that_posts_use_has_an_entry_of_its_own(word: str) -> None:
    entries = re.findall(r"^- \*\*([^*]+)\*\*", GLOSSARY, re.MULTILINE)
    assert any(word in entry.lower() for entry in entries) or f"*{word}*" in GLOSSARY.lower()


FAULTS = ("reliability", "security", "operate")


@pytest.mark.parametrize("page", FAULTS)
def test_each_test_that_a_page_of_faults_names_is_in_the_file_that_it_names(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`(?: \(([\w/]+\.py)\))?", text)
    tests = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py"))}
    missing = [
        test
        for test, file in named
        if not any(f"def {test}(" in text for path, text in tests.items() if str(path).endswith(file))
    ]
    assert missing == []


PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them, and the ids that it gives itself."""
    text = page.read_text(encoding="utf-8")
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
    return named | set(re.findall(r"(?:id|name)=\"([^\"]+)\"", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_to_a_file_or_a_heading_leads_there(page: Path) -> None:
    lost = []
    for linked in (one or other for one, other in LINK.findall(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", linked):  # elsewhere; no test has a network
            continue
        path, _, anchor = linked.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(linked)
    assert lost == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    assert LINK.findall('[a](b.md#c) `[not](one)` <img src="d.png">') == [("b.md#c", ""), ("", "d.png")]
    assert {"two-words", "a--b"} <= {
        re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in ("Two words", "A & b")
    }
