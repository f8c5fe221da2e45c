"""A post made again from the archive, also after its rules and words were edited; a brief of a past time."""

import io
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from rich.console import Console as Terminal

from bot.domain.facts import Point
from bot.domain.posts import Profile
from bot.errors import ConfigError, InputError
from bot.lab.retell import brief_at
from bot.metrics import CATALOG
from bot.playbook import CONFIG, parse_playbook, read_playbook
from bot.process.app import Parts, house
from bot.process.archive_questions import archive_of, as_json, brief_then, card_text, export, post_again
from bot.process.demo import play, read_tape
from bot.process.settings import load

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENTS = 16


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]  # a tape is played


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played() -> AsyncIterator[Parts]:
    """The beginning of the tape, played: a few posts in an archive in memory."""
    settings = load(CONFIG, {"TIGHTROPE_POLL__BACKFILL_DAYS": "30"}).model_copy(update={"assets": ("BTC",)})
    tape = read_tape("february-2026")
    short = replace(tape, moments=tape.moments[:MOMENTS])
    async with house(settings, read_playbook(), terminal=Terminal(file=io.StringIO()), tape=short) as parts:
        await play(parts, settings, short)
        yield parts


def edited(texts: Mapping[str, str]) -> Mapping[str, str]:
    """The playbook's files with other thresholds and other words."""
    rules = {
        path: re.sub(r"(below|above) = (-?\d+)", r"\1 = \g<2>1", text)
        if "price" in path and "rules" in path
        else text
        for path, text in texts.items()
    }
    return {
        path: text.replace("week", "seven days") if path.startswith("phrases/") else text
        for path, text in rules.items()
    }


async def test_every_post_is_made_again_byte_for_byte(played: Parts) -> None:
    posts = await played.archive.posts.find(limit=50)
    assert len({post.id for post in posts}) >= 3
    for post in posts:
        again = await post_again(played.archive, post.id)
        assert card_text(again.retold).encode() == card_text(again.stored).encode()
        assert again.same


async def test_a_post_stays_the_same_after_its_rules_and_words_were_edited(played: Parts) -> None:
    last = (await played.archive.posts.find(limit=1))[0]
    before = await post_again(played.archive, last.id)
    market = played.desk.market
    market.adopt(replace(market.playbook, hash="another", texts=edited(market.playbook.texts)))
    await played.archive.playbooks.keep(played.desk.market.playbook, AT)
    after = await post_again(played.archive, last.id)
    assert after.same
    assert after.edition == before.edition != "another"
    assert await played.archive.playbooks.files("another") != await played.archive.playbooks.files(
        before.edition
    )


async def test_a_post_whose_playbook_was_not_kept_is_refused(played: Parts) -> None:
    with pytest.raises(InputError, match="not in the archive"):
        await post_again(played.archive, "nothing1")


async def test_a_playbook_of_an_earlier_time_knows_nothing_of_a_later_metric() -> None:
    later = re.compile(r"(?ms)^\[metric\.open_interest_cme_usd\]\n.*?(?=^\[|\Z)")
    texts = {
        path: later.sub("", text) if path.startswith("phrases/") else text
        for path, text in read_playbook().texts.items()
    }
    earlier = parse_playbook(texts)
    assert CATALOG.metrics.keys() - earlier.catalog.metrics.keys() == {"open_interest_cme_usd"}
    with pytest.raises(ConfigError, match=r"metric\.open_interest_cme_usd: this metric has no title"):
        parse_playbook(texts, whole=True)


async def test_the_playbook_of_the_same_texts_is_the_same_edition() -> None:
    playbook = read_playbook()
    assert parse_playbook(playbook.texts).hash == playbook.hash
    assert {path.split("/")[0] for path in playbook.texts} == {
        "rules",
        "phrases",
        "treasuries.toml",
        "record.toml",
        "events.toml",
        "event-posts.toml",
    }


