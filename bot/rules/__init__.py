"""Facts → signals → verdict, pure: every threshold comes from `config/rules/`, none from here.

`parse` reads the rule files; `evaluate` judges one moment; `flips` says what would change it; `alert` whether a channel is
told; `explain` what a rule met; `replay` judges a whole history by the same code; `parse_cases`, `run_cases`, `coverage`,
`mutants` and `put_to_the_test` check the rules themselves, `junit` writes down what came of it.
"""

from bot.rules.alerts import alert, is_quiet
from bot.rules.cases import Case, Ran, Report, coverage, parse_cases, run_case, run_cases
from bot.rules.editions import editions
from bot.rules.evaluate import Change, Judgement, evaluate
from bot.rules.explain import Explained, Part, explain
from bot.rules.flips import flips
from bot.rules.junit import Suite, junit, suite_of_cases, suite_of_coverage, suite_of_mutants
from bot.rules.mutants import Mutant, Outcome, mutants, put_to_the_test, read_equivalent, share_killed
from bot.rules.parse import parse, parse_sound
from bot.rules.ranges import own_range
from bot.rules.replay import Moment, Replay, replay

__all__ = [
    "Case",
    "Change",
    "Explained",
    "Judgement",
    "Moment",
    "Mutant",
    "Outcome",
    "Part",
    "Ran",
    "Replay",
    "Report",
    "Suite",
    "alert",
    "coverage",
    "editions",
    "evaluate",
    "explain",
    "flips",
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
]
