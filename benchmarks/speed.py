"""Time one training step: this trainer, PyTorch, and the matrix products alone.

    python benchmarks/speed.py
    python benchmarks/speed.py --sizes 128/2/50/50 128/2/50/50/4447 --threads 1 --rounds 9
    python benchmarks/speed.py --device gpu --rounds 3

A step is forward, loss, backward, clipping to norm 1 and SGD with momentum 0.9, on random symbols.
PyTorch runs the same model twice: fed one-hot vectors as ours, and with an embedding of H numbers,
as most of its users write it. The products alone are those that no implementation can avoid; what
is above them is what an implementation adds.

On a GPU all is in float32 without TF32, PyTorch's LSTM is cuDNN's, and ours is measured step by
step and as a CUDA graph. PyTorch's symbols are on the GPU already, ours come there in each step.

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
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from threadpoolctl import threadpool_limits

from trainer.backend import Plan, create_backend, make_plan
from trainer.backend.device import Device, choose_device
from trainer.errors import UserError
from trainer.training.timing import (
    CLIP_NORM,
    LEARNING_RATE,
    MOMENTUM,
    SIZES,
    Size,
    Work,
    products_step,
    symbols,
    time_step,
    trainer_step,
)

CPU_SIZES = SIZES[:5]
SECONDS, STEPS = 1.0, 3  # a measurement takes at least this long and, on a CPU, this many steps

Waiting = tuple[Work, Callable[[], object]]  # a step, and what waits for the GPU


def trainer_on_cpu(size: Size, threads: int) -> Work:
    plan = make_plan(size.B, size.H, threads)
    threadpool_limits(plan.threads if plan.shards == 1 else 1)
    return trainer_step(size, plan.start(), plan.shards)


def products_on_cpu(size: Size, threads: int) -> Work:
    threadpool_limits(threads)
    return products_step(size, create_backend())


def torch_on_cpu(size: Size, threads: int, *, embed: bool) -> Work:
    import torch

    torch.set_num_threads(threads)
    return torch_step(size, "cpu", embed=embed)


def trainer_on_gpu(size: Size, device: Device, *, cuda_graph: bool) -> Waiting:
    backend = Plan("cuda", 1, 1, device, cuda_graph=cuda_graph).start()
    return trainer_step(size, backend), backend.synchronize


def products_on_gpu(size: Size, device: Device) -> Waiting:
    backend = Plan("cuda", 1, 1, device, cuda_graph=True).start()  # so that no host slows them
    return products_step(size, backend), backend.synchronize


def torch_on_gpu(size: Size, device: Device, *, embed: bool) -> Waiting:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False  # which is allowed unless one says so
    torch.cuda.set_device(device.index)
    return torch_step(size, "cuda", embed=embed), torch.cuda.synchronize


def torch_step(size: Size, device: str, *, embed: bool) -> Work:
    """Prepare a step of PyTorch."""
    import torch
    from torch import nn

    H, L, _, _, V = size
    embedding, output = nn.Embedding(V, H), nn.Linear(H, V)
    lstm = nn.LSTM(H if embed else V, H, L)
    modules = nn.ModuleList([embedding, lstm, output] if embed else [lstm, output]).to(device)
    optimizer = torch.optim.SGD(modules.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    state = None
    x, y = torch.from_numpy(symbols(size)).long().to(device)

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


ON_CPU: dict[str, Callable[[Size, int], Work]] = {
    "trainer": trainer_on_cpu,
    "PyTorch, one-hot": lambda size, threads: torch_on_cpu(size, threads, embed=False),
    "PyTorch, embedding": lambda size, threads: torch_on_cpu(size, threads, embed=True),
    "products alone": products_on_cpu,
}
ON_GPU: dict[str, Callable[[Size, Device], Waiting]] = {
    "trainer": lambda size, device: trainer_on_gpu(size, device, cuda_graph=False),
    "trainer, graph": lambda size, device: trainer_on_gpu(size, device, cuda_graph=True),
    "PyTorch, one-hot": lambda size, device: torch_on_gpu(size, device, embed=False),
    "PyTorch, embedding": lambda size, device: torch_on_gpu(size, device, embed=True),
    "products alone": products_on_gpu,
}


def measure(system: str, size: str, threads: int, device: Device) -> float:
    """Return the median time of a step in milliseconds, the first not counted."""
    if device.index is not None:
        on_gpu, synchronize = ON_GPU[system](Size.parse(size), device)
        return time_step(on_gpu, synchronize, SECONDS).step
    step = ON_CPU[system](Size.parse(size), threads)
    step()
    times: list[float] = []
    while len(times) < STEPS or sum(times) < SECONDS:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def machine(threads: int, device: Device, packages: list[str]) -> str:
    """Describe what the figures hold for."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    on_gpu = device.index is not None
    return (
        f"{f'{device.name}; ' if on_gpu else ''}"
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"
        f"{'' if on_gpu else f', {threads} threads'}; "
        f"Python {platform.python_version()}, {versions}."
    )


def why_without_torch(device: Device) -> str:
    """Say why PyTorch cannot be measured; nothing if it can."""
    if find_spec("torch") is None:
        return "PyTorch is not installed: pip install torch, to compare with it."
    if device.index is not None:
        import torch

        if not torch.cuda.is_available():
            return "This PyTorch finds no GPU: install one for CUDA, to compare with it."
    return ""


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time one training step side by side.")
    parser.add_argument(
        "--device", default="cpu", help="cpu (default), gpu, or gpu:1 by its number"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each, on the CPU")
    parser.add_argument("--sizes", nargs="+", metavar="H/L/B/T[/V]")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each system")
    parser.add_argument("--without-torch", action="store_true", help="leave PyTorch out")
    arguments = parser.parse_args()
    try:
        threads, device = arguments.threads, choose_device(arguments.device)
    except UserError as error:
        parser.error(str(error))
    on_gpu = device.index is not None

    missing = why_without_torch(device)
    with_torch = not missing and not arguments.without_torch
    systems = [n for n in (ON_GPU if on_gpu else ON_CPU) if with_torch or "PyTorch" not in n]
    ours = ["numpy", *packages_distributions()["cupy"]] if on_gpu else ["numpy", "numba"]
    print(machine(threads, device, [*ours, *(["torch"] if with_torch else [])]))
    print(f"Milliseconds a step, medians of {arguments.rounds} rounds.")
    print(f"{missing}\n" if missing else "")
    columns = [*"HLBTV", *systems, *(["faster PyTorch / trainer"] if with_torch else [])]
    print(row(columns), row(["---:"] * len(columns)), sep="\n", flush=True)

    # One worker, and a new one for each task: one process at a time.
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for size in arguments.sizes or (SIZES if on_gpu else CPU_SIZES):
            times: dict[str, list[float]] = {system: [] for system in systems}
            for _ in range(arguments.rounds):
                for system in systems:
                    times[system].append(pool.apply(measure, (system, size, threads, device)))
            medians = {system: statistics.median(times[system]) for system in systems}
            digits = 3 if on_gpu else 1
            cells = [
                *map(str, Size.parse(size)),
                *(f"{median:.{digits}f}" for median in medians.values()),
            ]
            if with_torch:
                rival, best = (
                    min(median for system, median in medians.items() if word in system)
                    for word in ("PyTorch", "trainer")
                )
                cells.append(f"{rival / best:.2f}")
            print(row(cells), flush=True)


if __name__ == "__main__":
    main()
