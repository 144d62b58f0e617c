from __future__ import annotations

from trainer.config.resume import FIXED, may_change
from trainer.config.schema import KEYS, SECTIONS


def test_what_makes_a_run_may_not_change():
    assert {"hidden_size", "dropout", "bias"} <= {key for name, key in FIXED if name == "model"}
    assert not any(may_change("model", key) for key in SECTIONS["model"].model_fields)
    for key in ("dtype", "threads"):
        assert ("backend", key) in FIXED
    for key in ("batch_size", "sequence_length", "seed", "init_from"):
        assert ("training", key) in FIXED
    for key in ("split", "unit", "document", "unknown"):
        assert ("corpus", key) in FIXED


def test_lengths_and_places_may_change():
    changeable = {key for key in KEYS if len(key) == 2} - set(FIXED)
    assert {key for name, key in changeable if name == "training"} == {"epochs", "steps", "minutes"}
    places = {"path", "name", "glob", "exclude", "validation", "test", "cache"}
    assert {key for name, key in changeable if name == "corpus"} == places
    device = {"device", "allow_tf32", "cuda_graph"}
    assert {key for name, key in changeable if name == "backend"} == device
    assert {name for name, _ in changeable} == set(SECTIONS) - {"model"}
