"""Which GPU it is, and with which driver and libraries."""

from __future__ import annotations

import platform
import re
from ctypes import CDLL, byref, c_int
from pathlib import Path
from typing import Any

import numpy as np

import trainer
from trainer.gpu_check.check import Finding
from trainer.gpu_check.gpu import Gpu
from trainer.training.memory import describe_bytes

DRIVER = Path("/proc/driver/nvidia/version")


def environment(gpu: Gpu) -> Finding:
    """Collect what the figures hold for."""
    cupy = gpu.start().xp
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(gpu.device.index)
    free, total = runtime.memGetInfo()
    release = re.search(r"\d+\.\d+(\.\d+)?", DRIVER.read_text()) if DRIVER.exists() else None
    cuda = runtime.runtimeGetVersion()
    facts = {
        "gpu": gpu.device.name,
        "index": gpu.device.index,
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "multiprocessors": properties["multiProcessorCount"],
        "memory_bytes": total,
        "free_bytes": free,
        "driver": release[0] if release else None,
        "cuda_of_driver": _version(runtime.driverGetVersion()),
        "cuda_of_cupy": _version(cuda),
        "nvrtc": ".".join(map(str, cupy.cuda.nvrtc.getVersion())),
        "cublas": _cublas_version(cuda // 1000),
        "cupy": cupy.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "trainer": trainer.__version__,
        "system": platform.platform(),
    }
    return Finding(
        f"{facts['gpu']}, compute capability {facts['compute_capability']}, "
        f"{describe_bytes(total)}; "
        f"driver for CUDA {facts['cuda_of_driver']}, CuPy {facts['cupy']} with CUDA "
        f"{facts['cuda_of_cupy']}",
        facts,
    )


def _version(number: int) -> str:
    """Read a version as CUDA writes it: 13020 is 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _cublas_version(major: int) -> str | None:
    """Ask the library that the backend has loaded; None if it does not say."""
    numbers: list[Any] = [c_int() for _ in range(3)]
    try:
        library = CDLL(f"libcublas.so.{major}")
        for kind, number in enumerate(numbers):  # major, minor, patch
            library.cublasGetProperty(kind, byref(number))
    except (OSError, AttributeError):
        return None
    return ".".join(str(number.value) for number in numbers)
