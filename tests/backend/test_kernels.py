"""The kernels of any backend; that their mathematics is right is proven in tests/nn."""

import numpy as np
import pytest

B, H = 3, 5


@pytest.fixture
def kernels(backend):
    return backend.kernels


@pytest.fixture
def cell(backend):
    """Make arrays of a window of one step: z, recurrent, c, tanh_c, h."""

    def cell(rng, dtype="float64"):
        z, recurrent = rng.standard_normal((1, B, 4 * H)), rng.standard_normal((B, 4 * H))
        c, h = rng.standard_normal((2, 2, B, H))
        return [backend.asarray(array, dtype) for array in (z, recurrent, c, 0 * c[1:], h)]

    return cell


@pytest.fixture
def cell_gradients(backend):
    """Make the arrays that go back through such a window: dh, dh_recurrent, dc."""

    def cell_gradients(rng, dtype="float64"):
        shapes = (1, B, H), (B, H), (B, H)
        return [backend.asarray(rng.standard_normal(shape), dtype) for shape in shapes]

    return cell_gradients


def test_extreme_pre_activations_stay_finite(kernels, backend, host, cell, cell_gradients):
    """Sigmoids through exp would overflow here, and warn."""
    rng = np.random.default_rng(0)
    z, recurrent, c, tanh_c, h = cell(rng, "float32")
    z[...] = backend.asarray(np.tile([-1e4, 1e4, -90, 90, 0], (B, 4)), "float32")
    recurrent[...] = 0
    kernels.gates_forward(0, z, recurrent, None, c, tanh_c, h, None)
    np.testing.assert_allclose(host(z)[0, 0, H : 2 * H], [0, 1, 0, 1, 0.5], atol=1e-30)
    dh, dh_recurrent, dc = cell_gradients(rng, "float32")
    kernels.gates_backward(0, z, c, tanh_c, dh, dh_recurrent, dc, None)
    for array in (c, tanh_c, h, z, dh, dc):
        assert np.isfinite(host(array)).all()


def test_without_bias_is_a_bias_of_zero(kernels, backend, host, cell):
    results = []
    for b in (None, backend.asarray(np.zeros(4 * H))):
        z, recurrent, c, tanh_c, h = cell(np.random.default_rng(0))
        kernels.gates_forward(0, z, recurrent, b, c, tanh_c, h, None)
        results.append([host(array) for array in (z, c, tanh_c, h)])
    for left, right in zip(*results, strict=True):
        np.testing.assert_array_equal(left, right)


def test_what_is_not_to_be_written_is_left_alone(kernels, backend, host, cell, cell_gradients):
    rng = np.random.default_rng(1)
    z, recurrent, c, tanh_c, h = cell(rng)
    b = backend.asarray(rng.standard_normal(4 * H))
    resets = backend.asarray(np.array([[True, False, True]]))
    read = (b, c[0], h[0], resets)
    before = [host(array) for array in read]
    kernels.gates_forward(0, z, recurrent, b, c, tanh_c, h, resets)
    for array, kept in zip(read, before, strict=True):
        np.testing.assert_array_equal(host(array), kept)
    dh, dh_recurrent, dc = cell_gradients(rng)
    read = (c, tanh_c, resets)
    before = [host(array) for array in read]
    kernels.gates_backward(0, z, c, tanh_c, dh, dh_recurrent, dc, resets)
    for array, kept in zip(read, before, strict=True):
        np.testing.assert_array_equal(host(array), kept)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_rows_are_gathered(kernels, backend, host, shape):
    table = np.arange(20.0).reshape(10, 2)
    rows = np.random.default_rng(2).integers(0, 10, shape).astype(np.int32)
    out = backend.xp.empty((*shape, 2))
    kernels.gather_rows(backend.asarray(table), backend.asarray(rows), out)
    np.testing.assert_array_equal(host(out), table[rows])


@pytest.mark.parametrize("n", [1, 7, 200])
def test_sums_of_rows_are_the_product_with_a_one_hot_matrix(kernels, backend, host, n):
    rng = np.random.default_rng(3)
    values, rows = rng.standard_normal((n, 4)), rng.integers(0, 9, n).astype(np.int32)
    results = []
    for _ in range(2):
        out = backend.asarray(np.full((10, 4), np.nan))  # row 9 has no value: its sum is 0
        kernels.sum_rows(backend.asarray(values), backend.asarray(rows), out)
        results.append(host(out))
    np.testing.assert_allclose(results[0], np.eye(10)[rows].T @ values, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(*results)
