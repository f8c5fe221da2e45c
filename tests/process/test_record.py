"""A poll written down and read again: the same readings, from the tape's replies and from a recording of the field."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from bot import metrics
from bot.cli.main import main
from bot.domain.readings import FutureQuote, Heard, Reading
from bot.errors import InputError
from bot.playbook import CONFIG, read_playbook
from bot.ports import Source
from bot.process.app import build_sources
from bot.process.record import is_recording, load_recording, record, recorded_shapes, replay, write_recording
from bot.process.settings import load
from bot.sources._http import Http, Patience
from bot.sources._record import ReplayTransport
from bot.sources._recording import Recording
from bot.sources._tape import ON_THE_TAPE, TapeTransport
from tests.said import english
from tests.shipped_tape import tape_at

pytestmark = pytest.mark.timeout(120)

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
ASSETS = ("BTC", "ETH")
SETTINGS = load(CONFIG, {})


def build(http: Http) -> Sequence[Source]:
    return [one for one in build_sources(SETTINGS, http, any_key="s3cr3t") if one.name in ON_THE_TAPE]


def tape() -> TapeTransport:
    return tape_at(AT, tuple(SETTINGS.sources))


async def recorded() -> Recording:
    return await record(build, ASSETS, now=lambda: AT, listen_s=0, secrets=["s3cr3t"], transport=tape())


async def heard_now(asset: str) -> list[Heard]:
    async with Http(now=lambda: AT, transport=tape()) as http:
        return [await source.poll(asset, AT) for source in build(http)]


async def test_a_recording_says_again_what_the_venues_said(tmp_path: Path):
    write_recording(await recorded(), tmp_path / "poll")
    assert is_recording(tmp_path / "poll")
    again = load_recording(tmp_path / "poll")
    for asset in ASSETS:
        snapshot = await replay(again, asset)
        heard = await heard_now(asset)
        assert snapshot.gaps == tuple(gap for one in heard for gap in one.gaps)
        expected = [reading for one in heard for reading in one.readings]
        assert [type(one) for one in snapshot.readings] == [type(one) for one in expected]
        assert quotes(snapshot.readings) == quotes(expected)
        assert "deribit" in snapshot.asked["options"]
    catalog = read_playbook().catalog
    facts = metrics.observe(await replay(again, "BTC"), metrics.History.empty("BTC"), catalog).facts
    assert facts.value("open_interest_coin") == pytest.approx(527_850, rel=0.01)


def quotes(readings: Sequence[Reading]) -> list[FutureQuote]:
    return [one for one in readings if isinstance(one, FutureQuote)]


async def test_no_key_is_in_the_folder(tmp_path: Path):
    write_recording(await recorded(), tmp_path / "poll")
    files = [path for path in (tmp_path / "poll").rglob("*") if path.is_file()]
    assert len(files) > 40
    assert not [path for path in files if b"s3cr3t" in path.read_bytes()]


async def test_the_histories_that_the_audit_asks_for_are_written_down_too():
    told = await recorded()
    asked = {reply.url.partition("?")[0].rpartition("/")[2] for reply in told.replies if reply.status == 200}
    assert {"openInterestHist", "fundingRate", "get_funding_rate_history", "funding-rate-history"} <= asked
    assert all(reply.status for reply in told.replies)


async def test_an_asset_that_was_not_asked_for_is_refused():
    with pytest.raises(InputError, match="SOL is not in the recording: BTC, ETH are"):
        await replay(await recorded(), "SOL")


async def test_a_recording_is_never_written_over(tmp_path: Path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="is there already"):
        write_recording(await recorded(), tmp_path / "old")


async def test_what_a_venue_refuses_is_part_of_the_recording():
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(451, content=b"not here")

    told = await record(
        partial(build_sources, SETTINGS.model_copy(update={"sources": ("kraken",)})),
        ("BTC",),
        now=lambda: AT,
        listen_s=0,
        transport=httpx.MockTransport(refuse),
    )
    assert [(reply.status, reply.body) for reply in told.replies] == [(451, b"not here")]
    snapshot = await replay(told, "BTC")
    assert snapshot.readings == ()
    [gap] = snapshot.gaps
    assert gap.who == "kraken"
    assert "HTTP 451" in english(gap.reason)
    assert recorded_shapes(told).endpoints == {}


@pytest.mark.parametrize("words", [["measure", "--recording"], ["brief", "BTC", "--json", "--recording"]])
def test_the_command_line_reads_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
):
    write_recording(asyncio.run(recorded()), tmp_path / "poll")
    monkeypatch.setattr("sys.argv", ["tightrope", *words, str(tmp_path / "poll")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    told = json.loads(capsys.readouterr().out)
    if words[0] == "measure":
        assert told["metrics"]["open_interest_coin"] == pytest.approx(
            527_850, rel=0.01
        )  # of all venues together
    else:
        assert told["verdict"]["stance"]


class LoopbackVenues(BaseHTTPRequestHandler):
    """What the tape answered once, behind a server of our own; which keys came is kept."""

    protocol_version = "HTTP/1.1"
    keys_heard: ClassVar[set[str]] = set()
    told_by: ClassVar[ReplayTransport]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = f"{self.path} {self.headers} {asked.decode()}"
        self.keys_heard.update(key for key in KEYS.values() if key in seen)
        request = httpx.Request(
            self.command,
            f"https://{self.headers['host']}{self.path}",
            headers=dict(self.headers),
            content=asked,
        )
        response = asyncio.run(self.told_by.handle_async_request(request))
        body = response.content
        if "exchange-list" in self.path:  # a venue that says a key again where nobody asked
            body = body.replace(
                b'"msg":"success"', b'"msg":"success","for":"' + KEYS["COINGLASS_KEY"].encode() + b'"'
            )
        self.send_response_only(response.status_code)  # without a date of today
        for name in ("date", "content-type"):
            if name in response.headers:
                self.send_header(name, response.headers[name])
        self.send_header("set-cookie", f"session={KEYS['COINGLASS_KEY']}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: tests are quiet."""


