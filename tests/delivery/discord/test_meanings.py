"""What an answer of Discord means: the table, and that it is what the documents list."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.meanings import LONGEST_REST_S, TABLE, Meaning, read_retry_after, row_of

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)
DOCS = Path(__file__).resolve().parents[3] / "docs" / "reliability.md"


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (404, 10003, Meaning.GONE),
        (404, 10004, Meaning.GONE),
        (403, 50001, Meaning.FORBIDDEN),
        (403, 50013, Meaning.FORBIDDEN),
        (403, 50007, Meaning.CLOSED),
        (403, 50278, Meaning.CLOSED),
        (400, 200000, Meaning.BLOCKED),
        (403, 200000, Meaning.BLOCKED),
        (400, 240000, Meaning.BLOCKED),
        (400, 50035, Meaning.OURS),
        (413, 40005, Meaning.OURS),
        (404, 10008, Meaning.DONE),
        (403, 40333, Meaning.WAIT),
        (403, 40006, Meaning.WAIT),
        (400, 30046, Meaning.WAIT),
        (403, 0, Meaning.WAIT),
        (404, 0, Meaning.WAIT),
        (408, 0, Meaning.WAIT),
        (409, 0, Meaning.WAIT),
        (429, 0, Meaning.WAIT),
        (500, 0, Meaning.WAIT),
        (418, 0, Meaning.WAIT),
    ],
)
def test_the_code_says_what_an_answer_means_and_the_status_where_there_is_none(
    status: int, code: int, meaning: Meaning
) -> None:
    assert row_of(status, code).meaning is meaning


@given(st.integers(100, 599), st.integers(0, 300_000))
def test_only_two_codes_say_that_we_may_not_post_somewhere(status: int, code: int) -> None:
    assert (row_of(status, code).meaning is Meaning.FORBIDDEN) is (code in {50001, 50013})


@given(st.integers(100, 599).filter(lambda status: status != 413))
def test_a_page_of_html_is_waited_for_whatever_its_status(status: int) -> None:
    assert row_of(status, 0, is_html=True).meaning is Meaning.WAIT


def test_an_edit_of_an_old_message_rests_an_hour_and_cloudflares_limit_rests_everything() -> None:
    assert row_of(429, 30046).rest_s == 3600
    assert row_of(429, 0, is_html=True).everywhere
    assert row_of(403, 40333).everywhere
    assert not row_of(429, 0).everywhere


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), 180.0),
        ("99999999999", LONGEST_REST_S),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("", None),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_nothing(text: str, seconds: float | None) -> None:
    assert read_retry_after({"Retry-After": text}, NOW) == seconds


def test_the_documents_list_each_code_of_the_table() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [row.code for row in TABLE if row.code is not None and str(row.code) not in text] == []
