"""How fast a training step is on the GPU, beside its matrix products alone."""

from __future__ import annotations

from trainer.gpu_check.check import Finding
from trainer.gpu_check.gpu import Gpu
from trainer.training.timing import Size, products_step, time_step, trainer_step

QUICK_SIZES = ["8/1/3/4", "8/2/3/4"]
SECONDS, QUICK_SECONDS = 1.0, 0.02
"""How long steps are timed at least."""


def speed(gpu: Gpu, size: str) -> Finding:
    """Time steps eagerly and as a graph, and their products alone, in float32 without TF32."""
    sizes, seconds = Size.parse(size), gpu.size(SECONDS, QUICK_SECONDS)
    eager, graph = gpu.start(), gpu.start(cuda_graph=True)
    steps = {
        "eager": trainer_step(sizes, eager),
        "graph": trainer_step(sizes, graph),
        "products": products_step(sizes, graph),
    }
    found = {name: time_step(step, eager.synchronize, seconds) for name, step in steps.items()}
    characters = {name: 1000 * sizes.B * sizes.T / timing.step for name, timing in found.items()}
    told = ", ".join(
        f"{name} {found[name].step:.2f} (host {found[name].host:.2f}; "
        f"{characters[name]:,.0f} characters/s)"
        for name in ("eager", "graph")
    )
    facts = {
        name: {**timing._asdict(), "characters_per_second": characters[name]}
        for name, timing in found.items()
    }
    return Finding(f"ms a step: {told}, products alone {found['products'].step:.2f}", facts)
