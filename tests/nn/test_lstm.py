"""The layer and the stack against a naive reference, against themselves, and numerically."""

import numpy as np
import pytest

from trainer.nn import Linear, LSTMLayer, LSTMState, Parameters

T, B, D, H = 5, 2, 3, 4


@pytest.fixture
def make(backend):
    """Make a layer, a state before a window, and a window, all of them random."""

    def make(seed, length=T, *, bias=True, dtype="float64"):
        rng = np.random.default_rng(seed)
        shapes = {"W": (D, 4 * H), "U": (H, 4 * H), "b": (4 * H,)}
        parameters = Parameters(backend, shapes, dtype)
        W, U, b = (parameters[name] for name in shapes)
        layer = LSTMLayer(backend, Linear(backend, W), U, b if bias else None)
        state = LSTMState(*backend.asarray(rng.standard_normal((2, B, H)), dtype))
        for parameter in (W, U, b):
            parameter.value[...] = backend.asarray(
                rng.standard_normal(parameter.value.shape), dtype
            )
        return layer, state, backend.asarray(rng.standard_normal((length, B, D)), dtype)

    return make


@pytest.fixture
def draw(backend):
    """Draw another array: a gradient."""
    rng = np.random.default_rng(9)
    return lambda *shape: backend.asarray(rng.standard_normal(shape))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_forward(layer, state, x):
    """The note's equations 1 to 6, one gate and one step at a time, on the host."""
    arrays = (layer.input_product.W.value, layer.U.value, x, *state)
    W, U, x, h, c = map(layer.backend.to_host, arrays)
    b = np.zeros(4 * H) if layer.b is None else layer.backend.to_host(layer.b.value)
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
def test_forward_equals_the_note_gate_by_gate(make, host, bias):
    layer, state, x = make(0, bias=bias)
    h, after = layer.forward(x, state)
    expected_h, expected = naive_forward(layer, state, x)
    np.testing.assert_allclose(host(h), expected_h, rtol=0, atol=1e-14)
    np.testing.assert_allclose(host(after.h), expected.h, rtol=0, atol=1e-14)
    np.testing.assert_allclose(host(after.c), expected.c, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_window_of_2t_equals_two_of_t_exactly(make, host, dtype):
    layer, state, x = make(1, 2 * T, dtype=dtype)
    whole, whole_after = layer.forward(x, state)
    whole, whole_after = host(whole), LSTMState(*map(host, whole_after))
    first, middle = layer.forward(x[:T], state)
    first = host(first)
    second, after = layer.forward(x[T:], middle)
    np.testing.assert_array_equal(np.concatenate([first, host(second)]), whole)
    np.testing.assert_array_equal(host(after.h), whole_after.h)
    np.testing.assert_array_equal(host(after.c), whole_after.c)


def test_gradients_join_over_a_cut_window(make, draw, host):
    """Backward through a window is backward through its halves, the state's gradient passed."""
    layer, state, x = make(2, 2 * T)
    dh = draw(2 * T, B, H)

    def gradients(dx, dstate):
        return [host(a) for a in (dx, layer.U.gradient, layer.b.gradient, *dstate)]

    layer.forward(x, state)
    dx, dU, db, *dstate = gradients(*layer.backward(dh.copy()))

    _, middle = layer.forward(x[:T], state)
    middle = LSTMState(*(array.copy() for array in middle))
    layer.forward(x[T:], middle)
    second_dx, dmiddle = layer.backward(dh[T:].copy())
    dmiddle = LSTMState(*(array.copy() for array in dmiddle))
    second_dx, second_dU, second_db, *_ = gradients(second_dx, dmiddle)
    layer.forward(x[:T], state)
    first_dx, first_dU, first_db, *before = gradients(*layer.backward(dh[:T].copy(), dmiddle))

    np.testing.assert_allclose(np.concatenate([first_dx, second_dx]), dx, atol=1e-13)
    np.testing.assert_allclose(first_dU + second_dU, dU, atol=1e-13)
    np.testing.assert_allclose(first_db + second_db, db, atol=1e-13)
    np.testing.assert_allclose(before, dstate, atol=1e-13)


def test_a_shorter_window_reuses_the_workspace(make, backend):
    layer, state, x = make(3)
    long, _ = layer.forward(x, state)
    short, _ = layer.forward(x[:2], state)
    assert backend.address(long) == backend.address(short)


def test_backward_leaves_the_whole_gradient_of_every_h_in_dh(make, draw, host):
    layer, state, x = make(4)
    layer.forward(x, state)
    dh = draw(T, B, H)
    dh[:-1] = 0
    layer.backward(dh)
    assert (abs(host(dh)).max(axis=(1, 2)) > 0).all()


def test_backward_needs_its_forward(make, draw):
    layer, state, x = make(5)
    with pytest.raises(RuntimeError, match="no forward pass"):
        layer.backward(draw(T, B, H))
    layer.forward(x, state)
    layer.backward(draw(T, B, H))
    with pytest.raises(RuntimeError, match="no forward pass"):
        layer.backward(draw(T, B, H))


def test_gates_are_readable_between_forward_and_backward(make, draw, host):
    layer, state, x = make(6)
    layer.forward(x, state)
    gates = host(layer.gates)
    candidate, sigmoids = gates[..., :H], gates[..., H:]
    assert candidate.min() < 0
    assert sigmoids.min() > 0
    assert sigmoids.max() < 1
    layer.backward(draw(T, B, H))
    with pytest.raises(RuntimeError):
        _ = layer.gates


def reset_at(backend, *places):
    """Return resets at these pairs of a time step and a sequence, and at no other."""
    resets = np.zeros((T, B), bool)
    resets[tuple(zip(*places, strict=True))] = True
    return backend.asarray(resets)


def test_a_reset_begins_a_sequence_anew(make, backend, host):
    """In the middle of a window, for one sequence and not for the other."""
    layer, state, x = make(6)
    h, after = layer.forward(x, state, reset_at(backend, (2, 1)))
    h, after = host(h), LSTMState(*map(host, after))
    carried, _ = naive_forward(layer, state, x)
    nothing = LSTMState(*np.zeros((2, B, H)))
    anew, after_anew = naive_forward(layer, nothing, x[2:])
    np.testing.assert_allclose(h[:, 0], carried[:, 0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(h[:2, 1], carried[:2, 1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(h[2:, 1], anew[:, 1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(after.c[1], after_anew.c[1], rtol=0, atol=1e-14)


def test_no_gradient_crosses_a_reset(make, draw, backend, host):
    layer, state, x = make(7)
    layer.forward(x, state, reset_at(backend, (3, 0)))
    dh = draw(T, B, H)
    dh[:3] = 0
    dx, dstate = layer.backward(dh)
    dx, dh_before, dc_before = map(host, (dx, *dstate))
    assert not dx[:3, 0].any()
    assert not dh_before[0].any()
    assert not dc_before[0].any()
    assert dx[:3, 1].all()
    assert dh_before[1].all()


def test_a_reset_is_of_its_own_window_only(make, backend, host):
    layer, state, x = make(8)
    expected = host(layer.forward(x, state)[0])
    layer.forward(x, state, backend.asarray(np.ones((T, B), bool)))
    np.testing.assert_array_equal(host(layer.forward(x, state)[0]), expected)
