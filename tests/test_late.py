"""A library that is put off is the library, once it is used."""

import subprocess
import sys

import pytest

from bot.late import PutOff, load, put_off
from tests.commentary.make import ROOT


def said(program: str) -> str:
    """What a program prints in a Python of its own."""
    given = "import sys\nfrom bot.late import PutOff, load, put_off\n"
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


def test_what_is_imported_already_stays_and_what_is_not_installed_is_missing() -> None:
    put_off(["sys", "no_such_library"])
    assert not isinstance(sys.modules["sys"], PutOff)
    assert "no_such_library" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        load(["no_such_library"])
    with pytest.raises(AttributeError):
        _ = PutOff("fractions").no_such_name
