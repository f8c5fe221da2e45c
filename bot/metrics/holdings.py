"""The holders of `config/treasuries.toml`, read from its text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from bot.domain.playbook import Holding
from bot.errors import ConfigError, Problem

FILE = "treasuries.toml"
TEXTS = ("holder", "asset", "source")
NUMBERS = ("coins", "average_cost_usd")


def parse_holdings(text: str) -> tuple[Holding, ...]:
    """The holders of `treasuries.toml`: tables `[[holding]]` with holder, asset, coins, average_cost_usd, as_of, source.

    Raises ConfigError with every problem.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(file=FILE, id="", reason=str(error))]) from error
    problems = [Problem(file=FILE, id=key, reason="unknown key") for key in tables if key != "holding"]
    rows = tables.get("holding", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(file=FILE, id="holding", reason="must be a list of tables: [[holding]]"))
        rows = []
    for place, row in enumerate(rows, 1):
        name = str(row.get("holder") or f"holding {place}")
        problems += [Problem(file=FILE, id=name, reason=reason) for reason in _wrong(row)]
    if problems:
        raise ConfigError(problems)
    return tuple(
        Holding(
            holder=row["holder"],
            asset=row["asset"],
            coins=float(row["coins"]),
            average_cost_usd=float(row["average_cost_usd"]),
            as_of=row["as_of"],
            source=row["source"],
        )
        for row in rows
    )


def _wrong(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with one table, in words."""
    known = {*TEXTS, *NUMBERS, "as_of"}
    wrong = [f"{key}: unknown key" for key in row if key not in known]
    wrong += [f"{key}: must be a text" for key in TEXTS if not isinstance(row.get(key), str) or not row[key]]
    for key in NUMBERS:
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1e12:
            wrong.append(f"{key}: must be a number above 0")
    if not isinstance(row.get("as_of"), date) or isinstance(row.get("as_of"), datetime):
        wrong.append("as_of: must be a date, as in 2026-02-01")
    return wrong
