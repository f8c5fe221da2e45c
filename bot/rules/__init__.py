"""Facts → signals → verdict, pure: every threshold comes from `config/rules/`, none from here.

`parse` reads the rule files; `evaluate` judges one moment; `flips` says what would change it; `alert` whether
a channel is told; `explain` what a rule met; `replay` judges a whole history by the same code; `parse_cases`,
`run_cases`, `coverage`, `mutants` and `put_to_the_test` check the rules themselves, `junit` writes down what
came of it."""

from bot.rules.alerts import after_event, alert, is_quiet, wants_event
from bot.rules.cases import Case, CasesReport, JudgedCase, coverage, parse_cases, run_case, run_cases
from bot.rules.editions import editions
from bot.rules.evaluate import balance_shares, evaluate, families_without, is_background
from bot.rules.exits import with_exits
from bot.rules.explain import Explained, ExplainedCondition, explain
from bot.rules.judgement import Change, Judgement
from bot.rules.junit import Suite, junit, suite_of_cases, suite_of_coverage, suite_of_mutants
from bot.rules.mutants import Mutant, MutantFate, mutants, put_to_the_test, read_equivalent, share_killed
from bot.rules.parse import parse, parse_sound
from bot.rules.ranges import own_range
from bot.rules.replay import JudgedMoment, Replay, replay

__all__ = [
    "Case",
    "CasesReport",
    "Change",
    "Explained",
    "ExplainedCondition",
    "JudgedCase",
    "JudgedMoment",
    "Judgement",
    "Mutant",
    "MutantFate",
    "Replay",
    "Suite",
    "after_event",
    "alert",
    "balance_shares",
    "coverage",
    "editions",
    "evaluate",
    "explain",
    "families_without",
    "is_background",
    "is_quiet",
    "junit",
    "mutants",
    "own_range",
    "parse",
    "parse_cases",
    "parse_sound",
    "put_to_the_test",
    "read_equivalent",
    "replay",
    "run_case",
    "run_cases",
    "share_killed",
    "suite_of_cases",
    "suite_of_coverage",
    "suite_of_mutants",
    "wants_event",
    "with_exits",
]
