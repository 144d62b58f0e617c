import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import CharacterLSTM

V, H, L, T, B = 7, 6, 2, 4, 3


def make_model(**options):
    model = CharacterLSTM(create_backend(), V, H, L, **options)
    model.initialise(np.random.default_rng(0))
    return model


def window(length=T):
    return np.random.default_rng(1).integers(0, V, (length, B)).astype(np.int32)


def one_hot(ids, dtype="float32"):
    return np.eye(V, dtype=dtype)[ids]


def test_the_count_of_char_rnn_with_one_bias_a_gate():
    assert CharacterLSTM(create_backend(), 65, 128, 2).parameters.count == 239_297


@pytest.mark.parametrize("embedding_size", [None, 5])
def test_ids_and_their_one_hot_vectors_are_the_same_input(embedding_size):
    model, ids = make_model(embedding_size=embedding_size, dtype="float64"), window()
    gradients, outputs = [], []
    for x in (ids, one_hot(ids, "float64")):
        logits, _ = model.forward(x, model.zero_state(B))
        outputs.append(logits.copy())
        model.loss.forward(logits, ids)
        dx, _ = model.backward(model.loss.backward())
        assert (dx is None) == (x is ids)
        gradients.append(model.parameters.gradients.copy())
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_without_a_step_there_is_no_dropout(dropout):
    plain, dropping, ids = make_model(), make_model(dropout=dropout), window()
    expected, _ = plain.forward(ids, plain.zero_state(B))
    found, _ = dropping.forward(ids, dropping.zero_state(B))
    np.testing.assert_array_equal(found, expected)


def test_masks_depend_on_seed_and_step_alone():
    ids, results = window(), {}
    for seed, step in [(1, 5), (1, 6), (2, 5)]:
        model = make_model(dropout=0.5, seed=seed)
        model.forward(ids, model.zero_state(B), step=99)  # history that must not matter
        logits, _ = model.forward(ids, model.zero_state(B), step=step)
        again, _ = make_model(dropout=0.5, seed=seed).forward(ids, model.zero_state(B), step=step)
        np.testing.assert_array_equal(logits, again)
        results[seed, step] = logits.copy()
    assert not np.array_equal(results[1, 5], results[1, 6])
    assert not np.array_equal(results[1, 5], results[2, 5])


def test_the_state_given_is_not_changed_and_the_one_returned_is_new():
    model, ids = make_model(), window()
    state = model.zero_state(B)
    _, after = model.forward(ids, state)
    kept = after.h.copy(), after.c.copy()
    assert not state.h.any()
    assert not state.c.any()
    model.forward(window(2 * T), after)
    np.testing.assert_array_equal(after.h, kept[0])
    np.testing.assert_array_equal(after.c, kept[1])


def test_evaluation_in_between_does_not_touch_training():
    def step(model, state, disturb):
        logits, state = model.forward(window(), state, step=0)
        model.loss.forward(logits, window())
        model.backward(model.loss.backward())
        if disturb:
            model.forward(np.zeros((9, 1), np.int32), model.zero_state(1))
        return state, model.parameters.gradients.copy()

    results = []
    for disturb in (False, True):
        model = make_model(dropout=0.3)
        state, _ = step(model, model.zero_state(B), disturb)
        results.append(step(model, state, disturb)[1])
    np.testing.assert_array_equal(*results)


def test_initial_values():
    model = make_model()
    for name in model.parameters:
        value = model.parameters[name].value
        if name.startswith("lstm.") and name.endswith(".b"):
            np.testing.assert_array_equal(value, np.repeat([0, 0, 1, 0], H))
        elif name == "output.b":
            assert not value.any()
        else:
            bound = 1 if name == "lstm.0.W" else H**-0.5
            assert 0.8 * bound < np.abs(value).max() <= bound


def test_without_bias_the_gates_have_none():
    assert [name for name in make_model(bias=False).parameters if name.endswith(".b")] == [
        "output.b"
    ]


def test_single_precision_stays_single():
    model, ids = make_model(dropout=0.2), window()
    logits, state = model.forward(ids, model.zero_state(B), step=1)
    losses = model.loss.forward(logits, ids)
    dlogits = model.loss.backward()
    _, dstate = model.backward(dlogits)
    for array in (logits, *state, losses, dlogits, *dstate, model.parameters.gradients):
        assert array.dtype == np.float32
