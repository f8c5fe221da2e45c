"""Ends the process where its event loop stands still for good, and says where it stands.

A thread counts its own seconds since the loop last beat. One that is stopped together with the loop (SIGSTOP, a machine
that sleeps, a debugger) counts none of that time: whoever wakes after five minutes is not ended for having slept."""

import faulthandler
import os
import sys
import threading

TICK_S = 1.0


class Watchdog:
    """Wants a `beat` now and then; ends the process with exit code 1 after `patience_s` without one."""

    def __init__(self, patience_s: float) -> None:
        self._patience = max(1, round(patience_s / TICK_S))
        self._ticks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def beat(self) -> None:
        """The loop lives."""
        self._ticks = 0

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(TICK_S):
            self._ticks += 1  # a sleep of five minutes in here is one tick
            if self._ticks > self._patience:
                faulthandler.dump_traceback(sys.stderr, all_threads=True)
                os._exit(1)
