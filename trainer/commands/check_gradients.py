"""Compare every gradient of a configuration's model with a numeric one."""

from __future__ import annotations

from argparse import Namespace

import numpy as np

from trainer import terminal
from trainer.backend import Plan
from trainer.builder import build_corpus, build_model
from trainer.config import Config, load_config
from trainer.nn import GradientError, LSTMState, check_gradients
from trainer.training.resources import Workload, new_plan

TOLERANCE = 1e-6
T, B = 4, 3  # a window small enough to be quick; every line of the backward pass runs all the same


def run(arguments: Namespace) -> int:
    """Check and print a table; the exit status is 1 if a gradient is wrong."""
    config = load_config(arguments.config, arguments.overrides)
    config = config.model_copy(
        update={"backend": config.backend.model_copy(update={"dtype": "float64"})}
    )
    corpus = build_corpus(config.corpus)
    plan = new_plan(config)  # the kernels that this configuration would train with
    if plan.device.note is not None:
        terminal.note(f"computes on the CPU: {plan.device.note}")
    workload = Workload(config, len(corpus.vocabulary), plan)
    with plan.limit_threads(), workload.explain_failures():
        errors = _compare(config, plan, len(corpus.vocabulary))

    rows = [("array", "numbers", "compared", "gradient", "error", "")]
    for error in errors:
        mark = "" if error.error <= TOLERANCE else "WRONG"
        norm, relative = f"{error.norm:.2e}", f"{error.error:.1e}"
        rows.append((error.name, f"{error.size:,}", str(error.compared), norm, relative, mark))
    terminal.write_lines(terminal.table(rows, "<>>><<"))
    wrong = [error.name for error in errors if not error.error <= TOLERANCE]
    verdict = f"wrong: {', '.join(wrong)}" if wrong else "all gradients are right"
    terminal.write_lines([f"{verdict} (error ||a - n|| / (||a|| + ||n||), at most {TOLERANCE:g})"])
    return 1 if wrong else 0


def _compare(config: Config, plan: Plan, vocabulary_size: int) -> list[GradientError]:
    """Compare the gradients of a small window with random contents."""
    backend = plan.start()
    model = build_model(config, backend, vocabulary_size)
    generator = np.random.default_rng(config.training.seed)
    model.initialise(generator, config.model.forget_bias)
    shape = (config.model.num_layers, B, config.model.hidden_size)
    state = LSTMState(*(backend.asarray(generator.standard_normal(shape)) for _ in range(2)))
    ids, targets = (
        backend.asarray(generator.integers(0, vocabulary_size, (T, B), np.int32)) for _ in range(2)
    )
    return check_gradients(model, ids, targets, state, generator)
