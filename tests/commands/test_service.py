"""`/status`, `/help`, `/treasuries`: the bot about itself, and what holders published."""

from datetime import datetime, timedelta

from bot.commands import Request, discover, run, usage
from bot.desk import Hearing
from bot.domain.readings import Gap
from bot.sources._hosts import HostUsage
from tests.delivery.discord.stand import make_post


async def test_status_names_the_edition_and_each_source_with_its_age(ask, desk, monkeypatch, figures_of):
    gap = Gap(who="okx BTC", reason="okx BTC: no answer within 25 s")
    heard = Hearing(source="deribit", heard_at=desk.now() - timedelta(minutes=3))
    monkeypatch.setattr(desk, "hearings", lambda: (heard, Hearing(source="okx", gaps=(gap,))))
    answer = await ask("status")
    assert "abc123" in answer.body
    figures = figures_of(answer)
    assert figures["Deribit"] == "Last heard 6 February 2026, 13:57 UTC."
    assert figures["OKX"].startswith("Not heard yet.")
    assert "no answer within 25 s" in figures["OKX"]


async def test_status_shows_each_hosts_budget_and_until_when_one_rests(ask, desk, monkeypatch, figures_of):
    until = desk.now() + timedelta(minutes=10)
    used = HostUsage(
        host="www.deribit.com", used=6.2, limit=100, requests=48, health="well", resting_until=None, trouble=None
    )
    rests = HostUsage(
        host="api.bybit.com", used=1, limit=600, requests=3, health="resting", resting_until=until, trouble="barred"
    )
    never = HostUsage(host="www.okx.com", used=0, limit=20, requests=0, health="well", resting_until=None, trouble=None)
    monkeypatch.setattr(desk, "_budgets", lambda: (rests, used, never))
    assert figures_of(await ask("status"))["Requests"] == (
        "At api.bybit.com: left alone until 6 February 2026, 14:10 UTC, 3 asked.\n"
        "At www.deribit.com: 7 of 100 in use, 48 asked."
    )


async def test_help_lists_every_command_as_it_is_typed(ask, figures_of):
    assert set(figures_of(await ask("help"))) == {usage(command) for command in discover().values()}


async def test_what_a_holder_had_last_published_is_told_with_its_date_and_source(ask, figures_of):
    answer = await ask("treasuries")
    assert [figure.label for figure in answer.figures].count("Example Corp.") == 1
    told = "713,502 coins, bought at $76,000 on average, as of 31 January 2026. Source: its filing."
    assert figures_of(answer)["Example Corp."] == told


async def test_without_a_holder_it_says_so(ask):
    assert (await ask("treasuries", asset="ETH")).body == "No holder is listed for ETH."


async def test_status_shows_the_posts_of_which_nobody_can_tell_whether_they_arrived(ask, archive):
    assert "nobody can tell" not in (await ask("status")).body
    archive.doubtful = [make_post("k7m2p"), make_post("q3x8z")]
    body = (await ask("status")).body
    assert "whether they arrived: 2, the last one q3x8z of 6 February 2026, 14:00 UTC" in body


async def test_status_says_when_the_channel_it_is_asked_in_gets_its_next_post(desk, monkeypatch):
    async def upcoming(channel: str, at: datetime) -> datetime | None:
        return at + timedelta(hours=22) if channel == "discord:1" else None

    monkeypatch.setattr(desk, "upcoming", upcoming)
    command = discover()["status"]
    assert "7 February 2026, 12:00 UTC" in (await run(desk, command, Request(channel="discord:1"))).body
    assert "7 February 2026" not in (await run(desk, command, Request(channel="discord:2"))).body
    assert "7 February 2026" not in (await run(desk, command, Request())).body
