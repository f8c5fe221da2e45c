"""What is read as plain TOML is what tomllib reads; what is not plain, or not TOML, is left to it."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.plain_toml import read_plain_tables
from tests.commentary.make import ROOT

SHIPPED = sorted((ROOT / "config").rglob("*.toml"))

PLAIN = [
    "",
    "\n# no more than a remark",
    'text = "it\'s 5 % of {{ it|pct }} # and no remark"  # a remark with "',
    'a = 0\nb = -12\nc = 4.50\nd = -0.5\ne = true\nf = false\n"g h" = ""',
    'a = []\nb = [ ]\nc = [1, 2.0, "x",\n  # with "a remark"\n  true ]\nd = [\n  "one",\n  "two",\n]',
    '[a]\nx = 1\n[a.b]\ny = 2\n["a"."c.d"]\nz = 3\n[ e . f ]',
    "[[a]]\nx = 1\n[a.b]\ny = 2\n[[a]]\nx = 3\n[a.b]\ny = 4\n[[a.c]]\n[[a.c]]\nz = 5",
    "[x.y]\n[x.z]\n[[x.w]]",
]
ODD = [
    'a = "\\u00a0"',
    "a = 'literal'",
    'a = """long"""',
    "a = { b = 1 }",
    "a = [{ b = 1 }]",
    "a = [[1], [2]]",
    "a.b = 1",
    "a = 2026-12-01",
    "a = 12:00:00",
    "a = 1_000",
    "a = +1",
    "a = 1e3",
    "a = inf",
    "a = 0x10",
    f"a = {'9' * 16}",
    "a = 1\r\n",
    "[x.y]\n[x]",
]
WRONG = [
    "a",
    "a =",
    "a = 1 b = 2",
    "a = 1\na = 2",
    'a = 1\n"a" = 2',
    "a = 01",
    "a = 1.",
    "a = True",
    "a = true1",
    'a = "no end',
    'a = "two"\'',
    'a = "x""y"',
    'a = "a\x00b"',
    "# a\x7fb",
    "a = [1 2]",
    "a = [,]",
    "a = [1,,]",
    "a = [1",
    "[a",
    "[a]]",
    "[[a]",
    "[ [a]]",
    "[]",
    "[a.]",
    "[a]\n[a]",
    "[[a]]\n[a]",
    "[a]\n[[a]]",
    "a = 1\n[a]",
    "a = 1\n[a.b]",
    "a = []\n[[a]]",
    'a = ["x"]\n[a.b]',
    "[a]\nb = 1\n[a.b]",
    "ä = 1",
    "\ufeffa = 1",
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shipped_file_reads_as_tomllib_reads_it(path: Path) -> None:
    text = path.read_text("utf-8")
    plain = read_plain_tables(text)
    assert plain is None or repr(plain) == repr(tomllib.loads(text))


def test_english_phrases_are_plain() -> None:
    odd = [
        path.name
        for path in SHIPPED
        if path.parent.name == "en" and not read_plain_tables(path.read_text("utf-8"))
    ]
    assert odd == []


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_plain_reads_as_tomllib_reads_it(text: str) -> None:
    assert repr(read_plain_tables(text)) == repr(tomllib.loads(text))


@pytest.mark.parametrize("text", ODD)
def test_what_is_not_plain_is_left_to_tomllib(text: str) -> None:
    assert isinstance(tomllib.loads(text), dict)
    assert read_plain_tables(text) is None


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_toml_is_never_read(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert read_plain_tables(text) is None


STATEMENTS = st.sampled_from(
    [
        *("[a]", "[b]", "[a.b]", "[b.a]", "[[a]]", "[[b]]", "[[a.b]]", "[[b.a]]", '["a"]', "[a.b.c]"),
        *(
            "a = 1",
            "b = 2.5",
            'c = "x"',
            '"a" = true',
            "a = []",
            'b = [1, "x",]',
            "a = [",
            "  1,",
            "]",
            "a.b = 1",
        ),
        *("a = { b = 1 }", "b = {}", "a = [{}]", '# "', "", "a = '", 'a = """', '"""', "'''", "c = [[1]]"),
    ]
)
SLIPS = st.tuples(st.integers(0, 200), st.sampled_from("\"'[]{}#=.,\n\t \\\x00\x7f\r01-+_eaü"))


@given(st.lists(STATEMENTS, max_size=8), st.lists(SLIPS, max_size=3))
def test_whatever_it_reads_tomllib_reads_as_well(statements: list[str], slips: list[tuple[int, str]]) -> None:
    text = "\n".join(statements)
    for place, slip in slips:
        text = text[:place] + slip + text[place:]
    plain = read_plain_tables(text)
    assert plain is None or repr(plain) == repr(tomllib.loads(text))
