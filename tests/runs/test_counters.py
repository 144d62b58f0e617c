from __future__ import annotations

import json

from trainer.runs.counters import Counters


def test_counters_come_back_from_a_checkpoint_bit_for_bit():
    counters = Counters(step=3, seconds=0.1 + 0.2, best_loss=1 / 3, best_step=2, loss_sum=1e-300)
    facts = {**json.loads(json.dumps(counters.to_facts())), "config": {}}
    assert Counters.from_facts(facts) == counters
