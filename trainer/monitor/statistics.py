"""The inside of a gate in four numbers."""

from __future__ import annotations

from trainer.backend import Array, Backend
from trainer.nn.lstm import GATES


def gate_statistics(backend: Backend, gates: Array) -> dict[str, float]:
    """Summarise the gates of a layer over a window, all units, sequences and steps together.

    Saturation is the share of values beyond 0.1 and 0.9, where a sigmoid has nearly stopped to
    learn; the candidate is a tanh with the range -1 to 1, so its bounds are -0.9 and 0.9.

    Args:
        gates: a | i | f | o (T, B, 4H), as `LSTMLayer.gates`.

    Returns:
        mean, std, low (share below the lower bound) and high (above the upper one) of each gate,
        under names such as "forget/mean".
    """
    xp, H = backend.xp, gates.shape[-1] // len(GATES)
    numbers = {}
    for k, name in enumerate(GATES):
        gate = gates[..., k * H : (k + 1) * H]
        lower = -0.9 if name == "candidate" else 0.1
        numbers[f"{name}/mean"] = gate.mean()
        numbers[f"{name}/std"] = gate.std()
        numbers[f"{name}/low"] = (gate < lower).mean()
        numbers[f"{name}/high"] = (gate > 0.9).mean()
    values = backend.to_host(xp.stack([xp.asarray(n, "float64") for n in numbers.values()]))
    return dict(zip(numbers, values.tolist(), strict=True))
