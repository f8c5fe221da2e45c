"""What goes over the line small: the page's own files, packed once, and whatever text an answer holds."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from aiohttp import hdrs, web
from msgspec import Struct

from bot.delivery.preview.guard import Handler

SMALLEST = 1024  # bytes: below it packing gains nothing
TEXTS = ("text/html", "application/json")


class PackedFile(Struct, frozen=True, kw_only=True):
    """One file: as it is, packed (None where that gains nothing), its kind, and a tag that changes with it."""

    plain: bytes
    packed: bytes | None
    kind: str
    tag: str


class PackedFiles:
    """The files of a folder, read when they are first asked for. A browser asks each time whether it has changed."""

    def __init__(self, folder: Path) -> None:
        self._paths: Mapping[str, Path] = {
            path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
        }
        self._read: dict[str, PackedFile] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """The file of the address, 304 where the browser has it, 404 where there is none."""
        name = request.match_info["name"]
        if name not in self._paths:
            raise web.HTTPNotFound
        if name not in self._read:
            self._read[name] = _read(self._paths[name])
        file = self._read[name]
        headers = {
            hdrs.ETAG: f'"{file.tag}"',
            hdrs.CACHE_CONTROL: "no-cache",
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
        }
        if any(one.value == file.tag for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = file.kind
        body = file.plain
        if file.packed is not None and takes_gzip(request):
            body, headers[hdrs.CONTENT_ENCODING] = file.packed, "gzip"
        return web.Response(body=body, headers=headers)


@web.middleware
async def pack_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around every handler: a long text goes out packed where the browser takes it."""
    response = await handler(request)
    if isinstance(response, web.Response) and not response.prepared and response.content_type in TEXTS:
        body = response.body
        if isinstance(body, bytes) and len(body) >= SMALLEST and takes_gzip(request):
            response.body = gzip.compress(body, 6, mtime=0)
            response.headers[hdrs.CONTENT_ENCODING] = "gzip"
            response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    return response


def takes_gzip(request: web.Request) -> bool:
    """Whether the other side said that it can unpack."""
    return "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower()


def _read(path: Path) -> PackedFile:
    plain = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith(("javascript", "+xml"))
    packed = gzip.compress(plain, 9, mtime=0) if text else None
    return PackedFile(
        plain=plain,
        packed=packed if packed is not None and len(packed) < len(plain) else None,
        kind=f"{kind}; charset=utf-8" if text else kind,
        tag=hashlib.sha256(plain).hexdigest()[:20],
    )
