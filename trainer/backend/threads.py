"""How many threads the matrix products use."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def usable_cores() -> int:
    """Count the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def use_threads(threads: int) -> None:
    """Set the threads of the matrix products, for the rest of the process.

    Once, not around each step: the call takes milliseconds.
    """
    threadpool_limits(threads, user_api="blas")
