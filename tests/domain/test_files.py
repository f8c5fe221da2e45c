"""Files that somebody wrote: read in their shape, or refused with file, key and reason."""

import pytest
from pydantic import ValidationError

from bot.domain.files import FileShape, problems_in, read_shape
from bot.errors import ConfigError


class Lamp(FileShape):
    """A shape to test on."""

    watts: int
    color: str = "white"


def test_a_file_in_its_shape_is_read() -> None:
    assert read_shape(Lamp, "watts = 5", "lamp.toml") == Lamp(watts=5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("watts = ", "lamp.toml: not TOML"),
        ('watts = "5"', "lamp.toml: watts: Input should be a valid integer, not '5'"),
        ("watts = 5\nwats = 6", "lamp.toml: wats: unknown key"),
        ("color = 'red'", "lamp.toml: watts: Field required"),
        ("a = " + "[" * 5000 + "]" * 5000, "not TOML"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_file_key_and_reason(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_shape(Lamp, text, "lamp.toml")
    assert said in str(refused.value)


def test_what_may_be_secret_is_not_shown() -> None:
    with pytest.raises(ValidationError) as wrong:
        Lamp.model_validate({"watts": "hunter2"})
    assert "hunter2" not in str(list(problems_in(wrong.value, "lamp.toml", secret=True)))
    assert "hunter2" in str(list(problems_in(wrong.value, "lamp.toml")))
