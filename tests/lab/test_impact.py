"""What rules are tried on: why one was on at a past time, and what an edit of the rules would have posted."""

from array import array
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.archive import open_archive
from bot.domain.facts import Series
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.lab.impact import compare, impact_text, look_at_rule, old_rules, rule_then_json, rule_then_text
from bot.playbook import CONFIG, parse_playbook, read_playbook
from bot.process.archive_questions import impact, known_by
from bot.process.demo import read_tape
from bot.process.settings import Settings, load
from tests.archive.make import decision, snapshot

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 240
UNTIL = START + timedelta(hours=HOURS)


def nothing(done: int, of: int) -> None:
    """Nobody looks at the progress."""


@cache
def playbook() -> Playbook:
    return read_playbook()


def hourly(metric: str, before: float, after: float) -> Series:
    """A value an hour for ten days; another one from the sixth day on."""
    return Series(
        metric=metric,
        asset="BTC",
        venue=None,
        at_ms=array(
            "q", [round((START + timedelta(hours=hour)).timestamp() * 1000) for hour in range(HOURS)]
        ),
        value=array("d", [before if hour < HOURS // 2 else after for hour in range(HOURS)]),
        covers_s=array("q", [0] * HOURS),
    )


def past() -> tuple[Series, ...]:
    """Calm, and after five days dear puts, a thin premium and forced selling."""
    return (
        hourly("skew_60d_pct", 1.0, 20.0),
        hourly("basis_60d_pct", 7.0, 2.0),
        hourly("liquidations_24h_usd", 1e8, 3e9),
        hourly("liquidations_24h_long_usd", 5e7, 2.5e9),
        hourly("funding_annual_pct", 8.0, 8.0),
        hourly("spot_usd", 90_000.0, 70_000.0),
        hourly("open_interest_coin", 500_000.0, 450_000.0),
        hourly("open_interest_usd", 45e9, 31.5e9),
    )


def edited(old: str, new: str) -> Mapping[str, str]:
    """The shipped files with one line of the verdict changed."""
    text = playbook().texts["rules/verdict.toml"]
    assert old in text
    return {**playbook().texts, "rules/verdict.toml": text.replace(old, new)}


# ── why a rule was on ───────────────────────────────────────────────────────────────────────────────────────


def test_a_rule_of_a_past_time_shows_its_state_and_what_its_conditions_met() -> None:
    found = look_at_rule(past(), playbook(), "basis-weak", "BTC", UNTIL - timedelta(hours=1))
    assert rule_then_json(found) == {
        "rule": "basis-weak",
        "asset": "BTC",
        "at": "2026-01-10T23:00:00Z",
        "phase": "on",
        "since": "2026-01-06T01:00:00Z",
        "held": False,
        "conditions": [
            {
                "asks": "basis_60d_pct",
                "is": "true",
                "wanted": "below",
                "threshold": 5.0,
                "clears": 6.0,
                "value": 2.0,
            }
        ],
    }
    assert rule_then_text(found).splitlines() == [
        "BTC 2026-01-10T23:00:00Z: basis-weak is on since 2026-01-06T01:00:00Z",
        "  true    basis_60d_pct below 5, until 6: 2",
    ]


def test_before_the_fall_the_same_rule_was_off() -> None:
    found = look_at_rule(past(), playbook(), "basis-weak", "BTC", START + timedelta(days=4))
    assert (found.signal.phase, found.conditions.truth) == ("off", "false")


def test_a_combination_shows_the_rules_that_it_asks_for_and_an_unknown_fact_its_reason() -> None:
    told = rule_then_text(
        look_at_rule(past()[1:], playbook(), "capitulation", "BTC", UNTIL - timedelta(hours=1))
    )
    assert "  unknown skew-fear is counting" in told
    assert "  false   liquidation-cascade is on" in told
    assert "  unknown drawdown_pct below -25, until -20: unknown (" in told


def test_an_unknown_rule_and_an_empty_past_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="unknown rule 'basis-week'"):
        look_at_rule(past(), playbook(), "basis-week", "BTC", UNTIL)
    with pytest.raises(InputError, match="BTC: nothing is known from before 2026-01-11"):
        look_at_rule((), playbook(), "basis-weak", "BTC", UNTIL)


@pytest.mark.slow
async def test_the_tape_tells_what_was_known_by_a_time_and_nothing_later() -> None:
    settings, at = load(CONFIG, {}), datetime(2026, 2, 6, 14, tzinfo=UTC)
    whole = read_tape("february-2026")
    short = settings.poll.model_copy(update={"backfill_days": 8})
    settings = settings.model_copy(update={"assets": ("BTC",), "poll": short})
    near = tuple(one for one in whole.moments if abs(one.at - at) <= timedelta(hours=3))
    told = await known_by(settings, playbook(), replace(whole, moments=near), "BTC", at, nothing)
    found = look_at_rule(told, playbook(), "basis-weak", "BTC", at)
    assert found.signal.phase == "on"
    assert found.conditions.parts[0].value == pytest.approx(2.0, abs=0.1)
    assert max(one.at_ms[-1] for one in told) <= at.timestamp() * 1000


# ── what an edit would have posted ──────────────────────────────────────────────────────────────────────────


def test_the_same_rules_change_nothing() -> None:
    found = compare(
        past(), playbook().rules, playbook(), "BTC", START, UNTIL, edition="c0ffee", progress=nothing
    )
    assert (found.gone, found.new, found.otherwise) == ((), (), 0)
    assert found.after.alerts
    assert len(found.after.moments) == HOURS


def test_a_calmer_rule_book_says_which_alerts_would_have_been_others() -> None:
    calmer = parse_playbook(edited("enters = 25", "enters = 95"))
    found = compare(past(), playbook().rules, calmer, "BTC", START, UNTIL, edition="c0ffee", progress=nothing)
    assert [(told.reason, told.stance) for told in found.gone] == [("move", "unclear")]
    assert [(told.reason, told.stance) for told in found.new] == [("move", "neutral")]
    assert {moment.stance for moment in found.before.moments[-24:]} == {"bearish"}
    assert found.otherwise == HOURS - 36  # from when two of the three days are known
    lines = impact_text(found).splitlines()
    assert lines[0] == "BTC: 240 hours with a poll; before is playbook c0ffee, which judged last"
    assert lines[1] == "alerts: 1 before, 1 after"
    assert lines[2].startswith("  gone  2026-01-06T0")


def test_a_time_without_a_reading_is_refused() -> None:
    later = UNTIL + timedelta(days=30)
    with pytest.raises(InputError, match="nothing is known between"):
        compare(past(), playbook().rules, playbook(), "BTC", later, later, edition="c0ffee", progress=nothing)


def test_rules_of_old_that_cannot_be_read_any_more_say_so() -> None:
    with pytest.raises(InputError, match=r"playbook c0ffee: this version cannot read it: verdict\.toml"):
        old_rules(edited("[confidence]", "[confidences]"), playbook(), "c0ffee")


def settings_at(folder: Path) -> Settings:
    return load(CONFIG, {"DATABASE_URL": f"sqlite:///{folder / 'archive.sqlite'}"})


async def test_before_is_the_playbook_that_judged_last(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    with pytest.raises(InputError, match="BTC: the archive does not hold the rules that judged last"):
        await impact(settings, playbook(), "BTC", START, UNTIL, nothing)
    archive = await open_archive(settings.archive.url.get_secret_value())
    try:
        older = parse_playbook(edited("enters = 25", "enters = 95"))
        await archive.playbooks.keep(older, START)
        told = decision()
        at = told.verdict.at
        points = tuple(
            replace(point, at=at - timedelta(hours=1), value=value, metric=metric, venue=None)
            for metric, value in {"skew_60d_pct": 20.0, "basis_60d_pct": 2.0}.items()
            for point in told.points[:1]
        )
        judged = replace(told, playbook_hash=older.hash, points=points)
        await archive.commit("BTC", Profile(), judged, snapshot())
    finally:
        await archive.aclose()
    found = await impact(settings, playbook(), "BTC", at - timedelta(days=1), at, nothing)
    assert found.edition == older.hash
    assert len(found.after.moments) == len(found.before.moments) > 0
