"""Logs: one line an event, JSON where nobody watches, and never a secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.process.logs import HIDDEN, Redactor, set_up_logs

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".GabcdE." + "x" * 38  # of a token's shape, and nobody's


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level = root.level
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_time_and_level(out: io.StringIO) -> None:
    set_up_logs(stream=out)
    structlog.get_logger().info("source.gap", who="deribit", reason="no answer\nwithin 10 s")
    [line] = lines(out)
    assert (line["event"], line["level"], line["who"]) == ("source.gap", "info", "deribit")
    assert line["at"].endswith("Z")


def test_known_secrets_are_hidden_wherever_they_stand(out: io.StringIO) -> None:
    set_up_logs(["hunter22", "abc"], stream=out)
    structlog.get_logger().warning("x", url="see hunter22", deep={"list": ["hunter22!"]}, short="abcdef")
    structlog.get_logger().error("y", reason=ValueError("key hunter22 refused"))
    assert "hunter22" not in out.getvalue()
    assert lines(out)[0]["deep"] == {"list": [f"{HIDDEN}!"]}
    assert lines(out)[0]["short"] == "abcdef"


def test_a_traceback_and_a_librarys_warning_hide_them_too(out: io.StringIO) -> None:
    set_up_logs(["hunter22"], stream=out)
    try:
        raise RuntimeError("hunter22")
    except RuntimeError:
        structlog.get_logger().exception("job.failed")
    logging.getLogger("some.library").warning("password %s", "hunter22")
    assert "hunter22" not in out.getvalue()
    assert len(lines(out)) == 2
    assert "RuntimeError" in lines(out)[0]["exception"]


@pytest.mark.parametrize(
    "text",
    [f"token {TOKEN} refused", "postgresql://tightrope:s3cret-w0rd@db/x", f"Authorization: Bot {TOKEN}"],
)
def test_what_looks_like_a_secret_is_hidden_unknown(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert HIDDEN in cleaned
    assert TOKEN not in cleaned
    assert "s3cret" not in cleaned


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.just("p4ssw0rd"), st.lists, max_leaves=20
    )
)
def test_no_depth_hides_a_secret_from_the_redactor(value: object) -> None:
    assert "p4ssw0rd" not in repr(Redactor(["p4ssw0rd"]).clean([value, {"p4ssw0rd": value}]))


def test_a_processor_that_heeds_sees_the_event_as_told(out: io.StringIO) -> None:
    seen: list[str] = []

    def heed(_logger: object, _method: str, event: Any) -> Any:
        seen.append(event["event"])
        return event

    set_up_logs(heed=[heed], stream=out)
    structlog.get_logger().info("poll.done", asset="BTC", took_s=0.5)
    assert seen == ["poll.done"]


def test_below_its_level_nothing_is_said(out: io.StringIO) -> None:
    set_up_logs(stream=out, level=logging.WARNING)
    structlog.get_logger().info("source.gap")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    "written",
    [
        'pa"ss\\wo/rd&1',
        "pa%22ss%5Cwo%2Frd%261",
        "pa%22ss%5Cwo/rd%261",
        'pa\\"ss\\\\wo/rd&1',
        "pa&quot;ss\\wo/rd&amp;1",
        "OnBhInNzXHdvL3JkJjE=",
        "bWU6cGEic3Ncd28vcmQmMQ==",  # me:...
        "dGlnaHRyb3BlOnBhInNzXHdvL3JkJjE=",  # tightrope:...
    ],
)
def test_a_secret_is_blacked_out_in_each_form_that_it_is_written_in(written: str) -> None:
    redactor = Redactor(['pa"ss\\wo/rd&1'])
    cleaned = redactor.clean(f"before {written} after")
    assert cleaned.replace("=", "") == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    ("logger", "said"),
    [
        ("discord.client", "PyNaCl is not installed, voice will NOT be supported"),
        ("matplotlib.font_manager", "Matplotlib is building the font cache; this may take a moment."),
        ("discord.ext.commands.bot", "Privileged message content intent is missing, commands may not work"),
        (
            "apscheduler.scheduler",
            'Execution of job "deliver" skipped: maximum number of running instances reached (1)',
        ),
    ],
)
def test_what_libraries_tell_of_themselves_is_dropped_and_their_troubles_are_not(
    out: io.StringIO, logger: str, said: str
) -> None:
    set_up_logs(stream=out)
    logging.getLogger(logger).warning(said)
    logging.getLogger(logger).warning("something else")
    [line] = lines(out)
    assert line["event"] == "something else"
