"""`bot check`: are the files that an operator edits sound, do the rules still say of each market what its
case expects, and would the cases notice if they did not?"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from bot.domain.playbook import Playbook
from bot.rules import (
    CasesReport,
    MutantFate,
    Suite,
    coverage,
    mutants,
    parse_cases,
    put_to_the_test,
    read_equivalent,
    run_cases,
    share_killed,
    suite_of_cases,
    suite_of_coverage,
    suite_of_mutants,
)

PHASES = ("on", "off", "unknown")
LEAST_KILLED, MOST_REFUSED = 0.9, 0.2
"""Of the mutants, as `docs/rules.md` promises: the share that the cases must notice, and the share that may
fail to load."""

Progress = Callable[[int, int], None]
"""Told how many are done and how many there are."""


class CheckReport(Struct, frozen=True, kw_only=True):
    """What was looked at, and what was not as it should be, in sentences; the same test by test in
    `suites`. `warnings` are of what goes all the same."""

    checked: tuple[str, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    suites: tuple[Suite, ...] = ()

    def with_more(self, other: "CheckReport") -> "CheckReport":
        """This report and another one."""
        return CheckReport(
            checked=self.checked + other.checked,
            failures=self.failures + tuple(line for line in other.failures if line not in self.failures),
            warnings=self.warnings + other.warnings,
            suites=self.suites + other.suites,
        )


def check(playbook: Playbook, cases: Mapping[str, str]) -> CheckReport:
    """The playbook, which was sound enough to be read, against the rule cases (file name → text).

    Raises ConfigError where a case cannot be read.
    """
    rules, banks = playbook.rules, playbook.banks
    checked = [
        f"{len(rules.rules)} rules on {len(playbook.catalog.metrics)} metrics in {len(rules.families)} families"
    ]
    checked += [f"{len(bank.phrases)} phrases ({locale})" for locale, bank in sorted(banks.items())]
    if not cases:
        return CheckReport(checked=(*checked, "no rule cases here"), failures=())
    read = parse_cases(cases, rules, playbook.catalog)
    report = run_cases(read, rules)
    checked.append(f"{report.cases} rule cases at {report.moments} moments")
    judged = CheckReport(checked=tuple(checked), failures=report.failures, suites=(suite_of_cases(report),))
    bare = _coverage(playbook, report)
    return judged.with_more(CheckReport(checked=(), failures=bare.failures, suites=bare.suites))


def check_coverage(playbook: Playbook, cases: Mapping[str, str]) -> CheckReport:
    """For each rule, in which phases the cases show it. Raises ConfigError where a case cannot be read."""
    read = parse_cases(cases, playbook.rules, playbook.catalog)
    shown = _coverage(playbook, run_cases(read, playbook.rules))
    return CheckReport(checked=shown.checked, failures=shown.failures)


def _coverage(playbook: Playbook, report: CasesReport) -> CheckReport:
    rules = playbook.rules.rules
    lacking = coverage(report, playbook.rules)
    shown = {rule: [phase for phase in PHASES if phase not in lacking.get(rule, ())] for rule in rules}
    return CheckReport(
        checked=tuple(f"{rule}: shown {', '.join(phases)}" for rule, phases in shown.items() if phases),
        failures=tuple(
            f"{rule}: no case in which it is {', '.join(lacking[rule])}" for rule in sorted(lacking)
        ),
        suites=(suite_of_coverage({rule.id: rule.file for rule in rules.values()}, lacking),),
    )


def check_mutants(
    playbook: Playbook, cases: Mapping[str, str], equivalent: str, progress: Progress | None = None
) -> CheckReport:
    """Whether the cases notice each mutant of each rule. `equivalent` is the text of `equivalent.toml`:
    mutants that cannot be noticed. Raises ConfigError where a case or that text cannot be read."""
    read = parse_cases(cases, playbook.rules, playbook.catalog)
    known = read_equivalent(equivalent, "equivalent.toml")
    made = list(mutants(playbook.rules))
    outcomes: list[MutantFate] = []
    for number, mutant in enumerate(made, 1):
        outcomes.append(put_to_the_test(mutant, read, playbook.catalog))
        if progress is not None:
            progress(number, len(made))
    killed, refused = share_killed(outcomes, known)
    files = {rule.id: rule.file for rule in playbook.rules.rules.values()}
    told = f"{len(made)} mutants: {killed:.1%} of those that load are noticed, {refused:.1%} do not load"
    survivors = {one.mutant for one in outcomes if one.fate == "survived"}
    failures = [f"{name}: no case notices it" for name in sorted(survivors - set(known))]
    failures += [f"{name}: said to be equivalent, and is none" for name in sorted(set(known) - survivors)]
    if killed < LEAST_KILLED:
        failures.append(f"{killed:.1%} of the mutants are noticed, fewer than {LEAST_KILLED:.0%}")
    if refused > MOST_REFUSED:
        failures.append(f"{refused:.1%} of the mutants do not load, more than {MOST_REFUSED:.0%}")
    return CheckReport(
        checked=(told,), failures=tuple(failures), suites=(suite_of_mutants(files, outcomes, known),)
    )
