"""Nowhere to keep the compiled kernels: they are compiled all the same, and one note says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import numpy as np
from trainer.backend import create_backend
from trainer.nn import CharacterLSTM
model = CharacterLSTM(create_backend("fused"), vocabulary_size=5, hidden_size=8)
model.initialise(np.random.default_rng(1))
ids = np.zeros((3, 2), np.int32)
model.forward(ids, model.zero_state(2))
print(bool(np.isfinite(model.loss.forward(model.forward(ids, model.zero_state(2))[0], ids)).all()))
"""
UNWRITABLE = """
import numba.core.caching as caching

def full(*anything):
    raise OSError(28, "No space left on device")

caching.IndexDataCacheFile.save = full
"""
UNREADABLE = """
import numba.core.caching as caching

def damaged(*anything):
    raise EOFError("Ran out of input")

caching.IndexDataCacheFile.load = damaged
"""

pytest.importorskip("numba", reason="the fused kernels need numba: pip install -e '.[fast]'")


def run(program, cwd, env):
    done = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    return done.stderr.splitlines()


def is_the_note(lines):
    (line,) = lines
    return line.startswith("note: ") and "NUMBA_CACHE_DIR" in line


def test_no_place_for_a_cache(tmp_path):
    """Neither beside the code nor at home: files where folders should be stop root, too."""
    source = Path(__file__).parents[2] / "trainer"
    shutil.copytree(source, tmp_path / "trainer", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "trainer" / "backend" / "__pycache__").touch()
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "LOCALAPPDATA": "/dev/null"}
    environment = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": "", **nowhere}
    assert is_the_note(run(PROGRAM, tmp_path, env=environment))


@pytest.mark.parametrize(("mistake", "noted"), [(UNWRITABLE, True), (UNREADABLE, False)])
def test_a_cache_that_fails_later_ends_nothing(tmp_path, mistake, noted):
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    lines = run(mistake + PROGRAM, tmp_path, env=environment)
    assert is_the_note(lines) if noted else lines == []
