"""Judged cases as JUnit XML, which build servers read."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from bot.rules.cases import Ran, Report


def junit(report: Report) -> str:
    """One test suite, one test a case: its file is the class, its id the name."""
    failed = sum(bool(one.failures) for one in report.ran)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="rule cases" tests="{report.cases}" failures="{failed}">',
        *(line for one in report.ran for line in _case(one)),
        "</testsuite>",
    ]
    return "\n".join(lines) + "\n"


def _case(one: Ran) -> Iterator[str]:
    named = f"  <testcase classname={quoteattr(one.case.file)} name={quoteattr(one.case.id)}"
    if not one.failures:
        yield named + "/>"
        return
    yield named + ">"
    yield f"    <failure message={quoteattr(one.failures[0])}>{escape(chr(10).join(one.failures))}</failure>"
    yield "  </testcase>"
