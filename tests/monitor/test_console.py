from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Callable, Iterator

import pytest

from trainer.monitor.console import Progress


class Terminal:
    """A real pseudo terminal as standard error, and what a person would see on it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.columns = columns
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self.output = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        monkeypatch.setattr(sys, "stderr", self.stream)

    def _read(self) -> None:
        try:
            while chunk := os.read(self._master, 4096):
                self.output += chunk
        except OSError:
            pass  # on Linux this is how the last writer's close is told

    def lines(self) -> list[str]:
        """Hang up and return the lines on the screen, without blanks at their ends."""
        self.stream.close()
        self._reader.join(timeout=5)
        os.close(self._master)
        screen, column = [""], 0
        for character in self.output.decode():
            if character == "\n":
                screen.append("")
            if character in "\r\n":
                column = 0
                continue
            assert character.isprintable(), "only carriage returns move the cursor"
            screen[-1] = screen[-1][:column].ljust(column) + character + screen[-1][column + 1 :]
            column += 1
            assert not self.columns or column < self.columns, "a line is longer than the terminal"
        return [line.rstrip() for line in screen]


OpenTerminal = Callable[..., Terminal]


@pytest.fixture
def open_terminal(monkeypatch: pytest.MonkeyPatch) -> OpenTerminal:
    monkeypatch.setenv("TERM", "xterm")
    return lambda columns=100, rows=24: Terminal(monkeypatch, columns, rows)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Let a test set the time: every element but the last is over."""
    now = [1000.0]
    monkeypatch.setattr("trainer.monitor.console.time.monotonic", lambda: now[-1])
    yield now


def train(progress: Progress, clock: list[float], first: int, last: int) -> None:
    """Take a step a second and log every tenth."""
    for step in range(first, last + 1):
        clock.append(clock[-1] + 1)
        progress.tick(step)
        if step % 10 == 0:
            progress.update(step, loss=1.5, characters_per_second=53_100.4)


def test_a_terminal_shows_one_line_that_is_drawn_again(
    open_terminal: OpenTerminal, clock: list[float]
) -> None:
    terminal = open_terminal(columns=120)
    with Progress(200, "steps", done=0) as progress:
        train(progress, clock, 1, 110)

    line, end = terminal.lines()
    percent, bar, facts = line.split("|")
    assert percent == " 55 % "
    assert 0.5 < bar.count("█") / len(bar) < 0.6
    assert facts.split("  ")[1:] == [
        "loss 1.500 nats",
        "2.164 bits",
        "1:30 left",
        "step 110/200",
        "53,100 characters/s",
    ]
    assert end == ""


def test_messages_stand_above_the_bar(open_terminal: OpenTerminal, clock: list[float]) -> None:
    terminal = open_terminal()
    with Progress(200, "steps", done=0) as progress:
        progress.message("before the first step")
        train(progress, clock, 1, 50)
        progress.message("validation 1.5\x1b[2J\nROMEO:\n")
        train(progress, clock, 51, 60)

    first, *message, bar, end = terminal.lines()
    assert first == "before the first step"
    assert message == ["validation 1.5\\x1b[2J", "ROMEO:", ""]
    assert "step 60/200" in bar and end == ""


@pytest.mark.parametrize("columns", [0, 8, 20, 45, 60, 80, 100, 200])
def test_whatever_the_width_a_line_stays_a_line_of_whole_facts(
    open_terminal: OpenTerminal, clock: list[float], columns: int
) -> None:
    terminal = open_terminal(columns=columns, rows=24 if columns else 0)
    with Progress(200, "steps", done=0) as progress:
        train(progress, clock, 1, 50)

    line, _ = terminal.lines()
    assert line.startswith(" 25 % |")
    facts = line.partition("|")[2].partition("|")[2]
    in_order = ["loss 1.500 nats  2.164 bits", "2:30 left", "step 50/200", "53,100 characters/s"]
    assert facts in ["".join("  " + fact for fact in in_order[:count]) for count in range(5)]


def test_steps_are_not_drawn_more_often_than_eyes_can_see(
    open_terminal: OpenTerminal, clock: list[float]
) -> None:
    terminal = open_terminal()
    progress = Progress(10_000, "steps", done=0)
    for step in range(10_000):
        clock[-1] += 0.001
        progress.tick(step)
    progress.close()

    terminal.lines()
    assert 40 < terminal.output.count(b"\r") < 60


def test_elsewhere_whole_lines_are_printed(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with Progress(3800, "steps", done=0) as progress:
        train(progress, clock, 1, 1200)
        progress.message("saved")

    *lines, saved = capsys.readouterr().err.splitlines()
    assert lines[-1] == (
        "step 1,200/3,800  31 %  loss 1.500 nats  2.164 bits  53,100 characters/s  43:20 left"
    )
    assert len(lines) == 120
    assert saved == "saved"


def test_lines_come_every_few_seconds_and_the_last_one_always(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with Progress(1000, "steps", done=0) as progress:
        for step in range(1, 1001):
            clock[-1] += 0.0123
            progress.update(step, 1.5, 100)

    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [
        "1/1,000",
        "408/1,000",
        "815/1,000",
        "1,000/1,000",
    ]
    assert lines[-1].split("  ")[1] == "100 %"


def test_a_last_line_is_not_said_twice(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with Progress(100, "steps", done=0) as progress:
        train(progress, clock, 1, 100)
        clock.append(clock[-1] + 60)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and lines[-1].startswith("step 100/100  100 %")
    assert "left" not in lines[-1]


def test_the_time_left_follows_from_this_session_alone(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with Progress(10_000, "steps", done=6000) as progress:
        clock.append(clock[-1] + 300)  # compiling
        train(progress, clock, 6001, 6010)

    assert "  1:06:30 left" in capsys.readouterr().err


def test_a_length_in_minutes(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with Progress(3, "minutes", done=1.5) as progress:
        progress.tick(1.5)
        clock.append(clock[-1] + 45)
        progress.update(2.0, 1.5, 53_100)

    assert capsys.readouterr().err == (
        "2.0/3 minutes  66 %  loss 1.500 nats  2.164 bits  53,100 characters/s  1:30 left\n"
    )


def test_a_terminal_that_cannot_go_back_gets_lines(
    open_terminal: OpenTerminal, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = open_terminal()
    with Progress(200, "steps", done=0) as progress:
        train(progress, clock, 1, 20)

    assert [line.partition("  ")[0] for line in terminal.lines()] == [
        "step 10/200",
        "step 20/200",
        "",
    ]
    assert b"\r" not in terminal.output.replace(b"\r\n", b"\n")


def test_a_closed_pipe_does_not_stop_the_training(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(200, "steps", done=0) as progress:
        train(progress, clock, 1, 200)
        progress.message("saved")
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_terminal_that_was_closed_does_not_stop_the_training(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    master, slave = pty.openpty()
    stream = os.fdopen(slave, "w")
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress(200, "steps", done=0) as progress:
        os.close(master)
        train(progress, clock, 1, 200)
        progress.message("saved")
    with pytest.raises(OSError, match="Input/output error"):
        stream.close()


def test_a_run_that_fails_before_its_first_loss_prints_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress(200, "steps", done=0) as progress:
        progress.tick(1)

    assert capsys.readouterr().err == ""
