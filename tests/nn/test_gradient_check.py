"""Every gradient of the model is the numeric one, to 1e-7 and far better."""

import numpy as np
import pytest

from trainer.nn import CharacterLSTM, LSTMState, check_gradients

V, H, T, B = 5, 3, 4, 2


@pytest.fixture
def problem(backend):
    """Make all that a check takes, but for its options."""

    def problem(num_layers, dtype="float64", hidden_size=H, **options):
        rng = np.random.default_rng(3)
        model = CharacterLSTM(backend, V, hidden_size, num_layers, seed=5, dtype=dtype, **options)
        model.initialise(rng)
        for name in model.parameters:  # biases away from zero, too
            value = model.parameters[name].value
            value += backend.asarray(0.3 * rng.standard_normal(value.shape), dtype)
        state = rng.standard_normal((2, num_layers, B, hidden_size))
        ids, targets = rng.integers(0, V, (2, T, B))
        return (
            model,
            backend.asarray(ids, "int32"),
            backend.asarray(targets, "int32"),
            LSTMState(*backend.asarray(state, dtype)),
            rng,
        )

    return problem


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(("bias", "embedding_size"), [(True, None), (False, 2)])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_gradients_are_numerically_right(problem, num_layers, bias, embedding_size, dropout):
    errors = check_gradients(
        *problem(num_layers, bias=bias, embedding_size=embedding_size, dropout=dropout)
    )
    names = [error.name for error in errors]
    assert names[-3:] == ["state.h", "state.c", "input"]
    assert len(names) == 3 + (embedding_size is not None) + (3 if bias else 2) * num_layers + 2
    assert all(error.norm > 0 for error in errors)
    assert max(error.error for error in errors) <= 1e-8


@pytest.mark.parametrize(("bias", "embedding_size"), [(True, None), (False, 2)])
def test_gradients_are_right_where_the_state_is_reset(problem, backend, bias, embedding_size):
    resets = np.zeros((T, B), bool)
    resets[0, 0] = resets[2, 0] = resets[3, 1] = True
    errors = check_gradients(
        *problem(2, bias=bias, embedding_size=embedding_size, dropout=0.4),
        resets=backend.asarray(resets),
    )
    assert max(error.error for error in errors) <= 1e-8


def test_big_arrays_are_checked_along_directions(problem):
    errors = check_gradients(*problem(1, hidden_size=9))
    by_name = {error.name: error for error in errors}
    assert by_name["lstm.0.U"].size == 9 * 36
    assert by_name["lstm.0.U"].compared == 8
    assert max(error.error for error in errors) <= 1e-8


@pytest.mark.parametrize("name", ["lstm.0.W", "lstm.1.U", "lstm.0.b", "output.W", "input"])
def test_a_wrong_gradient_is_found(problem, name, monkeypatch):
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


def test_parameters_are_put_back(problem, host):
    model, *rest = problem(1)
    before = host(model.parameters.values)
    check_gradients(model, *rest)
    np.testing.assert_array_equal(host(model.parameters.values), before)


def test_single_precision_is_refused(problem):
    with pytest.raises(ValueError, match="float64"):
        check_gradients(*problem(1, dtype="float32"))
