"""What was checked as JUnit XML, which build servers read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from bot.rules.cases import CasesReport
from bot.rules.mutants import MutantFate


class JunitTest(Struct, frozen=True, kw_only=True):
    """One thing that was checked: where it stands, its name, what is wrong with it."""

    file: str
    name: str
    failures: tuple[str, ...] = ()


class Suite(Struct, frozen=True, kw_only=True):
    """Things that were checked in the same way."""

    name: str
    tests: tuple[JunitTest, ...]


def suite_of_cases(report: CasesReport) -> Suite:
    """One test a rule case."""
    tests = (JunitTest(file=one.case.file, name=one.case.id, failures=one.failures) for one in report.ran)
    return Suite(name="rule cases", tests=tuple(tests))


def suite_of_coverage(files: Mapping[str, str], lacking: Mapping[str, Sequence[str]]) -> Suite:
    """One test a rule (id → file): is there a case in which it is on, one off, one unknown?"""
    tests = (
        JunitTest(
            file=file,
            name=rule,
            failures=tuple(f"no case in which it is {phase}" for phase in lacking.get(rule, ())),
        )
        for rule, file in files.items()
    )
    return Suite(name="coverage", tests=tuple(tests))


def suite_of_mutants(
    files: Mapping[str, str], outcomes: Iterable[MutantFate], equivalent: Mapping[str, str]
) -> Suite:
    """One test a mutant that loads (its rule's file by the rule's id); one that survives without a known
    reason fails."""
    tests = []
    for one in outcomes:
        if one.fate == "refused":
            continue
        survived = one.fate == "survived" and one.mutant not in equivalent
        file = files[one.mutant.partition("/")[0]]
        tests.append(
            JunitTest(file=file, name=one.mutant, failures=("no case notices it",) if survived else ())
        )
    return Suite(name="mutants", tests=tuple(tests))


def junit(suites: Iterable[Suite]) -> str:
    """Suites as a document: a test's file is its class."""
    from xml.sax.saxutils import quoteattr  # a check of the rules alone writes it

    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for suite in suites:
        failed = sum(bool(test.failures) for test in suite.tests)
        lines.append(
            f'  <testsuite name={quoteattr(suite.name)} tests="{len(suite.tests)}" failures="{failed}">'
        )
        lines += [line for test in suite.tests for line in _test(test)]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _test(test: JunitTest) -> Iterator[str]:
    from xml.sax.saxutils import escape, quoteattr

    named = f"    <testcase classname={quoteattr(test.file)} name={quoteattr(test.name)}"
    if not test.failures:
        yield named + "/>"
        return
    yield named + ">"
    yield f"      <failure message={quoteattr(test.failures[0])}>{escape(chr(10).join(test.failures))}</failure>"
    yield "    </testcase>"
