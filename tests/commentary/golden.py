"""The golden stories: a market's facts, written by hand (`tests/golden/*.toml`), and what is said of it
(`*.md`).

`python -m tests.commentary.golden` writes the stories anew, three of them also in Spanish
(`tests/golden/es/`). A golden changes only in a commit of its own, whose body quotes a sentence before and
after and says why."""

import re
from collections.abc import Mapping

from bot.domain.story import Length, Story
from bot.lab.golden import Golden as Market
from bot.lab.golden import page, parse_golden, stories_of_length
from bot.metrics import CATALOG
from bot.playbook import read_playbook
from tests.commentary.make import ROOT, told

FOLDER = ROOT / "tests" / "golden"
SPANISH = ("article", "calm", "venue-drops-out")
LENGTHS: tuple[Length, ...] = ("short", "embed", "article")


class Golden(Market, frozen=True, kw_only=True):
    """One market of the folder, told by the real rules and words."""

    def stories(self) -> Mapping[Length, Story]:
        """Each length that the market has a story of."""
        return stories_of_length({length: told(self.market, length) for length in LENGTHS})


def names() -> list[str]:
    """The markets."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def golden(name: str) -> Golden:
    """A market from its file."""
    read = parse_golden(name, (FOLDER / f"{name}.toml").read_text(encoding="utf-8"), CATALOG)
    return Golden(**{name: getattr(read, name) for name in read.__struct_fields__})


def measures(story: Story) -> Mapping[str, float]:
    """Words, paragraphs, mean sentence, numbers per hundred words, ARI and LIX of a story's paragraphs."""
    paragraphs = [text.text for text in story.paragraphs]
    text = "\n".join(paragraphs)
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[$±+−]?\d[\d,.]*%?", text)
    sentences = [
        part for one in paragraphs for part in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9$±+−])", one) if part.strip()
    ]
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
    playbook = read_playbook()
    for market in names():
        (FOLDER / f"{market}.md").write_text(page(golden(market), playbook), encoding="utf-8")
    for market in SPANISH:
        (FOLDER / "es" / f"{market}.md").write_text(page(golden(market), playbook, "es"), encoding="utf-8")
