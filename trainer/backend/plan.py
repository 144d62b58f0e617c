"""How the work of a training step is spread: which kernels, how many threads, for what."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from trainer.backend.backend import Backend, create_backend, numba_is_installed
from trainer.backend.device import CPU, Device

ROWS = 16
"""A shard of a batch has at least so many sequences: products of fewer rows are inefficient."""
COMPILED = 1e6
"""Operations of a product from which on compiled kernels are worth the second that they load."""
SHARED = 5e6
"""Operations from which on a matrix product is shared among threads; smaller ones lose by it."""


class Plan(NamedTuple):
    """A choice that decides the last bits of a run.

    Attributes:
        strategy: the kernels: "cuda" on a GPU, for the others see `create_backend`.
        threads: how many work at once.
        shards: into how many shards the batch is cut, each computed by a thread of its own; with 1
            it is the matrix products that are shared among the threads.
        device: where all is computed.
        allow_tf32: whether a GPU may round the factors of products to 10 bits of mantissa.
        cuda_graph: whether a GPU is given each step as a whole.
    """

    strategy: str
    threads: int
    shards: int
    device: Device = CPU
    allow_tf32: bool = False
    cuda_graph: bool = False

    def start(self) -> Backend:
        """Make the backend.

        Raises:
            UserError: The kernels need a package that is missing.
            Exception: The GPU fails, which it did not when it was chosen.
        """
        if self.device.index is None:
            return create_backend(self.strategy)
        from trainer.backend.cuda import CudaBackend  # with CuPy, which takes half a second

        return CudaBackend(
            self.device.index, allow_tf32=self.allow_tf32, cuda_graph=self.cuda_graph
        )

    @contextmanager
    def limit_threads(self) -> Iterator[None]:
        """Have matrix products use the plan's threads in the block, in the whole process.

        Around all of a command and not around each step: setting them takes milliseconds.
        """
        with threadpool_limits(self.threads if self.shards == 1 else 1, user_api="blas"):
            yield

    def describe(self) -> str:
        """Say it in a few words."""
        if self.device.index is not None:
            graphs = ", steps as CUDA graphs" if self.cuda_graph else ""
            return self.device.name + (", products in TF32" if self.allow_tf32 else "") + graphs
        kernels = "compiled kernels" if self.strategy == "fused" else "NumPy"
        threads = f"{self.threads} threads" if self.threads > 1 else "1 thread"
        return f"{kernels}, {threads}" + (", each a shard of the batch" if self.shards > 1 else "")


ONE_THREAD = Plan("reference", 1, 1)
"""For one sequence, which has no work for more, and for checks."""


def make_plan(
    batch_size: int,
    hidden_size: int,
    threads: int | None = None,
    device: Device = CPU,
    *,
    allow_tf32: bool = False,
    cuda_graph: bool = False,
) -> Plan:
    """Choose by a rule.

    On the CPU, compiled kernels, where numba is installed, run side by side: each thread takes a
    shard of the batch. NumPy's small steps hold each other up, so there only the products are
    shared, and only large ones. A model that is soon done with needs neither.

    Args:
        threads: to use at most on the CPU; None for all processors that the process may run on.
        device, allow_tf32, cuda_graph: see `Plan`; the last two concern GPUs only.
    """
    if device.index is not None:
        return Plan("cuda", 1, 1, device, allow_tf32, cuda_graph)
    threads = threads or _usable_cores()
    operations = 8 * batch_size * hidden_size**2  # of a time step's recurrent product
    fused = operations >= COMPILED and numba_is_installed()
    strategy = "fused" if fused else "reference"
    shards = min(threads, batch_size // ROWS) if fused else 1
    if shards > 1:
        return Plan(strategy, shards, shards, device)
    return Plan(strategy, threads if operations >= SHARED else 1, 1, device)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
