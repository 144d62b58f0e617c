from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

CUDA_ON_CPU = Path(__file__).resolve().parents[1] / "cuda_on_cpu"

LINES = ["the «sea» 日本🙂\r\n", "\n", 'old "moon"\t\\" \x85\u2028\x1b sings\n', "hill"]


class Terminal:
    """The two ends of a pseudo-terminal; line ends are shown as they are written."""

    def __init__(self) -> None:
        self._ours, self._theirs = os.openpty()
        attributes = termios.tcgetattr(self._theirs)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(self._theirs, termios.TCSANOW, attributes)

    def become(self, *numbers: int, no_color: str = "") -> str:
        """Return Python that makes the terminal these of a process's standard files."""
        return (
            f"import os; terminal = os.open({os.ttyname(self._theirs)!r}, os.O_RDWR | os.O_NOCTTY)"
            f"; [os.dup2(terminal, number) for number in {numbers}]"
            f"; os.environ.update(TERM='xterm-256color', NO_COLOR={no_color!r})"
        )

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def screen(self, until: str = "") -> str:
        """Return what was shown since the last call, as soon as it has `until` in it."""
        shown, deadline = "", time.monotonic() + 60
        while not shown or until not in shown:
            assert time.monotonic() < deadline, f"{until!r} never came"
            ready, _, _ = select.select([self._ours], [], [], 30)
            assert ready, f"{until!r} never came after {shown!r}"
            shown += os.read(self._ours, 100_000).decode()
        return shown

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture(scope="session")
def units(trained, server, tmp_path_factory):
    """A project with two runs on the same ASCII text, `character` and `byte`; only to be read.

    Both models have a symbol for what they do not know, and `odd.txt` has such characters.
    """
    project = type(trained)(tmp_path_factory.mktemp("units"), server)
    for unit in ("character", "byte"):
        given = (f"name={unit}", f"corpus.unit={unit}", "corpus.unknown=symbol")
        assert project.train("tiny.yaml", *given).status == 0
    (project.path / "odd.txt").write_text("".join(LINES), newline="")
    return project


@pytest.fixture
def odd_lines():
    """The lines of `odd.txt`."""
    return LINES


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture(scope="session")
def stand_in():
    """Python that gives a command the stand-in for a GPU."""
    program = "import stand_in; print(stand_in.missing() or '')"
    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=CUDA_ON_CPU, capture_output=True, text=True, check=True
    )
    if asked.stdout.strip():
        pytest.skip(asked.stdout.strip())
    path = str(CUDA_ON_CPU)
    return f"import sys; sys.path.insert(0, {path!r})\nimport stand_in\nstand_in.activate()\n"
