"""JUnit XML of judged cases."""

from xml.etree import ElementTree as Xml

from bot.metrics import CATALOG
from bot.rules import junit, parse_cases, run_cases
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
    suite = Xml.fromstring(junit(run_cases(parse_cases({"a<b.toml": CASES}, book(), CATALOG), book())))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite.findall("testcase")
    assert (good.get("classname"), good.get("name"), good.find("failure")) == ("a<b.toml", "slips", None)
    failure = bad.find("failure")
    assert failure is not None
    assert failure.text == "a<b.toml: slips-unseen after 2h: basis-weak is on"
