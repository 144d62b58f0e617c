"""Which device computes: the CPU, or a GPU that has shown that it can."""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass, replace
from importlib.metadata import distributions
from importlib.util import find_spec
from typing import Any

import numpy as np

from trainer.backend.backend import Backend
from trainer.errors import UserError
from trainer.hints import install_command

DRIVER = "libcuda.so.1"
OUT_OF_MEMORY, DRIVER_TOO_OLD, NO_DEVICE = 2, 35, 100  # of CUDA's cudaError_t
OLDEST_OF_CUDA_13 = 75
"""Compute capability 7.5, Turing."""


@dataclass(frozen=True)
class Device:
    """Where arrays live.

    Attributes:
        index: number of the GPU; None for the CPU.
        name: as its maker calls it.
        note: why it is not a GPU, for a person who may expect one.
    """

    index: int | None
    name: str
    note: str | None = None


CPU = Device(None, "CPU")


def choose_device(wanted: str) -> Device:
    """Return the device that a person asks for.

    Args:
        wanted: "cpu"; "gpu" or, by its number, "gpu:1"; "auto" for the first GPU if it works, and
            the CPU otherwise: with a note why, unless neither CuPy nor a driver is installed, so
            that nobody expects one.

    Raises:
        UserError: The GPU that is asked for cannot be used.
    """
    expected = find_spec("cupy") is not None or _driver_is_there()
    if wanted == "cpu" or (wanted == "auto" and not expected):
        return CPU
    try:
        return find_gpu(int(wanted.partition(":")[2] or 0))
    except UserError as reason:
        if wanted == "auto":
            return replace(CPU, note=str(reason))
        raise UserError(
            f"backend.device={wanted}: {reason}; or compute on the CPU with backend.device=cpu"
        ) from reason


def gpu_may_be_there() -> bool:
    """Whether it makes sense to try: what a GPU needs is installed."""
    return find_spec("cupy") is not None and _driver_is_there()


def find_gpu(index: int) -> Device:
    """Find a GPU and try it out: to count the devices says little of what works.

    Raises:
        UserError: It cannot be used; the message is the reason, and what to do.
    """
    if find_spec("cupy") is None:
        driver = "" if _driver_is_there() else ", nor is an NVIDIA driver, which it needs"
        raise UserError(
            f"CuPy is not installed{driver}: {install_command('[cuda13]')}, or [cuda12] for a "
            "driver older than 580"
        )
    packages = _cupy_packages()
    if len(packages) > 1:
        raise UserError(
            f"CuPy is installed more than once, as {' and '.join(packages)}, which overwrite each "
            f"other's files: pip uninstall {' '.join(packages)}, then install one of them"
        )
    if not _driver_is_there():
        raise UserError(
            f"there is no NVIDIA driver ({DRIVER}): install it, or let the container have the GPU "
            "(docker run --gpus all)"
        )
    try:
        from trainer.backend.cuda import CudaBackend, cupy
    except Exception as error:  # an installation may be broken in any way
        raise UserError(
            f"CuPy cannot be imported: {in_a_line(error.__cause__ or error)}"
        ) from error

    package = packages[0] if packages else "cupy"
    count = _count_gpus(cupy.cuda.runtime, package)
    if index >= count:
        known = "one, gpu:0" if count == 1 else f"{count}, gpu:0 to gpu:{count - 1}"
        raise UserError(f"there is no GPU {index}: the driver knows {known}")
    name = cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
    _refuse_too_old(cupy.cuda, index, name, package)
    try:
        _try_out(CudaBackend(index))
    except Exception as error:  # nor is it known how a device fails
        raise UserError(
            f"GPU {index} ({name}) failed a trial: {_explain_trial(error, package)}"
        ) from error
    return Device(index, name)


def memory(device: Device) -> int | None:
    """Return how many bytes arrays may take: all of the machine, or what is free on a GPU.

    What this process holds there counts as free. None where it is not known.
    """
    if device.index is not None:
        import cupy

        free, _ = cupy.cuda.Device(device.index).mem_info
        return int(free) + held(device)
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def held(gpu: Device) -> int:
    """Return how many bytes of a GPU this process holds for arrays: the most that it ever took."""
    import cupy

    with cupy.cuda.Device(gpu.index):
        return int(cupy.get_default_memory_pool().total_bytes())


