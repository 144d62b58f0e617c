"""How long the host takes to ask a GPU for a training step: the device does nothing meanwhile.

PYTHONPATH=tests/cuda_on_cpu python tests/cuda_on_cpu/host_time.py
"""

from __future__ import annotations

import time

import numpy as np
import stand_in

ROUNDS = 200
V, H, B = 65, 8, 4  # no matter: nothing is computed


def microseconds(length: int, layers: int, cuda_graph: bool) -> float:
    """Return the shortest time of many steps."""
    from trainer.backend.cuda import CudaBackend
    from trainer.config import config_from_mapping
    from trainer.training.learner import Learner

    config = config_from_mapping(
        {
            "name": "host_time",
            "corpus": {"path": "none"},
            "model": {"hidden_size": H, "num_layers": layers},
            "training": {"batch_size": B, "sequence_length": length, "steps": 1},
        },
        "host_time",
    )
    learner = Learner(config, CudaBackend(0, cuda_graph=cuda_graph), V)
    x, y = np.random.default_rng(0).integers(0, V, (2, length, B)).astype(np.int32)
    for step in range(3):  # compile, allocate, record
        learner.step(x, y, step=step, learning_rate=0.1)
    stand_in.drop(True)
    shortest = float("inf")
    for step in range(ROUNDS):
        start = time.perf_counter()
        learner.step(x, y, step=step, learning_rate=0.1)
        shortest = min(shortest, time.perf_counter() - start)
    stand_in.drop(False)
    return 1e6 * shortest


if __name__ == "__main__":
    stand_in.activate()
    for layers in (1, 2):
        half, whole = (microseconds(length, layers, cuda_graph=False) for length in (50, 100))
        each = (whole - half) / (50 * layers)
        besides = half - 50 * layers * each
        replay = microseconds(100, layers, cuda_graph=True)
        print(
            f"{layers} layers: {each:.1f} us for each layer and time step, forward and backward, "
            f"{besides:.0f} us besides; {replay:.1f} us for a recorded step"
        )
