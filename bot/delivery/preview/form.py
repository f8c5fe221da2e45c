"""What a form sends, read in one way only: fields in UTF-8, each once, and nothing that a parser could trip over."""

import logging
from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import hdrs, http_exceptions, web

FIELDS = "application/x-www-form-urlencoded"
MOST_FIELDS = 10
OF_THE_ASKER = (http_exceptions.HttpProcessingError, web.RequestPayloadError, ConnectionError)


async def read_form(request: web.Request) -> Mapping[str, str]:
    """The fields of a form. Raises web.HTTPException: 415 for another kind of body, 413 for a large one, 400 for one
    that cannot be read."""
    kind, _, more = request.headers.get(hdrs.CONTENT_TYPE, FIELDS).lower().partition(";")
    if kind.strip() != FIELDS or more.replace(" ", "").replace('"', "") not in ("", "charset=utf-8"):
        raise web.HTTPUnsupportedMediaType(text=f"A form is sent as {FIELDS}, in UTF-8.\n")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(text="A form is sent unpacked.\n")
    try:
        told = (await request.read()).decode("utf-8")
        return dict(parse_qsl(told, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except (UnicodeError, ValueError, web.RequestPayloadError) as error:
        raise web.HTTPBadRequest(text="The form cannot be read.\n") from error


class _OfTheServer(logging.Filter):
    """Drops what a request itself got wrong: its answer says so, and nobody here has to mend it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, OF_THE_ASKER)


def server_log() -> logging.Logger:
    """Where aiohttp's server tells of its own troubles."""
    log = logging.getLogger("aiohttp.page")
    if not log.filters:
        log.addFilter(_OfTheServer())
    return log
