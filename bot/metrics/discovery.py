"""Which metrics exist: every family module of this package that has a `METRICS` tuple."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from bot.domain.catalog import Catalog, Metric


def families() -> tuple[ModuleType, ...]:
    """The family modules that are there, by name. One that was deleted is simply not among them."""
    names = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = (importlib.import_module(f"bot.metrics.{name}") for name in names)
    return tuple(module for module in modules if hasattr(module, "METRICS"))


def discover() -> Catalog:
    """All metrics by name. Raises ValueError where two families claim one name: a mistake in code, not in
    config."""
    metrics: dict[str, Metric] = {}
    for family in families():
        for metric in family.METRICS:
            if metric.name in metrics:
                raise ValueError(f"{family.__name__}: {metric.name} exists already")
            metrics[metric.name] = metric
    return Catalog(metrics)
