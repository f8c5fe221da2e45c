"""Who has shown the password, and who has tried wrong ones too often."""

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import structlog

log = structlog.get_logger()

TRIES = 5
WITHIN_S = 300.0
MOST_ADDRESSES = 1000
SESSION_S = 12 * 3600.0
MOST_SESSIONS = 100

Steady = Callable[[], float]
"""Seconds of a clock that nobody sets."""


class Tries:
    """Wrong passwords by address (IPv6: by its /64): five in five minutes, then nothing for five minutes."""

    def __init__(self, steady: Steady = time.monotonic) -> None:
        self._steady = steady
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def pause_s(self, address: str) -> float:
        """For how long nothing is tried from there; 0 where it may be."""
        wrong = self._wrong.get(_neighborhood(address), deque())
        if len(wrong) < TRIES:
            return 0.0
        return max(0.0, wrong[-1] + WITHIN_S - self._steady())

    def note_wrong(self, address: str) -> None:
        """One more, and in the log."""
        where, now = _neighborhood(address), self._steady()
        wrong = self._wrong.setdefault(where, deque(maxlen=TRIES))
        while wrong and wrong[0] <= now - WITHIN_S:
            wrong.popleft()
        wrong.append(now)
        self._wrong.move_to_end(where)
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        log.warning("page.wrong_password", address=where, tries=len(wrong))
        if len(wrong) == TRIES:
            log.warning("page.paused", address=where, seconds=round(WITHIN_S))

    def note_right(self, address: str) -> None:
        """Whoever knows it begins anew."""
        self._wrong.pop(_neighborhood(address), None)


class Sessions:
    """Browsers that have shown the password: for twelve hours, until they log out or the bot is started again."""

    def __init__(self, steady: Steady = time.monotonic) -> None:
        self._steady = steady
        self._until: OrderedDict[str, float] = OrderedDict()

    def begin(self) -> str:
        """A new one's name, which nobody guesses."""
        name = secrets.token_urlsafe(32)
        self._until[name] = self._steady() + SESSION_S
        if len(self._until) > MOST_SESSIONS:
            self._until.popitem(last=False)
        return name

    def holds(self, name: str) -> bool:
        """Whether it goes on."""
        until = self._until.get(name)
        return until is not None and self._steady() < until

    def end(self, name: str) -> None:
        """It is over."""
        self._until.pop(name, None)


def _neighborhood(address: str) -> str:
    try:
        told = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{address}/64", strict=False)) if told.version == 6 else address
