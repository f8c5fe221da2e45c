"""compose.yaml: its processes of several fit together, and run as it says (without an engine: as processes,
on a real server)."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bot.playbook import CONFIG
from bot.process.settings import Settings, load
from tests.process.test_run import free_port
from tests.process.test_several import Town, identified, postgres, town

__all__ = ["postgres", "town"]  # fixtures

PROCESSES = {"poller": "poller", "gateway-0": "gateway", "gateway-1": "gateway"}


def tree(text: str) -> dict[str, Any]:
    """As much of YAML as the file uses: maps by indentation; what follows a key in its line stays text."""
    made: dict[str, Any] = {}
    above = [(-1, made)]
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(":")
        while above[-1][0] >= depth:
            above.pop()
        inner: dict[str, Any] = {}
        above[-1][1][key] = inner if not value.strip() or value.strip().startswith("&") else value.strip()
        above.append((depth, inner))
    return made


@pytest.fixture
def composed(root: Path) -> dict[str, Any]:
    return tree((root / "compose.yaml").read_text("utf-8"))


def environment(composed: dict[str, Any], service: str) -> dict[str, str]:
    """A service's own environment, with the shared lines that it takes over."""
    own = dict(composed["services"][service]["environment"])
    assert own.pop("<<") == "*shared"
    return {name: value.strip("\"'") for name, value in {**composed["x-shared"], **own}.items()}


def settings_of(composed: dict[str, Any], service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    given = environment(composed, service)
    with monkeypatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        return load(CONFIG, given)


def test_one_polls_and_each_shard_is_one_gateways(
    composed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = composed["services"]
    roles = {
        name: json.loads(one["command"])[2] for name, one in services.items() if one.get("<<") == "*several"
    }
    assert roles == PROCESSES
    gateways = [
        settings_of(composed, name, monkeypatch).discord for name, role in roles.items() if role == "gateway"
    ]
    shards = [number for one in gateways for number in one.shard_ids]
    assert sorted(shards) == list(range(gateways[0].shard_count))
    assert {one.shard_count for one in gateways} == {2}
    assert sum(one.share for one in gateways) == 1.0


def test_they_share_one_database_and_each_has_a_page_of_its_own(
    composed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [settings_of(composed, name, monkeypatch) for name in PROCESSES]
    [url] = {one.archive.url.get_secret_value() for one in made}
    assert url.startswith("postgresql+asyncpg://")
    assert url == composed["services"]["tightrope-postgres"]["environment"]["DATABASE_URL"]
    assert len({one.page.port for one in made}) == len(made)
    assert {one.page.host for one in made} == {"127.0.0.1"}


def test_they_start_with_their_profile_alone_and_after_the_database(composed: dict[str, Any]) -> None:
    assert composed["x-several"]["profiles"] == "[several]"
    assert composed["x-several"]["<<"] == "*tightrope"  # read-only, no capability, as the bot alone
    assert composed["x-several"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert "several" in composed["services"]["postgres"]["profiles"]


@pytest.mark.parametrize("page", ["compose.yaml", "docs/scaling.md", "README.md"])
def test_the_command_names_the_services_that_there_are(root: Path, page: str) -> None:
    told = (root / page).read_text("utf-8")
    assert f"docker compose --profile several up -d {' '.join(PROCESSES)}" in told


def healthz(port: int) -> dict[str, Any]:
    """What a process says of itself; nothing yet where it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
            told: dict[str, Any] = json.loads(reply.read())
            return told
    except urllib.error.HTTPError as error:
        return {"status": error.code, "says": error.read().decode()}
    except OSError:
        return {}


async def well(port: int, **expected: object) -> bool:
    told = await asyncio.to_thread(healthz, port)
    return all(told.get(name) == value for name, value in {"status": "ok", **expected}.items())


async def until_well(port: int, **expected: object) -> None:
    async with asyncio.timeout(60):
        while not await well(port, **expected):  # noqa: ASYNC110  another process says when
            await asyncio.sleep(0.3)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_three_processes_of_the_file_serve_and_a_standby_of_each_kind_is_well(
    composed: dict[str, Any], town: Town
) -> None:
    ports = {name: free_port() for name in (*PROCESSES, "standby", "second")}

    def as_said(name: str, service: str) -> dict[str, str]:
        given = environment(composed, service) | {"TIGHTROPE_PAGE__PORT": str(ports[name])}
        return {**given, "DATABASE_URL": town.url}

    with (
        town.started("poller", "poller", **as_said("poller", "poller")) as poller,
        town.started("gateway-0", "gateway", **as_said("gateway-0", "gateway-0")) as a,
        town.started("gateway-1", "gateway", **as_said("gateway-1", "gateway-1")) as b,
    ):
        await town.until(lambda: poller.events("lead.taken"), poller)
        await town.until(lambda: a.events("discord.ready") and b.events("discord.ready"), a, b)
        for name in PROCESSES:
            await until_well(ports[name], role=PROCESSES[name], stands_by_for=[])
        assert sorted(identified(town.fake)) == [(0, 2), (1, 2)]
        await town.post("ggggg", 20)
        await town.sent("ggggg", 20, a, b)
        with (
            town.started("standby", "gateway", **as_said("standby", "gateway-1")) as standby,
            town.started("second", "poller", **as_said("second", "poller")),
        ):
            await until_well(ports["second"], polls=False, stands_by_for=["the lead"])
            await until_well(ports["standby"], stands_by_for=["shards 1"])
            b.send(signal.SIGKILL)
            await town.until(lambda: standby.events("discord.ready"), standby)
            await until_well(ports["standby"], stands_by_for=[])


def test_a_fresh_clone_without_a_file_of_settings_comes_up(root: Path) -> None:
    lines = [line.strip() for line in (root / "compose.yaml").read_text("utf-8").splitlines()]
    named = lines.index("env_file:")
    assert lines[named + 1 : named + 3] == ["- path: .env", "required: false"]
    assert lines.count("env_file:") == 1
