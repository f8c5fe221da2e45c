"""Reasons: each code that the code can spell is worded by each bank, in its own language and with its arguments."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from bot.commentary import in_words
from bot.playbook import ROOT
from bot.reasons import about, each, read, reason, without_subject
from tests.commentary.make import bank

SPELLED_BY_NAME = {"bot/sources/_http.py": ("too_many_requests", "banned", "barred", "not_served", "refused")}
ALIKE = {
    "about": "a frame around two parts",
    "minutes": "min is both languages' sign",
    "hours": "h is both languages' sign",
    "http_status": "a number of the protocol",
    "too_far_apart": "",
}


@cache
def calls() -> tuple[tuple[str, str, Mapping[str, ast.expr]], ...]:
    """Each call of `reason` in the house: where, its code (one line a code), its arguments."""
    return tuple(_calls())


def _calls() -> Iterator[tuple[str, str, Mapping[str, ast.expr]]]:
    for path in sorted((ROOT / "bot").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "reason" or not node.args:
                continue
            named = {one.arg: one.value for one in node.keywords if one.arg}
            for code in _codes(node.args[0], name):
                yield name, code, named


def _codes(first: ast.expr, where: str) -> tuple[str, ...]:
    if isinstance(first, ast.Constant):
        return (str(first.value),)
    if isinstance(first, ast.IfExp):
        return (*_codes(first.body, where), *_codes(first.orelse, where))
    return SPELLED_BY_NAME[where]


@pytest.mark.parametrize("locale", ["en", "es"])
def test_every_reason_in_the_code_is_worded_with_arguments_that_it_has(locale: str) -> None:
    words = bank(locale).words
    wordless, unknown = set(), set()
    for where, code, arguments in calls():
        pattern = words.get(f"because.{code}")
        if pattern is None:
            wordless.add(code)
            continue
        asked = set(re.findall(r"{(\w+)}", pattern))
        if not asked <= set(arguments):
            unknown.add((where, code, *sorted(asked - set(arguments))))
    assert wordless == set()
    assert unknown == set()


def test_every_wording_belongs_to_a_reason_in_the_code() -> None:
    codes = {code for _, code, _ in calls()}
    for locale in ("en", "es"):
        known = {key.removeprefix("because.") for key in bank(locale).words if key.startswith("because.")}
        assert {key for key in known if "." not in key} - codes == set(), locale


def test_spanish_says_none_of_them_in_english() -> None:
    english, spanish = bank("en").words, bank("es").words
    same = {
        code
        for _, code, _ in calls()
        if spanish[f"because.{code}"] == english[f"because.{code}"] and code not in ALIKE
    }
    assert same == set()


def test_every_argument_that_is_an_english_word_has_its_spanish_one() -> None:
    words, missing = bank("es").words, set()
    for _, code, arguments in calls():
        for name in re.findall(r"{(\w+)}", words[f"because.{code}"]):
            value = arguments.get(name)
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                key = f"because.{'of' if name == 'of' else name}.{value.value}"
                missing |= set() if key in words else {key}
    assert missing == set()


def test_what_a_source_calls_its_parts_is_said_in_spanish() -> None:
    words = bank("es").words
    parts = (
        "options",
        "futures",
        "index",
        "funding",
        "open interest",
        "liquidations",
        "bars",
        "funding history",
    )
    for part in parts:
        said = in_words(about(f"okx BTC {part}", reason("not_listed")), words)
        assert said.startswith("okx BTC ")
        assert part not in said
    for quantity in (
        "options",
        "perpetuals",
        "futures",
        "index",
        "liquidations",
        "dvol",
        "nasdaq",
        "funding",
    ):
        said = in_words(reason("switched_off", of=quantity), words)
        assert quantity not in said.split("(")[1].lower() or quantity in ("dvol", "nasdaq"), said


def test_a_reason_is_spelled_and_read_back_with_its_parts() -> None:
    spelled = reason("no_expiry_near", days=60, leg="put")
    assert spelled == "no_expiry_near(days=60, leg='put')"
    whole = about("deribit", each([spelled, "not a reason"]))
    told = read(whole)
    assert told is not None
    assert (told.code, told.arguments["of"]) == ("about", "deribit")
    assert without_subject(whole) == "each(no_expiry_near(days=60, leg='put'), words(text='not a reason'))"
    assert in_words(whole, bank("en").words) == (
        "deribit: no expiries around 60 days with a 25-delta put; not a reason"
    )
    assert in_words(whole, bank("es").words) == (
        "deribit: no hay vencimientos alrededor de 60 días con una put de 25 delta; «not a reason»"
    )


def test_numbers_are_written_as_the_language_writes_them() -> None:
    spelled = reason("outside", value=-0.5, low=0.0, high=12000)
    assert in_words(spelled, bank("en").words) == "-0.5 is outside 0…12,000"
    assert in_words(spelled, bank("es").words).replace("\u00a0", " ") == "-0,5 queda fuera de 0…12 000"


def test_what_somebody_typed_is_never_taken_for_a_reason_that_says_something_else() -> None:
    said = in_words(reason("unknown_asset", typed="XRP'); each('", known="BTC"), bank("en").words)
    assert said == "unknown asset 'XRP'); each('': one of BTC"


@pytest.mark.parametrize("text", ["", "HTTP 503", "f(", "f(x)", "f(*a)", "f(a=b)", "f(a=[1])", "a.b(c=1)"])
def test_a_text_that_is_no_reason_stays_as_it_is(text: str) -> None:
    assert in_words(text, bank("en").words) == text


def test_a_reason_can_be_read_by_whoever_prints_errors() -> None:
    path = Path(ROOT / "config/phrases/en/reasons.toml")
    assert "[reason]" in path.read_text("utf-8")
