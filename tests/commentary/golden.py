"""The golden stories: a market's facts, written by hand (`tests/golden/*.toml`), and what is said of it (`*.md`).

`python -m tests.commentary.golden` writes the stories anew. A golden changes only in a commit of its own, whose body quotes a
sentence before and after and says why.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.facts import Fact, Facts
from bot.domain.story import Length, Story
from tests.commentary.make import ROOT, facts, judged, told

FOLDER = ROOT / "tests" / "golden"
LENGTHS: tuple[Length, ...] = ("short", "embed", "article")


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One market: its name, its facts, what a reader expects of it."""

    name: str
    market: Facts
    stance: str
    figures: tuple[str, ...]
    footer: str

    def stories(self) -> Mapping[str, Story]:
        """Each length that the market has a story of."""
        made = {length: told(self.market, length) for length in LENGTHS}
        return {length: story for length, story in made.items() if story.length == length}


def names() -> list[str]:
    """The markets."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def golden(name: str) -> Golden:
    """A market from its file."""
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    at: datetime = read["at"]
    market = facts(read["facts"], read.get("times", {}), at=at)
    heard = read.get("venues", {})
    known = {
        key: replace(fact, venues=tuple(heard.get("heard", ())), of_venues=heard.get("of", 0))
        for key, fact in market.known.items()
    }
    stale = {key: Fact(name=key, value=one["value"], at=one["at"]) for key, one in read.get("stale", {}).items()}
    return Golden(
        name=name,
        market=replace(market, known=known, stale=stale),
        stance=read["stance"],
        figures=tuple(read["figures"]),
        footer=read.get("footer", ""),
    )


def page(one: Golden) -> str:
    """The stories of a market as a page to read."""
    verdict = judged(one.market)
    parts = [f"# {one.name}", f"Stance {verdict.stance}, confidence {verdict.confidence}."]
    for length, story in one.stories().items():
        parts.append(f"## {length}")
        parts += [f"**{story.headline.text}**"] if story.headline else []
        parts += [text.text for text in story.paragraphs]
    footer = told(one.market).footer
    parts += ["## footer", footer.text if footer else ""]
    return "\n\n".join(parts) + "\n"


def measures(story: Story) -> Mapping[str, float]:
    """Words, paragraphs, mean sentence, numbers per hundred words, ARI and LIX of a story's paragraphs."""
    paragraphs = [text.text for text in story.paragraphs]
    text = "\n".join(paragraphs)
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[$±+−]?\d[\d,.]*%?", text)
    sentences = [part for one in paragraphs for part in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9$±+−])", one) if part.strip()]
    numbers = re.findall(r"(?<!\w)[$±+−]?\d[\d,]*(?:\.\d+)?", text)
    letters = sum(len(re.sub(r"\W", "", word)) for word in words)
    long_words = sum(len(re.sub(r"\W", "", word)) > 6 for word in words)
    sentence = len(words) / len(sentences)
    return {
        "words": len(words),
        "paragraphs": len(paragraphs),
        "sentence": sentence,
        "numbers": 100 * len(numbers) / len(words),
        "ari": 4.71 * letters / len(words) + 0.5 * sentence - 21.43,
        "lix": sentence + 100 * long_words / len(words),
    }


if __name__ == "__main__":
    for market in names():
        (FOLDER / f"{market}.md").write_text(page(golden(market)), encoding="utf-8")
