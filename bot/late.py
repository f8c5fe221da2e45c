"""Libraries that are put off until somebody uses them: a start that answers takes neither their time nor their memory.

There are two ways to import, so there are two stand-ins. Who writes

    import numpy

asks for names later (`numpy.array`). For that a `PutOff` stands in `sys.modules` under the module's name (`put_off`): the
first name that is asked of it imports the module. But who writes

    from aiohttp.connector import TCPConnector

asks for a name at once, which would import the module there and then. So where libraries do that of each other, their
modules are put off together with the names that they take (`put_off_parts`), and each of these is a `Promised`:

1. The import binds `TCPConnector` to the `Promised`; nothing has been imported yet.
2. Somebody calls it, derives from it, asks for an attribute of it or whether something is one: the `Promised` has the module
   imported, and passes the question on to the real `TCPConnector`.
3. At that moment, once, every module of the process that holds a `Promised` of this one as a global gets what it stands
   for in its place. What is left are those that were copied elsewhere (a default, an item of a list): they go on passing on.

`importlib.util.LazyLoader` is the first half of this, but with some of the Pythons that this runs on two threads may run a
module twice. For the second half, names that are taken at once, Python has nothing."""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.machinery import PathFinder
from threading import Lock
from types import ModuleType
from typing import Any

_taking_away = Lock()


class PutOff(ModuleType):
    """Stands where a module will: the first name that is asked of it imports the module, whose names are this one's from
    then on, so that whoever bound it goes on with it. A name that is `promised` is given as a `Promised`, and imports
    nothing."""

    def __init__(self, name: str, promised: Iterable[str] = ()) -> None:
        super().__init__(name)
        vars(self).update(given := {one: Promised(self, one) for one in promised})
        self._has_promised = bool(given)

    def __getattr__(self, name: str) -> Any:
        if name == "__path__" and self._has_promised:  # `from … import` asks for it, whatever it is to have
            raise AttributeError(name)
        return getattr(self.fetch(), name)

    def fetch(self) -> ModuleType:
        """The module itself, imported now. Raises ImportError."""
        name = self.__name__
        with _taking_away:
            if sys.modules.get(name) is self:
                del sys.modules[name]
        module = import_module(name)
        if self._has_promised:
            self._keep_promises(module)
        vars(self).update(vars(module))
        return module

    def _keep_promises(self, module: ModuleType) -> None:
        """Give every module that took a `Promised` of this one as a global what it stands for."""
        for other in list(sys.modules.values()):
            for name, held in list(getattr(other, "__dict__", {}).items()):
                if type(held) is Promised and held.module is self:
                    setattr(other, name, getattr(module, held.name))
        self._has_promised = False


class Promised:
    """Stands where a class, a function or a collection of a module that is put off will. Each method below is one way to use
    such a thing, has the module imported and passes on to the thing itself; but for `|`: it is written in annotations
    (`TCPConnector | None`), which nobody reads, and gives the stand-in again."""

    def __init__(self, module: PutOff, name: str) -> None:
        self.module, self.name = module, name

    def _kept(self) -> Any:
        return getattr(self.module.fetch(), self.name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """What the thing itself gives."""
        return self._kept()(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept(), name)

    def __contains__(self, one: object) -> bool:
        return one in self._kept()

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (self._kept(),)

    def __instancecheck__(self, one: object) -> bool:
        return isinstance(one, self._kept())

    def __subclasscheck__(self, one: type) -> bool:
        return issubclass(one, self._kept())

    def __or__(self, other: object) -> "Promised":
        return self

    __ror__ = __or__


def put_off(names: Iterable[str]) -> None:
    """Have each of these modules imported when it is first used. One that is imported already stays, and one that is
    not installed is found missing where it is imported, as ever."""
    put_off_parts(dict.fromkeys(names, ()))


def put_off_parts(promised: Mapping[str, Iterable[str]]) -> None:
    """As `put_off`, for modules (no packages) of which a library takes names while it is itself imported: those that are
    `promised`, by module, are given without it. Any other name imports the module, as ever."""
    for name, names in promised.items():
        library = name.partition(".")[0]
        if name not in sys.modules and PathFinder.find_spec(library) is not None:
            sys.modules[name] = PutOff(name, names)


def load(names: Iterable[str]) -> None:
    """Import these modules now, those too that were put off."""
    for name in names:
        module = import_module(name)
        if isinstance(module, PutOff):
            module.fetch()
