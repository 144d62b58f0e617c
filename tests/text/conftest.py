from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FakePip = Callable[[str], Path]

PREAMBLE = """\
import pathlib, sys
assert sys.argv[1:4] == ["-m", "pip", "download"], sys.argv
folder = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
requirements = pathlib.Path(sys.argv[sys.argv.index("--requirement") + 1]).read_text()
"""


@pytest.fixture
def fake_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePip:
    """Return a function that makes `python -m pip download ...` run a few lines instead."""

    def install(lines: str) -> Path:
        script, python = tmp_path / "fake_pip.py", tmp_path / "python"
        script.write_text(PREAMBLE + lines)
        real = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"
        python.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))
        return python

    return install