def is_gpu_failure(error: Exception) -> bool:
    """Whether the GPU, its driver or a library of it failed; CuPy is not imported for it."""
    return type(error).__module__.startswith(("cupy", "cuda.", "trainer.backend.cuda"))


def is_memory_failure(error: Exception) -> bool:
    """Whether there was too little memory: to CUDA itself that is an error like any other."""
    of_cuda = is_gpu_failure(error) and getattr(error, "status", None) == OUT_OF_MEMORY
    return of_cuda or isinstance(error, MemoryError)


def in_a_line(error: BaseException) -> str:
    """Return what an error says, in a line: compilers say more."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return next((line for line in lines if "error" in line), lines[0]).strip(" .")


def _cupy_packages() -> list[str]:
    """Return the names under which CuPy is installed: there is one for each version of CUDA."""
    names = {found.metadata["Name"] for found in distributions()}
    return sorted(name for name in names if re.fullmatch(r"cupy(-(cuda|rocm).*)?", name or ""))


def _driver_is_there() -> bool:
    """Whether an NVIDIA driver is installed: asked before CuPy, which takes half a second."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    return True


def _count_gpus(runtime: Any, package: str) -> int:
    try:
        return int(runtime.getDeviceCount())
    except runtime.CUDARuntimeError as error:
        if error.status == NO_DEVICE:
            raise UserError(
                "the NVIDIA driver finds no GPU (see nvidia-smi, and whether the variable "
                "CUDA_VISIBLE_DEVICES hides it)"
            ) from error
        if error.status != DRIVER_TOO_OLD:
            raise UserError(f"the NVIDIA driver failed: {in_a_line(error)}") from error
        known, needed = runtime.driverGetVersion() // 10, runtime.runtimeGetVersion() // 1000
        other = f", or pip uninstall {package} and {install_command('cupy-cuda12x[ctk]')}"
        raise UserError(
            f"the NVIDIA driver is too old for {package}: it knows CUDA up to "
            f"{known // 100}.{known % 100}, {needed} is needed: install a newer driver"
            f"{other if known // 100 == 12 < needed else ''}"
        ) from error


def _refuse_too_old(cuda: Any, index: int, name: str, package: str) -> None:
    """Refuse a GPU for which the compiler of this CUDA no longer compiles.

    Raises:
        UserError: Another CuPy is needed.
    """
    capability = cuda.Device(index).compute_capability
    if cuda.runtime.runtimeGetVersion() >= 13000 and int(capability) < OLDEST_OF_CUDA_13:
        raise UserError(
            f"GPU {index} ({name}) is too old for CUDA 13: pip uninstall {package} and "
            f"{install_command('cupy-cuda12x[ctk]')}"
        )


def _try_out(backend: Backend) -> None:
    """Do a bit of everything: allocate, CuPy's kernels and ours, a matrix product, fetch.

    Raises:
        Exception: Something failed, or the result is wrong.
    """
    host = np.arange(6, dtype=np.float32).reshape(2, 3)
    a = backend.asarray(host)
    product, norm = backend.xp.empty((2, 2), a.dtype), backend.xp.empty((), a.dtype)
    backend.kernels.product(a + 1, a.T, product)
    backend.kernels.norm(product, norm)
    found, expected = float(backend.to_host(norm)), np.linalg.norm((host + 1) @ host.T)
    if not abs(found - expected) < 1e-4 * expected:
        raise RuntimeError(f"it computed {found:g} in place of {expected:g}")


def _explain_trial(error: Exception, package: str) -> str:
    """Say how a trial failed, and what to do if memory, a library or a header file is missing."""
    if is_memory_failure(error):
        return f"{in_a_line(error)}; see nvidia-smi who has the memory"
    missing = r"\.(h|hpp|cuh|so)\b|CUDA headers|cannot be loaded|could not be found|not found"
    if not re.search(missing, str(error), re.IGNORECASE):
        return in_a_line(error)
    # What CuPy advises may be for another version of CUDA.
    reason = in_a_line(error).partition(". Please")[0]
    return f"{reason}; the libraries of CUDA come with {install_command(f'{package}[ctk]')}"
