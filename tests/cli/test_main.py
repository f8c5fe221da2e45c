"""The command line: what stands on standard output, what on standard error, and the exit codes."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from typer.main import get_group

from bot.cli.main import COMMANDS, command_line, main
from bot.domain.playbook import Playbook
from bot.playbook import CONFIG, read_playbook

TAKEN_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
INDEX_USD = 90_000.0
FALL = {
    "spot_usd": 71_500,
    "low_30d_usd": 60_150,
    "hours_since_low": 24,
    "skew_60d_pct": 20,
    "basis_60d_pct": 2,
    "open_interest_usd": 35.8e9,
    "open_interest_usd.before_7d": 44.3e9,
    "open_interest_coin": 527_850,
    "open_interest_coin.change_7d_pct": 0,
    "liquidations_5d_long_usd": 1.8e9,
    "liquidations_max_day_1y_usd": 4.65e9,
}
TIMES = {"liquidations_max_day_1y_usd": "2025-10-10T00:00:00Z", "low_30d_usd": "2026-02-06T00:00:00Z"}


class Said(Struct, frozen=True, kw_only=True):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Bot = Callable[..., Said]


@cache
def shipped() -> Playbook:
    return read_playbook()


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bot:
    """Runs a command in this process; the shipped playbook is read once for all tests."""

    def once(config: Path = CONFIG) -> Playbook:
        return shipped() if config == CONFIG else read_playbook(config)

    for room in ("asking", "keeping", "past", "shared", "words"):
        monkeypatch.setattr(f"bot.cli.{room}.read_playbook", once)
    unset = ("DISCORD_TOKEN", "DISCORD_TOKEN_FILE", "DATABASE_URL", "DATABASE_URL_FILE", "NEW_DATABASE_URL")
    for name in (*unset, "NEW_DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["bot", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        told = capsys.readouterr()
        return Said(code=code, out=told.out, err=told.err)

    return run


def market(path: Path, **facts: float) -> Path:
    """A file with the market after the fall, some of its facts changed or added (dots written as two
    underscores)."""
    told = {"asset": "BTC", "at": "2026-02-07T00:00:00Z", "facts": {**FALL, **_dotted(facts)}, "times": TIMES}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def _dotted(facts: Mapping[str, float]) -> Mapping[str, float]:
    return {name.replace("__", "."): value for name, value in facts.items()}


def line(**facts: float) -> str:
    return json.dumps({"asset": "BTC", "at": "2026-02-07T00:00:00Z", "facts": _dotted(facts)})


# ── measure ─────────────────────────────────────────────────────────────────────────────────────────────────


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _name(days: int) -> str:
    at = TAKEN_AT + timedelta(days=days)
    return f"{at.day}{at:%b%y}".upper()


def _option(days: int, strike: int, right: str) -> dict[str, Any]:
    return {
        "instrument_name": f"BTC-{_name(days)}-{strike}-{right}",
        "creation_timestamp": _ms(TAKEN_AT),
        "mark_iv": 50.0,
        "underlying_price": INDEX_USD,
        "open_interest": 3.0 if right == "P" else 4.0,
        "volume": 0.0,
        "bid_price": None,
        "estimated_delivery_price": INDEX_USD,
    }


def _future(name: str, mark_usd: float, **more: float) -> dict[str, Any]:
    return {
        "instrument_name": f"BTC-{name}",
        "creation_timestamp": _ms(TAKEN_AT),
        "mark_price": mark_usd,
        "open_interest": 9_000_000,
        "estimated_delivery_price": INDEX_USD,
        **more,
    }


def _reply(result: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "result": result, "usOut": _ms(TAKEN_AT) * 1000, "testnet": False})


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """One poll of a market of our own: volatility 50 everywhere, futures at 4% and 8% a year, a perpetual
    0.1% above."""
    folder = tmp_path / "recording"
    folder.mkdir()
    options = [
        _option(days, strike, right)
        for days in (5, 25, 53, 116)
        for strike in range(45_000, 160_000, 5_000)
        for right in "CP"
    ]
    futures = [
        _future(_name(45), INDEX_USD * (1 + 0.04 * 45 / 365)),
        _future(_name(75), INDEX_USD * (1 + 0.08 * 75 / 365)),
        _future("PERPETUAL", INDEX_USD * 1.001, funding_8h=0.0001),
    ]
    (folder / "book_summary_option.json").write_text(_reply(options), encoding="utf-8")
    (folder / "book_summary_future.json").write_text(_reply(futures), encoding="utf-8")
    (folder / "index_price.json").write_text(
        _reply({"index_price": INDEX_USD, "estimated_delivery_price": INDEX_USD}), encoding="utf-8"
    )
    return folder


def test_the_version_is_said_without_a_command(bot: Bot, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    said = bot("--version")
    assert (said.code, said.out, said.err) == (0, f"tightrope {project['version']}\n", "")


def test_a_recording_is_measured_and_what_it_does_not_tell_is_named(bot: Bot, recording: Path) -> None:
    said = bot("measure", "--recording", recording)
    assert said.code == 0
    assert said.json["at"] == "2026-03-02T08:00:00Z"
    wanted = {
        "spot_usd": 90_000.0,
        "skew_60d_pct": 0.0,
        "atm_iv_30d_pct": 50.0,
        "basis_60d_pct": 6.0,
        "funding_8h_pct": 0.01,
        "perp_premium_pct": 0.1,
        "put_call_oi_ratio": 0.75,
        "open_interest_usd": 27_000_000.0,
    }
    assert {name: said.json["metrics"][name] for name in wanted} == pytest.approx(wanted, abs=1e-6)
    assert set(said.json) == {"at", "metrics", "unknown"}
    assert not set(said.json["metrics"]) & set(said.json["unknown"])
    assert all(said.json["unknown"].values())
    assert "dvol" in said.json["unknown"]


def test_without_an_index_file_the_options_tell_the_index(bot: Bot, recording: Path) -> None:
    (recording / "index_price.json").unlink()
    assert bot("measure", "--recording", recording).json["metrics"]["spot_usd"] == INDEX_USD


def test_an_empty_list_of_futures_leaves_the_basis_unknown(bot: Bot, recording: Path) -> None:
    (recording / "book_summary_future.json").write_text(_reply([]), encoding="utf-8")
    said = bot("measure", "--recording", recording)
    assert said.code == 0
    assert "basis_60d_pct" in said.json["unknown"]
    assert said.json["metrics"]["atm_iv_30d_pct"] == pytest.approx(50.0)


def test_a_recording_without_options_is_refused_by_name(bot: Bot, recording: Path) -> None:
    (recording / "book_summary_option.json").unlink()
    said = bot("measure", "--recording", recording)
    assert said.code == 3
    assert said.out == ""
    assert "option" in said.err


def test_a_folder_that_is_not_there_is_refused_by_name(bot: Bot, tmp_path: Path) -> None:
    said = bot("measure", "--recording", tmp_path / "nowhere")
    assert (said.code, said.out) == (2, "")
    assert "nowhere" in said.err


# Worked out from the exchange's own deltas: metric → its value on 14, 19 and 23 January 2026, and how near is
# near.
REFERENCE = {
    "skew_7d_pct": (4.2615, 10.2710, 11.3131, 0.1),
    "skew_30d_pct": (5.2657, 7.1651, 9.3943, 0.1),
    "skew_60d_pct": (6.0114, 6.5020, 7.7314, 0.1),
    "skew_90d_pct": (6.4329, 6.8416, 7.6089, 0.1),
    "skew_30d_points": (2.0622, 2.7283, 3.3977, 0.02),
    "atm_iv_30d_pct": (39.1627, 38.0781, 36.1671, 0.02),
    "basis_30d_pct": (4.3659, 2.7671, 4.5003, 0.005),
    "basis_60d_pct": (4.6270, 4.1788, 4.5572, 0.005),
    "basis_90d_pct": (4.9492, 4.4879, 4.5471, 0.005),
    "put_call_oi_ratio": (0.7358, 0.7450, 0.7279, 0.0001),
    "spot_usd": (96_726.86, 93_057.88, 89_062.90, 0.01),
}


@pytest.mark.parametrize(("number", "day"), [(0, "2026-01-14"), (1, "2026-01-19"), (2, "2026-01-23")])
def test_recorded_days_give_the_reference_values(bot: Bot, shared: Path, number: int, day: str) -> None:
    metrics = bot("measure", "--recording", shared / "recordings" / "deribit" / day).json["metrics"]
    off = {
        name: (metrics[name], row[number])
        for name, row in REFERENCE.items()
        if abs(metrics[name] - row[number]) > row[3]
    }
    assert off == {}


def test_a_recording_with_few_options_answers_with_reasons(bot: Bot, shared: Path) -> None:
    said = bot("measure", "--recording", shared / "recordings" / "deribit" / "2026-05-22")
    assert said.code == 0
    assert said.json["metrics"]["spot_usd"] == pytest.approx(76_736.07)
    assert said.json["unknown"]["skew_30d_pct"].endswith("no_expiry_near(days=30, leg='put'))")


@pytest.mark.timeout(240)
def test_a_brief_on_a_recording_is_one_json_document(bot: Bot, recording: Path) -> None:
    said = bot("brief", "btc", "--recording", recording, "--json")
    assert said.code == 0
    assert said.json["verdict"]["stance"] in {
        "bearish",
        "neutral",
        "bullish",
        "overheated",
        "unclear",
        "no-call",
    }
    short = bot("brief", "btc", "--recording", recording, "--length", "short")
    assert short.out.strip() == said.json["story"]["short"]


# ── judge ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_market_after_the_fall_calls_for_caution(bot: Bot, tmp_path: Path) -> None:
    said = bot("judge", market(tmp_path / "m.json"))
    assert said.code == 0
    assert (said.json["verdict"]["stance"], said.json["verdict"]["confidence"]) == ("bearish", "high")
    found = {finding["rule"] for finding in said.json["findings"]}
    wanted = {
        "skew-fear",
        "basis-weak",
        "oi-value-shrinks-coins-hold",
        "liquidation-wave",
        "rebound-unconfirmed",
    }
    assert wanted <= found
    assert set(said.json) == {"verdict", "families", "findings", "flips", "missing", "story"}
    assert set(said.json["story"]) == {"short", "embed", "article"}
    assert set(said.json["families"].values()) <= {"bearish", "neutral", "bullish", "overheated"}


def test_standard_input_is_judged_like_a_file(
    bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = market(tmp_path / "m.json")
    with path.open(encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        piped = bot("judge", "-")
    assert piped.json == bot("judge", path).json


def test_a_bad_line_is_answered_in_its_place_and_the_others_still_are(bot: Bot, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(
        "\n".join([line(skew_60d_pct=20), line(skew_61d_pct=1), line(basis_60d_pct=2)]), encoding="utf-8"
    )
    said = bot("judge", path, "--lines")
    first, second, third = map(json.loads, said.out.splitlines())
    assert said.code == 2
    assert "verdict" in first
    assert "verdict" in third
    assert set(second) == {"error"}
    assert "skew_61d_pct" in second["error"]


def test_good_lines_alone_end_with_zero(bot: Bot, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(f"{line(skew_60d_pct=20)}\n\n{line()}\n", encoding="utf-8")
    said = bot("judge", path, "--lines")
    assert said.code == 0
    assert [json.loads(one)["verdict"]["stance"] for one in said.out.splitlines()][1] == "no-call"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"facts": {"skew_61d_pct": 1}}', "skew_61d_pct"),
        ('{"facts": {"skew_60d_pct": NaN}}', "skew_60d_pct"),
        ('{"facts": {"basis_60d_pct": Infinity}}', "basis_60d_pct"),
        ('{"facts": {"spot_usd": -5}}', "spot_usd"),
        ('{"facts": {"spot_usd": "71500"}}', "spot_usd"),
        ('{"facts": {"spot_usd": true}}', "spot_usd"),
        ('{"facts": {"spot_usd": null}}', "spot_usd"),
        ('{"facts": {"spot_usd": 1, "spot_usd": 2}}', "spot_usd"),
        ('{"facts": {}, "mood": 1}', "mood"),
        ('{"facts": {}, "at": "2026-02-07T00:00:00"}', "at"),
        ('{"facts": {"spot_usd": 1}, "times": {"low_30d_usd": "2026-02-06T00:00:00Z"}}', "low_30d_usd"),
        ('{"facts": {"spot_usd": 1}, "scope": {"open_interest_usd": "Binance"}}', "open_interest_usd"),
        ('{"facts": {"spot_usd": 1}, "scope": {"spot_usd": 1}}', "scope"),
        ('{"facts": {"spot_usd": 1}, "scope": ["Binance"]}', "scope"),
        ('{"asset": 7}', "asset"),
        ("[1]", "JSON object"),
        ("{", "not JSON"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_name(
    bot: Bot, tmp_path: Path, text: str, named: str
) -> None:
    path = tmp_path / "m.json"
    path.write_text(text, encoding="utf-8")
    said = bot("judge", path)
    assert (said.code, said.out) == (2, "")
    assert named in said.err


def test_one_venues_open_interest_makes_no_share_of_the_markets_liquidations(
    bot: Bot, tmp_path: Path
) -> None:
    facts = {"spot_usd": 71_500, "liquidations_5d_long_usd": 1.8e9, "open_interest_usd": 8e9}
    path = tmp_path / "m.json"

    def shares(**more: object) -> set[str]:
        path.write_text(json.dumps({"facts": facts, **more}), encoding="utf-8")
        said = bot("judge", path)
        assert said.code == 0
        return {name for one in said.json["findings"] for name in one["facts"] if name.endswith("pct_of_oi")}

    assert shares() == shares(scope="Binance") == {"liquidations_5d_long_pct_of_oi"}
    assert shares(scope={"open_interest_usd": "Binance"}) == set()


def test_a_family_that_what_is_unknown_could_turn_is_unclear_and_not_neutral(
    bot: Bot, tmp_path: Path
) -> None:
    """A billion of forced closes is no calm day because nobody says of how much."""

    facts = {
        "spot_usd": 67_800,
        "liquidations_24h_usd": 1e9,
        "liquidations_24h_long_usd": 9e8,
        "open_interest_usd": 35.8e9,
    }
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"facts": facts, "scope": {"open_interest_usd": "Binance"}}), encoding="utf-8")
    assert bot("judge", path).json["families"]["liquidations"] == "unclear"
    assert bot("judge", market(tmp_path / "whole.json")).json["families"]["liquidations"] == "bearish"


def test_a_given_fact_that_agrees_with_the_derived_one_wins(bot: Bot, tmp_path: Path) -> None:
    # 71,500 over 60,150 is 18.87%.
    said = bot("judge", market(tmp_path / "m.json", rebound_pct=18.9))
    assert said.code == 0
    [rebound] = [one for one in said.json["findings"] if one["rule"] == "rebound-unconfirmed"]
    assert rebound["facts"]["rebound_pct"] == 18.9


@pytest.mark.parametrize(
    ("name", "value"),
    [("rebound_pct", 19.2), ("open_interest_usd__change_7d_pct", -21.0), ("drawdown_pct", -3.0)],
)
def test_a_given_fact_that_contradicts_the_derived_one_is_refused(
    bot: Bot, tmp_path: Path, name: str, value: float
) -> None:
    said = bot("judge", market(tmp_path / "m.json", high_30d_usd=90_000, **{name: value}))
    assert (said.code, said.out) == (2, "")
    assert name.replace("__", ".") in said.err


# ── factcheck ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_held_against_the_facts_number_by_number(bot: Bot, tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("The 60-day skew stands at 20%.\n\nThe basis is 3% a year.\n", encoding="utf-8")
    said = bot("factcheck", text, "--facts", market(tmp_path / "m.json"))
    assert (said.code, said.out) == (1, "3%\n")
    text.write_text("The 60-day skew stands at 20%. The basis is 2% a year.\n", encoding="utf-8")
    assert bot("factcheck", text, "--facts", market(tmp_path / "m.json")).code == 0


def test_of_the_article_exactly_two_numbers_are_not_borne_out(bot: Bot, shared: Path, tmp_path: Path) -> None:
    said = bot("factcheck", shared / "article.txt", "--facts", market(tmp_path / "m.json"), "--json")
    assert said.code == 1
    assert said.json == {"refused": ["17%", "$70,000"]}


# ── write, phrases ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_article_is_written_of_stated_facts(bot: Bot, tmp_path: Path) -> None:
    said = bot("write", "--facts", market(tmp_path / "m.json"), "--length", "article")
    assert (said.code, said.err) == (0, "")
    assert 300 <= len(said.out.split()) <= 440
    assert "20%" in said.out
    assert "$35.8 billion" in said.out


def test_where_too_little_is_known_for_an_article_the_embed_goes_out_and_says_why(
    bot: Bot, tmp_path: Path
) -> None:
    facts = tmp_path / "m.json"
    facts.write_text(line(spot_usd=71_500), encoding="utf-8")
    said = bot("write", "--facts", facts, "--length", "article")
    assert said.code == 0
    assert "an article takes 4 families of readings that are known" in said.err
    assert said.out == bot("write", "--facts", facts, "--length", "embed").out


def test_a_story_in_a_language_without_phrases_is_refused_by_name(bot: Bot, tmp_path: Path) -> None:
    said = bot("write", "--facts", market(tmp_path / "m.json"), "--locale", "xx")
    assert (said.code, said.out) == (2, "")
    assert "'xx'" in said.err


def test_the_phrases_are_counted_once_each_and_the_thinnest_pools_come_first(bot: Bot) -> None:
    said = bot("phrases", "stats", "--json")
    assert said.code == 0
    bank = shipped().banks["en"]
    assert (
        said.json["phrases"]
        == len({phrase.id for phrase in bank.phrases})
        == sum(said.json["slots"].values())
    )
    counts = [pool["phrases"] for pool in said.json["pools"]]
    assert counts == sorted(counts)
    assert sum(counts) == len(bank.phrases)
    assert all(pool["window"] < pool["wanted"] for pool in said.json["short_of_window"])
    assert "phrases in" in bot("phrases", "stats").out


# ── configuration ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped configuration, to be spoiled."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_problem_of_the_settings_is_listed_at_once(bot: Bot, config: Path) -> None:
    replace_once(config / "bot.toml", "every_s =", "evry_s =")
    replace_once(config / "bot.toml", 'zone = "UTC"', "zone = 7")
    said = bot("check", "--config", config)
    assert (said.code, said.out) == (2, "")
    assert "bot.toml: poll.evry_s: unknown key" in said.err
    assert "bot.toml: posts.zone:" in said.err
    assert "2 problem(s)" in said.err


def test_every_problem_of_every_file_is_listed_with_file_and_id(bot: Bot, config: Path) -> None:
    add(config / "rules" / "price.toml", '\n[[rule]]\nid = "odd"\nfamily = "price"\nmood = 3\n')
    replace_once(config / "rules" / "basis.toml", '"basis_60d_pct"', '"basis_61d_pct"')
    replace_once(config / "bot.toml", "port = 8737", 'port = "eighty"')
    replace_once(
        config / "phrases" / "en" / "clauses.toml",
        "{{ it|ratio }} puts traded for each call in a day, high",
        "{{ basis_sixty|pct }}",
    )
    said = bot("check", "--config", config)
    assert (said.code, said.out) == (2, "")
    assert "price.toml: odd: mood" in said.err
    assert "basis.toml: basis" in said.err
    assert "basis_61d_pct" in said.err
    assert "bot.toml: page.port:" in said.err
    assert "basis_sixty" in said.err


def test_a_missing_frame_is_told_without_guessing_at_the_rest(bot: Bot, config: Path) -> None:
    (config / "rules" / "verdict.toml").unlink()
    said = bot("check", "--config", config)
    assert (said.code, said.out) == (2, "")
    assert "verdict.toml: balance: is missing" in said.err


def test_the_shipped_configuration_is_sound(bot: Bot) -> None:
    said = bot("check", "--json")
    assert said.code == 0, said.err
    assert said.json["failures"] == []
    assert any("rule cases at" in line for line in said.json["checked"])


# ── the process ─────────────────────────────────────────────────────────────────────────────────────────────


def test_json_stands_alone_on_standard_output(root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bot", "judge", str(market(tmp_path / "m.json"))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["verdict"]["stance"] == "bearish"


def test_a_reader_that_goes_away_brings_no_traceback(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text("{}\n" * 200, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bot", "judge", "--lines", str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    with process.stderr as told:
        assert told.read() == ""
    process.wait()


# ── check: the rules put to the test ────────────────────────────────────────────────────────────────────────


@pytest.mark.timeout(240)
def test_check_writes_junit_and_shows_what_the_cases_cover(bot: Bot, tmp_path: Path) -> None:
    said = bot("check", "--coverage", "--junit", tmp_path / "check.xml")
    assert said.code == 0
    assert "ok    basis-weak: shown on, off, unknown" in said.out
    written = (tmp_path / "check.xml").read_text("utf-8")
    assert '<testsuite name="rule cases"' in written
    assert '<testcase classname="basis.toml" name="basis-weak"/>' in written


def test_check_refuses_what_it_cannot_explain(
    bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'archive.sqlite'}")
    unknown = bot("check", "--explain", "basis-week", "--at", "2026-02-06T14:00Z")
    assert (unknown.code, "unknown rule 'basis-week'" in unknown.err) == (2, True)
    nothing = bot("check", "--explain", "basis-weak", "--at", "2026-02-06T14:00Z")
    assert (nothing.code, "nothing is known from before 2026-02-06T14:00:00Z" in nothing.err) == (2, True)
    never = bot("check", "--impact", "30")
    assert (never.code, "let the bot run first" in never.err) == (2, True)


@pytest.mark.slow
def test_check_changes_the_rules_one_by_one(bot: Bot) -> None:
    said = bot("check", "--mutate", "--json")
    assert said.code == 0
    assert any("mutants: " in line for line in said.json["checked"])


def test_every_file_has_the_commands_that_are_said_of_it() -> None:
    found = {file: tuple(get_group(import_module(f"bot.cli.{file}").commands).commands) for file in COMMANDS}
    assert found == COMMANDS


def test_who_asks_for_one_command_is_understood_as_among_all() -> None:
    asked = {
        name: get_group(command_line(name)).commands[name] for names in COMMANDS.values() for name in names
    }
    assert asked.keys() == get_group(command_line()).commands.keys()
