"""The tests of the device, run on the stand-in in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODES = {
    "eager": {},
    "late": {"CUDA_ON_CPU_STREAMS": "deferred", "CUDA_ON_CPU_ORDER": "reverse"},
}
"""All at once, from the first thread on; or when something waits for it, and the last one first."""
ADDRESSES = """
import stand_in
missing = stand_in.missing()
print(missing or "")
for name, value in {}.items() if missing else stand_in.address_checks().items():
    print(f"{name}={value}")
"""


@pytest.fixture(scope="session")
def python():
    """A function that runs Python where the stand-in can be imported, in one of its modes."""

    def python(mode, *arguments, cwd=ROOT):
        environment = {**os.environ, "PYTHONPATH": str(HERE), **modes[mode]}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    modes = dict(MODES)
    done = python("eager", "-c", ADDRESSES)
    assert done.returncode == 0, done.stderr
    missing, *checks = done.stdout.splitlines()
    if missing:
        pytest.skip(missing)
    modes["addresses"] = dict(check.split("=", 1) for check in checks)
    return python


@pytest.fixture(scope="session")
def suite(python):
    """A function that runs the tests with `--device gpu`, on the package that lies in a folder."""

    def suite(mode, *options, tests=("",), cwd=ROOT):
        if mode == "addresses":
            options += (
                "--capture",
                "no",
            )  # a process that ends at once shows what it captured to nobody
        plugin = ["-m", "pytest", "-p", "stand_in", "--device", "gpu", "-q", *options]
        place = ["-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
        return python(mode, *plugin, *place, *(ROOT / "tests" / test for test in tests), cwd=cwd)

    return suite
