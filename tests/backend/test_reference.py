"""The kernels by themselves; that their mathematics is right is proven in tests/nn."""

import numpy as np
import pytest

from trainer.backend import create_backend

B, H = 3, 5


@pytest.fixture
def kernels():
    return create_backend().kernels


def test_extreme_pre_activations_stay_finite(kernels):
    """Sigmoids through exp would overflow here, and warn."""
    z = np.tile(np.array([-1e4, 1e4, -90, 90, 0], np.float32), (B, 4))
    c, tanh_c, h = (np.empty((B, H), np.float32) for _ in range(3))
    kernels.gates_forward(z, np.zeros_like(z), None, np.ones((B, H), np.float32), c, tanh_c, h)
    np.testing.assert_allclose(z[0, H : 2 * H], [0, 1, 0, 1, 0.5], atol=1e-30)
    dh, dc = np.ones((B, H), np.float32), np.ones((B, H), np.float32)
    kernels.gates_backward(z, np.ones((B, H), np.float32), tanh_c, dh, dc)
    for array in (c, tanh_c, h, z, dc):
        assert np.isfinite(array).all()


def test_without_bias_is_a_bias_of_zero(kernels):
    rng, results = np.random.default_rng(0), []
    z0, recurrent = rng.standard_normal((2, B, 4 * H))
    c_previous = rng.standard_normal((B, H))
    for b in (None, np.zeros(4 * H)):
        z, (c, tanh_c, h) = z0.copy(), np.empty((3, B, H))
        kernels.gates_forward(z, recurrent, b, c_previous, c, tanh_c, h)
        results.append((z, c, tanh_c, h))
    for left, right in zip(*results, strict=True):
        np.testing.assert_array_equal(left, right)


def test_inputs_are_left_alone(kernels):
    rng = np.random.default_rng(1)
    z, recurrent = rng.standard_normal((2, B, 4 * H))
    b, c_previous = rng.standard_normal(4 * H), rng.standard_normal((B, H))
    c, tanh_c, h, dh, dc = rng.standard_normal((5, B, H))
    inputs = (recurrent, b, c_previous)
    before = [array.copy() for array in inputs]
    kernels.gates_forward(z, recurrent, b, c_previous, c, tanh_c, h)
    for array, kept in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, kept)
    kept = [array.copy() for array in (c_previous, tanh_c, dh)]
    kernels.gates_backward(z, c_previous, tanh_c, dh, dc)
    for array, same in zip((c_previous, tanh_c, dh), kept, strict=True):
        np.testing.assert_array_equal(array, same)


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
