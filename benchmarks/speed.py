"""Time one training step: this trainer, PyTorch, and the matrix products alone.

    python benchmarks/speed.py
    python benchmarks/speed.py --sizes 128/2/50/50 128/2/50/50/4447 --threads 1 --rounds 9

A step is forward, loss, backward, clipping to norm 1 and SGD with momentum 0.9, on random symbols.
PyTorch runs the same model twice: fed one-hot vectors as ours, and with an embedding of H numbers,
as most of its users write it. The products alone are those that no implementation can avoid; what
is above them is what an implementation adds.

Each measurement has a process of its own, and the systems take turns: threads that one leaves
spinning cannot slow another, and what else the machine does hits all alike. PyTorch is no part of
the project: pip install torch.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from trainer.backend import make_plan
from trainer.config import config_from_mapping
from trainer.learner import Learner

VOCABULARY = 65  # symbols where a size does not say, as in tinyshakespeare
LEARNING_RATE, MOMENTUM, CLIP_NORM = 0.1, 0.9, 1.0
SECONDS, STEPS = 1.0, 3  # a measurement takes at least this long and this many steps

Step = Callable[[], object]
Size = tuple[int, int, int, int, int]  # H, L, B, T, V: hidden size, layers, batch, window, symbols
SIZES = "64/1/100/100 128/1/50/50 128/2/50/50 256/2/50/50 512/2/50/50"


def parse(size: str) -> Size:
    """Read a size: H/L/B/T or H/L/B/T/V."""
    H, L, B, T, V = (*map(int, size.split("/")), VOCABULARY)[:5]
    return H, L, B, T, V


def symbols(B: int, T: int, V: int) -> np.ndarray:
    """Draw input and target ids (2, T, B)."""
    return np.random.default_rng(0).integers(0, V, (2, T, B))


def trainer_step(size: Size, threads: int) -> Step:
    """Prepare a step of this trainer."""
    H, L, B, T, V = size
    config = config_from_mapping(
        {
            "name": "speed",
            "corpus": {"path": "none"},
            "model": {"hidden_size": H, "num_layers": L},
            "training": {"batch_size": B, "sequence_length": T, "steps": 1},
            "optimizer": {"momentum": MOMENTUM, "clip_norm": CLIP_NORM},
        },
        "speed",
    )
    plan = make_plan(B, H, threads)
    learner = Learner(config, plan.start(), V, plan.parts)
    x, y = symbols(B, T, V).astype(np.int32)
    return lambda: learner.step(x, y, step=0, learning_rate=LEARNING_RATE)


def torch_step(size: Size, threads: int, *, embed: bool) -> Step:
    """Prepare a step of PyTorch."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    H, L, B, T, V = size
    embedding, output = nn.Embedding(V, H), nn.Linear(H, V)
    lstm = nn.LSTM(H if embed else V, H, L)
    modules = nn.ModuleList([embedding, lstm, output] if embed else [lstm, output])
    optimizer = torch.optim.SGD(modules.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    state = None
    x, y = torch.from_numpy(symbols(B, T, V))

    def step() -> None:
        nonlocal state
        h, after = lstm(embedding(x) if embed else nn.functional.one_hot(x, V).float(), state)
        state = tuple(array.detach() for array in after)
        loss = nn.functional.cross_entropy(output(h).reshape(-1, V), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(modules.parameters(), CLIP_NORM)
        optimizer.step()

    return step


def products_step(size: Size, threads: int) -> Step:
    """Prepare the products of a step; one-hot input needs none, a gather of rows does."""
    threadpool_limits(threads)
    H, L, B, T, V = size
    products = [  # how often, rows, inner length, columns
        (L * T, B, H, 4 * H),  # h U
        (L * T, B, 4 * H, H),  # dz U'
        (L, H, T * B, 4 * H),  # dU
        (L - 1, T * B, H, 4 * H),  # h W, above the first layer
        (L - 1, T * B, 4 * H, H),  # dz W'
        (L - 1, H, T * B, 4 * H),  # dW
        (1, T * B, H, V),  # the same of the output
        (1, T * B, V, H),
        (1, H, T * B, V),
    ]

    def array(*shape: int) -> np.ndarray:
        return np.full(shape, 0.01, np.float32)

    operands = [(times, array(m, k), array(k, n), array(m, n)) for times, m, k, n in products]

    def step() -> None:
        for times, left, right, out in operands:
            for _ in range(times):
                np.dot(left, right, out=out)

    return step


SYSTEMS: dict[str, Callable[[Size, int], Step]] = {
    "trainer": trainer_step,
    "PyTorch, one-hot": lambda size, threads: torch_step(size, threads, embed=False),
    "PyTorch, embedding": lambda size, threads: torch_step(size, threads, embed=True),
    "products alone": products_step,
}


def measure(system: str, size: str, threads: int) -> float:
    """Return the median time of a step in milliseconds, the first one not counted."""
    step = SYSTEMS[system](parse(size), threads)
    step()
    times: list[float] = []
    while len(times) < STEPS or sum(times) < SECONDS:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def machine(threads: int, packages: list[str]) -> str:
    """Describe what the figures hold for."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {threads} threads; "
        f"Python {platform.python_version()}, {versions}."
    )


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time one training step side by side.")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each system")
    parser.add_argument("--sizes", nargs="+", default=SIZES.split(), metavar="H/L/B/T[/V]")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each system")
    parser.add_argument("--without-torch", action="store_true", help="leave PyTorch out")
    arguments = parser.parse_args()
    threads = arguments.threads

    installed = find_spec("torch") is not None
    with_torch = installed and not arguments.without_torch
    systems = [name for name in SYSTEMS if with_torch or "PyTorch" not in name]
    print(machine(threads, ["numpy", "numba", *(["torch"] if with_torch else [])]))
    print(f"Milliseconds a step, medians of {arguments.rounds} rounds.")
    print("" if installed else "PyTorch is not installed: pip install torch, to compare with it.\n")
    columns = [*"HLBTV", *systems, *(["faster PyTorch / trainer"] if with_torch else [])]
    print(row(columns), row(["---:"] * len(columns)), sep="\n", flush=True)

    # One worker, and a new one for each task: one process at a time.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for size in arguments.sizes:
            times: dict[str, list[float]] = {system: [] for system in systems}
            for _ in range(arguments.rounds):
                for system in systems:
                    times[system].append(pool.apply(measure, (system, size, threads)))
            medians = {system: statistics.median(times[system]) for system in systems}
            cells = [*map(str, parse(size)), *(f"{median:.1f}" for median in medians.values())]
            if with_torch:
                rival = min(median for system, median in medians.items() if "PyTorch" in system)
                cells.append(f"{rival / medians['trainer']:.2f}")
            print(row(cells), flush=True)


if __name__ == "__main__":
    main()
