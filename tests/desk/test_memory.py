"""What a process has in memory of each asset: one asset's is not another's, and a source's time outlasts its
silence."""

from bot.desk.memory import DeskMemory, SourceState
from bot.domain.readings import Gap, Snapshot
from bot.metrics import History
from bot.reasons import about, reason
from tests.desk.parts import AT, HOUR, MINUTE

SILENT = Gap(who="okx", reason="okx BTC: no answer")
HALF = Gap(who="okx funding", reason="okx ETH: HTTP 500")


def test_a_history_is_kept_for_its_asset_until_all_are_forgotten() -> None:
    memory, bitcoin, ether = DeskMemory(), History("BTC"), History("ETH")
    assert memory.history("BTC") is None
    memory.keep_history("BTC", bitcoin)
    memory.keep_history("ETH", ether)
    assert (memory.history("BTC"), memory.history("ETH"), memory.history("SOL")) == (bitcoin, ether, None)
    memory.forget_histories()
    assert (memory.history("BTC"), memory.history("ETH")) == (None, None)


def test_the_last_snapshot_is_that_of_its_own_asset() -> None:
    memory = DeskMemory()
    first = Snapshot(asset="BTC", taken_at=AT, readings=())
    last = Snapshot(asset="BTC", taken_at=AT + MINUTE, readings=())
    other = Snapshot(asset="ETH", taken_at=AT, readings=())
    assert memory.snapshot("BTC") is None
    for one in (first, other, last):
        memory.keep_snapshot(one)
    assert memory.snapshot("BTC") is last
    assert memory.snapshot("ETH") is other


def test_forgetting_what_was_measured_does_not_forget_what_was_heard() -> None:
    memory, heard = DeskMemory(), Snapshot(asset="BTC", taken_at=AT, readings=())
    memory.keep_snapshot(heard)
    memory.note_source("okx", "BTC", AT, (), heard=True)
    memory.forget_histories()
    assert memory.snapshot("BTC") is heard
    assert memory.source_states(["okx"]) == (SourceState(source="okx", heard_at=AT),)


def test_a_silent_source_keeps_the_time_of_its_last_word() -> None:
    memory = DeskMemory()
    memory.note_source("okx", "BTC", AT, (), heard=True)
    memory.note_source("okx", "BTC", AT + HOUR, (SILENT,), heard=False)
    memory.note_source("okx", "BTC", AT + 2 * HOUR, (SILENT,), heard=False)
    assert memory.source_states(["okx"]) == (SourceState(source="okx", heard_at=AT, gaps=(SILENT,)),)


def test_a_source_that_was_never_heard_has_no_time_and_one_that_is_back_has_no_gap() -> None:
    memory = DeskMemory()
    memory.note_source("okx", "BTC", AT, (SILENT,), heard=False)
    assert memory.source_states(["okx"]) == (SourceState(source="okx", gaps=(SILENT,)),)
    memory.note_source("okx", "BTC", AT + HOUR, (), heard=True)
    assert memory.source_states(["okx"]) == (SourceState(source="okx", heard_at=AT + HOUR),)


def test_over_all_assets_the_latest_word_counts_and_all_gaps_are_told() -> None:
    memory = DeskMemory()
    memory.note_source("okx", "BTC", AT + HOUR, (SILENT,), heard=True)
    memory.note_source("okx", "ETH", AT, (HALF,), heard=True)
    memory.note_source("deribit", "BTC", AT + 2 * HOUR, (), heard=True)
    assert memory.source_states(["okx", "bybit", "deribit"]) == (
        SourceState(source="okx", heard_at=AT + HOUR, gaps=(SILENT, HALF)),
        SourceState(source="bybit"),
        SourceState(source="deribit", heard_at=AT + 2 * HOUR),
    )


def test_a_source_is_live_partial_stale_or_adrift() -> None:
    memory = DeskMemory()
    missing = Gap(who="okx BTC", reason=reason("no_result"))
    jumped = Gap(
        who="bybit BTC index", reason=about("bybit BTC index", reason("figure_jumped", was=1.0, now=2.0))
    )
    for source, gaps, heard in (
        ("deribit", (), True),
        ("okx", (missing,), True),
        ("kraken", (missing,), False),
    ):
        memory.note_source(source, "BTC", AT, gaps, heard=heard)
    memory.note_source("bybit", "BTC", AT, (), heard=True)
    memory.note_doubts("BTC", [jumped, jumped, Gap(who="metrics spot_usd", reason="x")])
    states = {one.source: one for one in memory.source_states(["deribit", "okx", "kraken", "bybit", "never"])}
    assert {source: one.light for source, one in states.items()} == {
        "deribit": "LIVE",
        "okx": "PARTIAL",
        "kraken": "STALE",
        "bybit": "DRIFT",
        "never": "STALE",
    }
    assert states["bybit"].gaps == (jumped,)


def test_a_source_that_was_heard_before_and_not_in_the_last_poll_is_stale() -> None:
    memory = DeskMemory()
    memory.note_source("okx", "BTC", AT, (), heard=True)
    memory.note_source("okx", "BTC", AT + MINUTE, (), heard=False)
    [state] = memory.source_states(["okx"])
    assert (state.light, state.heard_at) == ("STALE", AT)


def test_a_past_that_is_to_be_followed_again_is_taken_once_and_is_one_assets() -> None:
    memory = DeskMemory()
    assert not memory.take_follow_again("BTC")
    memory.follow_again("BTC")
    assert not memory.take_follow_again("ETH")
    assert memory.take_follow_again("BTC")
    assert not memory.take_follow_again("BTC")


def test_one_assets_past_is_forgotten_and_no_others() -> None:
    memory, bitcoin, ether = DeskMemory(), History("BTC"), History("ETH")
    memory.keep_history("BTC", bitcoin)
    memory.keep_history("ETH", ether)
    memory.forget_history("BTC")
    assert (memory.history("BTC"), memory.history("ETH")) == (None, ether)
