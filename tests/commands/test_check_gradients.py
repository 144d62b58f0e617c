from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("model.num_layers=3", "model.bias=false"),
        ("model.embedding_size=5", "model.dropout=0.4"),
    ],
)
def test_right_gradients(project, options):
    result = project.trainer("check-gradients", "tiny.yaml", "model.hidden_size=5", *options)
    assert result.status == 0
    assert result.stderr == ""
    head, *table, verdict = result.stdout.splitlines()
    assert head.split() == ["array", "numbers", "compared", "gradient", "error"]
    assert verdict.startswith("all gradients are right")
    errors = {line.split()[0]: float(line.split()[-1]) for line in table}
    assert {"lstm.0.W", "lstm.1.U", "output.W", "output.b", "state.h", "state.c"} < errors.keys()
    assert all(error <= 1e-7 for error in errors.values())
    assert not (project.path / "runs").exists()


# A misprint of the note: the derivative of tanh at the candidate as 1 - a.
WRONG = """\
from trainer.backend.reference import ReferenceKernels

right = ReferenceKernels.gates_backward

def gates_backward(self, t, z, *rest):
    H = z.shape[2] // 4
    a = z[t, :, :H].copy()
    right(self, t, z, *rest)
    z[t, :, :H] *= 1 / (1 + a)

ReferenceKernels.gates_backward = gates_backward
"""


def test_a_wrong_gradient_ends_with_status_1(project):
    result = project.trainer("check-gradients", "tiny.yaml", first=WRONG)
    assert result.status == 1
    assert re.search(r"^lstm\.0\.W .* WRONG$", result.stdout, re.MULTILINE)
    assert not re.search(r"^output\.W .* WRONG$", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1].startswith("wrong: lstm.0.W, lstm.0.U, lstm.0.b")


def test_bad_input(project, refused):
    refused(project.trainer("check-gradients", "none.yaml"), "none.yaml: no such file")
    refused(project.trainer("check-gradients", "tiny.yaml", "model.bias=2"), "model.bias")
