"""The kernels by themselves; that their mathematics is right is proven in tests/nn."""

import numpy as np
import pytest

from trainer.backend import create_backend

B, H = 3, 5


@pytest.fixture
def kernels():
    return create_backend().kernels


def cell(rng, dtype="float64"):
    """Arrays of a window of one step: z, recurrent, c, tanh_c, h."""
    z, recurrent = rng.standard_normal((1, B, 4 * H)), rng.standard_normal((B, 4 * H))
    c, h = rng.standard_normal((2, 2, B, H))
    return [array.astype(dtype) for array in (z, recurrent, c, np.zeros((1, B, H)), h)]


def test_extreme_pre_activations_stay_finite(kernels):
    """Sigmoids through exp would overflow here, and warn."""
    z, recurrent, c, tanh_c, h = cell(np.random.default_rng(0), "float32")
    z[...] = np.tile(np.array([-1e4, 1e4, -90, 90, 0], np.float32), (B, 4))
    recurrent[...] = 0
    kernels.gates_forward(0, z, recurrent, None, c, tanh_c, h, None)
    np.testing.assert_allclose(z[0, 0, H : 2 * H], [0, 1, 0, 1, 0.5], atol=1e-30)
    dh, (dh_recurrent, dc) = np.ones((1, B, H), np.float32), np.ones((2, B, H), np.float32)
    kernels.gates_backward(0, z, c, tanh_c, dh, dh_recurrent, dc, None)
    for array in (c, tanh_c, h, z, dh, dc):
        assert np.isfinite(array).all()


def test_without_bias_is_a_bias_of_zero(kernels):
    results = []
    for b in (None, np.zeros(4 * H)):
        z, recurrent, c, tanh_c, h = cell(np.random.default_rng(0))
        kernels.gates_forward(0, z, recurrent, b, c, tanh_c, h, None)
        results.append((z, c, tanh_c, h))
    for left, right in zip(*results, strict=True):
        np.testing.assert_array_equal(left, right)


def test_what_is_not_to_be_written_is_left_alone(kernels):
    rng = np.random.default_rng(1)
    z, recurrent, c, tanh_c, h = cell(rng)
    b, resets = rng.standard_normal(4 * H), np.array([[True, False, True]])
    read = (b, c[0], h[0], resets)
    before = [array.copy() for array in read]
    kernels.gates_forward(0, z, recurrent, b, c, tanh_c, h, resets)
    for array, kept in zip(read, before, strict=True):
        np.testing.assert_array_equal(array, kept)
    dh, (dh_recurrent, dc) = rng.standard_normal((1, B, H)), rng.standard_normal((2, B, H))
    read = (c, tanh_c, resets)
    before = [array.copy() for array in read]
    kernels.gates_backward(0, z, c, tanh_c, dh, dh_recurrent, dc, resets)
    for array, kept in zip(read, before, strict=True):
        np.testing.assert_array_equal(array, kept)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_rows_are_gathered(kernels, shape):
    table = np.arange(20.0).reshape(10, 2)
    rows = np.random.default_rng(2).integers(0, 10, shape).astype(np.int32)
    out = np.empty((*shape, 2))
    kernels.gather_rows(table, rows, out)
    np.testing.assert_array_equal(out, table[rows])


@pytest.mark.parametrize("n", [1, 7, 200])
def test_sums_of_rows_are_the_product_with_a_one_hot_matrix(kernels, n):
    rng = np.random.default_rng(3)
    values, rows = rng.standard_normal((n, 4)), rng.integers(0, 9, n).astype(np.int32)
    out = np.full((10, 4), np.nan)  # row 9 has no value: its sum is 0
    kernels.sum_rows(values, rows, out)
    np.testing.assert_allclose(out, np.eye(10)[rows].T @ values, rtol=0, atol=1e-13)
    again = np.empty_like(out)
    kernels.sum_rows(values, rows, again)
    np.testing.assert_array_equal(again, out)
