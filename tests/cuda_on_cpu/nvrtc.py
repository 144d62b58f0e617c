"""Compiles device code with NVIDIA's own compiler, NVRTC, which needs no GPU and no driver."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import NamedTuple

REPORT = re.compile(
    r"Compiling entry function '(\w+)'"
    r".*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
    r".*?Used (\d+) registers",
    re.DOTALL,
)


class Resources(NamedTuple):
    """What a thread of a kernel takes; the bytes are of memory, because registers are too few."""

    registers: int
    stack_bytes: int
    spilled_bytes: int


def architectures() -> list[int]:
    """Return what the installed NVRTC compiles for: 75 for compute capability 7.5, and so on."""
    from cupy_backends.cuda.libs import nvrtc

    return sorted(nvrtc.getSupportedArchs())


def compile_for(
    architecture: int, source: str, expressions: Sequence[str]
) -> tuple[bytes, dict[str, Resources]]:
    """Compile CUDA source as CuPy would on a GPU of this architecture.

    CuPy's public functions ask a GPU what it is; the private ones of CuPy 14.2 used here do not.

    Args:
        expressions: the kernels, as in `cupy.RawModule`: ``name<float>``.

    Returns:
        The binary, and what each kernel takes.

    Raises:
        cupy.cuda.compiler.CompileException: NVRTC refuses the source.
    """
    from cupy._core import core
    from cupy.cuda import compiler

    program = compiler._NVRTCProgram(
        source, "kernels.cu", name_expressions=tuple(expressions), method="cubin"
    )
    options = (
        *core.assemble_cupy_compiler_options(()),
        "-ftz=true",
        "--device-as-default-execution-space",
        f"-arch=sm_{architecture}",
        "--ptxas-options=-v",
    )
    log = io.StringIO()
    binary, symbols = program.compile(options, log)
    found = {
        symbol: Resources(int(registers), int(stack), int(stores) + int(loads))
        for symbol, stack, stores, loads, registers in REPORT.findall(log.getvalue())
    }
    return binary, {name: found[symbols[name]] for name in expressions}
