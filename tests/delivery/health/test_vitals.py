"""When a process counts as ill, what its figures say, and what the addresses answer."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from bot.delivery.health import Vitals, health_routes, ills
from bot.delivery.health.figures import Figures
from bot.errors import ConfigError, Problem

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)
WELL = Vitals(
    now=NOW,
    started_at=NOW - timedelta(hours=5),
    polled_at=NOW - timedelta(seconds=200),
    poll_every_s=300,
    outbox={"unsent": 2, "sent": 40},
    sources={"deribit": NOW - timedelta(seconds=30), "okx": None},
)


def test_a_process_that_polls_in_time_is_well() -> None:
    assert ills(WELL) == ()


def test_one_missed_poll_is_no_illness_and_three_are() -> None:
    assert ills(replace(WELL, polled_at=NOW - timedelta(seconds=700))) == ()
    [ill] = ills(
        replace(WELL, polled_at=NOW - timedelta(seconds=901), poll_failure="ArchiveError: the disk is full")
    )
    assert "901 s" in ill
    assert "the disk is full" in ill


def test_a_part_that_failed_is_an_illness_with_its_name_and_kind() -> None:
    assert ills(replace(WELL, troubles={"ETH": "KeyError"})) == ("ETH failed: KeyError",)


def test_a_figure_says_whether_the_last_reload_was_taken() -> None:
    figures = Figures()
    told = ("tightrope_reload_successful 1.0", "tightrope_reload_successful 0.0")
    assert told[0] in figures.render_metrics(WELL).decode()
    figures.heed(None, "error", {"event": "reload.refused", "problems": ["x"]})
    assert told[1] in figures.render_metrics(WELL).decode()
    figures.heed(None, "info", {"event": "reload.done"})
    text = figures.render_metrics(WELL).decode()
    assert told[0] in text
    assert "tightrope_reload_success_timestamp_seconds" in text


def test_a_young_process_has_time_for_its_first_poll() -> None:
    assert ills(replace(WELL, polled_at=None, started_at=NOW - timedelta(minutes=14))) == ()
    assert ills(replace(WELL, polled_at=None, started_at=NOW - timedelta(minutes=16))) != ()


def test_a_process_that_does_not_poll_is_not_late() -> None:
    assert ills(replace(WELL, polls=False, polled_at=None)) == ()


def test_a_gateway_gone_for_three_minutes_is_an_illness_only_where_there_should_be_one() -> None:
    gone = replace(WELL, gateway_at=NOW - timedelta(minutes=4))
    assert ills(gone) == ()
    assert ills(replace(gone, on_discord=True)) == ("no connection to Discord for 240 s",)
    assert ills(replace(gone, on_discord=True, gateway_at=NOW - timedelta(minutes=2))) == ()
    assert ills(replace(WELL, on_discord=True, gateway_at=None)) != ()


def test_a_gateway_that_takes_over_after_hours_of_standing_by_has_time_to_connect() -> None:
    taken = replace(WELL, on_discord=True, gateway_at=None, gateway_since=NOW - timedelta(minutes=2))
    assert ills(taken) == ()
    assert ills(replace(taken, gateway_since=NOW - timedelta(minutes=4))) == (
        "no connection to Discord for 240 s",
    )


def test_a_loop_that_stood_still_and_an_archive_that_cannot_be_read_are_illnesses() -> None:
    assert ills(replace(WELL, stall_s=12.0)) == ("the event loop stood still for 12 s",)
    assert ills(replace(WELL, archive_failure="the disk is full")) == (
        "the archive cannot be read: the disk is full",
    )


def sample(figures: Figures, name: str, **labels: str) -> float | None:
    return figures.counters.registry.get_sample_value(name, labels)


def test_what_the_bot_logs_is_counted() -> None:
    figures = Figures()
    for event in (
        {"event": "source.gap", "who": "deribit BTC index"},
        {"event": "source.gap", "who": "deribit"},
        {"event": "poll.done", "asset": "BTC", "took_s": 0.8},
        {"event": "post.sent"},
        {"event": "post.kept"},
        {"event": "answer.given", "surface": "discord", "command": "skew", "took_s": 0.04},
        {"event": "schedule.failed", "job": "poll"},
        {"event": "discord.refused", "status": 403, "method": "POST"},
        {"event": "discord.refusals_spent"},
        {"event": "something.else"},
    ):
        assert figures.heed(None, "info", event) == event
    assert sample(figures, "tightrope_source_gaps_total", source="deribit") == 2
    assert sample(figures, "tightrope_evaluations_total", asset="BTC") == 1
    assert sample(figures, "tightrope_posts_total", result="sent") == 1
    assert sample(figures, "tightrope_posts_total", result="kept") == 1
    assert sample(figures, "tightrope_answer_seconds_count", surface="discord", command="skew") == 1
    assert sample(figures, "tightrope_job_failures_total", job="poll") == 1
    assert sample(figures, "tightrope_discord_refusals_total", status="403") == 1
    assert sample(figures, "tightrope_discord_refusals_spent_total") == 1


def test_the_dashboard_and_the_operators_page_name_figures_that_there_are(root: Path) -> None:
    told = {
        line.split()[2]
        for line in Figures().render_metrics(WELL).decode().splitlines()
        if line.startswith("# TYPE")
    }
    dashboard = (root / "deploy" / "grafana.json").read_text("utf-8")
    named = set(
        re.findall(r"tightrope_[a-z_]+", dashboard + (root / "docs" / "operate.md").read_text("utf-8"))
    )
    assert len(named) > 10
    assert {name for name in named if name.removesuffix("_bucket") not in told} == set()
    assert [panel["id"] for panel in json.loads(dashboard)["panels"]] == list(range(1, 14))


def test_ages_are_written_and_an_unknown_age_is_no_zero() -> None:
    figures = Figures()
    text = figures.render_metrics(WELL).decode()
    assert "tightrope_poll_age_seconds 200.0" in text
    assert 'tightrope_source_age_seconds{source="deribit"} 30.0' in text
    assert 'source="okx"' not in text
    assert "tightrope_gateway_age_seconds NaN" in text
    assert 'tightrope_outbox{status="unsent"} 2.0' in text
    assert "tightrope_well 1.0" in text


def test_a_status_that_is_gone_is_not_told_on() -> None:
    figures = Figures()
    figures.render_metrics(WELL)
    assert "unsent" not in figures.render_metrics(replace(WELL, outbox={"sent": 42})).decode()


class Bot:
    """What stands behind the addresses."""

    def __init__(self) -> None:
        self.vitals = WELL
        self.broken: ConfigError | None = None

    async def look(self) -> Vitals:
        return self.vitals

    async def reload(self) -> str:
        if self.broken:
            raise self.broken
        return "old → new"


@pytest.fixture
def behind() -> Bot:
    return Bot()


@pytest.fixture
async def client(behind: Bot) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    app.add_routes(health_routes(behind.look, Figures(), behind.reload))
    async with TestClient(TestServer(app)) as made:
        yield made


async def test_healthz_is_200_when_well_and_503_with_the_reason_when_not(
    behind: Bot, client: TestClient[web.Request, web.Application]
) -> None:
    async with client.get("/healthz") as reply:
        assert reply.status == 200
        assert (await reply.json())["status"] == "ok"
    behind.vitals = replace(WELL, stall_s=9.0)
    async with client.get("/healthz") as reply:
        assert reply.status == 503
        assert (await reply.json())["ills"] == ["the event loop stood still for 9 s"]


async def test_a_process_that_stands_by_is_well_and_says_for_what(
    behind: Bot, client: TestClient[web.Request, web.Application]
) -> None:
    behind.vitals = replace(WELL, role="poller", polls=False, polled_at=None, waits_for=("the lead",))
    async with client.get("/healthz") as reply:
        assert reply.status == 200
        told = await reply.json()
    assert (told["status"], told["polls"], told["stands_by_for"]) == ("ok", False, ["the lead"])
    async with client.get("/metrics") as reply:
        assert "tightrope_standing_by 1.0" in await reply.text()


async def test_metrics_are_in_prometheus_text(client: TestClient[web.Request, web.Application]) -> None:
    async with client.get("/metrics") as reply:
        assert reply.status == 200
        assert reply.content_type == "text/plain"
        assert "# TYPE tightrope_poll_age_seconds gauge" in await reply.text()


async def test_a_reload_that_fails_lists_its_problems(
    behind: Bot, client: TestClient[web.Request, web.Application]
) -> None:
    async with client.post("/reload") as reply:
        assert (reply.status, await reply.text()) == (200, "old → new")
    behind.broken = ConfigError([Problem(file="basis.toml", id="basis", reason="unknown fact")])
    async with client.post("/reload") as reply:
        assert (reply.status, await reply.text()) == (422, "basis.toml: basis: unknown fact")


def test_a_poll_that_lies_ahead_is_no_sign_of_life() -> None:
    (ill,) = ills(replace(WELL, polled_at=NOW + timedelta(hours=1)))
    assert "put back" in ill
    assert ills(replace(WELL, polled_at=NOW + timedelta(seconds=3))) == ()


async def test_healthz_tells_what_a_person_has_to_mend_and_is_well_all_the_same(
    behind: Bot, client: TestClient[web.Request, web.Application]
) -> None:
    behind.vitals = replace(WELL, warnings=("Discord has not taken the commands: 50035",))
    response = await client.get("/healthz")
    assert response.status == 200
    assert (await response.json())["warnings"] == ["Discord has not taken the commands: 50035"]
