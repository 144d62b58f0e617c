import pytest

from trainer.builder import build_corpus
from trainer.config import load_config
from trainer.runs.folder import RunFolder
from trainer.training.loop import Training
from trainer.training.range_test import RangeTest, growing_rates, run_range_test


def test_rates_grow_by_the_same_factor():
    assert growing_rates(1e-2, 1e2, 5) == pytest.approx([0.01, 0.1, 1, 10, 100])


def test_one_rate_all_the_time_is_the_training_itself(project, plan, monkeypatch):
    """Through the borders of epochs, with dropout: 40 steps, 17 an epoch."""
    monkeypatch.chdir(project.path)
    config = load_config(project.config, ["schedule.name=constant"])
    corpus, folder = build_corpus(config.corpus), RunFolder(project.path)
    tested, trained = (Training(config, corpus, folder, plan) for _ in range(2))
    ticks = []
    test = run_range_test(tested.learner, tested.batches, [1.0] * 40, ticks.append)
    assert test.ended_by is None
    assert ticks == test.losses

    losses = []
    for step in range(40):
        trained.counters.step = step
        losses.append(float(trained.learn()[0]))
    for n in (1, 2, 18, 40):  # weights fall by 0.9 for each step further back
        weights = [0.9 ** (n - 1 - k) for k in range(n)]
        mean = sum(w * loss for w, loss in zip(weights, losses, strict=False)) / sum(weights)
        assert test.losses[n - 1] == pytest.approx(mean, rel=1e-6)


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_lowest_loss():
    test = RangeTest([0.1, 1.0, 23.456, 100.0], [3.0, 2.5, 2.0, 2.3])
    assert test.lowest == 2
    assert test.fell
    assert test.rose
    assert test.suggestion == 2.3


def test_without_a_fall_there_is_none():
    test = RangeTest([0.1, 1.0, 10.0], [3.0, 2.98, 4.0])
    assert not test.fell
    assert test.rose
    assert test.suggestion is None


def test_a_test_that_ended_early_has_risen():
    assert not RangeTest([0.1, 1.0], [3.0, 2.0]).rose
    assert RangeTest([0.1, 1.0], [3.0, 2.0], "no longer finite").rose
