"""The CUDA kernels: one text, compiled for one floating type when that type is first used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

FILES = ("common", "cell", "loss", "rows", "dropout", "reduce", "update")
"""The `.cu` files beside this one, in the order in which they use each other."""

REAL = {"f": "float", "d": "double"}
"""What CUDA calls the floating types that NumPy calls by these letters."""


def read_source() -> str:
    """Return the text of all kernels."""
    folder = Path(__file__).parent
    return "\n".join((folder / f"{name}.cu").read_text(encoding="utf-8") for name in FILES)


def names_of_kernels(source: str) -> list[str]:
    """List the kernels of a text; each is a template over one floating type."""
    return re.findall(r"__global__ void (\w+)\(", source)


def compile_kernels(letter: str) -> dict[str, Any]:
    """Compile all kernels for a floating type, or take them from CuPy's cache on the disk.

    Args:
        letter: "f" or "d", as in NumPy.

    Returns:
        By name, what launches each: called with the blocks, the threads of a block, and the
        arguments.
    """
    import cupy

    source, real = read_source(), REAL[letter]
    names = names_of_kernels(source)
    module = cupy.RawModule(code=source, name_expressions=[f"{name}<{real}>" for name in names])
    return {name: module.get_function(f"{name}<{real}>").kernel for name in names}
