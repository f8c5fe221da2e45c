"""What nobody should write and somebody will: each is named, with exit code 2, and never a trace."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import command_line
from bot.errors import InputError, SourceError

WELL = '{"facts": {"spot_usd": 70000}}'
ODD = {
    "deep lists": ("[" * 100_000, "nested too deeply"),
    "deep objects": ('{"a":' * 50_000, "nested too deeply"),
    "5,000 digits": (f'{{"facts": {{"spot_usd": {"1" * 5000}}}}}', "thousands of digits"),
    "400 digits": (f'{{"facts": {{"spot_usd": {"1" * 400}}}}}', "spot_usd: a number of so many digits"),
    "beyond a float": ('{"facts": {"spot_usd": 1e400}}', "spot_usd: inf is not a number"),
    "a name without end": (f'{{"facts": {{"{"x" * 100_000}": 1}}}}', "no fact is called 'xxx"),
    "half a character": ('{"facts": {"\\ud800": 1}}', "\\ud800"),
    "an asset without end": (f'{{"asset": "{"B" * 100_000}"}}', "asset: 'BBB"),
    "the first year": ('{"at": "0001-01-01T00:00:00+14:00"}', "at: '0001"),
    "the last year": ('{"at": "9999-12-31T23:59:59Z"}', "1971 to 2199"),
    "the last moment": ('{"times": {"spot_usd": "9999-12-31T23:59:59-14:00"}}', "times.spot_usd: '9999"),
    "no JSON": ("{", "not JSON"),
}
CASES = [pytest.param(text, said, id=name) for name, (text, said) in ODD.items()]


def run(arguments: Sequence[str], typed: str | bytes) -> Result:
    return CliRunner().invoke(command_line(), list(arguments), input=typed)


@pytest.mark.parametrize(("text", "said"), CASES)
def test_an_odd_market_is_an_input_error_that_names_what_is_odd(text: str, said: str) -> None:
    ended = run(["judge", "-"], text)
    assert isinstance(ended.exception, InputError)
    assert said in str(ended.exception)
    assert len(str(ended.exception)) < 300


def test_lines_go_on_after_each_odd_one_and_name_it(capfd: pytest.CaptureFixture[str]) -> None:
    odd = [text for text, _ in ODD.values()]
    lines = [line for text in odd for line in (text, WELL)]
    ended = run(["judge", "--lines", "-"], "\n".join(lines).encode() + b"\n\xff\n" + WELL.encode())
    answers = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert ["error" in answer for answer in answers] == [True, False] * len(odd) + [True, False]
    assert answers[-2]["error"] == "line 1 is not UTF-8"
    assert ended.exit_code == 2
    numbers = ", ".join(str(number) for number in range(1, 2 * len(odd) + 2, 2))
    assert f"{len(odd) + 1} line(s) could not be taken: line {numbers}" in ended.stderr


@pytest.mark.parametrize(
    "text", ["9" * 5000, "1" + ",000" * 3000, "(" * 100_000, "-" * 50_000 + "5", "\u0665" * 500]
)
def test_an_odd_text_is_checked_against_the_facts_without_a_trace(tmp_path: Path, text: str) -> None:
    facts = tmp_path / "market.json"
    facts.write_text(WELL, encoding="utf-8")
    ended = run(["factcheck", "-", "--facts", str(facts)], f"Bitcoin at {text}.")
    assert ended.exit_code in (0, 1)
    assert isinstance(ended.exception, SystemExit | None)


@pytest.mark.parametrize(
    "reply",
    [
        "[" * 100_000,
        f'{{"result": [{"1" * 5000}]}}',
        "null",
        '{"usIn": 99999999999999999999, "result": []}',
        "",
    ],
)
def test_an_odd_recording_is_named_by_whom_it_is_of(tmp_path: Path, reply: str) -> None:
    (tmp_path / "book_summary_option.json").write_text(reply, encoding="utf-8")
    ended = run(["measure", "--recording", str(tmp_path)], "")
    assert isinstance(ended.exception, SourceError | InputError)
    assert "deribit BTC" in str(ended.exception)


def test_a_past_at_the_end_of_the_calendar_is_refused() -> None:
    ended = run(["brief", "BTC", "--at", "9999-12-31T23:59:59Z"], "")
    assert isinstance(ended.exception, InputError)
    assert "1971 to 2199" in str(ended.exception)


@pytest.mark.parametrize("typed", ["B" * 100_000, "B T C", "\u0661", "../BTC", ""])
@pytest.mark.parametrize(
    "arguments",
    [
        ("measure", "--recording", ".", "--asset"),
        ("brief", "--recording", ".", "--"),
        ("check", "--impact", "1", "--asset"),
        ("backtest", "--from", "2026-01-01", "--to", "2026-01-02", "--asset"),
        ("export", "--from", "2026-01-01", "--to", "2026-01-02", "out.csv", "--asset"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_odd_asset_is_named_by_every_command_that_takes_one(
    arguments: Sequence[str], typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run([*arguments, typed], "")
    assert isinstance(ended.exception, InputError)
    assert "is not an asset such as BTC" in str(ended.exception)
    assert len(str(ended.exception)) < 300
    assert list(tmp_path.iterdir()) == []


ENDLESS = Path("/dev/zero")


@pytest.mark.parametrize(
    "arguments",
    [
        ("judge", "{}"),
        ("judge", "--lines", "{}"),
        ("factcheck", "{}", "--facts", "{well}"),
        ("factcheck", "{well}", "--facts", "{}"),
        ("write", "--facts", "{}"),
        ("backtest", "--folder", "{folder}", "--from", "2026-01-01", "--to", "2026-01-02"),
        ("measure", "--recording", "{folder}"),
    ],
    ids=" ".join,
)
def test_a_file_without_end_is_named_with_the_limit_by_every_command_that_reads_one(
    arguments: Sequence[str], tmp_path: Path
) -> None:
    well, folder = tmp_path / "well.json", tmp_path / "folder"
    well.write_text(WELL, encoding="utf-8")
    folder.mkdir()
    for endless in (folder / "book.json", folder / "hours.csv"):
        endless.symlink_to(ENDLESS)
    put = {"": str(ENDLESS), "well": str(well), "folder": str(folder)}
    ended = run([one.format(put[""], **put) for one in arguments], "")
    assert isinstance(ended.exception, InputError)
    assert "64 MB" in str(ended.exception)


@pytest.mark.parametrize("arguments", [("judge", "-"), ("judge", "--lines", "-")], ids=" ".join)
def test_what_is_piped_without_end_is_named_with_the_limit(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ENDLESS.open("rb") as source:
        monkeypatch.setattr("bot.cli.typed.sys", SimpleNamespace(stdin=SimpleNamespace(buffer=source)))
        with pytest.raises(InputError, match=r"standard input: .*64 MB"):
            command_line()(list(arguments), standalone_mode=False)


def test_lines_of_a_file_are_answered_as_they_come_up_to_one_without_end(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lines.json"
    with file.open("wb") as to:
        to.write(WELL.encode() + b"\n")
        to.truncate(65 * 2**20)
    ended = run(["judge", "--lines", str(file)], "")
    assert "line 2 is longer than 64 MB" in str(ended.exception)
    assert len(ended.stdout.splitlines()) == 1
