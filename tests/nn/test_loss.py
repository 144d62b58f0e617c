import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import SoftmaxCrossEntropy


def test_against_a_hand_worked_value():
    loss = SoftmaxCrossEntropy(create_backend(), "float64")
    losses = loss.forward(np.log([[[1.0, 3.0]], [[2.0, 2.0]]]), np.array([[0], [1]]))
    np.testing.assert_allclose(losses, [[np.log(4)], [np.log(2)]], rtol=1e-15)
    np.testing.assert_allclose(
        loss.backward(), [[[-0.375, 0.375]], [[0.25, -0.25]]], rtol=0, atol=1e-15
    )


def test_large_scores_do_not_overflow():
    loss = SoftmaxCrossEntropy(create_backend(), "float32")
    losses = loss.forward(np.array([[[1e4, 0, -1e4]]], np.float32), np.array([[1]]))
    assert losses == 1e4


def test_backward_needs_its_forward():
    with pytest.raises(RuntimeError, match="no forward pass"):
        SoftmaxCrossEntropy(create_backend(), "float32").backward()
