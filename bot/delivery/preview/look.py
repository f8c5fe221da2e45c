"""How one reader wants the page: kept in cookies of their own browser, so that it needs no script and no account."""

from collections.abc import Mapping

from aiohttp import web
from msgspec import Struct

CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("auto", "dark", "light"),
    "zone": ("own", "utc"),
    "units": ("dollars", "coins"),
}
KEPT_S = 400 * 86_400  # as long as browsers keep a cookie


class Look(Struct, frozen=True, kw_only=True):
    """What a reader chose; what they did not choose is as it always was. `language` is one of the banks'."""

    language: str = "en"
    theme: str = "auto"
    zone: str = "own"
    units: str = "dollars"


class Voice(Struct, frozen=True, kw_only=True):
    """How the page speaks to one reader: their look, and the words of their language."""

    look: Look
    words: Mapping[str, str]


def read_look(cookies: Mapping[str, str], languages: Mapping[str, object], language: str) -> Look:
    """The look that a browser remembers; a value that is none of the choices is as if it were not there."""
    found = {name: cookies[name] for name, values in CHOICES.items() if cookies.get(name) in values}
    chosen = cookies.get("language", "")
    return Look(language=chosen if chosen in languages else language, **found)


def keep_look(response: web.Response, wanted: Mapping[str, object], languages: Mapping[str, object]) -> None:
    """Have the browser remember those of the wanted values that there are."""
    choices = {**CHOICES, "language": tuple(languages)}
    for name in Look.__struct_fields__:
        value = wanted.get(name)
        if isinstance(value, str) and value in choices[name]:
            response.set_cookie(name, value, max_age=KEPT_S, httponly=True, samesite="Strict")
