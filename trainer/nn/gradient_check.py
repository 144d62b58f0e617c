"""Compare every gradient of a model with a numeric one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from trainer.backend import Array
from trainer.nn.lstm import LSTMState
from trainer.nn.model import CharacterLSTM

if TYPE_CHECKING:
    import numpy

STEP = 1e-3
"""h of the difference quotient: its error of order h^4 is then as small as the rounding error."""
SMALL = 32
"""Arrays of at most so many numbers are checked number by number, bigger ones along directions."""
DIRECTIONS = 8


class GradientError(NamedTuple):
    """How far an array's gradient is from the numeric one.

    Attributes:
        name: the array: a parameter, "input", "state.h" or "state.c".
        size: how many numbers it holds.
        compared: how many derivatives were compared: one a number, or one a direction.
        norm: Euclidean norm of those numeric derivatives.
        error: ``||a - n|| / (||a|| + ||n||)``, 0 when both are zero.
    """

    name: str
    size: int
    compared: int
    norm: float
    error: float


def check_gradients(
    model: CharacterLSTM,
    ids: Array,
    targets: Array,
    state: LSTMState,
    generator: numpy.random.Generator,
    *,
    step: int = 0,
    resets: Array | None = None,
) -> list[GradientError]:
    """Check the gradients of all parameters, of the state before the window and of the input.

    The numeric derivative is the central difference of fourth order,
    ``(8 (E(+h) - E(-h)) - (E(+2h) - E(-2h))) / 12h``. Directions for big arrays are half the
    gradient itself and half noise: along noise alone a big array's derivative nearly vanishes.

    Args:
        model: in float64; its parameters are moved and put back.
        ids, targets: (T, B). Ids have no gradient: the input's is that of the one-hot vectors
            which they stand for.
        state: h and c (L, B, H), better not zero.
        generator: draws the directions.
        step: keys the dropout masks, the same ones every time.
        resets: (T, B), where the state is reset.

    Raises:
        ValueError: The model is not in float64.
    """
    if model.dtype != "float64":
        raise ValueError("gradients are checked in float64")

    backend = model.backend
    key, mean = backend.asarray(step, "int64"), backend.xp.zeros((), model.dtype)

    def loss(x: Array) -> float:
        logits, _ = model.forward(x, state, key, resets)
        backend.kernels.sum(model.loss.forward(logits, targets), 1 / targets.size, out=mean)
        return float(mean)

    loss(ids)
    _, dstate = model.backward(model.loss.backward())
    pairs = [(name, *model.parameters[name]) for name in model.parameters]
    pairs += [("state.h", state.h, dstate.h), ("state.c", state.c, dstate.c)]
    pairs = [(name, value, gradient.copy()) for name, value, gradient in pairs]
    errors = [
        _check_array(model, name, value, gradient, lambda: loss(ids), generator)
        for name, value, gradient in pairs
    ]

    vectors = backend.xp.eye(model.vocabulary_size)[ids]
    loss(vectors)
    dx, _ = model.backward(model.loss.backward())
    assert dx is not None  # vectors have a gradient, unlike ids
    gradient = dx.copy()
    return [
        *errors,
        _check_array(model, "input", vectors, gradient, lambda: loss(vectors), generator),
    ]


def _check_array(
    model: CharacterLSTM,
    name: str,
    value: Array,
    gradient: Array,
    loss: Callable[[], float],
    generator: numpy.random.Generator,
) -> GradientError:
    xp = model.backend.xp
    if value.size <= SMALL:
        directions = list(xp.eye(value.size).reshape(value.size, *value.shape))
    else:
        length = max(float(xp.sqrt((gradient * gradient).sum())), 1e-30)
        along = gradient / length
        noise = (generator.standard_normal(value.shape) for _ in range(DIRECTIONS))
        directions = [along + model.backend.asarray(n) * value.size**-0.5 for n in noise]

    before = value.copy()

    def moved(direction: Array, distance: float) -> float:
        value[...] = before + distance * direction
        return loss()

    numeric, analytic = [], []
    for d in directions:
        near = moved(d, STEP) - moved(d, -STEP)
        far = moved(d, 2 * STEP) - moved(d, -2 * STEP)
        numeric.append((8 * near - far) / (12 * STEP))
        analytic.append(float((gradient * d).sum()))
    value[...] = before

    n, a = _norm(numeric), _norm(analytic)
    difference = _norm([p - q for p, q in zip(analytic, numeric, strict=True)])
    error = difference / (a + n) if a + n > 0 else 0.0
    return GradientError(name, value.size, len(numeric), n, error)


def _norm(numbers: list[float]) -> float:
    return float(sum(number * number for number in numbers) ** 0.5)
