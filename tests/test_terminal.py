from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from trainer import terminal

SAYS = "from trainer import terminal; terminal.write('é\\x1b\\n'); terminal.tell('é\\x1b\\u202e')"


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_results_are_utf8_and_messages_never_fail(project, encoding):
    project.environment["PYTHONIOENCODING"] = encoding
    result = subprocess.run(
        [sys.executable, "-c", SAYS],
        env={**os.environ, **project.environment, "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    )
    assert result.stdout == "é\x1b\n".encode()
    assert rb"\x1b\u202e" in result.stderr


def test_streams_that_were_replaced(monkeypatch):
    class Bare:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    for stream in (io.StringIO(), Bare()):
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            terminal.write_json({"loss": float("nan")})
            terminal.tell("told")
            terminal.close_pipe()
        text = stream.text if isinstance(stream, Bare) else stream.getvalue()
        assert json.loads(text.splitlines()[0]) == {"loss": None}
        assert text.endswith("told\n")


@pytest.mark.parametrize(
    ("shell", "status"),
    [("schema >/dev/full", 1), ("schema >&- 2>&-", 0), ("schema 2>&1 | head -c 9 >&-", 0)],
)
def test_outputs_that_take_nothing(project, shell, status):
    result = subprocess.run(
        f"{sys.executable} -m trainer {shell}",
        shell=True,
        capture_output=True,
        env={**os.environ, **project.environment},
        cwd=project.path,
    )
    if "head" not in shell:
        assert result.returncode == status
    assert b"Traceback" not in result.stderr
    assert b"Exception" not in result.stderr


@pytest.mark.parametrize("delay", [0.05 * step for step in range(13)])
def test_ctrl_c_at_any_time_is_a_line_at_most(project, delay):
    """Until the first line of ours runs, Python itself answers: that is not ours to change."""
    # The mark is written before anything of ours is imported, so the delay counts from there.
    program = (
        "import os, sys, runpy; from trainer import __main__; os.write(1, b'.');"
        "sys.argv = ['trainer', 'corpora']; sys.exit(__main__.main())"
    )
    process = project.start("-c", program)
    assert os.read(process.stdout.fileno(), 1) == b"."
    time.sleep(max(delay, 0.01))
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode in (0, 130)
    assert stderr in (b"", b"interrupted\n")
