"""The brain over a change of rules: what was judged by a rule that is another now does not go on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.app import read_playbook
from bot.decide import decide
from bot.domain.judgement import Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, State
from bot.domain.readings import Snapshot
from bot.metrics import History

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
BEFORE = AT - timedelta(minutes=5)


def on(playbook: Playbook, *rules: str) -> State:
    """The state in which these rules hold, as this playbook judged it."""
    held = {
        name: Signal(rule=name, phase="on", since=BEFORE - timedelta(hours=3), evaluated_at=BEFORE, truth="true")
        for name in rules
    }
    return State(signals=held, editions=playbook.editions)


def test_a_changed_rule_starts_at_unknown_and_an_unchanged_one_keeps_its_state() -> None:
    playbook = read_playbook()
    same, other = sorted(playbook.rules.rules)[:2]
    state = on(playbook, same, other)
    changed = replace(playbook, editions={**playbook.editions, other: "another"}, hash="another")
    silence = Snapshot(asset="BTC", taken_at=AT, readings=())

    before = decide(silence, History("BTC"), state, playbook, Profile())
    assert (before.state.signals[same].phase, before.state.signals[other].phase) == ("on", "on")

    after = decide(silence, History("BTC"), state, changed, Profile())
    assert after.state.signals[same] == before.state.signals[same]
    assert after.state.signals[other].phase == "unknown"
    assert after.state.editions == changed.editions
    assert (before.playbook_hash, after.playbook_hash) == (playbook.hash, "another")
