"""CuPy without a GPU: the CuPy that is installed, on a device that is this machine's processor.

``import stand_in; stand_in.activate()`` before anything imports CuPy, or ``pytest -p stand_in``.
README.md tells how it works, what the environment's ``CUDA_ON_CPU_...`` choose, and what the
counters count.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import build
import capsules

SUPPORTED = "14.2"
"""The versions of CuPy whose functions are those of capsules.py."""

DEFAULT_MEMORY = 8 << 30

_device: Any = None
_cublas: Any = None


def missing() -> str | None:
    """Tell in a sentence what is missing that the stand-in needs; None if nothing is."""
    wheels = {}
    for name in ("cupy", "cupy-cuda12x", "cupy-cuda13x"):
        with suppress(importlib.metadata.PackageNotFoundError):
            wheels[name] = importlib.metadata.version(name)
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "CUDA on a CPU needs Linux on x86-64"
    if shutil.which("g++") is None:
        return "CUDA on a CPU needs g++, which is not installed"
    if len(wheels) != 1:
        return f"CUDA on a CPU needs one CuPy; installed are {', '.join(wheels) or 'none'}"
    ((name, version),) = wheels.items()
    if not version.startswith(f"{SUPPORTED}."):
        return f"CUDA on a CPU needs CuPy {SUPPORTED}; installed is {name} {version}"
    return None


def address_checks() -> dict[str, str]:
    """Return variables for the environment of a Python in which every address is checked."""
    library = build.run("g++", "-print-file-name=libasan.so").strip()
    return {
        "CUDA_ON_CPU_ASAN": "1",
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python has some
    }


def activate() -> None:
    """Load the stand-in in the place of CUDA, then CuPy.

    Raises:
        ImportError: CuPy is there already, or not one for which this was made, or its addresses
            are to be checked in a Python that was not started for that.
    """
    global _device, _cublas
    if "cupy_backends" in sys.modules:
        raise ImportError("the stand-in must be activated before CuPy is imported")
    if build.addresses_are_checked() and "libasan" not in Path("/proc/self/maps").read_text():
        raise ImportError("CUDA_ON_CPU_ASAN needs the whole environment of address_checks()")
    _device = ctypes.PyDLL(str(build.device()), ctypes.RTLD_GLOBAL)
    _cublas = ctypes.PyDLL(str(build.cublas()), ctypes.RTLD_GLOBAL)
    for function in _device.stand_in_counters, _device.stand_in_kernels, _cublas.stand_in_handles:
        function.restype = ctypes.py_object
    configure()
    _change_cupy()


def configure() -> None:
    """Have the device be what the environment says."""
    _device.stand_in_configure(
        int(os.environ.get("CUDA_ON_CPU_DEVICES", "1")),
        ctypes.c_size_t(int(os.environ.get("CUDA_ON_CPU_MEMORY", DEFAULT_MEMORY))),
        os.environ.get("CUDA_ON_CPU_DRIVER") == "old",
        os.environ.get("CUDA_ON_CPU_STREAMS") == "deferred",
    )


def _change_cupy() -> None:
    from cuda import pathfinder

    find = pathfinder.load_nvidia_dynamic_lib
    pathfinder.load_nvidia_dynamic_lib = lambda name: None if name == "cublas" else find(name)

    # Before any other module of CuPy looks for their functions.
    from cupy_backends.cuda.api import driver, runtime

    capsules.replace(runtime, capsules.RUNTIME, _device, "runtime_")
    capsules.replace(driver, capsules.DRIVER, _device, "driver_")

    os.environ["CUPY_ACCELERATORS"] = ""  # they are device code in the wheel
    import cupy
    from cupy.cuda import compiler

    compiler._compile_with_cache_cuda = _compile
    if build.addresses_are_checked():
        cupy.cuda.set_allocator(None)  # no pool: each array ends where its memory ends
    else:
        _watch_pool()


def _watch_pool() -> None:
    """Count what is taken from CuPy's pool, in this thread, and clear it."""
    from cupy.cuda import MemoryHook

    class Watch(MemoryHook):  # type: ignore[misc]
        name = "stand-in"

        def malloc_postprocess(self, *, mem_ptr: int, mem_size: int, **_: int) -> None:
            if mem_ptr:  # none if there was not enough
                _device.stand_in_allocated(ctypes.c_ssize_t(mem_ptr), ctypes.c_size_t(mem_size))

    Watch().__enter__()


def _compile(
    source: str,
    options: tuple[str, ...],
    arch: object,
    extra_source: object,
    backend: object,
    cooperative_groups: object,
    name_expressions: tuple[str, ...] | None,
    *_: object,
) -> Any:
    """Do for this processor what CuPy's `_compile_with_cache_cuda` does for a GPU."""
    from cupy.cuda import compiler, function

    try:
        library, symbols = build.kernels(source, options, name_expressions or ())
    except build.CompilationFailed as failure:
        raise compiler.CompileException(str(failure), source, "", options, "g++") from None
    module = function.Module()
    module.load(bytes(library))  # device.cpp takes it for a path
    module._set_mapping(symbols)
    return module


def counters() -> dict[str, int]:
    """Tell how often the host did what since `reset`; what it never did is left out."""
    return _device.stand_in_counters()  # type: ignore[no-any-return]


def kernels() -> dict[str, int]:
    """Tell how often the host launched which kernel since `reset`."""
    return _device.stand_in_kernels()  # type: ignore[no-any-return]


def reset() -> None:
    """Begin to count anew."""
    _device.stand_in_reset()


def drop(dropped: bool) -> None:
    """Have the device do nothing from now on, so that the host alone takes time, or all again."""
    _device.stand_in_drop(dropped)


def cublas_handles() -> list[dict[str, int]]:
    """Return the settings of each cuBLAS handle: `stream`, `math_mode`, bytes of `workspace`."""
    return _cublas.stand_in_handles()  # type: ignore[no-any-return]


def pytest_load_initial_conftests() -> None:
    """Activate the stand-in where this is a plugin of pytest."""
    import pytest

    if reason := missing():
        raise pytest.UsageError(reason)
    activate()
