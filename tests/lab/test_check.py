"""`bot check`: what it says of sound files, of a case that fails, and of a rule without cases."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.cli.check import check_config
from bot.domain.playbook import Playbook
from bot.lab.check import check, check_coverage, check_mutants
from bot.playbook import EQUIVALENT, read_playbook
from bot.rules import JudgedMoment, Replay, parse_cases

CASES = Path(__file__).parents[1] / "rules"


@cache
def playbook() -> Playbook:
    return read_playbook()


def cases() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in CASES.glob("*.toml") if path.name != EQUIVALENT}


def test_the_shipped_files_pass_and_are_counted(root: Path) -> None:
    report = check_config(playbook(), root / "config", CASES)
    assert report.failures == ()
    assert report.checked[0] == "bot.toml"
    assert any(line.startswith("tape february-2026:") for line in report.checked)
    assert any(line.endswith("phrases (en)") for line in report.checked)


def test_each_sample_of_a_case_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[datetime] = []
    judge = Replay.judge

    def count(
        self: Replay, values: Mapping[str, float], at: datetime, *rest: Any, **how: Any
    ) -> JudgedMoment:
        judged.append(at)
        return judge(self, values, at, *rest, **how)

    monkeypatch.setattr(Replay, "judge", count)
    texts = {name: text for name, text in cases().items() if name in ("price.toml", "states.toml")}
    report = check(playbook(), texts)
    assert [suite.name for suite in report.suites] == ["rule cases", "coverage"]
    assert len(judged) == sum(
        len(case.values) for case in parse_cases(texts, playbook().rules, playbook().catalog)
    )


def test_without_cases_the_check_says_so() -> None:
    report = check(playbook(), {})
    assert report.failures == ()
    assert report.checked[-1] == "no rule cases here"


def test_a_rule_that_no_case_shows_is_a_failure() -> None:
    report = check(playbook(), {name: text for name, text in cases().items() if name == "price.toml"})
    assert any(line.startswith("skew-fear: no case in which it is") for line in report.failures)


def test_a_folder_without_cases_is_no_error(root: Path, tmp_path: Path) -> None:
    assert "no rule cases here" in check_config(playbook(), root / "config", tmp_path / "none").checked


def few() -> Playbook:
    """The playbook with the rules of one family, so that its mutants are soon through."""
    book = playbook().rules
    kept = {name: rule for name, rule in book.rules.items() if rule.ladder == "volatility"}
    ladders = {"volatility": book.ladders["volatility"]}
    return replace(playbook(), rules=replace(book, rules=kept, ladders=ladders, order=tuple(kept)))


VOLATILITY = """
[[case]]
market   = "Expected movement ranks higher than on nine days in ten, then falls back to the middle"
id       = "ranks-high"
at       = 2026-01-30T00:00:00Z
settled  = true
facts    = { "dvol.percentile_90d" = "89 91 85 79 50" }
expect   = [
  { after = "1h", on = ["volatility-high"] },
  { after = "4h", on = [] },
]
"""


def test_coverage_shows_each_rule_with_the_phases_that_a_case_asserts() -> None:
    report = check_coverage(few(), {"a.toml": VOLATILITY})
    assert report.checked == ("volatility-low: shown off", "volatility-high: shown on, off")
    assert report.failures == (
        "volatility-high: no case in which it is unknown",
        "volatility-low: no case in which it is on, unknown",
    )


def test_a_mutant_that_no_case_notices_fails_by_name_unless_it_has_a_reason() -> None:
    seen: list[tuple[int, int]] = []
    texts = {"a.toml": VOLATILITY}
    report = check_mutants(few(), texts, "", lambda done, of: seen.append((done, of)))
    assert report.checked[0].startswith("10 mutants: ")
    assert seen[-1] == (10, 10)
    survivor = "volatility-low/dvol.percentile_90d.clears+"
    assert f"{survivor}: no case notices it" in report.failures
    assert any(line.endswith("fewer than 90%") for line in report.failures)
    excused = (
        f'[equivalent]\n"{survivor}" = "a trial"\n"volatility-high/dvol.percentile_90d.turned" = "a trial"\n'
    )
    failures = check_mutants(few(), texts, excused).failures
    assert f"{survivor}: no case notices it" not in failures
    assert "volatility-high/dvol.percentile_90d.turned: said to be equivalent, and is none" in failures


def test_a_report_takes_up_another_and_says_nothing_twice() -> None:
    bare = check(playbook(), {name: text for name, text in cases().items() if name == "price.toml"})
    both = bare.with_more(bare)
    assert both.failures == bare.failures
    assert len(both.suites) == 2 * len(bare.suites)
    assert [suite.name for suite in bare.suites] == ["rule cases", "coverage"]
