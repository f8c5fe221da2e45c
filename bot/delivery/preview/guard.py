"""Who may ask the page, and what its answers allow a browser to do."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

OPEN = frozenset({"/healthz"})  # asked by the machine itself; it tells the ages of sources and nothing else

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


def guard(*, loopback: bool, password: str | None) -> Middleware:
    """Lets in who may ask, and sets the headers of every answer.

    On loopback the Host header must be loopback too: else a page elsewhere whose name resolves to 127.0.0.1 could read
    this one (DNS rebinding). A POST must come from our own page.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = _refusal(request, loopback=loopback, password=password) or await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    return guarded


def _refusal(request: web.Request, *, loopback: bool, password: str | None) -> web.Response | None:
    name = urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname or ""
    if loopback and not is_loopback(name):
        return web.Response(status=403, text="This page answers to 127.0.0.1 and localhost only.\n")
    if password and request.path not in OPEN and not _knows(request.headers.get(hdrs.AUTHORIZATION, ""), password):
        asks = {hdrs.WWW_AUTHENTICATE: 'Basic realm="Tightrope", charset="UTF-8"'}
        return web.Response(status=401, text="A password is needed.\n", headers=asks)
    if request.method == hdrs.METH_POST and not _from_here(request):
        return web.Response(status=403, text="A command must come from this page.\n")
    return None


def _knows(authorization: str, password: str) -> bool:
    kind, _, coded = authorization.partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        _, _, given = base64.b64decode(coded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, password.encode())


def _from_here(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or urlsplit(origin).netloc == request.headers.get(hdrs.HOST)
