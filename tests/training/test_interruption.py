from __future__ import annotations

import os
import signal
import threading

import pytest

from trainer.training.interruption import StopRequest

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_asks_to_stop_and_says_what_for(number, capfd):
    stop = StopRequest("this step")
    with stop.by_signals():
        assert not stop.made
        os.kill(os.getpid(), number)
        assert stop.made
    told = "stopping after this step; Ctrl-C again stops at once, without saving\n"
    assert capfd.readouterr().err == told


def test_a_second_control_c_does_not_wait():
    stop = StopRequest()
    with stop.by_signals(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.made
        os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_from_before_come_back():
    before = [signal.getsignal(number) for number in NUMBERS]
    with pytest.raises(RuntimeError), StopRequest().by_signals():
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_another_thread_than_the_main_one_catches_none():
    before = [signal.getsignal(number) for number in NUMBERS]
    found = []

    def work():
        with StopRequest().by_signals():
            found.extend(signal.getsignal(number) for number in NUMBERS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == before
