"""Phrases as Jinja2 templates: slots and filters only, in a sandbox; anything else is refused before it is
ever rendered."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jinja2

from bot.commentary.formats import FORMATS, MOVES
from bot.commentary.terms import Band, Recorder, Term, remove_marks
from bot.domain.story import Span

if TYPE_CHECKING:
    import jinja2.nodes
    from jinja2.sandbox import SandboxedEnvironment

MOVE_SHAPES = {
    "pct": "size",
    "points": "points_size",
    "usd": "usd_size",
    "coins": "coins_size",
    "ratio": "ratio",
    "price": "price",
    "span": "span",
    "days": "days",
    "share": "bare",
}


def _format_filter(name: str) -> Callable[[Term], str]:
    def write_term(term: Term) -> str:
        return term.write(name)

    return write_term


def _move_filter(name: str) -> Callable[[Term], str]:
    def write_term(term: Term) -> str:
        return term.write(f"{name}:{MOVE_SHAPES[term.unit_filter]}")

    return write_term


def _auto(term: Term) -> str:
    """In the format of its unit."""
    return term.write(term.unit_filter)


def _title(term: Term) -> str:
    return term.recorder.mark(term.title, _own_name(term), "title")


def _tenor(term: Term) -> str:
    return term.recorder.mark(term.tenor, _own_name(term), "tenor")


def _own_name(term: Term) -> Any:
    return type(term.origin)(kind="name", ref=term.origin.ref, value=term.title)


def _an(marked: object) -> str:
    """The text with "a" or "an" before it, as its first number is spoken."""
    text = str(marked)
    seen = remove_marks(text).lstrip("$+±")
    vowel = (
        bool(re.match(r"(8|11(?!\d)|18(?!\d)|11[,.](?=\d{1,2}\b)|18[,.])", seen))
        or seen[:1].lower() in "aeio"
    )
    return f"{'an' if vowel else 'a'} {text}"


def _cap(marked: object) -> str:
    """The text with a capital first letter."""
    text = str(marked)
    at = next((index for index, char in enumerate(text) if not "\ue000" <= char <= "\uf8ff"), 0)
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _range(band: Band) -> str:
    return str(band)


FILTERS: Mapping[str, Callable[[Any], str]] = {
    **{name: _format_filter(name) for name in FORMATS},
    **{name: _move_filter(name) for name in MOVES},
    "auto": _auto,
    "title": _title,
    "tenor": _tenor,
    "an": _an,
    "cap": _cap,
    "range": _range,
}


@lru_cache(maxsize=1)
def environment() -> "SandboxedEnvironment":
    """The sandbox with our filters and no globals."""
    from jinja2.sandbox import SandboxedEnvironment  # where a phrase is rendered: a start reads them without

    made = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
    made.globals.clear()
    made.filters.clear()
    made.tests.clear()
    made.filters.update(FILTERS)
    return made


_PLAIN_SLOT = re.compile(r"{{ *(\w+(?:\.\w+)?(?: *\| *\w+)*) *}}")


class Slots:
    """The placeholders of one template: dotted name → the filters behind it. `roots` are the names before the dots, each
    once."""

    __slots__ = ("asked", "problems", "roots")

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.problems: list[str] = []
        self.roots: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def slots(text: str) -> Slots:
    """The placeholders of a phrase, and what it holds besides slots and filters (problems)."""
    found = _read_slots(text)
    found.roots = tuple(dict.fromkeys(name.partition(".")[0] for name, _ in found.asked))
    return found


@lru_cache(maxsize=2048)
def _read_plain_slot(slot: str) -> tuple[tuple[str, tuple[str, ...]], tuple[str, ...]]:
    """The name and the filters of a slot by what stands between its braces, and what is wrong with it."""
    name, *filters = (part.strip() for part in slot.split("|"))
    return (name, tuple(filters)), tuple(f"unknown filter {one!r}" for one in filters if one not in FILTERS)


def _read_slots(text: str) -> Slots:
    found = Slots()
    literals_and_slots = _PLAIN_SLOT.split(text)
    if "{" not in "".join(literals_and_slots[::2]):
        # Nothing but slots and filters: the usual case, read without Jinja's parser, which takes a second for
        # a bank. The same slots stand in many phrases.
        for slot in literals_and_slots[1::2]:
            asked, problems = _read_plain_slot(slot)
            found.asked.append(asked)
            found.problems += problems
        return found
    try:
        tree = environment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        found.problems.append(f"not a template: {error.message}")
        return found
    for part in tree.body:
        if not isinstance(part, jinja2.nodes.Output):
            found.problems.append(f"a phrase has slots and filters only, no {type(part).__name__.lower()}")
            continue
        for node in part.nodes:
            if not isinstance(node, jinja2.nodes.TemplateData):
                _read(node, (), found)
    return found


def _read(node: "jinja2.nodes.Expr", filters: tuple[str, ...], found: Slots) -> None:
    if isinstance(node, jinja2.nodes.Filter) and node.node is not None and not (node.args or node.kwargs):
        if node.name not in FILTERS:
            found.problems.append(f"unknown filter {node.name!r}")
        _read(node.node, (node.name, *filters), found)
    elif (name := _dotted(node)) is not None:
        found.asked.append((name, filters))
    else:
        found.problems.append(f"a phrase has slots and filters only, no {type(node).__name__.lower()}")


def _dotted(node: "jinja2.nodes.Expr") -> str | None:
    if isinstance(node, jinja2.nodes.Name):
        return node.name
    if isinstance(node, jinja2.nodes.Getattr):
        stem = _dotted(node.node)
        return None if stem is None else f"{stem}.{node.attr}"
    return None


@lru_cache(maxsize=8192)
def _compiled(text: str) -> "jinja2.Template":
    return environment().from_string(text)


def render(text: str, names: Mapping[str, object]) -> str:
    """The phrase with its placeholders filled, still marked. Raises jinja2.TemplateError or KeyError where
    one cannot be."""
    for name in slots(text).roots:  # Jinja would say the same, and rewrite a traceback first
        if name not in names:
            raise jinja2.UndefinedError(f"{name!r} is undefined")
    template = _compiled(text)
    # As `template.render` does it, but for the rewriting of the traceback where a placeholder cannot be said, of which a
    # phrase that is passed over makes no use.
    return "".join(template.root_render_func(template.new_context(dict(names))))


def render_phrase(text: str, names: Mapping[str, object], recorder: Recorder) -> tuple[str, tuple[Span, ...]]:
    """The phrase as a reader sees it, with its spans."""
    return recorder.resolve(render(text, names))
