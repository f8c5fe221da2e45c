"""A library that is put off is the library, once it is used."""

import subprocess
import sys

import pytest

from bot.late import Promised, PutOff, load, put_off, put_off_parts
from tests.commentary.make import ROOT


def said(program: str) -> str:
    """What a program prints in a Python of its own."""
    given = "import sys\nfrom bot.late import Promised, PutOff, load, put_off, put_off_parts\n"
    done = subprocess.run(
        [sys.executable, "-c", given + program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_is_imported_when_a_name_of_it_is_asked_for() -> None:
    program = """
put_off(["fractions"])
import fractions
print("numbers" in sys.modules, end=" ")
half = fractions.Fraction(1, 2)
from fractions import Fraction
print("numbers" in sys.modules, isinstance(half, Fraction), fractions.Fraction is Fraction)
"""
    assert said(program) == "False True True True"


def test_who_imports_a_part_of_it_has_the_whole() -> None:
    program = """
put_off(["xml"])
import xml
import xml.dom.minidom
print(xml.dom.minidom.__name__, type(sys.modules["xml"]) is PutOff)
"""
    assert said(program) == "xml.dom.minidom False"


def test_it_is_imported_once_however_many_use_it_first() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
put_off(["fractions"])
import fractions
with ThreadPoolExecutor(8) as several:
    print(len({id(one) for one in several.map(lambda _: fractions.Fraction, range(64))}))
"""
    assert said(program) == "1"


def test_it_can_be_had_imported_ahead() -> None:
    program = """
put_off(["fractions"])
import fractions
load(["fractions"])
print(type(sys.modules["fractions"]) is PutOff, "Fraction" in vars(fractions))
"""
    assert said(program) == "False True"


def test_a_name_that_is_promised_is_given_without_it() -> None:
    program = """
put_off_parts({"fractions": ("Fraction",)})
from fractions import Fraction
def halve(number: Fraction | None) -> None | Fraction: ...
print("numbers" in sys.modules, type(Fraction) is Promised)
"""
    assert said(program) == "False True"


@pytest.mark.parametrize(
    "used",
    [
        "Fraction(1, 2)",
        "Fraction.from_float(0.5)",
        "isinstance(1, Fraction)",
        "issubclass(int, Fraction)",
        "type('Own', types.resolve_bases((Fraction,)), {})",
        "sys.modules['fractions'].math",
        "load(['fractions'])",
    ],
)
def test_once_a_promised_name_is_used_everybody_has_what_it_stands_for(used: str) -> None:
    program = f"""
import types
put_off_parts({{"fractions": ("Fraction",)}})
import statistics
from fractions import Fraction
before = type(Fraction) is Promised, type(statistics.Fraction) is Promised
{used}
print(*before, Fraction is statistics.Fraction is sys.modules["fractions"].Fraction, type(Fraction) is Promised)
"""
    assert said(program) == "True True True False"


def test_a_promised_name_answers_as_what_it_stands_for() -> None:
    program = """
put_off_parts({"string": ("digits", "Template"), "fractions": ("Fraction",)})
from string import digits, Template
from fractions import Fraction
class Half(Fraction):
    pass
held = [Half(1, 2), Template]
print(type(digits) is Promised, "7" in digits, "x" in digits)
print(Half.__mro__[1].__name__, isinstance(held[0], Fraction), issubclass(Half, Fraction))
print(held[1]("$a").substitute(a="b"))
"""
    assert said(program) == "True True False\nFraction True True\nb"


def test_a_name_that_was_not_promised_imports_it() -> None:
    program = """
put_off_parts({"string": ("digits",)})
from string import digits
before = type(digits) is Promised
from string import capwords
print(before, capwords("so it is"), digits)
"""
    assert said(program) == "True So It Is 0123456789"


def test_what_is_imported_already_stays_and_what_is_not_installed_is_missing() -> None:
    put_off(["sys", "no_such_library"])
    assert not isinstance(sys.modules["sys"], PutOff)
    assert "no_such_library" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        load(["no_such_library"])
    put_off_parts({"sys": ("path",), "no_such_library.part": ("name",)})
    assert not isinstance(sys.path, Promised)
    assert "no_such_library.part" not in sys.modules
    with pytest.raises(AttributeError):
        _ = PutOff("fractions").no_such_name
