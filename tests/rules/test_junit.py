"""JUnit XML of judged cases."""

from xml.etree import ElementTree as Xml

from bot.metrics import CATALOG
from bot.rules import junit, parse_cases, run_cases, suite_of_cases, suite_of_coverage, suite_of_mutants
from bot.rules.mutants import MutantFate
from tests.rules.make import book

CASES = """
[[case]]
market   = "The premium slips"
id       = "slips"
at       = 2026-01-30T00:00:00Z
facts    = { basis_60d_pct = "7 4 4" }
expect   = [{ after = "2h", on = ["basis-weak"] }]

[[case]]
market   = "The premium slips, and somebody expects <nothing> & more"
id       = "slips-unseen"
at       = 2026-01-30T00:00:00Z
facts    = { basis_60d_pct = "7 4 4" }
expect   = [{ after = "2h", on = [] }]
"""


def test_each_case_is_a_test_and_a_difference_a_failure() -> None:
    report = run_cases(parse_cases({"a<b.toml": CASES}, book(), CATALOG), book())
    (suite,) = Xml.fromstring(junit([suite_of_cases(report)]))
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("rule cases", "2", "1")
    good, bad = suite.findall("testcase")
    assert (good.get("classname"), good.get("name"), good.find("failure")) == ("a<b.toml", "slips", None)
    failure = bad.find("failure")
    assert failure is not None
    assert failure.text == "a<b.toml: slips-unseen after 2h: basis-weak is on"


def test_a_rule_without_a_case_and_a_mutant_that_lives_without_a_reason_fail() -> None:
    outcomes = [
        MutantFate(mutant="basis-weak/a", fate="killed"),
        MutantFate(mutant="basis-weak/b", fate="refused"),
        MutantFate(mutant="basis-weak/c", fate="survived"),
        MutantFate(mutant="basis-weak/d", fate="survived"),
    ]
    files = {"basis-weak": "basis.toml", "rebound": "price.toml"}
    bare = suite_of_coverage(files, {"rebound": ("off", "unknown")})
    changed = suite_of_mutants(files, outcomes, {"basis-weak/d": "the same as c"})
    assert [(test.file, test.name, test.failures) for test in bare.tests] == [
        ("basis.toml", "basis-weak", ()),
        ("price.toml", "rebound", ("no case in which it is off", "no case in which it is unknown")),
    ]
    assert [(test.name, bool(test.failures)) for test in changed.tests] == [
        ("basis-weak/a", False),
        ("basis-weak/c", True),
        ("basis-weak/d", False),
    ]
    assert [suite.get("failures") for suite in Xml.fromstring(junit([bare, changed]))] == ["1", "1"]
