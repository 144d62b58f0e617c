"""A whole model against NumPy in float64: forward, gradients, training; and numeric gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainer.backend import ONE_THREAD
from trainer.builder import build_model
from trainer.config import Config
from trainer.gpu_check.check import Finding, judge
from trainer.gpu_check.gpu import SYMBOLS, Gpu, difference, make_config, trained, window
from trainer.nn import CharacterLSTM, LSTMState, check_gradients

MODEL_TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
"""Largest error, in shares of the largest number of an array."""
STEPS_TOLERANCE = {"float64": 1e-9, "float32": 1e-3}
"""The same, after errors have grown for some steps."""
NUMERIC_TOLERANCE = 1e-6
"""As `check-gradients` has it."""
STEPS, QUICK_STEPS = 50, 15


def model(gpu: Gpu, dtype: str) -> Finding:
    """Compare a pass forward and back, from one-hot input and from an embedding."""
    errors = dict[str, float]()
    for kind, embedding_size in (("one-hot", None), ("embedding", gpu.size(100, 7))):
        config, exact = (_config(gpu, d, embedding_size=embedding_size) for d in (dtype, "float64"))
        on_gpu = build_model(config, gpu.start(), SYMBOLS)
        on_gpu.initialise(np.random.default_rng(1))
        on_cpu = build_model(exact, ONE_THREAD.start(), SYMBOLS)
        for name in on_cpu.parameters:
            values = on_gpu.backend.to_host(on_gpu.parameters[name].value)
            on_cpu.parameters[name].value[...] = values
        expected = _pass(on_cpu, config)
        for name, array in _pass(on_gpu, config).items():
            errors[f"{name}, {kind}"] = difference(array, expected[name])
    return judge(errors, MODEL_TOLERANCE[dtype], "arrays")


def gradients(gpu: Gpu) -> Finding:
    """Compare the gradients of a small model with numeric ones."""
    backend, errors = gpu.start(), dict[str, float]()
    for kind, embedding_size in (("one-hot", None), ("embedding", 5)):
        config = make_config(
            model={"hidden_size": 9, "embedding_size": embedding_size, "dropout": 0.3},
            training={"batch_size": 2, "sequence_length": 3},
            backend={"dtype": "float64"},
        )
        rng = np.random.default_rng(3)
        model = build_model(config, backend, SYMBOLS)
        model.initialise(rng)
        x, y, state, resets = _inputs(model, config, rng)
        for found in check_gradients(model, x, y, state, rng, resets=resets):
            errors[f"{found.name}, {kind}"] = found.error
    return judge(errors, NUMERIC_TOLERANCE, "arrays")


def training(gpu: Gpu, dtype: str) -> Finding:
    """Train side by side: with each optimizer, or in float32 with one."""
    steps, errors = gpu.size(STEPS, QUICK_STEPS), dict[str, float]()
    for optimizer in ("sgd", "rmsprop", "adam") if dtype == "float64" else ("sgd",):
        config, exact = (_config(gpu, d, optimizer=optimizer) for d in (dtype, "float64"))
        losses, arrays = trained(gpu.start(), config, steps)
        expected_losses, expected = trained(ONE_THREAD.start(), exact, steps)
        errors[f"losses, {optimizer}"] = difference(losses, expected_losses)
        for name, array in arrays.items():
            errors[f"{name}, {optimizer}"] = difference(array, expected[name])
    return judge(errors, STEPS_TOLERANCE[dtype], f"arrays and losses of {steps} steps")


def _config(
    gpu: Gpu, dtype: str, *, embedding_size: int | None = None, optimizer: str = "sgd"
) -> Config:
    H, T, B = gpu.size((200, 30, 40), (9, 4, 3))
    return make_config(
        model={"hidden_size": H, "embedding_size": embedding_size, "dropout": 0.2},
        training={"batch_size": B, "sequence_length": T},
        optimizer={"name": optimizer, "weight_decay": 1e-3},
        backend={"dtype": dtype},
    )


def _inputs(
    model: CharacterLSTM, config: Config, rng: np.random.Generator
) -> tuple[Any, Any, LSTMState, Any]:
    """Draw ids, targets, a state that is not zero, and resets."""
    asarray = model.backend.asarray
    x, y = window(config, 0)
    shape = model.num_layers, config.training.batch_size, model.hidden_size
    h, c = rng.standard_normal((2, *shape))
    state = LSTMState(asarray(h, model.dtype), asarray(c, model.dtype))
    return asarray(x), asarray(y), state, asarray(rng.random(x.shape) < 0.2)


def _pass(model: CharacterLSTM, config: Config) -> dict[str, Any]:
    """Go forward and back once; return all that comes of it, on the host."""
    found = dict[str, Any]()

    def keep(**arrays: Any) -> None:
        found.update({name: np.array(model.backend.to_host(a)) for name, a in arrays.items()})

    x, y, state, resets = _inputs(model, config, np.random.default_rng(2))
    step = model.backend.asarray(3, "int64")
    logits, after = model.forward(x, state, step, resets)
    keep(logits=logits, h=after.h, c=after.c)
    keep(losses=model.loss.forward(logits, y))
    _, before = model.backward(model.loss.backward())
    keep(dh=before.h, dc=before.c)
    keep(**{f"d {name}": model.parameters[name].gradient for name in model.parameters})
    return found
