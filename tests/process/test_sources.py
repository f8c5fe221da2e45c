"""Which sources are built: those that bot.toml names, without a vendor that has no key and a venue that is gone."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from bot.errors import ConfigError
from bot.playbook import CONFIG
from bot.process.app import build_sources
from bot.process.settings import Settings, load
from bot.sources._http import Http

CLOSED_AT = datetime(2026, 9, 23, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def settings(**more: object) -> Settings:
    return load(CONFIG, {}).model_copy(update={"closed": {"kraken": CLOSED_AT}, **more})


async def built(wishes: Settings, at: datetime) -> list[str]:
    async with Http(now=lambda: at, transport=httpx.MockTransport(lambda _: httpx.Response(500))) as http:
        return [source.name for source in build_sources(wishes, http)]


async def test_a_venue_is_asked_until_it_closes_and_not_from_then_on() -> None:
    wishes = settings(sources=("kraken", "okx"))
    assert await built(wishes, CLOSED_AT - SECOND) == ["kraken", "okx"]
    assert await built(wishes, CLOSED_AT) == ["okx"]


async def test_a_venue_that_is_gone_may_be_named_though_its_file_is_gone_too() -> None:
    wishes = settings(sources=("mtgox", "okx"), closed={"mtgox": CLOSED_AT})
    assert await built(wishes, CLOSED_AT) == ["okx"]
    with pytest.raises(ConfigError, match=r"sources\.mtgox"):
        await built(wishes, CLOSED_AT - SECOND)


async def test_bitmex_is_closed_in_the_shipped_settings() -> None:
    shipped = load(CONFIG, {})
    assert shipped.closed_at(CLOSED_AT) == {"bitmex": CLOSED_AT}
    assert shipped.closed_at(CLOSED_AT - SECOND) == {}
    assert "bitmex" not in await built(shipped, CLOSED_AT)
    assert {"gate", "bitget"} <= set(await built(shipped, CLOSED_AT))


async def test_a_vendor_without_its_key_and_a_venue_that_is_closed_are_left_out_and_said() -> None:
    with capture_logs() as logs:
        assert await built(settings(sources=("kraken", "coinglass", "coinalyze", "okx")), CLOSED_AT) == [
            "okx"
        ]
    assert [one for one in logs if one["event"] == "source.off"] == [
        {
            "event": "source.off",
            "log_level": "info",
            "source": "kraken",
            "reason": f"closed since {CLOSED_AT.isoformat()}",
        },
        {
            "event": "source.off",
            "log_level": "info",
            "sources": ["coinglass", "coinalyze"],
            "reason": "COINGLASS_KEY and COINALYZE_KEY not set",
        },
    ]
