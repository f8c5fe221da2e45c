"""Libraries that are put off until somebody uses them: a start that answers takes neither their time nor their memory."""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.machinery import PathFinder
from threading import Lock
from types import ModuleType
from typing import Any

_taking_away = Lock()


class PutOff(ModuleType):
    """Stands where a module will: the first name that is asked of it imports the module, whose names are this one's from
    then on. What `import` bound to it meanwhile serves as the module does."""

    def __getattr__(self, name: str) -> Any:
        with _taking_away:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        module = import_module(self.__name__)
        vars(self).update(vars(module))
        return getattr(module, name)


def put_off(names: Iterable[str]) -> None:
    """Have each of these modules imported when it is first used. One that is imported already stays, and one that is
    not installed is found missing where it is imported, as ever."""
    for name in names:
        if name not in sys.modules and PathFinder.find_spec(name) is not None:
            sys.modules[name] = PutOff(name)


def load(names: Iterable[str]) -> None:
    """Import these modules now, those too that were put off."""
    for name in names:
        getattr(import_module(name), "__file__", None)
