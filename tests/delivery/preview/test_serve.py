"""Starting and stopping the page."""

import sys

import aiohttp
import pytest

from bot.cli.main import main
from bot.delivery.preview import ask_health, ask_reload, serve
from bot.errors import ConfigError, SourceUnavailable


async def test_the_page_is_served_at_the_address_it_names(market, preview):
    async with serve(market, market.cards, preview, port=0) as address, aiohttp.ClientSession() as session:
        assert address.startswith("http://127.0.0.1:")
        async with session.get(address) as reply:
            assert reply.status == 200


async def test_another_address_than_loopback_needs_a_password(market, preview):
    with pytest.raises(ConfigError, match="TIGHTROPE_PAGE__PASSWORD"):
        async with serve(market, market.cards, preview, host="0.0.0.0", port=0):
            pytest.fail("it must not start")


async def test_a_port_that_is_taken_is_named(market, preview):
    async with serve(market, market.cards, preview, port=0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be used"):
            async with serve(market, market.cards, preview, port=port):
                pytest.fail("it must not start")


async def test_open_streams_do_not_hold_up_the_stop(market, preview):
    async with aiohttp.ClientSession() as session:
        async with serve(market, market.cards, preview, port=0) as address:
            stream = await session.get(f"{address}stream")
            assert await stream.content.readline() == b"retry: 2000\n"
        stream.close()


async def test_a_running_page_says_that_it_is_well(market, preview):
    async with serve(market, market.cards, preview, port=0) as address:
        well, says = await ask_health("127.0.0.1", int(address.rstrip("/").rpartition(":")[2]))
    assert well
    assert '"status": "ok"' in says


async def test_health_and_reload_without_a_bot_say_so(unused_tcp_port):
    for asking in (ask_health("127.0.0.1", unused_tcp_port), ask_reload("127.0.0.1", unused_tcp_port, None)):
        with pytest.raises(
            SourceUnavailable, match=f"no bot answers at http://127.0.0.1:{unused_tcp_port}"
        ) as told:
            await asking
        assert "./tightrope run" in str(told.value)
        assert "ssl" not in str(told.value)


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
