"""Logs: one line an event on standard error, colored in a terminal, JSON elsewhere; secrets never."""

import html
import json
import logging
import re
import sys
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor

from bot.domain.operation import LogLine

HIDDEN = "[hidden]"
# A bot token of Discord, the password in an address, and what follows "Authorization: Bot": wherever they
# stand.
SHAPES = (
    re.compile(r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=authorization: )\S+( \S+)?"),
)
SHORTEST_SECRET = 4  # a shorter one would black out half of every line
IDLE_TALK = (
    "PyNaCl is not installed",
    "davey is not installed",
    "Privileged message content intent is missing",
    "Matplotlib is building the font cache",
    "Matplotlib created a temporary",
    "skipped: maximum number of running instances reached",  # the round before is still at it
)
HEADS = ("at", "level", "event", "logger", "exception")
READERS = (
    "reader",
    "user",
    "who_asked",
    "author",
    "channel",
    "guild",
)  # whom a line is about is nobody's on the page
LONGEST_SAID = 400
QUIET = ("discord", "aiohttp", "apscheduler", "alembic", "matplotlib", "PIL")


class Redactor:
    """A processor that blacks out secrets, those that are known and those that look like one, however deep
    they sit."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _written(secret)}
        known = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """The event without secrets."""
        return {name: self.clean(value) for name, value in event.items()}

    def clean(self, value: Any) -> Any:
        """A value without secrets; what is no plain value becomes its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, MutableMapping):
            return {self.clean(name): self.clean(one) for name, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(one) for one in value]
        text = value if isinstance(value, str) else str(value)
        if self._known:
            text = self._known.sub(HIDDEN, text)
        for shape in SHAPES:
            text = shape.sub(HIDDEN, text)
        return text


def _written(secret: str) -> Iterator[str]:
    """The forms in which a secret is written: as it is, in an address, in JSON, in a repr, in a header of HTTP."""
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret))
    for user in ("", "me", "tightrope"):
        yield b64encode(f"{user}:{secret}".encode()).decode().rstrip("=")


class LogKeeper:
    """A processor that keeps the last lines, as they are without secrets, for who looks at the page."""

    def __init__(self, most: int = 500) -> None:
        self._kept: deque[LogLine] = deque(maxlen=most)

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, oldest first."""
        return tuple(self._kept)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """The event as it is; a line of it is kept, without whom it is about."""
        said = " ".join(
            f"{name}={value}"
            for name, value in event.items()
            if name not in (*HEADS, *READERS) and value != ""
        )
        self._kept.append(
            LogLine(
                at=str(event.get("at", "")),
                level=str(event.get("level", "")),
                event=str(event.get("event", ""))[:LONGEST_SAID],
                says=said[:LONGEST_SAID],
            )
        )
        return event


class _WithoutIdleTalk(logging.Filter):
    """Drops what libraries tell of themselves and nobody here can mend."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return not any(talk in said for talk in IDLE_TALK)


def set_up_logs(
    secrets: Iterable[str] = (),
    *,
    heed: Sequence[Processor] = (),
    keep: Sequence[Processor] = (),
    stream: TextIO | None = None,
    level: int = logging.INFO,
) -> None:
    """Send our events and those of libraries (warnings and worse) to a stream, standard error if none is
    named. `heed` sees each event of ours first, as it was told, `keep` last, without secrets; what is below `level` is
    dropped before."""
    out = stream or sys.stderr
    redactor = Redactor(secrets)
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    terminal = out.isatty()
    render: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    last: list[Processor] = [structlog.processors.format_exc_info, redactor, *keep, render]
    structlog.configure(
        processors=[*heed, *before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.addFilter(_WithoutIdleTalk())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
