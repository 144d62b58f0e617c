"""A training step neither waits for the GPU nor takes memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np

from trainer.backend import Backend
from trainer.config import Config
from trainer.errors import RunFailed
from trainer.gpu_check.check import Finding
from trainer.gpu_check.gpu import Gpu, take_step
from trainer.training.learner import Learner
from trainer.training.memory import describe_bytes, training_bytes
from trainer.training.timing import SYMBOLS, make_config

WARM_UP, STEPS, QUICK_STEPS = 4, 100, 20
STEPS_AHEAD = 2
"""Steps begun while none can end: the third would rightly wait for pinned memory of the first."""
LOOKS = 2_000_000
"""How often a GPU that is held looks whether it is released before it gives up: for seconds."""
SPARE = 4 << 20
"""Bytes that others may take on the GPU while it is checked."""

EAGER_AND_GRAPH = (("eager", False), ("graph", True))

_HOLD = r"""
extern "C" __global__ void hold(volatile int* released, int* seen, long long looks)
{
    while (looks-- > 0 && !*released)
        ;
    *seen = *released;
}
"""


@contextmanager
def held(backend: Backend) -> Iterator[None]:
    """Have the GPU do nothing of what it is asked in the block until the block has ended.

    It waits for a number of the host's to change, but not for ever: if the block waits for the GPU,
    the GPU gives up.

    Raises:
        RunFailed: It gave up.
    """
    xp = backend.xp
    memory = xp.cuda.alloc_pinned_memory(8)  # which a GPU reads and writes where it is
    numbers = np.frombuffer(memory, np.int32, 2)
    kernel = xp.RawKernel(_HOLD, "hold")

    def launch(looks: int) -> None:
        numbers[:] = 0
        kernel((1,), (1,), (memory.ptr, memory.ptr + 4, looks))

    launch(0)  # compiles it
    backend.synchronize()
    launch(LOOKS)
    try:
        yield
    finally:
        numbers[0] = 1
        backend.synchronize()
    if not numbers[1]:
        raise RunFailed("the host waited for the GPU within a training step")


def no_wait(gpu: Gpu) -> Finding:
    """Begin steps while the GPU is held."""
    H, T, B = gpu.size((256, 10, 50), (9, 4, 3))  # few enough launches to be queued
    milliseconds = {}
    for name, cuda_graph in EAGER_AND_GRAPH:
        backend = gpu.start(cuda_graph=cuda_graph)
        config = _config(H, T, B)
        learner = _warm(backend, config)
        with held(backend):
            start = time.perf_counter()
            for step in range(STEPS_AHEAD):
                take_step(learner, config, step)
            milliseconds[name] = 1000 * (time.perf_counter() - start)
    told = ", ".join(f"{name} in {ms:.1f} ms" for name, ms in milliseconds.items())
    return Finding(
        f"{STEPS_AHEAD} steps begun while the GPU stood still, {told}",
        {"milliseconds": milliseconds},
    )


def flat_memory(gpu: Gpu) -> Finding:
    """Do steps that may not ask for memory, and look how much the GPU has left."""
    config, facts = _config(*gpu.size((256, 50, 50), (9, 4, 3))), dict[str, int]()
    steps = gpu.size(STEPS, QUICK_STEPS)
    for name, cuda_graph in EAGER_AND_GRAPH:
        backend = gpu.start(cuda_graph=cuda_graph)
        cuda, pool = backend.xp.cuda, backend.xp.get_default_memory_pool()
        learner = _warm(backend, config)
        held_before, free_before = pool.total_bytes(), cuda.runtime.memGetInfo()[0]
        with cuda.using_allocator(_refuse_memory):
            for step in range(steps):
                take_step(learner, config, step)
        backend.synchronize()
        taken = free_before - cuda.runtime.memGetInfo()[0]
        if pool.total_bytes() > held_before or taken > SPARE:
            raise RunFailed(
                f"{name}: within {steps} steps, {describe_bytes(taken)} were taken on the GPU, "
                f"{describe_bytes(pool.total_bytes() - held_before)} of them by arrays"
            )
        facts[name] = pool.used_bytes()
        del learner
    facts["by_formula"] = sum(training_bytes(config, SYMBOLS, gpu.plan).values())
    return Finding(
        f"nothing taken in {steps} steps, eager and graph; in use are "
        f"{describe_bytes(facts['eager'])}, "
        f"by formula {describe_bytes(facts['by_formula'])}",
        {"bytes": facts, "steps": steps},
    )


def _config(H: int, T: int, B: int) -> Config:
    return make_config(
        model={"hidden_size": H, "dropout": 0.2},
        training={"batch_size": B, "sequence_length": T},
    )


def _warm(backend: Backend, config: Config) -> Learner:
    """Make a learner that has done some steps, and a GPU that has nothing more to do."""
    learner = Learner(config, backend, SYMBOLS)
    for step in range(WARM_UP):
        take_step(learner, config, step)
    backend.synchronize()
    return learner


def _refuse_memory(size: int) -> NoReturn:
    raise RunFailed(f"a training step asks for memory, {size} bytes")
