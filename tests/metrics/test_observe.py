"""A snapshot becomes points and facts; every name ends known, or unknown with a reason."""

from array import array
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.catalog import VIEWS, Catalog
from bot.domain.facts import Facts, Series
from bot.domain.readings import (
    AccountRatio,
    Gap,
    Quantity,
    Reading,
    SeriesReading,
    Snapshot,
    VendorOpenInterest,
    VolatilityQuote,
)
from bot.metrics import CATALOG, History, balance_points, facts_at, observe, with_balance
from bot.metrics.series import points_from_series
from tests.metrics.market import (
    DAY,
    HOUR,
    NOW,
    bars,
    chain,
    funding,
    future,
    ms,
    observed,
    snapshot,
    spot,
    tally,
)
from tests.said import english

SOME = {"basis_60d_pct", "funding_annual_pct", "open_interest_usd"}


def names(catalog: Catalog = CATALOG) -> set[str]:
    return {
        full
        for metric in catalog.metrics.values()
        for full in (
            metric.name,
            *(
                f"{metric.name}.{suffix}"
                for suffix, view in VIEWS.items()
                if metric.amount or not view.amounts_only
            ),
        )
    }


def market() -> tuple[object, ...]:
    return (
        chain(lambda days, strike: 50.0 - strike / 1e5),
        spot(90_000.0),
        future(None, 90_010.0, index=90_000.0, usd=5e8, inverse=True),
        future(30, 90_400.0, index=90_000.0, usd=2e8, inverse=True),
        future(90, 91_500.0, index=90_000.0, usd=1e8, inverse=True),
        funding(0.01, 8.0),
        bars("spot_low_usd", [89_000.0] * 720),
        bars("spot_high_usd", [91_000.0] * 720),
        bars("dvol", [float(40 + place % 7) for place in range(24 * 70)]),
    )


def seen_twice() -> tuple[Facts, History]:
    first = observe(snapshot(*market()), History.empty("BTC"), CATALOG)  # type: ignore[arg-type]
    assert first.history is not None
    return first.facts, first.history


def test_every_name_of_the_catalog_ends_known_or_unknown_with_a_reason() -> None:
    for facts in (seen_twice()[0], observed().facts, facts_at(History.empty("BTC"), CATALOG, "BTC", NOW)):
        assert set(facts.known) | set(facts.unknown) == names()
        assert not set(facts.known) & set(facts.unknown)
        assert all(facts.unknown.values())


def test_facts_carry_their_own_names_and_no_nan() -> None:
    facts, _ = seen_twice()
    for name, fact in facts.known.items():
        assert fact.name == name
        assert CATALOG.check(name, fact.value) == fact.value


def test_nothing_heard_leaves_nothing_known_and_says_why() -> None:
    silent = snapshot(asked={"options": ("deribit",), "index": ("deribit",)})
    silent = Snapshot(
        asset="BTC",
        taken_at=NOW,
        readings=(),
        gaps=(Gap(who="deribit BTC options", reason="HTTP 503"),),
        asked=silent.asked,
    )
    facts = observe(silent, History.empty("BTC"), CATALOG).facts
    assert not facts.known
    assert "HTTP 503" in english(facts.why_unknown("skew_30d_pct"))
    assert "switched on" in english(facts.why_unknown("long_short_ratio"))


def test_points_are_the_aggregate_and_each_venue_at_one_time() -> None:
    seen = observed(
        future(None, 100.0, coin=5.0), future(None, 100.0, coin=7.0, venue="okx", at=NOW - HOUR / 6)
    )
    points = [point for point in seen.points if point.metric == "open_interest_coin"]
    assert {(point.venue, point.value, point.at) for point in points} == {
        (None, 12.0, NOW - HOUR / 6),
        ("deribit", 5.0, NOW - HOUR / 6),
        ("okx", 7.0, NOW - HOUR / 6),
    }
    aggregate = next(point for point in points if point.venue is None)
    assert (aggregate.venues, aggregate.of_venues) == (("deribit", "okx"), 2)


