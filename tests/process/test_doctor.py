"""The doctor: clocks, the archive, versions, and a token file that others may read."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct

from bot.cli.main import main
from bot.desk.memory import SourceState
from bot.domain.channels import COMMANDS_FAILURE
from bot.domain.facts import ESTIMATES, Fact, Facts, Point
from bot.domain.playbook import DatedEvent, Holding
from bot.domain.posts import Profile
from bot.domain.readings import Gap
from bot.domain.shapes import EndpointShapes
from bot.domain.story import PhraseBank
from bot.metrics import History
from bot.process.doctor import (
    Diagnosis,
    compare_clocks,
    compare_with_recorded,
    look_at_archive,
    look_at_commands,
    look_at_estimates,
    look_at_events,
    look_at_sources,
    look_at_treasuries,
    tell_closed,
    versions,
)
from bot.reasons import about, reason
from tests.commentary.make import bank

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)


@pytest.mark.parametrize(("apart_s", "well"), [(0, True), (-4, True), (6, False), (-3600, False)])
def test_a_clock_may_be_a_few_seconds_off(apart_s: float, well: bool) -> None:
    found = compare_clocks(NOW + timedelta(seconds=apart_s), NOW)
    assert found.well is well
    assert f"{apart_s:+.0f} s" in found.says


def test_without_the_venues_time_the_clock_is_not_called_right() -> None:
    says = "nothing to compare it with: the answer had no date"
    assert compare_clocks(NOW, None) == Diagnosis(what="clock", well=False, says=says)


def test_a_venue_that_is_gone_is_told_with_its_date_and_is_nothing_to_mend() -> None:
    [found] = tell_closed({"bitmex": datetime(2026, 9, 23, 4, tzinfo=UTC)})
    assert found.well
    assert found.what == "source bitmex"
    assert found.says.startswith("closed since 23 September 2026, 04:00 UTC: not asked, not counted")


def test_a_holder_whose_last_statement_is_too_old_is_named_with_the_way_out() -> None:
    rows = [
        Holding(holder=name, asset="BTC", coins=1, average_cost_usd=1, as_of=as_of, source="s")
        for name, as_of in (
            ("A Inc.", date(2025, 5, 1)),
            ("B Inc.", date(2025, 5, 1)),
            ("A Inc.", date(2026, 1, 5)),
        )
    ]
    [found] = look_at_treasuries(rows, NOW.date())
    assert not found.well
    assert found.says == (
        "the last statement of B Inc. in config/treasuries.toml is of 1 May 2025, 281 days ago: "
        "add the newest one, or take the holder out"
    )


RECORDED = EndpointShapes(
    at=datetime(2026, 2, 1, 8, tzinfo=UTC),
    endpoints={
        "GET a/x": {"data[].ts": "text", "data[].px": "number"},
        "GET a/y": {"n": "number"},
        "GET b/z": {"n": "number"},
    },
)


def test_without_a_recording_the_doctor_says_how_to_make_one() -> None:
    [found] = compare_with_recorded(None, {"GET a/x": {}})
    assert found.well
    assert "./tightrope record DIR" in found.says


def test_replies_that_look_as_recorded_are_counted() -> None:
    [found] = compare_with_recorded(RECORDED, {**RECORDED.endpoints, "GET c/new": {}})
    assert found.well
    assert found.says == "3 of 3 replies look as recorded on 1 February 2026; 1 more were not recorded then"


def test_a_field_that_is_gone_is_ill_and_a_new_one_is_told() -> None:
    now = {"GET a/x": {"data[].px": "text"}, "GET a/y": {"n": "number", "more": "text"}}
    gone, new, summary = compare_with_recorded(RECORDED, now)
    assert (gone.what, gone.well) == ("shape of GET a/x", False)
    assert gone.says == "gone: data[].ts; of another type: data[].px: number → text"
    assert (new.what, new.well, new.says) == ("shape of GET a/y", True, "new: more")
    assert summary.says == "0 of 2 replies look as recorded on 1 February 2026"


def test_of_many_fields_a_few_are_named() -> None:
    recorded = EndpointShapes(at=NOW, endpoints={"x": {f"f{number}": "text" for number in range(10)}})
    assert compare_with_recorded(recorded, {"x": {}})[0].says.endswith("f7 and 2 more")


class Outbox:
    async def count(self) -> dict[str, int]:
        return {"sent": 12, "uncertain": 1}


async def test_the_archive_is_told_with_its_posts_by_status() -> None:
    found = await look_at_archive(Outbox(), "sqlite:///a.sqlite")
    assert found.well
    assert found.says == "sqlite:///a.sqlite opens; posts: 12 sent, 1 uncertain"


class Spent(Struct, frozen=True, kw_only=True):
    """A host's budget."""

    host: str
    used: float
    limit: float
    requests: int
    resting_until: datetime | None = None
    trouble: str = ""


class Asked:
    """A desk of two sources, one of which is silent, and of what was spent on them."""

    assets = ("BTC",)

    def bank(self, profile: Profile) -> PhraseBank:
        return bank("en")

    async def look(self, asset: str, at: datetime) -> Facts:
        return Facts(asset=asset, at=at, known={})

    def source_states(self) -> list[SourceState]:
        silent = Gap(who="okx", reason=about("okx", reason("http_status", status=503)))
        return [SourceState(source="deribit", heard_at=NOW), SourceState(source="okx", gaps=(silent,))]

    def budgets(self) -> list[Spent]:
        rests = NOW + timedelta(minutes=2)
        return [
            Spent(host="www.deribit.com", used=7.5, limit=20, requests=9),
            Spent(
                host="www.okx.com",
                used=20,
                limit=20,
                requests=31,
                resting_until=rests,
                trouble=reason("too_many_requests", status=429),
            ),
        ]


