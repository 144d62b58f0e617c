from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.text.wheels import Package, downloaded

FakePip = Callable[[str], Path]
PACKAGE = Package("words==1.2", "ab" * 32)


def fetch(folder: Path) -> str:
    with downloaded(PACKAGE, folder, "do that instead") as wheel:
        return wheel.read_text()


def test_the_wheel_is_there_within_the_block_only(
    tmp_path: Path, fake_pip: FakePip, capfd: pytest.CaptureFixture[str]
) -> None:
    fake_pip('print("a bar")\n(folder / "words.whl").write_text(requirements)')
    folder = tmp_path / "data"
    folder.mkdir()
    assert fetch(folder) == f"words==1.2 --hash=sha256:{'ab' * 32}\n"
    assert list(folder.iterdir()) == []
    output = capfd.readouterr()
    assert (output.out, output.err) == ("", "a bar\n")  # standard output is not pip's


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('sys.exit("WARNING: slow\\nERROR: early\\nERROR: no match\\n  indented")', "(no match)"),
        ('sys.exit("python: No module named pip")', "(python: No module named pip)"),
        ('sys.exit("ERROR: Exception:\\nTraceback\\nOSError: disk full")', "(OSError: disk full)"),
        ("sys.exit(3)", "(no reason given)"),
        ("pass", "(no reason given)"),  # ends well and leaves nothing
        ('(folder / "half.whl").touch()\nsys.exit("ERROR: torn")', "(torn)"),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(
    tmp_path: Path, fake_pip: FakePip, lines: str, reason: str
) -> None:
    fake_pip(lines)
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(UserError) as caught:
        fetch(folder)
    assert str(caught.value) == f"pip could not fetch words==1.2 {reason}: do that instead"
    assert list(folder.iterdir()) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path, fake_pip: FakePip) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    real = sys.executable
    fake = fake_pip('import time\n(folder / "half.whl").touch()\ntime.sleep(60)')
    program = f"""
import signal, sys
from pathlib import Path
from trainer.text.wheels import Package, downloaded
sys.executable = {str(fake)!r}
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
with downloaded(Package("words==1.2", "ab"), Path({str(folder)!r}), ""):
    pass
"""
    process = subprocess.Popen(
        [real, "-c", program], start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while not list(folder.glob("*/half.whl")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
    assert process.wait(30) != 0
    assert list(folder.iterdir()) == []
