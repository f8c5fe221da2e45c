"""Facts → signals → verdict, pure: every threshold comes from `config/rules/`, none from here.

`parse` reads the rule files; `evaluate` judges one moment; `flips` says what would change it; `alert` whether a channel is
told; `replay` judges a whole history by the same code; `run_cases`, `coverage` and `mutate` check the rules themselves.
"""

from bot.rules.alerts import alert
from bot.rules.evaluate import Change, Judgement, evaluate
from bot.rules.explain import Explained, Part, explain
from bot.rules.flips import flips
from bot.rules.parse import parse

__all__ = ["Change", "Explained", "Judgement", "Part", "alert", "evaluate", "explain", "flips", "parse"]
