"""What every test may ask for, and the account of the tests that did not run."""

import gc
import logging
import os
import tomllib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

import bot.playbook
from bot.domain.playbook import Playbook

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT / ".." / "shared"
NO_SHARED = "no ../shared"

# No test measures time: on a machine that others use too, one draw may take a second.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the repository. Skips where it is absent, as on a user's
    machine."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED.resolve()


@pytest.fixture(scope="session", autouse=True)
def books_read_once() -> Iterator[None]:
    """Rules and phrases of the same texts are worked out once a process, where a test reads a folder of them: the shipped
    ones take a quarter of a second, and hundreds of tests stand on them. What cannot be read is read each time."""
    known: dict[tuple[object, ...], Playbook] = {}
    parse = bot.playbook.parse_playbook

    def parse_once(texts: Mapping[str, str], *, whole: bool = False) -> Playbook:
        key = whole, id(vars(bot.playbook)["CATALOG"]), *sorted(texts.items())
        if key not in known:
            known[key] = parse(texts, whole=whole)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bot.playbook, "parse_playbook", parse_once)
        yield


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """What a test does to logging ends with it: a stream that it captured is closed by then.

    Where a test sets nothing up tracebacks are plain: structlog's own hold each local of each frame, which of a whole
    market takes seconds to draw."""
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded to find the tests stays for good, as in `bot/__main__.py`: looking through it for garbage meanwhile is a
    tenth of the time, and after each test again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --all the slow tests are left out; a `-m` of the caller's own decides for itself. Side by side the longest
    files begin."""
    if not (config.getoption("--all") or config.getoption("markexpr") or _named_one_by_one(config)):
        slow = [item for item in items if item.get_closest_marker("slow")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if not item.get_closest_marker("slow")]
    if hasattr(config, "workerinput"):
        longest_first(items)


def longest_first(items: list[pytest.Item]) -> None:
    """Order files by what their tests may take, those of one file as they are: whole files go to the workers, and one
    that takes minutes and is handed out last leaves the other workers idle.

    What a test may take is its own timeout, where it has one."""
    may_take: Counter[Path] = Counter()
    for item in items:
        limit = item.get_closest_marker("timeout")
        may_take[item.path] += int(limit.args[0]) if limit else 1
    items.sort(key=lambda item: -may_take[item.path])


def _named_one_by_one(config: pytest.Config) -> bool:
    return bool(config.args) and all("::" in argument for argument in config.args)


def listed_reasons(path: Path) -> dict[str, str]:
    """Reasons for which a test may be skipped: how the reason starts → why that is all right."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("skip", [])
    return {entry["reason"]: entry["because"] for entry in entries}


def unlisted(reasons: Counter[str], listed: dict[str, str]) -> list[str]:
    """The reasons that no entry allows."""
    return sorted(reason for reason in reasons if not any(reason.startswith(start) for start in listed))


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The reason in a skipped report, without pytest's prefix."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
    return text.removeprefix("Skipped: ").strip() or "no reason given"


def _skips(terminalreporter: pytest.TerminalReporter) -> Counter[str]:
    return Counter(skip_reason(report) for report in terminalreporter.stats.get("skipped", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = _skips(terminalreporter)
    if not reasons:
        return
    terminalreporter.section("skipped, by reason")
    strange = unlisted(reasons, listed_reasons(ROOT / "tests" / "skips.toml"))
    for reason, count in sorted(reasons.items()):
        mark = "  NOT in tests/skips.toml" if reason in strange else ""
        terminalreporter.write_line(f"{count:5}  {reason}{mark}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skip whose reason nobody wrote down fails the run."""
    terminalreporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or terminalreporter is None or hasattr(session.config, "workerinput"):
        return
    if session.exitstatus == pytest.ExitCode.OK and unlisted(
        _skips(terminalreporter), listed_reasons(ROOT / "tests" / "skips.toml")
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
