from __future__ import annotations

import json

import pytest

from trainer.config import TrainingConfig
from trainer.counters import Counters, Length


def test_counters_come_back_from_a_checkpoint_bit_for_bit():
    counters = Counters(step=3, seconds=0.1 + 0.2, best_loss=1 / 3, best_step=2, loss_sum=1e-300)
    facts = {**json.loads(json.dumps(counters.to_facts())), "config": {}}
    assert Counters.from_facts(facts) == counters


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
