"""Rule cases: the real ones pass, cover every rule and kill the mutants; the tool itself notices what it
should."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.domain.rulebook import Condition, RuleBook, Threshold
from bot.errors import ConfigError
from bot.metrics import CATALOG
from bot.rules.cases import Case, coverage, parse_cases, run_cases
from bot.rules.mutants import mutants, put_to_the_test, read_equivalent, share_killed
from bot.rules.series import samples
from tests.rules.make import ROOT, book

FOLDER = ROOT / "tests" / "rules"
WEAK = """
[[case]]
market   = "The premium slips"
id       = "slips"
at       = 2026-01-30T00:00:00Z
facts    = { basis_60d_pct = "7 4 4" }
expect   = [
  { after = "0h", on = [] },
  { after = "1h", pending = ["basis-weak"] },
  { after = "2h", on = ["basis-weak"], families = { basis = "bearish" }, verdict = "no-call" },
]
"""


@cache
def real_cases() -> tuple[Case, ...]:
    files = {
        path.name: path.read_text("utf-8") for path in FOLDER.glob("*.toml") if path.name != "equivalent.toml"
    }
    return parse_cases(files, book(), CATALOG)


@cache
def equivalent() -> Mapping[str, str]:
    path: Path = FOLDER / "equivalent.toml"
    return read_equivalent(path.read_text("utf-8"), path.name)


def with_threshold(rule: str, number: float) -> RuleBook:
    old = book().rules[rule]
    part = old.when[0]
    assert isinstance(part, Condition)
    moved = replace(part, below=Threshold(number=number), clears=Threshold(number=number + 1))
    return replace(book(), rules={**book().rules, rule: replace(old, when=(moved, *old.when[1:]))})


def test_the_rules_judge_every_case_as_written() -> None:
    report = run_cases(real_cases(), book())
    assert report.failures == ()
    assert report.cases >= 60
    assert report.moments >= 400


def test_every_rule_has_a_case_on_off_and_unknown() -> None:
    assert coverage(run_cases(real_cases(), book()), book()) == {}


def test_coverage_names_the_rule_that_has_no_case() -> None:
    lacking = coverage(run_cases(parse_cases({"a.toml": WEAK}, book(), CATALOG), book()), book())
    assert lacking["basis-weak"] == ("unknown",)
    assert lacking["skew-fear"] == ("off", "on", "unknown")


def test_a_moved_threshold_fails_the_case_by_name() -> None:
    (case,) = parse_cases({"a.toml": WEAK}, book(), CATALOG)
    assert run_cases([case], book()).failures == ()
    failures = run_cases([case], with_threshold("basis-weak", 3)).failures
    assert "a.toml: slips after 2h: basis-weak is not on" in failures
    assert "a.toml: slips after 2h: family basis is neutral, not bearish" in failures


def test_an_empty_on_asserts_silence() -> None:
    (case,) = parse_cases({"a.toml": WEAK}, book(), CATALOG)
    failures = run_cases([case], with_threshold("basis-weak", 8)).failures
    assert "a.toml: slips after 1h: basis-weak is on, not pending" in failures
    assert run_cases([case], with_threshold("basis-weak", 4.9)).failures == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("basis_60d_pct =", "basis_60_pct =", "unknown fact"),
        ('on = ["basis-weak"]', 'on = ["basis-week"]', "unknown rule 'basis-week'"),
        ('"7 4 4"', '"7 four"', "'four' is no samples"),
        ('"7 4 4"', '"7 4000"', "is outside"),
        ('after = "2h"', 'after = "90m"', "a multiple of the interval"),
        ('verdict = "no-call"', 'verdicts = "no-call"', "verdicts: unknown key"),
        ('market   = "The premium slips"\n', "", "market: Field required"),
        ("[[case]]", "[[cases]]", "unknown table"),
    ],
)
def test_a_broken_case_is_refused_with_its_reason(old: str, new: str, said: str) -> None:
    assert old in WEAK
    with pytest.raises(ConfigError, match=said):
        parse_cases({"a.toml": WEAK.replace(old, new)}, book(), CATALOG)


def test_series_are_written_as_promtool_writes_them() -> None:
    assert samples("20x3 _x2 14") == [20, 20, 20, None, None, 14]
    assert samples("30+1x3 5-0.5x2 -1e3") == [30, 31, 32, 5, 4.5, -1000]
    with pytest.raises(ValueError, match="no samples"):
        samples("_+1x3")


def test_mutants_move_turn_and_drop() -> None:
    names = {mutant.id for mutant in mutants(book()) if mutant.rule in ("skew-rising", "rebound-unconfirmed")}
    assert names == {
        "skew-rising/skew_30d_pct.change_7d.above+",
        "skew-rising/skew_30d_pct.change_7d.above-",
        "skew-rising/skew_30d_pct.change_7d.clears+",
        "skew-rising/skew_30d_pct.change_7d.clears-",
        "skew-rising/skew_30d_pct.change_7d.turned",
        "skew-rising/skew_30d_pct.change_7d.above.dropped",
        "skew-rising/skew_30d_pct.above+",
        "skew-rising/skew_30d_pct.above-",
        "skew-rising/skew_30d_pct.clears+",
        "skew-rising/skew_30d_pct.clears-",
        "skew-rising/skew_30d_pct.turned",
        "skew-rising/skew_30d_pct.above.dropped",
        "rebound-unconfirmed/rebound.is",
        "rebound-unconfirmed/rebound.dropped",
        "rebound-unconfirmed/basis-weak.is",
        "rebound-unconfirmed/basis-weak.dropped",
    }


def test_a_mutant_that_no_case_notices_survives() -> None:
    mine = [mutant for mutant in mutants(book()) if mutant.rule == "basis-weak"]
    cases = parse_cases({"a.toml": WEAK}, book(), CATALOG)
    fates = {mutant.id.split(".")[-1]: put_to_the_test(mutant, cases, CATALOG).fate for mutant in mine}
    assert fates == {
        "below+": "survived",
        "below-": "survived",
        "clears+": "survived",
        "clears-": "survived",
        "turned": "killed",
    }


def test_the_cases_kill_the_mutants_of_a_few_rules() -> None:
    few = [
        mutant
        for mutant in mutants(book())
        if mutant.rule in ("basis-weak", "rebound-unconfirmed", "liquidation-wave")
    ]
    outcomes = [put_to_the_test(mutant, real_cases(), CATALOG) for mutant in few]
    killed, _ = share_killed(outcomes, equivalent())
    assert killed == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_cases_kill_nine_mutants_in_ten() -> None:
    outcomes = [put_to_the_test(mutant, real_cases(), CATALOG) for mutant in mutants(book())]
    killed, refused = share_killed(outcomes, equivalent())
    assert killed >= 0.9
    assert refused <= 0.2
    assert set(equivalent()) <= {outcome.mutant for outcome in outcomes if outcome.fate == "survived"}