def test_a_venue_that_was_asked_and_silent_counts_among_the_venues() -> None:
    seen = observed(future(None, 100.0, coin=5.0), asked={"perpetuals": ("deribit", "okx", "bybit")})
    assert seen.facts.known["open_interest_coin"].of_venues == 3


@pytest.mark.parametrize(
    ("metric", "quantity", "told"),
    [
        (
            "dvol",
            "dvol",
            (VolatilityQuote(source="okx", observed_at=NOW, venue="okx", asset="BTC", dvol=50.0),),
        ),
        (
            "funding_8h_pct",
            "funding",
            (funding(0.01, 8.0, venue="okx"), future(None, 100.0, coin=5.0, venue="okx")),
        ),
        ("perp_premium_pct", "perpetuals", (future(None, 100.0, coin=5.0, venue="okx"),)),
        (
            "basis_60d_pct",
            "futures",
            (future(50, 100.0, coin=5.0, venue="okx"), future(80, 100.0, coin=5.0, venue="okx")),
        ),
        ("open_interest_coin", "futures", (future(None, 100.0, coin=5.0, venue="okx"),)),
        (
            "long_short_ratio",
            "long_short",
            (AccountRatio(source="okx", observed_at=NOW, venue="okx", asset="BTC", long_short_ratio=1.5),),
        ),
        (
            "open_interest_market_usd",
            "market_total",
            (
                VendorOpenInterest(
                    source="okx", observed_at=NOW, venue="okx", asset="BTC", open_interest_usd=6e10
                ),
            ),
        ),
        ("spot_usd", "index", (spot(90_000.0, venue="okx"),)),
        ("skew_30d_pct", "options", (spot(90_000.0, venue="okx"), chain(lambda *_: 50.0, venue="okx"))),
    ],
)
def test_a_total_counts_who_was_asked_for_its_own_quantity_and_was_silent(
    metric: str, quantity: Quantity, told: tuple[Reading, ...]
) -> None:
    quantities: list[Quantity] = [
        "perpetuals",
        "futures",
        "funding",
        "options",
        "index",
        "dvol",
        "long_short",
        "market_total",
        "gold",
    ]
    counted = {
        name: observed(*told, asked={name: ("okx", "bybit")}).facts.known[metric] for name in quantities
    }
    assert (counted[quantity].venues, counted[quantity].missing) == (("okx",), ("bybit",))
    others = {name for name, fact in counted.items() if "bybit" in fact.missing} - {quantity}
    assert others == ({"perpetuals"} if metric == "open_interest_coin" else set())
    silent = observed(
        spot(90_000.0, venue="okx") if metric != "spot_usd" else told[0],
        asked={quantity: ("bybit",), "index": ("okx",)},
    )
    if metric not in {"spot_usd", "open_interest_coin"}:
        assert "bybit" in silent.facts.why_unknown(metric)


def test_a_missed_poll_leaves_the_last_value_until_it_is_too_old() -> None:
    facts, history = seen_twice()
    soon = observe(snapshot(at=NOW + timedelta(minutes=29)), history, CATALOG).facts
    assert soon.value("skew_30d_pct") == facts.value("skew_30d_pct")
    assert soon.known["skew_30d_pct"].at == NOW
    late = observe(snapshot(at=NOW + timedelta(minutes=31)), history, CATALOG).facts
    assert late.get("skew_30d_pct") is None
    assert late.stale["skew_30d_pct"].value == facts.value("skew_30d_pct")
    assert english(late.why_unknown("skew_30d_pct"))


def test_a_value_kept_from_before_is_not_a_new_point() -> None:
    _, history = seen_twice()
    again = observe(snapshot(at=NOW + timedelta(minutes=10)), history, CATALOG)
    assert not [point for point in again.points if point.metric.startswith(("skew", "spot_usd", "basis"))]


def test_a_refused_value_is_a_gap_and_not_replaced_by_an_older_one() -> None:
    _, history = seen_twice()
    at = NOW + timedelta(minutes=5)
    again = observe(snapshot(spot(0.001, at=at), at=at), history, CATALOG)
    assert again.facts.get("spot_usd") is None
    assert [gap.who for gap in again.gaps] == ["metrics spot_usd"]
    assert "refused" in english(again.facts.why_unknown("spot_usd"))
    assert again.facts.stale["spot_usd"].value == 90_000.0


