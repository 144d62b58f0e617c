"""A GPU, or what stands in for one: these tests are about the CUDA backend alone."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from trainer.backend.reference import ReferenceKernels


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture
def counts(cuda):
    """A function that tells what the host asked of the device in a piece of work."""
    stand_in = sys.modules.get("stand_in")
    if stand_in is None:
        pytest.skip("needs the stand-in of tests/cuda_on_cpu, which counts")

    def counts(work):
        before = stand_in.counters()
        work()
        after = stand_in.counters()
        changes = {kind: count - before.get(kind, 0) for kind, count in after.items()}
        # Without the names of kernels, which follow a blank.
        return {kind: change for kind, change in changes.items() if change and " " not in kind}

    return counts


@pytest.fixture
def compare(cuda, host, dtype):
    """A function that calls a kernel, and the reference, with the same arrays: all end up equal.

    Floating arrays become those of the type under test. The arguments at the places `spent` may
    hold anything afterwards.

    Returns:
        All arrays on the host as the kernel left them, the other arguments as they were.
    """
    tolerance = {"float32": 2e-5, "float64": 1e-12}[dtype]

    def of_type(argument):
        floating = isinstance(argument, np.ndarray) and argument.dtype.kind == "f"
        return argument.astype(dtype) if floating else argument

    def compare(name, *arguments, spent=(), **options):
        arguments = [of_type(argument) for argument in arguments]
        is_array = [isinstance(argument, np.ndarray) for argument in arguments]
        expected = [a.copy() if yes else a for a, yes in zip(arguments, is_array, strict=True)]
        with np.errstate(all="ignore"):
            getattr(ReferenceKernels(np), name)(*expected, **options)

        used = [cuda.asarray(a) if yes else a for a, yes in zip(arguments, is_array, strict=True)]
        getattr(cuda.kernels, name)(*used, **options)
        found = [host(a) if yes else a for a, yes in zip(used, is_array, strict=True)]
        for place, array in enumerate(found):
            if is_array[place] and place not in spent:
                assert array.dtype == expected[place].dtype
                np.testing.assert_allclose(
                    array, expected[place], tolerance, tolerance, err_msg=f"argument {place}"
                )
        return found

    return compare
