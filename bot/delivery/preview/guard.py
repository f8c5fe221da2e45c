"""Who may ask the page, and what its answers allow a browser to do."""

import base64
import binascii
import hmac
import ipaddress
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from bot.delivery.preview.form import read_form
from bot.delivery.preview.tries import Sessions, Tries

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

OPEN = ("/healthz", "/static/")  # what the machine itself asks, and what a form looks like: nothing to hide
LOGIN, LOGOUT = "/login", "/logout"
SESSION = "session"
SHORTEST_PASSWORD = 12

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def is_loopback(host: str) -> bool:
    """Whether the name or address stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets in who may ask, and sets the headers of every answer.

    On loopback the Host header must be loopback too: else a page elsewhere whose name resolves to 127.0.0.1
    could read this one (DNS rebinding). On another address it must be an address, a name without a dot, one of
    `.local`, or one of `names`. A POST must come from our own page. Browsers show the password once and have a
    session; programs send it each time."""

    def __init__(
        self,
        *,
        loopback: bool,
        password: str | None,
        draw_login: Callable[[str], str],
        names: Sequence[str] = (),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loopback = loopback
        self._password = password.encode() if password else None
        self._draw_login = draw_login
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._tries = Tries(steady)
        self._sessions = Sessions(steady)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Around every handler."""
        try:
            response = self._refusal(request) or await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def login(self, request: web.Request) -> web.Response:
        """The form, and a session for who knows the password."""
        if self._password is None:
            return web.Response(status=303, headers={hdrs.LOCATION: "/"})
        if request.method != hdrs.METH_POST:
            return self._form("")
        if (pause := self._paused(request)) is not None:
            return pause
        given = (await read_form(request)).get("password", "")
        if not self._is_right(request, given.encode()):
            return self._form("That is not the password.")
        response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        response.set_cookie(
            SESSION, self._sessions.begin(), httponly=True, samesite="Strict", secure=secure, path="/"
        )
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """The end of a session."""
        self._sessions.end(request.cookies.get(SESSION, ""))
        response = web.Response(status=303, headers={hdrs.LOCATION: LOGIN})
        response.del_cookie(SESSION, path="/")
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not self._is_our_name(_name_in(request.headers.get(hdrs.HOST, ""))):
            known = "127.0.0.1 and localhost only" if self._loopback else "its address and to page.names only"
            return web.Response(status=403, text=f"This page answers to {known}.\n")
        if request.method == hdrs.METH_POST and not _from_here(request):
            return web.Response(status=403, text="A command must come from this page.\n")
        if self._password is None or request.path.startswith(OPEN) or request.path == LOGIN:
            return None
        if self._sessions.holds(request.cookies.get(SESSION, "")):
            return None
        return self._by_each_request(request)

    def _by_each_request(self, request: web.Request) -> web.Response | None:
        """The way of programs: HTTP's own password, with every request."""
        told = request.headers.get(hdrs.AUTHORIZATION)
        if told is None and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            return self._form("")
        if told is not None:
            if (pause := self._paused(request)) is not None:
                return pause
            if self._is_right(request, _given(told)):
                return None
        asks = {hdrs.WWW_AUTHENTICATE: 'Basic realm="Tightrope", charset="UTF-8"'}
        return web.Response(status=401, text="A password is needed.\n", headers=asks)

    def _is_our_name(self, name: str) -> bool:
        if self._loopback:
            return is_loopback(name)
        plain = bool(name) and ("." not in name or name.endswith(".local"))
        return plain or _is_address(name) or name in self._names

    def _is_right(self, request: web.Request, given: bytes | None) -> bool:
        address = request.remote or ""
        if given is not None and hmac.compare_digest(given, self._password or b""):
            self._tries.note_right(address)
            return True
        self._tries.note_wrong(address)
        return False

    def _paused(self, request: web.Request) -> web.Response | None:
        pause_s = math.ceil(self._tries.pause_s(request.remote or ""))
        if not pause_s:
            return None
        text = f"Too many wrong passwords from here: none is looked at for {pause_s} s.\n"
        return web.Response(status=429, text=text, headers={hdrs.RETRY_AFTER: str(pause_s)})

    def _form(self, trouble: str) -> web.Response:
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        return web.Response(
            status=401, text=self._draw_login(trouble), content_type="text/html", headers=headers
        )


def _name_in(host: str) -> str:
    """The name in a Host header, without its port; empty where there is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # half of a bracket
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _given(authorization: str) -> bytes | None:
    kind, _, coded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        _, _, given = base64.b64decode(coded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return given


def _from_here(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get(hdrs.ORIGIN)
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get(hdrs.HOST)
    except ValueError:
        return False