def test_a_reading_from_a_clock_that_is_ahead_is_dated_now() -> None:
    seen = observed(spot(90_000.0, at=NOW + timedelta(seconds=3)))
    assert seen.facts.known["spot_usd"].at == NOW


def test_the_past_that_a_venue_tells_is_told_once() -> None:
    first = observed(bars("dvol", [40.0, 41.0, 42.0]))
    assert len([point for point in first.points if point.metric == "dvol"]) == 6
    assert first.history is not None
    again = observed(bars("dvol", [40.0, 41.0, 43.0]), history=first.history)
    assert [(point.value, point.venue) for point in again.points if point.metric == "dvol"] == [
        (43.0, None),
        (43.0, "deribit"),
    ]


@given(
    pages=st.permutations(range(6)),
    values=st.lists(st.floats(20.0, 150.0), min_size=24, max_size=24),
    changed=st.integers(0, 23),
)
def test_of_a_past_told_page_by_page_in_any_order_what_is_told_again_otherwise_alone_is_new(
    pages: list[int], values: list[float], changed: int
) -> None:
    def page(number: int, told: list[float]) -> SeriesReading:
        until = NOW - (6 - 1 - number) * 4 * HOUR
        return bars("dvol", told[4 * number : 4 * number + 4], until=until)

    history = History.empty("BTC")
    for number in pages:
        new = points_from_series([page(number, values)], NOW, history, CATALOG)
        assert len(new) == 8  # each hour's own and the aggregate
        history = history.extend(new)
    assert not points_from_series([page(number, values) for number in range(6)], NOW, history, CATALOG)
    other = [*values[:changed], values[changed] + 1.0, *values[changed + 1 :]]
    found = points_from_series([page(number, other) for number in pages], NOW, history, CATALOG)
    assert [(point.value, point.venue) for point in found] == [
        (other[changed], None),
        (other[changed], "deribit"),
    ]


def test_implausible_rows_of_a_told_past_are_left_out() -> None:
    seen = observed(bars("dvol", [40.0, 0.0, 9_999.0, 42.0]))
    assert [point.value for point in seen.points if point.metric == "dvol" and point.venue is None] == [
        40.0,
        42.0,
    ]


def test_a_told_past_of_two_venues_is_their_median() -> None:
    seen = observed(bars("spot_low_usd", [100.0]), bars("spot_low_usd", [104.0], venue="okx"))
    aggregate = next(point for point in seen.points if point.metric == "spot_low_usd" and point.venue is None)
    assert (aggregate.value, aggregate.venues) == (102.0, ("deribit", "okx"))


def test_another_assets_past_is_not_ours() -> None:
    assert not observed(bars("spot_low_usd", [100.0], asset="ETH")).points


def test_views_follow_from_the_told_past() -> None:
    facts, _ = seen_twice()
    assert facts.value("dvol") == 40 + (24 * 70 - 1) % 7
    assert facts.get("dvol.percentile_90d") is not None
    assert facts.get("dvol.change_7d") is not None
    assert "warming up: day 1 of 60" in english(facts.why_unknown("skew_30d_pct.percentile_90d"))


def test_the_archive_alone_gives_the_same_facts() -> None:
    live, history = seen_twice()
    archived = facts_at(history, CATALOG, "BTC", NOW)
    for name, fact in live.known.items():
        assert archived.value(name) == pytest.approx(fact.value, rel=1e-12), name
        assert archived.known[name].at == fact.at


def test_the_facts_of_some_metrics_are_those_among_the_facts_of_all() -> None:
    _, history = seen_twice()
    whole = facts_at(history, CATALOG, "BTC", NOW)
    some = facts_at(history, CATALOG, "BTC", NOW, metrics=SOME)
    assert some.known
    for facts, told in ((whole.known, some.known), (whole.unknown, some.unknown)):
        assert dict(told) == {name: one for name, one in facts.items() if name.partition(".")[0] in SOME}


