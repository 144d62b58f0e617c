"""Every gradient of the model is the numeric one, to 1e-7 and far better."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import CharacterLSTM, LSTMState, check_gradients

V, H, T, B = 5, 3, 4, 2


def problem(num_layers, dtype="float64", hidden_size=H, **options):
    rng = np.random.default_rng(3)
    model = CharacterLSTM(
        create_backend(), V, hidden_size, num_layers, seed=5, dtype=dtype, **options
    )
    model.initialise(rng)
    for name in model.parameters:  # biases away from zero, too
        value = model.parameters[name].value
        value += 0.3 * rng.standard_normal(value.shape)
    shape = (num_layers, B, hidden_size)
    state = LSTMState(*(rng.standard_normal(shape).astype(dtype) for _ in range(2)))
    ids, targets = rng.integers(0, V, (2, T, B))
    return model, ids, targets, state, rng


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("embedding_size", [None, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_gradients_are_numerically_right(num_layers, bias, embedding_size, dropout):
    errors = check_gradients(
        *problem(num_layers, bias=bias, embedding_size=embedding_size, dropout=dropout)
    )
    names = [error.name for error in errors]
    assert names[-3:] == ["state.h", "state.c", "input"]
    assert len(names) == 3 + (embedding_size is not None) + (3 if bias else 2) * num_layers + 2
    assert all(error.norm > 0 for error in errors)
    assert max(error.error for error in errors) <= 1e-8


@pytest.mark.parametrize("embedding_size", [None, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_right_where_the_state_is_reset(bias, embedding_size):
    resets = np.zeros((T, B), bool)
    resets[0, 0] = resets[2, 0] = resets[3, 1] = True
    errors = check_gradients(
        *problem(2, bias=bias, embedding_size=embedding_size, dropout=0.4), resets=resets
    )
    assert max(error.error for error in errors) <= 1e-8


def test_big_arrays_are_checked_along_directions():
    errors = check_gradients(*problem(1, hidden_size=9))
    by_name = {error.name: error for error in errors}
    assert by_name["lstm.0.U"].size == 9 * 36
    assert by_name["lstm.0.U"].compared == 8
    assert max(error.error for error in errors) <= 1e-8


@pytest.mark.parametrize("name", ["lstm.0.W", "lstm.1.U", "lstm.0.b", "output.W", "input"])
def test_a_wrong_gradient_is_found(name, monkeypatch):
    model, *rest = problem(2)
    true_backward = model.backward

    def wrong_backward(dlogits):
        dx, dstate = true_backward(dlogits)
        if name != "input":
            model.parameters[name].gradient[...] *= 1.001
        elif dx is not None:
            dx *= 1.001
        return dx, dstate

    monkeypatch.setattr(model, "backward", wrong_backward)
    errors = {error.name: error.error for error in check_gradients(model, *rest)}
    assert errors.pop(name) > 1e-4
    assert max(errors.values()) < 1e-8


def test_parameters_are_put_back():
    model, *rest = problem(1)
    before = model.parameters.values.copy()
    check_gradients(model, *rest)
    np.testing.assert_array_equal(model.parameters.values, before)


def test_single_precision_is_refused():
    with pytest.raises(ValueError, match="float64"):
        check_gradients(*problem(1, dtype="float32"))
