"""The daily note: once a day at the reader's hour, one message for all assets, of what is known."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.commentary import card, in_columns
from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Verdict
from bot.domain.posts import DailyNote, Profile
from bot.errors import InputError
from bot.notices.digests import DailyNotes, note_post
from bot.process.archive_questions import post_again
from tests.archive.make import decision, verdict
from tests.notices.bots import Bot, playbook, settings
from tests.said import refused

AT = datetime(2026, 2, 6, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def note(**given: object) -> DailyNote:
    made = DailyNote(
        reader="discord:6001",
        channel="discord:dm:6001",
        assets=("BTC", "ETH"),
        metrics=("skew_60d_pct", "open_interest_usd", "dvol"),
        post_at="12:00",
        zone="UTC",
        created_at=AT - DAY,
    )
    return replace(made, **given)


def facts(asset: str, **known: float) -> Facts:
    told = {
        name.replace("__", "."): Fact(
            name=name.replace("__", "."), value=value, at=AT, venues=("deribit",), of_venues=1
        )
        for name, value in known.items()
    }
    return Facts(asset=asset, at=AT, known=told)


BITCOIN = facts(
    "BTC", spot_usd=67_800.0, skew_60d_pct=20.0, skew_60d_pct__before_24h=19.4, open_interest_usd=35.8e9
)
ETHER = facts("ETH", spot_usd=1_980.0, dvol=97.0)


def judged(of: Facts) -> tuple[Verdict, Facts]:
    return replace(verdict(AT), asset=of.asset), of


def test_each_asset_has_a_sentence_and_its_known_readings() -> None:
    made = note_post(note(), AT, {"BTC": judged(BITCOIN), "ETH": judged(ETHER)}, playbook())
    assert (made.channel, made.reason, made.intended_at) == ("discord:dm:6001", "digest", AT)
    shown = card(made, playbook().banks["en"])
    assert shown.title == "Your daily note"
    assert "BTC trades at $67,800; the verdict is caution." in shown.body
    assert "ETH trades at $1,980; the verdict is caution." in shown.body
    assert shown.table[0] == ("", "now", "1d ago")
    assert shown.table[1:] == (
        ("BTC", "", ""),
        ("60d skew", "20%", "19.4%"),
        ("OI", "$35.8bn", "–"),
        ("ETH", "", ""),
        ("DVOL", "97", "–"),
    )
    assert all(len(line) <= 30 for line in in_columns(shown.table).splitlines())


def test_every_number_of_the_table_leads_back_to_a_fact() -> None:
    made = note_post(note(), AT, {"BTC": judged(BITCOIN)}, playbook())
    spans = [
        (row.text[span.start : span.end], span.origin.ref) for row in made.story.table for span in row.spans
    ]
    assert spans == [
        ("20%", "skew_60d_pct"),
        ("19.4%", "skew_60d_pct.before_24h"),
        ("$35.8bn", "open_interest_usd"),
    ]


def test_it_is_the_same_post_for_the_same_reader_and_hour() -> None:
    told = {"BTC": judged(BITCOIN)}
    one, again = (note_post(note(), AT, told, playbook()) for _ in range(2))
    assert (one.id, one.nonce) == (again.id, again.nonce)
    assert note_post(note(), AT + DAY, told, playbook()).id != one.id
    assert note_post(note(reader="discord:6002"), AT, told, playbook()).id != one.id


def test_it_is_in_the_readers_language() -> None:
    made = note_post(note(locale="es"), AT, {"BTC": judged(BITCOIN)}, playbook())
    assert card(made, playbook().banks["es"]).title == "Su nota diaria"
    assert "el veredicto es «cautela»" in made.story.body


def notes(due: Sequence[tuple[DailyNote, datetime]]) -> DailyNotes:
    async def named(at: datetime) -> Sequence[tuple[DailyNote, datetime]]:
        return due

    async def judge(asset: str, profile: Profile) -> tuple[Verdict, Facts]:
        return judged({"BTC": BITCOIN, "ETH": ETHER}[asset])

    return DailyNotes(due=named, judge=judge, assets=("BTC", "ETH"), late_after=timedelta(minutes=10))


async def test_it_is_made_once_a_poll_with_the_last_of_its_assets() -> None:
    ask = notes([(note(), AT - HOUR)])
    of_bitcoin = replace(decision(AT), facts=BITCOIN)
    of_ether = replace(decision(AT), facts=ETHER)
    assert await ask.posts(of_bitcoin, Profile(), playbook()) == []
    assert await ask.posts(of_ether, Profile(locale="es"), playbook()) == ()
    (made,) = await ask.posts(of_ether, Profile(), playbook())
    assert (made.late, len(made.story.paragraphs)) == (True, 2)


async def test_a_note_on_nothing_that_is_followed_is_none() -> None:
    assert await notes([(note(assets=("DOGE",)), AT)]).posts(decision(AT), Profile(), playbook()) == []


async def test_a_bot_sends_it_once_a_day_also_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = Bot(tmp_path / "bot.sqlite", settings("deribit"), monkeypatch)
    begin = datetime(2026, 2, 1, 6, tzinfo=UTC)
    async with bot.started() as one:
        await one.parts.archive.digests.put(note(assets=("BTC",), created_at=begin))
        await one.polls(begin, begin + 8 * HOUR, 2 * HOUR)
    async with bot.started() as one:
        await one.polls(begin + 9 * HOUR, begin + 33 * HOUR, 3 * HOUR)
        found = [post for post in await one.parts.archive.posts.find(limit=500) if post.reason == "digest"]
        assert [post.intended_at for post in reversed(found)] == [begin + 6 * HOUR, begin + 30 * HOUR]
        assert {post.channel for post in found} == {"discord:dm:6001"}
        with refused(InputError, match="not told again"):
            await post_again(one.parts.archive, found[0].id)
