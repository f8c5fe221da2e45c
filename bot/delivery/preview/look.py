"""How one reader wants the page: kept in cookies of their own browser, so that it needs no script and no account."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from aiohttp import web

CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("auto", "dark", "light"),
    "zone": ("own", "utc"),
    "units": ("dollars", "coins"),
}
KEPT_S = 400 * 86_400  # as long as browsers keep a cookie


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a reader chose; what they did not choose is as it always was. `language` is one of the banks'."""

    language: str = "en"
    theme: str = "auto"
    zone: str = "own"
    units: str = "dollars"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
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
    for field in fields(Look):
        value = wanted.get(field.name)
        if isinstance(value, str) and value in choices[field.name]:
            response.set_cookie(field.name, value, max_age=KEPT_S, httponly=True, samesite="Strict")
