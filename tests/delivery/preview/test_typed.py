"""Typed lines: what they mean, what is wrong with them, how they go on."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import Command, CommandOption, usage
from bot.delivery.preview.typed import LONGEST_LINE, line_of, parse, suggest
from bot.domain.posts import Button, Profile
from bot.errors import InputError
from tests.said import english


@pytest.mark.parametrize(
    "line",
    [
        "/skew BTC 60",
        "skew BTC 60",
        "  /SKEW BTC 60 ",
        "/skew asset:BTC tenor:60",
        "/skew tenor:60 BTC",
        "/skew BTC tenor: 60",
    ],
)
def test_options_may_be_given_in_order_by_name_or_both(commands, line):
    typed = parse(line, commands)
    assert (typed.command.name, dict(typed.options)) == ("skew", {"asset": "BTC", "tenor": "60"})


def test_an_option_left_out_is_not_there(commands):
    assert dict(parse("/skew", commands).options) == {}
    assert dict(parse("/skew ETH tenor:", commands).options) == {"asset": "ETH"}


def test_a_command_with_one_option_takes_all_that_follows(commands):
    assert dict(parse("/explain open interest", commands).options) == {"term": "open interest"}


def test_quotes_keep_words_together(commands):
    assert dict(parse('/skew asset:"B T C"', commands).options) == {"asset": "B T C"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no command: type one of /explain, /skew, /skewness"),
        ("/", "no command"),
        ("/skw", "unknown command '/skw': the nearest is /skew"),
        ("/zzz", "one of /explain, /skew, /skewness"),
        ("/skew BTC 60 90", "'90' is one word too many: /skew [asset] [tenor]"),
        ("/skew tenr:60", "unknown option 'tenr': /skew [asset] [tenor]"),
        ("/skew asset:BTC asset:ETH", "asset is given twice"),
        ("/skew " + "x" * 300, "longer than 200 characters"),
    ],
)
def test_a_line_that_cannot_be_taken_says_what_would_be_right(commands, line, says):
    with pytest.raises(InputError) as caught:
        parse(line, commands)
    assert says in english(caught.value)


def test_usage_marks_what_is_required(commands):
    assert usage(commands["explain"]) == "/explain <term>"


NOTHING = Command(
    name="skew",
    options=(CommandOption(name="asset"), CommandOption(name="tenor")),
    answer=None,  # type: ignore[arg-type]
)


@given(st.text(max_size=LONGEST_LINE + 50))
def test_any_line_is_a_command_or_an_input_error(line):
    with contextlib.suppress(InputError):
        assert set(parse(line, {"skew": NOTHING}).options) <= {"asset", "tenor"}


@given(
    st.dictionaries(st.sampled_from(["asset", "tenor"]), st.from_regex(r"[\w.-]+( [\w.-]+)?", fullmatch=True))
)
def test_a_button_and_its_line_mean_the_same(arguments):
    button = Button(label="go on", command="skew", arguments=arguments)
    assert (
        dict(parse(line_of(button)[:LONGEST_LINE], {"skew": NOTHING}).options) == arguments
        or len(line_of(button)) > LONGEST_LINE
    )


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("/", ["/explain", "/skew", "/skewness"]),
        ("/sk", ["/skew", "/skewness"]),
        ("/skew ", ["/skew BTC", "/skew ETH"]),
        ("/skew b", ["/skew BTC"]),
        ("/skew BTC 6", ["/skew BTC 60"]),
        ("/skew tenor:", ["/skew tenor:7", "/skew tenor:30", "/skew tenor:60", "/skew tenor:90"]),
        ("/skew tenor:60 e", ["/skew tenor:60 ETH"]),
        ("/skew BTC 60 x", []),
        ("/skew BTC asset:", ["/skew BTC asset:BTC", "/skew BTC asset:ETH"]),
        ("/nothing b", []),
    ],
)
def test_a_line_is_completed_as_far_as_it_is_known(commands, market, line, whole):
    assert suggest(line, commands, market, Profile()) == whole
