from __future__ import annotations

import os
import signal

import pytest

from trainer.training.interruption import stop_request


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_to_stop_and_does_no_more(number):
    with stop_request() as stop:
        assert not stop.made
        os.kill(os.getpid(), number)
        assert stop.made


def test_a_second_control_c_does_not_wait():
    with stop_request() as stop, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.made
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_from_before_come_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError), stop_request():
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
