from __future__ import annotations

import os
import sys

import pytest

from trainer.backend import device
from trainer.backend.device import CPU, choose_device, in_a_line, is_gpu_failure, memory
from trainer.errors import UserError


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Install wheels of CuPy: a package with the given source, and the names it came under."""

    def install(source, *names):
        (tmp_path / "cupy").mkdir()
        (tmp_path / "cupy" / "__init__.py").write_text(source)
        for name in names:
            folder = tmp_path / f"{name.replace('-', '_')}-14.2.0.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\n")
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        # Of the wheels that are really installed, only those found here count.
        monkeypatch.setattr(device, "distributions", lambda: found(path=[str(tmp_path)]))

    found = device.distributions
    yield install
    assert "cupy" not in sys.modules


@pytest.fixture
def driver(monkeypatch):
    """Make the system's own library the driver, or none."""

    def install(there):
        monkeypatch.setattr(device, "DRIVER", None if there else "libnone.so.1")

    return install


def refusal(wanted):
    with pytest.raises(UserError) as raised:
        choose_device(wanted)
    line = str(raised.value)
    start, end = f"backend.device={wanted}: ", "; or compute on the CPU with backend.device=cpu"
    assert line.startswith(start)
    assert line.endswith(end)
    assert "\n" not in line
    return line.removeprefix(start).removesuffix(end)


def test_the_cpu_is_there_without_a_look(wheels):
    wheels("1 / 0", "cupy-cuda12x", "cupy-cuda13x")
    assert choose_device("cpu") == CPU


def test_without_cupy_only_who_asks_for_a_gpu_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    assert choose_device("auto") == CPU
    assert CPU.note is None
    assert refusal("gpu").startswith("CuPy is not installed, nor is an NVIDIA driver")


def test_two_wheels(wheels):
    wheels("1 / 0", "cupy-cuda12x", "cupy-cuda13x", "cupy-xarray")
    reason = refusal("gpu:1")
    assert "more than once, as cupy-cuda12x and cupy-cuda13x" in reason
    assert "pip uninstall cupy-cuda12x cupy-cuda13x, then install one of them" in reason
    assert choose_device("auto").note == reason


def test_without_a_driver_cupy_is_not_imported(wheels, driver):
    wheels("1 / 0", "cupy-cuda13x")
    driver(False)
    assert refusal("gpu").startswith("there is no NVIDIA driver (")
    found = choose_device("auto")
    assert (found.index, found.name) == (None, "CPU")
    assert found.note == refusal("gpu")


CHAIN = """
try:
    raise OSError("libfoo.so.1: cannot open")
except OSError as error:
    raise ImportError("\\n=====\\nFailed to import CuPy.\\n") from error
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (CHAIN, "libfoo.so.1: cannot open"),
        ("raise RuntimeError('too old\\nmore')", "too old"),
        ("1 / 0", "division by zero"),
        ("assert False", "AssertionError"),
    ],
)
def test_a_cupy_that_cannot_be_imported(wheels, driver, source, reason):
    wheels(source, "cupy-cuda13x")
    driver(True)
    assert refusal("gpu") == f"CuPy cannot be imported: {reason}"
    assert choose_device("auto").note == f"CuPy cannot be imported: {reason}"


@pytest.mark.parametrize(
    ("module", "is_one"),
    [
        ("cupy_backends.cuda.api.runtime", True),
        ("cupy.cuda.compiler", True),
        ("cuda.pathfinder", True),
        ("trainer.backend.cuda.cublas", True),
        ("trainer.errors", False),
        ("numpy", False),
    ],
)
def test_what_failed_is_told_by_the_module_of_the_error(module, is_one):
    assert is_gpu_failure(type("Failure", (Exception,), {"__module__": module})()) is is_one
    assert not is_gpu_failure(ZeroDivisionError())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "RuntimeError"),
        ("\n one \n two", "one"),
        ("a.cu: In function f:\n  a.cu(3): error: no such name\n1 error detected",
         "a.cu(3): error: no such name"),
    ],
)  # fmt: skip
def test_in_a_line(text, line):
    assert in_a_line(RuntimeError(text)) == line


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="the system does not tell")
def test_the_memory_of_the_machine():
    assert memory(CPU) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
