"""The metrics as a page to read: `docs/metrics.md` is made from the catalog and the phrases and checked
fresh."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from msgspec import Struct

from bot.domain.catalog import RANKED_BY, VIEWS, Catalog, Metric, View

HEAD = """\
# Metrics

Made from the catalog in `bot/metrics/` and the words in `config/phrases/en/metrics.toml`; do not edit by hand. A value that is
older than its age or outside its range is not known, and what is not known is never a zero. Each metric and each of its views
is a fact that a rule may ask for by name: `skew_30d_pct`, `skew_30d_pct.change_7d`.
"""
VIEWS_HEAD = """\
## Views

Each looks at a metric's own past and is known only when enough of that past is.

| view | unit | range | looks back |
|---|---|---|---|"""
COMBINED = {
    "sum": "the venues added up",
    "median": "the median of the venues",
    "weighted": "the venues' mean, weighed by",
}


class Words(Struct, frozen=True, kw_only=True):
    """What the phrases call a metric, and what it means in one sentence."""

    title: str
    meaning: str


def page(catalog: Catalog, words: Mapping[str, Words]) -> str:
    """The page in Markdown: a section for each family, a part for each metric. Raises KeyError for a metric
    without words."""
    lines, family = [HEAD, VIEWS_HEAD, *map(_view, VIEWS.values())], ""
    for metric in catalog.metrics.values():
        home = metric.compute.__module__.rpartition(".")[2]
        if home != family:
            lines.append(f"\n## {home.replace('_', ' ')} (`bot/metrics/{home}.py`)")
            family = home
        lines += _metric(metric, words[metric.name])
    return "\n".join(lines) + "\n"


def _view(view: View) -> str:
    of_change = "; of a percentage: points" if view.suffix.startswith("change_") else ""
    unit = view.unit or f"the metric's{of_change}"
    reach = "follows from the metric's" if view.valid is None else _range(view.valid)
    only = ", amounts only" if view.amounts_only else ""
    return f"| `.{view.suffix}` | {unit} | {reach} | {_age(view.window)}{only} |"


def _metric(metric: Metric, words: Words) -> Iterator[str]:
    yield f"\n### {metric.name}\n"
    yield f"{words.title[0].upper()}{words.title[1:]}: {words.meaning}\n"
    yield f"- Unit: {metric.unit}"
    yield f"- Too old after: {_age(metric.max_age)}"
    yield f"- Range: {_range(metric.valid)}"
    yield f"- Formula: {metric.formula}"
    if metric.combine is not None:
        weight = f" `{metric.weight}`" if metric.weight else ""
        apart = (
            f"; not believed when more than {metric.apart_pct:g}% apart"
            if metric.apart_pct is not None
            else ""
        )
        yield f"- Several venues: {COMBINED[metric.combine]}{weight}{apart}"
    if metric.name in RANKED_BY:
        yield f"- While its own rank is not known: the rank of `{RANKED_BY[metric.name]}` is told, by that name"


def _range(valid: tuple[float, float]) -> str:
    return " to ".join(f"{end:,.6f}".rstrip("0").rstrip(".").replace("-", "−") for end in valid)


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600.0
    if hours < 1:
        return f"{hours * 60:g} min"
    return f"{hours:g} h" if hours <= 24 else f"{hours / 24:g} days"
