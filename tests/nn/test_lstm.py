"""The layer and the stack against a naive reference, against themselves, and numerically."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import Linear, LSTMLayer, LSTMState, Parameters

T, B, D, H = 5, 2, 3, 4


def make_layer(rng, bias=True, dtype="float64"):
    backend = create_backend()
    shapes = {"W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,)}
    parameters = Parameters(backend, shapes, dtype)
    for name in parameters:
        value = parameters[name].value
        value[...] = rng.standard_normal(value.shape)
    product = Linear(backend, parameters["W"])
    return LSTMLayer(backend, product, parameters["U"], parameters["b"] if bias else None)


def make_state(rng, dtype="float64"):
    return LSTMState(*(rng.standard_normal((B, H)).astype(dtype) for _ in range(2)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_forward(x, state, W, U, b):
    """The note's equations 1 to 6, one gate and one step at a time."""
    h, c = state
    hs = []
    for x_t in x:
        a_hat, i_hat, f_hat, o_hat = (
            x_t @ W[:, g * H : (g + 1) * H] + h @ U[:, g * H : (g + 1) * H] + b[g * H : (g + 1) * H]
            for g in range(4)
        )
        c = np.tanh(a_hat) * sigmoid(i_hat) + c * sigmoid(f_hat)
        h = np.tanh(c) * sigmoid(o_hat)
        hs.append(h)
    return np.stack(hs), LSTMState(h, c)


@pytest.mark.parametrize("bias", [True, False])
def test_forward_equals_the_note_gate_by_gate(bias):
    rng = np.random.default_rng(0)
    layer, state, x = make_layer(rng, bias), make_state(rng), rng.standard_normal((T, B, D))
    b = layer.b.value if bias else np.zeros(4 * H)
    h, after = layer.forward(x, state)
    expected_h, expected = naive_forward(x, state, layer.input_product.W.value, layer.U.value, b)
    np.testing.assert_allclose(h, expected_h, rtol=0, atol=1e-14)
    np.testing.assert_allclose(after.h, expected.h, rtol=0, atol=1e-14)
    np.testing.assert_allclose(after.c, expected.c, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_window_of_2t_equals_two_of_t_exactly(dtype):
    rng = np.random.default_rng(1)
    layer, state = make_layer(rng, dtype=dtype), make_state(rng, dtype)
    x = rng.standard_normal((2 * T, B, D)).astype(dtype)
    whole, whole_after = layer.forward(x, state)
    whole, whole_after = whole.copy(), LSTMState(*(array.copy() for array in whole_after))
    first, middle = layer.forward(x[:T], state)
    first = first.copy()
    second, after = layer.forward(x[T:], middle)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    np.testing.assert_array_equal(after.h, whole_after.h)
    np.testing.assert_array_equal(after.c, whole_after.c)


def test_gradients_join_over_a_cut_window():
    """Backward through a window is backward through its halves, the state's gradient passed."""
    rng = np.random.default_rng(2)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((2 * T, B, D))
    dh = rng.standard_normal((2 * T, B, H))
    layer.forward(x, state)
    dx, dstate = layer.backward(dh.copy())
    dx, whole = dx.copy(), [g.copy() for g in (layer.U.gradient, layer.b.gradient, *dstate)]

    _, middle = layer.forward(x[:T], state)
    middle = LSTMState(*(array.copy() for array in middle))
    layer.forward(x[T:], middle)
    dx_second, dmiddle = layer.backward(dh[T:].copy())
    dx_second, dmiddle = dx_second.copy(), LSTMState(*(array.copy() for array in dmiddle))
    second = [layer.U.gradient.copy(), layer.b.gradient.copy()]
    layer.forward(x[:T], state)
    dx_first, dstate = layer.backward(dh[:T].copy(), dmiddle)

    np.testing.assert_allclose(np.concatenate([dx_first, dx_second]), dx, atol=1e-13)
    np.testing.assert_allclose(layer.U.gradient + second[0], whole[0], atol=1e-13)
    np.testing.assert_allclose(layer.b.gradient + second[1], whole[1], atol=1e-13)
    np.testing.assert_allclose(dstate.h, whole[2], atol=1e-13)
    np.testing.assert_allclose(dstate.c, whole[3], atol=1e-13)


def test_a_shorter_window_reuses_the_workspace():
    rng = np.random.default_rng(3)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((T, B, D))
    long, _ = layer.forward(x, state)
    short, _ = layer.forward(x[:2], state)
    assert np.shares_memory(long, short)


def test_backward_leaves_the_whole_gradient_of_every_h_in_dh():
    rng = np.random.default_rng(4)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((T, B, D))
    layer.forward(x, state)
    dh = np.zeros((T, B, H))
    dh[-1] = rng.standard_normal((B, H))
    layer.backward(dh)
    assert all(np.abs(dh[t]).max() > 0 for t in range(T))


def test_backward_needs_its_forward():
    rng = np.random.default_rng(5)
    layer, x = make_layer(rng), rng.standard_normal((T, B, D))
    with pytest.raises(RuntimeError, match="no forward pass"):
        layer.backward(np.zeros((T, B, H)))
    layer.forward(x, make_state(rng))
    layer.backward(np.zeros((T, B, H)))
    with pytest.raises(RuntimeError, match="no forward pass"):
        layer.backward(np.zeros((T, B, H)))


def test_gates_are_readable_between_forward_and_backward():
    rng = np.random.default_rng(6)
    layer, x = make_layer(rng), rng.standard_normal((T, B, D))
    layer.forward(x, make_state(rng))
    candidate, sigmoids = layer.gates[..., :H], layer.gates[..., H:]
    assert candidate.min() < 0
    assert sigmoids.min() > 0
    assert sigmoids.max() < 1
    layer.backward(np.zeros((T, B, H)))
    with pytest.raises(RuntimeError):
        _ = layer.gates


def test_a_reset_begins_a_sequence_anew():
    """In the middle of a window, for one sequence and not for the other."""
    rng = np.random.default_rng(6)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((T, B, D))
    W, U, b = layer.input_product.W.value, layer.U.value, layer.b.value
    resets = np.zeros((T, B), bool)
    resets[2, 1] = True
    h, after = layer.forward(x, state, resets)
    carried, _ = naive_forward(x, state, W, U, b)
    nothing = LSTMState(*np.zeros((2, B, H)))
    anew, after_anew = naive_forward(x[2:], nothing, W, U, b)
    np.testing.assert_allclose(h[:, 0], carried[:, 0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(h[:2, 1], carried[:2, 1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(h[2:, 1], anew[:, 1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(after.c[1], after_anew.c[1], rtol=0, atol=1e-14)


def test_no_gradient_crosses_a_reset():
    rng = np.random.default_rng(7)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((T, B, D))
    resets = np.zeros((T, B), bool)
    resets[3, 0] = True
    layer.forward(x, state, resets)
    dh = np.zeros((T, B, H))
    dh[3:] = rng.standard_normal((T - 3, B, H))
    dx, dstate = layer.backward(dh)
    assert not dx[:3, 0].any()
    assert not dstate.h[0].any()
    assert not dstate.c[0].any()
    assert dx[:3, 1].all()
    assert dstate.h[1].all()


def test_a_reset_is_of_its_own_window_only():
    rng = np.random.default_rng(8)
    layer, state, x = make_layer(rng), make_state(rng), rng.standard_normal((T, B, D))
    expected = layer.forward(x, state)[0].copy()
    layer.forward(x, state, np.ones((T, B), bool))
    np.testing.assert_array_equal(layer.forward(x, state)[0], expected)
