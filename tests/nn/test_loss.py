import numpy as np
import pytest

from trainer.nn import SoftmaxCrossEntropy


@pytest.fixture
def losses(backend):
    """Compute losses from scores and targets on the host."""

    def losses(loss, logits, targets, dtype="float64"):
        logits, targets = backend.asarray(logits, dtype), backend.asarray(targets, "int32")
        return loss.forward(logits, targets)

    return losses


def test_against_a_hand_worked_value(backend, losses, host):
    loss = SoftmaxCrossEntropy(backend, "float64")
    found = losses(loss, np.log([[[1.0, 3.0]], [[2.0, 2.0]]]), [[0], [1]])
    np.testing.assert_allclose(host(found), [[np.log(4)], [np.log(2)]], rtol=1e-15)
    np.testing.assert_allclose(
        host(loss.backward()), [[[-0.375, 0.375]], [[0.25, -0.25]]], rtol=0, atol=1e-15
    )


def test_large_scores_do_not_overflow(backend, losses, host):
    loss = SoftmaxCrossEntropy(backend, "float32")
    assert host(losses(loss, [[[1e4, 0, -1e4]]], [[1]], "float32")) == 1e4


def test_backward_needs_its_forward(backend):
    with pytest.raises(RuntimeError, match="no forward pass"):
        SoftmaxCrossEntropy(backend, "float32").backward()
