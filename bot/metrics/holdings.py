"""The holders of `config/treasuries.toml`, read from its text."""

from datetime import date
from typing import Annotated

from pydantic import Field

from bot.domain.files import FileShape, check_shape, read_tables
from bot.domain.playbook import Holding
from bot.errors import ConfigError, Problem

FILE = "treasuries.toml"

Name = Annotated[str, Field(min_length=1)]
Amount = Annotated[float, Field(gt=0, lt=1e12)]


class _HoldingShape(FileShape):
    """One table `[[holding]]`."""

    holder: Name
    asset: Name
    coins: Amount
    average_cost_usd: Amount
    as_of: date
    source: Name
    good_for_days: int = Field(default=120, ge=1, le=3660)
    published_on: date | None = None


def parse_holdings(text: str) -> tuple[Holding, ...]:
    """The holders of `treasuries.toml`: tables `[[holding]]` with holder, asset, coins, average_cost_usd,
    as_of, source, the day on which that was published (published_on), and where the holder publishes less often than each
    quarter, good_for_days.

    Raises ConfigError with every problem.
    """
    tables = read_tables(text, FILE)
    problems = [Problem(file=FILE, id=key, reason="unknown key") for key in tables if key != "holding"]
    rows = tables.get("holding", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(file=FILE, id="holding", reason="must be a list of tables: [[holding]]"))
        rows = []
    found: list[Holding] = []
    for place, row in enumerate(rows, 1):
        try:
            shape = check_shape(_HoldingShape, row, FILE, str(row.get("holder") or f"holding {place}"))
        except ConfigError as error:
            problems += error.problems
        else:
            found.append(Holding(**shape.model_dump()))
    if problems:
        raise ConfigError(problems)
    return tuple(found)