class ManyAtOnce(ThreadingHTTPServer):
    """A poll asks some hundred things at once: none is turned away before it is heard."""

    request_queue_size = 256


class ToLoopback(httpx.AsyncBaseTransport):
    """Requests go through sockets to a server of this machine, under the names of the venues."""

    def __init__(self, port: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        headers = {**request.headers, "host": request.url.host}
        passed_on = httpx.Request(
            request.method, url, headers=headers, content=request.content, extensions=request.extensions
        )
        return await self._inner.handle_async_request(passed_on)

    async def aclose(self) -> None:
        await self._inner.aclose()


KEYS = {"COINGLASS_KEY": "cg-0123456789abcdef", "COINALYZE_KEY": "ca-0123456789abcdef", "FRED_KEY": "f" * 32}


@pytest.fixture
def venues(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[LoopbackVenues]]:
    """A server of ours in place of every venue, the time of the tape, and keys in the environment."""
    LoopbackVenues.told_by, LoopbackVenues.keys_heard = ReplayTransport(asyncio.run(recorded())), set()
    server = ManyAtOnce(("127.0.0.1", 0), LoopbackVenues)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("bot.sources._record.network", lambda: ToLoopback(server.server_port))
    patient = Patience(connect_s=60, read_s=60, total_s=100)  # of a loaded machine
    monkeypatch.setattr("bot.process.record.Http", partial(Http, patience=patient))
    monkeypatch.setattr("bot.process.schedule.SystemClock.now", lambda _: AT)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    yield LoopbackVenues
    server.shutdown()
    server.server_close()


def test_the_command_writes_down_what_a_server_says_without_a_key_and_the_folder_is_read_again(
    venues: type[LoopbackVenues],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'bot.db'}")
    folder = tmp_path / "poll"

    def run(*words: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["tightrope", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    told = run("record", str(folder), "--listen", "0", "--json")
    assert (told["failed"], told["sockets"], told["replies"] > 80) == ([], {}, True)
    assert {"COINGLASS_KEY"} <= {name for name, key in KEYS.items() if key in venues.keys_heard}
    files = [path for path in folder.rglob("*") if path.is_file()]
    leaked = [path for path in files for key in KEYS.values() if key.encode() in path.read_bytes()]
    assert leaked == []
    metrics_told = run("measure", "--recording", str(folder))["metrics"]
    assert metrics_told["open_interest_coin"] == pytest.approx(527_850, rel=0.01)
    assert run("brief", "BTC", "--json", "--recording", str(folder))["verdict"]["stance"]


async def test_a_recording_of_the_field_is_heard_by_every_source_in_it():
    """TIGHTROPE_RECORDING names a folder that `bot record` wrote: each source must read its own replies."""
    named = os.environ.get("TIGHTROPE_RECORDING")
    if not named:
        pytest.skip("no recording: TIGHTROPE_RECORDING names none")
    recording = load_recording(Path(named))
    for asset in recording.assets:
        snapshot = await replay(recording, asset)
        heard = {reading.source for reading in snapshot.readings}
        assert heard == set(recording.sources), [gap.reason for gap in snapshot.gaps]
