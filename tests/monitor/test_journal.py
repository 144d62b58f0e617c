"""What a run tells reaches all three places."""

import json
from contextlib import closing

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal


@pytest.fixture
def record(tmp_path):
    def record(*rows, resume_step=None):
        progress = Progress(100, "steps", 0)
        with closing(
            Journal(tmp_path, tmp_path / "metrics.jsonl", resume_step, progress)
        ) as journal:
            for row in rows:
                journal.row(row)
            journal.gates(1, {"forget/mean": 0.75}, 10)
            journal.sample("to be", 10)
        events = EventAccumulator(str(tmp_path))
        events.Reload()
        lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
        return events, [json.loads(line) for line in lines]

    return record


TRAIN = {
    "kind": "train",
    "step": 10,
    "loss": 2.5,
    "learning_rate": 0.5,
    "gradient_norm": 0.125,
    "characters_per_second": 1000.0,
}
VALIDATION = {"kind": "validation", "step": 10, "loss": 2.25}
END = {"kind": "end", "step": 10, "loss": 2.25, "reason": "length"}


def test_rows_become_lines_and_curves(record):
    test = {"kind": "test", "step": 10, "loss": 2.0}
    events, lines = record(TRAIN, VALIDATION, test, END)
    assert lines == [TRAIN, VALIDATION, test, END]
    scalars = {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }
    assert scalars == {
        "loss/train": [(10, 2.5)],
        "loss/validation": [(10, 2.25)],
        "optimizer/learning_rate": [(10, 0.5)],
        "optimizer/gradient_norm": [(10, 0.125)],
        "speed/characters_per_second": [(10, 1000.0)],
        "lstm_layer_1/forget/mean": [(10, 0.75)],
    }
    assert events.Tags()["tensors"] == ["samples"]


def test_a_run_without_any_loss_can_end(record):
    events, lines = record({**END, "loss": None})
    assert lines[-1]["loss"] is None
    assert "loss/end" not in events.Tags()["scalars"]


def test_a_resume_writes_what_comes_after_once(record):
    record(TRAIN, VALIDATION, {**TRAIN, "step": 20}, END)
    events, lines = record({**TRAIN, "step": 20, "loss": 2.0}, resume_step=10)
    assert [(line["kind"], line["step"]) for line in lines] == [
        ("train", 10),
        ("validation", 10),
        ("train", 20),
    ]
    assert [(e.step, e.value) for e in events.Scalars("loss/train")] == [(10, 2.5), (20, 2.0)]
