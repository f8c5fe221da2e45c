"""Is it still a house? What docs and contracts promise of the tree, checked on the tree."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BOT = ROOT / "bot"

CORE = ("errors.py", "ports.py", "decide.py", "domain", "metrics", "rules", "commentary")
WORLD = {
    "aiohttp",
    "apscheduler",
    "asyncio",
    "discord",
    "httpx",
    "logging",
    "os",
    "random",
    "sqlalchemy",
    "structlog",
    "time",
}
HOMES = {
    "discord": ("bot/delivery/discord/",),
    "httpx": ("bot/sources/_http.py", "bot/sources/_record.py", "bot/sources/_tape.py"),
    "apscheduler": ("bot/process/schedule.py", "bot/process/timing.py"),
    "sqlalchemy": ("bot/archive/",),
    "alembic": ("bot/archive/",),
    "matplotlib": ("bot/charts/",),
    "pandas": ("bot/metrics/", "bot/lab/"),
    "numpy": (
        "bot/sources/",
        "bot/domain/chain.py",
        "bot/metrics/",
        "bot/charts/",
        "bot/lab/completed_past.py",
    ),
}
# The "never" column of the glossary, as far as no library and no venue owns the word.
NEVER = {
    "feed",
    "provider",
    "notifier",
    "sink",
    "outlet",
    "sentiment",
    "notification",
    "rekt",
    "util",
    "utils",
    "helper",
    "helpers",
    "misc",
}
MOST_METHODS = 25
VERBS_TOO = {"read", "heed", "split", "set", "put", "cut", "spread"}
PARTICIPLES = {
    "abreast",
    "begun",
    "beside",
    "bound",
    "built",
    "chosen",
    "done",
    "drawn",
    "found",
    "given",
    "gone",
    "heard",
    "held",
    "kept",
    "known",
    "laid",
    "left",
    "lost",
    "made",
    "meant",
    "met",
    "paid",
    "said",
    "seen",
    "sent",
    "shown",
    "spoken",
    "taken",
    "taught",
    "thought",
    "told",
    "within",
    "won",
    "written",
}
LEFT_OUT = {
    ".venv-peers",
    ".git",
    ".venv",
    ".hypothesis",
    ".benchmarks",
    "var",
    "node_modules",
    "__pycache__",
    ".env",
}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
MARKET_ROOMS = ("sources", "metrics", "rules", "domain")


def house() -> list[Path]:
    """Every Python file of the bot."""
    return sorted(BOT.rglob("*.py"))


def core() -> list[Path]:
    """Every Python file of the core."""
    return [path for path in house() if path.relative_to(BOT).parts[0] in CORE]


def product_files() -> list[Path]:
    """Every file that a commit could hold."""
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and not any(part in LEFT_OUT or part.endswith("_cache") for part in path.relative_to(ROOT).parts)
        and path.suffix not in {".pyc", ".png", ".sqlite"}
    ]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Everything in a file's syntax tree."""
    return tuple(ast.walk(ast.parse(source)))


def imported(source: str) -> set[str]:
    """The top packages that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def defined(source: str) -> Iterator[str]:
    """The names that a file gives: functions, classes, arguments, variables, fields."""
    for node in nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def words(identifier: str) -> set[str]:
    """The words of an identifier, in snake_case or CamelCase."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier).lower().split("_"))


def silences(source: str) -> list[int]:
    """Lines where every error is caught and nothing is done."""
    return [
        node.lineno
        for node in nodes(source)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
        and all(isinstance(part, ast.Pass) for part in node.body)
    ]


def zeros_for_missing(source: str) -> list[int]:
    """Lines with `.get(key, 0)`: a missing number would become one."""
    return [
        node.lineno
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and len(node.args) == 2
        and isinstance(node.args[1], ast.Constant)
        and node.args[1].value == 0
        and node.args[1].value is not False
    ]


def plain_sums(source: str) -> list[int]:
    """The lines that add up with `sum` what is no count and no time in whole milliseconds. From Python 3.12 on it keeps
    what rounding loses, before that it does not: one reading would be two."""

    def counts(added: ast.expr) -> bool:
        if not isinstance(added, ast.GeneratorExp):
            return False
        named = [one.attr for one in ast.walk(added.elt) if isinstance(one, ast.Attribute)]
        whole = bool(named) and all(name.endswith("_ms") for name in named)
        return whole or isinstance(added.elt, ast.Compare | ast.Constant)

    return [
        node.lineno
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "sum"
        and not counts(node.args[0])
    ]


def bare_participles(source: str) -> list[str]:
    """Public functions and methods, properties apart, that are named by a participle alone."""
    return [
        node.name
        for node in nodes(source)
        if isinstance(node, FUNCTION)
        and not node.name.startswith("_")
        and (node.name in PARTICIPLES or re.fullmatch(r"[a-z]+ed", node.name))
        and node.name not in VERBS_TOO
        and not any("property" in ast.unparse(one) for one in node.decorator_list)
    ]


