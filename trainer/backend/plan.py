"""How the work of a training step is spread: which kernels, how many threads, for what."""

from __future__ import annotations

import os
from typing import NamedTuple

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from trainer.backend.backend import Backend, create_backend, numba_is_installed

ROWS = 16
"""A part of a batch has at least so many sequences: products of fewer rows are inefficient."""
COMPILED = 1e6
"""Operations of a product from which on compiled kernels are worth the second that they load."""
SHARED = 5e6
"""Operations from which on a matrix product is shared among threads; smaller ones lose by it."""


class Plan(NamedTuple):
    """A choice that decides the last bits of a run: its checkpoints keep it for the resume.

    Attributes:
        strategy: the kernels, see `create_backend`.
        threads: how many work at once.
        parts: into how many parts the batch is cut, each computed by a thread of its own; with 1
            it is the matrix products that are shared among the threads.
    """

    strategy: str
    threads: int
    parts: int

    def start(self) -> Backend:
        """Make the backend and set the threads of the matrix products.

        For the rest of the process, not around each step: setting them takes milliseconds.

        Raises:
            UserError: The kernels need a package that is missing.
        """
        backend = create_backend(self.strategy)
        threadpool_limits(self.threads if self.parts == 1 else 1, user_api="blas")
        return backend

    def in_words(self) -> str:
        """Tell it in a few words."""
        kernels = "compiled kernels" if self.strategy == "fused" else "NumPy"
        threads = f"{self.threads} threads" if self.threads > 1 else "1 thread"
        return f"{kernels}, {threads}" + (", each a part of the batch" if self.parts > 1 else "")


ONE_THREAD = Plan("reference", 1, 1)
"""For one sequence, which has no work for more, and for checks."""


def make_plan(batch_size: int, hidden_size: int, threads: int | None = None) -> Plan:
    """Choose by a rule.

    Compiled kernels, where numba is installed, run side by side: each thread takes a part of the
    batch. NumPy's small steps hold each other up, so there only the products are shared, and only
    large ones. A model that is soon done with needs neither.

    Args:
        threads: to use at most; None for all processors that the process may run on.
    """
    threads = threads or _usable_cores()
    operations = 8 * batch_size * hidden_size**2  # of a time step's recurrent product
    fused = operations >= COMPILED and numba_is_installed()
    strategy = "fused" if fused else "reference"
    parts = min(threads, batch_size // ROWS) if fused else 1
    if parts > 1:
        return Plan(strategy, parts, parts)
    return Plan(strategy, threads if operations >= SHARED else 1, 1)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
