"""Libraries that are put off until somebody uses them: a start that answers takes neither their time nor their memory."""

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
    then on. What `import` bound to it meanwhile serves as the module does. Of the names that are `promised` it gives a
    stand-in, without importing the module."""

    def __init__(self, name: str, promised: Iterable[str] = ()) -> None:
        super().__init__(name)
        vars(self).update(given := {one: Promised(self, one) for one in promised})
        self._is_no_package = bool(given)

    def __getattr__(self, name: str) -> Any:
        if name == "__path__" and self._is_no_package:  # `from … import` asks for it, whatever it is to have
            raise AttributeError(name)
        return getattr(self.fetch(), name)

    def fetch(self) -> ModuleType:
        """The module itself, imported now. Raises ImportError."""
        name = self.__name__
        with _taking_away:
            if sys.modules.get(name) is self:
                del sys.modules[name]
        module = import_module(name)
        if self._is_no_package:
            self._keep_promises(module)
        vars(self).update(vars(module))
        return module

    def _keep_promises(self, module: ModuleType) -> None:
        """Whoever took a stand-in has the thing itself from now on."""
        for other in list(sys.modules.values()):
            for name, held in list(getattr(other, "__dict__", {}).items()):
                if type(held) is Promised and held.module is self:
                    setattr(other, name, getattr(module, held.name))
        self._is_no_package = False


class Promised:
    """Stands where a class, a function or a collection of a module that is put off will: whoever calls it, derives from it,
    asks what it holds or whether something is one has the module imported, and the thing itself serves. In an annotation it
    stands for itself."""

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
