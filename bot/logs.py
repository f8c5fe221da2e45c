"""Logs: one line an event on standard error, colored in a terminal, JSON elsewhere; secrets never."""

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "[hidden]"
# A bot token of Discord, the password in an address, and what follows "Authorization: Bot": wherever they stand.
SHAPES = (
    re.compile(r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=authorization: )\S+( \S+)?"),
)
SHORTEST_SECRET = 4  # a shorter one would black out half of every line
QUIET = ("discord", "aiohttp", "apscheduler", "alembic", "matplotlib", "PIL")


class Redactor:
    """A processor that blacks out secrets, those that are known and those that look like one, however deep they sit."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)
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


def set_up_logs(
    secrets: Iterable[str] = (), *, heed: Sequence[Processor] = (), stream: TextIO | None = None,
    level: int = logging.INFO,
) -> None:  # fmt: skip
    """Send our events and those of libraries (warnings and worse) to a stream, standard error if none is named. `heed` sees each
    event of ours first, as it was told; what is below `level` is dropped before."""
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
    last: list[Processor] = [structlog.processors.format_exc_info, redactor, render]
    structlog.configure(
        processors=[*heed, *before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