def loose_values(source: str) -> list[str]:
    """Data classes that are not frozen and slotted, or that take several fields by position."""
    loose = []
    for node in nodes(source):
        if not isinstance(node, ast.ClassDef):
            continue
        fields = sum(isinstance(part, ast.AnnAssign) for part in node.body)
        wanted = ["frozen=True", "slots=True", *(["kw_only=True"] if fields > 2 else [])]
        decorators = [text for text in map(ast.unparse, node.decorator_list) if text.startswith("dataclass")]
        loose += [node.name for text in decorators if not all(word in text for word in wanted)]
    return loose


def shadowed_annotations(source: str) -> list[str]:
    """Fields whose type is named like something that their class binds: from Python 3.14 on it is looked up in the class,
    when somebody asks, and is that."""
    found: list[str] = []
    for kind in (node for node in nodes(source) if isinstance(node, ast.ClassDef)):
        fields = [one for one in kind.body if isinstance(one, ast.AnnAssign)]
        bound = {ast.unparse(one.target) for one in fields}
        bound |= {one.name for one in kind.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        bound |= {ast.unparse(to) for one in kind.body if isinstance(one, ast.Assign) for to in one.targets}
        found += [
            f"{kind.name}.{ast.unparse(one.target)}"
            for one in fields
            if bound & {name.id for name in ast.walk(one.annotation) if isinstance(name, ast.Name)}
        ]
    return found


def test_the_checks_of_this_file_see_what_they_look_for() -> None:
    assert shadowed_annotations("class Row:\n    date: date\n    at: time") == ["Row.date"]
    assert shadowed_annotations("class Row:\n    def set(self): ...\n    names: set[str]") == ["Row.names"]
    bad = "import os\ndef f():\n    from httpx import get\n    try:\n        pass\n    except Exception:\n        pass\n"
    assert plain_sums(
        "sum(one.usd for one in a)\nsum(a)\nsum(1 for _ in a)\nsum(b.from_ms - b.to_ms for b in a)"
    ) == [1, 2]
    assert imported(bad) == {"os", "httpx"}
    assert silences(bad) == [6]
    assert silences("try:\n    pass\nexcept KeyError:\n    pass\n") == []
    assert zeros_for_missing("a.get('mark_iv', 0.0)\na.get('x')\na.get('y', 1)\n") == [1]
    assert loose_values(
        "@dataclass(frozen=True)\nclass A: ...\n@dataclass(frozen=True, slots=True, kw_only=True)\nclass B: ..."
    ) == ["A"]
    named = "def made(): ...\ndef add_made(): ...\ndef joined(): ...\n_told = 1\ndef _told(): ..."
    assert bare_participles(named) == ["made", "joined"]
    assert words("HelperOfThe_oi") == {"helper", "of", "the", "oi"}
    assert set(defined("class A:\n    b: int = 1\ndef c(d): e = d\n")) == {"A", "b", "c", "d", "e"}


def arrows(files: list[Path]) -> dict[str, set[str]]:
    """Which module imports which, in whatever place: imports that are for types alone count too."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
    }
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        asked = [
            (node.module, alias.name)
            for node in nodes(path.read_text(encoding="utf-8"))
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        ]
        named = {f"{module}.{what}" if f"{module}.{what}" in modules else module for module, what in asked}
        found[name] = (named & modules.keys()) - {name}
    return found


def circles(graph: dict[str, set[str]]) -> set[str]:
    """The modules that lead back to themselves: what is left when nothing that leads nowhere else is there."""
    left = {name: set(to) for name, to in graph.items()}
    while ends := {name for name, to in left.items() if not to & left.keys()}:
        left = {name: to for name, to in left.items() if name not in ends}
    return set(left)


def test_no_module_leads_back_to_itself() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()
    assert circles({"a": {"b"}, "b": {"a"}, "c": set()}) == {"a", "b"}
    graph = arrows(house())
    assert "bot.domain.posts" in graph["bot.delivery.discord.embed"]
    assert circles(graph) == set()


def test_the_core_does_not_know_the_world() -> None:
    tourists = {
        name_of(path): sorted(found)
        for path in core()
        if (found := imported(path.read_text("utf-8")) & WORLD)
    }
    assert tourists == {}


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_at_home_only(library: str) -> None:
    abroad = [
        name_of(path)
        for path in house()
        if library in imported(path.read_text("utf-8")) and not name_of(path).startswith(HOMES[library])
    ]
    assert abroad == []


def test_every_room_is_on_the_floor_plan() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    plan = set(re.findall(r"\w+", " ".join(contracts[0]["layers"])))
    rooms = {
        path.stem
        for path in BOT.iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    }
    assert rooms - plan - {"__init__"} == set()


def test_every_folder_of_code_says_what_it_is() -> None:
    folders = {path.parent for path in house()}
    silent = [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]
    assert [folder for folder in silent if "migrations" not in folder] == []


def test_no_name_is_from_the_never_column() -> None:
    strange = {
        name_of(path): sorted(found)
        for path in house()
        if (found := {name for name in [*defined(path.read_text("utf-8")), path.stem] if words(name) & NEVER})
    }
    assert strange == {}


def test_a_class_name_occurs_once() -> None:
    places: dict[str, list[str]] = {}
    for path in house():
        for node in nodes(path.read_text("utf-8")):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_function_is_named_by_a_verb_or_by_what_it_returns() -> None:
    bare = {name_of(path): found for path in house() if (found := bare_participles(path.read_text("utf-8")))}
    assert bare == {}


def test_no_class_has_too_many_methods() -> None:
    crowded = {
        f"{name_of(path)}: {node.name}": len(methods)
        for path in house()
        for node in nodes(path.read_text("utf-8"))
        if isinstance(node, ast.ClassDef)
        and len(methods := [part for part in node.body if isinstance(part, FUNCTION)]) > MOST_METHODS
    }
    assert crowded == {}


def test_no_type_of_a_field_is_named_like_what_its_class_binds() -> None:
    found = [one for path in house() for one in shadowed_annotations(path.read_text(encoding="utf-8"))]
    assert found == []


def test_no_line_is_kept_from_the_formatter() -> None:
    python = [path for path in product_files() if path.suffix == ".py"]
    kept = re.compile("# fmt" + r": (skip|off)")
    assert [name_of(path) for path in python if kept.search(path.read_text("utf-8"))] == []


def test_what_is_measured_is_added_up_alike_by_every_python() -> None:
    rooms = (ROOT / "bot" / "metrics", ROOT / "bot" / "sources")
    whole = {
        "bot/sources/_wire.py",
        "bot/sources/_tape_wire/deribit.py",
    }  # a bound for numbers, and whole dollars
    found = {
        name_of(path): lines
        for path in house()
        if any(path.is_relative_to(room) for room in rooms) and (lines := plain_sums(path.read_text("utf-8")))
    }
    assert found.keys() == whole, "math.fsum adds up exactly"


def test_no_error_is_swallowed() -> None:
    assert {name_of(path): lines for path in house() if (lines := silences(path.read_text("utf-8")))} == {}


def test_no_missing_number_becomes_a_zero() -> None:
    market = [path for path in house() if path.relative_to(BOT).parts[0] in MARKET_ROOMS]
    assert {
        name_of(path): lines for path in market if (lines := zeros_for_missing(path.read_text("utf-8")))
    } == {}


def test_the_words_of_the_trade_are_frozen_values() -> None:
    loose = {
        name_of(path): names
        for path in (BOT / "domain").glob("*.py")
        if (names := loose_values(path.read_text("utf-8")))
    }
    assert loose == {}


def test_every_source_states_docs_units_and_limits() -> None:
    silent = []
    for path in sorted((BOT / "sources").glob("[a-z]*.py")):
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        silent += [f"{name_of(path)}: {word}" for word in ("Docs", "Units", "Limits") if word not in said]
    assert silent == []


def test_no_file_knows_this_machine_or_a_registry() -> None:
    machine = re.compile(
        r"(?<![\w.$}~-])/(root|home|Users|work)/\w|pythonhosted[.]org|pypi[.]org|registry[.]npmjs|deb[.]debian[.]org"
    )
    telling = [
        f"{name_of(path)}:{number}"
        for path in product_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if machine.search(line)
    ]
    assert telling == []


def test_every_path_that_a_document_names_exists() -> None:
    named = re.compile(r"`((?:bot|config|tests|docs|deploy|benchmarks|requirements)/[\w./<>*-]*)`")
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    lost = [
        f"{name_of(document)}: {path}"
        for document in documents
        for path in named.findall(document.read_text("utf-8"))
        if not any(ROOT.glob(re.sub(r"<\w+>", "*", path)))
    ]
    assert documents
    assert lost == []


def test_the_locks_are_fresh_hashed_and_name_no_host() -> None:
    loader = SourceFileLoader("front_door", str(ROOT / "tightrope"))
    spec = spec_from_loader("front_door", loader)
    assert spec is not None
    door = module_from_spec(spec)
    loader.exec_module(door)
    assert door.lock_problems(ROOT / "requirements", ROOT / "pyproject.toml") == []


def test_what_costs_time_and_memory_is_not_loaded_at_the_start() -> None:
    heavy = (
        "pandas",
        "matplotlib",
        "discord",
        "alembic",
        "PIL",
        "mcp",
        "pyarrow",
        "asyncpg",
        "prometheus_client",
    )
    imported = "import sys; from bot.cli.main import command_line; command_line()"
    program = f"{imported}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
