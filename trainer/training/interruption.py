"""Stopping on request: a signal sets a flag, and the training stops where it can be resumed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

STANDARD_ERROR = 2

_SIGNALS = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # the terminal was closed, the connection lost
    _SIGNALS.append(signal.SIGHUP)


class StopRequest:
    """Whether a signal has come.

    Attributes:
        waits_for: what is finished before the stop: told when the signal comes; "" says nothing.
    """

    def __init__(self, waits_for: str = "") -> None:
        self.made = False
        self.waits_for = waits_for

    @contextmanager
    def by_signals(self, signals: Sequence[int] = _SIGNALS) -> Iterator[None]:
        """Catch these signals inside the block, but for those that are ignored, as by nohup.

        The first is the request, a second stops at once. Only the main thread can catch any.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        caught = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._make) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _make(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        for caught in _SIGNALS:
            if signal.getsignal(caught) == self._make:
                default = signal.SIG_DFL if caught != signal.SIGINT else signal.default_int_handler
                signal.signal(caught, default)
        if self.waits_for:
            line = f"stopping after {self.waits_for}; Ctrl-C again stops at once, without saving"
            self._tell(line)

    def _tell(self, line: str) -> None:
        """Write past Python's own buffers: the signal may have come amid a write to them."""
        with suppress(OSError):
            begin = "\n" if os.isatty(STANDARD_ERROR) else ""  # a progress bar may stand there
            os.write(STANDARD_ERROR, f"{begin}{line}\n".encode())
