"""Facts on demand: the same answers as a plain mapping, each worked out once."""

from datetime import UTC, datetime

import pytest

from bot.domain.facts import Fact, Facts
from bot.metrics.lazy import FactShelf, LazyFacts, OneKind

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def shelves(asked: list[str]) -> LazyFacts:
    def fill(name: str, kind: str) -> FactShelf:
        asked.append(f"{name} {kind}".strip())
        if not kind:
            return FactShelf(known={name: Fact(name=name, value=1.0, at=AT)})
        view = Fact(name=f"{name}.change_24h", value=2.0, at=AT)
        return FactShelf(known={view.name: view}, unknown={f"{name}.change_7d": "too young"})

    return LazyFacts(("dvol", "spot_usd"), ("change",), lambda suffix: suffix.partition("_")[0], fill)


def test_a_kind_of_views_is_worked_out_when_it_is_asked_for_and_once() -> None:
    asked: list[str] = []
    shelf = shelves(asked)
    known, unknown = OneKind(shelf, lambda one: one.known), OneKind(shelf, lambda one: one.unknown)
    assert asked == []
    assert known["dvol.change_24h"].value == 2.0
    assert "dvol.change_7d" not in known
    assert unknown["dvol.change_7d"] == "too young"
    assert asked == ["dvol change"]
    assert known["dvol"].value == 1.0
    assert asked == ["dvol change", "dvol"]


def test_walking_through_all_gives_every_metric_in_order() -> None:
    known = OneKind(shelves([]), lambda one: one.known)
    assert list(known) == ["dvol", "dvol.change_24h", "spot_usd", "spot_usd.change_24h"]
    assert len(known) == 4
    assert known == dict(known)


def test_a_name_outside_the_catalog_is_not_there() -> None:
    asked: list[str] = []
    known = OneKind(shelves(asked), lambda one: one.known)
    assert "nonsense" not in known
    assert known.get("nonsense.change_24h") is None
    with pytest.raises(KeyError):
        known["nonsense"]
    assert asked == []


def test_a_default_stands_for_what_is_not_there_whether_it_was_asked_for_before_or_not() -> None:
    unknown = OneKind(shelves([]), lambda one: one.unknown)
    assert [unknown.get("dvol.change_7d", "new"), unknown.get("dvol.change_7d")] == ["too young", "too young"]
    assert [unknown.get("dvol", "new"), unknown.get("dvol"), unknown.get("dvol", "other")] == [
        "new",
        None,
        "other",
    ]


def test_the_facts_of_some_metrics_are_told_without_working_out_a_view() -> None:
    asked: list[str] = []
    shelf = shelves(asked)
    spot = Fact(name="spot_usd", value=1.0, at=AT)
    facts = Facts(
        asset="BTC",
        at=AT,
        known=OneKind(shelf, lambda one: one.known),
        stale=OneKind(shelf, lambda one: one.stale),
        measured={"spot_usd": spot, "dvol": Fact(name="dvol", value=2.0, at=AT)},
    )
    told = facts.of_those(["spot_usd.change_24h", "spot_usd", "nonsense"])
    assert (told.known, told.stale) == ({"spot_usd": spot}, {})
    assert asked == ["spot_usd"]
