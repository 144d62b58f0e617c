import pytest

from trainer.nn import Parameters
from trainer.optim import Clipping


@pytest.fixture
def clip(backend, host):
    def clip(gradients, norm=None, value=None, dtype="float64"):
        parameters = Parameters(backend, {"W": (len(gradients),)}, dtype)
        parameters["W"].gradient[...] = backend.asarray(gradients, dtype)
        return host(Clipping(parameters, norm, value)()), host(parameters["W"].gradient)

    return clip


def test_a_long_gradient_is_scaled_to_the_maximum(clip):
    norm, gradients = clip([3.0, 4.0], norm=1.0)
    assert norm == 5
    assert gradients.tolist() == pytest.approx([0.6, 0.8], rel=1e-6)
    assert gradients[0] == 3.0 / (5 + 1e-6)


def test_a_short_gradient_is_left_alone(clip):
    assert clip([0.3, 0.4], norm=1.0)[1].tolist() == [0.3, 0.4]


def test_elements_are_clamped(clip):
    norm, gradients = clip([-7.0, 2.0, 7.0], value=5.0)
    assert gradients.tolist() == [-5, 2, 5]
    assert norm == pytest.approx(102**0.5)


def test_without_limits_the_norm_is_measured_all_the_same(clip):
    norm, gradients = clip([30.0, 40.0])
    assert norm == 50
    assert gradients.tolist() == [30, 40]


def test_both_limits_the_norm_first(clip):
    assert clip([30.0, 40.0], norm=10.0, value=7.0)[1].tolist() == pytest.approx([6, 7], rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_keeps_the_type(clip, dtype):
    norm, gradients = clip([3, 4], norm=1.0, value=0.5, dtype=dtype)
    assert gradients.dtype == norm.dtype == dtype
