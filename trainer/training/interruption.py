"""Stopping on request: a signal sets a flag, and the training stops where it can be resumed."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether a signal has come."""

    def __init__(self) -> None:
        self.made = False

    def _make(self, number: int, frame: FrameType | None) -> None:
        self.made = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second Ctrl-C does not wait


_SIGNALS = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP"):  # the terminal was closed, the connection lost
    _SIGNALS.append(signal.SIGHUP)


@contextmanager
def stop_request(signals: Sequence[int] = _SIGNALS) -> Iterator[StopRequest]:
    """Catch these signals inside the block, but for those that are ignored, as by nohup."""
    request = StopRequest()
    signals = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    before = [signal.signal(number, request._make) for number in signals]
    try:
        yield request
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
