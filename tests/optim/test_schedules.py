import math
import random

import pytest

from trainer.optim import Plateau, Schedule


def factors(schedule, epoch=0):
    return [schedule.share(progress, epoch) for progress in (0.0, 0.25, 0.5, 1.0)]


def test_constant():
    assert factors(Schedule()) == [1, 1, 1, 1]


def test_linear():
    assert factors(Schedule("linear")) == [1, 0.75, 0.5, 0]
    assert factors(Schedule("linear", end_factor=0.2)) == pytest.approx([1, 0.8, 0.6, 0.2])


def test_cosine():
    assert factors(Schedule("cosine")) == pytest.approx([1, 0.8535533905932737, 0.5, 0])
    assert factors(Schedule("cosine", end_factor=0.5))[2:] == pytest.approx([0.75, 0.5])


def test_exponential_starts_with_the_epoch_after_the_given_one():
    schedule = Schedule("exponential", gamma=0.5, after=10)
    by_epoch = {epoch: schedule.share(0.3, epoch - 1) for epoch in (1, 10, 11, 13)}
    assert by_epoch == {1: 1, 10: 1, 11: 0.5, 13: 0.125}


def test_step_falls_after_every_so_many_epochs():
    schedule = Schedule("step", gamma=0.5, step_size=3)
    by_epoch = [schedule.share(0.3, epoch) for epoch in range(7)]  # epochs before this one
    assert by_epoch == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "exponential", "step"])
def test_warmup_rises_to_the_start_of_the_schedule(name):
    schedule = Schedule(name, warmup=0.5)
    assert factors(schedule)[:3] == [0, 0.5, 1]
    assert schedule.share(0.75, 0) == pytest.approx({"linear": 0.5, "cosine": 0.5}.get(name, 1))


def test_past_the_end_the_factor_stays():
    assert Schedule("linear", end_factor=0.1).share(1.2, 0) == pytest.approx(0.1)


def reduce_lr_on_plateau(losses, *, factor, patience, threshold, min_lr):
    """The algorithm of torch.optim.lr_scheduler.ReduceLROnPlateau (mode min, no cooldown)."""
    rate, best, bad, rates = 1.0, math.inf, 0, []
    for loss in losses:
        if loss < best * (1 - threshold):
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(rate * factor, min_lr), 0
        rates.append(rate)
    return rates


@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("end_factor", [0.0, 0.3])
def test_a_plateau_falls_as_that_of_pytorch(patience, end_factor):
    draw = random.Random(patience)
    losses = [2.0 + draw.random() * (1 + 1 / (n + 1)) for n in range(60)]
    schedule = Schedule(
        "plateau", end_factor=end_factor, factor=0.5, patience=patience, threshold=0.01
    )
    plateau, found = Plateau(None, 0, 1.0), []
    for loss in losses:
        plateau = schedule.after_validation(plateau, loss)
        found.append(schedule.share(0.5, 3, plateau.scale))
    options = {"factor": 0.5, "patience": patience, "threshold": 0.01, "min_lr": end_factor}
    assert found == pytest.approx(reduce_lr_on_plateau(losses, **options))
    assert found[-1] < 1
