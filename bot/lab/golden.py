"""The golden markets: stated facts (`tests/golden/*.toml`) and the page of what is said of them (`*.md`), so
that an edit of a rule or a phrase is seen as a reader would see it."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts
from bot.domain.files import read_tables
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.domain.story import Length, Story
from bot.errors import ConfigError, InputError, Problem
from bot.lab.questions import settle
from bot.metrics import derive


class Golden(Struct, frozen=True, kw_only=True):
    """One market: its name, its facts, and what a reader expects of it: the stance, figures in the body,
    words in the footer."""

    name: str
    market: Facts
    stance: str
    figures: tuple[str, ...]
    footer: str


def parse_golden(name: str, text: str, catalog: Catalog) -> Golden:
    """A market from its file. Raises ConfigError."""
    try:
        read = read_tables(text, f"{name}.toml")
        at: datetime = read["at"]
        market = derive("BTC", at, read["facts"], read.get("times", {}), catalog)
        stale = {
            key: Fact(name=key, value=one["value"], at=one["at"])
            for key, one in read.get("stale", {}).items()
        }
        stance, figures = read["stance"], tuple(read["figures"])
    except KeyError as error:
        raise ConfigError(
            [Problem(file=f"{name}.toml", id=str(error.args[0]), reason="is missing")]
        ) from error
    except InputError as error:
        raise ConfigError([Problem(file=f"{name}.toml", id="facts", reason=str(error))]) from error
    heard = read.get("venues", {})
    known = {
        key: replace(fact, venues=tuple(heard.get("heard", ())), of_venues=heard.get("of", 0))
        for key, fact in market.known.items()
    }
    return Golden(
        name=name,
        market=replace(market, known=known, stale=stale),
        stance=stance,
        figures=figures,
        footer=read.get("footer", ""),
    )


def page(one: Golden, playbook: Playbook, locale: str = "en") -> str:
    """What a playbook says of the market at each length that it has a story of, as a page to read."""
    verdict, told = settle(one.market, playbook, Profile(locale=locale))
    parts = [f"# {one.name}", f"Stance {verdict.stance}, confidence {verdict.confidence}."]
    for length, story in stories_of_length(told).items():
        parts.append(f"## {length}")
        parts += [f"**{story.headline.text}**"] if story.headline else []
        parts += [text.text for text in story.paragraphs]
    below = told["embed"].footer
    parts += ["## footer", below.text if below else ""]
    return "\n\n".join(parts) + "\n"


def stories_of_length(told: Mapping[Length, Story]) -> Mapping[Length, Story]:
    """The stories that came out at the length that was asked for: an article of a thin market is an embed."""
    return {length: story for length, story in told.items() if story.length == length}
