"""Alerts: an edge makes one, a level none; and what is too much is counted, not lost."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.domain.judgement import Finding, MoveAlarm, Signal, Verdict
from bot.domain.playbook import EventRow
from bot.domain.posts import Reason, Route
from bot.domain.rulebook import Confidence, Notify, Severity, Stance
from bot.rules import Change, Judgement, alert, is_quiet
from bot.rules.alerts import after_event, wants_event
from tests.rules.make import HOUR, NOON, book

CHANNEL = Route(channel="preview:")


def judged(
    stance: Stance,
    severity: Severity = "caution",
    *,
    confidence: Confidence = "high",
    muted: bool = False,
    comes_on: bool = False,
    rule: str = "skew-fear",
) -> Judgement:
    findings: tuple[Finding, ...] = ()
    if stance not in ("neutral", "no-call"):
        findings = (
            Finding(
                rule=rule, family="options", vote=-2, severity=severity, facts=("skew_60d_pct",), since=NOON
            ),
        )
    signal = Signal(rule=rule, phase="on", since=NOON, evaluated_at=NOON, muted=muted)
    verdict = Verdict(
        asset="BTC",
        at=NOON,
        stance=stance,
        confidence=confidence,
        score=(0, 0),
        coverage=1,
        families={},
        votes={},
        findings=findings,
    )
    changed = (Change(rule=rule, before="pending", after="on", told="on"),) if comes_on else ()
    return Judgement(signals={rule: signal}, verdict=verdict, changed=changed)


def follow(
    *stances: Judgement, route: Route = CHANNEL, step: timedelta = HOUR, start: datetime = NOON
) -> tuple[Route, list[Reason | None]]:
    reasons: list[Reason | None] = []
    for number, judgement in enumerate(stances):
        route, reason = alert(route, judgement, book(), start + number * step)
        reasons.append(reason)
    return route, reasons


def test_a_calm_market_is_no_news_to_a_new_channel() -> None:
    route, reasons = follow(judged("neutral"), judged("neutral"))
    assert reasons == [None, None]
    assert route.last_stance == "neutral"


def test_a_new_channel_hears_of_a_lean_first() -> None:
    assert follow(judged("bearish"))[1] == ["first"]


def test_a_stance_that_holds_for_days_is_one_message() -> None:
    assert follow(*[judged("bearish")] * 72)[1] == ["first", *[None] * 71]


def test_a_change_of_stance_is_told_and_so_is_the_all_clear() -> None:
    told = follow(judged("neutral"), judged("bearish"), judged("neutral"), judged("bullish"), step=25 * HOUR)[
        1
    ]
    assert told == [None, "changed stance", "all clear", "changed stance"]


def test_less_data_is_not_an_all_clear() -> None:
    unsure = judged("neutral", confidence="low")
    route, reasons = follow(judged("bearish"), unsure, judged("no-call"), judged("bearish"))
    assert reasons == ["first", None, None, None]
    assert route.last_stance == "bearish"


def test_a_graver_finding_escalates_once() -> None:
    told = follow(judged("bearish", "caution"), judged("bearish", "alarm"), judged("bearish", "alarm"))[1]
    assert told == ["first", "escalated", None]


@pytest.mark.parametrize(
    ("severities", "gravest"),
    [
        (("info", "alarm", "watch"), "alarm"),
        (("watch", "caution", "info"), "caution"),
        (("info", "watch"), "watch"),
        ((), "info"),
    ],
)
def test_what_is_told_is_as_grave_as_its_gravest_finding(
    severities: tuple[Severity, ...], gravest: Severity
) -> None:
    found = judged("bearish")
    (one,) = found.verdict.findings
    findings = tuple(replace(one, severity=severity) for severity in severities)
    route, _ = alert(CHANNEL, replace(found, verdict=replace(found.verdict, findings=findings)), book(), NOON)
    assert route.last_severity == gravest


def test_a_milder_finding_makes_room_for_the_next_escalation() -> None:
    steps = [judged("bearish", "alarm"), judged("bearish", "caution"), judged("bearish", "alarm")]
    assert follow(*steps, step=25 * HOUR)[1] == ["first", None, "escalated"]


def test_an_unsettled_rule_escalates_nothing() -> None:
    assert follow(judged("bearish", "watch"), judged("bearish", "alarm", muted=True))[1] == ["first", None]


def test_the_same_stance_within_the_cooldown_waits_and_is_counted_once() -> None:
    steps = [judged("bearish"), judged("neutral"), judged("bearish"), judged("neutral"), judged("bullish")]
    route, reasons = follow(*steps[:3], step=3 * HOUR)
    assert reasons == ["first", "all clear", None]
    assert route.suppressed == 1
    route, reason = alert(route, judged("bearish"), book(), NOON + 9 * HOUR)
    assert (reason, route.suppressed) == (None, 1)
    route, reason = alert(route, judged("bearish"), book(), NOON + 25 * HOUR)
    assert (reason, route.suppressed) == ("changed stance", 0)


def test_an_alarm_skips_the_cooldown_but_not_the_cap() -> None:
    edges = [judged("bearish", "alarm"), judged("neutral")] * 3
    _, reasons = follow(*edges, step=2 * HOUR)
    assert reasons[:3] == ["first", "all clear", "changed stance"]
    assert sum(reason is not None for reason in reasons) <= book().notify.per_day
    _, quick = follow(
        *[judged("bearish", "alarm"), judged("bullish", "alarm"), judged("bearish", "alarm")],
        step=timedelta(minutes=10),
    )
    assert quick == ["first", "changed stance", None]


def test_a_snoozed_channel_hears_afterwards_what_still_holds() -> None:
    asleep = Route(channel="preview:", last_stance="neutral", snoozed_until=NOON + 5 * HOUR)
    route, reasons = follow(*[judged("bearish")] * 7, route=asleep)
    assert reasons == [None] * 5 + ["changed stance", None]
    assert route.suppressed == 0


def test_quiet_hours_are_those_of_the_channels_own_zone() -> None:
    night = Route(channel="preview:", last_stance="neutral", quiet=(22, 7), zone="Europe/Berlin")
    late = datetime.fromisoformat("2026-02-06T21:30:00+00:00")
    assert alert(night, judged("bearish"), book(), late)[1] is None
    assert alert(night, judged("bearish"), book(), late + 9 * HOUR)[1] == "changed stance"
    assert alert(night, judged("bearish"), book(), late - 2 * HOUR)[1] == "changed stance"


def test_a_change_that_came_with_a_venues_dropping_out_is_held_back() -> None:
    known = Route(channel="preview:", last_stance="neutral")
    route, reason = alert(known, judged("bearish"), book(), NOON, lost=True)
    assert reason is None
    assert alert(route, judged("neutral"), book(), NOON + HOUR / 2)[1] is None
    assert alert(route, judged("bearish"), book(), NOON + HOUR / 2)[1] is None
    assert alert(route, judged("bearish"), book(), NOON + HOUR)[1] == "changed stance"


def test_a_scheduled_post_tells_the_channel_everything() -> None:
    due = Route(channel="preview:", last_stance="neutral", due_at=NOON, suppressed=2)
    route, reason = alert(due, judged("bearish"), book(), NOON)
    assert reason is None
    assert (route.last_stance, route.suppressed) == ("bearish", 0)
    assert alert(route, judged("bearish"), book(), NOON + HOUR)[1] is None


def test_a_channel_without_alerts_gets_none() -> None:
    assert follow(judged("bearish"), route=Route(channel="preview:", alerts=False))[1] == [None]


def test_a_channel_hears_of_what_is_grave_enough_for_it_and_of_its_end() -> None:
    grave = Route(channel="preview:", last_stance="neutral", severity="alarm")
    slight, alarm, calm = judged("bearish", "caution"), judged("bearish", "alarm"), judged("neutral")
    assert follow(slight, calm, route=grave)[1] == [None, None]
    assert follow(slight, alarm, calm, route=grave, step=25 * HOUR)[1] == [
        None,
        "changed stance",
        "all clear",
    ]


def test_an_alarm_that_comes_back_within_the_same_stance_repeats_after_a_day() -> None:
    route, _ = follow(judged("bearish", "alarm"))
    again = judged("bearish", "alarm", comes_on=True)
    assert alert(route, again, book(), NOON + 5 * HOUR)[1] is None
    assert alert(route, again, book(), NOON + 30 * HOUR)[1] == "repeat"


def test_another_alarm_within_the_same_stance_is_news() -> None:
    known = Route(channel="preview:", last_stance="bearish", last_severity="alarm")
    told, _ = alert(replace(known, due_at=NOON), judged("bearish", "alarm"), book(), NOON)
    new = judged("bearish", "alarm", rule="liquidation-cascade", comes_on=True)
    after, reason = alert(replace(told, due_at=None), new, book(), NOON + HOUR)
    assert reason == "escalated"
    assert alert(after, new, book(), NOON + 2 * HOUR)[1] is None


# ── the ends of each count: what is just too much, and what is just not ─────────────────────────────────────

NEVER_AGAIN = timedelta(days=9)
INSTANT = timedelta(microseconds=1)


def reason_after(
    *alerts: tuple[timedelta, str], severity: Severity = "caution", **limits: object
) -> Reason | None:
    """Why a change to caution is told now to a channel that was alerted so long ago, about a stance; None where it
    is not. The limits that are not named allow anything."""
    lax = Notify(cooldown=timedelta(0), repeat=NEVER_AGAIN, per_hour=99, per_day=99)
    told = Route(
        channel="preview:",
        last_stance="neutral",
        alerted_at=tuple(NOON - ago for ago, _ in alerts),
        subjects=tuple(f"{stance} " for _, stance in alerts),
    )
    rules = replace(book(), notify=replace(lax, **limits))
    return alert(told, judged("bearish", severity), rules, NOON)[1]


def test_the_cooldown_counts_from_the_last_alert_of_the_stance_and_ends_to_the_moment() -> None:
    day = 24 * HOUR
    assert reason_after((30 * HOUR, "bearish"), (2 * HOUR, "bearish"), cooldown=day) is None
    assert reason_after((2 * HOUR, "bearish"), (30 * HOUR, "bearish"), cooldown=day) is None
    assert reason_after((day - INSTANT, "bearish"), cooldown=day) is None
    assert reason_after((day, "bearish"), cooldown=day) == "changed stance"


def test_the_cooldown_of_one_stance_is_not_anothers_and_not_an_alarms() -> None:
    assert reason_after((HOUR, "bullish"), cooldown=24 * HOUR) == "changed stance"
    assert reason_after((HOUR, "bearish"), severity="alarm", cooldown=24 * HOUR) == "changed stance"


def test_as_many_alerts_an_hour_go_out_as_are_set_and_no_more() -> None:
    two = (timedelta(minutes=10), "bullish"), (timedelta(minutes=20), "neutral")
    assert reason_after(two[0], per_hour=2) == "changed stance"
    assert reason_after(*two, per_hour=2) is None
    assert reason_after(two[0], (HOUR - INSTANT, "neutral"), per_hour=2) is None
    assert reason_after(two[0], (HOUR, "neutral"), per_hour=2) == "changed stance"
    assert reason_after(*two, severity="alarm", per_hour=2) is None


def test_events_take_no_alerts_place() -> None:
    two = [(timedelta(minutes=40), "event/calendar/fomc"), (timedelta(minutes=5), "event/expiry/friday")]
    assert reason_after(*two, per_hour=2) == "changed stance"
    assert reason_after(*two, (timedelta(minutes=20), "neutral "), per_hour=1) is None


def test_as_many_alerts_a_day_go_out_as_are_set_and_no_more() -> None:
    two = (5 * HOUR, "bullish"), (10 * HOUR, "neutral")
    assert reason_after(two[0], per_day=2) == "changed stance"
    assert reason_after(*two, per_day=2) is None
    assert reason_after(two[0], (24 * HOUR - INSTANT, "neutral"), per_day=2) is None
    assert reason_after(two[0], (24 * HOUR, "neutral"), per_day=2) == "changed stance"


def test_an_alarm_is_repeated_from_the_moment_on_that_is_set() -> None:
    again = judged("bearish", "alarm", comes_on=True)

    def reason(ago: timedelta) -> Reason | None:
        known = Route(
            channel="preview:",
            last_stance="bearish",
            last_severity="alarm",
            alerted_at=(NOON - ago,),
            subjects=("bearish  skew-fear",),
        )
        return alert(known, again, book(), NOON)[1]

    assert reason(book().notify.repeat - INSTANT) is None
    assert reason(book().notify.repeat) == "repeat"


def test_what_is_held_back_is_told_from_the_moment_on_at_which_it_ends() -> None:
    waiting = Route(channel="preview:", last_stance="neutral", held_until=NOON)
    assert alert(waiting, judged("bearish"), book(), NOON - INSTANT) == (waiting, None)
    assert alert(waiting, judged("bearish"), book(), NOON)[1] == "changed stance"
    held, _ = alert(replace(waiting, held_until=None), judged("bearish"), book(), NOON, lost=True)
    assert held.held_until == NOON + HOUR


def test_a_graver_alarm_is_not_held_back_for_a_venue_that_dropped_out() -> None:
    known = Route(channel="preview:", last_stance="bearish", last_severity="caution")
    assert alert(known, judged("bearish", "alarm"), book(), NOON, lost=True)[1] == "escalated"


def test_a_channel_sleeps_until_the_moment_that_was_asked_for() -> None:
    asleep = Route(channel="preview:", last_stance="neutral", snoozed_until=NOON)
    assert alert(asleep, judged("bearish"), book(), NOON - INSTANT)[1] is None
    assert alert(asleep, judged("bearish"), book(), NOON)[1] == "changed stance"


def test_quiet_hours_begin_with_the_first_and_end_before_the_last() -> None:
    def quiet(first: int, last: int, hour: int) -> bool:
        return is_quiet(Route(channel="preview:", quiet=(first, last)), NOON.replace(hour=hour))

    assert [quiet(9, 17, hour) for hour in (8, 9, 16, 17)] == [False, True, True, False]
    assert [quiet(22, 7, hour) for hour in (21, 22, 0, 6, 7)] == [False, True, True, True, False]
    assert [quiet(5, 5, hour) for hour in (4, 5, 6)] == [False, False, False]
    assert not is_quiet(Route(channel="preview:"), NOON)


def test_what_was_told_is_remembered_for_two_days() -> None:
    ages = (48 * HOUR, 48 * HOUR - INSTANT, HOUR)
    known = Route(
        channel="preview:",
        last_stance="neutral",
        alerted_at=tuple(NOON - age for age in ages),
        subjects=("bullish ", "bullish ", "bullish "),
    )
    after, _ = alert(known, judged("bearish"), book(), NOON)
    assert after.alerted_at == (NOON - ages[1], NOON - ages[2], NOON)
    assert len(after.subjects) == 3


def moved(*rules: str) -> Judgement:
    """A quiet market in which the price has just moved."""
    calm = judged("neutral")
    alarms = tuple(
        MoveAlarm(
            rule=rule,
            fact="spot_usd.change_24h_pct",
            severity="alarm",
            move=-9.0,
            line=8.0,
            start=75_000.0,
            end=68_000.0,
            started_at=NOON - HOUR,
            at=NOON,
            since=NOON,
            new=True,
        )
        for rule in rules
    )
    return replace(calm, verdict=replace(calm.verdict, alarms=alarms))


def test_a_move_that_the_channel_has_muted_alerts_elsewhere_alone() -> None:
    known = replace(CHANNEL, last_stance="neutral")
    muted = replace(known, muted_moves=("price-falls",))
    assert alert(known, moved("price-falls"), book(), NOON)[1] == "move"
    assert alert(muted, moved("price-falls"), book(), NOON)[1] is None
    assert alert(muted, moved("price-falls", "new-low"), book(), NOON)[1] == "move"


def test_a_move_that_was_told_is_told_again_when_it_is_larger_and_not_when_it_comes_back() -> None:
    def fall(lines: int, rule: str = "price-falls") -> Judgement:
        calm = moved(rule)
        alarm = replace(calm.verdict.alarms[0], lines=lines)
        return replace(calm, verdict=replace(calm.verdict, alarms=(alarm,)))

    def next_reason(*steps: Judgement, hours: int = 2) -> Reason | None:
        known = replace(CHANNEL, last_stance="neutral")
        return follow(*steps, route=known, step=hours * HOUR)[1][-1]

    assert [next_reason(fall(2), fall(lines)) for lines in (1, 2, 3)] == [None, None, "move"]
    assert next_reason(fall(2), fall(1, "new-low")) == "move"
    assert next_reason(fall(2), fall(1), hours=25) == "move"
    leaning = [judged("bearish"), replace(fall(1), verdict=replace(fall(1).verdict, stance="bearish"))]
    assert follow(*leaning)[1] == ["first", "move"]  # no cooldown of a stance holds a move back


def test_a_grave_move_goes_over_the_days_number_and_not_over_the_hours() -> None:
    """The fall's first hours spend a day's alerts on lesser things; the worst of the night is told all the same."""

    def reason(
        *ago: timedelta, severity: Severity = "alarm", lines: int = 2, told: str = ""
    ) -> Reason | None:
        found = moved("price-falls")
        alarm = replace(found.verdict.alarms[0], severity=severity, lines=lines)
        route = replace(
            CHANNEL,
            last_stance="neutral",
            alerted_at=tuple(NOON - one for one in ago),
            subjects=tuple(f"bearish {told}" for _ in ago),
        )
        notify = replace(book().notify, per_hour=2, per_day=3)
        judgement = replace(found, verdict=replace(found.verdict, alarms=(alarm,)))
        return alert(route, judgement, replace(book(), notify=notify), NOON)[1]

    three = 6 * HOUR, 5 * HOUR, 4 * HOUR
    assert reason(*three) == "move"
    assert reason(*three, severity="caution") is None
    assert reason(*three, told="price-falls/2") is None  # of this size it was told
    assert reason(*three, told="price-falls/1") == "move"
    assert reason(HOUR / 2, HOUR / 3) is None
    assert reason(HOUR / 2, HOUR) == "move"


def test_a_channel_is_told_of_each_event_once_where_it_takes_such_events() -> None:
    row = EventRow(kind="calendar", severity="caution", late=HOUR, numbers={})
    notify = book().notify

    def wants(route: Route, stamp: str = "fomc", event: EventRow = row, at: datetime = NOON) -> bool:
        return wants_event(route, event, stamp, notify, at)

    told = after_event(CHANNEL, row, "fomc", NOON)
    assert (told.alerted_at, told.subjects) == ((NOON,), ("event/calendar/fomc",))
    assert [wants(CHANNEL), wants(told), wants(told, "cpi")] == [True, False, True]
    assert wants(told, event=replace(row, kind="expiry"))
    assert not wants(replace(CHANNEL, alerts=False))
    assert not wants(replace(CHANNEL, muted_moves=("calendar",)))
    graver = replace(CHANNEL, severity="alarm")
    assert (wants(graver), wants(graver, event=replace(row, severity="alarm"))) == (False, True)
    asleep = replace(CHANNEL, snoozed_until=NOON + HOUR)
    assert (wants(asleep), wants(asleep, at=NOON + HOUR)) == (False, True)
    assert not wants(replace(CHANNEL, quiet=(11, 13)))
    spent = replace(CHANNEL, alerted_at=(NOON,) * notify.per_hour, subjects=("neutral ",) * notify.per_hour)
    assert (wants(spent), wants(spent, at=NOON + 25 * HOUR)) == (False, True)


def test_a_scheduled_post_is_no_alert_and_starts_no_cooldown() -> None:
    route, _ = alert(replace(CHANNEL, due_at=NOON), judged("bearish"), book(), NOON)
    calm, reason = alert(replace(route, due_at=None), judged("neutral"), book(), NOON + HOUR)
    assert reason == "all clear"
    assert alert(calm, judged("bearish"), book(), NOON + 2 * HOUR)[1] == "changed stance"