async def test_a_brief_of_then_knows_nothing_of_later(played: Parts) -> None:
    playbook = played.desk.market.playbook
    since = AT - timedelta(days=120)
    then = brief_at(await played.archive.points.series("BTC", since, AT), playbook, "BTC", AT, Profile())
    hindsight = brief_at(await played.archive.points.series("BTC", since), playbook, "BTC", AT, Profile())
    assert then == hindsight
    assert max(fact.at for fact in then.facts.known.values()) <= AT
    assert then.story.at == AT


async def test_a_brief_of_then_says_what_was_judged_then(played: Parts) -> None:
    """On the tape a poll comes every six hours: at its own moment the verdict of then is the one of the
    poll."""
    post = next(post for post in await played.archive.posts.find(limit=50) if post.reason == "scheduled")
    occasion = await played.archive.posts.inputs(post.id)
    assert occasion is not None
    series = await played.archive.points.series(
        "BTC", occasion.facts.at - timedelta(days=120), occasion.facts.at
    )
    then = brief_at(series, played.desk.market.playbook, "BTC", occasion.facts.at, Profile())
    assert {
        name: fact.value for name, fact in then.facts.known.items() if name in ("spot_usd", "skew_60d_pct")
    } == {name: occasion.facts.known[name].value for name in ("spot_usd", "skew_60d_pct")}
    assert then.verdict.stance == occasion.verdict.stance


async def test_a_brief_of_then_is_plain_values_for_a_program(played: Parts) -> None:
    playbook = played.desk.market.playbook
    past = await played.archive.points.series("BTC", AT - timedelta(days=120), AT)
    then = brief_at(past, playbook, "BTC", AT, Profile())
    verdict = replace(then.verdict, coverage=0.123456, score=(-0.123456, 0.5))
    told = as_json(replace(then, verdict=verdict))
    assert told["at"] == "2026-01-31T12:00:00Z"
    assert told["verdict"] == {
        "stance": verdict.stance,
        "confidence": verdict.confidence,
        "score": [-0.1235, 0.5],
        "coverage": 0.1235,
    }
    assert told["families"] == dict(verdict.families)
    assert told["findings"] == [finding.rule for finding in verdict.findings]
    assert told["facts"] == {name: fact.value for name, fact in then.facts.known.items()}
    assert told["story"].endswith(then.story.body if then.story.footer is None else then.story.footer.text)
    assert then.story.body in told["story"]


async def test_the_archive_of_the_settings_is_asked_for_its_past_and_not_for_what_came_later(
    tmp_path: Path,
) -> None:
    settings = load(CONFIG, {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/a.sqlite"})
    playbook = read_playbook()
    with pytest.raises(InputError, match="unknown asset 'DOGE': one of BTC"):
        await brief_then(settings, playbook, "DOGE", AT, "embed")
    hours = [AT - timedelta(hours=ago) for ago in range(30, -31, -1)]
    before = AT - timedelta(days=settings.poll.history_days, hours=1)
    async with archive_of(settings) as archive:
        await archive.points.add(
            [
                Point(metric=metric, asset="BTC", at=at, value=value)
                for metric, value in (("spot_usd", 70_000.0), ("dvol", 50.0))
                for at in hours
            ]
        )
        await archive.points.add([Point(metric="dvol", asset="ETH", at=before, value=50.0)])
    then = await brief_then(settings, playbook, "BTC", AT, "embed")
    assert {name: then.facts.value(name) for name in ("spot_usd", "dvol")} == {
        "spot_usd": 70_000.0,
        "dvol": 50.0,
    }
    assert (then.facts.at, then.story.length) == (AT, "embed")
    with pytest.raises(InputError, match="ETH: the archive holds nothing from before"):
        await brief_then(settings, playbook, "ETH", AT, "embed")  # older than its history is kept
    span = {"since": AT - timedelta(hours=2), "until": AT}

    async def written(name: str, *metrics: str) -> tuple[int, list[str]]:
        to = tmp_path / name
        count = await export(settings, playbook, assets=("BTC",), metrics=metrics, to=to, **span)
        return count, sorted({line.split(",")[1] for line in to.read_text("utf-8").splitlines()[1:]})

    assert await written("one.csv", "dvol") == (3, ["dvol"])
    assert await written("all.csv") == (6, ["dvol", "spot_usd"])
