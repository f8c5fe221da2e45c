"""What replies look like, and what a change of it is called."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain.shapes import EndpointShapes, Shape
from bot.lab.shapes import ShapeChange, compare_shapes, endpoint_name, shape_of, shapes_of_replies

AT = datetime(2026, 11, 1, tzinfo=UTC)


def shape(value: object) -> Shape:
    return shape_of(json.dumps(value).encode())


def compare(before: object, now: object) -> tuple[ShapeChange, ...]:
    return compare_shapes(EndpointShapes(at=AT, endpoints={"x": shape(before)}), {"x": shape(now)})


def test_a_shape_names_each_field_and_its_types_over_all_rows():
    told = {"code": "0", "data": [{"px": 1.5, "iv": None}, {"px": 2, "iv": 40.1, "new": True}], "ok": []}
    assert shape(told) == {
        "code": "text",
        "data[].iv": "null|number",
        "data[].new": "yes/no",
        "data[].px": "number",
    }


def test_lists_in_lists_and_a_bare_value_have_a_place():
    assert shape([[1, "2"], [3, "4"]]) == {"[][]": "number|text"}
    assert shape(0.1) == {"the whole": "number"}


def test_of_what_is_no_json_the_first_line_is_the_shape():
    assert shape_of(b"observation_date,NASDAQ100\n2026-01-01,\n") == {
        "first line: observation_date,NASDAQ100": "text"
    }
    assert shape_of(b"") == {"first line: ": "text"}


def test_an_endpoint_is_the_same_for_every_contract_and_time_and_another_for_another_kind():
    host = "https://api.x.com/api/v4/futures/usdt"
    assert (
        endpoint_name("GET", f"{host}/contracts/BTC_USDT") == "GET api.x.com/api/v4/futures/usdt/contracts/*"
    )
    assert endpoint_name("GET", f"{host}/y?symbol=BTC&from=1") == endpoint_name(
        "GET", f"{host}/y?from=9&symbol=E"
    )
    options, futures = (endpoint_name("GET", f"{host}/y?kind={kind}") for kind in ("option", "future"))
    assert options != futures
    assert endpoint_name("POST", "https://h/info", '{"type":"x"}') == 'POST h/info {"type":"x"}'


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, {"gone": ("b",)}),
        ({"a": 1}, {"a": 1, "b": 2}, {"new": ("b",)}),
        ({"a": 1}, {"a": "1"}, {"retyped": ("a: number → text",)}),
        (
            {"a": 1, "b": 2},
            {"a": "1", "c": 2},
            {"gone": ("b",), "new": ("c",), "retyped": ("a: number → text",)},
        ),
    ],
)
def test_what_is_gone_new_or_of_another_type_is_named(
    before: object, now: object, change: dict[str, tuple[str, ...]]
):
    [found] = compare(before, now)
    assert found == ShapeChange(endpoint="x", **change)
    assert found.breaks is (set(change) != {"new"})


@pytest.mark.parametrize(
    ("before", "now"), [({"a": 1}, {"a": 2.5}), ({"a": None}, {"a": "1"}), ({"a": 1}, {"a": None})]
)
def test_other_values_and_what_is_empty_now_or_was_then_are_no_change(before: object, now: object):
    assert compare(before, now) == ()


def test_only_endpoints_that_were_asked_both_times_are_compared():
    known = EndpointShapes(at=AT, endpoints={"x": {"a": "number"}, "y": {"a": "number"}})
    assert compare_shapes(known, {"x": {"a": "number"}, "z": {}}) == ()


def test_several_replies_of_one_endpoint_make_one_shape():
    assert shapes_of_replies([("x", b'[{"a":1}]'), ("x", b'[{"a":null,"b":""}]'), ("y", b"{}")]) == {
        "x": {"[].a": "null|number", "[].b": "text"},
        "y": {},
    }
