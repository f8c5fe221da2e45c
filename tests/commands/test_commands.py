"""All commands at once: each file is found, described and harmless."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands import Request, discover, run, usage

NAMES = sorted(discover())
REQUIRED = {"explain": {"term": "basis"}, "history": {"metric": "skew_60d_pct"}}


def test_every_file_with_a_command_is_found():
    assert {"skew", "basis", "brief", "help"} <= set(NAMES)
    assert all(not name.startswith("_") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_named_like_its_file_and_described(name, playbook):
    command = discover()[name]
    words = playbook.banks["en"].words
    assert command.answer.__module__ == f"bot.commands.{name}"
    assert words.get(f"command.{name}")
    for option in command.options:
        assert words.get(f"option.{name}.{option.name}")


@pytest.mark.parametrize("name", NAMES)
async def test_every_command_answers_over_an_empty_archive(ask, archive, name):
    archive.points.past_series.clear()
    answer = await ask(name, **REQUIRED.get(name, {}))
    assert answer.title
    assert answer.body or answer.figures


@pytest.mark.parametrize("name", NAMES)
async def test_every_button_is_a_command_with_options_that_it_has(ask, name):
    for button in (await ask(name, **REQUIRED.get(name, {}))).buttons:
        command = discover()[button.command]
        assert set(button.arguments) <= {option.name for option in command.options}
        state = button.command + "".join(f"{key}{value}" for key, value in button.arguments.items())
        assert len(state) <= 80, "it has to fit into a Discord custom_id of 100 characters"


@pytest.mark.parametrize("name", sorted(REQUIRED))
async def test_a_required_option_left_out_is_a_private_answer(ask, name):
    answer = await ask(name)
    assert answer.private
    assert f"is missing: {usage(discover()[name])}" in answer.body


async def test_an_option_too_long_is_refused_and_not_repeated(ask):
    answer = await ask("skew", asset="x" * 5000)
    assert answer.private
    assert "asset is longer than 60 characters" in answer.body
    assert len(answer.body) < 200


PIECES = st.sampled_from(
    [
        "BTC",
        "60",
        "skew",
        "@everyone",
        "<@123>",
        "<#1>",
        "[x](https://e.example)",
        "`",
        "**",
        "||",
        "{{ it }}",
        "%s",
        "\x00",
        "\u202e",
        "\ud7ff",
        "DROP TABLE",
        "<script>",
        "é",
        "🧨",
        "x" * 3000,
        "\n",
        "nan",
        "-1",
        "abcd2345",
    ]
)
TYPED = st.one_of(st.text(max_size=80), st.lists(PIECES, min_size=1, max_size=4).map(" ".join))


async def harmless(market, name: str, typed: str) -> None:
    """The input is answered, or refused privately; nothing of it stands in an answer that others see."""
    command = discover()[name]
    answer = await run(market, command, Request(options={option.name: typed for option in command.options}))
    seen = " ".join([answer.title, answer.body, *(figure.text for figure in answer.figures)])
    assert answer.title
    assert len(seen) < 6000
    assert "Traceback" not in seen
    if not answer.private:
        assert "@everyone" not in seen
        assert "<script>" not in seen


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(NAMES), typed=TYPED)
async def test_any_input_is_answered_or_refused_privately(market, name, typed):
    await harmless(market, name, typed)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(NAMES), typed=TYPED)
async def test_ten_thousand_inputs_are_answered_or_refused_privately(market, name, typed):
    await harmless(market, name, typed)


def test_usage_tells_options_that_are_needed_from_those_that_are_not():
    assert usage(discover()["skew"]) == "/skew [asset] [tenor] [chart]"
    assert usage(discover()["explain"]) == "/explain <term>"