async def test_each_source_and_each_budget_is_a_line_and_a_host_that_rests_is_not_well() -> None:
    desk: Any = SimpleNamespace(market=Asked(), poller=Asked())
    found = {one.what: one for one in await look_at_sources(desk, NOW)}
    assert {name: one.well for name, one in found.items()} == {
        "source deribit": True,
        "source okx": False,
        "budget www.deribit.com": True,
        "budget www.okx.com": False,
        "facts on BTC": False,
    }
    assert found["source okx"].says == "STALE: okx: HTTP 503"
    assert found["budget www.deribit.com"].says == "7.5 of 20 in use, 9 requests"
    assert (
        found["budget www.okx.com"].says
        == "20 of 20 in use, 31 requests; rests until 14:02:00 UTC: too many requests (HTTP 429)"
    )


class Cut(Asked):
    """The same desk without a network: what is known is of the archive's past."""

    async def look(self, asset: str, at: datetime) -> Facts:
        known = {"spot_usd": Fact(name="spot_usd", value=70_000.0, at=at)}
        return Facts(asset=asset, at=at, known=known)

    def source_states(self) -> list[SourceState]:
        return [SourceState(source="deribit")]


async def test_facts_of_the_past_alone_are_not_well() -> None:
    desk: Any = SimpleNamespace(market=Cut(), poller=Cut())
    [facts] = [one for one in await look_at_sources(desk, NOW) if one.what == "facts on BTC"]
    assert not facts.well
    assert facts.says.startswith("1 facts known")
    assert "no source answers" in facts.says


def test_versions_name_what_is_installed_in_order() -> None:
    names = [name.lower() for name, _ in versions()]
    assert names == sorted(names)
    assert {"httpx", "sqlalchemy", "discord.py"} <= set(names)


def test_a_token_file_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "token"
    secret.write_text("very-secret-token", encoding="utf-8")
    secret.chmod(0o644)
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(secret))
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    monkeypatch.setattr("sys.argv", ["bot", "doctor"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert "chmod 600" in told.err
    assert "very-secret-token" not in told.out + told.err


def test_versions_are_json_where_a_program_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bot", "doctor", "--versions", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "httpx" in json.loads(capsys.readouterr().out)["packages"]


@dataclass
class Note:
    text: str | None

    async def get(self, name: str) -> str | None:
        return self.text if name == COMMANDS_FAILURE else None


async def test_commands_that_discord_has_not_taken_are_told_with_the_reason() -> None:
    refused = await look_at_commands(Note("2026-02-06 14:00 UTC: 400 Bad Request (error code: 50035)"))
    assert not refused.well
    assert "50035" in refused.says
    assert (await look_at_commands(Note(""))).well
    assert (await look_at_commands(Note(None))).well


def test_events_are_well_while_there_are_dates_ahead_and_say_which_kind_runs_out() -> None:
    at = datetime(2026, 12, 5, tzinfo=UTC)
    events = [
        DatedEvent(kind=kind, at=day, source="its publisher", read=date(2026, 11, 30))
        for kind, day in (
            ("cpi", datetime(2026, 11, 10, tzinfo=UTC)),
            ("cpi", datetime(2026, 12, 10, tzinfo=UTC)),
            ("fomc", datetime(2027, 12, 8, tzinfo=UTC)),
        )
    ]
    cpi, fomc = look_at_events(events, at)
    assert (cpi.what, cpi.well) == ("events cpi", False)
    assert cpi.says.startswith("dated until 10 December 2026, read on 30 November 2026; add the next ones")
    assert (fomc.what, fomc.well) == ("events fomc", True)
    [none] = look_at_events([], at)
    assert not none.well


def test_estimates_are_told_with_how_far_they_lie_from_readings_once_both_exist() -> None:
    """By the tenor: the sixty-day skew was measured too, the thirty-day one only estimated."""
    start = datetime(2026, 3, 1, tzinfo=UTC)

    def estimated(metric: str) -> list[Point]:
        return [
            Point(
                metric=metric,
                asset="BTC",
                at=start + timedelta(hours=8 * number),
                value=11.0,
                venue=ESTIMATES,
                venues=("deribit",),
                covers_s=8 * 3600,
            )
            for number in range(4)
        ]

    nothing = History.empty("BTC")
    assert [one.says for one in look_at_estimates(nothing)] == ["nothing of the past is estimated"]
    alone = nothing.extend([*estimated("skew_60d_pct"), *estimated("skew_30d_pct")])
    [told] = look_at_estimates(alone)
    assert told.says == "2 metrics are estimated; nothing of them was both estimated and measured yet"
    read = [
        Point(
            metric="skew_60d_pct",
            asset="BTC",
            at=start + timedelta(hours=hour),
            value=10.5,
            venues=("deribit",),
        )
        for hour in range(1, 33)
    ]
    [told] = look_at_estimates(alone.extend(read))
    assert told.what == "estimate of BTC skew_60d_pct"
    assert told.says == "+0.50 against readings, half within 0.00 of that, over 4 stretches"
