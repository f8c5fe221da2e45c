"""The API: what it tells is as its document says, with time, age, venues, and a reason for what is not known."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from aiopenapi3 import OpenAPI
from openapi_spec_validator import validate

from bot.delivery.api.routes import DOCUMENT, REQUESTS, Limit
from bot.domain.audit import AuditReport, AuditRow
from tests.commands.conftest import AT, MemoryArchive
from tests.delivery.api.conftest import a_post

TOLD = {
    "Assets": "/api/v1/assets",
    "Verdict": "/api/v1/verdict/BTC",
    "Facts": "/api/v1/facts/BTC",
    "History": "/api/v1/history/BTC/skew_60d_pct",
    "Posts": "/api/v1/posts",
    "Why": "/api/v1/why/abcd2345",
    "Audited": "/api/v1/audit",
}


@pytest.fixture
def posted(archive: MemoryArchive) -> MemoryArchive:
    """A market with posts, one of them judged on what two venues said."""
    archive.posts.kept = [
        a_post("abcd2345"),
        a_post("elsewher", channel="discord:5"),
        a_post("unsent22", hours=1, sent=False),
        a_post("before22", hours=30),
    ]
    at = (AT - timedelta(hours=2)).isoformat()
    fact = {"value": 19.5, "at": at, "venues": ["deribit", "okx"], "of_venues": 3}
    archive.posts.judged["abcd2345"] = {
        "facts": {"skew_60d_pct": fact},
        "stale": {},
        "unknown": {"dvol": "not_reported()"},
        "points": [
            {"metric": "skew_60d_pct", "venue": "deribit", "value": 19.0, "at": at},
            {"metric": "skew_60d_pct", "venue": None, "value": 19.5, "at": at},
            {"metric": "dvol", "venue": "deribit", "value": 60.0, "at": at},
        ],
        "signals": {"skew-fear": {"phase": "on", "since": at}, "basis-low": {"phase": "off", "since": at}},
    }
    return archive


async def told(api: Any, path: str, status: int = 200) -> Any:
    async with api.get(path) as reply:
        body = await reply.json()
        assert reply.status == status, body
        return body


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return found


def test_the_document_is_openapi() -> None:
    validate(document())


async def test_the_document_lists_every_address_and_no_other(api, market) -> None:
    served = {
        resource.canonical
        for resource in api.app.router.resources()
        if not resource.canonical.endswith(("{rest}", "openapi.json"))
    }
    assert served == set(document()["paths"])


@pytest.mark.parametrize("schema", TOLD)
async def test_each_answer_is_as_the_document_says(api, posted, schema: str) -> None:
    whole = document()
    body = await told(api, TOLD[schema])
    jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": whole["components"]}
    ).validate(body)
    named = whole["paths"]["/api/v1/" + "/".join(_path_of(schema))]["get"]
    assert named["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(f"/{schema}")


def _path_of(schema: str) -> list[str]:
    return {
        "Assets": ["assets"],
        "Verdict": ["verdict", "{asset}"],
        "Facts": ["facts", "{asset}"],
        "History": ["history", "{asset}", "{metric}"],
        "Posts": ["posts"],
        "Why": ["why", "{post}"],
        "Audited": ["audit"],
    }[schema]


async def test_the_verdict_says_what_it_stands_on_and_that_it_is_no_signal(api, posted) -> None:
    body = await told(api, "/api/v1/verdict/btc")
    assert body["asset"] == "BTC"
    assert body["at"] == "2026-02-06T14:00:00Z"
    assert body["stance"] in {"bearish", "unclear", "neutral", "overheated", "bullish", "no-call"}
    assert "no signal" in body["note"]
    assert body["age_s"] == 0.0
    reasons = [one["reason"] for one in body["unknown"]]
    assert reasons
    assert not any("(" in one and one.endswith(")") and "=" in one for one in reasons)


async def test_facts_have_time_age_and_venues_and_what_is_not_known_has_its_reason(api) -> None:
    body = await told(api, "/api/v1/facts/BTC?names=skew_60d_pct,basis_90d_pct,put_call_oi_ratio")
    skew, basis = sorted(body["facts"], key=lambda fact: fact["name"], reverse=True)
    assert (skew["value"], skew["unit"], skew["at"]) == (20.0, "% of ATM IV", "2026-02-06T14:00:00Z")
    assert (basis["name"], basis["fresh"], basis["age_s"]) == ("basis_90d_pct", False, 5 * 3600.0)
    unknown = {one["name"]: one["reason"] for one in body["unknown"]}
    assert set(unknown) == {"basis_90d_pct", "put_call_oi_ratio"}
    assert all(unknown.values())
    assert "put_call_oi_ratio" not in {fact["name"] for fact in body["facts"]}


async def test_of_an_asset_of_which_nothing_was_heard_nothing_is_told_as_a_number(api) -> None:
    body = await told(api, "/api/v1/facts/ETH")
    assert body["facts"] == []
    assert len(body["unknown"]) == len((await told(api, "/api/v1/assets"))["metrics"])
    assert (await told(api, "/api/v1/verdict/ETH"))["stance"] == "no-call"


async def test_a_past_ends_at_the_time_that_was_asked_for(api) -> None:
    whole = await told(api, "/api/v1/history/BTC/skew_60d_pct?window=7d")
    assert len(whole["points"]) == 7 * 24 + 1
    assert whole["points"][-1] == {"at": "2026-02-06T14:00:00Z", "value": 20.0}
    assert whole["usual"]["low"] < whole["usual"]["high"]
    until = await told(api, "/api/v1/history/BTC/skew_60d_pct?window=24h&until=2026-02-01T00:00:00Z")
    assert (until["at"], until["points"][-1]["at"]) == ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z")
    ahead = await told(api, "/api/v1/history/BTC/skew_60d_pct?until=2027-01-01T00:00:00%2B00:00")
    assert ahead["at"] == "2026-02-06T14:00:00Z"


async def test_posts_are_those_of_the_page_that_went_out(api, posted) -> None:
    body = await told(api, "/api/v1/posts")
    assert [one["id"] for one in body["posts"]] == ["abcd2345", "before22"]
    assert body["posts"][0]["text"] == "Skew is 19.5%."
    assert [one["id"] for one in (await told(api, "/api/v1/posts?limit=2"))["posts"]] == ["abcd2345"]
    before = await told(api, "/api/v1/posts?before=2026-02-06T00:00:00Z")
    assert [one["id"] for one in before["posts"]] == ["before22"]


async def test_a_post_leads_back_to_venues_formula_and_rules(api, posted) -> None:
    body = await told(api, "/api/v1/why/ABCD2345")
    (fact,) = body["facts"]
    assert fact["by_venue"] == [
        {"venue": "deribit", "value": 19.0, "at": (AT - timedelta(hours=2)).isoformat()}
    ]
    assert (fact["venues"], fact["of_venues"]) == (["deribit", "okx"], 3)
    assert fact["formula"]
    assert [(one["rule"], one["phase"]) for one in body["rules"]] == [("skew-fear", "on")]
    assert [one["name"] for one in body["unknown"]] == ["dvol"]


async def test_the_last_audit_and_how_each_source_does_are_told(api, market) -> None:
    assert (await told(api, "/api/v1/audit"))["audit"] is None
    row = AuditRow(
        asset="BTC",
        metric="dvol",
        venue="deribit",
        unit="vol points",
        tolerance=0.5,
        compared=20,
        missing=1,
        beyond=3,
        mean=0.4,
        bias=-0.1,
        largest=1.5,
        largest_at=AT - timedelta(hours=5),
    )
    report = AuditReport(at=AT, since=AT - timedelta(days=1), rows=(row,), gaps=("no_gap(x='y')",))

    async def audited() -> AuditReport:
        return report

    market.last_audit = audited
    whole = document()
    body = await told(api, "/api/v1/audit")
    jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/Audited", "components": whole["components"]}
    ).validate(body)
    found = body["audit"]
    assert (found["compared"], found["beyond"]) == (20, 3)
    assert found["metrics"][0]["largest_at"] == "2026-02-06T09:00:00Z"
    assert [one["light"] for one in body["sources"]] == [one.light for one in market.source_states()]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/verdict/DOGE", 404, "BTC, ETH"),
        ("/api/v1/facts/BTC?names=nothing", 400, "nothing"),
        ("/api/v1/history/BTC/nothing", 404, "nothing"),
        ("/api/v1/history/BTC/skew_60d_pct.change_24h", 400, "skew_60d_pct"),
        ("/api/v1/history/BTC/skew_60d_pct?window=3y", 400, "24h, 7d, 30d, 90d, 1y"),
        ("/api/v1/history/BTC/skew_60d_pct?until=yesterday", 400, "2026-02-05T21:00:00Z"),
        ("/api/v1/posts?limit=0", 400, "1 to 100"),
        ("/api/v1/posts?limit=101", 400, "1 to 100"),
        ("/api/v1/posts?limit=x", 400, "1 to 100"),
        ("/api/v1/why/elsewher", 404, "elsewher"),
        ("/api/v1/why/nothing1", 404, "nothing1"),
        ("/api/v1/verdict/BTC?locale=xx", 400, "en, es"),
        ("/api/v1/signals", 404, "signals"),
        ("/api/v1/verdict/DOGE?locale=es", 404, "desconocido"),
    ],
)
async def test_what_cannot_be_answered_says_why(api, posted, path: str, status: int, said: str) -> None:
    body = await told(api, path, status)
    assert list(body) == ["error"]
    assert said in body["error"]


async def test_words_are_the_askers(api) -> None:
    english, spanish = [await told(api, f"/api/v1/verdict/BTC?locale={locale}") for locale in ("en", "es")]
    assert english["stance"] == spanish["stance"]
    assert english["note"] != spanish["note"]


async def test_an_answer_that_the_asker_has_is_not_sent_again(api, archive) -> None:
    async with api.get("/api/v1/facts/BTC") as first:
        tag = first.headers["ETag"]
    async with api.get("/api/v1/facts/BTC", headers={"If-None-Match": tag}) as again:
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
    async with api.get("/api/v1/facts/ETH", headers={"If-None-Match": tag}) as other:
        assert other.status == 200


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
async def test_nothing_can_be_changed(api, method: str) -> None:
    assert (await getattr(api, method)("/api/v1/facts/BTC")).status == 405


async def test_who_asks_too_often_waits(api, limit) -> None:
    for _ in range(REQUESTS):
        assert limit.pause_s("127.0.0.1") == 0.0
    async with api.get("/api/v1/assets") as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
        assert "120" in (await reply.json())["error"]


def test_an_address_may_ask_again_once_its_first_request_is_a_minute_old() -> None:
    now = [0.0]
    limit = Limit(2, 60.0, steady=lambda: now[0])
    assert [limit.pause_s("a") for _ in range(3)] == [0.0, 0.0, 60.0]
    assert limit.pause_s("b") == 0.0
    now[0] = 59.0
    assert limit.pause_s("a") == 1.0
    now[0] = 60.0
    assert limit.pause_s("a") == 0.0


async def test_a_client_of_someone_else_reads_it(api, posted) -> None:
    url = str(api.make_url("/api/v1/openapi.json"))
    client = await OpenAPI.load_async(url, session_factory=httpx2.AsyncClient)
    verdict = await client._.verdict(parameters={"asset": "BTC"})
    assert (verdict.asset, verdict.stance, verdict.venues) == ("BTC", "unclear", ["deribit", "okx"])
    facts = await client._.facts(parameters={"asset": "BTC", "names": "skew_60d_pct"})
    assert facts.facts[0].value == 20.0
    past = await client._.history(parameters={"asset": "BTC", "metric": "skew_60d_pct", "window": "24h"})
    assert len(past.points) == 25
    why = await client._.why(parameters={"post": "abcd2345"})
    assert why.post.id == "abcd2345"
    assert [post.id for post in (await client._.posts()).posts] == ["abcd2345", "before22"]


def test_the_document_is_in_the_package() -> None:
    assert Path("bot/delivery/api/openapi.json").resolve() == DOCUMENT