def test_facts_that_were_asked_for_before_the_balance_was_known_are_those_asked_for_afterwards() -> None:
    seen = observe(snapshot(*market()), seen_twice()[1], CATALOG)  # type: ignore[arg-type]
    shares = balance_points("BTC", NOW, {"basis": -18.0, "options": -24.0}, 7)
    assert "balance.change_24h" in seen.facts.unknown
    assert len([name for name in seen.facts.known if "." in name]) > 20  # all is asked for
    told, anew = (with_balance(one, shares, CATALOG).facts for one in (seen, replace(seen, shelves=None)))
    assert told.value("balance") == -42.0
    for kept, fresh in ((told.known, anew.known), (told.unknown, anew.unknown), (told.stale, anew.stale)):
        assert list(kept.items()) == list(fresh.items())


def test_what_is_worked_out_of_other_metrics_serves_the_facts_with_the_balance_and_without_it() -> None:
    seen = observe(snapshot(*market()), seen_twice()[1], CATALOG)  # type: ignore[arg-type]
    shares = balance_points("BTC", NOW, {"basis": -18.0, "options": -24.0}, 7)
    told = with_balance(seen, shares, CATALOG).facts
    others = [name for name in told.known if name.partition(".")[0] != "balance"]
    assert len(others) > 40
    assert all(told.known[name] is seen.facts.known[name] for name in others)
    assert "balance" in told.known
    assert "balance" not in seen.facts.known


def test_the_history_after_a_poll_is_the_one_before_and_its_points() -> None:
    first = observe(snapshot(*market()), History.empty("BTC"), CATALOG)  # type: ignore[arg-type]
    assert first.history is not None
    plain = History.empty("BTC").extend(first.points)
    assert plain.columns.keys() == first.history.columns.keys()
    assert plain.tellers == first.history.tellers
    for key, column in plain.columns.items():
        assert column.rows.cells[:, : len(column)].tolist() == (
            first.history.columns[key].rows.cells[:, : len(column)].tolist()
        ), key
        assert len(column) == len(first.history.columns[key])


def test_the_archive_counts_a_venue_that_fell_silent_until_it_is_switched_off() -> None:
    three = [
        spot(90_000.0 + number, venue=venue) for number, venue in enumerate(("binance", "deribit", "okx"))
    ]
    first = observe(snapshot(*three), History.empty("BTC"), CATALOG)
    assert first.history is not None
    later = [spot(90_000.0, venue=venue, at=NOW + HOUR) for venue in ("binance", "deribit")]
    second = observe(snapshot(*later, at=NOW + HOUR), first.history, CATALOG)
    assert second.history is not None
    on: Mapping[Quantity, tuple[str, ...]] = {"index": ("binance", "deribit", "okx")}
    off: Mapping[Quantity, tuple[str, ...]] = {"index": ("binance", "deribit")}
    counted = {
        "on": facts_at(second.history, CATALOG, "BTC", NOW + HOUR, on).known["spot_usd"],
        "off": facts_at(second.history, CATALOG, "BTC", NOW + HOUR, off).known["spot_usd"],
    }
    assert {name: (len(fact.venues), fact.of_venues) for name, fact in counted.items()} == {
        "on": (2, 3),
        "off": (2, 2),
    }


def test_the_archive_does_not_know_what_came_later() -> None:
    _, history = seen_twice()
    before = facts_at(history, CATALOG, "BTC", NOW - timedelta(minutes=1))
    assert before.get("skew_30d_pct") is None
    assert before.value("dvol") == 40 + (24 * 70 - 2) % 7


def test_what_is_too_old_in_the_archive_is_shown_with_its_age() -> None:
    live, history = seen_twice()
    later = facts_at(history, CATALOG, "BTC", NOW + 3 * HOUR)
    assert later.get("skew_30d_pct") is None
    assert later.stale["skew_30d_pct"].value == live.value("skew_30d_pct")
    assert english(later.why_unknown("skew_30d_pct")) == "the last reading is 3 h old"


