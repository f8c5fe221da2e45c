"""The page offers and answers what Discord does: every command, the same suggestions, the same answers."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.commands import Command, CommandOption, Request, discover, run
from bot.delivery.discord.slash import build, slash
from bot.delivery.preview.typed import suggest
from bot.domain.posts import Profile
from tests.commands.conftest import archive, followed, playbook  # noqa: F401  (fixtures)
from tests.commands.conftest import market as real_market  # noqa: F401  (a fixture)

EVERY = [
    (command, option)
    for command in discover().values()
    for option in command.options
    if option.suggest is not None or option.choices
]
"""Every option that has something to suggest."""


async def by_discord(market: Any, command: Command, option: CommandOption, typed: str) -> list[str]:
    """What Discord shows for an option: fixed choices are filtered by Discord itself."""
    reception: Any = SimpleNamespace(market=market, profile_of_locale=lambda asked: Profile())
    made = build(slash(reception, command), {})
    parameter = next(one for one in made.parameters if one.name == option.name)
    if parameter.choices:
        return [str(choice.value) for choice in parameter.choices if typed.lower() in choice.name.lower()]
    offered: Any = made._params[option.name].autocomplete
    return [choice.value for choice in await offered(None, typed)]


@pytest.mark.parametrize("typed", ["", "B", "3", "s"])
@pytest.mark.parametrize(("command", "option"), EVERY, ids=[f"{one.name}-{two.name}" for one, two in EVERY])
async def test_each_option_is_completed_as_on_discord(real_market, command, option, typed) -> None:  # noqa: F811
    wanted = await by_discord(real_market, command, option, typed)
    start = f"/{command.name} {option.name}:"
    lines = suggest(f"{start}{typed}", discover(), real_market, Profile())
    assert [line.removeprefix(start).strip('"') for line in lines] == wanted


def test_every_command_is_on_the_page(real_market) -> None:  # noqa: F811
    assert set(suggest("/", discover(), real_market, Profile())) == {f"/{name}" for name in discover()}


@pytest.mark.parametrize("name", ["skew", "basis", "oi", "funding", "price", "options", "brief"])
async def test_an_answer_is_the_one_that_discord_gets(real_market, name) -> None:  # noqa: F811
    here = await run(
        real_market, discover()[name], Request(profile=Profile(), surface="preview", channel="preview:")
    )
    there = await run(
        real_market, discover()[name], Request(profile=Profile(), surface="discord", channel="discord:7")
    )
    assert here == there
