from __future__ import annotations

import signal

import pytest
from safetensors import safe_open

ADAM = ("optimizer.name=adam", "optimizer.momentum=0", "optimizer.learning_rate=0.05")
RMSPROP = ("optimizer.name=rmsprop", "optimizer.momentum=0.5", "optimizer.learning_rate=0.01")


@pytest.mark.parametrize("options", [ADAM, RMSPROP], ids=["adam", "rmsprop"])
def test_it_learns_and_goes_on_to_the_same_bits(project, options):
    arguments = ("tiny.yaml", "optimizer.weight_decay=1e-4", *options)
    assert project.train(*arguments, "name=whole").status == 0
    rows = project.rows("whole", "train")
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.2

    assert project.train_and_signal(signal.SIGTERM, 13, *arguments).status == 130
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == project.outcome("whole")


def test_the_checkpoint_has_the_means_of_adam(project):
    assert project.train("tiny.yaml", *ADAM, "training.steps=2").status == 0
    with safe_open(project.checkpoint("tiny"), "numpy") as file:
        for slot in ("mean", "mean_square"):
            mean = file.get_tensor(f"optimizer.{slot}.lstm.1.U")
            assert mean.shape == (8, 32)
            assert mean.any()


def test_another_optimizer_is_refused_on_resume(project, refused):
    assert project.train("tiny.yaml", "training.steps=2").status == 0
    result = project.train("--resume", "runs/tiny", "training.steps=4", *ADAM[:2])
    refused(result, "optimizer.name: found adam, but the run has sgd")


def test_the_rate_falls_in_steps(project):
    falling = ("schedule.name=step", "schedule.step_size=1", "schedule.gamma=0.5")
    assert project.train("tiny.yaml", *falling, "monitor.log_every=1").status == 0
    rates = [row["learning_rate"] for row in project.rows("tiny", "train")]
    assert rates == [1.0] * 17 + [0.5] * 17 + [0.25] * 6  # 17 steps an epoch
