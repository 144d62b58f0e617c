import numpy as np

from trainer.nn import Parameters

SHAPES = {"first.b": (3,), "first.W": (2, 5), "second.W": (70, 3), "second.b": (1,)}


def test_views_are_aligned_and_matrices_come_first(backend):
    parameters = Parameters(backend, SHAPES)
    address = {name: backend.address(parameters[name].value) for name in SHAPES}
    assert all(place % 256 == 0 for place in address.values())
    assert address["first.W"] < address["second.W"] < address["first.b"] < address["second.b"]
    assert list(parameters) == list(SHAPES)
    assert parameters.count == 3 + 10 + 210 + 1


def test_the_matrices_slice_holds_all_matrices_and_no_vector(backend, host):
    parameters = Parameters(backend, SHAPES)
    for name in SHAPES:
        parameters[name].value[...] = 1
    assert host(parameters.values[parameters.matrices]).sum() == 220
    assert host(parameters.values).sum() == parameters.count


def test_views_are_views(backend, host):
    parameters = Parameters(backend, SHAPES, "float64")
    parameters["second.W"].value[1, 2] = 4
    parameters["second.W"].gradient[1, 2] = 5
    assert host(parameters.values).sum() == 4
    assert host(parameters.gradients).sum() == 5
    slot = np.arange(parameters.values.size)
    assert parameters.view(slot, "second.W").shape == (70, 3)
    assert parameters["first.b"].value.dtype == np.float64
