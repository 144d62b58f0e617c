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


def step(kernels, dtype, bias, with_resets, t):
    rng = np.random.default_rng(0)
    z, recurrent = (3 * rng.standard_normal((2, B, 4 * H))).astype(dtype)
    b = rng.standard_normal(4 * H).astype(dtype) if bias else None
    z = np.stack([z, z])
    c, h = rng.standard_normal((2, 3, B, H)).astype(dtype)
    dh, tanh_c = rng.standard_normal((2, 2, B, H)).astype(dtype)
    dh_recurrent, dc = rng.standard_normal((2, B, H)).astype(dtype)
    resets = rng.random((2, B)) < 0.5 if with_resets else None
    kernels.gates_forward(t, z, recurrent.copy(), b, c, tanh_c, h, resets)
    forward = [array.copy() for array in (z, c, tanh_c, h)]
    kernels.gates_backward(t, z, c, tanh_c, dh, dh_recurrent, dc, resets)
    return *forward, z, dh, dc


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("with_resets", [True, False])
@pytest.mark.parametrize("t", [0, 1])
def test_a_step_is_that_of_the_reference(fused, dtype, tolerance, bias, with_resets, t):
    options, reference = (dtype, bias, with_resets, t), create_backend().kernels
    for found, expected in zip(step(fused, *options), step(reference, *options), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_tanh_is_as_exact_as_single_precision_allows(fused):
    """Through the candidate, a = tanh(z): the largest relative error over all sizes of z."""
    z = np.zeros((1, 200_001, 4), np.float32)
    a = z[0, :, 0]
    a[:] = np.linspace(-12, 12, len(a))
    exact = np.tanh(a.astype(np.float64))
    c, h = np.zeros((2, 2, len(a), 1), np.float32)
    fused.gates_forward(0, z, np.zeros_like(z[0]), None, c, h[:1].copy(), h, None)
    some = np.abs(exact) > 0
    assert np.abs(a[some] / exact[some] - 1).max() < 6e-7
    assert np.abs(a).max() <= 1 + 3e-7


def test_what_is_not_a_number_stays_so(fused):
    """A clamp that swallows nan would hide a diverged run from the latch."""
    z = np.zeros((1, 1, 4), np.float32)
    z[0, 0, 0] = np.nan
    c, h = np.zeros((2, 2, 1, 1), np.float32)
    fused.gates_forward(0, z, np.zeros_like(z[0]), None, c, np.zeros_like(h[:1]), h, None)
    assert np.isnan(h[1]).all()


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
