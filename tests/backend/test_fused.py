"""The compiled kernels against the reference, and by themselves."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import CharacterLSTM, LSTMState, check_gradients

B, H = 7, 13


@pytest.fixture(scope="module")
def fused():
    pytest.importorskip("numba", reason="the fused kernels need numba: pip install -e '.[fast]'")
    return create_backend("fused").kernels


def step(kernels, dtype, bias=True):
    rng = np.random.default_rng(0)
    z, recurrent = (3 * rng.standard_normal((2, B, 4 * H))).astype(dtype)
    b = rng.standard_normal(4 * H).astype(dtype) if bias else None
    c_previous, dh, dc = rng.standard_normal((3, B, H)).astype(dtype)
    c, tanh_c, h = np.zeros((3, B, H), dtype)
    kernels.gates_forward(z, recurrent, b, c_previous, c, tanh_c, h)
    gates = z.copy()
    kernels.gates_backward(z, c_previous, tanh_c, dh, dc)
    return gates, c, tanh_c, h, z, dc


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_step_is_that_of_the_reference(fused, dtype, tolerance, bias):
    reference = create_backend().kernels
    for found, expected in zip(step(fused, dtype, bias), step(reference, dtype, bias), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_tanh_is_as_exact_as_single_precision_allows(fused):
    """Through the candidate, a = tanh(z): the largest relative error over all sizes of z."""
    z = np.zeros((200_001, 4), np.float32)
    z[:, 0] = np.linspace(-12, 12, len(z))
    exact = np.tanh(z[:, 0].astype(np.float64))
    column = np.zeros((len(z), 1), np.float32)
    fused.gates_forward(z, np.zeros_like(z), None, column, column.copy(), column.copy(), column)
    some = np.abs(exact) > 0
    assert np.abs(z[some, 0] / exact[some] - 1).max() < 6e-7
    assert np.abs(z[:, 0]).max() <= 1 + 3e-7


def test_what_is_not_a_number_stays_so(fused):
    """A clamp that swallows nan would hide a diverged run from the latch."""
    z = np.zeros((1, 4), np.float32)
    z[0, 0] = np.nan
    c, tanh_c, h = np.zeros((3, 1, 1), np.float32)
    fused.gates_forward(z, np.zeros_like(z), None, np.zeros_like(c), c, tanh_c, h)
    assert np.isnan(h).all()


@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_sums_of_rows_are_those_of_the_reference(fused, kind):
    rng = np.random.default_rng(4)
    values, rows = rng.standard_normal((50, 6)), rng.integers(0, 9, 50).astype(kind)
    found, expected = np.full((2, 11, 6), np.nan)
    fused.sum_rows(values, rows, found)
    create_backend().kernels.sum_rows(values, rows, expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_numerically_right(fused, bias):
    rng = np.random.default_rng(1)
    model = CharacterLSTM(create_backend("fused"), 5, 3, 2, bias=bias, dtype="float64")
    model.initialise(rng)
    state = LSTMState(*rng.standard_normal((2, 2, 2, 3)))
    ids, targets = rng.integers(0, 5, (2, 4, 2))
    errors = check_gradients(model, ids, targets, state, rng)
    assert max(error.error for error in errors) <= 1e-8
