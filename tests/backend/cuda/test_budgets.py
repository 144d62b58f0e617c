"""Exactly what the host asks of the GPU for a step, and that memory does not grow."""

from __future__ import annotations

import gc
from contextlib import closing

import numpy as np
import pytest

from trainer.builder import build_corpus
from trainer.config import config_from_mapping, load_config
from trainer.generation.writer import generate
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.runs.folder import RunFolder
from trainer.scoring.evaluation import score
from trainer.text import Span, Vocabulary
from trainer.training.learner import Learner
from trainer.training.loop import Training

V, H, B = 7, 6, 5


class Stepping:
    """A learner that has taken some steps, and takes another of that kind when it is called."""

    def __init__(self, backend, length, *, resets=False, optimizer=None, **model):
        self.rng, self.shape, self.resets = np.random.default_rng(0), (length, B), resets
        config = config_from_mapping(
            {
                "name": "test",
                "corpus": {"path": "none"},
                "model": {"hidden_size": H, **model},
                "training": {"batch_size": B, "sequence_length": length, "steps": 1},
                "optimizer": optimizer or {},
            },
            "test",
        )
        self.learner, self.steps = Learner(config, backend, V), 0
        for _ in range(3):
            self()
        backend.synchronize()  # so that no step has to wait for memory to upload from

    def __call__(self):
        x, y = self.rng.integers(0, V, (2, *self.shape)).astype(np.int32)
        resets = self.rng.random(self.shape) < 0.3 if self.resets else None
        self.learner.step(x, y, resets, step=self.steps, learning_rate=0.1)
        self.steps += 1


OPTIONS = [
    {},
    {"bias": False},
    {"dropout": 0.3},
    {"embedding_size": 4},
    {"resets": True},
    {"embedding_size": 4, "dropout": 0.3, "resets": True},
]


def budget(L, T, *, bias=True, dropout=0.0, embedding_size=None, resets=False):
    """What a training step of L layers over T time steps takes."""
    gates, losses, output_bias, update = 2 * L * T, 3, 1, 5
    kernels = gates + losses + output_bias + update
    kernels += 2  # rows of the input's matrix are gathered, and its gradient is summed
    kernels += 2 * L  # gradients of h and c after the window are set to zero
    kernels += 2 * L * (dropout > 0)  # forward and backward
    kernels += 3 * L * resets  # they mask h before each step, and two gradients

    matrices = 1 + L - 1 + (embedding_size is not None)  # of the output, and of layers on layers
    products = 2 * L * T
    products += L  # the gradient of U
    products += 1 + L * bias  # gradients of biases, as sums
    products += 3 * matrices  # forward, the gradient of the matrix, the gradient of the input

    copies = 6 * L  # h and c: into the layer, out of it, their gradients out of it
    copies += L * resets  # h before each step
    return {
        "kernels": kernels,
        "products": products,
        "copies_on_device": copies,
        "copies_to_device": 1,
    }


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("T", [4, 7])
@pytest.mark.parametrize("L", [1, 2, 3])
def test_a_step(cuda, counts, L, T, options):
    """No other work, no waiting, and no memory, not even from CuPy's pool."""
    assert counts(Stepping(cuda, T, num_layers=L, **options)) == budget(L, T, **options)


@pytest.mark.parametrize(
    "optimizer", [{"name": "rmsprop", "momentum": 0.5}, {"name": "adam", "weight_decay": 0.1}]
)
def test_every_optimizer_is_one_kernel(cuda, counts, optimizer):
    assert counts(Stepping(cuda, 4, num_layers=2, optimizer=optimizer)) == budget(2, 4)


def test_a_recorded_step_is_one_launch(cuda, counts):
    graphs = type(cuda)(0, cuda_graph=True)
    found = counts(Stepping(graphs, 4, dropout=0.3, resets=True))
    assert found == {"graph_launches": 1, "copies_to_device": 1}


def test_a_step_that_does_not_log(cuda, counts, plan, project, monkeypatch):
    """The loop adds the loss and the norm to sums on the device, and fetches nothing."""
    monkeypatch.chdir(project.path)
    config = load_config(project.config, ["monitor.log_every=1000", "model.dropout=0"])
    folder = RunFolder(project.path / "run")
    training = Training(config, build_corpus(config.corpus), folder, plan)
    folder.create(config.to_yaml())
    with closing(Journal(folder.path, folder.metrics, None, Progress(40, "steps", 0))) as journal:
        training._journal = journal
        for _ in range(3):
            training.train_step()
        cuda.synchronize()
        step = budget(2, 8)
        assert counts(training.train_step) == {**step, "kernels": step["kernels"] + 2}


def test_memory_does_not_grow(cuda):
    """Through steps, evaluations and samples, of which the first ones take what all need."""
    pool, step = cuda.xp.get_default_memory_pool(), Stepping(cuda, 6, num_layers=2, dropout=0.3)
    model, vocabulary = step.learner.model, Vocabulary("abcdefg")
    text = Span(np.random.default_rng(1).integers(0, V, 700).astype(np.uint8))
    taken = []
    gc.collect()  # so that nothing of other tests is given back in between
    for _ in range(4):
        score(model, text)
        "".join(generate(model, vocabulary, "bad", 20))
        step()
        taken.append((pool.used_bytes(), pool.total_bytes()))
    assert taken[1:] == taken[:1] * 3
