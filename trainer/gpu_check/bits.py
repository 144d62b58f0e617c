"""The same bits: of the same training twice, and of one that is replayed as a CUDA graph."""

from __future__ import annotations

from trainer.backend import Backend
from trainer.errors import RunFailed
from trainer.gpu_check.check import Finding
from trainer.gpu_check.gpu import Gpu, make_config, trained
from trainer.runs.checkpoint import Arrays

STEPS, QUICK_STEPS = 30, 10
REPETITIONS = 5


def again(gpu: Gpu) -> Finding:
    """Train twice."""
    first = _bits(gpu, gpu.start())
    _refuse_others(_bits(gpu, gpu.start()), first, "the same training ended with other bits")
    return Finding(f"{_steps(gpu)} steps twice, all {len(first)} arrays equal", {})


def graph(gpu: Gpu) -> Finding:
    """Train eagerly and with graphs, and see that work is recorded and replayed."""
    backend = gpu.start(cuda_graph=True)
    calls, total = 0, backend.xp.zeros(())

    def work() -> None:
        nonlocal calls, total
        calls += 1
        total += 1

    for _ in range(REPETITIONS):
        backend.repeat("count", work)
    replayed = _bits(gpu, backend)
    if backend.graph_refused is not None:
        raise RunFailed(f"cannot be recorded: {backend.graph_refused}")
    if (calls, float(total)) != (2, REPETITIONS):
        raise RunFailed(
            f"work to be done {REPETITIONS} times was called {calls} times instead of twice, and "
            f"done {float(total):g} times"
        )
    _refuse_others(replayed, _bits(gpu, gpu.start()), "replayed, it ended otherwise")
    return Finding(f"recorded, replayed; {_steps(gpu)} steps to the bits of eager ones", {})


def _bits(gpu: Gpu, backend: Backend) -> Arrays:
    H, T, B = gpu.size((512, 30, 40), (9, 4, 3))
    config = make_config(
        model={"hidden_size": H, "dropout": 0.2},
        training={"batch_size": B, "sequence_length": T},
    )
    return trained(backend, config, _steps(gpu))[1]


def _steps(gpu: Gpu) -> int:
    return gpu.size(STEPS, QUICK_STEPS)


def _refuse_others(found: Arrays, expected: Arrays, otherwise: str) -> None:
    other = [name for name, array in found.items() if array.tobytes() != expected[name].tobytes()]
    if other:
        raise RunFailed(f"{otherwise}: {', '.join(other)}")
