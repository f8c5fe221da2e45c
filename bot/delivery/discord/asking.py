"""One question to Discord: asked again where discord.py does not do so itself, never cut off on its way, and
its errors as ours.

discord.py holds all requests back while it waits out a global 429, and a request that is cancelled then holds
them back for good; so one that takes too long is left to go on, and whoever comes for it again finds it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import Any, Final, TypeVar

import aiohttp
import discord
import structlog

from bot.delivery.discord.meanings import Meaning, Row, retry_after_s, row_of_error
from bot.errors import ChannelGone, ChannelRefused, DeliveryError, DeliveryUnavailable, PostRejected

log = structlog.get_logger()

WAITS_S: Final = (1.0, 3.0)  # between our own tries
PATIENCE_S: Final = 20.0  # discord.py itself tries a 500 for 25 s; nobody else should wait for that
TRANSPORT: Final = (aiohttp.ClientError, OSError, TimeoutError)
BEFORE_IT_LEFT: Final = (aiohttp.ClientConnectorError,)

Reply = TypeVar("Reply")


class AlreadyDeleted(DeliveryError):
    """What we asked about was there, and somebody has deleted it."""


class Asking:
    """Questions on their way, by name: one that is asked again while it is still out is not asked twice."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._out: dict[Hashable, asyncio.Task[Any]] = {}

    async def ask(
        self, subject: str, question: Callable[[], Awaitable[Reply]], *, name: Hashable = None
    ) -> Reply:
        """The answer. Asked again after a 503, an abort, silence. Raises DeliveryError, and AlreadyDeleted."""
        in_doubt = False
        for pause_s in (*WAITS_S, None):
            try:
                with translate_errors(subject):
                    return await self._wait_for(subject, question, name)
            except DeliveryError as error:
                in_doubt = in_doubt or not error.unsent
                error.unsent = not in_doubt
                if pause_s is None or not _is_worth_another_try(error):
                    raise
                log.info("post.again", channel=subject, reason=str(error))
                await self._sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    async def _wait_for(
        self, subject: str, question: Callable[[], Awaitable[Reply]], name: Hashable
    ) -> Reply:
        async def put() -> Reply:
            return await question()

        key = object() if name is None else name
        task: asyncio.Task[Reply] = self._out.get(key) or asyncio.ensure_future(put())
        self._out[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
        if not done:
            raise DeliveryUnavailable(f"{subject}: no answer within {PATIENCE_S:g} s", retry_after_s=0.0)
        return task.result()

    def _forget(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        if self._out.get(key) is done:
            del self._out[key]
        if not done.cancelled() and done.exception() is not None:
            log.debug("discord.answer", reason=repr(done.exception()))


def _is_worth_another_try(error: DeliveryError) -> bool:
    """Whether a second or three may be enough."""
    cause = error.__cause__
    if isinstance(cause, discord.HTTPException):
        return cause.status == 503 and retry_after_s(cause) is None
    return isinstance(cause, TRANSPORT) and not isinstance(cause, TimeoutError)


@contextlib.contextmanager
def translate_errors(subject: str) -> Iterator[None]:
    """Discord's errors as ours, with the subject in the message. Whatever else an odd answer makes of itself
    is a reason to wait, told by its kind: a library's own words may hold an address."""
    try:
        yield
    except DeliveryError:
        raise
    except discord.RateLimited as error:
        reason = f"{subject}: asked to wait {error.retry_after:.0f} s"
        raise DeliveryUnavailable(reason, retry_after_s=error.retry_after, unsent=True) from error
    except discord.HTTPException as error:
        row = row_of_error(error)
        reason = f"{subject}: {error.status} {error.code}: {row.says}: {error.text[:200]}"
        raise _translated(row, reason, error) from error
    except TRANSPORT as error:
        unsent = isinstance(error, BEFORE_IT_LEFT)
        raise DeliveryUnavailable(f"{subject}: {type(error).__name__}", unsent=unsent) from error
    except Exception as error:  # a closed session is two kinds of it, a 429 without its seconds another
        raise DeliveryUnavailable(f"{subject}: {type(error).__name__}") from error


def _translated(row: Row, reason: str, error: discord.HTTPException) -> DeliveryError:
    match row.meaning:
        case Meaning.GONE:
            return ChannelGone(reason)
        case Meaning.FORBIDDEN | Meaning.CLOSED:
            return ChannelRefused(reason)
        case Meaning.BLOCKED:
            return PostRejected(reason, by_server=True)
        case Meaning.OURS:
            log.error("discord.ours", reason=reason)
            return PostRejected(reason)
        case Meaning.DONE:
            return AlreadyDeleted(reason)
        case Meaning.WAIT:
            rest_s = retry_after_s(error)
            return DeliveryUnavailable(
                reason,
                retry_after_s=row.rest_s if rest_s is None else rest_s,
                everywhere=row.everywhere,
                unsent=error.status < 500,
            )
