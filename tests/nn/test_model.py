import numpy as np
import pytest

from trainer.nn import CharacterLSTM

V, H, L, T, B = 7, 6, 2, 4, 3


@pytest.fixture
def make_model(backend):
    def make_model(**options):
        model = CharacterLSTM(backend, V, H, L, **options)
        model.initialise(np.random.default_rng(0))
        return model

    return make_model


@pytest.fixture
def window(backend):
    def window(length=T):
        return backend.asarray(np.random.default_rng(1).integers(0, V, (length, B)), "int32")

    return window


@pytest.fixture
def step(backend):
    return lambda number: backend.asarray(number, "int64")


def test_the_count_of_char_rnn_with_one_bias_a_gate(backend):
    assert CharacterLSTM(backend, 65, 128, 2).parameters.count == 239_297


@pytest.mark.parametrize("embedding_size", [None, 5])
def test_ids_and_their_one_hot_vectors_are_the_same_input(
    make_model, window, backend, host, embedding_size
):
    model, ids = make_model(embedding_size=embedding_size, dtype="float64"), window()
    gradients, outputs = [], []
    for x in (ids, backend.asarray(np.eye(V)[host(ids)])):
        logits, _ = model.forward(x, model.zero_state(B))
        outputs.append(host(logits))
        model.loss.forward(logits, ids)
        dx, _ = model.backward(model.loss.backward())
        assert (dx is None) == (x is ids)
        gradients.append(host(model.parameters.gradients))
    np.testing.assert_allclose(*outputs, rtol=0, atol=1e-14)
    np.testing.assert_allclose(*gradients, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_without_a_step_there_is_no_dropout(make_model, window, host, dropout):
    plain, dropping, ids = make_model(), make_model(dropout=dropout), window()
    expected, _ = plain.forward(ids, plain.zero_state(B))
    found, _ = dropping.forward(ids, dropping.zero_state(B))
    np.testing.assert_array_equal(host(found), host(expected))


def test_masks_depend_on_seed_and_step_alone(make_model, window, step, host):
    ids, results = window(), {}
    for seed, number in [(1, 5), (1, 6), (2, 5)]:
        model, other = (make_model(dropout=0.5, seed=seed) for _ in range(2))
        model.forward(ids, model.zero_state(B), step(99))  # history that must not matter
        logits, _ = model.forward(ids, model.zero_state(B), step(number))
        again, _ = other.forward(ids, other.zero_state(B), step(number))
        np.testing.assert_array_equal(host(logits), host(again))
        results[seed, number] = host(logits)
    assert not np.array_equal(results[1, 5], results[1, 6])
    assert not np.array_equal(results[1, 5], results[2, 5])


def test_the_state_given_is_not_changed_and_the_one_returned_is_new(make_model, window, host):
    model = make_model()
    state = model.zero_state(B)
    _, after = model.forward(window(), state)
    kept = [host(array) for array in after]
    assert not any(host(array).any() for array in state)
    model.forward(window(2 * T), after)
    np.testing.assert_array_equal([host(array) for array in after], kept)


def test_evaluation_in_between_does_not_touch_training(make_model, window, step, host):
    def learn(model, state, disturb):
        logits, state = model.forward(window(), state, step(0))
        model.loss.forward(logits, window())
        model.backward(model.loss.backward())
        if disturb:
            model.forward(window(9)[:, :1].copy(), model.zero_state(1))
        return state, host(model.parameters.gradients)

    results = []
    for disturb in (False, True):
        model = make_model(dropout=0.3)
        state, _ = learn(model, model.zero_state(B), disturb)
        results.append(learn(model, state, disturb)[1])
    np.testing.assert_array_equal(*results)


def test_initial_values(make_model, host):
    model = make_model()
    for name in model.parameters:
        value = host(model.parameters[name].value)
        if name.startswith("lstm.") and name.endswith(".b"):
            np.testing.assert_array_equal(value, np.repeat([0, 0, 1, 0], H))
        elif name == "output.b":
            assert not value.any()
        else:
            bound = 1 if name == "lstm.0.W" else H**-0.5
            assert 0.8 * bound < np.abs(value).max() <= bound


def test_without_bias_the_gates_have_none(make_model):
    assert [name for name in make_model(bias=False).parameters if name.endswith(".b")] == [
        "output.b"
    ]


def test_single_precision_stays_single(make_model, window, step):
    model, ids = make_model(dropout=0.2), window()
    logits, state = model.forward(ids, model.zero_state(B), step(1))
    losses = model.loss.forward(logits, ids)
    dlogits = model.loss.backward()
    _, dstate = model.backward(dlogits)
    for array in (logits, *state, losses, dlogits, *dstate, model.parameters.gradients):
        assert array.dtype == np.float32
