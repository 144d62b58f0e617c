from __future__ import annotations

import pytest

from trainer.config import TrainingConfig
from trainer.runs.counters import Counters
from trainer.training.length import Length


@pytest.mark.parametrize(
    ("length", "counters", "share"),
    [
        ({"steps": 40}, Counters(step=10), 0.25),
        ({"steps": 40}, Counters(step=40), 1.0),
        ({"steps": 40}, Counters(step=50), 1.0),
        ({"epochs": 2}, Counters(step=17), 0.5),
        ({"minutes": 0.5}, Counters(step=99, seconds=7.5), 0.25),
        ({"minutes": 0.5}, Counters(step=1, seconds=31.0), 1.0),
    ],
)
def test_the_share_that_is_done(length, counters, share):
    assert Length(TrainingConfig(**length), windows_per_epoch=17).share_done(counters) == share
