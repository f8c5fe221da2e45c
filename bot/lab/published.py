"""docs/agreement.md: how the leans of single families stand beside published commentary, and beside the plainest judge
there is. Which reading of an article is which fact, and what counts as agreement, is the scorer's; its figures are
read here."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from msgspec import Struct

from bot.errors import InputError

_TALLY = re.compile(r"^(\w+): (\d+)/(\d+) = \d+%(?:, flips (\d+), answered (\d+))?$", re.MULTILINE)
_ALL = "all"


class AgreementTally(Struct, frozen=True, kw_only=True):
    """What the scorer counted of one judge: family rows that agree and that there are, rows that are answered, and rows
    that say the very opposite; and the first two by the topic of a row."""

    agreed: int
    rows: int
    flips: int
    answered: int
    topics: Mapping[str, tuple[int, int]]

    @property
    def share_pct(self) -> float:
        """Agreement, in percent of the rows."""
        return 100.0 * self.agreed / self.rows


def read_tally(text: str) -> AgreementTally:
    """What a run of the scorer printed. Raises InputError where its last line is not there."""
    topics, whole = dict[str, tuple[int, int]](), None
    for topic, agreed, rows, flips, answered in _TALLY.findall(text):
        if topic != _ALL:
            topics[topic] = (int(agreed), int(rows))
        elif flips and int(rows):
            whole = (int(agreed), int(rows), int(flips), int(answered))
    if whole is None:
        last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
        raise InputError(f"the scorer did not say how much agrees: {last or 'it printed nothing'}")
    agreed_all, rows_all, flips_all, answered_all = whole
    return AgreementTally(
        agreed=agreed_all, rows=rows_all, flips=flips_all, answered=answered_all, topics=topics
    )


def agreement_page(ours: AgreementTally, plain: AgreementTally, edition: str, made_on: date) -> str:
    """The page as Markdown: our rules (of an edition, by its hash) and the plain bands in the same scorer."""
    return "\n".join(_lines(ours, plain, edition, made_on)) + "\n"


def _lines(ours: AgreementTally, plain: AgreementTally, edition: str, made_on: date) -> Iterator[str]:
    yield "# Beside published commentary"
    yield ""
    yield (
        f"Made on {made_on.day} {made_on:%B %Y} by `./tightrope agreement SCORER PLAIN`, with rules of edition `{edition}`; "
        "no figure of the table is written by hand."
    )
    yield ""
    yield (
        "How the leans of single families (options, basis, leverage, liquidations, funding) agree with what analysts said of "
        "the same readings. It measures misreadings, not skill: a commentator may be wrong about what comes, and no number "
        "here was moved for a row."
    )
    yield ""
    yield "| judge | agreement | flips | answered |"
    yield "|---|---|---|---|"
    for name, tally in (("these rules", ours), ("the plainest bands, one a metric", plain)):
        share = f"{tally.share_pct:.1f}% ({tally.agreed} of {tally.rows})"
        yield f"| {name} | {share} | {tally.flips} | {tally.answered} |"
    yield ""
    yield "The same by what is read:"
    yield ""
    yield "| read | these rules | the plainest bands |"
    yield "|---|---|---|"
    for topic in sorted(ours.topics.keys() | plain.topics.keys()):
        cells = (tally.topics.get(topic) for tally in (ours, plain))
        yield (
            f"| {topic} | "
            + " | ".join("–" if one is None else f"{one[0]} of {one[1]}" for one in cells)
            + " |"
        )
    yield ""
    yield (
        "A flip is bearish read as bullish or the other way round. A family that is left unanswered, or that cannot be told "
        "without what the article leaves out, counts as a disagreement."
    )
    yield ""
    yield (
        "The first rules had been written beside this record and reached 80% of it. On a second record, kept apart, they had "
        "58% and 3 flips, where plain bands had 50 to 55%: **the first figure did not carry over**, and so no more than the "
        "second should be believed of any. What the second record showed were kinds of misreading, and each became a general "
        "rule with its source: dollars of open interest that fall with the price are the price; funding below zero alone is "
        "read both ways; the direction of funding says more than its level; the nearest tenor that is quoted speaks for its "
        "family; inside the usual range, and at its edge, the change decides; liquidations without a side beside a fall of a "
        "tenth are longs."
    )
    yield ""
    yield (
        "Where desks contradict each other, these rules say neither and tell both readings. Of the rows that still differ, "
        "most are a level inside the published range that an author called bullish or bearish nonetheless, or funding below "
        "zero beside growing positions."
    )
