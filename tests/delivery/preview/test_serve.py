"""Starting and stopping the page."""

import sys

import aiohttp
import pytest

from bot.cli import main
from bot.delivery.preview import ask_health, serve
from bot.errors import ConfigError


async def test_the_page_is_served_at_the_address_it_names(desk, preview):
    async with serve(desk, preview, port=0) as address, aiohttp.ClientSession() as session:
        assert address.startswith("http://127.0.0.1:")
        async with session.get(address) as reply:
            assert reply.status == 200


async def test_another_address_than_loopback_needs_a_password(desk, preview):
    with pytest.raises(ConfigError, match="TIGHTROPE_PAGE__PASSWORD"):
        async with serve(desk, preview, host="0.0.0.0", port=0):
            pytest.fail("it must not start")


async def test_a_port_that_is_taken_is_named(desk, preview):
    async with serve(desk, preview, port=0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be used"):
            async with serve(desk, preview, port=port):
                pytest.fail("it must not start")


async def test_open_streams_do_not_hold_up_the_stop(desk, preview):
    async with aiohttp.ClientSession() as session:
        async with serve(desk, preview, port=0) as address:
            stream = await session.get(f"{address}stream")
            assert await stream.content.readline() == b"retry: 2000\n"
        stream.close()


async def test_a_running_page_says_that_it_is_well(desk, preview):
    async with serve(desk, preview, port=0) as address:
        well, says = await ask_health("127.0.0.1", int(address.rstrip("/").rpartition(":")[2]))
    assert well
    assert '"status": "ok"' in says


async def test_a_page_that_is_not_there_is_not_well(unused_tcp_port):
    well, says = await ask_health("127.0.0.1", unused_tcp_port)
    assert not well
    assert f"127.0.0.1:{unused_tcp_port}" in says


@pytest.mark.parametrize("command", ["demo", "run"])
def test_another_address_by_a_flag_needs_a_password_too(command, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["bot", command, "--host", "0.0.0.0"])
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "page.host: others could read this address" in capsys.readouterr().err
