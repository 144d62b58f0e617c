"""What holds for every optimizer."""

import tracemalloc

import numpy as np
import pytest

from trainer.nn import Parameters
from trainer.optim import SGD, Adam, NonFiniteLatch, RMSProp

METHODS = [
    (SGD, {}),
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "nesterov": True}),
    (RMSProp, {}),
    (RMSProp, {"momentum": 0.9}),
    (Adam, {}),
]
every_method = pytest.mark.parametrize(
    ("method", "options"), METHODS, ids=lambda value: getattr(value, "__name__", str(value))
)


@every_method
def test_weight_decay_is_a_gradient_of_the_matrices_alone(make, method, options):
    _, _, plain = make(method, **options)
    _, _, decaying = make(method, weight_decay=0.2, **options)
    matrix, vector = decaying(0.5)
    assert vector == plain(0.5)[1]
    assert matrix == pytest.approx(make(method, **options)[2](0.5 + 0.2 * 1)[0], abs=1e-15)


@every_method
@pytest.mark.parametrize(("loss", "norm"), [(np.nan, 1.0), (1.0, np.inf), (np.inf, np.nan)])
def test_a_shut_latch_suppresses_this_and_later_updates(make, backend, method, options, loss, norm):
    _, latch, step = make(method, weight_decay=0.2, **options)

    def observe(number, *numbers):
        latch.observe(backend.asarray(number, "int64"), *map(backend.asarray, numbers))

    observe(6, 1.0, 1.0)
    before = step()
    assert latch.read() is None
    observe(7, loss, norm)
    assert step(gradient=np.nan) == before
    observe(8, 1.0, 1.0)
    assert step(gradient=0.5) == before
    assert latch.read() == 7


@every_method
def test_a_step_allocates_nothing_and_keeps_type_and_padding(backend, host, method, options):
    parameters = Parameters(backend, {"W": (99, 99), "b": (99,)})
    optimizer, latch = method(parameters, weight_decay=0.1, **options), NonFiniteLatch(backend)
    flat = (parameters.values, parameters.gradients, *optimizer.slots.values())
    assert {array.dtype for array in flat} == {np.dtype("float32")}
    parameters["W"].gradient[...] = parameters["b"].gradient[...] = 0.5
    rates = backend.asarray(optimizer.rates(1, 0.1), "float32")
    optimizer.step(rates, latch)  # the first makes the array that all work in

    tracemalloc.start()
    optimizer.step(rates, latch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < parameters.values.nbytes / 4
    for array in flat:
        padding = host(array)
        for name in parameters:
            parameters.view(padding, name)[...] = 0
        assert not padding.any()
    assert (host(parameters["W"].value) < 0).all()
    assert (host(parameters["b"].value) < 0).all()