def test_lower_bounds_survive_the_archive() -> None:
    series = Series(
        metric="liquidations_tally_long_usd",
        asset="BTC",
        venue="okx",
        at_ms=array("q", [ms(NOW - HOUR)]),
        value=array("d", [5e6]),
        covers_s=array("q", [3_600]),
        lower_bound=array("b", [1]),
    )
    facts = facts_at(History.of("BTC", [series]), CATALOG, "BTC", NOW)
    assert facts.value("liquidations_1h_long_usd") == 5e6
    assert facts.known["liquidations_1h_long_usd"].lower_bound


def test_the_same_history_serves_two_futures() -> None:
    _, history = seen_twice()
    at = NOW + timedelta(minutes=5)
    up = observe(snapshot(spot(91_000.0, at=at), at=at), history, CATALOG)
    down = observe(snapshot(spot(80_000.0, at=at), at=at), history, CATALOG)
    assert up.facts.value("spot_usd") == 91_000.0
    assert down.facts.value("spot_usd") == 80_000.0
    assert history.column("spot_usd").value.tolist() == [90_000.0]


def test_an_observation_is_the_same_each_time() -> None:
    readings = (*market(), tally(1e6, 2e6, since=NOW - HOUR, until=NOW))
    first = observe(snapshot(*readings), History.empty("BTC"), CATALOG)  # type: ignore[arg-type]
    second = observe(snapshot(*readings), History.empty("BTC"), CATALOG)  # type: ignore[arg-type]
    assert first.points == second.points
    assert first.facts == second.facts


def test_a_deleted_family_is_a_reason_and_not_an_error() -> None:
    less = Catalog({name: metric for name, metric in CATALOG.metrics.items() if name != "spot_usd"})
    facts = observe(snapshot(*market()), History.empty("BTC"), less).facts  # type: ignore[arg-type]
    assert facts.get("skew_30d_pct") is not None
    assert facts.get("rebound_pct") is None
    assert "nothing here measures it" in english(facts.why_unknown("rebound_pct"))


def test_a_day_later_the_change_is_known() -> None:
    _, history = seen_twice()
    at = NOW + DAY
    seen = observed(spot(81_000.0, at=at), at=at, history=history)
    assert seen.facts.value("spot_usd.change_24h_pct") == pytest.approx(-10.0)
    assert seen.facts.known["spot_usd.change_24h_pct"].venues == ("deribit",)


def test_one_venues_absurd_value_is_refused_and_the_others_carry_on() -> None:
    seen = observed(spot(90_000.0), spot(0.0, venue="okx"), spot(90_010.0, venue="bybit"))
    fact = seen.facts.known["spot_usd"]
    assert (fact.value, fact.venues, fact.of_venues) == (90_005.0, ("bybit", "deribit"), 3)
    assert [(gap.who, english(gap.reason)) for gap in seen.gaps] == [
        ("metrics spot_usd", "okx: 0 is outside 0.01…1e+08: refused")
    ]
    assert "okx" not in {point.venue for point in seen.points if point.metric == "spot_usd"}


def test_a_change_stands_on_the_venues_at_both_ends_and_the_others_that_should_tell_it_are_missing() -> None:
    asked: dict[Quantity, tuple[str, ...]] = {"perpetuals": ("deribit", "okx", "kraken", "coinglass")}
    before = observed(future(None, 100.0, coin=10.0), at=NOW - DAY, asked=asked)
    now = observed(
        future(None, 100.0, coin=11.0),
        future(None, 100.0, coin=5.0, venue="okx"),
        history=before.history,
        asked=asked,
    ).facts.known
    level, change = now["open_interest_coin"], now["open_interest_coin.change_24h_pct"]
    assert (level.venues, level.of_venues, level.missing) == (("deribit", "okx"), 3, ("kraken",))
    assert (change.venues, change.of_venues, change.missing) == (("deribit",), 3, ("kraken", "okx"))


def test_why_a_view_or_a_bar_is_not_known_is_a_code_with_its_arguments() -> None:
    told = observed(spot(90_000.0), asked={"index": ("deribit",)}).facts
    assert told.why_unknown("spot_usd.change_24h") == "no_earlier(age=hours(number=24))"
    assert told.why_unknown("spot_low_usd") == "no_bar()"
