"""`/status`, `/help`, `/treasuries`: the bot about itself, and what holders published."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.commands import Request, discover, run, usage
from bot.desk.memory import SourceState
from bot.domain.audit import AuditReport, AuditRow
from bot.domain.readings import Gap
from bot.sources._hosts import HostUsage
from tests.delivery.discord.stand import make_post


async def test_status_names_the_edition_and_each_source_with_its_age(ask, market, monkeypatch, figures_of):
    gap = Gap(who="okx BTC", reason="okx BTC: no answer within 25 s")
    heard = SourceState(source="deribit", heard_at=market.now() - timedelta(minutes=3))
    monkeypatch.setattr(market, "source_states", lambda: (heard, SourceState(source="okx", gaps=(gap,))))
    answer = await ask("status")
    assert "abc123" in answer.body
    figures = figures_of(answer)
    assert figures["Deribit"] == "Last heard 6 February 2026, 13:57 UTC."
    assert figures["OKX"].startswith("Not heard yet.")
    assert "no answer within 25 s" in figures["OKX"]


async def test_status_shows_each_hosts_budget_and_until_when_one_rests(ask, market, monkeypatch, figures_of):
    until = market.now() + timedelta(minutes=10)
    used = HostUsage(
        host="www.deribit.com",
        used=6.2,
        limit=100,
        requests=48,
        health="well",
        resting_until=None,
        trouble=None,
    )
    rests = HostUsage(
        host="api.bybit.com",
        used=1,
        limit=600,
        requests=3,
        health="resting",
        resting_until=until,
        trouble="barred",
    )
    never = HostUsage(
        host="www.okx.com", used=0, limit=20, requests=0, health="well", resting_until=None, trouble=None
    )
    monkeypatch.setattr(market, "_budgets", lambda: (rests, used, never))
    assert figures_of(await ask("status"))["Requests"] == (
        "At api.bybit.com: left alone until 6 February 2026, 14:10 UTC, 3 asked.\n"
        "At www.deribit.com: 7 of 100 in use, 48 asked."
    )


async def test_help_lists_every_command_once(ask):
    lines = (await ask("help")).body.splitlines()[1:]
    named = [word for line in lines for word in line.partition(": ")[2].split()]
    assert sorted(named) == sorted(f"/{name}" for name in discover())


@pytest.mark.parametrize("typed", ["{}", "/{}", " /{} "])
async def test_help_tells_how_a_command_is_asked_with_each_of_its_options(ask, figures_of, typed):
    for name, command in discover().items():
        answer = await ask("help", command=typed.format(name))
        assert answer.title == usage(command)
        assert set(figures_of(answer)) == {option.name for option in command.options}
        assert all(text and text != label for label, text in figures_of(answer).items())


async def test_help_for_a_command_that_there_is_not_lists_those_that_there_are(ask):
    answer = await ask("help", command="skw")
    assert answer.private
    assert "skew" in answer.body


async def test_what_a_holder_had_last_published_is_told_with_its_date_and_source(ask, figures_of):
    answer = await ask("treasuries")
    assert [figure.label for figure in answer.figures].count("Example Corp.") == 1
    told = "713,502 coins, bought at $76,000 on average, as of 31 January 2026. Source: its filing."
    assert figures_of(answer)["Example Corp."] == told


async def test_a_statement_that_is_too_old_is_told_with_its_age_and_not_reckoned_with(
    market, playbook, figures_of
):
    old = tuple(replace(one, as_of=one.as_of - timedelta(days=180)) for one in playbook.holdings)
    market.adopt(replace(playbook, holdings=old))
    answer = await run(market, discover()["treasuries"], Request(channel="preview:"))
    assert figures_of(answer)["Example Corp."] == (
        "720,000 coins, bought at $76,000 on average, as of 1 September 2025: 158 days ago, too old to reckon with. "
        "Source: its filing."
    )


async def test_without_a_holder_it_says_so(ask):
    assert (await ask("treasuries", asset="ETH")).body.startswith("No holder is listed for ETH.")


async def test_status_shows_the_posts_of_which_nobody_can_tell_whether_they_arrived(ask, archive):
    assert "nobody can tell" not in (await ask("status")).body
    archive.outbox.doubtful = [make_post("k7m2p"), make_post("q3x8z")]
    body = (await ask("status")).body
    assert "whether they arrived: 2, the last one q3x8z of 6 February 2026, 14:00 UTC" in body


async def test_status_says_when_the_channel_it_is_asked_in_gets_its_next_post(market, monkeypatch):
    async def upcoming(channel: str, at: datetime) -> datetime | None:
        return at + timedelta(hours=22) if channel == "discord:1" else None

    monkeypatch.setattr(market, "upcoming", upcoming)
    command = discover()["status"]
    assert "7 February 2026, 12:00 UTC" in (await run(market, command, Request(channel="discord:1"))).body
    assert "7 February 2026" not in (await run(market, command, Request(channel="discord:2"))).body
    assert "7 February 2026" not in (await run(market, command, Request())).body


async def test_status_tells_the_last_audit_once_there_is_one(ask, market, monkeypatch):
    assert "beyond tolerance" not in (await ask("status")).body
    one = AuditRow(
        asset="BTC",
        metric="dvol",
        venue="deribit",
        unit="vol points",
        tolerance=0.5,
        compared=24,
        missing=0,
        beyond=2,
    )
    at = market.now() - timedelta(hours=10)

    async def last_audit() -> AuditReport:
        return AuditReport(at=at, since=at - timedelta(days=1), rows=(one, one))

    monkeypatch.setattr(market, "last_audit", last_audit)
    said = (
        "Of 48 stored values held against the venues' own histories on 6 February 2026, 04:00 UTC, "
        "4 lay beyond tolerance."
    )
    assert said in (await ask("status")).body
