import numpy as np
import pytest

from trainer.backend.random import keep_mask


def mask(shape=(40, 25, 30), drop=0.3, seed=1, step=2, layer=3, shard=0):
    return keep_mask(shape, drop, seed=seed, step=step, layer=layer, shard=shard)


def test_the_same_key_gives_the_same_mask_and_any_other_another():
    np.testing.assert_array_equal(mask(), mask())
    for other in ({"seed": 9}, {"step": 9}, {"layer": 9}, {"shard": 1}):
        assert not np.array_equal(mask(), mask(**other))


def test_neighbouring_steps_share_no_numbers():
    """A counter that only moves on by the numbers drawn would give shifted copies."""
    first, second = mask(step=2).ravel(), mask(step=3).ravel()
    agreements = [np.mean(first[k:] == second[: first.size - k]) for k in (0, 1, 4, 8, 100)]
    assert agreements == pytest.approx([0.7**2 + 0.3**2] * 5, abs=0.02)


@pytest.mark.parametrize("drop", [0.1, 0.5, 0.9])
def test_the_share_dropped(drop):
    assert 1 - mask(drop=drop).mean() == pytest.approx(drop, abs=0.01)


def test_every_shape_is_filled_with_zeros_and_ones():
    for size in (1, 3, 4, 5):
        small = mask(shape=(size,))
        assert small.shape == (size,)
        assert small.dtype == np.uint8
        assert set(small.tolist()) <= {0, 1}


def test_known_numbers():
    """A checkpoint from elsewhere must draw the same masks here: the generator may not change."""
    drawn = keep_mask((16,), 0.5, seed=1, step=0, layer=0, shard=0)
    assert "".join(map(str, drawn)) == "1010011100001010"
