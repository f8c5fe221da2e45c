"""`bot check`: are the files that an operator edits sound, and do the rules still say of each market what its case expects?"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.playbook import Playbook
from bot.rules.cases import coverage, parse_cases, run_cases


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, and what was not as it should be, in sentences."""

    checked: tuple[str, ...]
    failures: tuple[str, ...]


def check(playbook: Playbook, cases: Mapping[str, str]) -> Report:
    """The playbook, which was sound enough to be read, against the rule cases (file name → text).

    Raises ConfigError where a case cannot be read.
    """
    rules, banks = playbook.rules, playbook.banks
    checked = [f"{len(rules.rules)} rules on {len(playbook.catalog.metrics)} metrics in {len(rules.families)} families"]
    checked += [f"{len(bank.phrases)} phrases ({locale})" for locale, bank in sorted(banks.items())]
    if not cases:
        return Report(checked=(*checked, "no rule cases here"), failures=())
    read = parse_cases(cases, rules, playbook.catalog)
    report = run_cases(read, rules)
    bare = coverage(read, rules)
    failures = [f"{rule}: no case in which it is {', '.join(phases)}" for rule, phases in sorted(bare.items())]
    checked.append(f"{report.cases} rule cases at {report.moments} moments")
    return Report(checked=tuple(checked), failures=(*report.failures, *failures))
