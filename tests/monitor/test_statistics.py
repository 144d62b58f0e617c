import numpy as np
import pytest

from trainer.monitor.statistics import gate_statistics

H = 4


def test_each_gate_is_summarised_by_itself(backend):
    gates = np.empty((2, 1, 4 * H), np.float32)
    gates[..., :H] = [-0.95, -0.91, 0.05, 0.99]  # the candidate's bounds are -0.9 and 0.9
    gates[..., H : 2 * H] = [0.05, 0.5, 0.95, 0.91]
    gates[..., 2 * H : 3 * H] = 0.5
    gates[..., 3 * H :] = [0.09, 0.01, 0.02, 0.3]
    found = gate_statistics(backend, backend.asarray(gates))
    assert found == pytest.approx(
        {
            "candidate/mean": -0.205,
            "candidate/std": np.std([-0.95, -0.91, 0.05, 0.99]),
            "candidate/low": 0.5,
            "candidate/high": 0.25,
            "input/mean": 0.6025,
            "input/std": np.std([0.05, 0.5, 0.95, 0.91]),
            "input/low": 0.25,
            "input/high": 0.5,
            "forget/mean": 0.5,
            "forget/std": 0.0,
            "forget/low": 0.0,
            "forget/high": 0.0,
            "output/mean": 0.105,
            "output/std": np.std([0.09, 0.01, 0.02, 0.3]),
            "output/low": 0.75,
            "output/high": 0.0,
        },
        rel=1e-6,
    )
    assert all(type(number) is float for number in found.values())
